#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the table of docs/twin.md: NorthPole and its Von Neumann twin on every shipped network of one chip; --check only compares.

    scripts/twin.py [--memwall build/memwall] [--check]

Each network is an experiment of its own: both machines in SystemC, and the buffer with which the twin draws level by the analytic engine.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

import marked_page

ROOT = marked_page.ROOT
NETWORKS = ["lenet", "kws_lstm", "alexnet", "resnet18", "resnet50", "vgg16", "mobilenet_v2", "efficientnet_b0", "unet", "yolov4", "vit_b16",
            "bert_large"]
BATCHES = [1, 16]
EXPERIMENT = """memwall: 1
experiment: twin
question: "Where does {network} go faster, and where for less energy?"
network: {network}
reference: northpole
machines: [northpole, von_neumann]
precision: [int4]
batch: [{batch}]
crossover: {{machine: von_neumann, vary: components.global_buffer.capacity, from: 1 MiB, to: 256 MiB}}
"""
LEVEL = re.compile(r"(?:from ([\d.]+ [KMG]iB) on it is|no capacity up to ([\d.]+ [KMG]iB) makes it) as (frugal|fast)")


def run(memwall, network, batch):
    """The two runs' totals by machine, and the crossover sentence."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "twin.yaml")
        with open(file, "w", encoding="utf-8") as out:
            out.write(EXPERIMENT.format(network=network, batch=batch))
        done = subprocess.run([memwall, "run", file, "--json", "-", "--configs", os.path.join(ROOT, "configs")], capture_output=True, text=True,
                              check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    result = json.loads(done.stdout)
    crossover = next(text for text in result["findings"] if text.startswith("Crossover"))
    return {r["machine"]: r["totals"] for r in result["runs"]}, " ".join(crossover.split())


def levels(crossover):
    found = {what: f"from {from_on}" if from_on else f"above {none}" for from_on, none, what in LEVEL.findall(crossover)}
    return [found.get("fast", "always"), found.get("frugal", "always")]


def energy(totals):
    joules = totals["energy_per_item_j"]
    return f"{joules * 1e6:.3g} uJ" if joules < 1e-3 else f"{joules * 1e3:.3g} mJ"


def moving(totals):
    return f"{totals['energy_by_kind_j']['data_movement'] / totals['energy_j']:.1%}".replace("%", " %")


def row(network, batch, runs, crossover):
    chip, twin = runs["northpole"], runs["von_neumann"]
    faster = chip["throughput_per_s"] / twin["throughput_per_s"]
    frugal = twin["energy_per_item_j"] / chip["energy_per_item_j"]
    cells = [network, batch, f"{chip['throughput_per_s']:,.0f}", f"{twin['throughput_per_s']:,.0f}", f"{faster:.2f}", energy(chip), energy(twin),
             f"{frugal:.2f}", moving(chip), moving(twin), *levels(crossover)]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(memwall, jobs):
    lines = ["| network | batch | frames/s: northpole | twin | times as fast | energy a frame: northpole | twin | times less | moving data: northpole "
             "| twin | the twin as fast | as frugal |", "|" + "---|" * 12]
    scenarios = [(network, batch) for network in NETWORKS for batch in BATCHES]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for (network, batch), (runs, text) in zip(scenarios, pool.map(lambda case: run(memwall, *case), scenarios)):
            lines.append(row(network, batch, runs, text))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--memwall", default=os.path.join(ROOT, "build", "memwall"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    marked_page.put("twin.md", "twin", table(asked.memwall, asked.jobs), asked.check,
                    "error: docs/twin.md is not what the models give: run scripts/twin.py")
    return 0


if __name__ == "__main__":
    sys.exit(main())
