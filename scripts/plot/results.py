# SPDX-License-Identifier: Apache-2.0
"""Reading the results of memwall run and compare for plots: the JSON, and the long table (docs/result.md)."""
import csv
import json

import style
from faults import fault

COLUMNS = ["machine", "network", "batch", "precision_policy", "layer", "component", "kind", "action", "tensor", "count",
           "energy_pj", "energy_kind"]
CORE_BLOCKS = ["weights", "state", "results", "arrivals", "partial_sums", "instructions"]  # memwall show memory


def title(run):
    """"von_neumann, resnet50, int4, batch 32"; a run of the JSON or a row of the CSV."""
    precision = run["precision_policy"] if "precision_policy" in run else run["precision"]
    return f"{run['machine']}, {run['network']}, {precision}, batch {run['batch']}"


def chosen(titles, number):
    """The position of the run that --run asks for; a result of one run need not be asked."""
    if number is None and len(titles) == 1:
        return 0
    if number is None or not 1 <= number <= len(titles):
        known = "; ".join(f"{position} ({text})" for position, text in enumerate(titles, 1))
        found = "the result has several runs" if number is None else f"the result has no run {number}"
        fault(f"{found}; expected --run with one of {known}")
    return number - 1


def add_run_option(parser):
    parser.add_argument("--run", type=int, help="which run of the result, from 1 on, where it has several")


def read_file(path, take, complaint):
    """What `take` makes of an open file; ends with the complaint where that is nothing, or the file has another form."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            found = take(file)
    except OSError as error:
        fault(f"cannot read '{path}': {error.strerror}")
    except (ValueError, KeyError, TypeError, csv.Error):
        found = None
    if not found:
        fault(f"'{path}' {complaint}")
    return found


def runs_of(file):
    result = json.load(file)
    return result["runs"] if str(result["schema"]).startswith("memwall.result/") else None


def read_run(path, number):
    """One run of a result's JSON."""
    runs = read_file(path, runs_of, "is no result; expected what memwall run or compare --json writes")
    return runs[chosen([title(run) for run in runs], number)]


def rows_of(file):
    reader = csv.DictReader(file)
    rows = list(reader)
    if rows and any(column not in reader.fieldnames for column in COLUMNS):
        return None
    for row in rows:
        row["energy_pj"], row["count"] = float(row["energy_pj"]), float(row["count"])
    return rows


def read_rows(path):
    """The rows of a result's CSV."""
    return read_file(path, rows_of, "is no result; expected what memwall run or compare --csv writes")


def working_layers(run):
    """The layers that took time of their own or moved something; folded and idle ones are left out."""
    layers = [layer for layer in run["layers"] if layer["op"] != "none" and layer["fused_with"] is None]
    if not layers:
        fault(f"{title(run)}: the result has no layers")
    return layers


def layer_names(layers):
    """As they stand beside bars."""
    return [style.wrapped(layer["name"], 60) for layer in layers]


def bytes_at(layer, memory):
    """What a layer read and wrote at a memory, over the window."""
    return sum(sum(ways.values()) for ways in layer["traffic_bytes"].get(memory, {}).values())


def outermost_memory(run):
    """The memory that the bounds of traffic are about."""
    for layer in run["layers"]:
        for memory in layer["lower_bound_bytes"]:
            return memory
    fault(f"{title(run)}: the result names no outermost memory")


def draw_to(text, draw):
    """The program of a picture of one run: `draw` makes a figure of it."""
    arguments = arguments_of(text).parse_args()
    style.write(draw(read_run(arguments.json, arguments.run)), arguments.picture)


def arguments_of(text):
    parser = style.arguments_of(text, "json", "a result as memwall run or compare --json writes it")
    add_run_option(parser)
    return parser
