"""How much of what was learnt to believe."""

from __future__ import annotations

import numpy as np

from nextclose.schema import Dates, Floats

PROOF_ERRORS = 2.0  # standard errors a gain must exceed to count at all
BLOCK_SESSIONS = 5  # at least a week, longer where outcomes overlap for longer


def proven_share(gain: Floats, sessions: Dates, *, horizon_sessions: int) -> float:
    """The share in [0, 1) of a correction to use, from its gain at each validation forecast.

        share = 1 - (standard error / mean gain)**2, 0 for gains below 2 standard errors

    Expects: gains (row,) and their origins. The error is that of means over disjoint blocks as
        long as outcomes overlap; fewer than 3 blocks prove nothing.
    Source: form of the shrinkage of James & Stein (1961), Estimation with quadratic loss, behind
        a test, as several corrections are tried at once.
    """
    days, day = np.unique(sessions, return_inverse=True)
    daily = np.bincount(day, gain) / np.bincount(day)
    length = max(horizon_sessions, BLOCK_SESSIONS)
    n_blocks = len(days) // length
    if n_blocks < 3:
        return 0.0
    blocks = daily[-n_blocks * length :].reshape(n_blocks, length).mean(axis=1)
    mean, error = float(blocks.mean()), float(blocks.std(ddof=1) / np.sqrt(n_blocks))
    return 1.0 - (error / mean) ** 2 if mean > PROOF_ERRORS * error else 0.0
