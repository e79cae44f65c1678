#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing of the Debian packages that memwall needs; says nothing where nothing is missing.
#   scripts/install_deps.sh [GROUP]...      groups: build (the default), plot, python, slurm, check, image
# This is the one list of packages; docs/dependencies.md says what each is for.
set -euo pipefail

declare -A groups=(
    [build]="g++ cmake ninja-build ccache catch2 libboost-graph-dev libcli11-dev libfmt-dev libmd-dev
             libonnx-dev libprotobuf-dev libsqlitecpp-dev libsystemc-dev libyaml-cpp-dev nlohmann-json3-dev"
    [plot]="python3 python3-matplotlib"
    [python]="python3-ipykernel python3-matplotlib python3-nbclient python3-pandas"
    [slurm]="munge slurm-wlm"
    [check]="git clang-format-14 clang-tidy-14"
    [image]="buildah git mmdebstrap"
)

if [[ -n "${MEMWALL_SKIP_DEPS:-}" ]]; then
    exit 0
fi

wanted=()
for group in "${@:-build}"; do
    if [[ -z "${groups[$group]:-}" ]]; then
        echo "error: unknown group of packages '$group'; expected one of build, plot, python, slurm, check, image" >&2
        exit 2
    fi
    # shellcheck disable=SC2206  # one word a package
    wanted+=(${groups[$group]})
done

missing=()
for package in "${wanted[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    if [[ "$status" != installed ]]; then
        missing+=("$package")
    fi
done
if [[ ${#missing[@]} -eq 0 ]]; then
    exit 0
fi

skip="or set MEMWALL_SKIP_DEPS=1 to go on without"
if ! command -v apt-get >/dev/null; then
    echo "error: no apt-get here to install what memwall needs; install the equivalents of: ${missing[*]} ($skip)" >&2
    exit 1
fi
if [[ $EUID -ne 0 ]]; then
    echo "error: packages are missing and only root can install them: sudo apt-get install ${missing[*]} ($skip)" >&2
    exit 1
fi

echo "Installing: ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null; }
# The package lists may be absent (a fresh container) or too old for the archive.
if ! { apt install --no-install-recommends "${missing[@]}" ||
       { apt update && apt install --no-install-recommends "${missing[@]}"; }; }; then
    cat "$log" >&2
    echo "error: apt-get could not install: ${missing[*]}" >&2
    exit 1
fi
