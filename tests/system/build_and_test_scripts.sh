#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# build.sh and test.sh hand each option to the tool it belongs to, and fail when that tool fails.
# Stand-ins take the place of cmake and ctest.
source "$(dirname "$0")/support.sh"
source_dir=$1
export MEMWALL_SKIP_DEPS=1 MEMWALL_JOBS=2 MEMWALL_BUILD_DIR=$work/build

mkdir "$work/bin"
for tool in cmake ctest; do
    cat >"$work/bin/$tool" <<END
#!/bin/bash
echo "$tool \$*" >>"$work/calls"
[[ ! -e "$work/$tool.fails" ]]
END
done
chmod 755 "$work/bin/"*
export PATH=$work/bin:$PATH

"$source_dir/scripts/build.sh" -DMEMWALL_WERROR=ON --target memwall --target base_test
expect_contains "$(sed -n 1p "$work/calls")" "-S $source_dir -B $work/build" "the first call"
expect_contains "$(sed -n 1p "$work/calls")" "-DMEMWALL_WERROR=ON" "the first call"
expect_equal "$(sed -n 2p "$work/calls")" "cmake --build $work/build --parallel 2 --target memwall base_test" \
    "the second call"

rm "$work/calls"
"$source_dir/scripts/test.sh" -R quantity -DMEMWALL_WERROR=ON -j 1
expect_contains "$(sed -n 1p "$work/calls")" "-DMEMWALL_WERROR=ON" "configuring"
[[ "$(sed -n 1p "$work/calls")" != *quantity* ]] || failed "CMake got an option of ctest"
expect_equal "$(sed -n 2p "$work/calls")" "cmake --build $work/build --parallel 2" "building"
expect_contains "$(sed -n 3p "$work/calls")" "ctest --test-dir $work/build" "testing"
expect_contains "$(sed -n 3p "$work/calls")" "-R quantity -j 1" "testing"

for tool in cmake ctest; do
    touch "$work/$tool.fails"
    if "$source_dir/scripts/test.sh"; then
        failed "test.sh succeeds although $tool fails"
    fi
    rm "$work/$tool.fails"
done
