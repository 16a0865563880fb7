"""Figures as people read them, wherever they stand: counts, shares, p-values, intervals.

Tables and pictures set type: a true minus, and a dash for what is not there. Sentences are ASCII,
since they stand in JSON and on any terminal as well, and say nothing of what is not there.
"""

from __future__ import annotations

import math

Bounds = tuple[float, float] | None
NOTHING = "\N{EN DASH}"


def count(n: float) -> str:
    """A whole number with thousands: `1,234`."""
    return f"{n:,.0f}"


def quantity(n: int, noun: str) -> str:
    """`1 bar`, `2,000 bars`."""
    return f"{count(n)} {noun}" + ("" if n == 1 else "s")


def sessions(n: int) -> str:
    """`1 session`, `7 sessions`."""
    return quantity(n, "session")


def data_size(n_bytes: float) -> str:
    """`812 kB`, `2.4 MB`, `24 GB`: two digits, or three."""
    unit = "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if n_bytes < 999.5:
            break
        n_bytes, unit = n_bytes / 1000, larger
    decimals = 1 if n_bytes < 9.95 and unit != "bytes" else 0
    return f"{n_bytes:,.{decimals}f} {unit}"


# Tables and pictures


def number(value: float | None, *, decimals: int, unit: str = "", signed: bool = False) -> str:
    """A figure with thousands and a true minus; what rounds to 0 has no sign."""
    if value is None or not math.isfinite(value):
        return NOTHING
    rounded = round(value, decimals) + 0.0  # turns -0.0 into 0.0
    sign = "+" if signed and rounded > 0 else ""
    return f"{sign}{rounded:,.{decimals}f}".replace("-", "\N{MINUS SIGN}") + unit


def share(
    fraction: float | None, *, decimals: int = 1, signed: bool = False, unit: str = "%"
) -> str:
    """A fraction in per cent; without a unit where the title of the column has it."""
    value = None if fraction is None else 100 * fraction
    return number(value, decimals=decimals, signed=signed, unit=unit)


def significant(value: float | None, *, digits: int = 4) -> str:
    """A figure whose unit and size are not known here."""
    if not value or not math.isfinite(value):
        return number(value, decimals=0)
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    return number(value, decimals=max(decimals, 0))


def interval(bounds: Bounds, *, decimals: int) -> str:
    """`low to high`."""
    if bounds is None:
        return NOTHING
    return f"{number(bounds[0], decimals=decimals)} to {number(bounds[1], decimals=decimals)}"


def share_interval(
    bounds: Bounds, *, decimals: int = 1, signed: bool = False, unit: str = "%"
) -> str:
    """`low to high` of a fraction, the unit once at its end."""
    if bounds is None:
        return NOTHING
    low, high = (share(x, decimals=decimals, signed=signed, unit="") for x in bounds)
    return f"{low} to {high}{unit}"


def p_value(p: float | None) -> str:
    """Two digits where they matter, a bound below one in a thousand."""
    if p is not None and 0 <= p < 0.001:
        return "< 0.001"
    return number(p, decimals=3 if p is not None and p < 0.1 else 2)


def yes_or_no(answer: bool | None) -> str:
    """An answer in a word."""
    return NOTHING if answer is None else "yes" if answer else "no"


def axis_share(fraction: float) -> str:
    """A fraction in per cent at a tick: three digits, however small the step."""
    return f"{100 * fraction:.3g}".replace("-", "\N{MINUS SIGN}") + "%"


# Sentences and terminals


def percent(fraction: float) -> str:
    """In per cent; two decimals below 1 %, for gains in markets are that small."""
    value = 100 * fraction
    text = f"{value:.2f}%" if abs(value) < 1 else f"{value:.1f}%"
    return "0.00%" if text == "-0.00%" else text


def signed_percent(fraction: float) -> str:
    """In per cent, with its sign."""
    return ("+" if fraction >= 0 else "") + percent(fraction)


def interval_text(bounds: Bounds) -> str:
    """A 95 % confidence interval of a fraction; empty without one."""
    if bounds is None:
        return ""
    text = f"{percent(bounds[0]).removesuffix('%')} to {percent(bounds[1])}"
    return with_level(text)


def with_level(text: str) -> str:
    """`95% interval low to high`; empty where there is no interval."""
    return "" if text == NOTHING else f"95% interval {text}"


def p_value_text(p: float | None, n_comparisons: int) -> str:
    """`p = 0.012, 20 comparisons`: a p-value, and of how many it is one; empty without."""
    if p is None:
        return ""
    text = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return text + (f", {quantity(n_comparisons, 'comparison')}" if n_comparisons > 1 else "")


def times(ratio: float) -> str:
    """A ratio of errors; a decimal only where it says something."""
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}"


def terminal_number(value: float | None, form: str) -> str:
    """A figure of a narrow column, in Python's format; blank for None."""
    return "" if value is None else format(value, form)


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, `11th`, `1,021st`."""
    teen = 10 < number % 100 < 14
    return f"{number:,}" + ("th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th"))
