"""Bars with an empty cell: without a close a missing row, without a range a close all the same.

Missing rows are filled from the last close where the settings say so. All rows still have the
file's own prices: `adj_close`, if there, stands beside `close`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from nextclose.data.findings import hit_mask, hits_at, hits_by_block, no_hits
from nextclose.data.reading.column_names import OPTIONAL
from nextclose.data.rules.adjustment import open_high_low
from nextclose.data.rules.steps import is_first
from nextclose.schema import PRICE_COLUMNS, Bools, Ints

Frame = pl.DataFrame


def closes_without_range(frame: Frame) -> Frame:
    """Rows whose open, high or low is empty or no price above 0, or whose volume is empty."""
    names = [name for name in OPTIONAL if name in frame.columns]

    def find(rows: Frame) -> Frame:
        lacks, is_low = np.zeros((2, rows.height), dtype=np.uint8)  # a bit for each of `names`
        for k, name in enumerate(names):
            column = rows[name]
            if column.null_count():
                lacks |= column.is_null().to_numpy().astype(np.uint8) << k
            if name != "volume":
                is_low |= (column <= 0).fill_null(value=False).to_numpy().astype(np.uint8) << k
        lacks |= is_low
        lacks[rows["close"].is_null().to_numpy()] = 0
        at = np.flatnonzero(lacks)
        kinds, kind = np.unique(lacks[at] + 16 * (is_low[at] > 0), return_inverse=True)
        empty = [[name for k, name in enumerate(names) if bits >> k & 1] for bits in kinds]
        texts = [
            f"no {', '.join(cells)}{' above 0' * bool(bits & 16)}"
            for cells, bits in zip(empty, kinds, strict=True)
        ]
        words = pl.DataFrame(
            {"column": [cells[0] for cells in empty], "text": texts},
            schema={"column": pl.String, "text": pl.String},
        )[kind]
        hits = pl.DataFrame({"at": at}, schema={"at": pl.UInt32})
        return hits.hstack(words)

    return hits_by_block(frame.select("close", *names), find)


def with_missing_cells(frame: Frame, _hits: Frame) -> Frame:
    """The rows with an open, high or low of 0 or less for a missing one. Causal: cell by cell."""
    return frame.with_columns(
        pl.when(pl.col(name) > 0).then(name).alias(name) for name in open_high_low(frame)
    )


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
    """A symbol's newest row without a close, and the last complete one before it."""
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
    """Rows without a close."""
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
    return [c for c in ("close", "adj_close") if c in frame.columns]


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
