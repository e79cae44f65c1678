#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every block of commands in the README and the pages of docs/ runs, and prints what is shown below it; with --slow as the
# third argument those that take long.
source "$(dirname "$0")/support.sh"
source_dir=$(realpath "$1")
build_dir=$(realpath "$2")

# A folder that looks like a clone that was built: what the commands write stays out of the source tree.
for part in configs docs scripts README.md LICENSE; do
    ln -s "$source_dir/$part" "$work/$part"
done
ln -s "$build_dir" "$work/build"
cd "$work"
unset MEMWALL_CONFIGS
"$source_dir/tests/system/docs_commands.py" "${@:3}" README.md docs/*.md configs/*.md
