# SPDX-License-Identifier: Apache-2.0
"""The part of a page in docs that a script writes, between the marks <!-- NAME: begin --> and <!-- NAME: end -->."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def put(page, name, text, check, complaint):
    """Writes the text between the marks; with `check` ends with the complaint where another one stands there."""
    path = os.path.join(ROOT, "docs", page)
    begin, end = f"<!-- {name}: begin -->\n", f"\n<!-- {name}: end -->"
    with open(path, encoding="utf-8") as file:
        before, rest = file.read().split(begin)
    shown, after = rest.split(end)
    if check:
        sys.exit(0 if shown == text else complaint)
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + begin + text + end + after)
