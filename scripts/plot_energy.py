#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws where the energy of each run goes, from a result's CSV: stacked bars by energy kind and component.

    scripts/plot_energy.py results/resnet50/result.csv results/resnet50/energy.png

A bar is one machine, a panel one network, precision and batch. The unit is pJ for each multiply-accumulate of the
network, so that runs of different length stand side by side.
"""
import argparse
import collections
import csv
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

KINDS = ["arithmetic", "data_movement", "control", "static"]
COLOURS = {"arithmetic": "Greens", "data_movement": "Blues", "control": "Oranges", "static": "Greys"}
LEAST_SHARE = 0.01  # parts that are smaller in every bar are drawn together


def read_runs(path):
    """Energies by (kind, component kind) and MACs of each run: {panel: {machine: (energies, macs)}}."""
    panels = collections.OrderedDict()
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            panel = (row["network"], row["precision_policy"], int(row["batch"]))
            machines = panels.setdefault(panel, collections.OrderedDict())
            energies, macs = machines.setdefault(row["machine"], (collections.Counter(), collections.Counter()))
            energies[(row["energy_kind"], row["kind"])] += float(row["energy_pj"])
            if row["action"] in ("mac", "gated_mac", "skipped_mac"):
                macs["done"] += int(row["count"])
            elif row["action"] == "recomputed_mac":
                macs["done"] -= int(row["count"])
    return panels


def per_mac(panels):
    """pJ a multiply-accumulate: {panel: {machine: {part: pJ}}}."""
    scaled = collections.OrderedDict()
    for panel, machines in panels.items():
        scaled[panel] = collections.OrderedDict()
        for machine, (energies, macs) in machines.items():
            count = macs["done"] or 1
            scaled[panel][machine] = {part: energy / count for part, energy in energies.items()}
    return scaled


def parts_to_draw(panels):
    """Parts in the order of the stack; those that are small everywhere become (kind, 'other')."""
    large = set()
    everything = set()
    for machines in panels.values():
        for parts in machines.values():
            total = sum(parts.values())
            everything |= set(parts)
            large |= {part for part, energy in parts.items() if energy > LEAST_SHARE * total}
    ordered = []
    for kind in KINDS:
        components = sorted(component for k, component in large if k == kind)
        if any(k == kind for k, _ in everything - large):
            components.append("other")
        ordered += [(kind, component) for component in components]
    return ordered, large


def shades(parts):
    colours = {}
    for kind in KINDS:
        own = [part for part in parts if part[0] == kind]
        for position, part in enumerate(own):
            shade = 0.35 + 0.5 * (position + 0.5) / len(own)
            colours[part] = plt.get_cmap(COLOURS[kind])(shade)
    return colours


def draw(panels, path):
    parts, large = parts_to_draw(panels)
    colours = shades(parts)
    bars = max(len(machines) for machines in panels.values())
    figure, axes = plt.subplots(1, len(panels), sharey=True, squeeze=False,
                                figsize=(3 + len(panels) * max(1.6, 0.62 * bars), 6.2))
    for axis, (panel, machines) in zip(axes[0], panels.items()):
        names = list(machines)
        bottoms = [0.0] * len(names)
        for part in parts:
            heights = []
            for name in names:
                energies = machines[name]
                if part[1] == "other":
                    heights.append(sum(e for p, e in energies.items() if p[0] == part[0] and p not in large))
                else:
                    heights.append(energies.get(part, 0.0))
            axis.bar(names, heights, bottom=bottoms, color=colours[part], width=0.75,
                     label=f"{part[0].replace('_', ' ')}: {part[1].replace('_', ' ')}")
            bottoms = [bottom + height for bottom, height in zip(bottoms, heights)]
        network, precision, batch = panel
        axis.set_title(f"{network}\n{precision}, batch {batch}", fontsize=10)
        axis.tick_params(axis="x", labelrotation=60, labelsize=8)
        for label in axis.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("energy (pJ a multiply-accumulate)")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.0, 0.55), fontsize=8,
                  frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=150, bbox_inches="tight", metadata={"Software": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv", help="a result as memwall run or compare --csv writes it")
    parser.add_argument("png", help="the picture to write")
    arguments = parser.parse_args()
    try:
        panels = per_mac(read_runs(arguments.csv))
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"error: cannot read '{arguments.csv}' as a result: {error}")
    if not panels:
        sys.exit(f"error: '{arguments.csv}' has no runs")
    try:
        draw(panels, arguments.png)
    except OSError as error:
        sys.exit(f"error: cannot write '{arguments.png}': {error}")


if __name__ == "__main__":
    main()
