#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the energy an item of each point of a sweep as a stacked bar, by kind of energy.

    scripts/plot/bars.py results/technology/results.csv bars.svg
"""

import energy
import scales
import style
import sweep_table
from faults import fault

MOST = 60


def draw(points):
    rows = points.rows
    heights = {kind: [float(row[f"energy_{kind}_j"]) / float(row["items"]) for row in rows] for kind in energy.KINDS}
    names = [style.wrapped(name, 60) for name in points.names(points.independent())] if len(rows) > 1 else [rows[0]["network"]]
    figure, axes = style.tall_figure(names)
    starts = [0.0] * len(rows)
    for position, kind in enumerate(energy.KINDS):
        axes.barh(range(len(rows)), heights[kind], left=starts, height=0.7, label=kind.replace("_", " "),
                  **style.area(position, energy.COLOURS[kind]))
        starts = [start + more for start, more in zip(starts, heights[kind])]
    items = sorted({row["item"].replace("_", " ") for row in rows})
    scales.set_from_zero(axes.xaxis, f"energy a {' or '.join(items)}", "J", max(starts))
    style.finish_rows(figure, axes, names)
    style.note(figure, points.note())
    return figure


def main():
    arguments = sweep_table.arguments_of(__doc__).parse_args()
    points = sweep_table.read(arguments.csv, arguments.where)
    if len(points.rows) > MOST:
        fault(f"'{arguments.csv}' has {len(points.rows)} points; expected at most {MOST} for a bar each: keep some with "
                 "--where PATH=VALUE, or draw all with pareto.py")
    style.write(draw(points), arguments.picture)


if __name__ == "__main__":
    main()
