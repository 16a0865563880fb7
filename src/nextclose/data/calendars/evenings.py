"""Stamps that stand in the evening before the session they begin."""

from __future__ import annotations

import numpy as np
import polars as pl

from nextclose.data.calendars.evidence import BETTER, Days, Fit, fit_of

HOUR = 3600  # seconds
EVENING = 11 * HOUR  # where midnight of the exchange farthest east, Auckland, stands in UTC
EARLY_DAYS = 250  # of stamps that settle whether they stand in the evening before


def is_evening_before(stamps: pl.DataFrame, exchange: pl.Series) -> pl.Series:
    """Whether each stamp stands in the evening before its session. Shape (row,).

    So they do where the dates as written contradict the exchange's calendar, with Sundays in place
    of Fridays, and the days after do not. The first year of stamps decides. Stamps an hour from the
    usual one are as well, as clocks change; others, as of a price now, are not.
    """
    rows = stamps.select("day", "second").with_columns(exchange.alias("exchange"))
    is_evening = pl.Series([False] * len(exchange), dtype=pl.Boolean)
    late = rows.filter(pl.col("second") >= EVENING)
    for name in sorted(set(late["exchange"].unique().drop_nulls()) - {""}):
        of_exchange = rows.filter(exchange=name).drop_nulls("day").sort("day")
        early = of_exchange.filter(pl.col("day").rle_id() < EARLY_DAYS)
        usual = early.filter(pl.col("second") >= EVENING)["second"].mode().sort()
        if not len(usual):
            continue
        is_usual = (pl.col("second") - usual[0]).abs() <= HOUR
        moved = pl.col("day").dt.offset_by(
            pl.when(is_usual).then(pl.lit("1d")).otherwise(pl.lit("0d"))
        )
        written, meant = (_fit(early.select(days).to_series(), name) for days in ("day", moved))
        if written.n_odd and meant.n_odd * BETTER <= written.n_odd and not meant.is_refuted:
            is_evening |= rows.select(is_usual & (pl.col("exchange") == name)).to_series()
    return is_evening.fill_null(value=False)


def _fit(days: pl.Series, exchange: str) -> Fit:
    day = days.unique().sort().to_numpy().astype("datetime64[D]")
    return fit_of(Days(day=day, is_idle=np.zeros(len(day), dtype=np.bool_)), exchange)
