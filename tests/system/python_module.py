#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks scripts/memwall.py against the program's own files, in the current folder."""
import csv
import json
import os
import subprocess

import memwall
import pandas

OPTIONS = {"machine": "tiny_von_neumann", "network": "tiny_two", "batch": 2, "engine": "analytic"}


def close(found, expected):
    return abs(found - expected) <= 1e-12 * abs(expected)


def refused(part, status, use):
    try:
        use()
    except memwall.MemwallError as error:
        assert part in str(error), f"expected '{part}' in '{error}'"
        assert error.status == status, f"'{error}' has status {error.status}"
        assert "Traceback" not in str(error)
        return
    raise AssertionError(f"'{part}' was not refused")


def check_run():
    """Frames hold the numbers of the program's JSON and CSV."""
    command = [memwall.program(), "run", "--json", "r.json", "--csv", "r.csv", "--set", "machine.clock=300 MHz"]
    for name, value in OPTIONS.items():
        command += [f"--{name}", str(value)]
    subprocess.run(command, check=True, capture_output=True)
    with open("r.json", encoding="utf-8") as file:
        run = json.load(file)["runs"][0]
    for result in (memwall.run(**OPTIONS, set={"machine.clock": "300 MHz"}), memwall.load("r.json")):
        totals = result.totals.iloc[0]
        assert totals["energy_j"] == run["totals"]["energy_j"]
        assert totals["energy_static_j"] == run["totals"]["energy_by_kind_j"]["static"]
        assert totals["lower_bound_bytes"] == run["totals"]["at_lower_bound"]["bytes"]
        assert list(result.layers["name"]) == [layer["name"] for layer in run["layers"]]
        assert close(result.layers["energy_j"].sum(), run["totals"]["energy_j"])
        assert close(result.components["energy_j"].sum(), run["totals"]["energy_j"])
        assert close(result.actions["energy_j"].sum(), run["totals"]["energy_j"])
        moved = [column for column in result.layers if column.startswith("traffic_") and column.endswith("_bytes")]
        assert moved, "no traffic among the columns of layers"
        expected = sum(number for layer in run["layers"] for tensors in layer["traffic_bytes"].values()
                       for ways in tensors.values() for number in ways.values())
        assert result.layers[moved].to_numpy().sum() == expected
    assert close(memwall.run(**OPTIONS).energy["energy_pj"].sum() * 1e-12, memwall.run(**OPTIONS).totals["energy_j"].iloc[0])
    with open("r.csv", newline="", encoding="utf-8") as file:
        assert len(memwall.load("r.csv")) == len(list(csv.DictReader(file)))


def check_compare():
    both = memwall.compare("tiny_von_neumann", "tiny_northpole", network="tiny_two", engine="analytic")
    assert list(both.totals["machine"]) == ["tiny_von_neumann", "tiny_northpole"]
    assert both.findings and all(isinstance(sentence, str) for sentence in both.findings)
    assert set(both.layers["machine"]) == {"tiny_von_neumann", "tiny_northpole"}


def check_sweep():
    """A dict and its file give one table; a point that fails has its reason there and is no exception."""
    file = {"sweep": "s", "base": {"machine": "tiny_von_neumann", "network": "tiny_conv", "engine": "analytic"},
            "grid": {"machine.clock": ["200 MHz", "0.4 GHz"], "batch": [1, 2, 4]}}
    points = memwall.sweep(file, out="dict", jobs=2)
    with open("s.yaml", "w", encoding="utf-8") as written:
        json.dump(file, written)
    assert points.equals(memwall.sweep("s.yaml"))
    assert os.path.exists("results/s/results.csv"), "a sweep without out= goes elsewhere than the program's"
    assert points.equals(memwall.load("dict")) and points.equals(memwall.load("dict/results.csv"))
    assert list(points["point"]) == list(range(6)) and set(points["status"]) == {"done"}
    assert list(points["machine.clock [Hz]"]) == [200e6] * 3 + [400e6] * 3
    assert points.equals(memwall.load("dict/results.sqlite"))
    for batches in (list(pandas.Series([1, 2]).to_numpy()), pandas.Series([1, 2]), range(1, 3)):
        file["grid"]["batch"] = batches
        assert list(memwall.sweep(file, out="numbers")["batch"]) == [1, 2] * 2
    file["base"]["network"] = "tiny_linear"
    file["grid"] = {"machine.components.dram.capacity": ["1 KiB", "1 MiB"], "batch": [10000]}
    failing = memwall.sweep(file, out="failing")
    assert list(failing["status"]) == ["failed", "done"]
    assert "does not fit the dram" in failing["reason"].iloc[0]


def check_errors():
    refused("unknown machine 'tiny_von_neuman'; did you mean 'tiny_von_neumann'?", 2,
            lambda: memwall.run(**{**OPTIONS, "machine": "tiny_von_neuman"}))
    refused("unknown option '--colour'", 2, lambda: memwall.run(**OPTIONS, colour="red"))
    refused("cannot read 'nowhere.json'", None, lambda: memwall.load("nowhere.json"))
    refused("is no result", None, lambda: memwall.load("s.yaml"))
    refused("holds no results of a sweep", None, lambda: memwall.load("."))
    refused("a sweep holds numbers, texts, lists and dicts", None, lambda: memwall.sweep({"sweep": "s", "grid": {"batch": [object()]}}, out="none"))
    refused("'dry_run': expected memwall.call", None, lambda: memwall.sweep("s.yaml", dry_run=True))
    refused("'json': expected run() without it", None, lambda: memwall.run(**OPTIONS, json="out.json"))
    refused("'gird'", 2, lambda: memwall.sweep({"sweep": "s", "gird": {}}, out="none"))
    before = os.environ["MEMWALL"]
    os.environ["MEMWALL"] = "/no/such/program"
    refused("cannot run '/no/such/program'", None, lambda: memwall.run(**OPTIONS))
    os.environ["MEMWALL"] = before


check_run()
check_compare()
check_sweep()
check_errors()
