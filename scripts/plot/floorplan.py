#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the cores of a chip where they lie, coloured by what their memories hold while a layer runs.

    memwall show memory --machine northpole --network resnet50 --csv cores.csv
    scripts/plot/floorplan.py cores.csv plan.svg --layer stage3_1_conv2 --what arrivals

Without --layer it is the layer while which some core is fullest; without --what all that lies there.
"""
import csv

import results
import scales
import style
from faults import fault


def cores_of(file):
    """Rows with whole numbers."""
    rows = list(csv.DictReader(file))
    for row in rows:
        row["x"], row["y"] = int(row["x"]), int(row["y"])
        for kind in results.CORE_BLOCKS:
            row[kind] = int(row[kind + "_bytes"])
        row["all"] = sum(row[kind] for kind in results.CORE_BLOCKS)
    return rows


def read(path):
    """The rows of memwall show memory --csv."""
    return results.read_file(path, cores_of, "has no cores; expected what memwall show memory --csv writes")


def grid_of(rows, layer, what):
    """Bytes by row and column of the mesh."""
    cores = [row for row in rows if row["layer"] == layer]
    if not cores:
        names = ", ".join(dict.fromkeys(row["layer"] for row in rows))
        fault(f"no layer '{layer}' of its own has a place in the table; expected one of {names}")
    grid = [[0] * (max(row["x"] for row in cores) + 1) for _ in range(max(row["y"] for row in cores) + 1)]
    for row in cores:
        grid[row["y"]][row["x"]] = row[what]
    return grid


def draw(rows, layer, what):
    grid = grid_of(rows, layer, what)
    figure, axes = style.figure(size=(5.6, 4.6))
    image = axes.imshow(grid, cmap=style.MAP)
    axes.set_xlabel("column")
    axes.set_ylabel("row")
    bar = figure.colorbar(image)
    held = [value for line in grid for value in line]
    scales.set_bytes(bar.ax.yaxis, "in the core" if what == "all" else what.replace("_", " "), held)
    style.set_title(axes, f"{rows[0]['machine']}, {rows[0]['network']}: while {layer} runs", 60)
    figure.tight_layout()
    return figure


def main():
    parser = style.arguments_of(__doc__, "csv", "what memwall show memory --csv writes")
    parser.add_argument("--layer", help="while it runs (default: the one while which some core is fullest)")
    parser.add_argument("--what", choices=["all"] + results.CORE_BLOCKS, default="all", help="which blocks count (default: %(default)s)")
    arguments = parser.parse_args()
    rows = read(arguments.csv)
    layer = arguments.layer or max(rows, key=lambda row: row["all"])["layer"]
    style.write(draw(rows, layer, arguments.what), arguments.picture)


if __name__ == "__main__":
    main()
