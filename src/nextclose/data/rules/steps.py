"""From one bar of a symbol to the next: what the rules of moves and gaps read.

Rows are sorted by symbol and session and carry the columns of `alignment.with_sessions`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from nextclose.schema import Bools, Dates, Floats, Ints


def is_first(frame: pl.DataFrame) -> Bools:
    """Whether each row is the first of its symbol. Shape (row,)."""
    return _differs(frame["series"].to_numpy())


def is_segment_start(frame: pl.DataFrame) -> Bools:
    """Whether each row is the first of a segment. Shape (row,)."""
    return np.asarray(is_first(frame) | frame["breaks"].to_numpy())


def day_numbers(frame: pl.DataFrame) -> npt.NDArray[np.int32]:
    """The rows' dates as days since 1970. Shape (row,)."""
    return frame["session"].to_physical().to_numpy()


def session_dates(frame: pl.DataFrame) -> Dates:
    """The rows' dates. datetime64[D], shape (row,)."""
    return day_numbers(frame).astype("datetime64[D]")


def missing_sessions(frame: pl.DataFrame) -> npt.NDArray[np.int32]:
    """Sessions of the exchange between each row and the row before. Shape (row,).

    0 at a symbol's first row: what went before is not known.
    """
    ordinal, series = frame["ordinal"].to_numpy(), frame["series"].to_numpy()
    missing = np.zeros(len(ordinal), dtype=np.int32)
    np.subtract(ordinal[1:], ordinal[:-1], out=missing[1:])
    missing[1:] -= frame["is_session"].to_numpy()[1:]
    missing[1:] *= series[1:] == series[:-1]
    return np.maximum(missing, 0, out=missing)  # a second row of one session misses none


def close_ratios(frame: pl.DataFrame, column: str = "close") -> Floats:
    """Each row's price over that of the row before. Shape (row,).

    NaN: at the first row of a segment, and where a price is not known.
    """
    price = frame[column].to_numpy()
    ratio = np.full(len(price), np.nan)
    np.divide(price[1:], price[:-1], out=ratio[1:])
    ratio[is_segment_start(frame)] = np.nan
    return ratio


def segment_starts(frame: pl.DataFrame, rows: Ints) -> Ints:
    """The first row of the segment of each of `rows`. Shape (row,)."""
    starts = np.flatnonzero(is_segment_start(frame))
    return np.asarray(starts[np.searchsorted(starts, rows, side="right") - 1])


def past_rows(frame: pl.DataFrame, rows: Ints, n: int) -> Ints:
    """The n rows before each of `rows`, newest first; -1 for those of another segment. (row, n)."""
    past = rows[:, None] - np.arange(1, n + 1)
    return np.where(past >= segment_starts(frame, rows)[:, None], past, -1)


def segment_numbers(frame: pl.DataFrame) -> Ints:
    """0, 1, ... within each symbol, one more from each row that breaks. Shape (row,)."""
    breaks = frame["breaks"].to_numpy()
    if not breaks.any():
        return np.zeros(len(breaks), dtype=np.int64)
    number = np.cumsum(breaks)
    starts = np.flatnonzero(is_first(frame))
    n_rows = np.diff(starts, append=len(number))
    return np.asarray(number - np.repeat(number[starts], n_rows))


def _differs(key: np.ndarray) -> Bools:
    """Whether each value differs from the one before; true at the first."""
    is_new = np.ones(len(key), dtype=np.bool_)
    np.not_equal(key[1:], key[:-1], out=is_new[1:])
    return is_new
