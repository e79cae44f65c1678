#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws a tornado: by how much a figure changes over the range of each parameter, the widest on top.

    scripts/sensitivity.py --csv tornado.csv
    scripts/plot/tornado.py tornado.csv tornado.svg --figure energy --most 15
"""
import csv

import results
import style
from faults import fault

FIGURES = {"throughput": ("_per_s", "frames/s"), "power": ("_w", "power"), "energy": ("_j", "energy a frame")}
LEAST = 0.05  # per cent: less is no bar to be seen
COLUMNS = [end + column for column, _ in FIGURES.values() for end in ("low", "high")]


def rows_of(file):
    """Rows with numbers; None where a run fails."""
    rows = list(csv.DictReader(file))
    for row in rows:
        for column in COLUMNS:
            row[column] = float(row[column]) if row[column] else None
    return rows


def read(path):
    """What scripts/sensitivity.py --csv writes: as shipped, then a parameter a row."""
    rows = results.read_file(path, rows_of, "has no tornado; expected what scripts/sensitivity.py --csv writes")
    if len(rows) < 2:
        fault(f"'{path}' has no parameters")
    return rows


def draw(rows, figure, most):
    column, words = FIGURES[figure]
    shipped = rows[0]["low" + column]
    changes = [(row, [None if row[end + column] is None else 100 * (row[end + column] / shipped - 1) for end in ("low", "high")]) for row in rows[1:]]
    changes.sort(key=lambda change: -max((abs(end) for end in change[1] if end is not None), default=0))
    changes = [change for change in changes if max(abs(end or 0) for end in change[1]) >= LEAST][:most]
    names = [f"{row['parameter']}\n{row['low']} to {row['high']}" for row, _ in changes]
    drawn, axes = style.tall_figure(names)
    for end, colour, hatch in ((0, style.COLOURS[5], "////"), (1, style.COLOURS[4], "")):
        places = [row + (end - 0.5) * 0.4 for row in range(len(changes))]  # both ends may change it the same way
        axes.barh(places, [change[1][end] or 0 for change in changes], height=0.4, color=colour, edgecolor="black", linewidth=0.4, hatch=hatch,
                  label=("low", "high")[end])
    style.name_rows(axes, names)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel(f"change of {words} (%)")
    axes.legend(title="parameter at its", fontsize=8, frameon=False)
    drawn.tight_layout()
    return drawn


def main():
    parser = style.arguments_of(__doc__, "csv", "what scripts/sensitivity.py --csv writes")
    parser.add_argument("--figure", choices=list(FIGURES), default="energy", help="which figure changes (default: %(default)s)")
    parser.add_argument("--most", type=int, default=15, help="so many parameters at most (default: %(default)s)")
    arguments = parser.parse_args()
    style.write(draw(read(arguments.csv), arguments.figure, arguments.most), arguments.picture)


if __name__ == "__main__":
    main()
