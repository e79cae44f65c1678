#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls the scripts of scripts/plot on pair.csv and pair.json of the current folder, all in one process, and checks what they draw."""
import argparse
import json

import energy
import floorplan
import memory_map
import results
import roofline
from plot_calls import call, check_refused, drawn

OF_JSON = ["roofline", "traffic", "timeline"]


def check_units():
    for by in energy.PARTS:
        assert "energy (pJ a multiply-accumulate)" in drawn("energy", "pair.csv", "--by", by), by
    assert "energy of the window (mJ)" in drawn("energy", "pair.csv", "--bars", "layer", "--run", "2", "--per", "window")
    for script, unit in zip(OF_JSON, ["(MAC/B)", "bytes at dram a frame (", "first input byte ("]):
        text = drawn(script, "pair.json", "--run", "1")
        assert unit in text and "tiny_von_neumann, tiny_two" in text, f"{script}: no '{unit}' or no title"
        assert text == drawn(script, "pair.json", "--run", "1"), f"{script} draws the same result differently"
        assert "--run" in call(script, "--help"), f"{script}: no help"


def check_sums():
    """Bars add up to the result's energy, points lie under their roofs."""
    rows = results.read_rows("pair.csv")
    for number in (1, 2):
        run = results.read_run("pair.json", number)
        for bars in ("run", "layer"):
            for by in energy.PARTS:
                asked = argparse.Namespace(bars=bars, by=by, per="mac", run=number)
                (shown,) = energy.panels_of(rows, asked).values()
                stack, large = energy.stack_of(shown, by)
                total = sum(energy.height(bar, part, large) for bar in shown for part in stack)
                expected = run["totals"]["energy_j"] * 1e12 / run["totals"]["macs"]
                assert abs(total / expected - 1) < 1e-9, f"run {number}, {bars} by {by}: {total} pJ drawn of {expected}"
        assert roofline.memories_of(run), f"run {number} has no roofline"
        for memory in roofline.memories_of(run):
            for point in roofline.points_of(run, memory):
                roof = min(point.peak, point.intensity * roofline.bandwidth_of(run, memory))
                assert point.rate <= roof * 1.0001, f"run {number}: {point.name} is above its roof at {memory}"


def check_memory():
    text = drawn("memory_map", "core.json")
    for part in ("tiny_northpole, tiny_two: core (1, 0), 4 KiB", "address (B)", "weights", "arrivals", "conv2"):
        assert part in text, f"memory_map: no '{part}'"
    assert text == drawn("memory_map", "core.json"), "memory_map draws the same memory differently"
    memory = memory_map.read("core.json")
    for block in memory["core"]["blocks"]:
        for start, width in memory_map.spans(block, len(memory["layers"])):
            assert 0 <= start < start + width <= len(memory["layers"]), f"{block} is drawn where there is no layer"
    rows = floorplan.read("cores.csv")
    assert floorplan.grid_of(rows, "conv1", "weights") == [[144, 144], [144, 144]], "a quarter of 576 B of weights lies in each core"
    assert "tiny_northpole, tiny_two: while conv2 runs" in drawn("floorplan", "cores.csv", "--layer", "conv2")
    assert "arrivals (B)" in drawn("floorplan", "cores.csv", "--what", "arrivals")
    check_refused("no layer 'conv3' of its own has a place in the table; expected one of conv1, conv2", "floorplan", "cores.csv",
                  "none.svg", "--layer", "conv3")
    check_refused("error: 'pair.csv' has no cores", "floorplan", "pair.csv", "none.svg")
    check_refused("error: 'other.json' is no memory of a core", "memory_map", "other.json", "none.svg")
    check_refused("error: cannot read 'nowhere.json': No such file", "memory_map", "nowhere.json", "none.svg")


TORNADO = """parameter,status,low,shipped,high,low_per_s,high_per_s,low_w,high_w,low_j,high_j
as shipped,,,,,100,100,10,10,0.1,0.1
array.weight_load,assumed,4 cycles,8 cycles,16 cycles,100,90,10,9.5,0.1,0.1056
clock_per_cycle_mm2,assumed,10 pJ,30 pJ,60 pJ,100,100,8,13,0.08,0.13
accumulators.capacity,assumed,8 KiB,16 KiB,32 KiB,,100,,10,,0.1
"""


def check_tornado():
    with open("tornado.csv", "w", encoding="utf-8") as file:
        file.write(TORNADO)
    text = drawn("tornado", "tornado.csv")
    assert text.index("clock_per_cycle_mm2") < text.index("array.weight_load"), "the widest is on top"
    assert "change of energy a frame (%)" in text and "accumulators" not in text, "what changes nothing, or does not run, is no bar"
    assert "clock_per_cycle_mm2" not in drawn("tornado", "tornado.csv", "--figure", "throughput")
    assert "array.weight_load" not in drawn("tornado", "tornado.csv", "--most", "1")
    check_refused("error: 'pair.csv' has no tornado", "tornado", "pair.csv", "none.svg")


def check_refusals():
    for script in OF_JSON:
        check_refused("error: 'other.json' is no result", script, "other.json", "none.svg")
    check_refused("error: 'pair.csv' is no result", "timeline", "pair.csv", "none.svg")
    check_refused("error: cannot read 'nowhere.csv': No such file", "energy", "nowhere.csv", "none.svg")
    check_refused("expected --run with one of 1 (tiny_von_neumann", "traffic", "pair.json", "none.svg")
    check_refused("no run 3", "traffic", "pair.json", "none.svg", "--run", "3")
    check_refused("no layer has a place at memory 'flash'", "roofline", "pair.json", "none.svg", "--run", "1", "--memory", "flash")
    check_refused("expected a name that ends in .png", "timeline", "pair.json", "none.bmp", "--run", "1")


def kept(result):
    """The name of a file with this result."""
    with open("kept.json", "w", encoding="utf-8") as file:
        json.dump(result, file)
    return "kept.json"


def check_idle():
    """A layer that takes no time bounds nothing, and a memory that nothing crossed is told."""
    with open("pair.json", encoding="utf-8") as file:
        result = json.load(file)
    result["runs"] = result["runs"][:1]
    layers = result["runs"][0]["layers"]
    layers[0] |= {"bound_by": "latency", "end_s": layers[0]["start_s"]}
    for layer in layers:
        layer["traffic_bytes"].pop("dram", None)
        layer["lower_bound_bytes"] = {"dram": 64}
    text = drawn("timeline", kept(result))
    assert "bound by" in text and "bound by latency" not in text
    assert "Nothing crossed dram" in drawn("traffic", kept(result))
    layers[1]["traffic_bytes"]["dram"] = {"weights": {"read": 64}}
    assert "Nothing crossed" not in drawn("traffic", kept(result))


check_units()
check_idle()
check_sums()
check_memory()
check_tornado()
check_refusals()
