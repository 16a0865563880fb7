"""What a sample can show: how much data an edge needs, and how small a figure is only noise."""

from __future__ import annotations

import math

from scipy import special

from nextclose.evaluation.hypothesis_tests.mean import MeanTest

SIZE, POWER = 0.05, 0.80  # one-sided: false alarms without an edge, and finds with one
_NEED = float((special.ndtri(1.0 - SIZE) + special.ndtri(POWER)) ** 2) / 4.0  # n edge^2 of a coin


def direction_origins_needed(edge: float, *, horizon_sessions: int = 1) -> int:
    """Origins that show a hit rate of 1/2 + `edge` at 5 %, one-sided, four times in five.

    0.01 (one point) needs 15,456, 0.05 needs 618: (z_.95 + z_.80)^2 / (4 edge^2), to the nearest.
    Assumes: independent days, variance of a coin; at h > 1 an upper bound, h times as many.
    Raises: ValueError unless 0 < edge <= 1/2.
    """
    if not 0.0 < edge <= 0.5:
        raise ValueError(f"an edge over one half is in (0, 0.5], got {edge}")
    return round(_NEED * horizon_sessions / edge**2)


def smallest_visible_edge(n: int, *, horizon_sessions: int = 1) -> float:
    """Least edge over a hit rate of 1/2, a fraction, that `n` origins of one symbol would show.

    The inverse of `direction_origins_needed`; above 0.5 no hit rate is high enough.
    Raises: ValueError without origins.
    """
    if n < 1:
        raise ValueError(f"an edge shows in at least one origin, got {n}")
    return math.sqrt(_NEED * horizon_sessions / n)


def noise_floor(test: MeanTest) -> float:
    """Two standard errors of a skill, in its unit: a smaller change is not a change."""
    return 2.0 * test.standard_error
