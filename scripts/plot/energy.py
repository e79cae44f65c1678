#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws where the energy goes, from a result's CSV: stacked bars, one for each run or each layer.

    scripts/plot/energy.py results/resnet50/result.csv energy.png
    scripts/plot/energy.py results/resnet50/result.csv layers.svg --bars layer --by kind --run 1

A bar is one machine, a panel one network, precision and batch; or a bar is one layer of one run. The unit is pJ for each
multiply-accumulate of the whole network, so that runs of different length stand side by side and layers add up to their run.
"""
import collections

import results
import style
from faults import fault

KINDS = ["arithmetic", "data_movement", "control", "static"]
COLOURS = {"arithmetic": "#009E73", "data_movement": "#56B4E9", "control": "#E69F00", "static": "#999999"}
PARTS = {"part": lambda row: (row["energy_kind"], row["kind"]), "kind": lambda row: (row["energy_kind"],),
         "component": lambda row: (row["component"],), "tensor": lambda row: (row["tensor"] or "none",),
         "layer": lambda row: (row["layer"],)}
MULTIPLIED = {"mac": 1, "gated_mac": 1, "skipped_mac": 1, "recomputed_mac": -1}
LEAST_SHARE = 0.01  # parts that are smaller in every bar are drawn together
OTHER = "other"


class Bar:
    """Energies of the parts of one run or layer."""

    def __init__(self, name):
        self.name = name
        self.energies = collections.Counter()

    def share(self, part):
        total = sum(self.energies.values())
        return self.energies[part] / total if total > 0 else 0.0


def rows_by_run(rows):
    """{title: rows}, in the order of the file."""
    runs = {}
    for row in rows:
        runs.setdefault((row["machine"], results.title(row)), []).append(row)
    return {run_title: own for (_, run_title), own in runs.items()}


def unit_energy(rows, per, title):
    """How many pJ of a run are drawn as 1."""
    if per == "window":
        return 1e9
    macs = sum(MULTIPLIED.get(row["action"], 0) * row["count"] for row in rows)
    if macs <= 0:
        fault(f"{title}: the network multiplies nothing; expected --per window")
    return macs


def bars_of(rows, name_of, by, unit):
    bars = {}
    for row in rows:
        bar = bars.setdefault(name_of(row), Bar(name_of(row)))
        bar.energies[PARTS[by](row)] += row["energy_pj"] / unit
    return list(bars.values())


def panels_of(rows, arguments):
    """{title of a panel: bars}"""
    runs = rows_by_run(rows)
    if arguments.bars == "layer" or arguments.run is not None:
        title = list(runs)[results.chosen(list(runs), arguments.run)]
        runs = {title: runs[title]}
    if arguments.bars == "layer":
        (title, own), = runs.items()
        return {title: bars_of(own, lambda row: row["layer"], arguments.by, unit_energy(own, arguments.per, title))}
    panels = {}
    for title, own in runs.items():
        first = own[0]
        panel = f"{first['network']}\n{first['precision_policy']}, batch {first['batch']}"
        panels.setdefault(panel, []).extend(
            bars_of(own, lambda row: row["machine"], arguments.by, unit_energy(own, arguments.per, title)))
    return panels


def stack_of(bars, by):
    """Parts in the order of the stack; those that are small in every bar become one 'other', of each kind where kinds are told."""
    parts = list(dict.fromkeys(part for bar in bars for part in bar.energies))
    large = {part for part in parts if any(bar.share(part) > LEAST_SHARE for bar in bars)}
    if by not in ("part", "kind"):
        shown = [part for part in parts if part in large]
        return (sorted(shown) if by == "tensor" else shown) + ([(OTHER,)] if len(shown) < len(parts) else []), large
    stack = []
    for kind in KINDS:
        stack += sorted(part for part in large if part[0] == kind)
        if any(part[0] == kind and part not in large for part in parts):
            stack.append((kind, OTHER))
    return stack, large


def height(bar, part, large):
    if part[-1] != OTHER:
        return bar.energies[part]
    return sum(energy for own, energy in bar.energies.items() if own not in large and own[:-1] == part[:-1])


def fillings(stack, by):
    """Kinds have a colour each, their components its tints; every part has a hatch that its neighbours have not."""
    if by not in ("part", "kind"):
        return {part: style.area(position) for position, part in enumerate(stack)}
    found = {}
    for kind in KINDS:
        own = [part for part in stack if part[0] == kind]
        for position, part in enumerate(own):
            hatch = position if by == "part" else KINDS.index(kind)
            strength = 1 - 0.7 * position / len(own)
            found[part] = style.area(hatch, style.tint(COLOURS[kind], strength))
    return found


def label_of(part):
    return ": ".join(word.replace("_", " ") for word in part)


def draw_runs(panels, stack, large, fill, unit):
    most = max(len(bars) for bars in panels.values())
    figure, axes = style.figure(len(panels), (3 + len(panels) * max(1.6, 0.62 * most), 6.2), sharey=True, squeeze=False)
    for axis, (title, bars) in zip(axes[0], panels.items()):
        names = [bar.name for bar in bars]
        bottoms = [0.0] * len(bars)
        for part in stack:
            heights = [height(bar, part, large) for bar in bars]
            axis.bar(names, heights, bottom=bottoms, width=0.75, label=label_of(part), **fill[part])
            bottoms = [bottom + more for bottom, more in zip(bottoms, heights)]
        axis.set_title(title, fontsize=10)
        axis.tick_params(axis="x", labelsize=8)
        for name in axis.get_xticklabels():
            name.set(rotation=60, horizontalalignment="right", rotation_mode="anchor")
    axes[0][0].set_ylabel(unit)
    figure.tight_layout()
    style.legend_beside(figure, axes[0][0], upside_down=True)
    return figure


def draw_layers(panels, stack, large, fill, unit):
    (title, bars), = panels.items()
    names = [style.wrapped(bar.name, 60) for bar in bars]
    figure, axis = style.tall_figure(names)
    starts = [0.0] * len(bars)
    for part in stack:
        lengths = [height(bar, part, large) for bar in bars]
        axis.barh(range(len(bars)), lengths, left=starts, height=0.8, label=label_of(part), **fill[part])
        starts = [start + more for start, more in zip(starts, lengths)]
    axis.set_xlabel(unit)
    style.finish_rows(figure, axis, names, title)
    return figure


def main():
    parser = style.arguments_of(__doc__, "csv", "a result as memwall run or compare --csv writes it")
    parser.add_argument("--by", choices=list(PARTS), default="part",
                        help="what a bar is made of; part: kind of energy and kind of component (default: %(default)s)")
    parser.add_argument("--bars", choices=["run", "layer"], default="run", help="what a bar is (default: %(default)s)")
    parser.add_argument("--per", choices=["mac", "window"], default="mac",
                        help="pJ for each multiply-accumulate, or mJ of the window (default: %(default)s)")
    results.add_run_option(parser)
    arguments = parser.parse_args()
    panels = panels_of(results.read_rows(arguments.csv), arguments)
    stack, large = stack_of([bar for bars in panels.values() for bar in bars], arguments.by)
    draw = draw_layers if arguments.bars == "layer" else draw_runs
    unit = "energy (pJ a multiply-accumulate)" if arguments.per == "mac" else "energy of the window (mJ)"
    style.write(draw(panels, stack, large, fillings(stack, arguments.by), unit), arguments.picture)


if __name__ == "__main__":
    main()
