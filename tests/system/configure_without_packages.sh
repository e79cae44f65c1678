#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Without a package, CMake says in one line which one to install.
source "$(dirname "$0")/support.sh"
source_dir=$1

# expect_line PACKAGE LINE: what CMake says without PACKAGE
expect_line() {
    local status=0
    cmake -S "$source_dir" -B "$work/$1" "-DCMAKE_DISABLE_FIND_PACKAGE_$1=ON" >"$work/log" 2>&1 || status=$?
    [[ $status -ne 0 ]] || failed "CMake configured without $1"
    expect_equal "$(grep 'is missing' "$work/log" || true)" "  $2" "the line that names the package"
}

expect_line SystemC "SystemC is missing: apt-get install libsystemc-dev"
expect_line Onnx "Onnx is missing: apt-get install libonnx-dev libprotobuf-dev"
