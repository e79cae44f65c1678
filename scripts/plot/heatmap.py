#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws a metric over two parameters as a map; where points share a place, the best one (the least).

    scripts/plot/heatmap.py results/mine/results.csv map.png --metric energy_per_item_j
"""
import style


def ordered(rows, name):
    """The values of a parameter: numbers by size, words by their first place."""
    texts = list(dict.fromkeys(row[name] for row in rows))
    return sorted(texts, key=style.number) if all(style.number(text) is not None for text in texts) else texts


def main():
    parser = style.arguments_of(__doc__)
    parser.add_argument("--x", help="a parameter (default: the first with numbers)")
    parser.add_argument("--y", help="a parameter (default: the second with numbers)")
    parser.add_argument("--metric", default="energy_per_item_j", help="a metric (default: %(default)s)")
    parser.add_argument("--network", help="where the sweep has several")
    arguments = parser.parse_args()
    rows = style.read(arguments.csv)
    networks = list(dict.fromkeys(row["network"] for row in rows))
    if arguments.network is None and len(networks) > 1:
        parser.error(f"the sweep has several networks; expected --network with one of {', '.join(networks)}")
    rows = [row for row in rows if arguments.network in (None, row["network"])]
    if not rows:
        parser.error(f"the sweep has no network '{arguments.network}'; expected one of {', '.join(networks)}")
    names = style.numeric_parameters(rows) + style.parameters(rows)
    x_name = arguments.x or names[0]
    decided = style.told_by(rows, x_name)
    y_name = arguments.y or next((name for name in names if name != x_name and name not in decided), None)
    if y_name is None:
        parser.error("a map needs two parameters that change each for itself; the sweep has one")
    metric = style.Column(rows, arguments.metric)
    across, up = ordered(rows, x_name), ordered(rows, y_name)
    grid = [[float("nan")] * len(across) for _ in up]
    for row, value in zip(rows, metric.values):
        line, column = up.index(row[y_name]), across.index(row[x_name])
        if value is not None and not grid[line][column] <= value:
            grid[line][column] = value
    figure, axes = style.figure()
    image = axes.imshow(grid, origin="lower", aspect="auto", cmap=style.MAP)
    axes.set_xticks(range(len(across)), across, rotation=45, ha="right")
    axes.set_yticks(range(len(up)), up)
    axes.set_xlabel(style.short(x_name, names))
    axes.set_ylabel(style.short(y_name, names))
    figure.colorbar(image, label=metric.label)
    style.write(figure, arguments.picture)


if __name__ == "__main__":
    main()
