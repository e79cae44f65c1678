#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws a metric over a parameter, a line for each value of the other parameters.

    scripts/plot/lines.py results/buffer_size/results.csv lines.png --y energy_per_item_j
"""
import style


def main():
    parser = style.arguments_of(__doc__)
    parser.add_argument("--x", help="a parameter with numbers (default: the first)")
    parser.add_argument("--y", default="energy_per_item_j", help="a metric (default: %(default)s)")
    arguments = parser.parse_args()
    rows = style.read(arguments.csv)
    numeric = style.numeric_parameters(rows)
    x_name = arguments.x or (numeric[0] if numeric else parser.error("no parameter has numbers; give --x"))
    x, y = style.Column(rows, x_name), style.Column(rows, arguments.y)
    decided = style.told_by(rows, x_name)
    others = [name for name in style.parameters(rows) if name != x_name and name not in decided]
    families = {}
    for row, across, up in zip(rows, x.values, y.values):
        if across is not None and up is not None:
            families.setdefault(tuple(row[name] for name in others), []).append((across, up))
    figure, axes = style.figure()
    for position, (family, points) in enumerate(families.items()):
        label = ", ".join(f"{style.short(name, style.parameters(rows))} {value}" for name, value in zip(others, family))
        axes.plot(*zip(*sorted(points)), label=label or None, markersize=4, **style.series(position))
    axes.set_xlabel(x.label)
    axes.set_ylabel(y.label)
    axes.set_xscale("log" if x.is_wide() else "linear")
    axes.set_yscale("log" if y.is_wide() else "linear")
    if others:
        axes.legend(frameon=False, fontsize=8)
    style.write(figure, arguments.picture)


if __name__ == "__main__":
    main()
