"""Forecasts anybody can make: no change, a drift, and the returns seen before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nextclose.models.loghar.loghar import fit_loghar, restored_loghar
from nextclose.models.protocol import Fitted, State
from nextclose.models.volatility.har import Ewma, fit_har, pooled_quantiles, restored_har
from nextclose.samples.samples import Samples
from nextclose.samples.splits import resolved_outcomes
from nextclose.schema import LEVELS, MEDIAN, Floats, Ints

HISTORY_SESSIONS = 250  # about a trading year


@dataclass(frozen=True, slots=True, kw_only=True)
class Naive:
    """The price does not change: every quantile is 0. A point forecast, and the one to beat."""

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Zeros. Shape (row, horizon, level)."""
        return np.zeros((len(rows), len(samples.horizons), len(LEVELS)))

    def state(self) -> State:
        """Nothing was learnt."""
        return State()

    @property
    def curves(self) -> Mapping[str, Sequence[float]]:
        """None: nothing is trained."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricalSimulation:
    """Quantiles of the symbol's own resolved outcomes: the last `n_outcomes`, or all with None."""

    n_outcomes: int | None

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Type-7 quantiles of past outcomes, in target units; NaN if none has resolved yet."""
        grid = np.full((len(rows), len(samples.horizons), len(LEVELS)), np.nan)
        for k in range(len(samples.horizons)):
            for position, past in resolved_outcomes(samples, rows, horizon=k):
                seen = past if self.n_outcomes is None else past[-self.n_outcomes :]
                if len(seen):
                    grid[position, k] = np.quantile(seen, LEVELS)
        return grid / samples.unit(rows)[:, :, None]

    def state(self) -> State:
        """Nothing was learnt but the rule."""
        return State(facts={"n_outcomes": self.n_outcomes})

    @property
    def curves(self) -> Mapping[str, Sequence[float]]:
        """None: nothing is trained."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The symbol's own mean outcome as the median, in the spread of EWMA volatility.

    `spread` holds pooled target quantiles, shape (horizon, level).
    """

    spread: Floats

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Spread shifted so that its median is the mean of the own resolved outcomes."""
        point = np.zeros((len(rows), len(samples.horizons)))
        for k in range(len(samples.horizons)):
            for position, past in resolved_outcomes(samples, rows, horizon=k):
                point[position, k] = past.mean() if len(past) else 0.0
        centred = self.spread - self.spread[:, MEDIAN : MEDIAN + 1]
        return np.asarray((point / samples.unit(rows))[:, :, None] + centred)

    def state(self) -> State:
        """The pooled spread."""
        return State(arrays={"spread": self.spread})

    @property
    def curves(self) -> Mapping[str, Sequence[float]]:
        """None: nothing is trained."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A model without seeds: how to fit it and how to build it again."""

    name: str
    fitted: Callable[[Samples, Samples], Fitted]
    restored: Callable[[State], Fitted]
    n_seeds: int = 1
    family: str = "stationary"
    context_sessions: int = 1

    @property
    def config(self) -> Mapping[str, Any]:
        """No settings: the definition is the name."""
        return {}

    def fit(self, train: Samples, valid: Samples, seed: int) -> Fitted:
        """Learn from all that is known; the seed plays no part."""
        return self.fitted(train, valid)

    def combine(self, members: Sequence[Fitted]) -> Fitted:
        """The one member."""
        (only,) = members
        return only

    def restore(self, state: State) -> Fitted:
        """The Fitted that gave this state."""
        return self.restored(state)


NAIVE = Baseline(name="naive", fitted=lambda t, v: Naive(), restored=lambda s: Naive())
HS_250 = Baseline(
    name="hs_250",
    fitted=lambda t, v: HistoricalSimulation(n_outcomes=HISTORY_SESSIONS),
    restored=lambda s: HistoricalSimulation(n_outcomes=s.facts["n_outcomes"]),
)
HS_EXPANDING = Baseline(
    name="hs_expanding",
    fitted=lambda t, v: HistoricalSimulation(n_outcomes=None),
    restored=lambda s: HistoricalSimulation(n_outcomes=s.facts["n_outcomes"]),
)
DRIFT = Baseline(
    name="drift",
    fitted=lambda t, v: Drift(spread=pooled_quantiles(t, v)),
    restored=lambda s: Drift(spread=s.arrays["spread"]),
)
EWMA = Baseline(
    name="ewma",
    fitted=lambda t, v: Ewma(spread=pooled_quantiles(t, v)),
    restored=lambda s: Ewma(spread=s.arrays["spread"]),
)
HAR = Baseline(name="har", fitted=fit_har, restored=restored_har)
LOGHAR = Baseline(name="loghar", fitted=fit_loghar, restored=restored_loghar)
