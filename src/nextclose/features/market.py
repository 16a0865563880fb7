"""What all symbols of the panel have in common: how volatile they are, and where they go together.

A mean over closes of one date must not hold closes of a later hour, so symbols are a market only
with those of the same exchange. Where no exchange is known, what follows the last dot of a name
tells symbols apart (`A.ZZ`, `B.ZZ`); where that is wrong too, leave it out: `[features] market`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nextclose.features.columns import YEAR, SymbolBars
from nextclose.features.indicators import VOLATILITY_FLOOR
from nextclose.features.rolling import rolling_mean
from nextclose.features.stationary import CAP
from nextclose.schema import Bools, Dates, Floats, Ints

MOVE_SPANS, RETURN_SPANS = (5, 22, 66), (5, 22)
# Means over the symbols of what each one's own volatility says; then the market's mean return.
SIZE_NAMES = ("common_move_1", *(f"common_move_{n}" for n in MOVE_SPANS), "common_level")
MARKET_NAMES = (*SIZE_NAMES, *(f"market_return_{n}" for n in RETURN_SPANS))
MARKET_LOOKBACK = YEAR  # sessions of the market, of which a symbol's own are a part
LEAST_RATIO = 0.02  # of a mean move over another, before its logarithm is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketBars:
    """Closes of symbols and their `own_sizes`, segment after segment; [start, stop) of each."""

    session: Dates  # (row,)
    close: Floats  # (row,)
    sizes: Floats  # (row, 5), NaN where not known yet
    segments: Ints  # (segment, 2)

    def part(self, chosen: Ints) -> tuple[Ints, MarketBars]:
        """Some of the segments alone, and their rows."""
        own = self.segments[chosen]
        rows = np.concatenate([np.arange(start, stop) for start, stop in own])
        stops = np.cumsum(own[:, 1] - own[:, 0])
        return rows, MarketBars(
            session=self.session[rows],
            close=self.close[rows],
            sizes=self.sizes[rows],
            segments=np.column_stack([np.append(0, stops[:-1]), stops]),
        )


def markets(symbols: Sequence[str], exchanges: Sequence[str]) -> Ints:
    """A number for each symbol's market: its exchange, or its suffix where that is "". (symbol,).

    `exchanges` may be empty: none is known.
    """
    known = exchanges or [""] * len(symbols)
    marks = [code or _suffix(name) for name, code in zip(symbols, known, strict=True)]
    numbers = {mark: number for number, mark in enumerate(sorted(set(marks)))}
    return np.array([numbers[mark] for mark in marks], dtype=np.int64)


def _suffix(symbol: str) -> str:
    """What follows the last dot of a name; an index of no known exchange is a market of its own."""
    if symbol.startswith("^"):
        return symbol
    _, dot, suffix = symbol.rpartition(".")
    return f".{suffix}" if dot else ""


def market_groups(market: Ints, symbol: Ints, is_member: Bools) -> Iterator[tuple[Ints, Bools]]:
    """Segments that read one market, and whether the moves of each are that market. (segment,).

    `market` and `symbol` are the numbers of each segment's. Where no symbol of a market is a
    member, none of them may move the others: each reads its own moves.
    """
    for number in np.unique(market):
        readers = np.flatnonzero(market == number)
        if is_member[readers].any():
            yield readers, is_member[readers]
            continue
        for own in np.unique(symbol[readers]):
            alone = readers[symbol[readers] == own]
            yield alone, np.ones(len(alone), dtype=np.bool_)


def own_sizes(bars: SymbolBars) -> Floats:
    """What a symbol's volatility says by itself. Shape (session, 5), in the order of `SIZE_NAMES`.

    Mean |log return| of 1, 5, 22 and 66 sessions over that of 250, at most 20, and at last that of
    250 over the long run. The single session, which may be 0, less 1; the others as logarithms.
    NaN: the first 250 sessions.
    """
    spans = [rolling_mean(bars.moves, sessions=n) / bars.year_move for n in MOVE_SPANS]
    ratios = np.column_stack([*spans, bars.year_move / bars.long_run])
    last = bars.moves / bars.year_move
    return np.column_stack([np.minimum(last, CAP) - 1.0, np.log(np.clip(ratios, LEAST_RATIO, CAP))])


def market_columns(bars: MarketBars, is_member: Bools) -> Floats:
    """What the members had in common, by date. Shape (row, 7), in the order of `MARKET_NAMES`.

    `is_member` says whose moves are the market's, (segment,). A date's sizes are the means of
    those known of members. Its return is the mean log return of the members; of it the mean of the
    last 5 and 22, over the mean size of the last 250. A date without any is no session of the
    market; a symbol alone is its own market.
    NaN: rows before the first size, and before the market's 250th return.
    Causal: a row reads closes of its own date and before, of all members.
    """
    returns, own = np.full(len(bars.close), np.nan), np.full(bars.sizes.shape, np.nan)
    for start, stop in bars.segments[is_member]:
        part = bars.close[start:stop]
        returns[start + 1 : stop] = np.log(part[1:] / part[:-1])
        own[start:stop] = bars.sizes[start:stop]
    dates, mean = _means_by_date(bars.session, returns[:, None])
    market = mean[:, 0]
    year = np.maximum(rolling_mean(np.abs(market), sessions=YEAR), VOLATILITY_FLOOR)
    moves = np.column_stack([rolling_mean(market, sessions=n) / year for n in RETURN_SPANS])
    sizes = _means_by_date(bars.session, own)
    return np.column_stack([_latest(bars.session, *sizes), _latest(bars.session, dates, moves)])


def _means_by_date(session: Dates, values: Floats) -> tuple[Dates, Floats]:
    """Dates on which `values` (row, column) are known, and their means. (date,), (date, column)."""
    known = np.isfinite(values).all(axis=1)
    dates, place = np.unique(session[known], return_inverse=True)
    counts = np.bincount(place)
    means = [np.bincount(place, column) / counts for column in values[known].T]
    return dates, np.stack(means, axis=1)


def _latest(session: Dates, dates: Dates, values: Floats) -> Floats:
    """The newest of `values` (date, column) at each row; NaN before there is one."""
    newest = np.searchsorted(dates, session, side="right")  # 0: none yet
    return np.asarray(np.concatenate([np.full((1, values.shape[1]), np.nan), values])[newest])
