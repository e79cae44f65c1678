#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what lies in the memory of one core while each layer runs: blocks by address.

    memwall show memory --machine northpole --network lenet --core 3,7 --json core.json
    scripts/plot/memory_map.py core.json core.svg

What lives into the next round is drawn at both ends.
"""
import json

import results
import scales
import style
import units

NAMES = {"state": "caches", "partial_sums": "partial sums"}


def memory_of(file):
    memory = json.load(file)
    return memory if memory["core"]["blocks"] else None


def read(path):
    """What memwall show memory --core X,Y --json writes."""
    return results.read_file(path, memory_of,
                             "is no memory of a core; expected what memwall show memory --core X,Y --json writes")


def spans(block, layers):
    """(first layer, layers) of a block, in two where it lives into the next round."""
    if block["last"] < layers:
        return [(block["first"], block["last"] - block["first"] + 1)]
    return [(block["first"], layers - block["first"]), (0, block["last"] - layers + 1)]


def draw(memory):
    names = [layer["name"] for layer in memory["layers"]]
    blocks = memory["core"]["blocks"]
    figure, axes = style.figure(size=(7.2, 4.6))
    for position, kind in enumerate(results.CORE_BLOCKS):
        rows = [(start, width, block["address"], block["bytes"])
                for block in blocks if block["what"] == kind for start, width in spans(block, len(names))]
        if rows:
            starts, widths, bottoms, heights = zip(*rows)
            looks = style.area(position) | {"linewidth": 0.2}
            axes.bar(starts, heights, width=widths, bottom=bottoms, align="edge", label=NAMES.get(kind, kind), **looks)
    axes.set_xlim(0, len(names))
    step = -(-len(names) // 30)
    axes.set_xticks([place + 0.5 for place in range(0, len(names), step)], names[::step], rotation=90, fontsize=6)
    axes.set_ylim(bottom=0)
    scales.set_bytes(axes.yaxis, "address", [0, max(block["address"] + block["bytes"] for block in blocks)])
    column, row = memory["core"]["at"]
    style.set_title(axes, f"{memory['machine']}, {memory['network']}: core ({column}, {row}), "
                    + units.readable(f"{memory['capacity_bytes']} B", 4))
    figure.tight_layout()
    style.legend_beside(figure, axes, upside_down=True)
    return figure


def main():
    arguments = style.arguments_of(__doc__, "json", "what memwall show memory --core X,Y --json writes").parse_args()
    style.write(draw(read(arguments.json)), arguments.picture)


if __name__ == "__main__":
    main()
