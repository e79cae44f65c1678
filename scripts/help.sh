#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sourced at the top of a script: asked for --help, it prints the comment that the script begins with, and ends.
if [[ "${1:-}" == --help ]]; then
    sed -n '3,/^set /s/^# \{0,1\}//p' "$0"
    exit
fi
