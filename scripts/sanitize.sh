#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds with the address and undefined-behaviour sanitizers into build-sanitize/ and runs tests there.
#   scripts/sanitize.sh quick [ROOM]...    the tests of the rooms (default: all) but those tagged [slow], one process a room
#   scripts/sanitize.sh all                every test, through ctest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
which=${1:-quick}
if [[ "$which" != quick && "$which" != all ]]; then
    echo "error: expected quick or all, found '$which'" >&2
    exit 2
fi
rooms=("${@:2}")
if [[ ${#rooms[@]} -eq 0 ]]; then
    rooms=(base workloads arch sim study)
fi

export MEMWALL_BUILD_DIR=$PWD/build-sanitize
targets=()
if [[ "$which" == quick ]]; then
    for room in "${rooms[@]}"; do
        targets+=(--target "${room}_test")
    done
fi
# A build type of its own: Release's -O3 takes long to compile with the sanitizers and finds no more.
scripts/build.sh "${targets[@]}" -DMEMWALL_SANITIZE=ON -DMEMWALL_TESTS=ON -DMEMWALL_WERROR=ON -DCMAKE_BUILD_TYPE=Sanitize \
    -DCMAKE_CXX_FLAGS_SANITIZE="-O1 -g1 -D_GLIBCXX_ASSERTIONS"
export UBSAN_OPTIONS=print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}
# SystemC switches stacks by itself, which this check of the address sanitizer does not survive.
export ASAN_OPTIONS=detect_stack_use_after_return=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
if [[ "$which" == all ]]; then
    export MEMWALL_PATIENCE=10  # of tests that wait for a program
    ctest --test-dir build-sanitize --parallel "${MEMWALL_JOBS:-$(nproc)}" --output-on-failure --no-tests=error
    exit
fi
# shellcheck disable=SC2016 # the inner shell expands it
printf '%s\n' "${rooms[@]}" | xargs -P "${MEMWALL_JOBS:-$(nproc)}" -I '{}' bash -c '
    found=$("build-sanitize/tests/$0/$0_test" "~[slow]" 2>&1) && status=0 || status=$?
    echo "$0:"
    echo "$found"
    exit "$status"' '{}'
