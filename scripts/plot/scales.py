# SPDX-License-Identifier: Apache-2.0
"""Axes of pictures: linear or logarithmic, in one unit that suits or with a unit at each tick, capacities in powers of two."""
import math

import units

WIDE = 10  # from this ratio on a logarithmic axis shows more
DECADES_OF_ONE_UNIT = 4
MOST_POWERS = 8  # ticks of an axis of powers of two


def is_wide(values):
    return bool(values) and min(values) > 0 and max(values) / min(values) >= WIDE


def are_powers(values):
    """Whether all are powers of two, as sizes and counts often are."""
    return all(value >= 1 and value == int(value) and int(value) & (int(value) - 1) == 0 for value in values)


def set_scale(axis, words, unit, values, in_twos=False, powers=False):
    """Label, scale and ticks of a matplotlib axis (axes.xaxis) for values in the base unit `unit`.

    `in_twos`: KiB, not kB; `powers`: powers of two have ticks at them.
    """
    values = [value for value in values if value is not None]
    ratio = max(values) / min(values) if values and min(values) > 0 else 1
    if len(set(values)) == 1:
        label = set_one(axis, values[0], unit, in_twos)
    elif (powers and are_powers(values) and unit in ("", "B") and ratio >= 4) or (in_twos and ratio >= WIDE):
        label = set_powers(axis, values, unit)
    elif is_wide(values):
        label = set_decades(axis, values, unit)
    else:
        label = set_linear(axis, values, unit, in_twos)
    axis.set_label_text(words + (f" ({label})" if label else ""))


def scale_by(axis, name, **options):
    (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)(name, **options)


def set_ticks(axis, places, texts):
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter
    axis.set_major_locator(FixedLocator(places))
    axis.set_major_formatter(FixedFormatter(texts))
    axis.set_minor_formatter(NullFormatter())


def set_one(axis, value, unit, in_twos):
    """The one tick of an axis along which nothing changes."""
    scale, name = units.binary(value) if in_twos else units.prefixed(value, unit)
    set_ticks(axis, [value], [units.plain(float(f"{value / scale:.4g}"))])
    return name


def set_powers(axis, values, unit):
    """Ticks at powers of two; the unit that all of them share, else each has its own."""
    scale_by(axis, "log", base=2)
    first, last = math.floor(math.log2(min(values))), math.ceil(math.log2(max(values)))
    step = -(-(last - first + 1) // MOST_POWERS)
    places = [2.0**power for power in range(first, last + 1, step)]
    steps = [units.binary(place) if unit == "B" else (1, "") for place in places]
    shared = len(set(steps)) == 1
    set_ticks(axis, places, [units.plain(place / scale) + ("" if shared else " " + name) for place, (scale, name) in zip(places, steps)])
    return steps[0][1] if shared else ""


def set_decades(axis, values, unit):
    """Ticks at 1, 2, 5 of each decade, in one unit; over many decades at each or some, with a unit of its own."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
    scale_by(axis, "log")
    decades = math.log10(max(values) / min(values))
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades <= 3 else (1,), numticks=20 if decades <= 9 else 8))
    axis.set_minor_formatter(NullFormatter())
    scale, name = units.prefixed(math.sqrt(max(values) * min(values)), unit)
    if decades <= DECADES_OF_ONE_UNIT or not units.takes_prefix(unit):
        axis.set_major_formatter(FuncFormatter(lambda value, _: units.plain(value / scale)))
        return name

    def with_unit(value, _):
        own, text = units.prefixed(value * (1 + 1e-9), unit)
        return f"{units.plain(value / own)} {text}"
    axis.set_major_formatter(FuncFormatter(with_unit))
    return ""


def set_linear(axis, values, unit, in_twos):
    from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator
    scale_by(axis, "linear")
    largest = max((abs(value) for value in values), default=0)
    if in_twos:
        scale, name = units.binary(largest)
        span = max(values, default=0) - min(values, default=0) or largest or 1
        axis.set_major_locator(MultipleLocator(2.0 ** max(0, math.ceil(math.log2(span / 6)))))
    else:
        scale, name = units.prefixed(largest, unit)
        whole = all(value == int(value) for value in values) and scale == 1
        axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10], integer=whole and unit in ("", *units.WHOLE)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: units.plain(value / scale)))
    return name


def set_from_zero(axis, words, unit, largest):
    """A linear axis of lengths, from zero on."""
    axis.set_label_text(f"{words} ({set_linear(axis, [0, largest], unit, False)})")


def set_bytes(axis, words, values):
    """A linear axis of bytes of a memory, in KiB or MiB."""
    axis.set_label_text(f"{words} ({set_linear(axis, values, 'B', True)})")


def set_names(axis, names, most=40):
    """Ticks of an axis of words, at 0, 1, 2, ...; some are left out where there are many."""
    step = -(-len(names) // most)
    set_ticks(axis, range(0, len(names), step), names[::step])
