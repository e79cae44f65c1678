#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Draws the pictures of docs/pictures again, from results made anew; the same program gives the same bytes. Takes two minutes.
#   scripts/plot/pictures.sh [--check]      --check only compares, and names those that differ
# MEMWALL names the program (build/memwall).
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
memwall=${MEMWALL:-$source_dir/build/memwall}
pictures=$source_dir/docs/pictures
plot=$source_dir/scripts/plot
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
drawn=$work/drawn
mkdir "$drawn"

run() {
    if ! "$memwall" "$@" --configs "$source_dir/configs" >"$work/said" 2>&1; then
        cat "$work/said" >&2
        exit 1
    fi
}

run run memory_wall --csv "$work/memory_wall.csv"
"$plot/energy.py" "$work/memory_wall.csv" "$drawn/memory_wall.png"

run compare von_neumann northpole --network resnet18 --precision int8 --csv "$work/pair.csv"
"$plot/energy.py" "$work/pair.csv" "$drawn/energy.png"
"$plot/energy.py" "$work/pair.csv" "$drawn/energy_layers.png" --bars layer --by kind --run 1

run run --machine von_neumann --network resnet18 --batch 4 --set machine.components.global_buffer.capacity=1MiB --json "$work/small.json"
for picture in roofline.svg traffic.svg timeline.png; do
    "$plot/${picture%.*}.py" "$work/small.json" "$drawn/$picture"
done

run show memory --machine northpole --network resnet18 --precision int8 --core 3,7 --json "$work/core.json"
"$plot/memory_map.py" "$work/core.json" "$drawn/memory_map.png"

run run --machine northpole --network resnet50 --precision int4 --engine analytic --json "$work/northpole.json"
run show result "$work/northpole.json" --floorplan "$drawn/floorplan.svg" --by power
"$source_dir/scripts/sensitivity.py" --memwall "$memwall" --csv "$work/tornado.csv"
"$plot/tornado.py" "$work/tornado.csv" "$drawn/tornado.svg"

cat >"$work/bandwidth.yaml" <<'END'
sweep: bandwidth
base: {machine: von_neumann, network: resnet18, precision: int8, engine: analytic, effort: quick}
grid:
  machine.components.global_buffer.capacity: {from: 512 KiB, to: 16 MiB, steps: 6, scale: log}
  machine.components.dram.bandwidth: [100 GB/s, 300 GB/s, 900 GB/s]
END
run sweep "$work/bandwidth.yaml" --out "$work/bandwidth"
"$plot/lines.py" "$work/bandwidth/results.csv" "$drawn/lines.svg" --y latency_s
"$plot/heatmap.py" "$work/bandwidth/results.csv" "$drawn/heatmap.svg"
"$plot/pareto.py" "$work/bandwidth/results.csv" "$drawn/pareto.svg"

if [[ "${1:-}" != --check ]]; then
    cp "$drawn"/* "$pictures/"
    exit 0
fi
differ=0
for picture in "$drawn"/*; do
    if ! cmp -s "$picture" "$pictures/$(basename "$picture")"; then
        echo "docs/pictures/$(basename "$picture") is not what scripts/plot/pictures.sh draws" >&2
        differ=1
    fi
done
exit $differ
