"""Adjusted closes against the raw ones beside them: splits, dividends, and what is neither.

Rows have adjusted prices, as `close`; `close_raw` is the close as traded. A refusal may look at the
whole history: nothing is learnt from prices that are refused.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from nextclose.data.findings import hits_at, no_hits
from nextclose.data.rules.steps import close_ratios, is_first
from nextclose.data.rules.stock_splits import is_split_step, split_name
from nextclose.schema import Bools, Floats, Ints

ROUNDING = 0.005  # of a close with two decimals
TINY = 1e-9  # of a number that is a multiple of ten, but for its last bits
RATIO_NEAR = 1e-3  # what two feeds differ by
DIVIDEND_LEAST = 0.05  # a jump of the ratio that stands out from a day's move
SPLIT_STILL = 1 / 5  # of a split's log ratio: a raw close that moves less has no such split
FALL_SHARE = 1 / 2  # of the raw close's move: a fall of the ratio that no rounding makes
MAX_FALLS, LEAST_FALLS = 1 / 20, 5  # of all days: as many rises are as none of dividends
CURE = (
    "give right ones, say which column has them: data.columns = COLUMNS; or leave them out: "
    'data.columns = { adj_close = "" }.'
)

Frame = pl.DataFrame


def adjusted_splits(frame: Frame) -> Frame:
    """Rows at which the ratio of adjusted to raw close jumps by a split's, and the former does not.

    The step of the ratio is the split's within 0.05 in logs.
    """
    step, raw = _ratio_steps(frame)
    is_alone = _is_counted_twice(step, raw) | _is_split_alone(step, raw)
    rows = np.flatnonzero(is_split_step(step) & ~is_alone)
    texts = [f"a {split_name(s)}, in the adjusted close" for s in step[rows]]
    return hits_at(rows, texts, column="close")


def splits_alone(frame: Frame) -> Frame:
    """Rows at which the adjusted close jumps by a split's ratio while the raw one goes on.

    The raw one had the split already and it is in twice, or there was none: a return of -50 % that
    never was.
    """
    step, raw = _ratio_steps(frame)
    rows = np.flatnonzero(_is_split_alone(step, raw))
    texts = [
        f"the adjusted close moves by {100 * np.expm1(s + r):+.1f} %, the close by "
        f"{100 * np.expm1(r):+.1f} %"
        for s, r in zip(step[rows], raw[rows], strict=True)
    ]
    return hits_at(rows, texts, column="adj_close")


def unrelated_closes(frame: Frame) -> Frame:
    """The first row of each symbol whose adjusted close is not one of its raw close.

    Dividends and splits only raise their ratio. On more than 1 in 20 days it falls, by more than
    half the raw close's own move, than rounding and than two feeds differ by: a close of another
    day, of another company, or one that stands still. As many rises go with that.
    """
    step, raw = _ratio_steps(frame)
    if not len(step):
        return no_hits()
    starts = np.flatnonzero(is_first(frame))
    names = ("close", "close_raw")
    slack = RATIO_NEAR + sum(_rounding(frame[name].to_numpy(), starts) for name in names)
    is_fall = (step < -slack) & (-step > FALL_SHARE * np.abs(raw)) & ~is_split_step(step)
    n_falls = np.add.reduceat(is_fall.astype(np.int64), starts)
    n_days = np.diff(starts, append=frame.height) - 1
    bad = np.flatnonzero((n_falls >= LEAST_FALLS) & (n_falls > MAX_FALLS * n_days))
    texts = [f"adjusted to raw close falls on {n_falls[k]} of {n_days[k]} days" for k in bad]
    return hits_at(starts[bad], texts, column="adj_close")


def doubtful_dividends(frame: Frame) -> Frame:
    """Rows at which the ratio of adjusted to raw close cannot be right.

    It falls, though dividends and splits only raise it with time (less reverse splits); or it rises
    by 5 % or more while the raw close stands still, so that the adjusted one takes the jump: the
    raw close had the dividend in it already, and it is in twice.
    Limits: a dividend that never entered the adjusted close looks like any fall of the price, and
    one of less than 5 % counted twice like any rise: neither can be seen without a dividend table.
    """
    step, raw = _ratio_steps(frame)
    if not len(step):
        return no_hits()
    is_odd = ((step < -_slack(frame)) & ~is_split_step(step)) | _is_counted_twice(step, raw)
    rows = np.flatnonzero(is_odd & ~_is_split_alone(step, raw))
    texts = [f"adjusted to raw close moves by {100 * np.expm1(s):+.2f} %" for s in step[rows]]
    return hits_at(rows, texts, column="close")


def _slack(frame: Frame) -> Floats:
    """How far the ratio may step by the rounding of two adjusted closes, in logs. Shape (row,)."""
    adjusted = frame["close"].to_numpy()
    return np.asarray(RATIO_NEAR + ROUNDING * (1 / adjusted + 1 / np.roll(adjusted, 1)))


def _rounding(close: Floats, starts: Ints) -> Floats:
    """How far rounding moves the step from each close's predecessor to it, in logs. Shape (row,).

    Half of the coarsest of 1, 0.1 and 0.01 that all closes of a symbol are multiples of.
    """
    half = np.full(len(starts), ROUNDING)
    for n_decimals in (1, 0):
        is_multiple = np.abs(close - np.round(close, n_decimals)) < TINY * np.abs(close)
        half[np.logical_and.reduceat(is_multiple | np.isnan(close), starts)] = 0.5 / 10**n_decimals
    each = np.repeat(half, np.diff(starts, append=len(close)))
    return np.asarray(each * (1 / close + 1 / np.roll(close, 1)))


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


def _is_split_alone(step: Floats, raw: Floats) -> Bools:
    """Whether the ratio steps as a split makes it and the raw close moves by none. Shape (row,)."""
    return np.asarray(is_split_step(step) & (np.abs(raw) <= SPLIT_STILL * np.abs(step)))
