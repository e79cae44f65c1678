#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing and builds memwall into build/; the program is build/memwall.
#   scripts/build.sh [--target NAME]... [CMAKE OPTION]...      for example -DMEMWALL_WERROR=ON
# MEMWALL_BUILD_DIR names another folder, MEMWALL_JOBS the number of jobs (default: one a processor).
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=${MEMWALL_BUILD_DIR:-$source_dir/build}
jobs=${MEMWALL_JOBS:-$(nproc)}

targets=()
options=()
while [[ $# -gt 0 ]]; do
    if [[ "$1" == --target ]]; then
        targets+=("${2:?--target needs a name}")
        shift
    else
        options+=("$1")
    fi
    shift
done

"$source_dir/scripts/install_deps.sh" build

# A folder that was configured before keeps its generator: CMake refuses to change it.
generator=()
if [[ ! -f "$build_dir/CMakeCache.txt" ]] && command -v ninja >/dev/null; then
    generator=(-G Ninja)
fi
cmake -S "$source_dir" -B "$build_dir" "${generator[@]}" --log-level=WARNING -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
    "${options[@]}"
# Said on standard error, like all progress: what a caller prints stays alone on standard output.
cmake --build "$build_dir" --parallel "$jobs" ${targets[@]:+--target "${targets[@]}"} >&2
