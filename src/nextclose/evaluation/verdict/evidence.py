"""What one model did on one symbol, or on all, with every figure's reference and uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from nextclose.evaluation.hypothesis_tests.mean import relative_gain
from nextclose.evaluation.hypothesis_tests.power import smallest_visible_edge
from nextclose.evaluation.scores.panel import Losses, Panel
from nextclose.evaluation.verdict.comparison import (
    Comparison,
    density_comparison,
    error_comparison,
    is_short,
    loss_comparison,
    metric_comparison,
    range_comparison,
)
from nextclose.evaluation.verdict.coverage import Coverage, coverage
from nextclose.evaluation.verdict.direction import Calls, calls

POOLED = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricEvidence:
    """A foreign metric of one model, in its own unit, beside "no change" and a reference.

    `reference_mean` is over the forecasts both have; None: no historical density ran but its own.
    """

    mean: float
    naive_mean: float
    reference_mean: float | None
    comparison: Comparison | None  # with the historical density that is harder to beat


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
    calls: Calls
    crps: float  # log return
    coverage: Coverage
    error: Comparison | None  # absolute error of the median, against "no change"
    drift: Comparison | None  # the same, against the drift rule
    drift_skill: float | None  # of the drift rule's own error, against "no change"
    ranges: Comparison | None  # CRPS, against the historical density that is harder to beat
    garch: Comparison | None  # CRPS
    metrics: Mapping[str, MetricEvidence] = field(default_factory=dict)  # foreign ones, by name

    @property
    def independent(self) -> float:
        """Origins over horizon: about how many separate outcomes there are."""
        return self.origins / self.horizon_sessions

    @property
    def is_short(self) -> bool:
        """Whether there is too little to test anything."""
        return is_short(self.origins, horizon_sessions=self.horizon_sessions)

    @property
    def noise_floor(self) -> float | None:
        """CRPS skill, against garch or without it history, below which a difference is none."""
        comparison = self.garch or self.ranges
        return comparison.noise_floor if comparison else None

    @property
    def n_beside_garch(self) -> int | None:
        """The forecasts that garch has too, where it has not all of them; None where it has."""
        n = self.garch.forecasts if self.garch else None
        return n if n is not None and n < self.forecasts else None

    @property
    def relative_mae(self) -> float | None:
        """Absolute error over that of "no change"; below 1 beats it. None: no price moved."""
        return self.error.loss_ratio if self.error else None

    @property
    def relative_mae_interval(self) -> tuple[float, float] | None:
        """95 % confidence interval of the relative MAE."""
        return self.error.loss_ratio_interval if self.error else None

    @property
    def smallest_visible_edge(self) -> float:
        """Least edge over a hit rate of 1/2 that so many origins would show.

        Pooled as if the symbols moved as one: at most the truth asks for.
        """
        return smallest_visible_edge(self.origins, horizon_sessions=self.horizon_sessions)


def evidence_of(panel: Panel, model: str, *, symbol: str) -> Evidence | None:
    """What `model` did on the whole of `panel`: one symbol's, or all with `symbol` = "*".

    None if it answers for no forecast there.
    """
    losses = panel.models[model]
    judged = losses.judged
    if not judged.any():
        return None
    pooled = symbol == POOLED
    squares = float((panel.target[judged] ** 2).sum())
    return Evidence(
        symbol=symbol,
        symbols=tuple(np.array(panel.symbols)[judged.any(axis=0)].tolist()),
        horizon_sessions=panel.horizon_sessions,
        model=model,
        point_only=losses.point_only,
        forecasts=int(judged.sum()),
        origins=int(judged.any(axis=1).sum()),
        filled=int(losses.filled.sum()),
        mape_pct=float(losses["percentage_error"][judged].mean()),
        naive_mape_pct=float(panel.unchanged["percentage_error"][judged].mean()),
        r2_vs_zero=1.0 - float(losses["squared_error"][judged].sum()) / squares
        if squares > 0
        else None,
        calls=calls(panel, losses, pooled=pooled),
        crps=float(losses["crps"][judged].mean()),
        coverage=coverage(panel, losses, pooled=pooled),
        error=error_comparison(panel, losses, pooled=pooled),
        drift=loss_comparison(panel, losses, "drift", "absolute_error", pooled=pooled),
        drift_skill=_drift_skill(panel, losses),
        ranges=range_comparison(panel, losses, pooled=pooled),
        garch=density_comparison(panel, losses, "garch", pooled=pooled),
        metrics={
            name: _metric_evidence(panel, losses, name, pooled=pooled) for name in panel.metrics
        },
    )


def _metric_evidence(panel: Panel, losses: Losses, metric: str, *, pooled: bool) -> MetricEvidence:
    judged = losses.judged
    comparison = metric_comparison(panel, losses, metric, pooled=pooled)
    reference_mean = None
    if comparison is not None:
        reference = panel.models[comparison.reference][metric]
        reference_mean = float(reference[judged & np.isfinite(reference)].mean())
    return MetricEvidence(
        mean=float(losses[metric][judged].mean()),
        naive_mean=float(panel.unchanged[metric][judged].mean()),
        reference_mean=reference_mean,
        comparison=comparison,
    )


def _drift_skill(panel: Panel, losses: Losses) -> float | None:
    if "drift" not in panel.models:
        return None
    theirs = np.where(losses.judged, panel.models["drift"]["absolute_error"], np.nan)
    gain = relative_gain(theirs, panel.unchanged["absolute_error"])
    return float(gain.mean()) if len(gain) else None
