#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and runs all tests.
#   scripts/test.sh [-DCMAKE_OPTION=...]... [CTEST OPTION]...      for example -R quantity, or -j 1
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=${MEMWALL_BUILD_DIR:-$source_dir/build}
jobs=${MEMWALL_JOBS:-$(nproc)}

cmake_options=()
ctest_options=()
for option in "$@"; do
    if [[ "$option" == -D*=* ]]; then
        cmake_options+=("$option")
    else
        ctest_options+=("$option")
    fi
done

"$source_dir/scripts/install_deps.sh" build plot python
"$source_dir/scripts/build.sh" -DMEMWALL_TESTS=ON "${cmake_options[@]}"
ctest --test-dir "$build_dir" --parallel "$jobs" --output-on-failure --no-tests=error --progress "${ctest_options[@]}"
