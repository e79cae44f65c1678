#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The sweeps of configs/experiments give the answers of docs/experiments.md and docs/memory_wall.md: those that take little time here, all of them in
# scripts/check_all; the others run on a small network.
source "$(dirname "$0")/support.sh"
source_dir=$1
build_dir=$2
export MEMWALL=$build_dir/memwall MEMWALL_CONFIGS=$source_dir/configs PYTHONDONTWRITEBYTECODE=1

if ! /usr/bin/python3 -c "import pandas, matplotlib" 2>/dev/null; then
    echo "skipped: python3-pandas or python3-matplotlib is not installed"
    exit 0
fi
cd "$work"
answered="buffer_size bandwidth_wall array_shape core_count technology wall_capacity wall_bandwidth wall_node"
# shellcheck disable=SC2086  # a word a name
"$source_dir/scripts/experiments.py" $answered --check --text-only

for file in "$source_dir"/configs/experiments/*.yaml; do
    name=$(basename "$file" .yaml)
    grep -q '^sweep:' "$file" || continue
    grep -q '^question: "..*"' "$file" || failed "$name asks no question"
    grep -q "^<!-- $name: begin -->" "$source_dir/docs/experiments.md" "$source_dir/docs/memory_wall.md" ||
        failed "no page has an answer of $name"
    if [[ " $answered " != *" $name "* ]]; then
        sed -E 's/^  network: .*/  network: [lenet]/; s/^(base: .*network: )\w+/\1lenet/' "$file" >"$name.yaml"
        said=$("$MEMWALL" sweep "$name.yaml" --out "$name" 2>&1 >/dev/null | tail -1)
        expect_contains "$said" " 0 found, 0 failed" "the end of the sweep $name"
    fi
done

# An answer that is not the sweep's is told.
mkdir clone clone/docs
for part in configs scripts; do
    ln -s "$source_dir/$part" "clone/$part"
done
cp -r "$source_dir/docs/pictures" clone/docs/pictures
cp "$source_dir/docs/memory_wall.md" clone/docs/
sed 's/^From 45 to 5 nm an image needs [0-9.]* times/From 45 to 5 nm an image needs 99 times/' "$source_dir/docs/experiments.md" >clone/docs/experiments.md
if said=$(clone/scripts/experiments.py technology --check --text-only 2>&1); then
    failed "a wrong answer was accepted"
fi
expect_contains "$said" "docs/experiments.md says of technology" "what is said of a wrong answer"
