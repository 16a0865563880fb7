"""What all symbols of the panel did together: moves and falls of their equal-weight mean return.

A mean over closes of one date must not hold closes of a later hour, so symbols are a market only
with those of the same exchange. Where no exchange is known, what follows the last dot of a name
tells symbols apart (`A.ZZ`, `B.ZZ`); where that is wrong too, leave it out: `[features] market`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nextclose.features.columns import YEAR
from nextclose.features.indicators import VOLATILITY_FLOOR
from nextclose.features.rolling import rolling_mean
from nextclose.schema import Bools, Dates, Floats, Ints

MOVE_SPANS, FALL_SPANS = (1, 5, 22, 66), (1, 5, 22)
MARKET_NAMES = (
    *(f"market_move_ratio_{n}" for n in MOVE_SPANS),
    *(f"market_fall_ratio_{n}" for n in FALL_SPANS),
)
MARKET_LOOKBACK = YEAR  # sessions of the market, of which a symbol's own are a part


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


def market_columns(session: Dates, close: Floats, segments: Ints, is_member: Bools) -> Floats:
    """Mean size of the market's last moves and falls over that of its last 250. (row, 7), >= 0.

    `is_member` says whose moves are the market's, (segment,): its return on a date is the mean log
    return of those that have one there; dates without any are no session of it. A symbol alone is
    its own market.
    NaN: rows before the market's 250th return.
    Causal: a row reads closes of its own date and before, of all members.
    """
    returns = np.full(len(close), np.nan)
    for start, stop in segments[is_member]:
        part = close[start:stop]
        returns[start + 1 : stop] = np.log(part[1:] / part[:-1])
    known = np.isfinite(returns)
    dates, place = np.unique(session[known], return_inverse=True)
    mean = np.bincount(place, returns[known]) / np.bincount(place)
    moves, falls = np.abs(mean), np.maximum(-mean, 0.0)
    year = np.maximum(rolling_mean(moves, sessions=YEAR), VOLATILITY_FLOOR)
    columns = [rolling_mean(moves, sessions=n) / year for n in MOVE_SPANS]
    columns += [rolling_mean(falls, sessions=n) / year for n in FALL_SPANS]
    latest = np.searchsorted(dates, session, side="right")  # 0: before the market's first return
    before = np.full((1, len(columns)), np.nan)
    return np.asarray(np.concatenate([before, np.column_stack(columns)])[latest])
