# SPDX-License-Identifier: Apache-2.0
"""What all plots share: reading results.csv of a sweep, quantities, colours, axes with units, writing.

Colours are those of Okabe and Ito (Color Universal Design, 2008), told apart by the colour-blind; every series also has a marker and
a line style of its own, every area a hatch, so that a grey print can be read. Maps use viridis, whose lightness only grows.
"""
import argparse
import csv
import re
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
LINES = ["-", "--", "-.", ":"]
HATCHES = ["", "////", "....", "\\\\\\\\", "xxxx", "----", "oo", "++++", "||||", "**"]
MAP = "viridis"
PREFIXES = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p")]

UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
         "B/s": 1, "kB/s": 1e3, "MB/s": 1e6, "GB/s": 1e9, "TB/s": 1e12, "Hz": 1, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9,
         "cycle": 1, "cycles": 1, "ps": 1e-12, "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "nm": 1e-6, "um": 1e-3, "mm": 1,
         "pJ": 1e-12, "nJ": 1e-9, "uJ": 1e-6, "mJ": 1e-3, "J": 1, "mW": 1e-3, "W": 1}
NUMBER = re.compile(r"^\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(\S*)\s*$")
METRIC_UNITS = [("_per_s", "1/s"), ("_mm2", "mm²"), ("_bytes", "B"), ("_j", "J"), ("_w", "W"), ("_s", "s")]


def number(text):
    """A number or a quantity in its base unit; None for anything else."""
    found = NUMBER.match(text)
    if not found or (found.group(2) and found.group(2) not in UNITS):
        return None
    return float(found.group(1)) * (UNITS[found.group(2)] if found.group(2) else 1)


def unit_of(column, texts):
    """The unit of a column: that of its name, else the first one that its values have."""
    for ending, unit in METRIC_UNITS:
        if "." not in column and column.endswith(ending):
            return unit
    for text in texts:
        found = NUMBER.match(text)
        if found and found.group(2) in UNITS:
            return found.group(2)
    return ""


class Column:
    """Values of one column, or of the ratio A/B of two, in the unit that its axis names; None where a row has no number."""

    def __init__(self, rows, name):
        if rows and name not in rows[0] and "/" in name:
            self._divide(Column(rows, name.split("/")[0]), Column(rows, name.split("/", 1)[1]))
            return
        if rows and name not in rows[0]:
            sys.exit(f"error: the table has no column '{name}'; expected one of {', '.join(rows[0])}")
        texts = [row[name] for row in rows]
        self.unit = unit_of(name, texts)
        scale = 1 if "." not in name else UNITS.get(self.unit, 1)
        self.values = [None if number(text) is None else number(text) / scale for text in texts]
        words = short(name, parameters(rows)) if "." in name else name
        for ending, _ in METRIC_UNITS:
            if "." not in name and words.endswith(ending):
                words = words[: -len(ending)]
                break
        self.words = words.replace("_", " ")

    def _divide(self, above, below):
        self.values = [None if up is None or not down else up / down for up, down in zip(above.values, below.values)]
        self.words = f"{above.words} per {below.words.removesuffix('s')}"
        self.unit = "" if above.unit == below.unit else above.unit + (f"/{below.unit}" if below.unit else "")

    @property
    def label(self):
        return self.words + (f" ({self.unit})" if self.unit else "")

    def is_wide(self):
        """Whether it spans so much that a logarithmic axis shows more."""
        values = [value for value in self.values if value is not None]
        return bool(values) and min(values) > 0 and max(values) / min(values) >= 10


def common_words(columns):
    """The words that all of them have, in order."""
    return [word for word in columns[0].words.split() if all(word in column.words.split() for column in columns)]


def common_label(columns):
    """The label of an axis that they share."""
    if len(columns) == 1:
        return columns[0].label
    return " ".join(common_words(columns)) + (f" ({columns[0].unit})" if columns[0].unit else "")


def make_readable(columns):
    """Gives ratios with a unit the prefix that suits the largest of them."""
    ratios = [column for column in columns if " per " in column.words and column.unit]
    largest = max((value for column in ratios for value in column.values if value is not None), default=1)
    for column in ratios:
        scale, column.unit = prefixed(largest, column.unit)
        column.values = [None if value is None else value / scale for value in column.values]


def told_apart(column, columns):
    """What its name has beside that of the others."""
    common = common_words(columns)
    return " ".join(word for word in column.words.split() if len(columns) > 1 and word not in common)


def read(path):
    """The points of a sweep that ended well."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        sys.exit(f"error: cannot read '{path}': {error.strerror}")
    if not rows or "status" not in rows[0] or "point" not in rows[0]:
        sys.exit(f"error: '{path}' is no table of a sweep; expected its results.csv")
    rows = [row for row in rows if row["status"] == "done"]
    if not rows:
        sys.exit(f"error: no point of '{path}' ended well")
    return rows


def parameters(rows):
    """The columns between point and status."""
    names = list(rows[0])
    return names[1 : names.index("status")]


def numeric_parameters(rows):
    return [name for name in parameters(rows) if all(number(row[name]) is not None for row in rows)]


def told_by(rows, name):
    """The parameters that another one decides: those zipped with it, and those that never change."""
    decided = []
    for other in parameters(rows):
        pairs = {(row[name], row[other]) for row in rows}
        if other != name and len(pairs) == len({row[name] for row in rows}):
            decided.append(other)
    return decided


def short(name, among=()):
    """The last part of a path, with the part before it where others of `among` end alike."""
    parts = name.split(".")
    alike = [other for other in among if other != name and other.split(".")[-1] == parts[-1]]
    return " ".join(parts[-2 if alike else -1 :]).replace("_", " ")


def series(position):
    """Colour, marker and line of a series, each different from its neighbours'."""
    return {"color": COLOURS[position % len(COLOURS)], "marker": MARKERS[position % len(MARKERS)],
            "linestyle": LINES[position % len(LINES)]}


def tint(colour, strength):
    """A colour on white: 1 is the colour itself, 0 white."""
    return tuple(1 - strength * (1 - part) for part in matplotlib.colors.to_rgb(colour))


def area(position, colour=None):
    """Filling of an area, different from its neighbours' in colour and hatch; light enough for the hatch to show."""
    fill = tint(COLOURS[position % (len(COLOURS) - 1)], 0.7) if colour is None else colour
    return {"facecolor": fill, "edgecolor": "black", "linewidth": 0.4, "hatch": HATCHES[position % len(HATCHES)]}


def prefixed(largest, unit):
    """(scale, unit with its prefix) that make a number of this size readable: 2.1e-5, "s" gives (1e-6, "µs")."""
    for scale, prefix in PREFIXES:
        if abs(largest) >= scale:
            return scale, prefix + unit
    return 1, unit


def figure(columns=1, size=(6.4, 4.4), **options):
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "memwall",
                         "svg.fonttype": "none", "hatch.linewidth": 0.5})
    return plt.subplots(1, columns, figsize=size, **options)


def tall_figure(rows):
    """For bars that lie above each other, one for each of `rows` names."""
    return figure(size=(6.4, max(2.4, 0.8 + 0.17 * rows)))


def name_rows(axes, names):
    """The names of such bars, the first on top."""
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_ylim(len(names) - 0.4, -0.6)


def finish_rows(drawn, axes, names, label, title):
    """The rest of a picture of such bars: names, what their length says, a title, a legend beside."""
    name_rows(axes, names)
    axes.set_xlim(left=0)
    axes.set_xlabel(label)
    axes.set_title(title, fontsize=10)
    drawn.tight_layout()
    legend_beside(drawn, axes)


def legend_beside(drawn, axes, upside_down=False):
    """A legend right of the axes; `upside_down` in the order of a stack of bars."""
    handles, labels = axes.get_legend_handles_labels()
    order = slice(None, None, -1 if upside_down else 1)
    drawn.legend(handles[order], labels[order], loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False,
                 handleheight=1.4, handlelength=2.2)


def write(drawn, path):
    """PNG, SVG or PDF, by the ending; nothing of when it was made."""
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    ending = path.rsplit(".", 1)[-1].lower()
    if ending not in metadata:
        sys.exit(f"error: '{path}': expected a name that ends in .png, .svg or .pdf")
    try:
        drawn.savefig(path, dpi=150, bbox_inches="tight", metadata=metadata[ending])
    except OSError as error:
        sys.exit(f"error: cannot write '{path}': {error.strerror}")


def arguments_of(text, file="csv", holds="results.csv of a sweep"):
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument(file, help=holds)
    parser.add_argument("picture", help="the picture to write: .png, .svg or .pdf")
    return parser
