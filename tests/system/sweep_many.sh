#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A sweep of very many points in little memory, none lost when it is taken up again or collected; tells time and memory of each step.
# Too long for every run: scripts/check_all calls it.
#   sweep_many.sh SOURCE_DIR BUILD_DIR [THOUSANDS OF POINTS]
source "$(dirname "$0")/support.sh"
source_dir=$1
build_dir=$2
thousands=${3:-100}
points=$((thousands * 1000))

cat >"$work/s.yaml" <<END
sweep: many
base: {machine: tiny_von_neumann, network: tiny_conv, engine: analytic, effort: quick}
grid:
  machine.clock: {from: 100 MHz, to: 1 GHz, steps: 1000, round: 1 kHz}
  batch: {from: 1, to: $thousands, steps: $thousands}
END

# step NAME MEMWALL-ARGUMENTS...: runs it, tells what it took, and keeps its last line in $said
step() {
    local name=$1 taken memory
    shift
    "$build_dir/memwall" "$@" --configs "$source_dir/configs" >"$work/out.txt" 2>"$work/err.txt" || failed "$name: $(tail -1 "$work/err.txt")"
    said=$(tail -1 "$work/err.txt")
    taken=$(grep '^memwall: [0-9.]* s, [0-9]* MB$' "$work/err.txt")
    echo "$name: ${taken#memwall: }"
    memory=${taken##*, }
    memory=${memory% MB}
    [[ $memory -lt 200 ]] || failed "$name took $memory MB; expected below 200 MB"
}

step "$points points" sweep "$work/s.yaml" --out "$work/many"
expect_equal "$said" "$points points, 0 found, 0 failed" "the end of the sweep"
cp "$work/many/results.csv" "$work/first.csv"
expect_equal "$(wc -l <"$work/first.csv")" $((points + 1)) "the lines of the table"
step "the same again" sweep "$work/s.yaml" --out "$work/many"
expect_equal "$said" "$points points, $points found, 0 failed" "the end of the same command"
step "collect" sweep collect "$work/many"
cmp -s "$work/first.csv" "$work/many/results.csv" || failed "collect makes another table"

# A tenth of it is lost: the rest is found.
shard=("$work"/many/shards/*.shard)
head -n $((points * 9 / 10 + 1)) "${shard[0]}" >"$work/most" && mv "$work/most" "${shard[0]}"
step "the tenth that is missing" sweep "$work/s.yaml" --out "$work/many"
expect_equal "$said" "$points points, $((points * 9 / 10)) found, 0 failed" "the end of a sweep that lost a tenth"
cmp -s "$work/first.csv" "$work/many/results.csv" || failed "the table differs after a tenth of it was lost"
