#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws all points of a sweep by two metrics, and the first Pareto front of each network as a line.

    scripts/plot/pareto.py results/buffer_size/results.csv front.png --x latency_s --y energy_per_item_j
"""
import style


def main():
    parser = style.arguments_of(__doc__)
    parser.add_argument("--x", default="latency_s", help="a metric (default: %(default)s)")
    parser.add_argument("--y", default="energy_per_item_j", help="a metric (default: %(default)s)")
    arguments = parser.parse_args()
    rows = style.read(arguments.csv)
    x, y = style.Column(rows, arguments.x), style.Column(rows, arguments.y)
    networks = {}
    for row, across, up in zip(rows, x.values, y.values):
        if across is not None and up is not None:
            networks.setdefault(row["network"], []).append((across, up, row["pareto_front"] == "1"))
    figure, axes = style.figure()
    for position, (network, points) in enumerate(networks.items()):
        look = style.series(position)
        axes.plot([p[0] for p in points], [p[1] for p in points], linestyle="none", marker=look["marker"],
                  color=look["color"], alpha=0.35, markersize=4)
        front = sorted(p[:2] for p in points if p[2])
        if front:
            axes.plot(*zip(*front), label=f"{network}: Pareto front", **look)
    axes.set_xlabel(x.label)
    axes.set_ylabel(y.label)
    axes.set_xscale("log" if x.is_wide() else "linear")
    axes.set_yscale("log" if y.is_wide() else "linear")
    axes.legend(frameon=False, fontsize=8)
    style.write(figure, arguments.picture)


if __name__ == "__main__":
    main()
