"""What bars hold: symbols, sessions, segments and calendars, counted for people to check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from nextclose.formatting import quantity
from nextclose.schema import Bars

BASES: Mapping[str, str] = {
    "adjusted": "adjusted for splits and dividends",
    "raw": "raw, not adjusted for splits and dividends",
    "unknown": "unknown whether adjusted for splits and dividends",
}
NO_CALENDAR = "weekdays only, no calendar known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What there is of one symbol. `exchange` is "" where weekdays are counted."""

    symbol: str
    exchange: str
    first: date
    last: date
    bars: int
    segments: int


def holdings(bars: Bars) -> tuple[Holding, ...]:
    """One for each symbol, sorted by name."""
    frame = bars.frame
    segments = pl.col("segment").n_unique() if "segment" in frame.columns else pl.lit(1)
    session = pl.col("session")
    counted = frame.group_by("symbol").agg(
        session.min().alias("first"),
        session.max().alias("last"),
        pl.len().alias("bars"),
        segments.alias("segments"),
    )
    return tuple(
        Holding(exchange=bars.exchanges.get(row["symbol"], ""), **row)
        for row in counted.sort("symbol").iter_rows(named=True)
    )


def extent(held: Iterable[Holding]) -> str:
    """How much there is in all, as in `5 symbols, 15,432 bars, 2000-03-01 to 2013-03-01`."""
    held = tuple(held)
    if not held:
        return "no bars"
    n_bars = sum(one.bars for one in held)
    first, last = min(one.first for one in held), max(one.last for one in held)
    return f"{quantity(len(held), 'symbol')}, {quantity(n_bars, 'bar')}, {first} to {last}"


def calendars(held: Iterable[Holding]) -> str:
    """The calendars in use and how many symbols follow each, most first."""
    counts = Counter(one.exchange for one in held)
    return ", ".join(
        f"{exchange or NO_CALENDAR} ({quantity(n, 'symbol')})"
        for exchange, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    )
