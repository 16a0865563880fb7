"""Dates and numbers of a forecast file, refused with their row where they are neither."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from nextclose.judging.submission import refused
from nextclose.schema import Floats

DATE_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d-%b-%Y", "%b %d, %Y")
SLASHED = ("%m/%d/%Y", "%d/%m/%Y")
ISO_STAMP = r"^(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$"


def dates(column: pl.Series, *, where: str) -> pl.Series:
    """The column as dates: the day that stands there, in the zone that stands there.

    Raises: ForecastsError for what is no date, for stamps of several zones, and for 03/04/2019
        in a column that does not settle which is the month.
    """
    if column.dtype == pl.Date:
        return column
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.date()
    if column.dtype.is_integer() and column.drop_nulls().is_between(19000101, 21001231).all():
        column = column.cast(pl.String)
    if column.dtype != pl.String:
        raise _no_date(column, 0, where)
    text = column.str.strip_chars()
    zones = text.str.extract(ISO_STAMP, 2).drop_nulls().unique()
    if len(zones) > 1:
        raise refused(
            f"stamps of several zones ({', '.join(sorted(zones)[:3])})",
            expected="dates of one zone",
            fix="write the session's local date, as 2019-03-04.",
            where=where,
            column=column.name,
        )
    text = pl.select(pl.coalesce(text.str.extract(ISO_STAMP, 1), text)).to_series()
    tried = {form: text.str.to_date(form, strict=False) for form in (*DATE_FORMS, *SLASHED)}
    sound = [form for form, days in tried.items() if days.null_count() == text.null_count()]
    if {*SLASHED} <= {*sound} and not tried[SLASHED[0]].equals(tried[SLASHED[1]]):
        raise refused(
            f"{text.drop_nulls()[0]!r}, and no row that settles which is the month",
            expected="dates that can be read in one way",
            fix="write dates as YYYY-MM-DD.",
            where=where,
            column=column.name,
        )
    if not sound:
        best = max(tried.values(), key=lambda days: len(days) - days.null_count())
        first = int(np.flatnonzero((best.is_null() & text.is_not_null()).to_numpy())[0])
        raise _no_date(column, first, where)
    return tried[sound[0]].alias(column.name)


def _no_date(column: pl.Series, row: int, where: str) -> Exception:
    value = column[row] if len(column) else ""
    return refused(
        f"{value!r:.40}",
        expected="a date",
        fix="write dates as YYYY-MM-DD.",
        where=where,
        row=row + 2,
        column=column.name,
    )


def numbers(column: pl.Series, *, where: str) -> Floats:
    """The column as floats, NaN where the cell is empty. Shape (row,).

    Raises: ForecastsError for text, and for infinite numbers.
    """
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        text = text.set(text.str.to_lowercase().is_in(["", "nan", "na", "null", "none"]), None)
        cast = text.cast(pl.Float64, strict=False)
        bad = (cast.is_null() & text.is_not_null()).to_numpy()
    elif column.dtype.is_numeric() or column.dtype in (pl.Null, pl.Decimal):
        cast, bad = column.cast(pl.Float64), np.zeros(len(column), dtype=np.bool_)
    else:
        bad = np.ones(len(column), dtype=np.bool_)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise refused(
            f"{column[first]!r:.40}",
            expected="a number",
            fix="write numbers as 1234.5, without marks for thousands or units.",
            where=where,
            row=first + 2,
            column=column.name,
        )
    values = np.array(cast.fill_null(float("nan")).to_numpy(), dtype=np.float64)
    if np.isinf(values).any():
        raise refused(
            "an infinite number",
            expected="finite numbers",
            fix="leave the row out where there is no forecast.",
            where=where,
            row=int(np.flatnonzero(np.isinf(values))[0]) + 2,
            column=column.name,
        )
    return values


def whole_numbers(column: pl.Series, *, where: str) -> pl.Series:
    """The column as horizons, >= 1."""
    values = numbers(column, where=where)
    known = np.isfinite(values)
    bad = known & ((values < 1) | (values != np.floor(values)) | (values > 10_000))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise refused(
            f"{values[row]:g}",
            expected="whole sessions ahead, from 1 on",
            fix="count horizons in trading sessions.",
            where=where,
            row=row + 2,
            column=column.name,
        )
    whole = np.where(known, values, 0).astype(np.int32)
    return pl.Series(column.name, whole).set(pl.Series(~known), None)


def is_early(day: date | None) -> bool:
    """Whether the date is one that a wrong unit gave, as 1970-01-01."""
    return day is not None and day < date(1900, 1, 1)
