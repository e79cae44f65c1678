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

import marked_page

ROOT = marked_page.ROOT
# Other tools, whose rows are layers of one network: a table each, a line a layer, in place of a line a row.
TOOLS = {"scalesim": "SCALE-Sim", "timeloop": "Timeloop", "zigzag": "ZigZag", "maestro": "MAESTRO", "onnxim": "ONNXim"}
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


def tool_of(row):
    return row["group"].split("_")[0] if row["group"].split("_")[0] in TOOLS else None


def layer_table(name, rows):
    """A line a layer, three columns a group: the tool's figure, ours, the difference, in brackets where it is shown and not judged."""
    groups = list(dict.fromkeys(row["group"] for row in rows))
    cells = {(row["layer"], row["group"]): row for row in rows}
    titles = {row["group"]: f"{row['group'].partition('_')[2].replace('_', ' ') or row['metric']}, {row['unit']}" for row in rows}
    lines = [f"**{name}**", "", "| layer | " + " | ".join(f"{titles[group]}: {name} | ours | difference" for group in groups) + " |",
             "|---" * (1 + 3 * len(groups)) + "|"]
    for layer in dict.fromkeys(row["layer"] for row in rows):
        line = [f"`{layer}`"]
        for group in groups:
            row = cells.get((layer, group))
            difference = f"{row['error']:+.1f} %" if row else ""
            line += [number(row["published"]), number(row["predicted"]), difference if row["counted"] else f"({difference})"] if row else ["", "", ""]
        lines.append("| " + " | ".join(line) + " |")
    return lines


def tables(result):
    lines = ["| group | rows | median | worst | which is |", "|---|---|---|---|---|"]
    for group in result["groups"]:
        lines.append(f"| {group['group']} | {group['counted']} | {group['median']:.1f} % | {group['worst']:.1f} % "
                     f"| `{group['worst_id']}` |")
    lines += ["", "| verdict | row | machine | workload | metric | published | others published | model | unit | difference | envelope |",
              "|---|---|---|---|---|---|---|---|---|---|---|"]
    rows = sorted(result["rows"], key=lambda row: (ORDER.index(row["verdict"]), -abs(row["error"])))
    for row in rows:
        if tool_of(row) and row["verdict"] in ("within", "shown"):
            continue
        unit = "%" if "percent" in row["band"] else "points"
        lines.append(f"| {row['verdict']} | `{row['id']}` | {row['machine']} | {row['workload']} | {row['metric']} "
                     f"| {number(row['published'])} | {spread(row)} | {number(row['predicted'])} | {row['unit']} "
                     f"| {row['error']:+.1f} {unit} | {envelope(row)} |")
    misses = [row for row in rows if row["known_miss"]]
    if misses:
        lines += ["", "What is believed to cause the misses:", ""]
        lines += [f"- `{row['id']}`: {row['known_miss']['reason']}." for row in misses]
    lines += ["", "Beside other tools, layer by layer of ResNet-50 as each of them has it (below: what their figures mean). A difference in brackets is shown and not judged."]
    for tool, name in TOOLS.items():
        lines += ["", *layer_table(name, [row for row in result["rows"] if tool_of(row) == tool])]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memwall", default=os.path.join(ROOT, "build", "memwall"))
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    marked_page.put("validation.md", "validate", tables(scored(arguments.memwall)), arguments.check,
                    "docs/validation.md is not what validate says: run scripts/validation_table.py")


if __name__ == "__main__":
    main()
