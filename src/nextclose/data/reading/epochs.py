"""Numbers as dates: units since 1970, a spreadsheet's days, or year, month and day in digits."""

from __future__ import annotations

from datetime import date

import polars as pl

UNITS = {"epoch-s": 1, "epoch-ms": 10**3, "epoch-us": 10**6, "epoch-ns": 10**9}  # per second
DAYS = "epoch-d"  # never found out alone: a spreadsheet's days may be the same integers
COMPACT = "yyyymmdd"
READINGS = (*UNITS, COMPACT)
EARLIEST, LATEST = date(1900, 1, 1), date(2100, 12, 31)  # what a date of prices can be
USUAL_GAP_DAYS = (1, 4)
EXCEL, EXCEL_1904 = "excel", "excel-1904"  # the latter as Excel on a Mac once counted
SERIALS = {EXCEL: date(1899, 12, 30), EXCEL_1904: date(1904, 1, 1)}  # the day that is 0
FROM_1904_DAYS = (SERIALS[EXCEL_1904] - SERIALS[EXCEL]).days
EXCEL_SERIALS = (61, 73_415)  # to 2100-12-31; those below, 1900-03-01, follow a day that never was


def instants(numbers: pl.Series, reading: str) -> pl.Series:
    """The integers as UTC instants in whole seconds; null outside 1900 to 2100."""
    seconds = numbers * 86_400 if reading == DAYS else numbers // UNITS[reading]
    days = seconds // 86_400
    low, high = (bound.toordinal() - date(1970, 1, 1).toordinal() for bound in (EARLIEST, LATEST))
    seconds = seconds.set(~days.is_between(low, high), None)
    return pl.select(pl.from_epoch(seconds, "s")).to_series().dt.replace_time_zone("UTC")


def compact_dates(numbers: pl.Series) -> pl.Series:
    """The integers as dates written YYYYMMDD; null where they are none, or outside 1900 to 2100."""
    days = numbers.cast(pl.String).str.to_date("%Y%m%d", strict=False)
    return days.set(~days.is_between(EARLIEST, LATEST), None)


def serial_days(numbers: pl.Series, reading: str) -> pl.Series:
    """Dates of a spreadsheet's serial numbers, their times of day left out."""
    serial = numbers.set(~numbers.is_between(*EXCEL_SERIALS), None).floor().cast(pl.Int32)
    return (serial + (SERIALS[reading] - date(1970, 1, 1)).days).cast(pl.Date)


def integer_date_format(numbers: pl.Series, symbols: pl.Series) -> str:
    """The one reading that gives dates like those of daily prices; "" if none or several do.

    Like daily prices: all within 1900 to 2100, of one symbol all distinct where the integers are,
    with a median gap of one to four days. Range alone would decide nothing: every unit fits some
    day near 1970.
    """
    distinct = pl.DataFrame({"symbol": symbols, "number": numbers}).drop_nulls("number").unique()
    distinct = distinct.sort("symbol", "number")
    fitting = [reading for reading in READINGS if _fits(distinct, reading)]
    return fitting[0] if len(fitting) == 1 else ""


def _fits(distinct: pl.DataFrame, reading: str) -> bool:
    number = distinct["number"]
    days = compact_dates(number) if reading == COMPACT else instants(number, reading).dt.date()
    if days.null_count():
        return False
    is_same = distinct["symbol"].eq_missing(distinct["symbol"].shift())
    gaps = days.diff().dt.total_days().filter(is_same)
    median = gaps.median()
    low, high = USUAL_GAP_DAYS
    return isinstance(median, float) and bool((gaps > 0).all()) and low <= median <= high
