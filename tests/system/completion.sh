#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What bash offers after a part of a command line.
source "$(dirname "$0")/support.sh"
source_dir=$1
build_dir=$2

export PATH=$build_dir:$PATH
source "$source_dir/completions/memwall.bash"
cd "$work"

# offers WORD... : what completes the last word
offers() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _memwall
    echo "${COMPREPLY[*]}"
}

expect_equal "$(offers memwall co)" "compare" "verbs"
expect_equal "$(offers memwall run --prec)" "--precision" "options"
expect_equal "$(offers memwall run --machine north)" "northpole northpole_16 northpole_rack" "machines"
expect_equal "$(offers memwall compare von_neumann northpole --network resnet50_)" "resnet50_v1" "networks"
expect_equal "$(offers memwall run --engine s)" "systemc" "engines"
expect_equal "$(offers memwall show technology 12)" "12nm" "technologies"
expect_equal "$(offers memwall show mapp)" "mappings mapping" "what can be shown"
touch mine.json
expect_equal "$(offers memwall run --json mi)" "mine.json" "files"
