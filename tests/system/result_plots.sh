#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A result becomes pictures of each kind, the same each time and with the result's numbers in them; what is no result is refused.
source "$(dirname "$0")/support.sh"
source_dir=$1
build_dir=$2
plot=$source_dir/scripts/plot

"$build_dir/memwall" compare tiny_von_neumann tiny_northpole --network tiny_two --configs "$source_dir/configs" \
    --csv "$work/pair.csv" --json "$work/pair.json" >/dev/null 2>&1
"$build_dir/memwall" show memory --machine tiny_northpole --network tiny_two --core 1,0 --configs "$source_dir/configs" \
    --json "$work/core.json" >/dev/null
"$build_dir/memwall" show memory --machine tiny_northpole --network tiny_two --configs "$source_dir/configs" --csv "$work/cores.csv" >/dev/null
echo "a,b" >"$work/other.csv"
echo "1,2" >>"$work/other.csv"
echo '{"schema": "other/1"}' >"$work/other.json"

# As people call it.
"$plot/energy.py" "$work/pair.csv" "$work/energy.png"
expect_equal "$(head -c 8 "$work/energy.png" | od -An -tx1 | tr -d ' \n')" 89504e470d0a1a0a "the picture's first bytes"
if said=$("$plot/energy.py" "$work/other.csv" "$work/none.png" 2>&1); then
    failed "a file that is no result was drawn"
fi
expect_equal "$said" "error: '$work/other.csv' is no result; expected what memwall run or compare --csv writes" "what is said of it"
[[ ! -e "$work/none.png" ]] || failed "a picture of nothing was left"

cd "$work"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$plot:$source_dir/tests/system /usr/bin/python3 "$source_dir/tests/system/result_plots.py"
