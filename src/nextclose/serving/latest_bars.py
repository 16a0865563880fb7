"""The newest bars that forecasts are made from, and the sessions that will fix their outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from nextclose.data.calendars.sessions import sessions_after
from nextclose.data.catalogue import Issue
from nextclose.errors import DataError
from nextclose.samples.samples import Samples
from nextclose.schema import Bars, Ints


def refuse_incomplete(bars: Bars) -> None:
    """Raise DataError if the newest bar of a symbol is incomplete."""
    incomplete = tuple(
        replace(finding, response="E", fix="complete that bar or end the file before it.")
        for finding in bars.findings
        if finding.number == Issue.INCOMPLETE_NEWEST_BAR
    )
    if incomplete:
        raise DataError(incomplete)


def latest_rows(samples: Samples) -> Ints:
    """The newest row of every symbol. Shape (symbol,)."""
    symbol = samples.table.symbol[samples.segments[:, 0]]
    is_latest = np.append(symbol[1:] != symbol[:-1], True)
    return np.asarray(samples.segments[is_latest, 1] - 1)


def segment_lengths(samples: Samples, rows: Ints) -> Ints:
    """Rows of the segment that each of `rows` ends. Shape (row,)."""
    starts = samples.segments[:, 0]
    return np.asarray(rows - starts[np.searchsorted(starts, rows, side="right") - 1] + 1)


def with_resolved(frame: pl.DataFrame, exchanges: Mapping[str, str]) -> pl.DataFrame:
    """Forecasts with `resolved` from the calendar of each symbol's exchange, by its origin."""
    keys = frame.select("symbol", "origin", "horizon_sessions").rows()
    ahead = max((horizon for _, _, horizon in keys), default=0)
    dates = {
        place: sessions_after(place[1], ahead, exchange=place[0])
        for place in {(exchanges[symbol], origin) for symbol, origin, _ in keys}
    }
    resolved = [dates[exchanges[symbol], origin][horizon - 1] for symbol, origin, horizon in keys]
    return frame.with_columns(pl.Series("resolved", resolved, dtype=pl.Date))
