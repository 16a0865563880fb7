"""Rows of days that should have none: days to come, days not over, days the exchange is closed."""

from __future__ import annotations

import numpy as np
import polars as pl

from nextclose.data.calendars.sessions import session_table
from nextclose.data.findings import hits_at, hits_where, no_hits
from nextclose.data.rules.adjustment import open_high_low
from nextclose.data.rules.gaps import is_sparse
from nextclose.data.rules.steps import is_first, session_dates
from nextclose.schema import Bools

MAX_FILLED = 1 / 2  # of bars that are made up; beyond, no market made them
SAME_LINE = 1e-4  # relative distance of a close from the middle of its neighbours
WEEKENDS = 1 / 10  # of all bars: more of closed days than holidays make

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
        odd = pl.format("{}, an odd time of day", second.cast(pl.Time))
    text = pl.when(is_today).then(pl.lit("a session that is not over")).otherwise(odd)
    return hits_at(rows, frame[rows].select(text).to_series(), column="date")


def idle_closed_days(frame: Frame) -> Frame:
    """Rows of days without session that say nothing new: the bar before again, or no trade."""
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
    """Whether each row is of a closed day and says nothing new. Shape (row,).

    Where the calendar is published, a flat bar without volume is such a one as well.
    """
    is_closed = ~frame["is_session"].to_numpy()
    if not is_closed.any():
        return is_closed
    is_still = is_copy(frame)
    has_calendar = frame["has_calendar"].to_numpy()
    if not has_calendar.all():  # a quiet close alone may be a market that is open on Sundays
        is_still &= has_calendar | _has_range(frame)
    if "volume" in frame.columns and has_calendar.any():
        close = pl.col("close")
        still = [(pl.col(c) == close).fill_null(value=True) for c in open_high_low(frame)]
        is_flat = pl.all_horizontal(pl.col("volume") == 0, *still).fill_null(value=False)
        is_still |= has_calendar & frame.select(is_flat).to_series().to_numpy()
    return np.asarray(is_closed & is_still)


def is_copy(frame: Frame) -> Bools:
    """Whether each row is the bar before again, as tools write to fill a day in. Shape (row,).

    The close is; open, high and low are as well, or equal to it, or empty; the volume is, or 0, or
    empty. Causal: each row is compared with the one before.
    """
    old = {name: pl.col(name).shift() for name in (*open_high_low(frame), "close", "volume")}
    close = pl.col("close")
    again = [close == old["close"]]
    for name in open_high_low(frame):
        price = pl.col(name)
        again.append(price.is_null() | (price == close) | (price == old[name]))
    if "volume" in frame.columns:
        volume = pl.col("volume")
        again.append(volume.is_null() | (volume == 0) | (volume == old["volume"]))
    is_again = frame.select(pl.all_horizontal(again).fill_null(value=False)).to_series()
    return np.asarray(is_again.to_numpy() & ~is_first(frame))


def has_filled_days(rows: Frame, exchange: str) -> bool:
    """Whether bars of closed days are the bar after again, or on a line between their neighbours.

    Those that are the bar before again are none. Where the bars of sessions lie on such lines as
    well, prices that rise evenly, only whole weekends of them are.
    Expects: rows of one symbol.
    """
    _, is_session = session_table(exchange).at(session_dates(rows))
    is_closed = ~is_session & ~is_copy(rows)
    close = rows["close"].to_numpy()
    after, before = np.append(close[1:], np.nan), np.append(np.nan, close[:-1])
    is_line = np.abs(close / ((close + after + before) / 3) - 1) < SAME_LINE
    is_made = is_line | (close == after)
    if is_made[is_session].sum() > MAX_FILLED * is_session.sum():
        is_closed &= is_closed.sum() > WEEKENDS * len(close)
    return bool((is_made & is_closed).sum() > MAX_FILLED * is_closed.sum())


def _has_range(frame: Frame) -> Bools:
    """Whether each row has a high above its low. Shape (row,)."""
    if not {"high", "low"} <= set(frame.columns):
        return np.zeros(frame.height, dtype=np.bool_)
    is_wide = (pl.col("high") > pl.col("low")).fill_null(value=False)
    return np.asarray(frame.select(is_wide).to_series().to_numpy())
