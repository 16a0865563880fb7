"""All bars of all symbols in one row, and how to step from one session to another. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from nextclose.schema import Bars, Dates, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calendar:
    """All bars of all symbols in one row: where each stands, and where its piece ends."""

    frame: pl.DataFrame  # symbol, session, at: the position of the bar
    session: Dates
    close: Floats
    stop: Ints  # (bar,) end of the piece of history it lies in
    start: Ints  # (bar,) its first bar

    def close_at(self, at: Ints) -> Floats:
        """Closes at positions; NaN for -1. Shape (row,)."""
        return np.where(at >= 0, self.close[at], np.nan)

    def moved(self, at: Ints, sessions: Ints | int) -> Ints:
        """Positions so many sessions later in the same piece; -1 where there are not so many."""
        to = at + sessions
        safe = np.maximum(at, 0)
        return np.where((at >= 0) & (to >= self.start[safe]) & (to < self.stop[safe]), to, -1)


def calendar_of(bars: Bars) -> Calendar:
    """The calendar of the bars."""
    keys = [name for name in ("symbol", "segment") if name in bars.frame.columns]
    frame = bars.frame.select(*keys, "session", "close").with_row_index("at")
    ends = frame.select(
        pl.col("at").cast(pl.Int64).min().over(keys).alias("start"),
        (pl.col("at").cast(pl.Int64).max().over(keys) + 1).alias("stop"),
    )
    return Calendar(
        frame=frame.select("symbol", "session", pl.col("at").cast(pl.Int64)),
        session=frame["session"].to_numpy(),
        close=frame["close"].to_numpy(),
        start=ends["start"].to_numpy(),
        stop=ends["stop"].to_numpy(),
    )
