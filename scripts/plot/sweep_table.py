# SPDX-License-Identifier: Apache-2.0
"""Reading results.csv of a sweep for plots: its points, what changes among them, columns as quantities."""
import csv
import difflib

import scales
import style
import units
from faults import fault

METRIC_UNITS = [("_per_s", "1/s"), ("_mm2", "mm²"), ("_bytes", "B"), ("_j", "J"), ("_w", "W"), ("_s", "s")]
INTENSITY = "arithmetic_intensity"
HIGHER_IS_BETTER = ("throughput_per_s", "utilization", INTENSITY)  # as study/sweep/metrics.cpp has it


class Points:
    """The points of a sweep that a picture shows: `rows` of those that ended well, `lost` of the others."""

    def __init__(self, rows, columns):
        self.columns = columns
        self.parameters = columns[1 : columns.index("status")]
        self.rows = [row for row in rows if row["status"] == "done"]
        self.lost = [row for row in rows if row["status"] != "done"]

    def changing(self):
        """The parameters that are not the same everywhere."""
        return [name for name in self.parameters if len({row[name] for row in self.rows}) > 1]

    def numeric(self):
        """Of those that change the ones whose values are all numbers."""
        return [name for name in self.changing() if all(units.number(row[name]) is not None for row in self.rows)]

    def decided_by(self, name):
        """The parameters that another one decides: those zipped with it."""
        values = len({row[name] for row in self.rows})
        return [other for other in self.changing() if other != name and len({(row[name], row[other]) for row in self.rows}) == values]

    def independent(self, first=()):
        """The parameters that change each for itself, those of `first` before the others."""
        kept = []
        for name in [*first, *self.changing()]:
            if name not in kept and not any(name in self.decided_by(other) for other in kept):
                kept.append(name)
        return kept

    def short(self, name):
        """The last part of a path, with the part before it where others end alike."""
        parts = name.split(".")
        alike = [other for other in self.parameters if other != name and other.split(".")[-1] == parts[-1]]
        return " ".join(parts[-2 if alike else -1 :]).replace("_", " ")

    def words(self, name):
        """{value as written: as people read it} of a parameter."""
        return units.all_readable([row[name] for row in self.rows + self.lost])

    def names(self, parameters):
        """What a row is called by these parameters."""
        words = {name: self.words(name) for name in parameters}
        if len(parameters) == 1:
            return [words[parameters[0]][row[parameters[0]]] for row in self.rows]
        return [", ".join(f"{self.short(name)} {words[name][row[name]]}" for name in parameters) for row in self.rows]

    def with_lost(self):
        """The same where those that did not end well count as points too, for what changes."""
        whole = Points([], self.columns)
        whole.rows = self.rows + self.lost
        return whole

    def of(self, rows):
        """The same sweep with these rows only."""
        return Points(rows, self.columns)

    def note(self):
        """What of the sweep the picture does not show; empty where it shows all."""
        excluded = sum(row["status"] == "excluded" for row in self.lost)
        failed = len(self.lost) - excluded
        total = len(self.lost) + len(self.rows)
        told = [f"{count} {what}" for count, what in [(failed, "failed"), (excluded, "excluded by a constraint")] if count]
        return f"Of {total} points: {', '.join(told)}." if told else ""


class Column:
    """Values of one column, or of the ratio A/B of two, in a base unit; None where a row has no number."""

    def __init__(self, points, name):
        self.name, self.is_parameter, self.in_twos = name, name in points.parameters, False
        if name not in points.columns and "/" in name:
            self._divide(*[Column(points, part) for part in name.split("/", 1)])
        else:
            known(name, points.columns)
            self._read(points, [row[name] for row in points.rows])
        if all(value is None for value in self.values):
            fault(f"no point has a number in '{name}'")

    def _read(self, points, texts):
        found = [units.quantity(text) for text in texts]
        self.values = [None if quantity is None else quantity[0] for quantity in found]
        if self.is_parameter:
            self.words = points.short(self.name)
            self.unit = next((quantity[1] for quantity in found if quantity and quantity[1]), "")
            self.in_twos = self.unit == "B" and any("i" in quantity[2] for quantity in found if quantity)
            return
        ending, self.unit = next(((end, unit) for end, unit in METRIC_UNITS if self.name.endswith(end)), ("", ""))
        self.words = self.name.removesuffix(ending).replace("_", " ")
        self.unit = "MAC/B" if self.name == INTENSITY else self.unit

    def _divide(self, above, below):
        self.values = [None if up is None or not down else up / down for up, down in zip(above.values, below.values)]
        self.words = f"{above.words} per {below.words.removesuffix('s')}"
        self.unit = "" if above.unit == below.unit else (above.unit or "1") + (f"/{below.unit}" if below.unit else "")

    @property
    def label(self):
        return self.words + (f" ({self.unit})" if self.unit else "")

    def more_is_better(self):
        return self.name in HIGHER_IS_BETTER

    def set_scale(self, axis):
        """Makes a matplotlib axis that of this column; parameters are ticked in powers of two where they are such."""
        scales.set_scale(axis, self.words, self.unit, self.values, self.in_twos, powers=self.is_parameter)


def known(name, names):
    """Ends where a name is none of these."""
    if name not in names:
        near = difflib.get_close_matches(name, names, 1)
        expected = f"did you mean '{near[0]}'?" if near else "expected one of " + ", ".join(names)
        fault(f"the table has no column '{name}'; {expected}")


def arguments_of(text):
    parser = style.arguments_of(text, "csv", "results.csv of a sweep")
    parser.add_argument("--where", action="append", default=[], metavar="PATH=VALUE",
                        help="draw only the points with this value; again for more: of one path any, of several all")
    return parser


def read(path, where=()):
    """The points of a sweep, of which some ended well, with the values that --where asks for."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), list(reader.fieldnames or [])
    except OSError as error:
        fault(f"cannot read '{path}': {error.strerror}")
    except (ValueError, csv.Error):
        rows, columns = [], []
    if not rows or "status" not in columns or "point" not in columns:
        fault(f"'{path}' is no table of a sweep; expected its results.csv")
    points = Points(kept(rows, columns, where), columns)
    if not points.rows:
        fault(f"no point of '{path}' ended well" + (" with " + ", ".join(where) if where else ""))
    return points


def kept(rows, columns, where):
    """The rows that --where asks for."""
    asked = {}
    for text in where:
        name, found, value = text.partition("=")
        if not found:
            fault(f"--where {text}: expected PATH=VALUE")
        path = full_path(name.strip(), columns)
        values = list(dict.fromkeys(row[path] for row in rows))
        same = [own for own in values if own == value.strip() or (units.number(own) is not None and units.number(own) == units.number(value))]
        if not same:
            fault(f"--where {text}: no point has this value; expected one of {', '.join(values[:20])}{', ...' if len(values) > 20 else ''}")
        asked.setdefault(path, set()).update(same)
    return [row for row in rows if all(row[path] in values for path, values in asked.items())]


def full_path(name, columns):
    """A column by its name or the last part of its path."""
    ending = [column for column in columns if column.endswith("." + name)]
    if name not in columns and len(ending) == 1:
        return ending[0]
    known(name, columns)
    return name


def common_words(columns):
    """The words that all of them have, in order."""
    return [word for word in columns[0].words.split() if all(word in column.words.split() for column in columns)]


def told_apart(column, columns):
    """What its name has beside that of the others."""
    common = common_words(columns)
    return " ".join(word for word in column.words.split() if len(columns) > 1 and word not in common)
