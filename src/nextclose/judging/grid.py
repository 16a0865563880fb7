"""From the levels that a forecast states to the grid of 23 that all are judged on."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from nextclose.schema import LEVELS, Floats


def on_grid(levels: tuple[float, ...], values: Floats) -> Floats:
    """Values at LEVELS from values (row, level) at other levels. Shape (row, 23).

    One level alone, or several of one value, is a point: all 23 are equal. Levels that were
    stated keep their values. Others lie on straight lines over the normal score of their level,
    so that a stated normal comes out exactly; beyond the outermost two the last line goes on:
    the tails are those of the normal that both lie on.
    Expects: rising levels and values. NaN: passed on.
    """
    if levels == tuple(LEVELS.tolist()):
        return values
    if len(levels) == 1:
        return np.repeat(values, len(LEVELS), axis=1)
    score, wanted = ndtri(np.array(levels)), ndtri(LEVELS)
    right = np.clip(np.searchsorted(score, wanted), 1, len(levels) - 1)
    share = (wanted - score[right - 1]) / (score[right] - score[right - 1])
    low, high = values[:, right - 1], values[:, right]
    grid = low + share * (high - low)
    for j, level in enumerate(LEVELS):  # to the bit
        if level in levels:
            grid[:, j] = values[:, levels.index(float(level))]
    return np.asarray(grid)


def normal_quantiles(mean: Floats, deviation: Floats) -> Floats:
    """Quantiles of normals at LEVELS. Shape (row, 23)."""
    return np.asarray(mean[:, None] + deviation[:, None] * ndtri(LEVELS))


def sample_quantiles(paths: Floats) -> Floats:
    """Type-7 quantiles at LEVELS of sample paths (row, path). Shape (row, 23)."""
    return np.asarray(np.quantile(paths, LEVELS, axis=1).T)
