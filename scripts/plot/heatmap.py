#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws a metric over two parameters as a map, one for each network; where points share a place, the best one.

    scripts/plot/heatmap.py results/mine/results.csv map.png --metric energy_per_item_j
"""
import math

import scales
import style
import sweep_table
import units
from faults import fault

MOST_MAPS = 12
MOST_TOLD = 12  # columns or rows of a map whose values are written into it
LIGHT = 0.6     # from this part of the colours on black is read better than white


def ordered(points, name):
    """The values of a parameter: numbers by size, words by their first place."""
    texts = list(dict.fromkeys(row[name] for row in points.rows + points.lost))
    return sorted(texts, key=units.number) if all(units.number(text) is not None for text in texts) else texts


def free_axes(points, x_name, y_name):
    """Two parameters, which change each for itself: numbers before words, the network last; None where there is none."""
    names = points.independent([name for name in (x_name, y_name) if name] + points.numeric())
    names.sort(key=lambda name: name == "network")  # each network has a map of its own
    x_name = x_name or next((name for name in names if name != y_name), None)
    return x_name, y_name or next((name for name in names if name != x_name), None)


def axes_of(points, x_name, y_name):
    """The two parameters of a map; also one for which most values failed."""
    for among in (points, points.with_lost()):
        found = free_axes(among, x_name, y_name)
        if None not in found and found[0] != found[1]:
            return found
    one = next((name for name in found if name), None)
    fault("a map needs two parameters that change each for itself; "
          + (f"the sweep has one, '{one}': draw it with lines.py" if one else "the sweep has none"))


class Grid:
    """The best values of a metric by place, and how many points share one."""

    def __init__(self, points, x_name, y_name, metric):
        self.across, self.up = ordered(points, x_name), ordered(points, y_name)
        self.values = [[math.nan] * len(self.across) for _ in self.up]
        found = {}
        for row, value in zip(points.rows, metric.values):
            if value is not None:
                found.setdefault((self.up.index(row[y_name]), self.across.index(row[x_name])), []).append(value)
        for (line, column), own in found.items():
            self.values[line][column] = max(own) if metric.more_is_better() else min(own)
        self.most = max(map(len, found.values()), default=0)
        self.known = [value for line in self.values for value in line if not math.isnan(value)]
        self.lost = {(self.up.index(row[y_name]), self.across.index(row[x_name])) for row in points.lost} - set(found)


def tell_values(axes, grid, norm, scale):
    """Writes the values into the map where there is room, and a cross where no point ended well."""
    for line, column in sorted(grid.lost):
        axes.text(column, line, "×", ha="center", va="center", fontsize=9)
    if len(grid.across) > MOST_TOLD or len(grid.up) > MOST_TOLD:
        return
    for line, values in enumerate(grid.values):
        for column, value in enumerate(values):
            if not math.isnan(value):
                axes.text(column, line, f"{float(f'{value / scale:.3g}'):,g}", ha="center", va="center", fontsize=7,
                          color="black" if norm(value) > LIGHT else "white")


def name_axis(axis, points, name, texts):
    """Values as ticks; a unit that all share goes to the label."""
    words = [points.words(name)[text] for text in texts]
    shared = {word.split(" ", 1)[1] if " " in word and units.quantity(text) else "" for word, text in zip(words, texts)}
    unit = shared.pop() if len(shared) == 1 else ""
    names = [style.wrapped(word.removesuffix(" " + unit) if unit else word, 24) for word in words]
    scales.set_names(axis, names, 20)
    axis.set_label_text(points.short(name) + (f" ({unit})" if unit else ""))
    if axis.axis_name == "x" and sum(map(len, names[::-(-len(names) // 20)])) > 40:
        for label in axis.get_ticklabels():
            label.set(rotation=45, horizontalalignment="right", rotation_mode="anchor", fontsize=8)
    elif axis.axis_name == "y":
        for label in axis.get_ticklabels():
            label.set(fontsize=8)


def draw_map(figure, axes, points, names, metric):
    """One map."""
    from matplotlib.colors import LogNorm, Normalize
    grid = Grid(points, *names, metric)
    wide = scales.is_wide(grid.known)
    norm = (LogNorm if wide else Normalize)(min(grid.known), max(grid.known))
    image = axes.imshow(grid.values, origin="lower", aspect="auto", cmap=style.MAP, norm=norm)
    for axis, name, texts in [(axes.xaxis, names[0], grid.across), (axes.yaxis, names[1], grid.up)]:
        name_axis(axis, points, name, texts)
    bar = figure.colorbar(image, ax=axes)
    scales.set_scale(bar.ax.yaxis, metric.words, metric.unit, grid.known)
    scale = units.prefixed(math.sqrt(max(grid.known) * min(grid.known)) if wide else max(map(abs, grid.known)), metric.unit)[0]
    tell_values(axes, grid, norm, scale)
    return grid


def points_by_network(points, names):
    """{network: its points} of those with points that ended well; one where the network is an axis."""
    of = {network: [] for network in dict.fromkeys(row["network"] for row in points.rows)}
    if len(of) == 1 or "network" in names:
        return {"": points}
    for row in points.rows + points.lost:
        if row["network"] in of:
            of[row["network"]].append(row)
    return {network: points.of(rows) for network, rows in of.items()}


def notes_of(points, names, grids, metric_name):
    """What must be said of the maps."""
    told = []
    most = max(grid.most for grid in grids)
    if most > 1:
        others = [points.short(name) for name in points.independent(names) if name not in names and (len(grids) == 1 or name != "network")]
        best = "most" if metric_name in sweep_table.HIGHER_IS_BETTER else "least"
        told.append(f"A place shows the best (the {best}) of up to {most} points that differ in {', '.join(others)}.")
    told.append(points.note())
    if any(grid.lost for grid in grids):
        told.append("A cross: all points there failed or are excluded.")
    return told


def draw(points, names, metric_name):
    maps = list(points_by_network(points, names).items())
    if len(maps) > MOST_MAPS:
        fault(f"the sweep has {len(maps)} networks; expected at most {MOST_MAPS} in a picture: choose some with --where network=NAME")
    columns = min(3, len(maps))
    rows = -(-len(maps) // columns)
    figure, axes = style.figure(columns, (5.2 * columns + 1, 4.2 * rows), rows, squeeze=False, layout="constrained")
    grids = []
    for place, (network, own) in zip(axes.flat, maps):
        grids.append(draw_map(figure, place, own, names, sweep_table.Column(own, metric_name)))
        if len(maps) > 1:
            style.set_title(place, network, 40)
    for place in axes.flat[len(maps) :]:
        place.set_axis_off()
    style.note(figure, *notes_of(points, names, grids, metric_name))
    return figure


def main():
    parser = sweep_table.arguments_of(__doc__)
    parser.add_argument("--x", metavar="PATH", help="a parameter (default: the first that changes, those with numbers before the others)")
    parser.add_argument("--y", metavar="PATH", help="a parameter (default: the next one)")
    parser.add_argument("--metric", default="energy_per_item_j", help="a metric, or A/B for a ratio (default: %(default)s)")
    parser.add_argument("--network", help="of several, draw this one only")
    arguments = parser.parse_args()
    where = arguments.where + ([f"network={arguments.network}"] if arguments.network else [])
    points = sweep_table.read(arguments.csv, where)
    asked = [name and sweep_table.full_path(name, points.columns) for name in (arguments.x, arguments.y)]
    style.write(draw(points, axes_of(points, *asked), arguments.metric), arguments.picture)


if __name__ == "__main__":
    main()
