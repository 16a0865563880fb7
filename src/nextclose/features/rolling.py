"""Rolling sums, means, deviations, extremes and exponential means with exactly finite memory.

The value at t is a pure function of the last values up to t, combined in one fixed order: windows
of 1, 2, 4, 8 ... sessions are made by joining two neighbours of half the length, and a window of
any other length by joining the powers of two in its binary form. Hence a file that starts later,
or a price multiplied by a power of two, gives the same bits. A running total would do neither:
its rounding remembers the first row for ever. Cost: about 2 log2(sessions) passes over the array.

All functions take and return shape (session,), oldest first.
NaN: the first `sessions - 1` values, and every window that holds a NaN; the `known_` ones pass over
NaN in windows of which at least three quarters are known, and give the same bits where all are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from nextclose.schema import Floats

KNOWN_SHARE = 0.75  # of a window, for it to speak of ranges or volumes some of which are missing

# Start-indexed statistics of all windows of one length: element i speaks of x[i : i + length].
Windows: TypeAlias = tuple[Floats, ...]
Join: TypeAlias = Callable[[Windows, Windows, int, int], Windows]


def rolling_sum(x: Floats, *, sessions: int) -> Floats:
    """Sum of the last `sessions` values, in units of `x`."""
    (total,) = _window_statistics((x,), sessions=sessions, join=_joined_sums)
    return _ending(total, n_rows=len(x))


def rolling_mean(x: Floats, *, sessions: int) -> Floats:
    """Mean of the last `sessions` values, in units of `x`."""
    return rolling_sum(x, sessions=sessions) / sessions


def rolling_std(x: Floats, *, sessions: int) -> Floats:
    """Population standard deviation of the last `sessions` values, >= 0; 0 if all are equal.

    Source: Chan, Golub & LeVeque (1983), Am. Statistician 37, joining the moments of two samples;
        no difference of large squares, so a high price level costs no digits.
    """
    _, squares = _window_statistics((x, np.zeros_like(x)), sessions=sessions, join=_joined_moments)
    return _ending(np.sqrt(squares / sessions), n_rows=len(x))


def padded_sum(x: Floats, *, sessions: int) -> Floats:
    """Sum of the last `sessions` values, of fewer at the start: no NaN but where `x` has one.

    The bits are those of `rolling_sum` where the window is full.
    """
    padded = np.concatenate([np.zeros(sessions - 1), x])
    total: Floats = rolling_sum(padded, sessions=sessions)[sessions - 1 :]
    return total


def recent_mean(x: Floats, *, sessions: int) -> Floats:
    """Mean of the known among the last `sessions` values, of fewer at the start; NaN if none is."""
    is_known = ~np.isnan(x)
    total = padded_sum(np.where(is_known, x, 0.0), sessions=sessions)
    if len(x) and is_known[1:].all():  # as of returns, whose first nobody knows: no need to count
        n_known = np.minimum(np.arange(1.0, len(x) + 1) - (not is_known[0]), sessions)
    else:
        n_known = padded_sum(is_known.astype(np.float64), sessions=sessions)
    mean: Floats = np.divide(total, n_known, out=np.full(len(x), np.nan), where=n_known > 0)
    return mean


def known_mean(x: Floats, *, sessions: int) -> Floats:
    """Mean of the known among the last `sessions` values, in units of `x`."""
    is_known = ~np.isnan(x)
    if is_known.all():
        return rolling_mean(x, sessions=sessions)
    n_known = rolling_sum(is_known.astype(np.float64), sessions=sessions)
    total = rolling_sum(np.where(is_known, x, 0.0), sessions=sessions)
    return total / _enough(n_known, sessions=sessions)


def known_std(x: Floats, *, sessions: int) -> Floats:
    """Population standard deviation of the known among the last `sessions` values."""
    is_known = ~np.isnan(x)
    if is_known.all():
        return rolling_std(x, sessions=sessions)
    unit = (np.where(is_known, x, 0.0), np.zeros_like(x), is_known.astype(np.float64))
    _, squares, n_known = _window_statistics(unit, sessions=sessions, join=_joined_known_moments)
    enough = _enough(n_known, sessions=sessions)
    return _ending(np.sqrt(squares / enough), n_rows=len(x))


def _enough(n_known: Floats, *, sessions: int) -> Floats:
    """How many values of each window are known; NaN where they are too few."""
    return np.where(n_known >= KNOWN_SHARE * sessions, n_known, np.nan)


def rolling_max(x: Floats, *, sessions: int) -> Floats:
    """Largest of the last `sessions` values."""
    return _extreme(x, sessions=sessions, pick=np.maximum)


def rolling_min(x: Floats, *, sessions: int) -> Floats:
    """Smallest of the last `sessions` values."""
    return _extreme(x, sessions=sessions, pick=np.minimum)


def exponential_mean(x: Floats, *, alpha: float, terms: int) -> Floats:
    """Mean of the last `terms` values, each weighing `1 - alpha` times its successor.

    Expects: 0 < alpha < 1; `terms` a power of two. What a recursive average would add from before
        the window weighs `(1 - alpha) ** terms`.
    NaN: the first `terms - 1` values.
    """
    if terms < 1 or terms & (terms - 1):
        raise ValueError(f"terms must be a power of two, got {terms}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}")
    block, length, fade = x, 1, 1 - alpha
    while length < terms:
        block = fade * block[: max(len(block) - length, 0)] + block[length:]
        length, fade = 2 * length, fade * fade
    return _ending(block * (alpha / (1 - fade)), n_rows=len(x))


def _window_statistics(unit: Windows, *, sessions: int, join: Join) -> Windows:
    """Statistics of all windows of `sessions`, from those of single values; start-indexed."""
    if sessions < 1:
        raise ValueError(f"sessions must be at least 1, got {sessions}")
    block, length = unit, 1
    whole: Windows = ()
    covered = 0
    while True:
        if sessions & length:
            whole = _neighbours(whole, block, covered, length, join) if covered else block
            covered += length
        if covered == sessions:
            return whole
        block = _neighbours(block, block, length, length, join)
        length *= 2


def _neighbours(left: Windows, right: Windows, n_left: int, n_right: int, join: Join) -> Windows:
    """Each window of `left` joined with the window of `right` that follows it."""
    n_rows = len(left[0]) + n_left - 1
    n_whole = max(n_rows - n_left - n_right + 1, 0)
    first = tuple(part[:n_whole] for part in left)
    second = tuple(part[n_left : n_left + n_whole] for part in right)
    return join(first, second, n_left, n_right)


def _joined_sums(left: Windows, right: Windows, n_left: int, n_right: int) -> Windows:
    return (left[0] + right[0],)


def _joined_moments(left: Windows, right: Windows, n_left: int, n_right: int) -> Windows:
    n = n_left + n_right
    step = right[0] - left[0]
    mean = left[0] + step * (n_right / n)
    squares = left[1] + right[1] + step * step * (n_left * n_right / n)
    return mean, squares


def _joined_known_moments(left: Windows, right: Windows, n_left: int, n_right: int) -> Windows:
    """The same of windows of which only so many values are known, the third statistic."""
    known_left, known_right = left[2], right[2]
    n = known_left + known_right
    step = right[0] - left[0]
    share = np.divide(known_right, n, out=np.zeros_like(n), where=n > 0)
    both = np.divide(known_left * known_right, n, out=np.zeros_like(n), where=n > 0)
    # where nothing is known on one side, mean and squares are those of the other
    mean = left[0] + step * share
    return mean, left[1] + right[1] + step * step * both, n


def _extreme(x: Floats, *, sessions: int, pick: np.ufunc) -> Floats:
    # Windows may overlap here, so the two longest powers of two always cover the window.
    if sessions < 1:
        raise ValueError(f"sessions must be at least 1, got {sessions}")
    block, length = x, 1
    while 2 * length <= sessions:
        block = pick(block[: max(len(block) - length, 0)], block[length:])
        length *= 2
    shift = sessions - length
    return _ending(pick(block[: max(len(block) - shift, 0)], block[shift:]), n_rows=len(x))


def _ending(windows: Floats, *, n_rows: int) -> Floats:
    """Start-indexed windows dated by their last session; NaN where no window is full."""
    ending = np.full(n_rows, np.nan)
    if len(windows):
        ending[n_rows - len(windows) :] = windows
    return ending
