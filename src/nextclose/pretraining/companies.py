"""Which companies teach, which say when to stop, and which nobody has seen."""

from __future__ import annotations

import re
import zlib
from typing import Literal

import numpy as np
import polars as pl

from nextclose.pretraining.lessons import RANGES
from nextclose.schema import Bars, Floats

Part = Literal["teach", "stop", "test"]
TEACH, STOP = 62, 77  # of 100: below the first teach, below the second stop, the rest test
ROOT_LETTERS = 3
LEAST_SESSIONS = 250  # of a history that teaches


def company_part(symbol: str) -> Part:
    """The part a symbol plays, the same in all editions and for all who teach.

    By the first three letters, so that share classes of one company go together, and some
    companies with them that only sound alike.
    """
    root = re.split(r"[^A-Za-z0-9]", symbol.upper())[0][:ROOT_LETTERS]
    place = zlib.crc32(root.encode()) % 100
    return "teach" if place < TEACH else "stop" if place < STOP else "test"


def histories(bars: Bars, *, part: Part, until: np.datetime64) -> dict[str, dict[str, Floats]]:
    """Prices of the segments of that part's companies, sessions up to `until`; by name.

    Columns (session,): close, and open, high and low where the source has them, NaN where a session
    lacks one, where it was filled or widened, and where it says nothing: no span between high and
    low, or an open that only repeats the last close.
    """
    own = [symbol for symbol in bars.symbols if company_part(symbol) == part]
    frame = bars.frame.filter(
        pl.col("symbol").is_in(own) & (pl.col("session") <= pl.lit(until.astype(object)))
    )
    keys = ["symbol"] + (["segment"] if "segment" in frame.columns else [])
    found = {}
    for key, rows in frame.group_by(keys, maintain_order=True):
        if rows.height >= LEAST_SESSIONS:
            found["/".join(map(str, key))] = _columns(rows)
    return found


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
