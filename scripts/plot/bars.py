#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the energy an item of each point of a sweep as a stacked bar, by kind of energy.

    scripts/plot/bars.py results/technology/results.csv bars.svg
"""
import sys

import energy
import style

MOST = 60


def names_of(rows):
    """What tells the points apart: their parameters, without those that never change or that another one decides."""
    names = [name for name in style.parameters(rows) if len({row[name] for row in rows}) > 1]
    kept = []
    for name in names:
        if not any(name in style.told_by(rows, other) for other in kept):
            kept.append(name)
    return [", ".join(f"{row[name]}" if len(kept) == 1 else f"{style.short(name, kept)} {row[name]}" for name in kept) for row in rows]


def main():
    arguments = style.arguments_of(__doc__).parse_args()
    rows = style.read(arguments.csv)
    if len(rows) > MOST:
        sys.exit(f"error: '{arguments.csv}' has {len(rows)} points; expected at most {MOST} for a bar each")
    heights = {kind: [float(row[f"energy_{kind}_j"]) / float(row["items"]) for row in rows] for kind in energy.KINDS}
    scale, unit = style.prefixed(max(sum(column) for column in zip(*heights.values())), "J")
    figure, axes = style.tall_figure(len(rows))
    starts = [0.0] * len(rows)
    for position, kind in enumerate(energy.KINDS):
        lengths = [value / scale for value in heights[kind]]
        axes.barh(range(len(rows)), lengths, left=starts, height=0.7, label=kind.replace("_", " "),
                  **style.area(position, energy.COLOURS[kind]))
        starts = [start + more for start, more in zip(starts, lengths)]
    style.name_rows(axes, names_of(rows))
    items = sorted({row["item"].replace("_", " ") for row in rows})
    axes.set_xlabel(f"energy a {' or '.join(items)} ({unit})")
    figure.tight_layout()
    style.legend_beside(figure, axes)
    style.write(figure, arguments.picture)


if __name__ == "__main__":
    main()
