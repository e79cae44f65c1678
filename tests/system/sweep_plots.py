#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls the scripts of scripts/plot for sweeps on table.csv of the current folder and on odd tables, and checks what they draw."""
import csv
import re
import shlex
import sys

import style
import units
from plot_calls import call, check_refused, drawn

CAPACITY, CHANNELS, CLOCK = "machine.components.global_buffer.capacity", "machine.components.dram.channels", "machine.clock"
METRICS = ["network", "items", "item", "latency_s", "throughput_per_s", "energy_per_item_j", "first_token_s", "bound_by"]
METRICS += [f"energy_{kind}_j" for kind in ("arithmetic", "data_movement", "control", "static")]


def table(rows, status=lambda row: "done"):
    """Writes odd.csv, a table as a sweep has it, of {parameter: text}; the energy of point N is N + 1 µJ."""
    parameters = list(rows[0])
    with open("odd.csv", "w", newline="", encoding="utf-8") as file:
        known = [metric for metric in METRICS if metric not in parameters]
        writer = csv.DictWriter(file, ["point", *parameters, "status", "reason", "pareto_front", *known])
        writer.writeheader()
        for point, row in enumerate(rows):
            found = {"point": point, "pareto_front": 1, **row, "status": status(row)}
            found |= {"network": row.get("network", "net")}
            if found["status"] == "done":
                energy = (point + 1) * 1e-6
                found |= {"items": 2, "item": "frame", "latency_s": 3e-3 / (point + 1), "throughput_per_s": 1000 * (point + 1), "bound_by": "dram",
                          "energy_per_item_j": energy, "first_token_s": ""}
                found |= {f"energy_{kind}_j": energy / 2 for kind in ("arithmetic", "data_movement", "control", "static")}
            writer.writerow(found)
    return "odd.csv"


def grid(**values):
    """Every combination of {parameter: texts}, the last changing fastest."""
    rows = [{}]
    for name, texts in values.items():
        rows = [row | {name: text} for row in rows for text in texts]
    return rows


def texts(svg):
    return re.findall(r"<text [^>]*>([^<]*)</text>", svg)


def check_drawn(expected, script, *words):
    """That these stand in the picture, each as a text of its own."""
    found = texts(drawn(script, *words))
    for text in expected:
        assert text in found, f"{script} {words}: no '{text}' in {found}"
    return found


def check_real():
    for script in ("lines", "heatmap", "pareto", "bars"):
        assert drawn(script, "table.csv") == drawn(script, "table.csv"), f"{script} draws the same table differently"
        assert "--where" in call(script, "--help")
    check_drawn(["clock (MHz)", "energy per item (nJ)"], "lines", "table.csv")
    check_drawn(["energy per mac (pJ)", "batch 4, data movement"], "lines", "table.csv", "--y", "energy_static_j/macs", "energy_data_movement_j/macs")
    check_drawn(["energy static per energy"], "lines", "table.csv", "--y", "energy_static_j/energy_j")
    assert "batch 4" not in texts(drawn("lines", "table.csv", "--where", "batch=1", "--where", "batch=2"))


def check_units():
    """Each axis has a unit with the prefix that suits, capacities are ticked at powers of two."""
    file = table(grid(**{CAPACITY: ["256 KiB", "2 MiB", "16 MiB", "65536 KiB"]}))
    check_drawn(["256 KiB", "1 MiB", "4 MiB", "16 MiB", "64 MiB", "capacity", "energy per item (µJ)"], "lines", file)
    file = table(grid(**{CAPACITY: ["64 KiB", "128 KiB", "256 KiB"]}))
    check_drawn(["64", "128", "256", "capacity (KiB)"], "lines", file)
    file = table(grid(**{CLOCK: ["100 MHz", "158489319 Hz", "1 GHz"], CHANNELS: ["1", "4", "16"]}))
    check_drawn(["158 MHz", "1 GHz", "clock", "channels", "energy per item (µJ)"], "heatmap", file)
    check_drawn(["100", "1,000", "clock (MHz)", "channels 16"], "lines", file)
    found = check_drawn(["energy per item (µJ)", "latency (ms)"], "pareto", file)
    assert not any("e-" in text or "10^" in text for text in found), f"a loose power of ten in {found}"
    check_drawn(["energy a frame (µJ)", "clock 158 MHz, channels 4"], "bars", file)
    assert units.prefixed(2.1e-5, "s") == (1e-6, "µs") and units.prefixed(3e7, "1/s") == (1e6, "10⁶/s") and units.prefixed(0.3, "B") == (1, "B")
    assert units.readable("524288 B", 3) == "512 KiB" and units.readable("1000 B", 3) == "1 kB" and units.readable("int8", 3) == "int8"
    assert units.all_readable(["1001 MHz", "1002 MHz"]) == {"1001 MHz": "1.001 GHz", "1002 MHz": "1.002 GHz"}, "texts must stay different"


def check_what_changes():
    """What has one value is no axis; each network has a map; what lies behind a place is told."""
    fixed = {CHANNELS: ["1"], "batch": ["1", "2"], "precision": ["int8", "int4"], CLOCK: ["100 MHz", "200 MHz"]}
    found = check_drawn(["batch", "clock (MHz)"], "heatmap", table(grid(**fixed)))
    assert any("the best (the least) of up to 2 points that differ in precision" in text for text in found), found
    found = texts(drawn("heatmap", "odd.csv", "--metric", "throughput_per_s"))
    assert any("the best (the most) of up to 2" in text for text in found) and "8,000" in found and "2,000" not in found, found
    check_drawn(["batch", "precision int4, clock 100 MHz"], "lines", "odd.csv")
    file = table(grid(network=["lenet", "vgg16"], **{CAPACITY: ["1 MiB", "2 MiB"], CHANNELS: ["1", "4"]}))
    check_drawn(["lenet", "vgg16", "capacity (MiB)", "channels"], "heatmap", file)
    assert "lenet" not in texts(drawn("heatmap", file, "--network", "vgg16", "--where", "channels=1", "--y", CHANNELS, "--x", CAPACITY))
    check_drawn(["network", "capacity (MiB)"], "heatmap", file, "--where", "channels=4")


def check_many_and_few():
    file = table(grid(engine=["analytic", "systemc"], **{CLOCK: [f"{100 + step} MHz" for step in range(24)], "batch": ["1", "2", "4", "8"]}))
    found = texts(drawn("lines", file, "--x", "batch"))
    assert any("48 lines, too many to name" in text for text in found), found
    assert not any(text.startswith("engine analytic") for text in found), "a legend of 48 lines"
    check_drawn(["engine systemc"], "lines", file, "--x", "batch", "--where", "clock=0.123 GHz")
    check_refused("expected at most 60 for a bar each", "bars", file, "none.png")
    file = table([{"batch": str(1 + step), CLOCK: f"{100 + 7 * step % 5} MHz", "precision": f"int{4 << step % 2}"} for step in range(8)])
    found = texts(drawn("lines", file, "--x", CLOCK))
    assert any("Points also differ in batch, precision" in text for text in found), f"samples are points, not lines: {found}"
    file = table([{"batch": "2"}])
    for script in ("lines", "pareto", "bars"):
        drawn(script, file)
    check_refused("the sweep has none", "heatmap", file, "none.png")
    file = table(grid(precision=["int8", "int4"], **{"network.transforms": ["[]", '[{prune: {channels: 0.5}, layers: "*_up_projection"}]']}))
    check_drawn(["precision"], "lines", file)
    for script in ("heatmap", "pareto", "bars"):
        drawn(script, file)


def check_lost():
    """Points that failed are counted, and marked in a map, also where a whole line of it failed."""
    rows = grid(**{CAPACITY: ["1 MiB", "2 MiB"], CHANNELS: ["1", "4"]})
    file = table(rows, lambda row: "failed" if row[CHANNELS] == "4" else "excluded" if row[CAPACITY] == "1 MiB" else "done")
    for script in ("lines", "pareto", "bars", "heatmap"):
        found = texts(drawn(script, file))
        assert any("Of 4 points: 2 failed, 1 excluded by a constraint." in text for text in found), f"{script}: {found}"
    assert found.count("×") == 3, found
    check_refused("no point of 'odd.csv' ended well", "lines", table(rows, lambda row: "failed"), "none.png")


def check_refusals():
    check_refused("has no column 'latncy_s'; did you mean 'latency_s'?", "lines", "table.csv", "none.png", "--y", "latncy_s")
    check_refused("metrics of one picture have one unit", "lines", "table.csv", "none.png", "--y", "latency_s", "power_w")
    check_refused("no point has a number in 'bound_by'", "lines", "table.csv", "none.png", "--y", "bound_by")
    check_refused("no point has a number in 'bound_by'", "heatmap", "table.csv", "none.png", "--metric", "bound_by")
    check_refused("no point has a number in 'first_token_s'", "pareto", "table.csv", "none.png", "--y", "first_token_s")
    check_refused("no point has this value; expected one of 1, 2, 4", "lines", "table.csv", "none.png", "--where", "batch=3")
    check_refused("expected PATH=VALUE", "lines", "table.csv", "none.png", "--where", "batch")
    with open("other.sqlite", "wb") as file:
        file.write(b"SQLite format 3\x00\xff\xfe")
    check_refused("'other.sqlite' is no table of a sweep", "pareto", "other.sqlite", "none.png")


def check_looks():
    looks = {(look["color"], look["marker"], look["linestyle"]) for look in map(style.series, range(style.MOST_SERIES))}
    assert len(looks) == style.MOST_SERIES, "two lines of a picture look alike"


def check_named(commands):
    """The commands that sweeps named draw as they stand."""
    for command in commands:
        script, *words = shlex.split(command)
        said = call(script.removeprefix("scripts/plot/").removesuffix(".py"), *words)
        assert said is None, f"{command}: {said}"


named = sys.argv[1:]
check_real()
check_units()
check_what_changes()
check_many_and_few()
check_lost()
check_refusals()
check_looks()
check_named(named)
