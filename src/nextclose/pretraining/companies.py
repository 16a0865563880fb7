"""Which companies teach, which say when to stop, and which nobody has seen."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from nextclose.pretraining.lessons import RANGES, Columns
from nextclose.schema import Bars, Floats

Part = Literal["teach", "stop", "test"]
TEACH, STOP = 62, 77  # of 100: below the first teach, below the second stop, the rest test
ROOT_LETTERS = 3
LEAST_SESSIONS = 250  # of a history that teaches


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One segment of one symbol.

    Columns (session,): close, and open, high and low where the source has them, NaN where a session
    lacks one, where it was filled or widened, and where it says nothing: no span between high and
    low, or an open that only repeats the last close.
    """

    symbol: str
    first: date
    last: date
    columns: Columns


def company_part(symbol: str) -> Part:
    """The part a symbol plays, the same in all editions and for all who teach.

    By the first three letters, or by all digits but the last where companies have numbers, so that
    share classes of one company go together, and some companies with them that only sound alike.
    """
    root = next(iter(re.findall(r"[^\W_]+", symbol.upper())), symbol)
    company = root[:ROOT_LETTERS] if root.isalpha() else root[:-1]
    place = zlib.crc32(company.encode()) % 100
    return "teach" if place < TEACH else "stop" if place < STOP else "test"


def histories(bars: Bars, *, part: Part, until: np.datetime64) -> tuple[History, ...]:
    """The segments of that part's companies, sessions up to `until`, by symbol and time."""
    own = [symbol for symbol in bars.symbols if company_part(symbol) == part]
    frame = bars.frame.filter(
        pl.col("symbol").is_in(own) & (pl.col("session") <= pl.lit(until.astype(object)))
    )
    keys = ["symbol"] + (["segment"] if "segment" in frame.columns else [])
    return tuple(
        History(
            symbol=str(key[0]),
            first=rows["session"][0],
            last=rows["session"][-1],
            columns=_columns(rows),
        )
        for key, rows in frame.group_by(keys, maintain_order=True)
        if rows.height >= LEAST_SESSIONS
    )


def n_symbols(histories: Sequence[History]) -> int:
    """How many symbols these are of: one may have several."""
    return len({history.symbol for history in histories})


def _columns(rows: pl.DataFrame) -> dict[str, Floats]:
    close = rows["close"].cast(pl.Float64).to_numpy()
    if not {*RANGES} <= {*rows.columns}:
        return {"close": close}
    columns = {name: rows[name].cast(pl.Float64).to_numpy() for name in RANGES}
    is_idle = ~(columns["high"] > columns["low"])
    is_idle[1:] |= columns["open"][1:] == close[:-1]
    for name in ("filled", "widened", "halted"):
        if name in rows.columns:
            is_idle |= rows[name].to_numpy()
    return {
        **{name: np.where(is_idle, np.nan, values) for name, values in columns.items()},
        "close": close,
    }
