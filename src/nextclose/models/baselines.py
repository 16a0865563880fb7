"""Forecasts anybody can make: no change, a drift, and the returns seen before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from nextclose.models.loghar.loghar import REACH_SESSIONS, LogHar, fit_loghar
from nextclose.models.loghar.prior import taught_until
from nextclose.models.protocol import Fitted, Traits
from nextclose.models.rolling_quantiles import past_quantiles
from nextclose.models.volatility.har import Ewma, Har, fit_har, pooled_quantiles
from nextclose.samples.samples import Samples
from nextclose.samples.splits import resolved_outcomes
from nextclose.schema import LEVELS, MEDIAN, Floats, Ints, Spread

HISTORY_SESSIONS = 250  # about a trading year


@dataclass(frozen=True, slots=True, kw_only=True)
class Naive:
    """The price does not change: every quantile is 0. A point forecast, and the one to beat."""

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Zeros. Shape (row, horizon, level)."""
        return np.zeros((len(rows), len(samples.horizons), len(LEVELS)))


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricalSimulation:
    """Quantiles of the symbol's own resolved outcomes: the last `n_outcomes`, or all with None."""

    n_outcomes: int | None

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Type-7 quantiles of past outcomes, in target units; NaN if none has resolved yet."""
        grid = np.full((len(rows), len(samples.horizons), len(LEVELS)), np.nan)
        for k in range(len(samples.horizons)):
            for past in resolved_outcomes(samples, rows, horizon=k):
                grid[past.positions, k] = past_quantiles(
                    past.outcome, past.n_resolved, levels=LEVELS, n_last=self.n_outcomes
                )
        return grid / samples.unit(rows)[:, :, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The symbol's own mean outcome as the median, in the spread of EWMA volatility.

    `spread` holds pooled target quantiles, shape (horizon, level).
    """

    spread: Spread

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Spread shifted so that its median is the mean of the own resolved outcomes."""
        point = np.zeros((len(rows), len(samples.horizons)))
        for k in range(len(samples.horizons)):
            for past in resolved_outcomes(samples, rows, horizon=k):
                # each its own sum: a running total would remember its rounding for ever
                sums = [past.outcome[:n].sum() for n in past.n_resolved.tolist()]
                point[past.positions, k] = np.array(sums) / np.maximum(past.n_resolved, 1)
        centred = self.spread - self.spread[:, MEDIAN : MEDIAN + 1]
        return np.asarray((point / samples.unit(rows))[:, :, None] + centred)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A model without settings and seeds: its definition is its name."""

    name: str
    fit_known: Callable[[Samples, Samples], Fitted]  # on all that two blocks know
    traits: Traits

    def fit(self, train: Samples, valid: Samples, seed: int) -> Fitted:
        """Learn from all that is known; the seed plays no part."""
        return self.fit_known(train, valid)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorHar:
    """Log-HAR, fitted on all that is known; its traits are read of the priors that are shipped."""

    name: str = "loghar"

    @property
    def traits(self) -> Traits:
        """No settings; ten years are read where there are ten."""
        return Traits(
            fitted=LogHar,
            reach_sessions=REACH_SESSIONS,
            relative_cost=0,
            taught_until=taught_until(),
        )

    def fit(self, train: Samples, valid: Samples, seed: int) -> LogHar:
        """As `fit_loghar`; the seed plays no part."""
        return fit_loghar(train, valid)


YARDSTICK = Traits(relative_cost=0, is_servable=False, is_member=False)

NAIVE = Baseline(
    name="naive", fit_known=lambda t, v: Naive(), traits=replace(YARDSTICK, fitted=Naive)
)
HS_250 = Baseline(
    name="hs_250",
    fit_known=lambda t, v: HistoricalSimulation(n_outcomes=HISTORY_SESSIONS),
    traits=replace(YARDSTICK, fitted=HistoricalSimulation),
)
HS_EXPANDING = Baseline(
    name="hs_expanding",
    fit_known=lambda t, v: HistoricalSimulation(n_outcomes=None),
    traits=replace(YARDSTICK, fitted=HistoricalSimulation),
)
DRIFT = Baseline(
    name="drift",
    fit_known=lambda t, v: Drift(spread=pooled_quantiles(t, v)),
    traits=replace(YARDSTICK, fitted=Drift),
)
EWMA = Baseline(
    name="ewma",
    fit_known=lambda t, v: Ewma(spread=pooled_quantiles(t, v)),
    traits=Traits(fitted=Ewma, relative_cost=0),
)
HAR = Baseline(name="har", fit_known=fit_har, traits=Traits(fitted=Har, relative_cost=0))
LOGHAR = PriorHar()
