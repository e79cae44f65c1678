#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The table of a sweep becomes pictures of each kind; the command that a sweep names draws; what is no table is refused.
source "$(dirname "$0")/support.sh"
source_dir=$1
build_dir=$2
plot=$source_dir/scripts/plot

# sweep NAME: runs NAME.yaml; prints what is said
sweep() {
    "$build_dir/memwall" sweep "$work/$1.yaml" --out "$work/$1" --configs "$source_dir/configs" 2>/dev/null
}
cat >"$work/s.yaml" <<'END'
sweep: s
base: {machine: tiny_von_neumann, network: tiny_conv, engine: analytic}
grid: {machine.clock: [200 MHz, 0.4 GHz], batch: [1, 2, 4]}
END
# Parameters that are zipped are one axis: lines, not a map, and one line.
cat >"$work/zip.yaml" <<'END'
sweep: zip
base: {machine: tiny_von_neumann, network: tiny_conv, engine: analytic}
zip: {machine.clock: [200 MHz, 400 MHz, 800 MHz], batch: [1, 2, 4]}
END
cat >"$work/nets.yaml" <<'END'
sweep: nets
base: {machine: tiny_von_neumann, engine: analytic}
grid: {machine.clock: [200 MHz, 400 MHz], network: [tiny_conv, tiny_two], batch: [1, 2]}
END
named=()
for name in s zip nets; do
    said=$(sweep "$name")
    command=$(sed -n 's/^plot: *//p' <<<"$said")
    expect_contains "$command" "scripts/plot/" "what the sweep $name names"
    named+=("$command")
done
expect_contains "${named[1]}" "lines.py $work/zip/results.csv" "the plot of a sweep of zipped parameters"
cp "$work/s/results.csv" "$work/table.csv"

# As people call it.
"$plot/lines.py" "$work/table.csv" "$work/lines.png"
expect_equal "$(head -c 8 "$work/lines.png" | od -An -tx1 | tr -d ' \n')" 89504e470d0a1a0a "the picture's first bytes"
"$plot/pareto.py" "$work/table.csv" "$work/front.pdf"
expect_equal "$(head -c 5 "$work/front.pdf")" "%PDF-" "the page's first bytes"
"$plot/lines.py" "$work/zip/results.csv" "$work/zip.svg"
[[ $(cat "$work/zip.svg") != *"batch 1"* ]] || failed "a zipped parameter made a line of its own"

# expect_refusal STATUS PART COMMAND...
expect_refusal() {
    local expected=$1 part=$2 said status=0
    shift 2
    said=$("$@" 2>&1) || status=$?
    expect_equal "$status" "$expected" "the exit status of $*"
    expect_contains "$said" "$part" "what is said of $*"
}
expect_refusal 2 "expected a name that ends in .png" "$plot/lines.py" "$work/table.csv" "$work/none.bmp"
echo "a,b" >"$work/other.csv"
expect_refusal 2 "is no table of a sweep" "$plot/pareto.py" "$work/other.csv" "$work/none.png"

# A Python without matplotlib still helps, and says what is missing.
mkdir "$work/bare"
echo "raise ImportError('No module named matplotlib')" >"$work/bare/matplotlib.py"
for script in "$plot"/*.py; do
    if grep -q '^#!' "$script"; then
        PYTHONPATH=$work/bare "$script" --help >"$work/help" || failed "$script --help wants matplotlib"
    fi
done
expect_refusal 1 "python3-matplotlib" env PYTHONPATH="$work/bare" "$plot/lines.py" "$work/table.csv" "$work/none.png"

cd "$work"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$plot:$source_dir/tests/system /usr/bin/python3 "$source_dir/tests/system/sweep_plots.py" "${named[@]}"
