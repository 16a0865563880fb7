from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nextclose.backtesting.forecasts import Forecast
from nextclose.backtesting.stacking import Stack, walk_hybrid
from nextclose.backtesting.study import make_study
from nextclose.backtesting.walk_forward import Backtest, ForecastTask, backtest, forecast
from nextclose.metrics import grid_crps
from nextclose.models.hybrid.hybrid import mean_quantiles
from nextclose.models.hybrid.record import Record, no_record, stretched
from nextclose.models.registry import members_of
from nextclose.samples.samples import Samples
from nextclose.samples.splits import known_at
from nextclose.schema import (
    ABLATION_SCHEMA,
    HORIZONS,
    MEDIAN,
    QUANTILE_COLUMNS,
    SEED_SCHEMA,
    Bools,
)
from tests.builders import (
    hybrid_bars,
    hybrid_config,
    hybrid_fit,
    hybrid_walk,
    own_editions,
    samples_of,
    study_of_last,
    tiny_config,
)
from tests.plugins import Chancy

MEMBERS = ("garch", "loghar", "lstm")
VARIANTS = {"raw", *(f"without {name}" for name in MEMBERS)}

Made = Mapping[tuple[str, int], Forecast]


@pytest.fixture(scope="module")
def walk() -> Backtest:
    return hybrid_walk()


@pytest.fixture(scope="module")
def made(walk) -> Made:
    """What the members forecast in every fold, rehearsals included."""
    return {
        (name, fold): forecast(walk.study, ForecastTask(model=name, fold=fold, members=fits))
        for (name, fold), fits in walk.fits.items()
        if name in MEMBERS
    }


def restacked(walk: Backtest, made: Made, samples: Samples) -> Stack:
    """The hybrid of the same members' forecasts on other samples."""
    study = walk.study
    return walk_hybrid(
        samples,
        study.hybrid,
        study.folds,
        fits=walk.fits,
        issued=made,
        n_rehearsals=study.n_rehearsals,
    )


def with_outcomes(samples: Samples, poisoned: Bools) -> Samples:
    """Ten times the outcome, with another sign, where marked. `poisoned`: (row, horizon)."""
    return replace(
        samples,
        outcome=np.where(poisoned, -10 * samples.outcome, samples.outcome),
        target=np.where(poisoned, -10 * samples.target, samples.target),
    )


# --- what it may know ---


def test_stacking_again_gives_the_same(walk, made):
    again = restacked(walk, made, walk.study.samples)
    assert_frame_equal(again.ablation, walk.ablation, check_exact=True)
    for fold in range(6):
        expected = walk.issued["hybrid", fold].grid
        np.testing.assert_array_equal(again.issued["hybrid", fold].grid, expected)


def records_equal(one: Record, two: Record) -> bool:
    return all(np.array_equal(getattr(one, n), getattr(two, n)) for n in Record.__slots__)


@pytest.mark.parametrize("fold", [2, 3, 4, 5])
def test_outcomes_that_resolve_after_a_refit_change_no_record_of_it(walk, made, fold):
    samples = walk.study.samples
    late = samples.resolved > walk.study.folds[fold].fitted_at
    other = restacked(walk, made, with_outcomes(samples, late))
    one, two = (hybrid_fit(run, fold).record for run in (walk, other))
    assert records_equal(one, two)
    # the first forecasts of the fold, at the session of the refit
    rows = one_session(walk, fold)
    grids = [run.issued["hybrid", fold].grid[rows] for run in (walk, other)]
    np.testing.assert_array_equal(*grids)


@pytest.mark.parametrize("fold", [3, 4, 5])
def test_outcomes_that_resolve_by_the_day_before_a_refit_change_its_record(walk, made, fold):
    samples = walk.study.samples
    fitted_at = walk.study.folds[fold].fitted_at
    week = fitted_at - np.timedelta64(7, "D")
    known = (samples.resolved > week) & (samples.resolved < fitted_at)
    other = restacked(walk, made, with_outcomes(samples, known))
    one, two = (hybrid_fit(run, fold).record for run in (walk, other))
    assert not np.array_equal(one.misses, two.misses)
    one, two = (hybrid_fit(run, fold - 1).record for run in (walk, other))
    assert records_equal(one, two)


def one_session(walk: Backtest, fold: int) -> np.ndarray:
    plan = walk.study.folds[fold]
    return np.flatnonzero(walk.study.samples.origin[plan.test_rows] == plan.fitted_at)


def test_a_fold_goes_on_from_where_the_one_before_it_left_the_record(walk, made):
    samples, folds = walk.study.samples, walk.study.folds
    record = no_record(3)
    for j in range(6):
        assert records_equal(hybrid_fit(walk, j).record, record)
        rows = folds[j].test_rows
        raw = mean_quantiles(np.stack([made[m, j].grid for m in MEMBERS]))
        then = known_at(samples, samples.origin[rows].max())
        factors, record = record.moved(then, rows, raw)
        np.testing.assert_array_equal(walk.issued["hybrid", j].grid, stretched(raw, factors))
        # what waits are the outcomes that the symbol's last session had not shown
        assert (record.last[record.waiting_symbol] - record.waiting_origin).max() < 60
    assert record.resolved.min() > 100
    assert np.ptp(factors) > 0.01


# --- rehearsals ---


def test_rehearsals_are_forecast_and_fitted_but_not_judged(walk):
    study = walk.study
    assert (study.n_rehearsals, len(study.folds)) == (3, 6)
    assert {fold for name, fold in walk.fits if name == "hybrid"} == set(range(6))
    first = study.folds[3].fitted_at.astype(object)
    for frame in (walk.forecasts, walk.ablation):
        assert frame["origin"].min() == first
    assert sorted(set(walk.forecasts["fold"])) == [0, 1, 2]
    assert {fold for name, fold in walk.fits if name == "naive"} == {3, 4, 5}


def test_members_are_fitted_without_being_asked_for_and_not_shown(walk):
    assert walk.study.config.backtest.models == ("naive", "hybrid")
    assert set(walk.forecasts["model"]) == {"naive", "hybrid"}
    assert {name for name, _ in walk.fits} == {"naive", "hybrid", *MEMBERS}
    assert set(walk.crossings) == {"naive", "hybrid"}


def test_a_study_without_the_hybrid_has_no_rehearsals_and_no_ablation():
    samples = samples_of(hybrid_bars())
    config = hybrid_config("ewma", "loghar", models=("naive", "ewma"))
    study = study_of_last(samples, config)
    assert (study.n_rehearsals, len(study.folds), study.hybrid) == (0, 3, None)
    assert members_of(study.models) == {}
    run = backtest(study)
    for frame, schema in (
        (run.seeds, SEED_SCHEMA),
        (run.ablation, ABLATION_SCHEMA),
    ):
        assert dict(frame.schema) == schema
        assert frame.height == 0


def test_the_rehearsals_change_no_forecast_of_a_model_that_stands_alone(walk):
    plain = tiny_config(models=("naive", "loghar"), test_sessions=135)
    alone = backtest(make_study(walk.study.samples, plain)).forecasts
    both = hybrid_config("garch", "loghar", models=("naive", "loghar", "hybrid"))
    beside = backtest(make_study(walk.study.samples, both)).forecasts
    assert_frame_equal(beside.filter(pl.col("model") != "hybrid"), alone, check_exact=True)


# --- the frame ---


def test_every_symbol_origin_and_horizon_is_forecast_once(walk):
    frame = walk.forecasts.filter(model="hybrid")
    keys = ["symbol", "origin", "horizon_sessions"]
    assert frame.select(keys).is_unique().all()
    naive = walk.forecasts.filter(model="naive")
    assert_frame_equal(frame.select(keys), naive.select(keys))
    grid = frame.select(QUANTILE_COLUMNS).to_numpy()
    assert np.isfinite(grid).all()
    assert (np.diff(grid, axis=1) >= 0).all()


def test_until_an_edition_of_the_network_has_ended_the_others_forecast_alone(walk):
    second = walk.study.folds[4].fitted_at
    config = hybrid_config("loghar", "lstm")
    # the first ended the day before
    config = config.model_copy(update={"lstm": own_editions(str(second - 1))})
    run = backtest(study_of_last(samples_of(hybrid_bars()), config))
    for j in range(3, 6):
        loghar, lstm = (run.issued[name, j].grid for name in ("loghar", "lstm"))
        median = run.issued["hybrid", j].grid[..., MEDIAN]  # whatever ranges are stretched by
        if j == 3:
            assert np.isnan(lstm).all()
            np.testing.assert_allclose(median, loghar[..., MEDIAN], rtol=1e-12, atol=1e-12)
        else:
            both = (loghar + lstm) / 2
            np.testing.assert_allclose(median, both[..., MEDIAN], rtol=1e-12, atol=1e-12)
    lost = run.ablation.filter(variant="lstm alone")
    assert lost["origin"].min() == second.astype(object)  # before it nobody would be left
    assert lost["crps"].is_finite().all()


# --- ablation ---


def variant_grids(made: Made, j: int) -> dict[str, np.ndarray]:
    """What the variants would have issued in a fold, target units, by their definitions."""
    now = np.stack([made[m, j].grid for m in MEMBERS])
    without = {
        f"without {name}": now[[o for o in range(3) if o != i]].mean(axis=0)
        for i, name in enumerate(MEMBERS)
    }
    return {"raw": now.mean(axis=0), **without}


def test_losses_of_every_variant_are_those_of_its_definition(walk, made):
    assert dict(walk.ablation.schema) == ABLATION_SCHEMA
    assert set(walk.ablation["variant"]) == VARIANTS
    samples = walk.study.samples
    for j in range(3, 6):
        rows = walk.study.folds[j].test_rows
        unit = samples.unit(rows)
        days = [
            samples.origin[rows].min().astype(object),
            samples.origin[rows].max().astype(object),
        ]
        for variant, grid in variant_grids(made, j).items():
            own = walk.ablation.filter(pl.col("origin").is_between(*days), variant=variant)
            for k, horizon in enumerate(HORIZONS):
                y = samples.outcome[rows, k]
                known = np.isfinite(y)
                q = (grid * unit[:, :, None])[known, k]
                found = own.filter(horizon_sessions=horizon)
                assert found["origin"].to_list() == samples.origin[rows][known].tolist()
                low, high = q[:, 2], q[:, 20]
                expected = {
                    "crps": grid_crps(q, y[known]),
                    "absolute_error": np.abs(y[known] - q[:, MEDIAN]),
                    "inside_90": ((low <= y[known]) & (y[known] <= high)) * 1.0,
                    "width_90_pct": 100 * (np.exp(high) - np.exp(low)),
                }
                for name, values in expected.items():
                    np.testing.assert_allclose(found[name], values, rtol=1e-9, err_msg=name)


def test_ablation_is_judged_on_the_origins_of_the_hybrid_itself(walk):
    keys = ["symbol", "origin", "horizon_sessions"]
    answered = walk.forecasts.filter(pl.col("target").is_not_null(), model="hybrid").select(keys)
    for variant in VARIANTS:
        own = walk.ablation.filter(variant=variant).select(keys)
        assert_frame_equal(own.sort(keys), answered.sort(keys))


# --- seeds ---


def test_a_seed_of_the_hybrid_is_that_of_the_members_that_have_one(made):
    config = hybrid_config("garch", "loghar", "chancy")
    walk = backtest(study_of_last(samples_of(hybrid_bars()), config, plugins=(Chancy(),)))
    assert dict(walk.seeds.schema) == SEED_SCHEMA
    assert set(walk.seeds["model"]) == {"hybrid"}
    assert sorted(set(walk.seeds["seed"])) == [0, 1]
    samples = walk.study.samples
    for seed in range(2):
        losses: dict[tuple[str, int], list[float]] = {}
        for j in range(3, 6):
            rows = walk.study.folds[j].test_rows
            own = walk.issued["chancy", j].seeds[seed]
            grid = (made["garch", j].grid + made["loghar", j].grid + own) / 3
            log_grid = grid * samples.unit(rows)[:, :, None]
            for position, row in enumerate(rows):
                symbol = samples.table.symbols[samples.table.symbol[row]]
                for k, horizon in enumerate(HORIZONS):
                    y = samples.outcome[row, k]
                    if np.isfinite(y):
                        loss = grid_crps(log_grid[position, k][None], np.array([y]))[0]
                        losses.setdefault((symbol, horizon), []).append(float(loss))
        scored = walk.seeds.filter(seed=seed)
        assert scored.height == len(losses) == 9
        for row in scored.to_dicts():
            expected = losses[row["symbol"], row["horizon_sessions"]]
            assert row["forecasts"] == len(expected)
            assert row["crps"] == pytest.approx(np.mean(expected), rel=1e-9)


def test_a_hybrid_of_members_without_seeds_has_none(walk):
    assert walk.seeds.height == 0
