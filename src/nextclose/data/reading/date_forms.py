"""Formats that fit dates as a file writes them: for the cures that name them, never read by."""

from __future__ import annotations

import re

import polars as pl

from nextclose.data.suggestions import toml_value

CELL = re.compile(r"^\d{1,2}([ /.,-]+)(\d{1,2}|[^\W\d]+)([ /.,-]+)(\d{4}|\d{2})(?![^T ])")
ORDERS = (("%d", "%m", "%y"), ("%m", "%d", "%y"), ("%y", "%m", "%d"))
LONG_ORDERS = (("%d", "%m", "%Y"), ("%m", "%d", "%Y"))  # 2019 in front is never in doubt


def with_date_cure(hits: pl.DataFrame) -> pl.DataFrame:
    """Hits of a rule of dates with the cure that fits the `text` of them all."""
    cure = date_format_cure(hits["text"])
    return hits.with_columns(pl.lit(cure).alias("cure")) if cure else hits


def date_format_cure(cells: pl.Series) -> str:
    """The settings whose format reads all of the cells, or the first at least; "" if none does."""
    match = CELL.match(cells[0]) if len(cells) else None
    if match is None:
        return ""
    orders = LONG_ORDERS if len(match[4]) == 4 else ORDERS
    month = "%m" if match[2].isdigit() else "%b" if len(match[2]) == 3 else "%B"
    forms = [
        f"{a}{match[1]}{b}{match[3]}{c}".replace("%m", month)
        for a, b, c in orders
        if month == "%m" or b == "%m"
    ]
    fitting = [form for form in forms if _fits(form, cells)]
    fitting = fitting or [form for form in forms if _fits(form, cells[:1])]
    settings = (f"data.date_format = {toml_value(form)}" for form in fitting)
    return f"set {' or '.join(settings)}." if fitting else ""


def _fits(form: str, cells: pl.Series) -> bool:
    days = cells.str.replace(r"[T ]+\d{1,2}:.*$", "").str.to_date(form, strict=False)
    return days.null_count() == 0
