#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The installer of packages: silent where nothing is missing, one line where it installs, clear where it cannot.
# Stand-ins for dpkg-query and apt-get take the place of the system's.
source "$(dirname "$0")/support.sh"
unset MEMWALL_SKIP_DEPS
cp "$1/scripts/install_deps.sh" "$work/install_deps.sh"
chmod 755 "$work"

mkdir "$work/bin"
cat >"$work/bin/dpkg-query" <<END
#!/bin/bash
# dpkg-query -W -f FORMAT PACKAGE, with the packages of the file 'missing' missing
grep -qx "\$4" "$work/missing" && exit 1
printf installed
END
cat >"$work/bin/apt-get" <<END
#!/bin/bash
echo "noise of apt-get"
echo "\$*" >>"$work/calls"
[[ ! -e "$work/offline" ]]
END
chmod 755 "$work/bin/dpkg-query" "$work/bin/apt-get"
export PATH=$work/bin:$PATH

# run COMMAND...: its output goes to \$output, its exit status to \$status
run() {
    status=0
    output=$("$@" 2>&1) || status=$?
}

: >"$work/missing"
run "$work/install_deps.sh"
expect_equal "$status:$output" "0:" "with nothing missing"
[[ ! -e "$work/calls" ]] || failed "apt-get was called with nothing missing"

run "$work/install_deps.sh" no_such_group
expect_equal "$status:$output" \
    "2:error: unknown group of packages 'no_such_group'; expected one of build, plot, python, slurm, check, image" "with an unknown group"

printf 'ninja-build\nlibsystemc-dev\n' >"$work/missing"
MEMWALL_SKIP_DEPS=1 run "$work/install_deps.sh"
expect_equal "$status:$output" "0:" "with the check switched off"

as_nobody=()
if [[ $EUID -eq 0 ]]; then
    as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
run "${as_nobody[@]}" "$work/install_deps.sh"
expect_equal "$status" 1 "the status without root"
expect_contains "$output" "only root can install them: sudo apt-get install ninja-build libsystemc-dev" "without root"
[[ ! -e "$work/calls" ]] || failed "apt-get was called without root"

if [[ $EUID -eq 0 ]]; then
    run "$work/install_deps.sh"
    expect_equal "$status:$output" "0:Installing: ninja-build libsystemc-dev" "with two packages missing"
    expect_contains "$(cat "$work/calls")" "install --no-install-recommends ninja-build libsystemc-dev" "apt-get's call"

    : >"$work/offline"
    run "$work/install_deps.sh"
    expect_equal "$status" 1 "the status where apt-get fails"
    expect_contains "$output" "noise of apt-get" "the log of a failure"
    expect_contains "$output" "error: apt-get could not install: ninja-build libsystemc-dev" "where apt-get fails"
fi

# A system without apt-get: only what the script itself needs is in PATH.
mkdir "$work/elsewhere"
ln -s "$(command -v bash)" "$work/elsewhere/bash"
run env PATH="$work/elsewhere" "$(command -v bash)" "$work/install_deps.sh"
expect_equal "$status" 1 "the status without apt-get"
expect_contains "$output" "error: no apt-get here" "without apt-get"
expect_contains "$output" "libsystemc-dev" "without apt-get"
