"""Symbols that stand still: halts, masked and in the end cut out, and closes that never move."""

from __future__ import annotations

import numpy as np
import polars as pl

from nextclose.data.findings import hit_mask, hits_at, no_hits
from nextclose.data.rules.steps import is_first
from nextclose.schema import Ints

HALTED_FROM, DEAD_FROM = 5, 60  # equal closes without volume in a row, this one included
N_CONSTANT = 5  # rows before equal closes mean a dead series rather than a quiet week

Frame = pl.DataFrame


def halted_bars(frame: Frame) -> Frame:
    """Rows without volume at the close of the four before them, which had none either, or more."""
    rows, number = _still_rows(frame)
    is_halted = number >= HALTED_FROM
    rows, number = rows[is_halted], number[is_halted]
    parts = pl.DataFrame({"close": frame["close"].gather(rows), "n": number})
    text = parts.select(pl.format("close {} for the {}th time without volume", "close", "n"))
    return hits_at(rows, text.to_series(), column="close")


def with_halts(frame: Frame, hits: Frame) -> Frame:
    """The rows with the mask `halted`; a halt's sixtieth and later ones are left out.

    The row behind those begins a segment. Causal: a row's number in its halt counts rows before it.
    """
    rows, number = _still_rows(frame)
    is_dead = np.zeros(frame.height, dtype=np.bool_)
    is_dead[rows[number >= DEAD_FROM]] = True
    is_behind = np.append(False, is_dead[:-1]) & ~is_first(frame)
    return frame.with_columns(
        hit_mask(frame, hits).alias("halted"), pl.col("breaks") | pl.Series(is_behind)
    ).filter(pl.Series(~is_dead))


def constant_closes(frame: Frame) -> Frame:
    """The first row of each symbol whose close never moves."""
    if not frame.height:
        return no_hits()
    close, first = frame["close"].to_numpy(), is_first(frame)
    moves = np.append(False, close[1:] != close[:-1]) & ~first
    starts = np.flatnonzero(first)
    lengths = np.diff(starts, append=frame.height)
    rows = starts[(np.add.reduceat(moves, starts) == 0) & (lengths >= N_CONSTANT)]
    texts = [f"constant close {value:.10g}: nothing to forecast" for value in close[rows]]
    return hits_at(rows, texts, column="close")


def _still_rows(frame: Frame) -> tuple[Ints, Ints]:
    """Positions of rows without volume, and how many of them in a row have had the same close."""
    none = np.empty(0, dtype=np.int64)
    if "volume" not in frame.columns:
        return none, none
    rows = np.flatnonzero(frame["volume"].to_numpy() == 0)
    if len(rows) < HALTED_FROM:
        return none, none
    close = frame["close"].to_numpy()[rows]
    is_new = np.ones(len(rows), dtype=np.bool_)
    is_new[1:] = (np.diff(rows) > 1) | (close[1:] != close[:-1])
    is_new |= is_first(frame)[rows] | frame["breaks"].to_numpy()[rows]
    place = np.arange(len(rows))
    return rows, place - np.maximum.accumulate(np.where(is_new, place, 0)) + 1
