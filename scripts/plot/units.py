# SPDX-License-Identifier: Apache-2.0
"""Numbers and quantities as tables have them, and as people read them: units with the prefix that suits."""
import re

PREFIXES = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"),
            (1e-12, "p"), (1e-15, "f")]
BINARY = [(2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")]
POWERS = [(1e15, "10¹⁵"), (1e12, "10¹²"), (1e9, "10⁹"), (1e6, "10⁶")]
WHOLE = ("B", "cycles")  # there is no part of one

UNITS = {"B": ("B", 1), "kB": ("B", 1e3), "MB": ("B", 1e6), "GB": ("B", 1e9), "TB": ("B", 1e12),
         "KiB": ("B", 2**10), "MiB": ("B", 2**20), "GiB": ("B", 2**30), "TiB": ("B", 2**40),
         "B/s": ("B/s", 1), "kB/s": ("B/s", 1e3), "MB/s": ("B/s", 1e6), "GB/s": ("B/s", 1e9), "TB/s": ("B/s", 1e12),
         "Hz": ("Hz", 1), "kHz": ("Hz", 1e3), "MHz": ("Hz", 1e6), "GHz": ("Hz", 1e9), "cycle": ("cycles", 1), "cycles": ("cycles", 1),
         "ps": ("s", 1e-12), "ns": ("s", 1e-9), "us": ("s", 1e-6), "ms": ("s", 1e-3), "s": ("s", 1),
         "nm": ("m", 1e-9), "um": ("m", 1e-6), "mm": ("m", 1e-3), "mm2": ("mm²", 1), "um2": ("mm²", 1e-6),
         "fJ": ("J", 1e-15), "pJ": ("J", 1e-12), "nJ": ("J", 1e-9), "uJ": ("J", 1e-6), "mJ": ("J", 1e-3), "J": ("J", 1),
         "uW": ("W", 1e-6), "mW": ("W", 1e-3), "W": ("W", 1), "mV": ("V", 1e-3), "V": ("V", 1)}
QUANTITY = re.compile(r"^\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*(\S*)\s*$")


def quantity(text):
    """(number in the base unit, base unit, unit as written); None for anything else."""
    found = QUANTITY.match(text)
    if not found or (found.group(2) and found.group(2) not in UNITS):
        return None
    base, factor = UNITS[found.group(2)] if found.group(2) else ("", 1)
    return float(found.group(1)) * factor, base, found.group(2)


def number(text):
    """A number, or a quantity in its base unit; None for anything else."""
    found = quantity(text)
    return found[0] if found else None


def takes_prefix(unit):
    return unit.split("/")[0] in ("B", "Hz", "J", "W", "m", "s") or unit == "MAC/s"


def prefixed(largest, unit):
    """(scale, unit with its prefix) that make a number of this size readable: 2.1e-5, "s" gives (1e-6, "µs"); 3e7, "" gives (1e6, "10⁶")."""
    if takes_prefix(unit):
        least = 1 if unit in WHOLE else 0
        fitting = [(scale, prefix + unit) for scale, prefix in PREFIXES if abs(largest) >= scale >= least]
    else:
        fitting = [(scale, unit.replace("1", power, 1) if unit.startswith("1/") else f"{power} {unit}".strip())
                   for scale, power in POWERS if abs(largest) >= scale]
    return fitting[0] if fitting else (1, unit)


def binary(largest):
    """The same for bytes in powers of two: 65536 gives (1024, "KiB")."""
    return next((step for step in BINARY if abs(largest) >= step[0]), (1, "B"))


def plain(value):
    """A number of an axis: 1,000 and 0.05; no noise of binary fractions."""
    return f"{value:,.10g}"


def readable(text, digits):
    """A quantity with the unit that suits it, in so many digits: "158489319 Hz" gives "158 MHz"; any other text as it is."""
    found = quantity(text)
    if not found or not found[2]:
        return text
    value, base, unit = found
    in_twos = base == "B" and ("i" in unit or (value >= 1024 and value % 1024 == 0))
    scale, shown = binary(value) if in_twos else prefixed(value, base)
    return f"{float(f'{value / scale:.{max(digits, 4 if in_twos else 0)}g}'):,g} {shown}"


def all_readable(texts):
    """{text: readable text}, with as few digits as tell them apart."""
    texts = list(dict.fromkeys(texts))
    for digits in (3, 4, 6):
        words = [readable(text, digits) for text in texts]
        if len(set(words)) == len(texts):
            return dict(zip(texts, words))
    return dict(zip(texts, texts))
