# SPDX-License-Identifier: Apache-2.0
"""What all plots share: colours, markers, hatches, legends, arguments, writing.

Colours are those of Okabe and Ito (Color Universal Design, 2008), told apart by the colour-blind; every series also has a marker and
a line style of its own, every area a hatch, so that a grey print can be read. Maps use viridis, whose lightness only grows.
"""
import argparse
import sys
import textwrap

from faults import fault

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
LINES = ["-", "--", "-.", ":"]
HATCHES = ["", "////", "....", "\\\\\\\\", "xxxx", "----", "oo", "++++", "||||", "**"]
MAP = "viridis"
MOST_SERIES = len(COLOURS) * len(LINES)
WIDTH = 6.4
LETTER = 0.056  # inches of a letter of the names of rows
LINE_LENGTH = 2.8  # of lines in legends, that their dashes can be told apart
MOST_LINES = 30  # of a column of a legend
MANY_ROWS = 60  # more do not fit a screen: what explains them stands at the top too


def pyplot():
    """matplotlib.pyplot, loaded when something is drawn: --help and refusals do without it."""
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError as missing:
        sys.exit(f"error: {sys.executable} cannot draw: {missing}; expected matplotlib, of the package python3-matplotlib on Debian and "
                 "Ubuntu, which /usr/bin/python3 finds")
    return plt


def series(position):
    """Colour, marker and line of a series; of MOST_SERIES no two look alike, in grey no two neighbours."""
    turn = position // len(COLOURS)
    return {"color": COLOURS[position % len(COLOURS)], "marker": MARKERS[(position + 2 * turn) % len(MARKERS)],
            "linestyle": LINES[(position + turn) % len(LINES)]}


def unnamed(position, count):
    """A thin line of many, in the order of the map of colours; for more than MOST_SERIES, which no legend tells apart."""
    return {"color": pyplot().get_cmap(MAP)(position / count), "linewidth": 0.8}


def tint(colour, strength):
    """A colour "#RRGGBB" on white: 1 is the colour itself, 0 white."""
    return tuple(1 - strength * (1 - int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5))


def area(position, colour=None):
    """Filling of an area, different from its neighbours' in colour and hatch; light enough for the hatch to show."""
    fill = tint(COLOURS[position % (len(COLOURS) - 1)], 0.7) if colour is None else colour
    return {"facecolor": fill, "edgecolor": "black", "linewidth": 0.4, "hatch": HATCHES[position % len(HATCHES)]}


def wrapped(text, width):
    """A name over several lines where it is longer; words that are longer themselves are cut."""
    return textwrap.fill(text, width, subsequent_indent="  " if width > 20 else "") if len(text) > width else text


def figure(columns=1, size=(WIDTH, 4.4), rows=1, **options):
    plt = pyplot()
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "memwall",
                         "svg.fonttype": "none", "hatch.linewidth": 0.5})
    return plt.subplots(rows, columns, figsize=size, **options)


def tall_figure(names):
    """For bars that lie above each other, one for each name; as wide as the names need."""
    longest = max(len(line) for name in names for line in name.split("\n"))
    lines = max(1 + name.count("\n") for name in names)
    return figure(size=(max(WIDTH, 4.4 + LETTER * longest), max(2.4, 0.8 + (0.05 + 0.12 * lines) * len(names))))


def name_rows(axes, names):
    """The names of such bars, the first on top."""
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_ylim(len(names) - 0.4, -0.6)


def finish_rows(drawn, axes, names, title=None):
    """The rest of a picture of such bars: names, a title, a legend beside."""
    name_rows(axes, names)
    axes.set_xlim(left=0)
    if title:
        set_title(axes, title)
    many = len(names) > MANY_ROWS
    axes.tick_params(top=many, labeltop=many)
    drawn.tight_layout()
    legend_beside(drawn, axes, at_top=many)


def set_title(axes, title, width=72):
    axes.set_title(wrapped(title, width), fontsize=10)


def legend_beside(drawn, axes, upside_down=False, at_top=False, length=2.2):
    """A legend right of the axes; `upside_down` in the order of a stack of bars; `length`: of what is drawn beside a label."""
    handles, labels = axes.get_legend_handles_labels()
    order = slice(None, None, -1 if upside_down else 1)
    labels = [wrapped(label, 44) for label in labels]
    lines = sum(1 + label.count("\n") for label in labels)
    drawn.legend(handles[order], labels[order], loc="upper left" if at_top else "center left", fontsize=8, frameon=False,
                 bbox_to_anchor=(1.0, 1.0 if at_top else 0.5), handleheight=1.4, handlelength=length, ncol=-(-lines // MOST_LINES))


def legend_of_series(drawn, axes):
    """A legend in the axes where it is small, else beside them."""
    labels = axes.get_legend_handles_labels()[1]
    if len(labels) <= 6 and max(map(len, labels), default=0) <= 36:
        axes.legend(frameon=False, fontsize=8, handlelength=LINE_LENGTH)
    else:
        legend_beside(drawn, axes, length=LINE_LENGTH)


def note(drawn, *sentences):
    """What must be said of a picture, small below it."""
    text = " ".join(sentence for sentence in sentences if sentence)
    if text:
        drawn.text(0.02, -0.01, textwrap.fill(text, 100), fontsize=7, color="#444444", verticalalignment="top")


def write(drawn, path):
    """PNG, SVG or PDF, by the ending; nothing of when it was made."""
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    try:
        drawn.savefig(path, dpi=150, bbox_inches="tight", metadata=metadata[path.rsplit(".", 1)[-1].lower()])
    except OSError as error:
        fault(f"cannot write '{path}': {error.strerror}")


def picture(path):
    """The name of a picture that can be written."""
    if path.rsplit(".", 1)[-1].lower() not in ("png", "svg", "pdf"):
        fault(f"'{path}': expected a name that ends in .png, .svg or .pdf")
    return path


def arguments_of(text, file, holds):
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument(file, help=holds)
    parser.add_argument("picture", type=picture, help="the picture to write: .png, .svg or .pdf")
    return parser
