#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws metrics, or ratios of two, over a parameter, a line for each value of the other parameters.

    scripts/plot/lines.py results/buffer_size/results.csv lines.png --y energy_per_item_j
    scripts/plot/lines.py results/buffer_size/results.csv kinds.png --y energy_arithmetic_j/macs energy_data_movement_j/macs
"""
import scales
import style
import sweep_table
import units


class Across:
    """The parameter along the picture: numbers, or words at 0, 1, 2, ..."""

    def __init__(self, points, name):
        sweep_table.known(name, points.columns)
        self.words = points.words(name) if name in points.parameters else {row[name]: row[name] for row in points.rows}
        self.column = None
        if name not in points.parameters or all(units.number(row[name]) is not None for row in points.rows):
            self.column = sweep_table.Column(points, name)
            self.values = self.column.values
            return
        texts = list(dict.fromkeys(row[name] for row in points.rows))
        self.names = [style.wrapped(self.words[text], 24) for text in texts]
        self.label = points.short(name)
        self.values = [texts.index(row[name]) for row in points.rows]

    def finish(self, axes):
        if self.column:
            self.column.set_scale(axes.xaxis)
            return
        scales.set_names(axes.xaxis, self.names)
        axes.set_xlabel(self.label)
        axes.margins(x=0.1)
        if sum(map(len, self.names)) > 50:
            for name in axes.get_xticklabels():
                name.set(rotation=30, horizontalalignment="right", rotation_mode="anchor", fontsize=8)


def families_of(points, x_name, across, columns):
    """Points of the lines, by their labels, in the order of the rows."""
    decided = points.decided_by(x_name) if x_name in points.parameters else []
    others = [name for name in points.independent() if name != x_name and name not in decided]
    words = {name: points.words(name) for name in others}
    families = {}
    for column in columns:
        metric = sweep_table.told_apart(column, columns)
        for row, x, y in zip(points.rows, across.values, column.values):
            if x is not None and y is not None:
                told = [f"{points.short(name)} {words[name][row[name]]}" for name in others] + [metric] * bool(metric)
                families.setdefault(", ".join(told), []).append((x, y))
    return families


def are_scattered(families):
    """Whether most lines have one point, as those of samples have."""
    single = sum(len({x for x, _ in family}) == 1 for family in families.values())
    return len(families) > 2 and single > len(families) / 2


def default_x(points):
    """The first parameter with numbers, else the first that changes, else any with a number."""
    found = points.numeric() + points.changing() + points.parameters
    return found[0] if found else "batch"


def note_of(points, x_name, families, scattered, many):
    """What the picture does not tell apart."""
    others = ", ".join(points.short(name) for name in points.changing() if name != x_name)
    if scattered:
        return f"Points also differ in {others}."
    return f"{len(families)} lines, too many to name, which differ in {others}: --where PATH=VALUE draws some of them." if many else ""


def draw(points, x_name, columns):
    across = Across(points, x_name)
    families = families_of(points, x_name, across, columns)
    scattered = are_scattered(families) and len(columns) == 1 and across.column
    if scattered:
        families = {"": [point for family in families.values() for point in family]}
    figure, axes = style.figure()
    many = len(families) > style.MOST_SERIES
    for position, (label, own) in enumerate(families.items()):
        look = style.unnamed(position, len(families)) if many else style.series(position) | {"markersize": 4}
        if scattered or not across.column:
            look |= {"linestyle": "none", "marker": look.get("marker", "o")}
        own = sorted(own)
        axes.plot(*zip(*own), label=label or None, markevery=max(1, len(own) // 25) if not scattered else 1, **look)
    across.finish(axes)
    words = columns[0].words if len(columns) == 1 else " ".join(sweep_table.common_words(columns)) or "value"
    scales.set_scale(axes.yaxis, words, columns[0].unit, [value for column in columns for value in column.values])
    if len(families) > 1 and not many:
        style.legend_of_series(figure, axes)
    style.note(figure, points.note(), note_of(points, x_name, families, scattered, many))
    return figure


def main():
    parser = sweep_table.arguments_of(__doc__)
    parser.add_argument("--x", metavar="PATH", help="a parameter (default: the first that changes and has numbers)")
    parser.add_argument("--y", nargs="+", default=["energy_per_item_j"], metavar="METRIC",
                        help="metrics, or A/B for a ratio (default: energy_per_item_j)")
    arguments = parser.parse_args()
    points = sweep_table.read(arguments.csv, arguments.where)
    columns = [sweep_table.Column(points, name) for name in arguments.y]
    if len({column.unit for column in columns}) > 1:
        parser.error("metrics of one picture have one unit; found " + ", ".join(column.label for column in columns))
    x_name = sweep_table.full_path(arguments.x, points.columns) if arguments.x else default_x(points)
    style.write(draw(points, x_name, columns), arguments.picture)


if __name__ == "__main__":
    main()
