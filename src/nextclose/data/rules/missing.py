"""Bars with an empty cell: missing rows, or filled from the last close where the settings say so.

The rows still have the file's own prices: `adj_close`, if there, stands beside `close`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from nextclose.data.findings import hit_mask, hits_at, no_hits
from nextclose.data.reading.column_names import OPTIONAL
from nextclose.data.rules.steps import is_first
from nextclose.schema import PRICE_COLUMNS, Bools, Ints

Frame = pl.DataFrame


def symbols_without_a_column(frame: Frame) -> Frame:
    """The first row of symbols in which open, high, low or volume is empty throughout.

    Known at the end of a file alone: were the column left out by itself, a later value would take
    back the rows of before.
    """
    hits = [no_hits()]
    for name in reversed([c for c in OPTIONAL if c in frame.columns and frame[c].null_count()]):
        rows = _first_rows(frame, frame[name].is_null().to_numpy())
        hits.append(hits_at(rows, [f"no {name} in any row"] * len(rows), column=name))
    return pl.concat(hits).unique("at", keep="first").sort("at")


def symbols_without_bars(frame: Frame) -> Frame:
    """The first row of symbols without any complete bar."""
    rows = _first_rows(frame, _is_incomplete(frame))
    return hits_at(rows, ["no complete bar"] * len(rows))


def without_symbols(frame: Frame, hits: Frame) -> Frame:
    """The frame less all rows of the symbols that were hit."""
    return frame.filter(~pl.col("series").is_in(frame["series"][hits["at"]].implode()))


def _first_rows(frame: Frame, holds: Bools) -> Ints:
    """The first row of each symbol in whose every row it holds."""
    if not holds.any():
        return np.empty(0, dtype=np.int64)
    _, first, place = np.unique(frame["series"].to_numpy(), return_index=True, return_inverse=True)
    return np.asarray(first[np.bincount(place, ~holds) == 0])


def incomplete_newest_bar(frame: Frame) -> Frame:
    """A symbol's newest row with an empty cell, and the last complete one before it."""
    is_incomplete = _is_incomplete(frame)
    rows = np.flatnonzero(is_incomplete & np.append(is_first(frame)[1:], True))
    if not len(rows):
        return no_hits()
    complete, first = np.flatnonzero(~is_incomplete), np.flatnonzero(is_first(frame))
    last = np.searchsorted(complete, rows) - 1  # place of the last complete row before
    start = first[np.searchsorted(first, rows, side="right") - 1]
    texts = [
        f"{cells}; the last complete bar is of {frame['session'][int(complete[k])]}"
        if k >= 0 and complete[k] >= begin
        else cells
        for cells, k, begin in zip(_empty_cells(frame, rows), last, start, strict=True)
    ]
    return hits_at(rows, texts)


def incomplete_bars(frame: Frame) -> Frame:
    """Rows with an empty cell."""
    rows = np.flatnonzero(_is_incomplete(frame))
    return hits_at(rows, _empty_cells(frame, rows))


def fillable_bars(n_most: int) -> Callable[[Frame], Frame]:
    """What finds the first `n_most` incomplete rows in a row, behind a complete one.

    A row of a session that has another row is none of them: the other one may be complete.
    """

    def find(frame: Frame) -> Frame:
        is_incomplete = _is_incomplete(frame)
        if not is_incomplete.any():
            return no_hits()
        rows = np.flatnonzero(is_incomplete & ~_has_second_row(frame))
        is_complete = ~is_incomplete
        place = np.arange(frame.height)
        last_complete = np.maximum.accumulate(np.where(is_complete, place, -1))
        start = np.maximum.accumulate(np.where(is_first(frame), place, 0))
        rows = rows[(last_complete >= start)[rows] & (place - last_complete <= n_most)[rows]]
        return hits_at(rows, _empty_cells(frame, rows))

    return find


def with_filled_bars(frame: Frame, hits: Frame) -> Frame:
    """The hit rows with every price that of the last complete row's close, volume 0 and a mask.

    Causal: the last complete row stands before. Expects: one there, of the same symbol.
    """
    is_complete = pl.lit(pl.Series(~_is_incomplete(frame)))
    new = {name: pl.col("close") for name in PRICE_COLUMNS if name in frame.columns}
    new |= {c: pl.col(c) for c in ("adj_close", "close_raw") if c in frame.columns}
    last = {name: pl.when(is_complete).then(value).forward_fill() for name, value in new.items()}
    if "volume" in frame.columns:
        last["volume"] = pl.lit(0, dtype=frame.schema["volume"])
    is_filled = hit_mask(frame, hits).alias("filled")
    return frame.with_columns(
        is_filled,
        *(
            pl.when(pl.lit(is_filled)).then(value).otherwise(name).alias(name)
            for name, value in last.items()
        ),
    )


def _needed_columns(frame: Frame) -> list[str]:
    return [c for c in (*PRICE_COLUMNS, "volume", "adj_close") if c in frame.columns]


def _is_incomplete(frame: Frame) -> Bools:
    if not any(frame[c].null_count() for c in _needed_columns(frame)):
        return np.zeros(frame.height, dtype=np.bool_)
    is_incomplete = pl.any_horizontal(pl.col(_needed_columns(frame)).is_null())
    return frame.select(is_incomplete).to_series().to_numpy()


def _has_second_row(frame: Frame) -> Bools:
    """Whether the row before or behind is of the same symbol and session."""
    same = frame.select(
        (pl.col("series") == pl.col("series").shift())
        & (pl.col("session") == pl.col("session").shift())
    )
    follows = same.to_series().fill_null(value=False).to_numpy()
    return np.asarray(follows | np.append(follows[1:], False))


def _empty_cells(frame: Frame, rows: Ints) -> list[str]:
    """As in "no open, close", for each of the rows."""
    names = [pl.when(pl.col(c).is_null()).then(pl.lit(c)) for c in _needed_columns(frame)]
    text = pl.format("no {}", pl.concat_str(names, separator=", ", ignore_nulls=True))
    return frame[rows].select(text).to_series().to_list()
