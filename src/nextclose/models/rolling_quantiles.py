"""Quantiles of a growing past: of the first n values of a series, or the last of them, for many n.

To the bit what `np.quantile` says of each past alone: type 7, with NumPy's own interpolation. A
window of fixed length is sorted with many others at once; a past that grows is kept sorted, and
each new value put in its place.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nextclose.schema import Floats, Ints

WINDOWS_AT_ONCE = 512  # sorted together: 1 MB of windows of 250, which a core's own cache holds
SORTED_ANEW_FROM = 32  # new values; fewer are put into their places one by one


def past_quantiles(
    values: Floats, n_past: Ints, *, levels: Floats, n_last: int | None = None
) -> Floats:
    """Quantiles of `values[:n]`, or of its last `n_last`, for each n. Shape (n_past, level).

    NaN: where n is 0, and at all levels of a past that holds one.
    Source: Hyndman & Fan (1996), Am. Statistician 50, definition 7; rounded as NumPy rounds it.
    """
    counts, place = np.unique(n_past, return_inverse=True)
    grid = np.full((len(counts), len(levels)), np.nan)
    begun = int(np.searchsorted(counts, 1))  # before it: no past
    full = len(counts) if n_last is None else int(np.searchsorted(counts, n_last, side="right"))
    grid[begun:full] = _growing_quantiles(values, counts[begun:full], levels=levels)
    if n_last is not None and full < len(counts):
        windows = sliding_window_view(values, n_last)
        for first in range(full, len(counts), WINDOWS_AT_ONCE):
            some = slice(first, first + WINDOWS_AT_ONCE)
            grid[some] = _row_quantiles(windows[counts[some] - n_last], levels=levels)
    return grid[place]


def _growing_quantiles(values: Floats, counts: Ints, *, levels: Floats) -> Floats:
    """Quantiles of the first n values, n in `counts`, which rise from 1 on."""
    below, above, share = _places(counts, levels=levels)  # each (n, level)
    wanted = np.stack([below, above], axis=1)
    found = np.empty(wanted.shape)
    last = np.empty(len(counts))
    ordered = np.empty(int(counts.max(initial=0)))
    n_held = 0
    for row, n in enumerate(counts.tolist()):
        _admit(ordered, values[n_held:n], n_held=n_held)
        ordered.take(wanted[row], out=found[row], mode="clip")  # clip: no buffer; none is outside
        last[row] = ordered[n - 1]
        n_held = n
    return _interpolated(found[:, 0], found[:, 1], share, last=last)


def _admit(ordered: Floats, new: Floats, *, n_held: int) -> None:
    """Put `new` among the first `n_held` values of `ordered`, which stay sorted; NaN come last."""
    if len(new) >= SORTED_ANEW_FROM:
        ordered[n_held : n_held + len(new)] = new
        ordered[: n_held + len(new)].sort()
        return
    for n, value in enumerate(new.tolist(), start=n_held):
        place = ordered[:n].searchsorted(value)
        ordered[place + 1 : n + 1] = ordered[place:n]
        ordered[place] = value


def _row_quantiles(windows: Floats, *, levels: Floats) -> Floats:
    """Quantiles of each row of `windows`, which are sorted in place. Shape (row, level)."""
    windows.sort(axis=1)
    n = np.array([windows.shape[1]], dtype=np.int64)
    below, above, share = (places[0] for places in _places(n, levels=levels))
    return _interpolated(windows[:, below], windows[:, above], share, last=windows[:, -1])


def _places(counts: Ints, *, levels: Floats) -> tuple[Ints, Ints, Floats]:
    """The order statistics on both sides of each level and the share of the way between them."""
    place = (counts - 1)[:, None] * levels
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, (counts - 1)[:, None])
    return below, above, place - below


def _interpolated(low: Floats, high: Floats, share: Floats, *, last: Floats) -> Floats:
    """The value at `share` between two order statistics, reckoned from the nearer, as NumPy does.

    NaN where the largest value of the past, `last`, is one: they sort behind all numbers.
    """
    step = high - low
    between = np.where(share >= 0.5, high - step * (1 - share), low + step * share)
    return np.where(np.isnan(last)[:, None], np.nan, between)
