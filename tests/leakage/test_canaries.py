"""Canaries: worlds whose best forecast is known. Nobody may beat it, and a leak must show.

Each world comes with a control in which the same check sounds. Standard errors are taken over
independent symbols, or over permutations where one fit is shared by all symbols.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.special import gamma
from sklearn.linear_model import Ridge

from nextclose.backtesting.study import Study
from nextclose.backtesting.walk_forward import backtest
from nextclose.config import BacktestConfig, HybridConfig, RunConfig, TreesConfig
from nextclose.evaluation.verdict.verdict import VerdictRow, verdicts
from nextclose.metrics import grid_crps
from nextclose.models.location import RISK_PRICE
from nextclose.models.regressors import from_sklearn
from nextclose.samples.samples import Samples
from nextclose.schema import HORIZONS, QUANTILE_COLUMNS, Bars, Floats
from tests.builders import bars_of_returns, close_only, samples_of, study_of_last
from tests.leakage.worlds import GjrLaw, fed_with_tomorrow, shuffled, t_walks, with_echo

MEMBERS = ("garch", "loghar", "trees", "lstm")
LEARNERS = (*MEMBERS, "hybrid")
READER = "ridge"  # reads direction, as a plug-in may; ours know only how far
CLAIMS = ("BETTER", "POINT ONLY", "TOO GOOD")  # which way prices will go; SIZE ONLY does not
SILENT = ("YARDSTICK", "TOO SHORT")  # these could not claim anything
CLAIM_RATE = 0.07
N_PERMUTATIONS = 6
OVERFIT = 1.01  # relative error: more would be noise learnt by heart
PREMIUM_COST = 0.02  # of the LSTM at 30 sessions on a walk without drift: .2**2 / 2
WARMUP_SESSIONS = 257  # of the features: what comes before is not learnt from
LAW = GjrLaw()
RIDGE = from_sklearn(Ridge(alpha=300.0), name=READER)  # of some 3,000 rows, 41 columns
FIRST = 1100  # weekday of the first bar, in 2005: the networks that are shipped may forecast
EAGER_TREES = TreesConfig(learning_rate=0.1, rounds=75, patience_rounds=25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of a world there is."""

    n_symbols: int = 8
    n_sessions: int = 1400
    n_tested: int = 504


FAST = Size()
SHORT = Size(n_sessions=1200, n_tested=400)
FULL = Size(n_symbols=50, n_sessions=2000, n_tested=1000)


def sizes(fast: Size) -> pytest.MarkDecorator:
    """The test at a size for every day, and at the full one when there is time."""
    full = pytest.param(FULL, id="full", marks=pytest.mark.slow)
    return pytest.mark.parametrize("size", [pytest.param(fast, id="fast"), full])


def mean_and_error(values: Sequence[float | None] | Floats) -> tuple[float, float]:
    """The mean of independent values and its standard error."""
    found = np.array(values, dtype=np.float64)
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found)))


def bars_of(returns: Floats, *, seed: int) -> Bars:
    return bars_of_returns(returns, seed=seed, first=FIRST)


def study_of(samples: Samples, *models: str, size: Size, folds: int, **settings: Any) -> Study:
    """A walk-forward of `models`, one rehearsal."""
    plan = BacktestConfig(
        models=models,
        horizons=samples.horizons,
        test_sessions=size.n_tested,
        refit_sessions=size.n_tested // folds,
        rehearsal_sessions=size.n_tested // folds,
    )
    parts = {"hybrid": HybridConfig(members=MEMBERS)} | settings
    return study_of_last(samples, RunConfig(backtest=plan, **parts), plugins=(RIDGE,))


# 1. A random walk: nothing is there to be found.


def judged_walk(
    size: Size, *models: str, momentum: float = 0.0, **settings: Any
) -> tuple[VerdictRow, ...]:
    """The verdict on models where a return repeats `momentum` of the last one."""
    returns = t_walks(size.n_symbols, size.n_sessions, seed=1, momentum=momentum)
    samples = samples_of(bars_of(returns, seed=1))
    models = ("drift", "hs_250", "hs_expanding", *models)
    study = study_of(samples, *models, size=size, folds=2, **settings)
    return verdicts(backtest(study).forecasts)


def by_symbol(rows: Sequence[VerdictRow], model: str, horizon: int) -> list[VerdictRow]:
    """The model's row of each symbol."""
    chosen = [row for row in rows if (row.model, row.horizon_sessions) == (model, horizon)]
    return [row for row in chosen if row.symbol != "*"]


def finds_direction(rows: Sequence[VerdictRow]) -> bool:
    """Whether the error is below that of "no change", or calls beat a coin, by more than luck."""
    mean, error = mean_and_error([row.evidence.relative_mae for row in rows])
    rate, spread = hits(rows)
    return mean < 1 - 2 * error or rate > 0.5 + 2 * spread


def hits(rows: Sequence[VerdictRow]) -> tuple[float, float]:
    """Mean hit rate and its standard error; where a model makes no call it is at even odds."""
    rates = [row.evidence.calls.hits.hit_rate for row in rows]
    return mean_and_error([0.5 if rate is None else rate for rate in rates])


def n_claims(rows: Sequence[VerdictRow]) -> int:
    """How many rows say that the direction of prices can be told."""
    return sum(row.verdict in CLAIMS or row.direction_claim for row in rows)


def drift_cost(size: Size, model: str, horizon: int) -> float:
    """Most that a wrong median should add to the relative error on a walk without drift.

    A median off by m standard deviations of a normal outcome costs f(0) m^2 / E|z| = m^2 / 2. The
    median of n separate outcomes is off by sqrt(pi / 2n), by twice that with bad luck. Log-HAR and
    trees believe in a reward for risk wherever they are. The network believes in the premium that
    it was taught, by survivors: .2 standard deviations of 30 sessions. The hybrid's median lies
    between its members'.
    """
    if model == "hybrid":
        return max(drift_cost(size, member, horizon) for member in MEMBERS)
    if model == "lstm":
        return PREMIUM_COST if horizon == 30 else OVERFIT - 1
    n_learnt = size.n_sessions - size.n_tested - WARMUP_SESSIONS
    median = 2 * np.sqrt(np.pi / 2 / (size.n_symbols * n_learnt / horizon))
    if model in ("loghar", "trees"):
        mean_move = 2 * gamma(3) / (gamma(2.5) * 4) * np.sqrt(3 / np.pi)  # of t5, over its s.d.
        median = RISK_PRICE * np.sqrt(horizon) * mean_move
    return float(median**2 / 2)


@sizes(FAST)
def test_on_a_random_walk_no_model_finds_a_direction(size):
    rows = judged_walk(size, "har", *LEARNERS)
    assert n_claims([row for row in rows if row.symbol == "*"]) == 0
    single = [row for row in rows if row.symbol != "*" and row.verdict not in SILENT]
    assert n_claims(single) <= CLAIM_RATE * len(single)
    for model in ("har", *LEARNERS):
        for horizon in HORIZONS:
            found = by_symbol(rows, model, horizon)
            assert not finds_direction(found)
            rate, spread = hits(found)
            assert rate >= 0.5 - 2 * spread  # a leak upside down is one
            mean, error = mean_and_error([row.evidence.relative_mae for row in found])
            assert mean <= 1 + drift_cost(size, model, horizon) + 2 * error
            assert mean <= OVERFIT or horizon == 30  # where separate outcomes are few


def test_the_same_check_finds_returns_that_repeat():
    hybrid = HybridConfig(members=("garch", "loghar", READER))
    rows = judged_walk(FAST, READER, "hybrid", momentum=0.3, hybrid=hybrid)
    for model in (READER, "hybrid"):
        found = by_symbol(rows, model, 1)
        assert finds_direction(found)
        assert n_claims(found) >= 0.9 * len(found)


# 2. A GARCH process: the truth is the best forecast.


def oracle_skill(size: Size, *models: str, leak: bool = False) -> pl.DataFrame:
    """CRPS skill of each model against the true quantiles, by symbol and horizon."""
    returns, variance = LAW.walks(size.n_symbols, size.n_sessions, seed=1)
    bars = close_only(bars_of(returns, seed=1))
    samples = fed_with_tomorrow(samples_of(bars)) if leak else samples_of(bars)
    study = study_of(samples, *models, size=size, folds=2)
    truth = bars.frame.select("symbol", origin="session", variance=pl.Series(variance.ravel()))
    forecasts = backtest(study).forecasts.drop_nulls("target")
    parts = [
        _losses(part.join(truth, on=["symbol", "origin"]), int(part["horizon_sessions"][0]))
        for part in forecasts.partition_by("horizon_sessions")
    ]
    return (
        pl.concat(parts)
        .group_by("model", "horizon_sessions", "symbol")
        .agg(skill=1 - pl.col("loss").mean() / pl.col("least").mean())
        .sort("model", "horizon_sessions", "symbol")
    )


def _losses(part: pl.DataFrame, horizon: int) -> pl.DataFrame:
    outcome = part["target"].to_numpy()
    true = LAW.quantiles(part["variance"].to_numpy(), horizon=horizon)
    return part.select(
        "model",
        "horizon_sessions",
        "symbol",
        loss=pl.Series(grid_crps(part.select(QUANTILE_COLUMNS).to_numpy(), outcome)),
        least=pl.Series(grid_crps(true, outcome)),
    )


def skill_of(skills: pl.DataFrame, model: str, horizon: int) -> tuple[float, float]:
    """Mean skill against the truth over symbols, and its standard error."""
    chosen = (pl.col("model") == model) & (pl.col("horizon_sessions") == horizon)
    return mean_and_error(skills.filter(chosen)["skill"].to_numpy())


def estimation_cost(size: Size) -> float:
    """About what estimating six parameters costs in CRPS at one session, as a fraction.

    In log score it is k / 2n on average. A volatility off by a fraction d costs a normal forecast
    d^2 there and d^2 / 4 of its CRPS, so k / 8n.
    """
    return 6 / (8 * (size.n_sessions - size.n_tested))


@sizes(FAST)
def test_nobody_beats_the_true_density_and_garch_comes_close(size):
    skills = oracle_skill(size, "hs_250", *LEARNERS)
    for horizon in HORIZONS:
        for model in LEARNERS:
            skill, error = skill_of(skills, model, horizon)
            assert skill <= 2 * error
        skill, error = skill_of(skills, "hs_250", horizon)
        assert skill < -2 * error  # the truth is worth something here
    allowed = 2 * estimation_cost(size)  # maximum likelihood is at its best only in the long run
    skill, error = skill_of(skills, "garch", 1)
    assert skill >= -allowed - 2 * error
    skill, error = skill_of(skills, "hs_250", 1)
    assert skill < -allowed - 2 * error


def test_who_sees_tomorrow_beats_the_true_density_of_today():
    skills = oracle_skill(FAST, "loghar", "trees", leak=True)
    base, error = skill_of(skills, "loghar", 1)
    assert base > 2 * error
    skill, error = skill_of(skills, "trees", 1)
    assert skill - base > 2 * error  # trees sit on log-HAR, and see more of it


# 3. Features of tomorrow: the score must explode.


def reader_study(size: Size, *, momentum: float = 0.0, leak: bool = False) -> Study:
    """One fold, one session ahead, of the model that may read direction."""
    returns = t_walks(size.n_symbols, size.n_sessions, seed=2, momentum=momentum)
    samples = samples_of(bars_of(returns, seed=2), horizons=(1,))
    samples = fed_with_tomorrow(samples) if leak else samples
    return study_of(samples, READER, size=size, folds=1)


@sizes(SHORT)
def test_features_of_tomorrow_explode_the_score_and_are_called_too_good(size):
    leaked, honest = (
        [row for row in verdicts(backtest(study).forecasts) if row.model == READER]
        for study in (reader_study(size, leak=True), reader_study(size))
    )
    assert [row.verdict for row in leaked] == ["TOO GOOD"] * (1 + size.n_symbols)
    for row in leaked:
        relative_mae, hit_rate = row.evidence.relative_mae, row.evidence.calls.hits.hit_rate
        assert relative_mae is not None
        assert hit_rate is not None
        assert relative_mae < 0.5
        assert hit_rate > 0.9
    assert not finds_direction(by_symbol(honest, READER, 1))
    assert "TOO GOOD" not in [row.verdict for row in honest]


# 4. Shuffled targets: what was learnt from them is worth nothing.


def taught_nonsense(study: Study, *, seed: int) -> Study:
    """The study with the targets of all that is learnt from or stopped by permuted."""
    noise = np.random.default_rng(seed)
    folds = [
        replace(fold, train=shuffled(fold.train, noise), valid=shuffled(fold.valid, noise))
        for fold in study.folds
    ]
    return replace(study, folds=tuple(folds))


@sizes(SHORT)
def test_shuffled_targets_teach_nothing_about_returns_that_repeat(size):
    study = reader_study(size, momentum=0.3)
    rows = verdicts(backtest(study).forecasts)
    assert finds_direction(by_symbol(rows, READER, 1))  # there is something to be learnt
    # one fit serves all symbols, which are right or wrong together: permutations are the sample
    walks = [backtest(taught_nonsense(study, seed=seed)) for seed in range(N_PERMUTATIONS)]
    pooled = [row for walk in walks for row in verdicts(walk.forecasts) if row.symbol == "*"]
    nonsense = [row for row in pooled if row.model == READER]
    assert len(nonsense) == N_PERMUTATIONS
    assert not finds_direction(nonsense)
    mean, _ = mean_and_error([row.evidence.relative_mae for row in nonsense])
    assert mean <= OVERFIT  # noise costs something, so no lower bound


def trees_gain(study: Study) -> Floats:
    """How much less trees lose in CRPS than log-HAR, as a fraction, by symbol."""
    frame = backtest(study).forecasts.drop_nulls("target")
    grid = frame.select(QUANTILE_COLUMNS).to_numpy()
    loss = pl.Series("loss", grid_crps(grid, frame["target"].to_numpy()))
    means = frame.with_columns(loss).group_by("model", "symbol").agg(pl.col("loss").mean())
    ours, base = (
        means.filter(pl.col("model") == model).sort("symbol")["loss"].to_numpy()
        for model in ("trees", "loghar")
    )
    return np.asarray(1 - ours / base)


@sizes(SHORT)
def test_shuffled_targets_teach_trees_nothing_about_sizes_that_repeat(size):
    bars = bars_of(t_walks(size.n_symbols, size.n_sessions, seed=2), seed=2)
    samples = with_echo(samples_of(bars, horizons=(1,)), size=3.0)
    study = study_of(samples, "loghar", "trees", size=size, folds=1, trees=EAGER_TREES)
    gain, error = mean_and_error(trees_gain(study))
    assert gain > max(2 * error, 0.02)  # there is something to be learnt
    gains = [
        float(trees_gain(taught_nonsense(study, seed=seed)).mean())
        for seed in range(N_PERMUTATIONS)
    ]
    gain, error = mean_and_error(gains)
    assert 1 - OVERFIT <= gain <= 2 * error
