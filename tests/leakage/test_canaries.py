"""Canaries: worlds whose best forecast is known. Nobody may beat it, and a leak must show.

Each world comes with a control in which the same check sounds. Standard errors are taken over
independent symbols of one world, or over permutations of one world's targets.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import polars as pl
import pytest
from scipy.special import gamma

from nextclose.config import BacktestConfig, HybridConfig, LstmConfig, RunConfig, TreesConfig
from nextclose.evaluation.backtest import Backtest, Study, backtest, make_study
from nextclose.evaluation.metrics import grid_crps
from nextclose.evaluation.verdict import VerdictRow, verdicts
from nextclose.models.prior import DRIFT
from nextclose.samples.samples import Samples, make_samples
from nextclose.schema import HORIZONS, QUANTILE_COLUMNS, Floats
from tests.builders import bars_of_returns, close_only, samples_of
from tests.leakage.worlds import GJR, gjr_walks, t_walks

MEMBERS = ("garch", "loghar", "trees", "lstm")
LEARNERS = (*MEMBERS, "hybrid")
YARDSTICKS = ("hs_250", "hs_expanding")
CLAIMS = ("BETTER", "POINT ONLY", "TOO GOOD")  # which way prices will go; SIZE ONLY does not
CLAIM_RATE = 0.07
OVERFIT = 1.01  # relative error that would be noise learnt by heart


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of a world there is."""

    n_symbols: int
    n_sessions: int
    n_tested: int


FAST = Size(n_symbols=8, n_sessions=1400, n_tested=504)
LONG = Size(n_symbols=8, n_sessions=1800, n_tested=504)
FULL = Size(n_symbols=50, n_sessions=2000, n_tested=1000)


def mean_and_error(values: Sequence[float | None] | Floats) -> tuple[float, float]:
    """The mean of independent values and its standard error."""
    found = np.array(values, dtype=np.float64)
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found)))


def study_of(
    samples: Samples, *models: str, size: Size, refit_sessions: int, route: str = "scale"
) -> Study:
    """A walk-forward of `models`, one rehearsal, one seed of the network."""
    plan = BacktestConfig(
        models=models,
        horizons=samples.horizons,
        test_sessions=size.n_tested,
        refit_sessions=refit_sessions,
        rehearsals=1,
    )
    settings = {
        "lstm": LstmConfig(n_seeds=1),
        "hybrid": HybridConfig(members=MEMBERS),
        "trees": TreesConfig.model_validate({"route": route}),
    }
    return make_study(samples, RunConfig(backtest=plan, **settings))


# A random walk: nothing to be found


@cache
def judged_walk(size: Size, *, momentum: float = 0.0) -> tuple[VerdictRow, ...]:
    """The verdict on the whole ladder where returns know `momentum` of the last one."""
    returns = t_walks(size.n_symbols, size.n_sessions, seed=1, momentum=momentum)
    samples = samples_of(bars_of_returns(returns, seed=1))
    models = ("drift", *YARDSTICKS, "har", *LEARNERS)
    study = study_of(samples, *models, size=size, refit_sessions=size.n_tested // 2)
    return verdicts(backtest(study).forecasts)


def single(rows: Sequence[VerdictRow], model: str, horizon: int) -> list[VerdictRow]:
    """The model's row of each symbol."""
    return [
        row
        for row in rows
        if (row.model, row.horizon_sessions) == (model, horizon) and row.symbol != "*"
    ]


def finds_error(rows: Sequence[VerdictRow]) -> bool:
    """Whether the error is below that of "no change" by more than luck."""
    mean, error = mean_and_error([row.relative_mae for row in rows])
    return mean < 1 - 2 * error


def finds_direction(rows: Sequence[VerdictRow]) -> bool:
    """Whether calls are right more often than a coin by more than luck; no call is none."""
    if all(row.hit_rate is None for row in rows):
        return False
    mean, error = mean_and_error([row.hit_rate for row in rows])
    return mean > 0.5 + 2 * error


def claims(rows: Sequence[VerdictRow]) -> int:
    """How many rows say that the direction of prices can be told."""
    return sum(row.verdict in CLAIMS or row.direction_claim for row in rows)


def drift_cost(size: Size, horizon: int) -> float:
    """Most that a wrong median may add to the relative error of a driftless walk, as a fraction.

    A median off by m standard deviations of a normal outcome costs f(0) m^2 / E|z| = m^2 / 2. Here
    m is the prior's drift, or the error of the median of n independent training outcomes, two
    standard errors sqrt(pi / 2n) of it; what a model blends of the two is no larger.
    """
    mean_move = 4 * np.sqrt(5) * gamma(3) / (np.sqrt(5 * np.pi) * gamma(2.5) * 4) / np.sqrt(5 / 3)
    prior = DRIFT * np.sqrt(horizon) * mean_move
    n_outcomes = size.n_symbols * (size.n_sessions - size.n_tested) / horizon
    own = 2 * np.sqrt(np.pi / 2 / n_outcomes)
    return float(max(prior, own) ** 2 / 2)
