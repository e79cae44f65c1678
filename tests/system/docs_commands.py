#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the ```sh blocks of Markdown pages in the current folder and holds ```text blocks to their output.

    docs_commands.py PAGE...

A block is one bash script and must succeed. A `text` block that follows it (nothing between them) shows lines of what it
prints, in order; the line `...` stands for lines left out, and white space does not count. A block right below
`<!-- not run: WHY -->` is left alone. Links to other files must lead somewhere.
"""
import os
import re
import subprocess
import sys

FENCE = re.compile(r"^```(\w*)\s*$")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
NOT_RUN = re.compile(r"^<!-- not run: .+ -->$")


def blocks(text):
    """(line number, language, lines, marked as not run, nothing but blank lines since the block before)."""
    found = []
    language, start, lines = None, 0, []
    before, gap = "", True
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if language is None and fence:
            language, start, lines = fence.group(1), number, []
        elif language is not None and line.strip() == "```":
            found.append((start, language, lines, bool(NOT_RUN.match(before)), gap))
            language, before, gap = None, "", True
        elif language is not None:
            lines.append(line)
        elif line.strip():
            before, gap = line.strip(), False
    if language is not None:
        sys.exit(f"FAILED: a block that begins at line {start} never ends")
    return found


def plain(line):
    return " ".join(line.split())


def first_missing(shown, printed):
    """The first shown line that the output does not have behind those before it; None if all are there."""
    rest = iter([plain(line) for line in printed.splitlines()])
    for line in shown:
        if plain(line) not in ("", "...") and plain(line) not in rest:
            return line
    return None


def dead_links(page, text):
    """Links to files that are not there; a link to another site has a colon and is left alone."""
    folder = os.path.dirname(page)
    return [f"{page}: there is no {link}" for link in LINK.findall(text)
            if not os.path.exists(os.path.join(folder, link))]


def check_page(page):
    """(commands that ran, faults)"""
    with open(page, encoding="utf-8") as file:
        text = file.read()
    found = blocks(text)
    ran, faults, printed = 0, dead_links(page, text), None
    for line, language, lines, not_run, follows in found:
        if language == "sh":
            printed = None
            if not_run:
                continue
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", "\n".join(lines)], capture_output=True, text=True,
                                  check=False, timeout=120)
            ran += 1
            printed = done.stdout + done.stderr
            if done.returncode != 0:
                faults.append(f"{page}:{line}: exit status {done.returncode}: {done.stderr.strip()[-600:]}")
        elif language == "text" and follows and printed is not None:
            missing = first_missing(lines, printed)
            if missing is not None:
                faults.append(f"{page}:{line}: not printed (or not there) any more: {missing}")
            printed = None
    return ran, faults


def main():
    ran, faults = 0, []
    for page in sys.argv[1:]:
        of_page, wrong = check_page(page)
        ran += of_page
        faults += wrong
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    if ran == 0:
        sys.exit("FAILED: no commands were found")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
