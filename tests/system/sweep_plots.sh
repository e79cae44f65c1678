#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The table of a sweep becomes pictures of each kind; what is no table is refused.
source "$(dirname "$0")/support.sh"
source_dir=$1
build_dir=$2

cat >"$work/s.yaml" <<'END'
sweep: s
base: {machine: tiny_von_neumann, network: tiny_conv, engine: analytic}
grid: {machine.clock: [200 MHz, 0.4 GHz], batch: [1, 2, 4]}
END
"$build_dir/memwall" sweep "$work/s.yaml" --out "$work/out" --configs "$source_dir/configs" >/dev/null 2>&1
table=$work/out/results.csv
plot=$source_dir/scripts/plot
for script in lines heatmap pareto bars; do
    "$plot/$script.py" --help >"$work/help"
    "$plot/$script.py" "$table" "$work/$script.svg"
    "$plot/$script.py" "$table" "$work/again.svg"
    cmp -s "$work/$script.svg" "$work/again.svg" || failed "$script.py draws the same table differently"
done
"$plot/lines.py" "$table" "$work/lines.png"
expect_equal "$(head -c 8 "$work/lines.png" | od -An -tx1 | tr -d ' \n')" 89504e470d0a1a0a "the picture's first bytes"
"$plot/pareto.py" "$table" "$work/front.pdf"
expect_equal "$(head -c 5 "$work/front.pdf")" "%PDF-" "the page's first bytes"
expect_contains "$(cat "$work/lines.svg")" "clock (MHz)" "the unit of an axis"

# Several metrics, and the ratio of two, in one picture.
"$plot/lines.py" "$table" "$work/ratio.svg" --y energy_static_j/macs energy_data_movement_j/macs
expect_contains "$(cat "$work/ratio.svg")" "energy per mac (pJ)" "the axis that two ratios share"
expect_contains "$(cat "$work/ratio.svg")" "batch 4, data movement" "a line of one metric"
"$plot/lines.py" "$table" "$work/plain.svg" --y energy_static_j/energy_j
expect_contains "$(cat "$work/plain.svg")" ">energy static per energy<" "the axis of a ratio without unit"

# Parameters that are zipped are one axis: lines, not a map, and one line.
cat >"$work/zip.yaml" <<'END'
sweep: zip
base: {machine: tiny_von_neumann, network: tiny_conv, engine: analytic}
zip: {machine.clock: [200 MHz, 400 MHz, 800 MHz], batch: [1, 2, 4]}
END
said=$("$build_dir/memwall" sweep "$work/zip.yaml" --out "$work/zip" --configs "$source_dir/configs" 2>/dev/null)
expect_contains "$said" "scripts/plot/lines.py $work/zip/results.csv" "the plot of a sweep of zipped parameters"
"$plot/lines.py" "$work/zip/results.csv" "$work/zip.svg"
[[ $(cat "$work/zip.svg") != *"batch 1"* ]] || failed "a zipped parameter made a line of its own"

# expect_refusal PART COMMAND...
expect_refusal() {
    local part=$1 said
    shift
    if said=$("$@" 2>&1); then
        failed "accepted: $*"
    fi
    expect_contains "$said" "$part" "what is said of $*"
}
expect_refusal "has no column 'colour'" "$plot/lines.py" "$table" "$work/none.png" --y colour
expect_refusal "metrics of one picture have one unit" "$plot/lines.py" "$table" "$work/none.png" --y latency_s power_w
expect_refusal "expected a name that ends in .png" "$plot/lines.py" "$table" "$work/none.bmp"
echo "a,b" >"$work/other.csv"
expect_refusal "is no table of a sweep" "$plot/pareto.py" "$work/other.csv" "$work/none.png"
