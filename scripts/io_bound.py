#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of docs/io_bound.md between their marks: DRAM traffic beside the least that any schedule moves; --check only compares.

    scripts/io_bound.py [--memwall build/memwall] [--check]
"""
import argparse
import json
import math
import os
import subprocess
import sys

import marked_page

ROOT = marked_page.ROOT
CAPACITIES = ["512 KiB", "1 MiB", "4 MiB"]
PREFILL = ["--phase", "prefill", "--prompt", "512"]
NETWORKS = [("alexnet", []), ("vgg16", []), ("resnet50", []), ("mobilenet_v2", []), ("efficientnet_b0", []), ("unet", []), ("yolov4", []),
            ("vit_b16", []), ("bert_large", []), ("gpt_j_6b", PREFILL), ("llama2_7b", PREFILL), ("llama3_8b", PREFILL), ("granite_8b", PREFILL)]


def run(memwall, network, options, capacity):
    done = subprocess.run([memwall, "run", "--machine", "von_neumann", "--network", network, "--engine", "analytic", "--set",
                           f"machine.components.global_buffer.capacity={capacity}", "--json", "-", "--configs", os.path.join(ROOT, "configs"),
                           *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)["runs"][0]


def moved(layer):
    return sum(tensor["read"] + tensor["write"] for tensor in layer["traffic_bytes"].get("dram", {}).values())


def ratios(result):
    """(traffic over its bound, name) of each layer, together with what runs on its way out, that finds nothing on the chip and leaves nothing there: what it
    takes in is read from the DRAM, and its results are written."""
    ends = {}
    for layer in result["layers"]:
        ends.setdefault(layer["fused_with"], []).append(layer)
    found = []
    for layer in ends.get(None, []):
        traffic = layer["traffic_bytes"].get("dram", {})
        bound = layer["lower_bound_bytes"].get("dram", 0)
        read = {tensor for tensor, ways in traffic.items() if ways["read"] > 0}
        behind = ends.get(layer["name"], [])
        written = sum(part["traffic_bytes"].get("dram", {}).get("outputs", {}).get("write", 0) for part in [layer, *behind])
        multiplies_weights = layer["macs"] > 0 and layer["op"] != "matmul"
        alone = "inputs" in read and written > 0 and (not multiplies_weights or "weights" in read) and not any(part["macs"] for part in behind)
        if bound > 0 and (layer["bound_applies"] and moved(layer) > 0 or alone):
            found.append(((sum(ways["read"] for ways in traffic.values()) + written) / bound, layer["name"]))
    return found


def mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def whole(result):
    """MB an item at the DRAM, and what no schedule of the network can avoid."""
    totals = result["totals"]
    bytes_moved = sum(moved(layer) for layer in result["layers"])
    return " | ".join(f"{value / totals['items'] / 1e6:,.4g}" for value in (bytes_moved, totals["at_lower_bound"]["bytes"]))


def tables(memwall):
    lines = ["| network | " + " | ".join(f"{capacity}: layers | mean | worst" for capacity in CAPACITIES) + " |",
             "|---|" + "---|" * (3 * len(CAPACITIES))]
    networks = ["| network | " + " | ".join(f"{capacity}: moved | least" for capacity in CAPACITIES) + " |", "|---|" + "---|" * (2 * len(CAPACITIES))]
    every = {capacity: [] for capacity in CAPACITIES}
    for network, options in NETWORKS:
        cells, wholes = [], []
        for capacity in CAPACITIES:
            result = run(memwall, network, options, capacity.replace(" ", ""))
            found = ratios(result)
            every[capacity] += found
            worst = max(found, default=None)
            cells += [str(len(found)), f"{mean([ratio for ratio, _ in found]):.3f}", f"{worst[0]:.2f} (`{worst[1]}`)"] if found else ["0", "", ""]
            wholes.append(whole(result))
        lines.append(f"| {network} | " + " | ".join(cells) + " |")
        networks.append(f"| {network} | " + " | ".join(wholes) + " |")
    cells = []
    for capacity in CAPACITIES:
        found = every[capacity]
        cells += [str(len(found)), f"{mean([ratio for ratio, _ in found]):.3f}", f"{max(found)[0]:.2f}"]
    lines.append("| **all** | " + " | ".join(f"**{cell}**" for cell in cells) + " |")
    return "\n".join(lines + ["", "Whole networks, in MB an image or a token of the prompt:", ""] + networks)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memwall", default=os.path.join(ROOT, "build", "memwall"), help="the program (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 where the page says something else")
    arguments = parser.parse_args()
    made = tables(arguments.memwall)
    marked_page.put("io_bound.md", "io_bound", made, arguments.check, f"error: docs/io_bound.md does not say what the runs give:\n\n{made}\n")


if __name__ == "__main__":
    main()
