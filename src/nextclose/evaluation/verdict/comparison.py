"""A model against a reference, on the forecasts both have: the skill and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.hypothesis_tests.mean import MeanTest, decisive_test, relative_gain
from nextclose.evaluation.hypothesis_tests.power import noise_floor
from nextclose.evaluation.scores.panel import HISTORY_MODELS, Losses, Panel
from nextclose.evaluation.scores.seeds import skill_spread
from nextclose.schema import Bools, Floats

MIN_ORIGINS = 250
MIN_INDEPENDENT = 30
SEVERAL = 2.0  # from this many times the reference's loss on, a percentage misleads
SEED_SPREADS = 3.0  # a gain below so many SDs over seeds may be the luck of the draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A model against a reference on the forecasts both have; skill 0 = no better, 1 = perfect."""

    reference: str
    skill: float
    test: MeanTest | None  # of the skill; None: too few forecasts, or the two never differ
    seed_sd: float | None = None  # of the skill that single seeds have; None: under two seeds
    forecasts: int | None = None  # that both have; None: not counted

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % confidence interval of the skill."""
        return self.test.interval() if self.test else None

    @property
    def loss_ratio(self) -> float:
        """Mean loss over the reference's, 1 - skill: below 1 = better."""
        return 1.0 - self.skill

    @property
    def loss_ratio_interval(self) -> tuple[float, float] | None:
        """95 % confidence interval of the loss ratio."""
        interval = self.interval
        return (1.0 - interval[1], 1.0 - interval[0]) if interval else None

    @property
    def p_better(self) -> float | None:
        """One-sided p-value that the model's loss is the lower."""
        return self.test.p_better if self.test else None

    @property
    def p_worse(self) -> float | None:
        """One-sided p-value that the model's loss is the higher."""
        return self.test.p_worse if self.test else None

    @property
    def noise_floor(self) -> float | None:
        """Two standard errors of the skill: differences below are none."""
        return noise_floor(self.test) if self.test else None

    @property
    def is_beyond_seeds(self) -> bool:
        """Whether the gain is at least three SDs over seeds, or no seeds are known."""
        return self.seed_sd is None or self.skill >= SEED_SPREADS * self.seed_sd


def skill_of(comparison: Comparison | None) -> float | None:
    """The skill; None where the two did not meet."""
    return comparison.skill if comparison else None


def interval_of(comparison: Comparison | None) -> tuple[float, float] | None:
    """95 % confidence interval of the skill; None without comparison or test."""
    return comparison.interval if comparison else None


def is_short(n_origins: int, *, horizon_sessions: int) -> bool:
    """Whether so many origins are too few for any test at this horizon."""
    return n_origins < MIN_ORIGINS or n_origins < MIN_INDEPENDENT * horizon_sessions


def error_comparison(panel: Panel, losses: Losses, *, pooled: bool) -> Comparison | None:
    """Absolute error against "no change", which needs no forecasts of its own. None: no moves."""
    move = np.where(losses.judged, panel.unchanged["absolute_error"], np.nan)
    return _comparison(panel, losses, "absolute_error", ("naive", move), pooled=pooled)


def range_comparison(panel: Panel, losses: Losses, *, pooled: bool) -> Comparison | None:
    """CRPS against the better of the two historical densities: the one with the lower skill.

    None for a point forecast, and where no historical density but the model itself is there.
    """
    both = (density_comparison(panel, losses, name, pooled=pooled) for name in HISTORY_MODELS)
    return min((c for c in both if c is not None), key=lambda c: c.skill, default=None)


def metric_comparison(
    panel: Panel, losses: Losses, metric: str, *, pooled: bool
) -> Comparison | None:
    """A foreign metric against the historical density that is harder to beat; None without one.

    A point forecast has one too: the metric says what its point costs.
    """
    both = (loss_comparison(panel, losses, name, metric, pooled=pooled) for name in HISTORY_MODELS)
    return min((c for c in both if c is not None), key=lambda c: c.skill, default=None)


def density_comparison(
    panel: Panel, losses: Losses, reference: str, *, pooled: bool
) -> Comparison | None:
    """CRPS against one reference. None for a point forecast and without that reference."""
    if losses.point_only:
        return None
    return loss_comparison(panel, losses, reference, "crps", pooled=pooled)


def loss_comparison(
    panel: Panel, losses: Losses, reference: str, loss: str, *, pooled: bool
) -> Comparison | None:
    """The named loss against that of `reference`. None without it, or for the reference itself."""
    if reference not in panel.models or reference == losses.model:
        return None
    theirs = np.where(losses.judged, panel.models[reference][loss], np.nan)
    return _comparison(panel, losses, loss, (reference, theirs), pooled=pooled)


def _comparison(
    panel: Panel, losses: Losses, loss: str, against: tuple[str, Floats], *, pooled: bool
) -> Comparison | None:
    ours, (reference, theirs) = losses[loss], against
    gain = relative_gain(ours, theirs)
    if not len(gain):
        return None
    seed_sd = None
    if losses.seeds is not None and loss in losses.seeds:
        shared = np.where(np.isfinite(ours), theirs, np.nan)
        seed_sd = skill_spread(losses.seeds[loss], shared)
    return Comparison(
        reference=reference,
        skill=float(gain.mean()),
        test=overlap_test(gain, horizon_sessions=panel.horizon_sessions, pooled=pooled),
        seed_sd=seed_sd,
        forecasts=int(np.isfinite(ours + theirs).sum()),
    )


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
