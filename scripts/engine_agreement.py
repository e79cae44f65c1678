#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints how far the analytic engine and the SystemC replay agree, run by run and over each run's layers.

    scripts/engine_agreement.py [--memwall build/memwall] [--network lenet] [--network resnet50]
    scripts/engine_agreement.py --training

A layer's time is what it adds to a round, adds_s. It is contended where its steps queued for more than 1 % of that. The table is that of
docs/validation.md.
"""
import argparse
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONTENDED = 0.01
AGREE = 0.05
TRAINING = [("von_neumann", "lenet", "int8", 8), ("von_neumann", "alexnet", "int8", 4), ("von_neumann", "resnet18", "int8", 8),
            ("von_neumann", "vgg16", "int8", 2), ("von_neumann", "bert_large", "int8", 2), ("tpu_v3", "resnet18", "bf16", 8),
            ("tpu_v3", "resnet50", "bf16", 32), ("tpu_v3", "bert_large", "bf16", 4), ("a100_sxm_80gb", "resnet50", "fp16", 32)]


def run(memwall, machine, network, precision, batch, engine, more=()):
    command = [memwall, "run", "--machine", machine, "--network", network, "--precision", precision, "--batch",
               str(batch), "--engine", engine, "--json", "-", "--configs", os.path.join(ROOT, "configs"), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)["runs"][0]


def compare_layers(analytic, simulated):
    """(share of the layers' time that is contended, share of the rest that agrees, worst differences of both)."""
    contended = others = agreeing = 0.0
    worst = {True: (0.0, ""), False: (0.0, "")}
    for estimate, layer in zip(analytic["layers"], simulated["layers"]):
        if layer["start_s"] is None or estimate["start_s"] is None:
            continue
        seconds = layer["adds_s"]
        least = estimate["adds_s"]
        if seconds <= 0 or least <= 0:
            continue
        queued = (layer["queued_s"] or 0) > CONTENDED * seconds
        difference = seconds / least - 1
        if queued:
            contended += seconds
        else:
            others += seconds
            agreeing += seconds if abs(difference) <= AGREE else 0
        if abs(difference) > abs(worst[queued][0]):
            worst[queued] = (difference, layer["name"])
    return contended / (contended + others), agreeing / others if others else 1.0, worst


def shown(worst):
    difference, name = worst
    return f"{100 * difference:+.0f} % {name}" if name else "0 %"


def training_table(memwall):
    print("| training step with Adam: network, machine, precision, batch | analytic | SystemC | difference |")
    print("|---|---|---|---|")
    for machine, network, precision, batch in TRAINING:
        least, found = (run(memwall, machine, network, precision, batch, engine, ("--phase", "training_step"))["totals"]["latency_s"]
                        for engine in ("analytic", "systemc"))
        print(f"| {network}, {machine}, {precision}, {batch} | {1e3 * least:.3g} ms | {1e3 * found:.3g} ms | "
              f"{100 * (found / least - 1):+.0f} % |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memwall", default=os.path.join(ROOT, "build", "memwall"))
    parser.add_argument("--network", action="append")
    parser.add_argument("--training", action="store_true", help="training steps instead")
    arguments = parser.parse_args()
    if arguments.training:
        training_table(arguments.memwall)
        return
    print("| network, machine, precision, batch | frames/s analytic | SystemC | difference | contended time | "
          "other layers within 5 % | worst other | worst contended |")
    print("|---|---|---|---|---|---|---|---|")
    for network in arguments.network or ["lenet", "resnet50"]:
        for machine in ("northpole", "von_neumann"):
            for precision in ("int4", "int8"):
                for batch in (1, 32):
                    case = (machine, network, precision, batch)
                    analytic = run(arguments.memwall, *case, "analytic")
                    simulated = run(arguments.memwall, *case, "systemc")
                    contended, agreeing, worst = compare_layers(analytic, simulated)
                    least = analytic["totals"]["throughput_per_s"]
                    found = simulated["totals"]["throughput_per_s"]
                    print(f"| {network}, {machine}, {precision}, {batch} | {least:,.0f} | {found:,.0f} "
                          f"| {100 * (found / least - 1):+.1f} % | {100 * contended:.0f} % | {100 * agreeing:.0f} % "
                          f"| {shown(worst[False])} | {shown(worst[True])} |")


if __name__ == "__main__":
    main()
