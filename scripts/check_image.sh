#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a new user has: a bare Debian. Follows the Dockerfile from this commit and runs the program of the image; then
# does the first thing that the README says in a clone of its own. Needs root; nothing of it stays.
#   scripts/check_image.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/help.sh"
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$source_dir/scripts/install_deps.sh" image

work=$(mktemp -d)
trap 'buildah umount --all >/dev/null 2>&1; rm -rf "$work"' EXIT
# No daemon, no registry, and no kernel feature beyond a change of root.
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
buildah() { command buildah --root "$work/images" --runroot "$work/run" "$@"; }

echo "== ${SECONDS} s: a bare Debian 12" >&2
mmdebstrap --quiet --variant=minbase bookworm "$work/base.tar"
base=$(buildah from scratch)
buildah add --quiet "$base" "$work/base.tar" / >/dev/null
buildah commit --quiet "$base" localhost/debian:12 >/dev/null
rm "$work/base.tar"

echo "== ${SECONDS} s: the image" >&2
git clone --quiet "$source_dir" "$work/clone"
# Both builds compile the same files at the same place: the second finds them compiled.
mkdir "$work/ccache"
kept=(--volume "$work/ccache:/root/.cache/ccache")
buildah bud --quiet "${kept[@]}" --tag memwall "$work/clone" >&2
image=$(buildah from localhost/memwall)
run=(run --machine northpole --network lenet --json -)
buildah run "$image" -- memwall "${run[@]}" >"$work/image.json"
if [[ -x "$source_dir/build/memwall" ]]; then
    "$source_dir/build/memwall" "${run[@]}" --configs "$work/clone/configs" >"$work/native.json"
    cmp "$work/native.json" "$work/image.json"
fi

echo "== ${SECONDS} s: the README's first command" >&2
bare=$(buildah from localhost/debian:12)
buildah copy --quiet "$bare" "$work/clone" /memwall >/dev/null
buildah run "${kept[@]}" --workingdir /memwall "$bare" -- ./scripts/compare.sh >"$work/said"
tail -n 3 "$work/said"
results=$(buildah mount "$bare")/memwall/results/resnet50
for file in result.json result.csv energy.png; do
    if [[ ! -s "$results/$file" ]]; then
        echo "error: there is no results/resnet50/$file" >&2
        exit 1
    fi
done
echo "== ${SECONDS} s: passed" >&2
