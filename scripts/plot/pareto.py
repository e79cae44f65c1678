#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws all points of a sweep by two metrics, and the first Pareto front of each network as a line.

    scripts/plot/pareto.py results/buffer_size/results.csv front.png --x latency_s --y energy_per_item_j

The front is that of the sweep's objectives; where others than the two metrics decide too, its points are no line.
"""

import style
import sweep_table
from faults import fault

MOST_DRAWN_AS_SHAPES = 2000  # more points make a picture of vectors too large


def points_by_network(points, x, y):
    """{network: [(x, y, whether on the first front)]}"""
    networks = {}
    for row, across, up in zip(points.rows, x.values, y.values):
        if across is not None and up is not None:
            networks.setdefault(row["network"], []).append((across, up, row["pareto_front"] == "1"))
    return networks


def is_line(front):
    """Whether points in the order of x only rise or only fall."""
    steps = [after[1] - before[1] for before, after in zip(front, front[1:])]
    return all(step <= 0 for step in steps) or all(step >= 0 for step in steps)


def draw(points, x, y):
    networks = points_by_network(points, x, y)
    if not networks:
        fault(f"no point has both a {x.words} and a {y.words}")
    if len(networks) > style.MOST_SERIES:
        fault(f"the sweep has {len(networks)} networks; expected at most {style.MOST_SERIES} in a picture: choose some with "
                 "--where network=NAME")
    figure, axes = style.figure()
    for position, (network, own) in enumerate(networks.items()):
        look = style.series(position)
        axes.plot([p[0] for p in own], [p[1] for p in own], linestyle="none", marker=look["marker"], color=look["color"],
                  alpha=0.35, markersize=4, markeredgewidth=0, rasterized=len(own) > MOST_DRAWN_AS_SHAPES)
        front = sorted(p[:2] for p in own if p[2])
        if front:
            line = {} if is_line(front) else {"linestyle": "none"}
            axes.plot(*zip(*front), label=f"{network}: Pareto front", markeredgecolor="black", markeredgewidth=0.4, **(look | line))
    x.set_scale(axes.xaxis)
    y.set_scale(axes.yaxis)
    if axes.get_legend_handles_labels()[1]:
        style.legend_of_series(figure, axes)
    style.note(figure, points.note())
    return figure


def main():
    parser = sweep_table.arguments_of(__doc__)
    parser.add_argument("--x", default="latency_s", help="a metric (default: %(default)s)")
    parser.add_argument("--y", default="energy_per_item_j", help="a metric (default: %(default)s)")
    arguments = parser.parse_args()
    points = sweep_table.read(arguments.csv, arguments.where)
    x, y = [sweep_table.Column(points, name) for name in (arguments.x, arguments.y)]
    style.write(draw(points, x, y), arguments.picture)


if __name__ == "__main__":
    main()
