#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the sweeps of configs/experiments and writes their answers and plots into docs/experiments.md and docs/memory_wall.md.

--check only compares.

    scripts/experiments.py [NAME]... [--check]

An answer is a sentence with numbers from the sweep's table. What it claims beside them is checked: where the models change so that a
claim does not hold any more, the script says so and the sentence must be written anew.
"""
import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile

import memwall

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGES = ["experiments", "memory_wall"]
PICTURES = os.path.join(ROOT, "docs", "pictures")
PART = "machine.components."


def holds(claim, what):
    if not claim:
        sys.exit(f"error: it does not hold any more that {what}: write the answer anew")


def near(value, digits=2):
    """A number as a sentence has it: 0.0523 gives "0.052", 15121 gives "15,000"."""
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:g}"


def only(points, **values):
    """The one point with these values."""
    for name, value in values.items():
        points = points[points[name] == value]
    holds(len(points) == 1, f"one point has {values}")
    return points.iloc[0]


def buffer_size(points):
    capacity = PART + "global_buffer.capacity"
    size = f"{capacity} [B]"
    none = points[points["outermost_bytes"] == 0]
    least, best = none.iloc[0], points.loc[points["energy_per_item_j"].idxmin()]
    first = points.iloc[0]
    holds(best[size] == least[size], "the buffer that ends all traffic is the one with the least energy")
    return (f"At {least[capacity]} nothing crosses the DRAM any more, an image needs {near(best['energy_per_item_j'] * 1e3)} mJ in place of the "
            f"{near(first['energy_per_item_j'] * 1e3)} mJ of {first[capacity]}, and a still larger buffer only costs leakage and area.")


def bandwidth_wall(points):
    bandwidth = PART + "dram.bandwidth"
    bert, resnet = points[points["network"] == "bert_large"], points[points["network"] == "resnet50"]
    holds(resnet["throughput_per_s"].nunique() == 1 and (resnet["outermost_bytes"] == 0).all(), "ResNet-50 needs no DRAM")
    walled = bert[bert["bound_by"] == "dram"]
    enough = bert[bert["throughput_per_s"] >= 0.999 * bert["throughput_per_s"].max()].iloc[0]
    holds(len(walled) > 1 and walled.index.max() + 1 == enough.name, "the memory bounds BERT-large up to a bandwidth and never above")
    first = bert.iloc[0]
    return (f"BERT-large, whose weights do not fit on the chip, waits for memory up to {walled.iloc[-1][bandwidth]} and gains nothing from "
            f"{enough[bandwidth]} on ({near(first['throughput_per_s'])} items/s at {first[bandwidth]}, {near(enough['throughput_per_s'])} there); "
            "ResNet-50, whose weights stay in the buffer, runs as fast with the slowest DRAM.")


MACHINES = [("von_neumann", "the Von Neumann machine"), ("northpole", "NorthPole")]


def precision(points):
    texts, busy = [], []
    for machine, name in MACHINES:
        wide, narrow = only(points, machine=machine, precision="int8"), only(points, machine=machine, precision="int2")
        faster = narrow["throughput_per_s"] / wide["throughput_per_s"]
        holds(1 < faster < 4, f"{machine} is less than four times as fast with a quarter of the bits")
        holds(narrow["utilization"] < wide["utilization"], f"{machine} keeps a smaller share of its multipliers busy with fewer bits")
        texts.append(f"{name} needs {near(wide['energy_per_item_j'] / narrow['energy_per_item_j'])} times less energy at {near(faster)} times the rate")
        busy.append(f"{near(100 * wide['utilization'])} to {near(100 * narrow['utilization'])} %")
    return (f"From 8 to 2 bits {texts[0]}, {texts[1]}. There are four times as many multipliers, but the share that an image at a time keeps busy falls "
            f"from {busy[0]} and from {busy[1]}.")


def batch_size(points):
    texts, busy, shares = [], [], []
    for machine, name in MACHINES:
        own = points[points["machine"] == machine]
        one, best = only(own, batch=1), own.loc[own["energy_per_item_j"].idxmin()]
        holds((own["energy_per_item_j"].pct_change().dropna() < 0.001).all(), f"a larger batch never costs {machine} energy, but for a thousandth")
        leaked = [row["energy_static_j"] / row["items"] for row in (one, best)]
        share = (leaked[0] - leaked[1]) / (one["energy_per_item_j"] - best["energy_per_item_j"])
        holds(share > 0.4, f"{machine} saves much in leakage")
        shares.append(f"{near(100 * share)} %")
        texts.append(f"{name} {near(100 * (1 - best['energy_per_item_j'] / one['energy_per_item_j']))} % of its energy at "
                     f"{near(best['latency_s'] / one['latency_s'])} times the latency (batch {best['batch']})")
        busy.append(f"{near(100 * one['utilization'])} to {near(100 * best['utilization'])} %")
    return (f"It saves {texts[0]}, {texts[1]}. Of that {shares[0]} and {shares[1]} are leakage: the multipliers are busier, from {busy[0]} and from {busy[1]} of their peak, so that an "
            "image takes less of it.")


def array_shape(points):
    lanes = PART + "array.lanes.int8."
    texts = []
    for network, name in (("resnet50", "ResNet-50"), ("mobilenet_v2", "MobileNetV2")):
        own = points[points["network"] == network]
        best, worst = own.loc[own["energy_per_item_j"].idxmin()], own.loc[own["energy_per_item_j"].idxmax()]
        texts.append(f"{name} at {best[lanes + 'inputs']} inputs by {best[lanes + 'outputs']} outputs "
                     f"({near(worst['energy_per_item_j'] / best['energy_per_item_j'])} times less than with {worst[lanes + 'inputs']} by "
                     f"{worst[lanes + 'outputs']})")
        holds(best["utilization"] == own["utilization"].max(), f"{name} needs the least energy where its multipliers are busiest")
    used = points.groupby("network")["utilization"].max()
    holds(used["mobilenet_v2"] < 0.2, "MobileNetV2 leaves most multipliers idle in any shape")
    return (f"Near the square: {texts[0]}, {texts[1]}. In no shape does MobileNetV2 keep more than {near(100 * used['mobilenet_v2'])} % of the multipliers "
            f"busy, ResNet-50 {near(100 * used['resnet50'])} %.")


def core_count(points):
    count = PART + "array.instances"
    least, first, most = points.loc[points["energy_per_item_j"].idxmin()], points.iloc[0], points.iloc[-1]
    gains = (points["throughput_per_s"] / points["throughput_per_s"].shift()).dropna()
    holds(least[count] < most[count], "energy has its best below the most cores")
    holds(gains.is_monotonic_decreasing and gains.iloc[-1] > 1, "each doubling gains less, but something")
    holds(points["utilization"].is_monotonic_decreasing, "more cores are less busy")
    return (f"{least[count]} cores need the least energy. Twice as many gain ever less speed: {near(gains.iloc[0])} times from {first[count]} cores to "
            f"{points.iloc[1][count]}, {near(gains.iloc[-1])} times from {points.iloc[-2][count]} to {most[count]:,}, as the bus takes over from the multipliers. Their share at "
            f"work falls from {near(100 * first['utilization'])} to {near(100 * most['utilization'])} %; with {most[count]:,} cores leakage is "
            f"{near(100 * most['energy_static_j'] / most['energy_j'])} % of the energy.")


def noc_width(points):
    activations, weights = PART + "activation_network.link_width", PART + "model_network.link_width"
    at = {(row[activations], row[weights]): row["throughput_per_s"] for _, row in points.iterrows()}
    shipped = at["32 B", "128 B"]
    holds((points["bound_by"] == "interconnect").mean() > 0.7, "the networks bound most of these machines")
    narrow, wide = at["8 B", "128 B"] / shipped, at["64 B", "128 B"] / shipped
    holds(narrow < 1 < wide, "narrower links of activations are slower and wider ones faster")
    return (f"An image at a time is bound by them. Links of activations of a quarter of the width (8 B) cost {near(100 * (1 - narrow))} % of the rate, of "
            f"twice the width (64 B) they gain {near(100 * (wide - 1))} %; those of weights of a quarter of the width (32 B) cost "
            f"{near(100 * (1 - at['32 B', '32 B'] / shipped))} %.")


def sparsity(points):
    gain = {}
    for machine in ("a100_sxm_80gb", "northpole"):
        own = points[points["machine"] == machine]
        holds(len(own) == 2, f"{machine} has two points")
        dense, pruned = own.iloc[0], own.iloc[1]
        gain[machine] = (pruned["throughput_per_s"] / dense["throughput_per_s"], dense["energy_per_item_j"] / pruned["energy_per_item_j"])
    holds(gain["northpole"] == (1, 1), "NorthPole stores and multiplies zeros like other words")
    speed, energy = gain["a100_sxm_80gb"]
    holds(1 < speed < 2, "the whole network gains less than its arrays")
    return (f"With two of four weights pruned the A100, whose arrays pass over them, runs {near(speed)} times as fast with {near(energy)} times less "
            "energy, short of the 2 times of its arrays; NorthPole, which has no such arrays, gains nothing.")


def technology(points):
    node = "machine.technology"
    old, new = only(points, **{node: "45nm"}), only(points, **{node: "5nm"})
    holds(points["throughput_per_s"].nunique() == 1, "the node changes energy and area, not the clock of this machine")
    shrunk = {kind: old[f"energy_{kind}_j"] / new[f"energy_{kind}_j"] for kind in ("arithmetic", "data_movement", "control", "static")}
    least = min(shrunk, key=shrunk.get)
    share = 100 * new[f"energy_{least}_j"] / new["energy_j"]
    return (f"From 45 to 5 nm an image needs {near(old['energy_per_item_j'] / new['energy_per_item_j'])} times less energy on "
            f"{near(old['area_mm2'] / new['area_mm2'])} times less area; {least.replace('_', ' ')} shrinks least, {near(shrunk[least])} times, and is "
            f"{near(share)} % of what is left. The clock was kept.")


def dataflow(points):
    kept = PART + "array.dataflow"
    at = {(row["network"], row[kept].split("_")[0]): row for _, row in points.iterrows()}
    texts = []
    for network in ("resnet50", "mobilenet_v2"):
        own = points[points["network"] == network]
        best = own.loc[own["energy_per_item_j"].idxmin()]
        holds(best["throughput_per_s"] == own["throughput_per_s"].max(), f"what {network} keeps for speed it keeps for energy")
        texts.append(best[kept].split("_")[0])
    holds(texts == ["output", "weight"], "ResNet-50 keeps outputs and MobileNetV2 weights")
    outputs, weights, small = at["resnet50", "output"], at["resnet50", "weight"], at["mobilenet_v2", "weight"]
    moved = weights["energy_data_movement_j"] / outputs["energy_data_movement_j"]
    holds(moved > weights["energy_per_item_j"] / outputs["energy_per_item_j"], "ResNet-50 saves more of its data movement than of the rest")
    rest = [at["mobilenet_v2", name]["throughput_per_s"] for name in ("input", "output")]
    holds(small["utilization"] < 0.25, "MobileNetV2 leaves most lanes idle")
    return (f"ResNet-50's outputs: sums that stay in the lanes cost {near(moved)} times less data movement than those that leave once for each fold of weights, and "
            f"an image {near(weights['energy_per_item_j'] / outputs['energy_per_item_j'])} times less energy at "
            f"{near(outputs['throughput_per_s'] / weights['throughput_per_s'])} times the rate. MobileNetV2's weights: only their windows go side by side in a block where each "
            f"channel is a group of its own, {near(small['throughput_per_s'] / max(rest))} times as fast as outputs and {near(small['throughput_per_s'] / min(rest))} "
            f"times as fast as inputs, with {near(100 * small['utilization'])} % of the lanes busy.")


NETWORKS = [("resnet50", "stream", "ResNet-50"), ("bert_large", "stream", "BERT-large"), ("llama2_7b", "prefill", "Llama-2-7B's prefill"),
            ("llama2_7b", "decode", "its decoding")]


def wall_capacity(points):
    capacity = PART + "global_buffer.capacity"
    moved = points["energy_data_movement_j"] / points["energy_arithmetic_j"]
    first, last = points.iloc[0], points.iloc[-1]
    best = points.loc[points["energy_per_item_j"].idxmin()]
    holds(moved.iloc[-1] == moved.min() and moved.min() > 1, "the largest buffer moves least, and moving always costs more than the arithmetic")
    holds(best.name < last.name, "the largest buffer is not the best")
    holds(last["energy_static_j"] > best["energy_static_j"], "a buffer beyond the best leaks more")
    return (f"At {first[capacity]} moving data costs {near(moved.iloc[0])} times the arithmetic, at {last[capacity]} still {near(moved.iloc[-1])} times: then it is what the "
            f"chip's own memories and wires cost. An inference needs the least at {best[capacity]}, {near(first['energy_per_item_j'] / best['energy_per_item_j'])} times less than at "
            f"{first[capacity]}; a still larger buffer leaks more than it saves.")


def wall_bandwidth(points):
    bandwidth = PART + "dram.bandwidth"
    texts = []
    for network, phase, name in NETWORKS:
        own = points[(points["network"] == network) & (points["phase"] == phase)]
        enough = own[own["utilization"] >= 0.98 * own["utilization"].max()].iloc[0]
        texts.append((name, enough[bandwidth], 100 * enough["utilization"], own))
    holds(texts[0][1] == points.iloc[0][bandwidth], "ResNet-50 needs no DRAM")
    decode = texts[3][3]
    holds((decode["utilization"] < 0.02).all(), "decoding never keeps 2 % of the multipliers busy")
    return (f"{texts[0][0]} stays on the chip and runs as fast with the slowest DRAM. {texts[1][0]} has what it needs at {texts[1][1]} ({near(texts[1][2])} % of peak), "
            f"{texts[2][0]} at {texts[2][1]} ({near(texts[2][2])} %). Decoding reads every weight for one token: it grows with the bandwidth up to {texts[3][1]} and "
            f"reaches {near(texts[3][2])} % there.")


def wall_node(points):
    node = "machine.technology"
    texts = []
    for network, phase, name in NETWORKS:
        own = points[(points["network"] == network) & (points["phase"] == phase)]
        ratio = {row[node]: row["energy_data_movement_j"] / row["energy_arithmetic_j"] for _, row in own.iterrows()}
        texts.append((name, ratio["45nm"], ratio["5nm"]))
    holds(all(old > 3 * 0.95 for _, old, _ in texts) and all(new > 3 for _, _, new in texts), "at every node moving costs about three times the arithmetic or more")
    holds(texts[3][2] > 1.5 * texts[3][1], "decoding, which moves most from the DRAM, is set back most")
    return (f"At 45 nm moving costs {near(texts[0][1])} ({texts[0][0]}), {near(texts[1][1])} ({texts[1][0]}), {near(texts[2][1])} ({texts[2][0]}) and {near(texts[3][1])} times "
            f"({texts[3][0]}) the arithmetic, at 5 nm {near(texts[0][2])}, {near(texts[1][2])}, {near(texts[2][2])} and {near(texts[3][2])} times. Arithmetic and the chip's own memories shrink with "
            "the node, the DRAM does not: the more of its data a network takes from there, the higher its wall becomes.")


# Each: its answer, its plot with options, the picture's ending, its page.
EXPERIMENTS = {
    "buffer_size": (buffer_size, "lines.py", [], "svg", "experiments"),
    "bandwidth_wall": (bandwidth_wall, "lines.py", ["--y", "throughput_per_s"], "svg", "experiments"),
    "precision": (precision, "bars.py", [], "png", "experiments"),
    "batch_size": (batch_size, "lines.py", [], "svg", "experiments"),
    "array_shape": (array_shape, "lines.py", [], "svg", "experiments"),
    "dataflow": (dataflow, "bars.py", [], "png", "experiments"),
    "core_count": (core_count, "lines.py", ["--y", "throughput_per_s"], "svg", "experiments"),
    "noc_width": (noc_width, "lines.py", ["--y", "throughput_per_s"], "svg", "experiments"),
    "sparsity": (sparsity, "bars.py", [], "png", "experiments"),
    "technology": (technology, "bars.py", [], "png", "experiments"),
    "wall_capacity": (wall_capacity, "lines.py", ["--y"] + [f"energy_{kind}_j/macs" for kind in ("arithmetic", "data_movement", "control", "static")], "svg",
                      "memory_wall"),
    "wall_bandwidth": (wall_bandwidth, "lines.py", ["--y", "utilization"], "svg", "memory_wall"),
    "wall_node": (wall_node, "lines.py", ["--y", "energy_data_movement_j/energy_arithmetic_j"], "svg", "memory_wall"),
}


def page_path(page):
    return os.path.join(ROOT, "docs", page + ".md")


def question_of(name):
    with open(os.path.join(ROOT, "configs", "experiments", name + ".yaml"), encoding="utf-8") as file:
        return next(line for line in file if line.startswith("question:")).split('"')[1]


def section(name, answer, picture):
    return (f"## {name}\n*{question_of(name)}*\n\n{answer}\n\n![The plot of the sweep {name}](pictures/{picture})\n\n"
            f"[configs/experiments/{name}.yaml](../configs/experiments/{name}.yaml), drawn by `scripts/plot/{EXPERIMENTS[name][1]}`.\n")


def run(name, folder):
    """The section of an experiment, and its picture in `folder`."""
    answer, script, options, ending, _ = EXPERIMENTS[name]
    out = os.path.join(folder, name)
    points = memwall.sweep(name, out=out, configs=os.path.join(ROOT, "configs"))
    failed = points[points["status"] != "done"]
    holds(failed.empty, f"all points of {name} run ({failed['reason'].tolist()[:1]})")
    picture = f"experiment_{name}.{ending}"
    subprocess.run([os.path.join(ROOT, "scripts", "plot", script), os.path.join(out, "results.csv"), os.path.join(folder, picture), *options],
                   check=True)
    return section(name, answer(points), picture), picture


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="an experiment (default: all)")
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 where the page or a picture says something else")
    parser.add_argument("--text-only", action="store_true", help="leave the pictures out of the check: they depend on the plotting library")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in EXPERIMENTS]
    if unknown:
        parser.error(f"unknown experiment '{unknown[0]}'; expected one of {', '.join(EXPERIMENTS)}")
    pages = {}
    for page in PAGES:
        with open(page_path(page), encoding="utf-8") as file:
            pages[page] = file.read()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.names or EXPERIMENTS:
            text, picture = run(name, folder)
            drawn, kept = os.path.join(folder, picture), os.path.join(PICTURES, picture)
            begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
            page = EXPERIMENTS[name][-1]
            before, rest = pages[page].split(begin)
            shown, after = rest.split(end)
            if not arguments.check:
                pages[page] = before + begin + text + end + after
                shutil.copyfile(drawn, kept)
            elif shown != text:
                wrong.append(f"docs/{page}.md says of {name}\n{shown}and the sweep gives\n{text}")
            elif not arguments.text_only and not (os.path.exists(kept) and filecmp.cmp(drawn, kept, shallow=False)):
                wrong.append(f"docs/pictures/{picture} is not what the sweep gives")
    if not arguments.check:
        for page, text in pages.items():
            with open(page_path(page), "w", encoding="utf-8") as file:
                file.write(text)
    sys.exit("error: " + "\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    try:
        main()
    except memwall.MemwallError as error:
        sys.exit(str(error))
