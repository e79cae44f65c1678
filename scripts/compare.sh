#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ResNet-50 on a Von Neumann accelerator and on a NorthPole chip: installs what is missing, builds, runs both in
# SystemC, prints them side by side, and leaves results/resnet50/{result.json,result.csv,energy.png}. The last lines say
# what was found.
#   scripts/compare.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=${MEMWALL_BUILD_DIR:-$source_dir/build}
results=${MEMWALL_RESULTS:-$source_dir/results}/resnet50

"$source_dir/scripts/install_deps.sh" build plot
"$source_dir/scripts/build.sh" --target memwall
mkdir -p "$results"
memwall=("$build_dir/memwall")
configs=(--configs "$source_dir/configs")

"${memwall[@]}" compare von_neumann northpole --network resnet50 --precision int4 --batch 32 "${configs[@]}"
echo
# Printed when the picture is drawn, so that what was found comes last.
report=$("${memwall[@]}" run memory_wall "${configs[@]}" --json "$results/result.json" --csv "$results/result.csv")
"$source_dir/scripts/plot/energy.py" "$results/result.csv" "$results/energy.png"
echo "$report"
