#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is installed stands below the prefix, also behind DESTDIR, and is gone after `uninstall`.
source "$(dirname "$0")/support.sh"
source_dir=$1
build_dir=$2

# The manifest of a real installation from this build must outlive the test.
manifest=$build_dir/install_manifest.txt
if [[ -f "$manifest" ]]; then
    cp "$manifest" "$work/manifest"
fi
restore() {
    rm -f "$manifest"
    if [[ -f "$work/manifest" ]]; then
        cp "$work/manifest" "$manifest"
    fi
    rm -rf "$work"
}
trap restore EXIT

uninstall() {
    cmake --build "$build_dir" --target uninstall >/dev/null
}
files_below() {
    find "$1" -type f | wc -l
}

cmake --install "$build_dir" --prefix "$work/prefix" >/dev/null
shipped=$(files_below "$source_dir/configs")
expect_equal "$(files_below "$work/prefix/share/memwall/configs")" "$shipped" "installed configuration files"
if [[ -x "$build_dir/memwall" ]]; then
    expect_equal "$(cd / && "$work/prefix/bin/memwall" --version)" "$("$build_dir/memwall" --version)" \
        "the version of the installed program"
    # From anywhere, with the configurations that were installed beside it.
    expect_contains "$(cd / && "$work/prefix/bin/memwall" show paths)" \
        "names are looked up in $work/prefix/share/memwall/configs" "where the installed program looks"
    expect_contains "$(cd / && "$work/prefix/bin/memwall" run --machine northpole --network lenet 2>&1)" \
        "lenet on northpole" "a run of the installed program"
fi
expect_file "$work/prefix/share/bash-completion/completions/memwall"
touch "$work/prefix/share/foreign"
uninstall
expect_equal "$(find "$work/prefix" -type f)" "$work/prefix/share/foreign" "what is left after uninstall"
[[ ! -e "$work/prefix/share/memwall" ]] || failed "an empty folder is left after uninstall"

export DESTDIR=$work/stage
cmake --install "$build_dir" --prefix /opt/memwall-test >/dev/null
expect_equal "$(files_below "$work/stage/opt/memwall-test/share/memwall/configs")" "$shipped" "files behind DESTDIR"
[[ ! -e /opt/memwall-test ]] || failed "DESTDIR was not honoured"
uninstall
expect_equal "$(files_below "$work/stage")" 0 "files behind DESTDIR after uninstall"
