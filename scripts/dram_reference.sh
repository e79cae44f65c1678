#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Prints DDR4-3200 of the model beside a cycle-accurate simulator's, the table of docs/validation.md.
#   scripts/dram_reference.sh      (needs a build with tests, see scripts/test.sh)
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=${MEMWALL_BUILD_DIR:-$source_dir/build}
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
MEMWALL_DRAM_TABLE=$rows "$build_dir/tests/sim/sim_test" "DDR4's*" >&2
echo "| traffic | measured | reference | model | difference |"
echo "|---|---|---|---|---|"
cat "$rows"
