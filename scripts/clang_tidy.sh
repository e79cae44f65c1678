#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs clang-tidy, warnings as errors, over source files of a build.
#   scripts/clang_tidy.sh [--within SECONDS] BUILD_DIR [FILE]...
# Without files: over every source file that the build compiles. After SECONDS no further file is begun; those left are
# named. A header is checked through the source file beside it, and files outside the build are left out.
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export deadline=""
if [[ "${1:-}" == --within ]]; then
    deadline=$(($(date +%s) + ${2:?--within needs seconds}))
    shift 2
fi
build_dir=$(cd "${1:?the folder of a build}" && pwd)
shift
cd "$source_dir"
tidy=$(command -v clang-tidy-14 || command -v clang-tidy) || { echo "error: clang-tidy is not installed" >&2; exit 1; }

# Without the precompiled headers of g++, which clang can't read: each file is also seen to include what it uses.
commands=$(mktemp -d)
trap 'rm -rf "$commands"' EXIT
sed -E 's/ -Winvalid-pch -include [^ ]*cmake_pch\.hxx//' "$build_dir/compile_commands.json" >"$commands/compile_commands.json"
compiled=$(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$commands/compile_commands.json" |
    grep -v '/cmake_pch\.hxx\.cxx$' | sort -u)
files=()
if [[ $# -eq 0 ]]; then
    mapfile -t files <<<"$compiled"
else
    for file in "$@"; do
        source_file="$source_dir/${file%.*}.cpp"
        if grep -qxF "$source_file" <<<"$compiled"; then
            files+=("$source_file")
        fi
    done
fi
if [[ ${#files[@]} -eq 0 ]]; then
    exit 0
fi
# shellcheck disable=SC2016 # the inner shell expands it
printf '%s\n' "${files[@]}" | sort -u |
    xargs -P "${MEMWALL_JOBS:-$(nproc)}" -n 1 bash -c '
        if [[ -n "$deadline" && $(date +%s) -ge "$deadline" ]]; then
            echo "not read, the time is over: $2"
            exit
        fi
        exec "$0" -p "$1" --quiet --warnings-as-errors="*" "$2"' "$tidy" "$commands" 2>&1 |
    { grep -v -E '^[0-9]+ warnings? (generated|treated as errors?)\.?$|^Suppressed |^Use -header-filter' || true; }
