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
class SymbolSummary:
    """What there is of one symbol: `exchange` is "" where weekdays are counted."""

    symbol: str
    exchange: str
    first: date
    last: date
    bars: int
    segments: int


def symbol_summaries(bars: Bars) -> tuple[SymbolSummary, ...]:
    """One for each symbol, sorted by name."""
    frame = bars.frame
    segments = pl.col("segment").n_unique() if "segment" in frame.columns else pl.lit(1)
    session = pl.col("session")
    summaries = frame.group_by("symbol").agg(
        session.min().alias("first"),
        session.max().alias("last"),
        pl.len().alias("bars"),
        segments.alias("segments"),
    )
    return tuple(
        SymbolSummary(exchange=bars.exchanges.get(row["symbol"], ""), **row)
        for row in summaries.sort("symbol").iter_rows(named=True)
    )


def extent_text(summaries: Iterable[SymbolSummary]) -> str:
    """How much there is in all, as in `5 symbols, 15,432 bars, 2000-03-01 to 2013-03-01`."""
    summaries = tuple(summaries)
    if not summaries:
        return "no bars"
    n_bars = sum(symbol.bars for symbol in summaries)
    first, last = min(s.first for s in summaries), max(s.last for s in summaries)
    return f"{quantity(len(summaries), 'symbol')}, {quantity(n_bars, 'bar')}, {first} to {last}"


def calendars_text(summaries: Iterable[SymbolSummary]) -> str:
    """The calendars in use and how many symbols follow each, most first."""
    counts = Counter(symbol.exchange for symbol in summaries)
    return ", ".join(
        f"{exchange or NO_CALENDAR} ({quantity(n, 'symbol')})"
        for exchange, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    )
