#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Without SystemC, CMake says in one line which package to install.
source "$(dirname "$0")/support.sh"
source_dir=$1

status=0
cmake -S "$source_dir" -B "$work/build" -DCMAKE_DISABLE_FIND_PACKAGE_SystemC=ON >"$work/log" 2>&1 || status=$?
[[ $status -ne 0 ]] || failed "CMake configured without SystemC"
line=$(grep 'libsystemc-dev' "$work/log" || true)
expect_equal "$line" "  SystemC is missing: apt-get install libsystemc-dev" "the line that names the package"
