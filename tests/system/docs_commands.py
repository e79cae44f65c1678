#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of Markdown pages in the current folder and holds what is shown below them to their output.

    docs_commands.py [--slow] PAGE...

A ```sh block is one bash script and must succeed. A ```text block that follows it (nothing between them) shows lines of
what it prints, in order; the line `...` stands for lines left out, and white space does not count. Whole commands in the
cells of tables (`memwall ...` with a --machine, or `memwall show KIND NAME`) must succeed as well. With --slow, just the
blocks right below `<!-- slow: WHY -->` are run, else all others; a table that follows one is what it prints. A block
below `<!-- not run: WHY -->` is left alone. Links to other files must lead somewhere.
"""
import argparse
import os
import re
import subprocess
import sys

FENCE = re.compile(r"^```(\w*)\s*$")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
MARK = re.compile(r"^<!-- (not run|slow): .+ -->$")
CELL_COMMAND = re.compile(r"`memwall ((?:[a-z]+ [^`]*--machine [^`]*)|(?:show [a-z]+ [a-z0-9_]+))`")
PATIENCE = int(os.environ.get("MEMWALL_PATIENCE", "1"))  # times as long as usual
SECONDS = 120 * PATIENCE
SLOW_SECONDS = 900 * PATIENCE


def blocks(text):
    """(line number, language, lines, mark, nothing but blank lines since the block before); a table's language is |."""
    found = []
    language, start, lines = None, 0, []
    before, gap = "", True
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if language == "|" and not line.startswith("|"):
            found.append((start, language, lines, None, gap))
            language, before, gap = None, "", True
        if language is None and fence:
            language, start, lines = fence.group(1), number, []
        elif language is None and line.startswith("|"):
            language, start, lines = "|", number, [line]
        elif language not in (None, "|") and line.strip() == "```":
            mark = MARK.match(before)
            found.append((start, language, lines, mark and mark.group(1), gap))
            language, before, gap = None, "", True
        elif language is not None:
            lines.append(line)
        elif line.strip():
            before, gap = line.strip(), False
    if language == "|":
        found.append((start, language, lines, None, gap))
    elif language is not None:
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


def run(script, seconds):
    """(exit status, standard output, standard error)"""
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=False,
                          timeout=seconds)
    return done.returncode, done.stdout, done.stderr


def check_page(page, slow):
    """(commands that ran, faults)"""
    with open(page, encoding="utf-8") as file:
        text = file.read()
    ran, faults, printed = 0, dead_links(page, text), None

    def checked(line, script):
        nonlocal ran
        ran += 1
        status, out, err = run(script, SLOW_SECONDS if slow else SECONDS)
        if status != 0:
            faults.append(f"{page}:{line}: exit status {status}: {err.strip()[-600:]}")
        return out + err

    for line, language, lines, mark, follows in blocks(text):
        if language == "sh":
            chosen = mark == "slow" if slow else mark is None
            printed = checked(line, "\n".join(lines)) if chosen else None
            continue
        if (language == "text" or slow) and follows and printed is not None:
            missing = first_missing(lines, printed)
            if missing is not None:
                faults.append(f"{page}:{line}: not printed (or not there) any more: {missing}")
        printed = None
        if language == "|" and not slow:
            for number, cells in enumerate(lines, line):
                for command in CELL_COMMAND.findall(cells):
                    checked(number, f"build/memwall {command}")
    return ran, faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("pages", nargs="+")
    asked = parser.parse_args()
    ran, faults = 0, []
    for page in asked.pages:
        of_page, wrong = check_page(page, asked.slow)
        ran += of_page
        faults += wrong
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    if ran == 0:
        sys.exit("FAILED: no commands were found")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
