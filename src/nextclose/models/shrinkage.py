"""How much of what was learnt to believe: as much as the validation block proves."""

from __future__ import annotations

import numpy as np

from nextclose.schema import MEDIAN, Dates, Floats

LOCATIONS = (0.0, 0.5, 1.0)  # shares of a pooled median; 0 is "the price does not change"
BLOCK_SESSIONS = 5  # at least a week, longer where outcomes overlap for longer


def located(spread: Floats, target: Floats) -> Floats:
    """`spread` with its median scaled by the share that missed the validation targets least.

    Shape (horizon, level), from targets of shape (row, horizon); NaN targets are left out. A drift
    estimated from a few years is mostly luck, so no drift at all must be reachable.
    """
    moved = spread.copy()
    for k in range(len(spread)):
        known = target[np.isfinite(target[:, k]), k]
        median = spread[k, MEDIAN]
        misses = [float(np.abs(known - share * median).mean()) for share in LOCATIONS]
        moved[k] -= (1.0 - LOCATIONS[int(np.argmin(misses))]) * median
    return moved


def proven_share(gain: Floats, sessions: Dates, *, horizon_sessions: int) -> float:
    """The share in [0, 1) of a correction to use, from its gain at each validation forecast.

        share = max(0, 1 - (standard error / mean gain)**2), 0 if the mean gain is not positive

    Expects: gains (row,) and their origins. The error is that of means over disjoint blocks as
        long as outcomes overlap; fewer than 3 blocks prove nothing.
    Source: positive-part shrinkage of James & Stein (1961), Estimation with quadratic loss.
    """
    days, day = np.unique(sessions, return_inverse=True)
    daily = np.bincount(day, gain) / np.bincount(day)
    length = max(horizon_sessions, BLOCK_SESSIONS)
    n_blocks = len(days) // length
    if n_blocks < 3:
        return 0.0
    blocks = daily[-n_blocks * length :].reshape(n_blocks, length).mean(axis=1)
    mean, error = float(blocks.mean()), float(blocks.std(ddof=1) / np.sqrt(n_blocks))
    return max(0.0, 1.0 - (error / mean) ** 2) if mean > 0 else 0.0
