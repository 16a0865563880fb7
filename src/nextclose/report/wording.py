"""Figures and names as people read them: units, signs, and a dash for what is not there."""

from __future__ import annotations

import math
from pathlib import PureWindowsPath
from urllib.parse import urlsplit

NOTHING = "\N{EN DASH}"
# category of the verdict -> (the word people read first, its colour: only a hint)
WORDS = {
    "VOID": ("No verdict", "bad"),
    "TOO GOOD": ("Too good to be true", "caution"),
    "TOO SHORT": ("Too little data", "caution"),
    "WORSE": ("Worse", "bad"),
    "BETTER": ("Better", "good"),
    "SIZE ONLY": ("Size, not direction", "good"),
    "POINT ONLY": ("Point only", "caution"),
    "NO EVIDENCE": ("No evidence of skill", ""),
    "YARDSTICK": ("Yardstick", "beside"),
}


def number(value: float | None, *, decimals: int, unit: str = "", signed: bool = False) -> str:
    """A figure for people, with a true minus sign; a dash for None and NaN."""
    if value is None or not math.isfinite(value):
        return NOTHING
    rounded = round(value, decimals) + 0.0  # turns -0.0 into 0.0
    sign = "+" if signed and rounded > 0 else ""
    return f"{sign}{rounded:,.{decimals}f}".replace("-", "\N{MINUS SIGN}") + unit


def share(value: float | None, *, decimals: int = 1, signed: bool = False) -> str:
    """A fraction in per cent."""
    return number(
        None if value is None else 100 * value, decimals=decimals, unit="%", signed=signed
    )


def points(fraction: float | None) -> str:
    """A fraction in per cent, where the head of the column says so."""
    return number(None if fraction is None else 100 * fraction, decimals=1)


def chance(p_value: float | None) -> str:
    """A p-value: two digits where they matter, a bound below one in a thousand."""
    if p_value is not None and 0 <= p_value < 0.001:
        return "< 0.001"
    return number(p_value, decimals=3 if p_value is not None and p_value < 0.1 else 2)


def yes_or_no(answer: bool | None) -> str:
    """An answer in a word; a dash where there is none."""
    return NOTHING if answer is None else "yes" if answer else "no"


def sessions(horizon_sessions: int) -> str:
    """`1 session`, `7 sessions`."""
    return f"{horizon_sessions} session" + ("" if horizon_sessions == 1 else "s")


def between(
    interval: tuple[float, float] | None, *, percent: bool, decimals: int | None = None
) -> str:
    """A 95% interval as `low to high`; empty without one. None: 1 decimal of percent, else 3."""
    if interval is None:
        return ""
    if percent:
        places = 1 if decimals is None else decimals
        low, high = (number(100 * x, decimals=places, signed=True) for x in interval)
        return f"{low} to {high}%"
    low, high = (number(x, decimals=3 if decimals is None else decimals) for x in interval)
    return f"{low} to {high}"


def spread(
    interval: tuple[float, float] | None, *, percent: bool, decimals: int | None = None
) -> str:
    """A 95% interval that says so; empty without one."""
    text = between(interval, percent=percent, decimals=decimals)
    return f"95% interval {text}" if text else ""


def shown_of(n_all: int, n_shown: int, what: str) -> str:
    """How many of all there are a list shows; empty if it shows them all."""
    return f"Shown are {n_shown:,} of {n_all:,} {what}." if n_all > n_shown else ""


def file_name(path: str) -> str:
    """The last part of an absolute path or URL: no folder, server or password of the user."""
    if "://" in path:
        path = urlsplit(path).path
    return PureWindowsPath(path).name if path.startswith(("/", "\\")) or ":" in path else path
