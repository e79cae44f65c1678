#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the roofline of a run: its layers by multiply-accumulates a byte and a second, under the roofs of its machine.

    scripts/plot/roofline.py lenet.json roofline.svg --memory dram

The roofs are those that the run met (Williams, Waterman, Patterson: Roofline, CACM 52(4), 2009): the arrays' dense peak at each
precision, and the rate of the memory while it moves data. Layers that move nothing at that memory or multiply nothing have no place.
"""

import results
import scales
import style
import units
from faults import fault

SAME = 0.01  # peaks that differ by less are one roof


class Point:
    """A layer: MACs a byte at the memory, MACs a second from its start to its end, and the roof over it."""

    def __init__(self, layer, run, memory):
        share = run["totals"]["items_together"] / run["totals"]["items"]
        seconds = layer["end_s"] - layer["start_s"]
        self.name, self.bound_by = layer["name"], layer["bound_by"]
        self.intensity = layer["macs"] / results.bytes_at(layer, memory)
        self.rate = layer["macs"] * share / seconds
        self.peak = self.rate / layer["utilization"]


def points_of(run, memory):
    return [Point(layer, run, memory) for layer in results.working_layers(run)
            if layer["macs"] > 0 and layer["utilization"] > 0 and results.bytes_at(layer, memory) > 0]


def bandwidth_of(run, memory):
    """Bytes a second at which a memory moves data, all its instances together; None where it was never busy."""
    component = next(part for part in run["components"] if part["name"] == memory)
    moved = sum(action["count"] for action in component["actions"]
                if action["unit"] == "byte" and action["action"] in ("read", "write"))
    return moved / component["busy_mean_s"] if component["busy_mean_s"] > 0 and moved > 0 else None


def memories_of(run):
    """Those that have a place on a roofline."""
    names = {memory for layer in run["layers"] for memory in layer["traffic_bytes"]}
    return [part["name"] for part in run["components"]
            if part["name"] in names and bandwidth_of(run, part["name"]) and points_of(run, part["name"])]


def peaks_of(points):
    peaks = []
    for point in sorted(points, key=lambda point: -point.peak):
        if not peaks or point.peak < peaks[-1] * (1 - SAME):
            peaks.append(point.peak)
    return peaks


def draw(run, memory):
    points, bandwidth = points_of(run, memory), bandwidth_of(run, memory)
    peaks = peaks_of(points)
    figure, axes = style.figure()
    ridge = peaks[0] / bandwidth
    left = min(ridge, *[point.intensity for point in points]) / 2
    right = max(ridge, *[point.intensity for point in points]) * 3
    least = min(left * bandwidth, *[point.rate for point in points])
    scale, unit = units.prefixed(bandwidth, "B/s")
    axes.plot([left, ridge], [left * bandwidth, peaks[0]], color="black", linewidth=1.2,
              label=f"{memory.replace('_', ' ')}: {bandwidth / scale:.3g} {unit}")
    for position, peak in enumerate(peaks):
        scale, unit = units.prefixed(peak, "MAC/s")
        axes.plot([peak / bandwidth, right], [peak, peak], color="black", linestyle=style.LINES[(position + 1) % 4], linewidth=1.2,
                  label=f"arrays: {peak / scale:.3g} {unit}")
    bounds = list(dict.fromkeys(point.bound_by for point in points))
    for position, bound in enumerate(bounds):
        own = [point for point in points if point.bound_by == bound]
        look = style.series(position)
        axes.plot([point.intensity for point in own], [point.rate for point in own], linestyle="none", marker=look["marker"],
                  color=look["color"], markersize=6, alpha=0.8, markeredgecolor="black", markeredgewidth=0.4,
                  label=f"layers bound by {bound}")
    scales.set_scale(axes.xaxis, f"multiply-accumulates a byte at {memory.replace('_', ' ')}", "MAC/B", [left, right])
    scales.set_scale(axes.yaxis, "rate", "MAC/s", [least, peaks[0]])
    style.set_title(axes, results.title(run))
    style.legend_beside(figure, axes)
    return figure


def main():
    parser = results.arguments_of(__doc__)
    parser.add_argument("--memory", help="a memory of the machine (default: the outermost, else the first that moves data)")
    arguments = parser.parse_args()
    run = results.read_run(arguments.json, arguments.run)
    known = memories_of(run)
    if not known:
        fault(f"{results.title(run)}: no layer multiplies and moves data at a memory with a known rate")
    memory = arguments.memory or (results.outermost_memory(run) if results.outermost_memory(run) in known else known[0])
    if memory not in known:
        fault(f"no layer has a place at memory '{memory}'; expected one of {', '.join(known)}")
    style.write(draw(run, memory), arguments.picture)


if __name__ == "__main__":
    main()
