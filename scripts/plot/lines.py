#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws metrics, or ratios of two, over a parameter, a line for each value of the other parameters.

    scripts/plot/lines.py results/buffer_size/results.csv lines.png --y energy_per_item_j
    scripts/plot/lines.py results/buffer_size/results.csv kinds.png --y energy_arithmetic_j/macs energy_data_movement_j/macs
"""
import style


def families_of(rows, x_name, columns):
    """Points of the lines, by their labels, in the order of the rows."""
    x, decided = style.Column(rows, x_name), style.told_by(rows, x_name)
    others = [name for name in style.parameters(rows) if name != x_name and name not in decided]
    among = style.parameters(rows)
    families = {}
    for column in columns:
        metric = style.told_apart(column, columns)
        for row, across, up in zip(rows, x.values, column.values):
            if across is not None and up is not None:
                words = [f"{style.short(name, among)} {row[name]}" for name in others] + [metric] * bool(metric)
                families.setdefault(", ".join(words), []).append((across, up))
    return families


def main():
    parser = style.arguments_of(__doc__)
    parser.add_argument("--x", help="a parameter with numbers (default: the first)")
    parser.add_argument("--y", nargs="+", default=["energy_per_item_j"], metavar="METRIC", help="metrics, or A/B for a ratio (default: energy_per_item_j)")
    arguments = parser.parse_args()
    rows = style.read(arguments.csv)
    numeric = style.numeric_parameters(rows)
    x_name = arguments.x or (numeric[0] if numeric else parser.error("no parameter has numbers; give --x"))
    x, columns = style.Column(rows, x_name), [style.Column(rows, name) for name in arguments.y]
    if len({column.unit for column in columns}) > 1:
        parser.error("metrics of one picture have one unit; found " + ", ".join(column.label for column in columns))
    style.make_readable(columns)
    families = families_of(rows, x_name, columns)
    figure, axes = style.figure()
    for position, (label, points) in enumerate(families.items()):
        axes.plot(*zip(*sorted(points)), label=label or None, markersize=4, **style.series(position))
    axes.set_xlabel(x.label)
    axes.set_ylabel(style.common_label(columns))
    axes.set_xscale("log" if x.is_wide() else "linear")
    axes.set_yscale("log" if any(column.is_wide() for column in columns) else "linear")
    if len(families) > 1:
        axes.legend(frameon=False, fontsize=8)
    style.write(figure, arguments.picture)


if __name__ == "__main__":
    main()
