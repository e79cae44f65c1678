# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the system tests share: a folder of their own, and checks that say what they found.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

failed() {
    echo "FAILED: $*" >&2
    exit 1
}

# expect_equal FOUND EXPECTED WHAT
expect_equal() {
    [[ "$1" == "$2" ]] || failed "$3: expected '$2', found '$1'"
}

# expect_contains TEXT PART WHAT
expect_contains() {
    [[ "$1" == *"$2"* ]] || failed "$3: expected '$2' in '$1'"
}

expect_file() {
    [[ -e "$1" ]] || failed "there is no $1"
}
