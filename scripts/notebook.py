#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the cells of a notebook again and keeps what they give; --check only compares what is printed with what the notebook shows.

    scripts/notebook.py docs/study.ipynb [--check]
"""
import argparse
import os
import sys

os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # the kernel would warn of its own interpreter

import nbclient
import nbformat


def printed(cell):
    """The text of a cell's outputs; pictures depend on the fonts of the machine."""
    texts = []
    for output in cell.get("outputs", []):
        texts.append(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
    return "\n".join(text for text in texts if not text.startswith(("<Figure", "<Axes")))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook")
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 where something else is printed")
    arguments = parser.parse_args()
    try:
        notebook = nbformat.read(arguments.notebook, as_version=4)
    except (OSError, nbformat.reader.NotJSONError) as error:
        sys.exit(f"error: cannot read '{arguments.notebook}' as a notebook: {error}")
    before = [printed(cell) for cell in notebook.cells]
    folder = os.path.dirname(os.path.abspath(arguments.notebook))
    try:
        nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", record_timing=False,
                                resources={"metadata": {"path": folder}}).execute()
    except nbclient.exceptions.CellExecutionError as error:
        sys.exit(f"error: a cell of '{arguments.notebook}' fails:\n{error}")
    if not arguments.check:
        nbformat.write(notebook, arguments.notebook)
        return
    for cell, text in zip(notebook.cells, before):
        if printed(cell) != text:
            sys.exit(f"error: the cell\n{cell.source}\nshows\n{text}\nand prints\n{printed(cell)}")


if __name__ == "__main__":
    main()
