#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tornado of docs/northpole.md between its marks: what ResNet-50 does over the range of each uncertain parameter; --check only compares.

    scripts/sensitivity.py [--memwall build/memwall] [--csv tornado.csv] [--check]

One parameter is changed at a time, with the analytic engine: each choice of the machine file that is marked assumed at half and at twice its value,
and each number of the technology that the run needs at the ends of its interval. --csv writes the table for scripts/plot/tornado.py instead.
"""
import argparse
import csv
import io
import json
import os
import re
import subprocess
import sys

import marked_page

ROOT = marked_page.ROOT
RUN = ["--machine", "northpole", "--network", "resnet50", "--precision", "int4"]
COLUMNS = ["parameter", "status", "low", "shipped", "high", "low_per_s", "high_per_s", "low_w", "high_w", "low_j", "high_j"]
LANES = "components.array.lanes"  # no number to halve: as many multiply-accumulates in another shape
SHAPES = [("128 x 16", 128, 16), ("64 x 32", 64, 32), ("32 x 64", 32, 64)]
MACROS = {"sram_read_per_byte": "energy", "sram_access_time": "time"}
UNITS = {"J": (1e-12, " pJ"), "s": (1e-9, " ns"), "W": (1e-3, " mW"), "V": (1, " V"), "mm2": (1, " mm2"), "": (1, "")}
LEAST_EFFECT = 0.002  # of any figure: parameters that change less are told in one line


def ask(memwall, *words):
    done = subprocess.run([memwall, *words, "--configs", os.path.join(ROOT, "configs"), "--json", "-"], capture_output=True, text=True, check=False)
    if done.returncode == 2:
        sys.exit(done.stderr)
    return json.loads(done.stdout) if done.returncode == 0 else None


def figures(memwall, settings=()):
    """(frames/s, W, J a frame); None where the run fails."""
    options = [word for setting in settings for word in ("--set", f"machine.{setting}")]
    result = ask(memwall, "run", *RUN, "--engine", "analytic", *options)
    totals = result and result["runs"][0]["totals"]
    return totals and (totals["throughput_per_s"], totals["power_w"], totals["energy_per_item_j"])


def scaled(text, factor):
    """A quantity times a factor; a cycle is not halved."""
    value, unit = re.fullmatch(r"([0-9.]+)\s*(.*)", text).groups()
    result = f"{float(value) * factor:g} {unit}".strip()
    return {"0.5 cycle": "1 cycle", "2 cycle": "2 cycles"}.get(result, result)


def choices(memwall):
    """(name, status, [(text, settings)] low, shipped and high) of what the machine file assumes."""
    machine = ask(memwall, "show", "machine", "northpole")
    values = {row["path"].removeprefix("machine."): row["value"] for row in ask(memwall, "show", "paths", "--machine", "northpole")}
    for entry in machine["provenance"]:
        path = entry["path"]
        if entry["status"] != "assumed":
            continue
        name = path.removeprefix("components.")
        if path == LANES:
            yield name, "assumed", [(text, [f"{path}.int4.inputs={inputs}", f"{path}.int4.outputs={outputs}"]) for text, inputs, outputs in SHAPES]
            continue
        ends = [scaled(values[path], factor) for factor in (0.5, 1, 2)]
        yield name, "assumed", [(text, [f"{path}={text}"]) for text in ends]


def macros(numbers, table, figure):
    """A table of SRAM macros, all of its points together."""
    points = [(row["number"].removeprefix(table + " of "), row) for row in numbers if row["number"].startswith(table)]
    scale, unit = UNITS[points[0][1]["unit"]]

    def at(end):
        return json.dumps([{"macro": macro, figure: {"value": f"{row[end] / scale:.6g}{unit}",
                                                     "status": row["status"], "source": row["source"]}} for macro, row in points])
    shown = [f"{dict(points)['32.0 KiB'][end] / scale:.4g}{unit}" for end in ("low", "value", "high")]
    settings = [[f"technology.{table}={at(end)}"] for end in ("low", "value", "high")]
    return table + " (32 KiB)", points[0][1]["status"], list(zip(shown, settings))


def coefficients(memwall):
    """The same of the technology's numbers with an interval."""
    numbers = ask(memwall, "show", "technology", "12nm")["numbers"]
    for table, figure in MACROS.items():
        yield macros(numbers, table, figure)
    for row in numbers:
        of_other = "." in row["number"] and not row["number"].endswith(("int4", "int32"))  # precisions and cells that the run has not
        if row["low"] == row["high"] or row["number"].startswith(tuple(MACROS)) or of_other:
            continue
        scale, unit = UNITS[row["unit"]]
        texts = [f"{row[end] / scale:.4g}{unit}" for end in ("low", "value", "high")]
        yield row["number"], row["status"], [(text, [f"technology.{row['number']}.value={text}"]) for text in texts]


def rows(memwall):
    shipped = figures(memwall)
    yield dict(zip(COLUMNS, ["as shipped", "", "", "", "", shipped[0], shipped[0], shipped[1], shipped[1], shipped[2], shipped[2]]))
    for name, status, ends in [*choices(memwall), *coefficients(memwall)]:
        low, high = (shipped if end[0] == ends[1][0] else figures(memwall, end[1]) for end in (ends[0], ends[2]))
        cells = [cell for pair in zip(low or ("",) * 3, high or ("",) * 3) for cell in pair]
        yield dict(zip(COLUMNS, [name, status, *(text for text, _ in ends), *cells]))


def effect(row, shipped, column):
    """By how much a figure changes, the larger of both ends."""
    return max((abs(row[end + column] / shipped[end + column] - 1) for end in ("low", "high") if row[end + column] != ""), default=0)


def table(found):
    shipped, rest = found[0], found[1:]
    felt = [row for row in rest if max(effect(row, shipped, column) for column in ("_per_s", "_w", "_j")) >= LEAST_EFFECT]
    silent = [row for row in rest if row not in felt]

    def change(row, column):
        ends = ["does not run" if row[end + column] == "" else f"{100 * (row[end + column] / shipped[end + column] - 1) + 0.0:+.1f}"
                for end in ("low", "high")]
        return ends[0] + " to " + ends[1] + " %" if ends[0] != ends[1] else ends[0] + " %"

    lines = [f"As shipped: {shipped['low_per_s']:,.0f} frames/s, {shipped['low_w']:.1f} W, {1e3 * shipped['low_j']:.2f} mJ a frame.", "",
             "| parameter | status | low | shipped | high | frames/s | W | energy a frame |", "|---|---|---|---|---|---|---|---|"]
    for row in sorted(felt, key=lambda row: -effect(row, shipped, "_j")):
        lines.append(f"| `{row['parameter']}` | {row['status']} | {row['low']} | {row['shipped']} | {row['high']} | {change(row, '_per_s')} | "
                     f"{change(row, '_w')} | {change(row, '_j')} |")
    names = ", ".join(f"`{row['parameter']}`" for row in silent)
    return "\n".join(lines + ["", f"These change no figure by as much as {100 * LEAST_EFFECT:g} %: {names}."])


def as_csv(found):
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return text.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memwall", default=os.path.join(ROOT, "build", "memwall"), help="the program (default: %(default)s)")
    parser.add_argument("--csv", help="write the table to this file and leave the page alone")
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 where the page says something else")
    arguments = parser.parse_args()
    found = list(rows(arguments.memwall))
    if arguments.csv:
        with open(arguments.csv, "w", encoding="utf-8") as file:
            file.write(as_csv(found))
        return
    made = table(found)
    marked_page.put("northpole.md", "tornado", made, arguments.check, f"error: docs/northpole.md does not say what the runs give:\n\n{made}\n")


if __name__ == "__main__":
    main()
