"""How far: what a model's stated ranges held, and whether they deviate by more than chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.hypothesis_tests.calibration import christoffersen, knueppel, kupiec
from nextclose.evaluation.scores.panel import Losses, Panel
from nextclose.evaluation.verdict.comparison import is_short, mean_by_origin, overlap_test
from nextclose.schema import Floats

MIN_INDEPENDENT_COVERAGE = 2000 / 30  # one symbol's coverage: 2,000 origins at 30 sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Shares of outcomes inside the central intervals, and tests of them; None: no such figure.

    A model that states no range has none of them.
    """

    coverage_50: float | None = None
    coverage_80: float | None = None
    coverage_90: float | None = None
    coverage_95: float | None = None
    width_90_pct: float | None = None
    p_value: float | None = None  # two-sided, that the 90 % band holds 90 %
    independence_p: float | None = None  # that misses of the 90 % band do not cluster
    pit_p: float | None = None  # a diagnostic: that the whole density is calibrated


def coverage(panel: Panel, losses: Losses, *, pooled: bool) -> Coverage:
    """Coverage of one symbol or, `pooled`, of all of the panel.

    Independence is for one symbol at one session (misses of overlapping outcomes cluster by
    themselves); the test of the density for one symbol.
    """
    if losses.point_only:
        return Coverage()
    judged = losses.judged
    return Coverage(
        coverage_50=mean_known(losses["inside_50"][judged]),
        coverage_80=mean_known(losses["inside_80"][judged]),
        coverage_90=mean_known(losses["inside_90"][judged]),
        coverage_95=mean_known(losses["inside_95"][judged]),
        width_90_pct=mean_known(losses["width_90_pct"][judged]),
        p_value=_p_value(panel, losses, pooled=pooled),
        independence_p=None if pooled else _independence_p(panel, losses),
        pit_p=None if pooled else _pit_p(panel, losses),
    )


def mean_known(values: Floats) -> float | None:
    """Mean of the values there are: a point forecast among ranges states none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _p_value(panel: Panel, losses: Losses, *, pooled: bool) -> float | None:
    """Kupiec's for one symbol at h = 1, else that of the mean excess."""
    ranged = losses.judged & np.isfinite(losses["inside_90"])
    n = int(ranged.sum())
    h = panel.horizon_sessions
    if pooled or h > 1:
        if not pooled and n < MIN_INDEPENDENT_COVERAGE * h:
            return None
        excess = mean_by_origin(losses["inside_90"], ranged) - 0.9
        test = overlap_test(excess, horizon_sessions=h, pooled=pooled)
        return test.p_two_sided if test else None
    if is_short(n, horizon_sessions=h):
        return None
    n_misses = n - int(losses["inside_90"][ranged].sum())
    return kupiec(n_misses=n_misses, n=n, expected=0.1)


def _independence_p(panel: Panel, losses: Losses) -> float | None:
    is_held = _symbol_values(losses["inside_90"], losses)
    if panel.horizon_sessions > 1 or is_short(len(is_held), horizon_sessions=1):
        return None
    return christoffersen(is_held == 0, expected=0.1).p_ind


def _pit_p(panel: Panel, losses: Losses) -> float | None:
    values, h = _symbol_values(losses["pit"], losses), panel.horizon_sessions
    if is_short(len(values), horizon_sessions=h):
        return None
    try:
        return knueppel(values, horizon_sessions=h).p_value
    except NotEnoughDataError:  # the same outcome in the same density throughout
        return None


def _symbol_values(values: Floats, losses: Losses) -> Floats:
    """The one symbol's values at its judged origins that have one, oldest first. (origin,)."""
    column = values[:, 0]
    return column[losses.judged[:, 0] & np.isfinite(column)]
