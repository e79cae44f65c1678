#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws when each layer of the last batch ran, and what bounded it.

    scripts/plot/timeline.py lenet.json timeline.svg
"""
import results
import style


def draw(run):
    layers = results.working_layers(run)
    scale, unit = style.prefixed(max(layer["end_s"] for layer in layers), "s")
    figure, axes = style.tall_figure(len(layers))
    for position, bound in enumerate(dict.fromkeys(layer["bound_by"] for layer in layers)):
        rows = [row for row, layer in enumerate(layers) if layer["bound_by"] == bound]
        axes.barh(rows, [(layers[row]["end_s"] - layers[row]["start_s"]) / scale for row in rows],
                  left=[layers[row]["start_s"] / scale for row in rows], height=0.8, label=f"bound by {bound or 'nothing'}",
                  **style.area(position))
    style.finish_rows(figure, axes, [layer["name"] for layer in layers],
                      f"time since the batch's first input byte ({unit})", results.title(run))
    return figure


def main():
    results.draw_to(__doc__, draw)


if __name__ == "__main__":
    main()
