# SPDX-License-Identifier: Apache-2.0
"""Calls the scripts of scripts/plot in one process, which is quicker than a process for each."""
import contextlib
import importlib
import io
import sys

import matplotlib.pyplot as plt


def call(script, *words):
    """What a script says as it ends: None where it draws, else its error; --help gives the help."""
    sys.argv = [script, *words]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            importlib.import_module(script).main()
        return None
    except SystemExit as end:
        return end.code if isinstance(end.code, str) else said.getvalue()
    finally:
        plt.close("all")


def drawn(script, *words):
    """The text of an SVG that a script draws."""
    said = call(script, words[0], "drawn.svg", *words[1:])
    assert said is None, f"{script} {words}: {said}"
    with open("drawn.svg", encoding="utf-8") as file:
        return file.read()


def check_refused(part, *words):
    said = call(*words)
    assert said is not None and part in said, f"{words}: expected '{part}' in '{said}'"
