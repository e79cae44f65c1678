#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds with the address and undefined-behaviour sanitizers into build-sanitize/ and runs tests there.
#   scripts/sanitize.sh quick      the tests of each room but those tagged [slow], one process a room
#   scripts/sanitize.sh all        every test, through ctest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
which=${1:-quick}
if [[ "$which" != quick && "$which" != all ]]; then
    echo "error: expected quick or all, found '$which'" >&2
    exit 2
fi

export MEMWALL_BUILD_DIR=$PWD/build-sanitize
# No build type: Release's -O3 takes long to compile with the sanitizers and finds no more.
scripts/build.sh -DMEMWALL_SANITIZE=ON -DMEMWALL_TESTS=ON -DCMAKE_BUILD_TYPE=Sanitize \
    -DCMAKE_CXX_FLAGS="-O1 -g1 -D_GLIBCXX_ASSERTIONS"
export UBSAN_OPTIONS=print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}
# SystemC switches stacks by itself, which this check of the address sanitizer does not survive.
export ASAN_OPTIONS=detect_stack_use_after_return=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
if [[ "$which" == all ]]; then
    ctest --test-dir build-sanitize --parallel "${MEMWALL_JOBS:-$(nproc)}" --output-on-failure --no-tests=error
    exit
fi
# shellcheck disable=SC2016 # the inner shell expands it
printf '%s\n' build-sanitize/tests/*/*_test | xargs -P "${MEMWALL_JOBS:-$(nproc)}" -I '{}' bash -c '
    found=$("$0" "~[slow]" 2>&1) && status=0 || status=$?
    echo "$(basename "$0"):"
    echo "$found"
    exit "$status"' '{}'
