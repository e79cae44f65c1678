#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws when each layer of the last batch ran, and what bounded it.

    scripts/plot/timeline.py lenet.json timeline.svg
"""
import results
import scales
import style


def draw(run):
    layers = results.working_layers(run)
    names = results.layer_names(layers)
    figure, axes = style.tall_figure(names)
    lasting = [row for row, layer in enumerate(layers) if layer["end_s"] > layer["start_s"]]
    for position, bound in enumerate(dict.fromkeys(layers[row]["bound_by"] for row in lasting)):
        rows = [row for row in lasting if layers[row]["bound_by"] == bound]
        axes.barh(rows, [layers[row]["end_s"] - layers[row]["start_s"] for row in rows],
                  left=[layers[row]["start_s"] for row in rows], height=0.8, label=f"bound by {bound or 'nothing'}",
                  **style.area(position))
    scales.set_from_zero(axes.xaxis, "time since the batch's first input byte", "s", max(layer["end_s"] for layer in layers))
    style.finish_rows(figure, axes, names, results.title(run))
    return figure


def main():
    results.draw_to(__doc__, draw)


if __name__ == "__main__":
    main()
