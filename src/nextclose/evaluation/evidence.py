"""What one model did on one symbol, or on all, with every figure's reference and uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.metrics import Direction, direction, percentage_error
from nextclose.evaluation.panel import HISTORY_MODELS, Losses, Panel
from nextclose.evaluation.significance import MeanTest, decisive_test, kupiec, relative_gain
from nextclose.schema import Bools, Floats

MIN_ORIGINS = 250
MIN_INDEPENDENT = 30
MIN_INDEPENDENT_COVERAGE = 2000 / 30  # one symbol's coverage: 2,000 origins at 30 sessions
POOLED = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """A model against a reference on the forecasts both have; skill 0 = no better, 1 = perfect."""

    reference: str
    skill: float
    test: MeanTest | None  # of the skill; None: too few forecasts, or the two never differ

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % confidence interval of the skill."""
        return self.test.interval() if self.test else None

    @property
    def p_better(self) -> float | None:
        """One-sided p-value that the model's loss is the lower."""
        return self.test.p_better if self.test else None

    @property
    def p_worse(self) -> float | None:
        """One-sided p-value that the model's loss is the higher."""
        return self.test.p_worse if self.test else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Every figure behind one verdict. Fractions, but for `_pct`; None: there is no such figure."""

    symbol: str  # "*": all symbols of the model together
    symbols: tuple[str, ...]
    horizon_sessions: int
    model: str
    point_only: bool
    forecasts: int
    origins: int  # distinct
    filled: int
    mape_pct: float
    naive_mape_pct: float
    r2_vs_zero: float | None
    hits: Direction
    hit_interval: tuple[float, float] | None
    crps: float  # log return
    coverage_90: float | None
    coverage_p: float | None
    width_90_pct: float | None
    error: Contest | None  # absolute error of the median, against "no change"
    drift: Contest | None  # the same, against the drift rule
    drift_skill: float | None  # of the drift rule's own error, against "no change"
    ranges: Contest | None  # CRPS, against the historical density that is harder to beat
    garch: Contest | None  # CRPS

    @property
    def independent(self) -> float:
        """Origins over horizon: about how many separate outcomes there are."""
        return self.origins / self.horizon_sessions

    @property
    def is_short(self) -> bool:
        """Whether there is too little to test anything."""
        return is_short(self.origins, horizon_sessions=self.horizon_sessions)


def is_short(n_origins: int, *, horizon_sessions: int) -> bool:
    """Whether so many origins are too few for any test at this horizon."""
    return n_origins < MIN_ORIGINS or n_origins < MIN_INDEPENDENT * horizon_sessions


def evidence(panel: Panel, model: str, *, symbol: str) -> Evidence | None:
    """What `model` did on the whole of `panel`: one symbol's, or all with `symbol` = "*".

    None if it answers for no forecast there.
    """
    losses = panel.models[model]
    judged = losses.judged
    if not judged.any():
        return None
    pooled = symbol == POOLED
    outcome = panel.target[judged]
    squares = float((outcome**2).sum())
    hits = direction(losses.call[judged], outcome)
    ranged = not losses.point_only
    return Evidence(
        symbol=symbol,
        symbols=tuple(np.array(panel.symbols)[judged.any(axis=0)].tolist()),
        horizon_sessions=panel.horizon_sessions,
        model=model,
        point_only=losses.point_only,
        forecasts=int(judged.sum()),
        origins=int(judged.any(axis=1).sum()),
        filled=int(losses.filled.sum()),
        mape_pct=float(losses.percentage[judged].mean()),
        naive_mape_pct=float(percentage_error(np.zeros_like(outcome), outcome).mean()),
        r2_vs_zero=1.0 - float(losses.squared[judged].sum()) / squares if squares > 0 else None,
        hits=hits,
        hit_interval=_hit_interval(panel, losses, hits, pooled=pooled),
        crps=float(losses.crps[judged].mean()),
        coverage_90=mean_known(losses.inside_90[judged]) if ranged else None,
        coverage_p=_coverage_p(panel, losses, pooled=pooled) if ranged else None,
        width_90_pct=mean_known(losses.width_90_pct[judged]) if ranged else None,
        error=error_contest(panel, losses, pooled=pooled),
        drift=_contest(panel, losses, "drift", "absolute", pooled=pooled),
        drift_skill=_drift_skill(panel, losses),
        ranges=range_contest(panel, losses, pooled=pooled),
        garch=_contest(panel, losses, "garch", "crps", pooled=pooled) if ranged else None,
    )


def error_contest(panel: Panel, losses: Losses, *, pooled: bool) -> Contest | None:
    """Absolute error against "no change", which needs no forecasts of its own. None: no moves."""
    move = np.where(losses.judged, np.abs(panel.target), np.nan)
    return _met(losses.absolute, move, "naive", panel.horizon_sessions, pooled=pooled)


def range_contest(panel: Panel, losses: Losses, *, pooled: bool) -> Contest | None:
    """CRPS against the better of the two historical densities: the one with the lower skill.

    None for a point forecast, and where no historical density but the model itself is there.
    """
    if losses.point_only:
        return None
    contests = [_contest(panel, losses, name, "crps", pooled=pooled) for name in HISTORY_MODELS]
    return min((c for c in contests if c is not None), key=lambda c: c.skill, default=None)


def _contest(
    panel: Panel, losses: Losses, reference: str, loss: str, *, pooled: bool
) -> Contest | None:
    """None without that reference, or for the reference itself."""
    if reference not in panel.models or reference == losses.model:
        return None
    theirs = np.where(losses.judged, getattr(panel.models[reference], loss), np.nan)
    ours = getattr(losses, loss)
    return _met(ours, theirs, reference, panel.horizon_sessions, pooled=pooled)


def _drift_skill(panel: Panel, losses: Losses) -> float | None:
    if "drift" not in panel.models:
        return None
    theirs = np.where(losses.judged, panel.models["drift"].absolute, np.nan)
    gain = relative_gain(theirs, np.abs(panel.target))
    return float(gain.mean()) if len(gain) else None


def _met(
    ours: Floats, theirs: Floats, reference: str, horizon: int, *, pooled: bool
) -> Contest | None:
    gain = relative_gain(ours, theirs)
    if not len(gain):
        return None
    test = overlap_test(gain, horizon_sessions=horizon, pooled=pooled)
    return Contest(reference=reference, skill=float(gain.mean()), test=test)


def overlap_test(series: Floats, *, horizon_sessions: int, pooled: bool) -> MeanTest | None:
    """The decisive test of a series of origins; None if they are too few or it never varies."""
    if is_short(len(series), horizon_sessions=horizon_sessions):
        return None
    try:
        return decisive_test(series, horizon_sessions=horizon_sessions, pooled=pooled)
    except NotEnoughDataError:  # no variation: equal forecasts have nothing to test
        return None


def mean_by_origin(values: Floats, cells: Bools) -> Floats:
    """Mean over symbols of the marked cells, at the origins that have any. Shape (origin,)."""
    count = cells.sum(axis=1)
    total = np.where(cells, values, 0.0).sum(axis=1)
    return np.asarray(total[count > 0] / count[count > 0])


def _coverage_p(panel: Panel, losses: Losses, *, pooled: bool) -> float | None:
    """p-value that the 90 % band holds 90 %: Kupiec's for one symbol at h = 1, else the mean's."""
    ranged = losses.judged & np.isfinite(losses.inside_90)
    n = int(ranged.sum())
    h = panel.horizon_sessions
    if pooled or h > 1:
        if not pooled and n < MIN_INDEPENDENT_COVERAGE * h:
            return None
        excess = mean_by_origin(losses.inside_90, ranged) - 0.9
        test = overlap_test(excess, horizon_sessions=h, pooled=pooled)
        return test.p_two_sided if test else None
    if is_short(n, horizon_sessions=h):
        return None
    n_misses = n - int(losses.inside_90[ranged].sum())
    return kupiec(n_misses=n_misses, n=n, expected=0.1)


def _hit_interval(
    panel: Panel, losses: Losses, hits: Direction, *, pooled: bool
) -> tuple[float, float] | None:
    """95 % interval of the hit rate that allows for overlap and for symbols moving together."""
    called = losses.judged & (panel.target != 0) & (losses.call != 0)
    right = (np.sign(panel.target) == losses.call).astype(np.float64)
    series = mean_by_origin(right, called)
    test = overlap_test(series, horizon_sessions=panel.horizon_sessions, pooled=pooled)
    if test is None or hits.hit_rate is None:
        return None
    low, high = test.interval()
    shift = hits.hit_rate - test.mean  # the rate counts forecasts, the test counts origins
    return max(low + shift, 0.0), min(high + shift, 1.0)


def mean_known(values: Floats) -> float | None:
    """Mean of the values there are: a point forecast among ranges states none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
