#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# scripts/memwall.py gives what the program's own files hold, in frames, and its errors as exceptions; the notebook shows what it prints.
source "$(dirname "$0")/support.sh"
source_dir=$1
build_dir=$2
export MEMWALL=$build_dir/memwall MEMWALL_CONFIGS=$source_dir/configs PYTHONDONTWRITEBYTECODE=1

if ! /usr/bin/python3 -c "import pandas, nbclient, ipykernel" 2>/dev/null; then
    echo "skipped: python3-pandas, python3-nbclient or python3-ipykernel is not installed"
    exit 0
fi
cd "$work"
PYTHONPATH=$source_dir/scripts /usr/bin/python3 "$source_dir/tests/system/python_module.py"

# As in a clone: the notebook finds the module beside its folder.
mkdir clone
for part in configs docs scripts; do
    ln -s "$source_dir/$part" "clone/$part"
done
cp "$source_dir/docs/study.ipynb" clone/study.ipynb
cd clone
"$source_dir/scripts/notebook.py" docs/study.ipynb --check
sed 's/print(f\\\"/print(f\\\"now: /' study.ipynb >docs_changed.ipynb
sed 's#\.\./scripts#scripts#' docs_changed.ipynb >changed.ipynb
! cmp -s study.ipynb docs_changed.ipynb || failed "the notebook was not changed"
if said=$("$source_dir/scripts/notebook.py" changed.ipynb --check 2>&1); then
    failed "a notebook that prints something else than it shows was accepted"
fi
expect_contains "$said" "now: 100 GB/s" "what is said of a notebook that prints something else"
