# SPDX-License-Identifier: Apache-2.0
"""memwall from Python: runs the program and gives its results as pandas data frames, with the unit in each column's name.

    import memwall
    result = memwall.run(machine="von_neumann", network="lenet", batch=4, set={"machine.clock": "1 GHz"})
    result.totals[["throughput_per_s", "energy_per_item_j"]]
    both = memwall.compare("von_neumann", "northpole", network="resnet18", precision="int8", engine="analytic")
    points = memwall.sweep("buffer_size", jobs=2)
    memwall.load("results/resnet50/result.json")

Keywords are the program's options, with _ for -. What the program refuses is raised as MemwallError, in its own words. The program
is that of the variable MEMWALL, else build/memwall beside this file's folder, else `memwall` in PATH. Needs pandas and nothing else.
"""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile

import pandas

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNITS = ["_per_s", "_bytes", "_mm2", "_percent", "_hz", "_j", "_s", "_w"]
KEYS = ["machine", "network", "engine", "batch", "precision"]
TABLES = ["totals", "layers", "components", "actions"]


class MemwallError(Exception):
    """What the program said; `status` is its exit status: 1 the run failed, 2 the input is wrong, None it was not started."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


class Result:
    """Frames of a result (docs/result.md): `totals` has a row a run; `layers`, `components` and `actions` begin with the run's keys.

    `energy` is the long table of the CSV, None where only the JSON was loaded; `findings` are the sentences of a comparison.
    """

    def __init__(self, result, energy=None):
        runs = result["runs"]
        self.provenance = result["provenance"]
        self.findings = result.get("findings", [])
        self.energy = energy
        self.totals = pandas.DataFrame([{**keys_of(run), **flat(run["scenario"], "scenario"), **totals_of(run)} for run in runs])
        self.layers = frame((run, layer) for run in runs for layer in run["layers"])
        self.components = frame((run, without(part, "actions")) for run in runs for part in run["components"])
        self.actions = frame((run, action_of(part, action)) for run in runs for part in run["components"] for action in part["actions"])

    def __repr__(self):
        return f"<memwall.Result: {', '.join(f'{name} {getattr(self, name).shape}' for name in TABLES)}>"


def without(mapping, key):
    return {name: value for name, value in mapping.items() if name != key}


def keys_of(run):
    return {key: run[key] for key in KEYS}


def action_of(component, action):
    """An action with its component; its precision is not the run's."""
    columns = {"component": component["name"], **action}
    columns["action_precision"] = columns.pop("precision")
    return columns


def unit_of(name):
    """The unit that a name ends in, with its underscore."""
    return next((unit for unit in UNITS if name.endswith(unit)), "")


def flat(mapping, prefix=""):
    """Maps inside maps become columns; the unit stays last: {"traffic_bytes": {"dram": 8}} gives {"traffic_dram_bytes": 8}."""
    columns = {}
    for name, value in mapping.items():
        own = unit_of(prefix) or unit_of(name)
        stem = prefix[: len(prefix) - len(unit_of(prefix))] if prefix else ""
        stem += ("_" if stem else "") + (name[: len(name) - len(unit_of(name))] if own == unit_of(name) else name)
        column = re.sub(r"_by_(kind|status)", "", stem) + own
        if isinstance(value, dict):
            columns.update(flat(value, column))
        else:
            columns[column] = value
    return columns


def totals_of(run):
    """The totals; those that the table of a sweep has too have its names."""
    totals = dict(run["totals"])
    load = totals.pop("load")
    bound = totals.pop("at_lower_bound")
    columns = flat(totals)
    columns.update({"load_s": load["seconds"], "load_energy_j": load["energy_j"]})
    columns.update({"lower_bound_s": bound["seconds"], "lower_bound_energy_j": bound["energy_j"], "lower_bound_bytes": bound["bytes"]})
    return columns


def frame(pairs):
    """One row for each (run, mapping); bytes that a row does not name were not moved."""
    table = pandas.DataFrame([{**keys_of(run), **flat(mapping)} for run, mapping in pairs])
    counted = [column for column in table if column.startswith(("traffic_", "lower_bound_")) and column.endswith("_bytes")]
    table[counted] = table[counted].fillna(0)
    return table


def program():
    """The path of the program."""
    named = os.environ.get("MEMWALL")
    if named:
        return named
    built = os.path.join(SOURCE, "build", "memwall")
    found = built if os.access(built, os.X_OK) else shutil.which("memwall")
    if found is None:
        raise MemwallError(f"no program 'memwall': expected it in the variable MEMWALL, at {built}, or in PATH")
    return found


def words_of(options):
    """Keywords as options of the command line: batch=4 is --batch 4, dry_run=True is --dry-run, set={...} is --set for each."""
    words = []
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if isinstance(value, dict):
            value = [f"{path}={text}" for path, text in value.items()]
        if value is True:
            words.append(option)
        elif value is not None and value is not False:
            for one in value if isinstance(value, (list, tuple)) else [value]:
                words += [option, str(one)]
    return words


def call(*words, accept=(0,), **options):
    """Runs the program; gives what it did. Raises MemwallError unless its exit status is one of `accept`."""
    command = [program(), *[str(word) for word in words], *words_of(options)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise MemwallError(f"cannot run '{command[0]}': {error.strerror}") from error
    if done.returncode not in accept:
        lines = done.stderr.strip().splitlines()
        told = [line for line in lines if not line.startswith("memwall: ")]
        raise MemwallError("\n".join(told or lines) or f"'{command[0]}' ended with status {done.returncode}", done.returncode)
    return done


def _refuse(options, names, instead):
    for name in names:
        if options.get(name):
            raise MemwallError(f"'{name}': expected {instead}")


def _result_of(verb, *words, **options):
    _refuse(options, ("json", "csv"), f"{verb}() without it: it gives what would be written")
    with tempfile.TemporaryDirectory() as folder:
        paths = {ending: os.path.join(folder, "result." + ending) for ending in ("json", "csv")}
        call(verb, *words, **options, **paths)
        return Result(_read_json(paths["json"]), pandas.read_csv(paths["csv"]))


def run(*experiment, **options):
    """`memwall run`: a network on a machine (machine=..., network=...), or an experiment by its name. A Result."""
    return _result_of("run", *experiment, **options)


def compare(*machines, **options):
    """`memwall compare`: a network on several machines. A Result; its `findings` say what was found."""
    return _result_of("compare", *machines, **options)


def _plain(values):
    """Numbers, arrays and series of numpy and pandas, ranges and sets, as lists and numbers."""
    if hasattr(values, "tolist"):
        return values.tolist()
    try:
        return list(values)
    except TypeError:
        raise MemwallError(f"a sweep holds numbers, texts, lists and dicts; found {values!r}") from None


def sweep(file, out=None, **options):
    """`memwall sweep`: the table of all points, from a sweep file's name or path, or from a dict that has the same keys.

    Results lie in `out` (results/NAME), and what is there already is not run again. Points that failed have their reason in the table.
    """
    _refuse(options, ("dry_run", "slurm", "status"), "memwall.call('sweep', FILE, ...), whose stdout tells: there is no table of it")
    if not isinstance(file, dict):
        done = call("sweep", file, out=out, accept=(0, 1), **options)
        return _points_after(done, out)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, str(file.get("sweep", "sweep")).replace("/", "_") + ".yaml")
        with open(path, "w", encoding="utf-8") as written:
            json.dump(file, written, default=_plain)  # YAML, too
        return _points_after(call("sweep", path, out=out, accept=(0, 1), **options), out)


def _points_after(done, out):
    """Status 1 is also that of a sweep some of whose points failed; it ends with its counts all the same."""
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if not re.fullmatch(r"\d+ points, \d+ found, \d+ failed", last):
        raise MemwallError(last or "the sweep left no table", done.returncode)
    if out is None:
        out = os.path.dirname(re.search(r"^tables: (.*results\.csv), ", done.stdout, re.MULTILINE).group(1))
    return load(out)


def load(path):
    """Results that lie on disk: a result's JSON (a Result) or CSV (its long table); of a sweep its folder or results.csv (a table).

    Parameters with a unit have a second column with their number, named "PATH [B]".
    """
    path = os.fspath(path)
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    tables = os.path.join(folder, "results.sqlite")
    if os.path.isdir(path) or os.path.basename(path) in ("results.csv", "results.sqlite"):
        if not os.path.exists(tables):
            raise MemwallError(f"'{path}' holds no results of a sweep: there is no {tables}")
        return _read_points(tables)
    if path.endswith(".csv"):
        try:
            return pandas.read_csv(path)
        except (OSError, ValueError) as error:
            raise MemwallError(f"cannot read '{path}' as a result: {error}") from error
    return Result(_read_json(path))


def _read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            result = json.load(file)
        if str(result["schema"]).startswith("memwall.result/"):
            return result
    except OSError as error:
        raise MemwallError(f"cannot read '{path}': {error.strerror}") from error
    except (ValueError, KeyError, TypeError):
        pass
    raise MemwallError(f"'{path}' is no result; expected what memwall run or compare --json writes")


def _read_points(path):
    database = sqlite3.connect(f"file:{os.path.abspath(path)}?mode=ro", uri=True)
    try:
        return pandas.read_sql_query("SELECT * FROM results ORDER BY point", database)
    except (sqlite3.Error, pandas.errors.DatabaseError) as error:
        raise MemwallError(f"cannot read '{path}' as a sweep's results: {error}") from error
    finally:
        database.close()
