"""Moves that are no moves: splits nobody adjusted for, dividends counted wrongly, pence and pounds.

Rows have adjusted prices where the file knew them; `close_raw` is then the close as traded.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from nextclose.data.findings import hits_at, no_hits
from nextclose.data.rules.steps import close_ratios, is_segment_start
from nextclose.schema import Bools, Floats, Ints

# new shares for old ones, and the log of how far the price falls
SPLITS = {f"{n}:1": np.log(n) for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 50)}
SPLITS = {"3:2": np.log(1.5), **SPLITS}
SPLITS |= {":".join(reversed(name.split(":"))): -size for name, size in SPLITS.items()}
NEAR, NEAR_SHARE = 0.035, 0.05  # of a split's log ratio: the day's own move
TRADED_PAST = 20  # rows of volume to compare with
TRADED_MORE = 4.0  # times the volume that a split explains: a real move
UNIT_FACTOR, UNIT_NEAR, UNIT_PAST = 100.0, 0.3, 20  # pence in a pound; log distance; rows before
UNIT_LEAST = 5  # rows before that must be there
ROUNDING = 0.005  # of an adjusted close with two decimals
RATIO_NEAR = 1e-3  # what two feeds differ by
DIVIDEND_LEAST = 0.05  # a jump of the ratio that stands out from a day's move

Frame = pl.DataFrame


def split_rows(frame: Frame) -> Ints:
    """Positions of rows whose close moves as an unadjusted split would move it.

    The log return lies within 0.035 of the log of 3/2, 2 to 10, 15, 20, 25, 50 or an inverse, or
    within 5 % of it if that is more: the day's own move. (MSFT of 2003-02-18, 48.30 to 24.96, is
    0.033 from 2:1; AAPL's crash of 2000-09-29 is 0.038 from it.) Where both closes are known, the
    adjusted one is trusted: such rows are none. Nor are those of `is_real_move`.
    A split moves volume against the price, but so little against a day's own noise (0.56 to 1.13
    times the trailing mean of 20 rows on three real 2:1 splits) that a missing rise says nothing.
    More than four times what the split explains says that the move is real.
    Causal: a row is compared with those before it.
    Limits: a split on a day that itself moves further is missed; it may still count as an outlier.
    """
    ratio = close_ratios(frame)
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((ratio < np.exp(-0.3)) | (ratio > np.exp(0.3)))
    rows = rows[~frame["is_real_move"].to_numpy()[rows]]
    if "close_raw" in frame.columns:
        raw = frame["close_raw"].is_null().to_numpy()
        rows = rows[raw[rows] | raw[rows - 1]]
    if not len(rows):
        return np.asarray(rows)
    name, is_near = _nearest_split(np.log(ratio[rows]))
    rows, size = rows[is_near], np.array(list(SPLITS.values()))[name[is_near]]
    return np.asarray(rows[~_has_excess_volume(frame, rows, size)])


def unadjusted_splits(frame: Frame) -> Frame:
    """The rows of `split_rows`, with both closes and the ratio."""
    rows = split_rows(frame)
    if not len(rows):
        return no_hits()
    close = frame["close"].to_numpy()
    names, _ = _nearest_split(np.log(close[rows] / close[rows - 1]))
    texts = [
        f"{new:.10g} after {old:.10g} ({100 * (new / old - 1):+.1f} %), as a {_split_name(k)} split"
        for new, old, k in zip(close[rows], close[rows - 1], names, strict=True)
    ]
    return hits_at(rows, texts, column="close")


def adjusted_splits(frame: Frame) -> Frame:
    """Rows at which the ratio of adjusted to raw close jumps by a split's, and the former does not.

    The step of the ratio is the split's within 0.035 in logs, or 5 %.
    """
    step, close = _ratio_steps(frame)
    rows = np.flatnonzero(np.abs(step) > 0.3)
    name, is_near = _nearest_split(-step[rows])
    is_near &= ~_is_counted_twice(step[rows], close[rows])
    texts = [f"a {_split_name(k)} split, in the adjusted close" for k in name[is_near]]
    return hits_at(rows[is_near], texts, column="close")


def doubtful_dividends(frame: Frame) -> Frame:
    """Rows at which the ratio of adjusted to raw close cannot be right.

    It falls, though dividends and splits only raise it with time (less reverse splits); or it rises
    by 5 % or more while the raw close stands still, so that the adjusted one takes the jump: the
    raw close had the dividend or split in it already, and it is in twice.
    Limits: a dividend that never entered the adjusted close looks like any fall of the price, and
    one of less than 5 % counted twice like any rise: neither can be seen without a dividend table.
    """
    step, close = _ratio_steps(frame)
    if not len(step):
        return no_hits()
    adjusted = frame["close"].to_numpy()
    slack = RATIO_NEAR + ROUNDING * (1 / adjusted + 1 / np.roll(adjusted, 1))
    rows = np.flatnonzero((step < -slack) | _is_counted_twice(step, close))
    _, is_split = _nearest_split(-step[rows])
    rows = rows[~is_split | _is_counted_twice(step, close)[rows]]
    texts = [f"adjusted to raw close moves by {100 * np.expm1(s):+.2f} %" for s in step[rows]]
    return hits_at(rows, texts, column="close")


def unit_flips(frame: Frame) -> Frame:
    """Rows whose close jumps to 100 times the median of the 20 closes before, or a 100th.

    Within a factor 1.35 of 100. Causal: the closes before, in the row's own segment, at least five.
    """
    ratio = close_ratios(frame)
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((ratio < 0.1) | (ratio > 10))
    close, start = frame["close"].to_numpy(), _segment_starts(frame, rows)
    hits, texts = [], []
    for row, first in zip(rows, np.maximum(start, rows - UNIT_PAST), strict=True):
        factor = close[row] / np.median(close[first:row])
        if row - first >= UNIT_LEAST and is_unit_step(factor):
            hits.append(row)
            times = "100 times" if factor > 1 else "a 100th of"
            texts.append(f"{close[row]:.10g}, about {times} the median of the closes before")
    return hits_at(np.array(hits, dtype=np.int64), texts, column="close") if hits else no_hits()


def is_unit_step(ratio: Floats) -> Bools:
    """Whether prices in these ratios may be one price in pence and in pounds."""
    distance = np.abs(np.abs(np.log(ratio)) - np.log(UNIT_FACTOR))
    return np.asarray(distance < UNIT_NEAR)


def _ratio_steps(frame: Frame) -> tuple[Floats, Floats]:
    """Log step of adjusted over raw close, and of the raw close; both empty where one is not there.

    Shape (row,). 0 at the first row of a segment, and where a raw close is not known.
    """
    if "close_raw" not in frame.columns:
        return np.empty(0), np.empty(0)
    raw = close_ratios(frame, "close_raw")
    step = close_ratios(frame) / raw
    is_known = np.isfinite(step)
    return np.log(np.where(is_known, step, 1.0)), np.log(np.where(is_known, raw, 1.0))


def _is_counted_twice(step: Floats, raw: Floats) -> Bools:
    return np.asarray((step >= DIVIDEND_LEAST) & (np.abs(raw) <= step / 10))


def _nearest_split(log_ratio: Floats) -> tuple[Ints, Bools]:
    """The split nearest to each log return, by place in SPLITS, and whether it is near enough."""
    sizes = np.array(list(SPLITS.values()))
    distance = np.abs(log_ratio[:, None] + sizes)  # (row, split)
    nearest = distance.argmin(axis=1)
    reach = np.maximum(NEAR, NEAR_SHARE * np.abs(sizes[nearest]))
    return nearest, distance.min(axis=1) <= reach


def _split_name(place: int) -> str:
    return list(SPLITS)[place]


def _has_excess_volume(frame: Frame, rows: Ints, size: Floats) -> Bools:
    """Whether volume is above four times what a split of that log size explains. Shape (row,).

    False: where no volume is known.
    """
    is_real = np.zeros(len(rows), dtype=np.bool_)
    if "volume" not in frame.columns:
        return is_real
    volume, start = frame["volume"].to_numpy(), _segment_starts(frame, rows)
    for k, row in enumerate(rows):
        usual = volume[max(start[k], row - TRADED_PAST) : row].mean()
        is_real[k] = volume[row] > TRADED_MORE * usual * max(1.0, np.exp(size[k])) > 0
    return is_real


def _segment_starts(frame: Frame, rows: Ints) -> Ints:
    """The first row of the segment of each of `rows`."""
    starts = np.flatnonzero(is_segment_start(frame))
    return np.asarray(starts[np.searchsorted(starts, rows, side="right") - 1])
