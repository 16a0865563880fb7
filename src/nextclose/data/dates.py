"""Sessions read from a date column; the order of day and month is never guessed."""

from __future__ import annotations

from datetime import time

import polars as pl

STAMP = r"^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}[:.\d]*)\s*(Z|[+-]\d{2}:?\d{2})?$"
MIDNIGHT = r"^[0:.]+$"
DAY_OR_MONTH_FIRST = r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{4}$"
NAMED_FORMS = ("%Y/%m/%d", "%Y%m%d", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y")


def sessions(column: pl.Series) -> pl.Series:
    """The column as Date, null where a cell cannot be read. Expects text, integer, date or stamp.

    A stamp with a zone is read as the date written if it is midnight there; any other time of day
    needs the exchange's zone, so it stays null. A stamp without a zone gives its date.
    """
    if column.dtype == pl.Date:
        return column
    if isinstance(column.dtype, pl.Datetime):
        return _local_dates(column)
    text = column.cast(pl.String).str.strip_chars()
    iso = text.str.to_date("%Y-%m-%d", strict=False)
    if iso.null_count() == text.null_count():
        return iso
    return pl.select(pl.coalesce(iso, *_other_forms(text))).to_series()


def date_texts(column: pl.Series) -> pl.Series:
    """The cells as text, for messages; empty cells are null."""
    text = column.cast(pl.String).str.strip_chars()
    return text.set(text == "", None)


def _local_dates(column: pl.Series) -> pl.Series:
    local = column.dt.replace_time_zone(None)
    dates = local.dt.date()
    if getattr(column.dtype, "time_zone", None) is None:
        return dates
    return dates.set(local.dt.time() != time(0), None)


def _other_forms(text: pl.Series) -> list[pl.Series]:
    """The column read in each of the other forms, null where a cell has another form."""
    stamp = pl.DataFrame({"text": text}).select(
        day=pl.col("text").str.extract(STAMP, 1),
        time=pl.col("text").str.extract(STAMP, 2),
        zone=pl.col("text").str.extract(STAMP, 3),
    )
    is_date = stamp["zone"].is_null() | stamp["time"].str.contains(MIDNIGHT)
    day = stamp.select(pl.when(is_date).then(pl.col("day"))).to_series()
    named = [text.str.to_date(form, strict=False) for form in NAMED_FORMS]
    return [day.str.to_date("%Y-%m-%d", strict=False), *named, _slashed(text)]


def _slashed(text: pl.Series) -> pl.Series:
    """Dates like 03/04/2019, read if they all fit one order of day and month and not the other."""
    is_slashed = text.str.contains(DAY_OR_MONTH_FIRST).fill_null(value=False)
    plain = text.str.replace_all(r"[.-]", "/").set(~is_slashed, None)
    readings = [plain.str.to_date(form, strict=False) for form in ("%d/%m/%Y", "%m/%d/%Y")]
    fitting = [dates for dates in readings if dates.null_count() == plain.null_count()]
    return fitting[0] if len(fitting) == 1 else pl.Series([None] * len(text), dtype=pl.Date)
