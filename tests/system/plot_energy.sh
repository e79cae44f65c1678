#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A result's CSV becomes a picture; what is no result is refused.
source "$(dirname "$0")/support.sh"
source_dir=$1
build_dir=$2

"$build_dir/memwall" compare von_neumann northpole --network tiny_two --configs "$source_dir/configs" \
    --csv "$work/result.csv" >/dev/null 2>&1
"$source_dir/scripts/plot_energy.py" "$work/result.csv" "$work/energy.png"
expect_equal "$(head -c 8 "$work/energy.png" | od -An -tx1 | tr -d ' \n')" 89504e470d0a1a0a "the picture's first bytes"
[[ $(stat -c %s "$work/energy.png") -gt 10000 ]] || failed "the picture is too small to show anything"

echo "a,b" >"$work/other.csv"
echo "1,2" >>"$work/other.csv"
if said=$("$source_dir/scripts/plot_energy.py" "$work/other.csv" "$work/none.png" 2>&1); then
    failed "a file that is no result was drawn"
fi
expect_contains "$said" "error: cannot read '$work/other.csv' as a result" "what is said of it"
[[ ! -e "$work/none.png" ]] || failed "a picture of nothing was left"
