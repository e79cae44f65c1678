#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what becomes of NorthPole's ResNet-50 at 4 bit over the plausible range of each assumed parameter.

    scripts/validation_ranges.py [--memwall build/memwall] [--batch 1]

One parameter is changed at a time, with the analytic engine; the tables are those of docs/validation.md.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PUBLISHED_FRAMES = 42460.0  # Modha et al., Science 382 (2023): frames/s
PUBLISHED_WATTS = 74.0  # of the same row
# The range that a parameter could have in the chip, the shipped value among them.
TIMING = [
    ("array.weight_load", ["2 cycles", "4 cycles", "8 cycles", "16 cycles"]),
    ("array.pipeline", ["1 cycle", "2 cycles", "4 cycles", "8 cycles"]),
    ("vector.pipeline", ["1 cycle", "4 cycles", "8 cycles"]),
    ("vector.lanes", ["64", "128", "256"]),
    ("model_network.hop", ["1 cycle", "2 cycles"]),
    ("activation_network.hop", ["1 cycle", "2 cycles"]),
    ("partial_sum_network.hop", ["1 cycle", "2 cycles"]),
    ("sequencer.setup", ["1 cycle", "4 cycles", "8 cycles", "16 cycles"]),
    ("weight_buffer.capacity", ["4 KiB", "8 KiB", "16 KiB", "32 KiB"]),
    ("accumulators.capacity", ["8 KiB", "16 KiB", "32 KiB"]),
    ("frame_buffer.read_width", ["256 B", "512 B", "1024 B"]),
    ("host.latency", ["0.5 us", "1 us", "2 us"]),
]
LANES = [("32 x 64", 32, 64), ("64 x 32", 64, 32), ("128 x 16", 128, 16)]
# 2 operations a multiply-accumulate is what the machine file takes; at 1 the published rate is twice the MACs.
COUNTING = [("2 operations a MAC", 64, 32), ("1 operation a MAC", 128, 32)]
LEAKAGE = "logic_leakage_per_mm2"
POWER = [
    (LEAKAGE, "mW", ["20", "60", "120"]),
    ("sram_leakage_per_mib", "mW", ["10", "20", "40"]),
    ("clock_per_cycle_mm2", "pJ", ["10", "30", "60"]),
]


class Runner:
    def __init__(self, memwall, batch):
        self.memwall = memwall
        self.batch = batch

    def totals(self, overrides=(), extra=()):
        """The totals of a run; none where it failed. Input that is wrong ends the script."""
        command = [self.memwall, "run", "--machine", "northpole", "--network", "resnet50", "--precision", "int4",
                   "--batch", str(self.batch), "--engine", "analytic", "--json", "-"]
        folders = list(extra) or ["--configs", os.path.join(ROOT, "configs")]
        for override in overrides:
            command += ["--set", override]
        done = subprocess.run(command + folders, capture_output=True, text=True, check=False)
        if done.returncode == 2:
            sys.exit(done.stderr)
        if done.returncode != 0:
            return None
        return json.loads(done.stdout)["runs"][0]["totals"]

    def core_area(self):
        """As an override: a core's lanes keep the area that they have as shipped."""
        done = subprocess.run([self.memwall, "show", "machine", "northpole", "--json", "-", "--configs", os.path.join(ROOT, "configs")],
                              capture_output=True, text=True, check=True)
        array = next(part for part in json.loads(done.stdout)["components"] if part["name"] == "array")
        return f"machine.components.array.area={array['area_mm2'] / array['instances']:.6f} mm2"

    def row(self, parameter, value, overrides=(), extra=()):
        totals = self.totals(overrides, extra)
        if totals is None:
            print(f"| {parameter} | {value} | the run fails | | | |")
            return
        frames, watts = totals["throughput_per_s"], totals["power_w"]
        print(f"| {parameter} | {value} | {frames:,.0f} | {difference(frames, PUBLISHED_FRAMES)} "
              f"| {watts:.1f} | {difference(watts, PUBLISHED_WATTS)} |")


def difference(found, published):
    percent = round(100 * (found / published - 1), 1)
    return f"{percent + 0.0:+.1f} %"  # the sum makes -0.0 a zero without a sign of its own


def head(what):
    print(f"\n| {what} | value | frames/s | against {PUBLISHED_FRAMES:,.0f} | W | against {PUBLISHED_WATTS:.0f} W |")
    print("|---|---|---|---|---|---|")


def lanes(inputs, outputs):
    return [f"machine.components.array.lanes.int4.inputs={inputs}",
            f"machine.components.array.lanes.int4.outputs={outputs}"]


def with_technology(folder, key, value):
    """A folder of configurations whose 12 nm table has another value of one key."""
    with open(os.path.join(ROOT, "configs", "technology", "12nm.yaml"), encoding="utf-8") as file:
        text = file.read()
    changed, times = re.subn(rf"^({key}: {{value: )[^,]+", rf"\g<1>{value}", text, flags=re.MULTILINE)
    if times != 1:
        sys.exit(f"error: no single {key} in configs/technology/12nm.yaml")
    # The interval no longer holds the value at its ends; it does not enter the power.
    changed = re.sub(rf"^({key}: {{value: [^,]+), low: [^,]+, high: [^,]+,", r"\1,", changed, flags=re.MULTILINE)
    os.makedirs(os.path.join(folder, "technology"), exist_ok=True)
    with open(os.path.join(folder, "technology", "12nm.yaml"), "w", encoding="utf-8") as file:
        file.write(changed)
    return ["--configs", folder]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memwall", default=os.path.join(ROOT, "build", "memwall"))
    parser.add_argument("--batch", type=int, default=1)
    arguments = parser.parse_args()
    runner = Runner(arguments.memwall, arguments.batch)
    # Names that are not in the temporary folder are looked up here.
    os.environ["MEMWALL_CONFIGS"] = os.path.join(ROOT, "configs")

    head("scenario")
    runner.row("as shipped", f"batch {arguments.batch}")
    for batch in (1, 2, 4, 8, 16, 32, 64):
        Runner(arguments.memwall, batch).row("batch", batch)
    runner.row("first and last layer at 8 bit", f"batch {arguments.batch}", ["network.keep_precision=[conv1, fc]"])

    head("timing parameter")
    for name, values in TIMING:
        for value in values:
            runner.row(name, value, [f"machine.components.{name}={value}"])
    for shape, inputs, outputs in LANES:
        runner.row("array.lanes.int4, inputs x outputs", shape, lanes(inputs, outputs))
    runner.row("array.packs_window", "false", ["machine.components.array.packs_window=false"])
    for counted, inputs, outputs in COUNTING:
        runner.row("operations counted", counted, lanes(inputs, outputs) + [runner.core_area()])

    head("power parameter (12nm)")
    with tempfile.TemporaryDirectory() as folder:
        for key, unit, values in POWER:
            for value in values:
                runner.row(key, f"{value} {unit}", (), with_technology(folder, key, f"{value} {unit}"))
        zero = runner.totals((), with_technology(folder, LEAKAGE, "0 mW"))["power_w"]
        hundred = runner.totals((), with_technology(folder, LEAKAGE, "100 mW"))["power_w"]
    # Power is a straight line in it.
    print(f"\n{LEAKAGE} at which the power is the published one: "
          f"{100 * (PUBLISHED_WATTS - zero) / (hundred - zero):.1f} mW")


if __name__ == "__main__":
    main()
