#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of docs/validation.md between their marks, from `memwall validate --json -`; --check only compares.

    scripts/validation_table.py [--memwall build/memwall] [--check]
"""
import argparse
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "docs", "validation.md")
BEGIN, END = "<!-- validate: begin -->", "<!-- validate: end -->"
ORDER = ["OUTSIDE", "GROWN", "known miss", "within", "shown", "calibrated"]


def scored(memwall):
    done = subprocess.run([memwall, "validate", "--json", "-", "--configs", os.path.join(ROOT, "configs")],
                          capture_output=True, text=True, check=False)
    if not done.stdout:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def spread(row):
    return f"{number(row['spread']['low'])} to {number(row['spread']['high'])}" if row["spread"] else ""


def envelope(row):
    value = row["back_of_envelope"]
    return "" if value is None else f"{number(value)} ({100 * (value / row['published'] - 1):+.0f} %)"


def tables(result):
    lines = ["| group | rows | median | worst | which is |", "|---|---|---|---|---|"]
    for group in result["groups"]:
        lines.append(f"| {group['group']} | {group['counted']} | {group['median']:.1f} % | {group['worst']:.1f} % "
                     f"| `{group['worst_id']}` |")
    lines += ["", "| verdict | row | machine | workload | metric | published | others published | model | unit | difference | envelope |",
              "|---|---|---|---|---|---|---|---|---|---|---|"]
    rows = sorted(result["rows"], key=lambda row: (ORDER.index(row["verdict"]), -abs(row["error"])))
    for row in rows:
        unit = "%" if "percent" in row["band"] else "points"
        lines.append(f"| {row['verdict']} | `{row['id']}` | {row['machine']} | {row['workload']} | {row['metric']} "
                     f"| {number(row['published'])} | {spread(row)} | {number(row['predicted'])} | {row['unit']} "
                     f"| {row['error']:+.1f} {unit} | {envelope(row)} |")
    misses = [row for row in rows if row["known_miss"]]
    if misses:
        lines += ["", "What is believed to cause the misses:", ""]
        lines += [f"- `{row['id']}`: {row['known_miss']['reason']}." for row in misses]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memwall", default=os.path.join(ROOT, "build", "memwall"))
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    before, rest = page.split(BEGIN)
    written = f"{before}{BEGIN}\n{tables(scored(arguments.memwall))}\n{END}{rest.split(END)[1]}"
    if arguments.check:
        sys.exit(0 if written == page else "docs/validation.md is not what validate says: run scripts/validation_table.py")
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(written)


if __name__ == "__main__":
    main()
