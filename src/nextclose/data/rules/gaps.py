"""Sessions without a row: bars that are not daily, gaps, names that another company took over."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from nextclose.data.findings import hits_at, no_hits
from nextclose.data.rules.steps import day_numbers, is_first, missing_sessions
from nextclose.schema import Bools

MAX_MISSING = 5  # sessions in a row; more end the segment
MAX_MEDIAN_DAYS = 4  # between most daily bars: a long weekend
N_DISTANCES = 5  # of which there must be so many before a median says something
REUSE_SESSIONS, REUSE_FACTOR = 30, 5.0  # missing, and the jump: another company

Frame = pl.DataFrame


def with_breaks(frame: Frame) -> Frame:
    """The rows with `breaks` set where more than five sessions are missing before one.

    Causal: each row is compared with the one before.
    """
    is_long = pl.Series("breaks", missing_sessions(frame) > MAX_MISSING)
    return frame.with_columns(pl.col("breaks") | is_long)


def sparse_symbols(frame: Frame) -> Frame:
    """The first row of each symbol in which three bars in four come over four days later."""
    medians = _median_days(frame)
    starts = np.flatnonzero(is_first(frame)) if medians else np.empty(0, dtype=np.int64)
    texts = [f"a median of {days:g} days between bars" for days in medians.values()]
    return hits_at(starts[list(medians)], texts, column="date") if medians else no_hits()


def is_sparse(frame: Frame) -> Bools:
    """Whether each row is of a symbol that `sparse_symbols` names. Shape (row,).

    For findings alone: it reads the whole of a symbol, so no row may be kept or changed by it.
    """
    medians = _median_days(frame)
    if not medians:
        return np.zeros(frame.height, dtype=np.bool_)
    starts = np.flatnonzero(is_first(frame))
    is_long = np.isin(np.arange(len(starts)), list(medians))
    return np.repeat(is_long, np.diff(starts, append=frame.height))


def short_gaps(frame: Frame) -> Frame:
    """Rows before which one to five sessions are missing."""
    missing = missing_sessions(frame)
    return _gap_hits(frame, missing, (missing > 0) & (missing <= MAX_MISSING))


def long_gaps(frame: Frame) -> Frame:
    """Rows before which more sessions are missing."""
    missing = missing_sessions(frame)
    return _gap_hits(frame, missing, missing > MAX_MISSING)


def reused_symbols(frame: Frame) -> Frame:
    """Rows after more than thirty missing sessions, at a price five times as high, or as low."""
    missing, close = missing_sessions(frame), frame["close"].to_numpy()
    rows = np.flatnonzero(missing > REUSE_SESSIONS)
    if not len(rows):
        return no_hits()
    jump = close[rows] / close[rows - 1]
    is_far = np.maximum(jump, 1 / jump) > REUSE_FACTOR
    texts = [
        f"{missing[row]} sessions missing, then {factor:.3g} times the close"
        for row, factor in zip(rows[is_far], jump[is_far], strict=True)
    ]
    return hits_at(rows[is_far], texts, column="close")


def _gap_hits(frame: Frame, missing: npt.NDArray[np.int32], is_gap: Bools) -> Frame:
    if not is_gap.any():
        return no_hits()
    rows = np.flatnonzero(is_gap & ~is_sparse(frame))
    parts = pl.DataFrame({"n": missing[rows], "day": frame["session"].gather(rows - 1)})
    many = pl.when(pl.col("n") > 1).then(pl.lit("s")).otherwise(pl.lit(""))
    text = parts.select(pl.format("{} session{} missing after {}", "n", many, "day"))
    return hits_at(rows, text.to_series(), column="date")


def _median_days(frame: Frame) -> dict[int, float]:
    """Place of each symbol without daily bars -> the median of days between them."""
    day, first = day_numbers(frame), is_first(frame)
    is_long = ~first
    is_long[1:] &= np.diff(day) > MAX_MEDIAN_DAYS
    long = np.flatnonzero(is_long)
    if not len(long):
        return {}
    starts = np.flatnonzero(first)
    n_distances = np.diff(starts, append=frame.height) - 1
    n_long = np.bincount(np.searchsorted(starts, long, side="right") - 1, minlength=len(starts))
    # where a quarter are short, as in daily files of some days each, they are daily bars with gaps
    sparse = np.flatnonzero((4 * n_long > 3 * n_distances) & (n_distances >= N_DISTANCES))
    return {
        int(k): float(np.median(np.diff(day[starts[k] : starts[k] + n_distances[k] + 1])))
        for k in sparse
    }
