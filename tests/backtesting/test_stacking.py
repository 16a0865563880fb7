from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nextclose.backtesting.forecasts import Forecast
from nextclose.backtesting.stacking import Stack, picked_weights, walk_hybrid
from nextclose.backtesting.study import make_study
from nextclose.backtesting.walk_forward import Backtest, ForecastTask, backtest, forecast
from nextclose.metrics import grid_crps
from nextclose.models.hybrid.hybrid import learnt_weights, weighted_quantiles
from nextclose.models.registry import members_of
from nextclose.samples.samples import Samples
from nextclose.samples.splits import known_at
from nextclose.schema import (
    ABLATION_SCHEMA,
    HORIZONS,
    LEVELS,
    MEDIAN,
    QUANTILE_COLUMNS,
    SEED_SCHEMA,
    WEIGHT_SCHEMA,
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
VARIANTS = {"raw", "equal weights", "picked member", *(f"without {name}" for name in MEMBERS)}

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
    assert_frame_equal(again.weights, walk.weights, check_exact=True)
    assert_frame_equal(again.ablation, walk.ablation, check_exact=True)


@pytest.mark.parametrize("fold", [2, 3, 4, 5])
def test_outcomes_that_resolve_after_a_refit_change_neither_weights_nor_tails(walk, made, fold):
    samples = walk.study.samples
    late = samples.resolved > walk.study.folds[fold].fitted_at
    other = restacked(walk, made, with_outcomes(samples, late))
    one, two = (hybrid_fit(run, fold) for run in (walk, other))
    np.testing.assert_array_equal(one.weights, two.weights)
    np.testing.assert_array_equal(one.calibration.tails, two.calibration.tails)
    np.testing.assert_array_equal(one.calibration.trackers.levels, two.calibration.trackers.levels)
    # the first forecasts of the fold, at the session of the refit
    rows = one_session(walk, fold)
    grids = [issued_grid(made_hybrid, fold, walk)[rows] for made_hybrid in (walk, other)]
    np.testing.assert_array_equal(*grids)


@pytest.mark.parametrize("fold", [3, 4, 5])
def test_outcomes_that_resolve_at_a_refit_or_a_week_before_it_change_its_weights(walk, made, fold):
    samples = walk.study.samples
    fitted_at = walk.study.folds[fold].fitted_at
    week = fitted_at - np.timedelta64(7, "D")
    known = (samples.resolved > week) & (samples.resolved <= fitted_at)
    other = restacked(walk, made, with_outcomes(samples, known))
    one, two = (hybrid_fit(run, fold) for run in (walk, other))
    assert not np.array_equal(one.weights, two.weights)
    one, two = (hybrid_fit(run, fold - 1) for run in (walk, other))
    np.testing.assert_array_equal(one.weights, two.weights)


def issued_grid(run: Backtest | Stack, fold: int, walk: Backtest) -> np.ndarray:
    """What the hybrid issued in a fold, target units."""
    if isinstance(run, Stack):
        return run.issued["hybrid", fold].grid
    rows = walk.study.folds[fold].test_rows
    return hybrid_fit(run, fold).quantiles(walk.study.samples, rows)


def one_session(walk: Backtest, fold: int) -> np.ndarray:
    plan = walk.study.folds[fold]
    return np.flatnonzero(walk.study.samples.origin[plan.test_rows] == plan.fitted_at)


def test_weights_are_learnt_from_what_was_issued_in_all_folds_before(walk, made):
    samples, folds = walk.study.samples, walk.study.folds
    for j in range(6):
        for k in range(3):
            if j == 0:
                expected = np.full(3, 1 / 3)
            else:
                rows = np.concatenate([folds[i].test_rows for i in range(j)])
                grids = np.stack(
                    [np.concatenate([made[m, i].grid[:, k] for i in range(j)]) for m in MEMBERS]
                )
                known = samples.resolved[rows, k] <= folds[j].fitted_at
                target = np.where(known, samples.target[rows, k], np.nan)
                expected = learnt_weights(grids, target, equal_share=0.5)
            np.testing.assert_array_equal(hybrid_fit(walk, j).weights[k], expected)
    assert np.ptp(hybrid_fit(walk, 5).weights[0]) > 0.01  # something was learnt


def test_a_fold_goes_on_from_where_the_one_before_it_left_the_tails(walk, made):
    samples, folds = walk.study.samples, walk.study.folds
    assert hybrid_fit(walk, 0).calibration.trackers.symbols == ()
    for j in range(1, 6):
        before, rows = hybrid_fit(walk, j - 1), folds[j - 1].test_rows
        raw = weighted_quantiles(np.stack([made[m, j - 1].grid for m in MEMBERS]), before.weights)
        then = known_at(samples, samples.origin[rows].max())
        _, left = before.calibration.issued(then, rows, raw)
        found = hybrid_fit(walk, j).calibration.trackers
        for name in ("levels", "waiting_origin", "waiting_horizon", "thresholds"):
            np.testing.assert_array_equal(getattr(found, name), getattr(left, name), err_msg=name)
        # what waits are the outcomes that the fold's last session had not shown
        last = folds[j].fitted_at - np.timedelta64(1, "D")
        assert found.waiting_origin.min() >= (last - np.timedelta64(60, "D")).astype(int)


# --- rehearsals ---


def test_rehearsals_are_forecast_and_fitted_but_not_judged(walk):
    study = walk.study
    assert (study.n_rehearsals, len(study.folds)) == (3, 6)
    assert {fold for name, fold in walk.fits if name == "hybrid"} == set(range(6))
    first = study.folds[3].fitted_at.astype(object)
    for frame in (walk.forecasts, walk.ablation):
        assert frame["origin"].min() == first
    assert sorted(set(walk.forecasts["fold"])) == [0, 1, 2]
    assert walk.weights["fitted_at"].min() == first
    assert {fold for name, fold in walk.fits if name == "naive"} == {3, 4, 5}


def test_members_are_fitted_without_being_asked_for_and_not_shown(walk):
    assert walk.study.config.backtest.models == ("naive", "hybrid")
    assert set(walk.forecasts["model"]) == {"naive", "hybrid"}
    assert {name for name, _ in walk.fits} == {"naive", "hybrid", *MEMBERS}
    assert set(walk.crossings) == {"naive", "hybrid"}


def test_a_study_without_the_hybrid_has_no_rehearsals_and_no_weights():
    samples = samples_of(hybrid_bars())
    config = hybrid_config("ewma", "loghar", models=("naive", "ewma"))
    study = study_of_last(samples, config)
    assert (study.n_rehearsals, len(study.folds), study.hybrid) == (0, 3, None)
    assert members_of(study.models) == {}
    run = backtest(study)
    for frame, schema in (
        (run.seeds, SEED_SCHEMA),
        (run.ablation, ABLATION_SCHEMA),
        (run.weights, WEIGHT_SCHEMA),
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


def test_forecasts_are_the_members_combined_but_for_the_tails(walk, made):
    body = slice(3, 20)
    for j in range(3, 6):
        weights = hybrid_fit(walk, j).weights
        raw = sum(made[m, j].grid * weights[None, :, i, None] for i, m in enumerate(MEMBERS))
        grid = issued_grid(walk, j, walk)
        # each quantile of the body is still there, at its place or beside a tail sorted into it
        off = np.abs(grid[..., None, :] - raw[..., body, None]).min(axis=3)
        assert off.max() < 1e-12
        np.testing.assert_allclose(grid[..., 6:17], raw[..., 6:17], rtol=1e-12, atol=1e-12)
        adapts = hybrid_fit(walk, j).calibration.adapts == 1
        is_moved = (np.abs(grid - raw) > 1e-9).any(axis=2)
        assert is_moved[:, adapts].all()
        assert not is_moved[:, ~adapts].any()
    assert adapts.tolist() == [True, True, True]


def test_until_an_edition_of_the_network_has_ended_the_others_have_its_weight(walk):
    second = walk.study.folds[4].fitted_at
    config = hybrid_config("loghar", "lstm")
    config = config.model_copy(
        update={"lstm": own_editions(str(second - 1))}
    )  # ended the day before
    run = backtest(study_of_last(samples_of(hybrid_bars()), config))
    body = slice(6, 17)
    for j in range(3, 6):
        loghar, lstm = (run.issued[name, j].grid for name in ("loghar", "lstm"))
        grid = issued_grid(run, j, run)[..., body]
        if j == 3:
            assert np.isnan(lstm).all()
            np.testing.assert_allclose(grid, loghar[..., body], rtol=1e-12, atol=1e-12)
        else:
            weights = hybrid_fit(run, j).weights
            np.testing.assert_array_equal(weights, 0.5)  # of what they issued side by side: nothing
            both = (loghar + lstm) / 2
            np.testing.assert_allclose(grid, both[..., body], rtol=1e-12, atol=1e-12)
    lost = run.ablation.filter(variant="without loghar")
    assert lost["origin"].min() == second.astype(object)  # before it nobody would be left
    assert lost["crps"].is_finite().all()


def test_weights_are_one_row_for_each_refit_horizon_and_member(walk):
    assert dict(walk.weights.schema) == WEIGHT_SCHEMA
    assert walk.weights.height == 3 * 3 * 3
    sums = walk.weights.group_by("fitted_at", "horizon_sessions").agg(pl.col("weight").sum())
    np.testing.assert_allclose(sums["weight"], 1.0)
    for j in range(3, 6):
        day = walk.study.folds[j].fitted_at.astype(object)
        own = walk.weights.filter(fitted_at=day)
        assert own["member"].to_list() == [*MEMBERS] * 3
        assert own["horizon_sessions"].to_list() == [h for h in HORIZONS for _ in MEMBERS]
        np.testing.assert_array_equal(
            own["weight"].to_numpy().reshape(3, 3), hybrid_fit(walk, j).weights
        )


# --- ablation ---


def test_the_picked_member_is_the_one_that_had_lost_least():
    target = np.array([1.0, 2.0, 3.0, np.nan])
    members = np.stack([np.tile(v[:, None], len(LEVELS)) for v in (
        np.array([1.0, 2.0, 9.0, 0.0]), np.array([0.0, 1.0, 2.0, 0.0]))])  # fmt: skip

    def picked(outcomes: np.ndarray) -> list[float] | None:
        weights = picked_weights(members, outcomes)
        return None if weights is None else weights.tolist()

    assert picked(target) == [0, 1]  # 6 against 3
    members[0, 2, 4] = np.nan  # without the third row it is 0 against 2
    assert picked(target) == [1, 0]
    assert picked(np.full(4, np.nan)) is None


def variant_grids(walk: Backtest, made: Made, j: int) -> dict[str, np.ndarray]:
    """What the variants would have issued in a fold, target units, by their definitions."""
    samples, folds = walk.study.samples, walk.study.folds
    past = np.concatenate([folds[i].test_rows for i in range(j)])
    known = samples.resolved[past] <= folds[j].fitted_at
    target = np.where(known, samples.target[past], np.nan)
    before = np.stack([np.concatenate([made[m, i].grid for i in range(j)]) for m in MEMBERS])
    now = np.stack([made[m, j].grid for m in MEMBERS])
    grids = {
        "raw": weighted_quantiles(now, hybrid_fit(walk, j).weights),
        "equal weights": now.mean(axis=0),
        "picked member": np.empty_like(now[0]),
    }
    for i, name in enumerate(MEMBERS):
        others = [o for o in range(3) if o != i]
        weights = np.stack(
            [learnt_weights(before[others, :, k], target[:, k], equal_share=0.5) for k in range(3)]
        )
        grids[f"without {name}"] = weighted_quantiles(now[others], weights)
    for k in range(3):
        seen = np.isfinite(target[:, k])
        losses = [grid_crps(b[seen, k], target[seen, k]).mean() for b in before]
        grids["picked member"][:, k] = now[int(np.argmin(losses)), :, k]
    return grids


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
        for variant, grid in variant_grids(walk, made, j).items():
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
                    # the stand-ins of the picked member weigh a millionth
                    np.testing.assert_allclose(
                        found[name], values, rtol=1e-4, atol=1e-6, err_msg=name
                    )


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
            weights = hybrid_fit(walk, j).weights
            own = walk.issued["chancy", j].seeds[seed]
            parts = [made["garch", j].grid, made["loghar", j].grid, own]
            grid = sum(p * weights[None, :, i, None] for i, p in enumerate(parts))
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
