#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what each layer moves at the outermost memory, by tensor, beside the least that any schedule of it could move.

    scripts/plot/traffic.py lenet.json traffic.svg

A bar that ends left of its bound belongs to a layer that keeps data on the chip across its ends; there the bound, which is that of the
layer alone, is drawn hollow.
"""

import results
import scales
import style
from faults import fault


def draw(run):
    memory = results.outermost_memory(run)
    items = run["totals"]["items"]
    layers = [layer for layer in results.working_layers(run)
              if results.bytes_at(layer, memory) > 0 or layer["lower_bound_bytes"].get(memory, 0) > 0]
    if not layers:
        fault(f"{results.title(run)}: nothing moves at {memory}, and nothing must")
    bounds = [layer["lower_bound_bytes"].get(memory, 0) / items for layer in layers]
    most = max(bounds + [results.bytes_at(layer, memory) / items for layer in layers])
    tensors = list(dict.fromkeys(tensor for layer in layers for tensor in layer["traffic_bytes"].get(memory, {})))
    names = results.layer_names(layers)
    figure, axes = style.tall_figure(names)
    starts = [0.0] * len(layers)
    for position, tensor in enumerate(tensors):
        lengths = [sum(layer["traffic_bytes"].get(memory, {}).get(tensor, {}).values()) / items for layer in layers]
        axes.barh(range(len(layers)), lengths, left=starts, height=0.8, label=tensor.replace("_", " "), **style.area(position))
        starts = [start + more for start, more in zip(starts, lengths)]
    for applies, fill, label in [(True, "black", "I/O lower bound"), (False, "white", "I/O lower bound, had the layer run alone")]:
        rows = [row for row, layer in enumerate(layers) if layer["bound_applies"] == applies]
        if rows:
            axes.plot([bounds[row] for row in rows], rows, linestyle="none", marker="D", markersize=4, color="black",
                      markerfacecolor=fill, label=label)
    scales.set_from_zero(axes.xaxis, f"bytes at {memory.replace('_', ' ')} a {run['totals']['item'].replace('_', ' ')}", "B", most)
    style.finish_rows(figure, axes, names, results.title(run))
    if not any(results.bytes_at(layer, memory) for layer in layers):
        style.note(figure, f"Nothing crossed {memory.replace('_', ' ')}: all that layers need stayed on the chip.")
    return figure


def main():
    results.draw_to(__doc__, draw)


if __name__ == "__main__":
    main()
