"""Which way: how often a model's calls of up and down were right, and whether that is luck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.hypothesis_tests.direction import call_covariance, pesaran_timmermann
from nextclose.evaluation.scores.panel import Losses, Panel
from nextclose.evaluation.verdict.comparison import is_short, mean_by_origin, overlap_test
from nextclose.metrics import DirectionHits, direction_hits, implied_r2
from nextclose.schema import Bools, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Direction of one model: hit rate beside its base rate, and the test that tells them apart."""

    hits: DirectionHits
    interval: tuple[float, float] | None  # 95 %, of the hit rate; allows for overlap and symbols
    p_value: float | None  # one-sided: small = better than calls that know nothing
    only: Literal["up", "down"] | None  # the side that every call names: nothing can be tested

    @property
    def implied_r2(self) -> float | None:
        """R2 that the hit rate stands for if returns had no drift."""
        return None if self.hits.hit_rate is None else implied_r2(self.hits.hit_rate)

    @property
    def is_above_base(self) -> bool:
        """Whether the calls were right more often than always calling one side."""
        rate, base = self.hits.hit_rate, self.hits.base_rate
        return rate is not None and base is not None and rate > base


def calls(panel: Panel, losses: Losses, *, pooled: bool) -> Calls:
    """The calls that the model answers for, on one symbol or, `pooled`, on all of the panel.

    Test: Pesaran-Timmermann for one symbol at one session, else the covariance of calls and
    outcomes, which allows for overlap and for symbols that move together.
    """
    judged = losses.judged
    called = judged & (panel.target != 0) & (losses.call != 0)
    sides = np.unique(losses.call[called])
    hits = direction_hits(losses.call[judged], panel.target[judged])
    return Calls(
        hits=hits,
        interval=_interval(panel, losses, called, hits, pooled=pooled),
        p_value=_p_value(panel, losses, called, pooled=pooled),
        only=None if len(sides) != 1 else ("up" if sides[0] > 0 else "down"),
    )


def _p_value(panel: Panel, losses: Losses, called: Bools, *, pooled: bool) -> float | None:
    h = panel.horizon_sessions
    if is_short(int(called.any(axis=1).sum()), horizon_sessions=h):
        return None
    call = np.where(called, losses.call, 0)
    if not pooled and h == 1:
        return pesaran_timmermann(call[:, 0], panel.target[:, 0]).p_value
    try:
        return call_covariance(call, panel.target, horizon_sessions=h).p_better
    except NotEnoughDataError:  # no symbol has calls and outcomes on both sides
        return None


def _interval(
    panel: Panel, losses: Losses, called: Bools, hits: DirectionHits, *, pooled: bool
) -> tuple[float, float] | None:
    right: Floats = (np.sign(panel.target) == losses.call).astype(np.float64)
    series = mean_by_origin(right, called)
    test = overlap_test(series, horizon_sessions=panel.horizon_sessions, pooled=pooled)
    if test is None or hits.hit_rate is None:
        return None
    low, high = test.interval()
    shift = hits.hit_rate - test.mean  # the rate counts forecasts, the test counts origins
    return max(low + shift, 0.0), min(high + shift, 1.0)
