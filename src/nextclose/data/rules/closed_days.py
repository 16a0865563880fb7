"""Rows of days that should have none: days to come, days not over, days the exchange is closed."""

from __future__ import annotations

import numpy as np
import polars as pl

from nextclose.data.findings import hits_at, hits_where, no_hits
from nextclose.data.rules.adjustment import open_high_low
from nextclose.data.rules.gaps import is_sparse

Frame = pl.DataFrame


def future_bars(frame: Frame) -> Frame:
    """Rows dated after today at their exchange."""
    text = pl.format("a date after {}, today at the exchange", "today")
    return hits_where(frame, pl.col("session") > pl.col("today"), text=text, column="date")


def unfinished_bars(frame: Frame) -> Frame:
    """Rows taken before their session was over."""
    rows = np.flatnonzero(frame["is_unfinished"].to_numpy())
    if not len(rows):
        return no_hits()
    is_today = pl.col("session") == pl.col("today")
    odd = pl.lit(None, dtype=pl.String)
    if "second_of_day" in frame.columns:
        second = pl.col("second_of_day").cast(pl.Int64) * 1_000_000_000
        odd = pl.format("{}, an odd time of day before the close", second.cast(pl.Time))
    text = pl.when(is_today).then(pl.lit("a session that is not over")).otherwise(odd)
    return hits_at(rows, frame[rows].select(text).to_series(), column="date")


def idle_closed_days(frame: Frame) -> Frame:
    """Rows of days on which the published calendar has no session: no volume, all prices equal."""
    rows = np.flatnonzero(_is_idle(frame))
    return hits_at(rows, ["no trade on a day without session"] * len(rows), column="date")


def other_closed_days(frame: Frame) -> Frame:
    """Other rows of days without session: with trades, or where no calendar is published.

    Symbols without daily bars are left out: `sparse_symbols` names them.
    """
    is_closed = ~frame["is_session"].to_numpy()
    if not is_closed.any():
        return no_hits()
    rows = np.flatnonzero(is_closed & ~_is_idle(frame) & ~is_sparse(frame))
    trade, weekend = pl.lit("trade on a day without session"), pl.lit("a bar on a weekend")
    text = pl.when(pl.col("has_calendar")).then(trade).otherwise(weekend)
    return hits_at(rows, frame[rows].select(text).to_series(), column="date")


def _is_idle(frame: Frame) -> np.ndarray:
    """Whether each row is flat and without volume on a closed day of a published calendar."""
    is_closed = frame["has_calendar"].to_numpy() & ~frame["is_session"].to_numpy()
    if "volume" not in frame.columns or not is_closed.any():
        return np.zeros(frame.height, dtype=np.bool_)
    still = [
        (pl.col(name) == pl.col("close")).fill_null(value=True) for name in open_high_low(frame)
    ]
    is_flat = pl.all_horizontal(pl.col("volume") == 0, *still).fill_null(value=False)
    return np.asarray(is_closed & frame.select(is_flat).to_series().to_numpy())
