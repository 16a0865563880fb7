from collections import Counter
from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nextclose.backtesting.study import make_study
from nextclose.backtesting.walk_forward import (
    Backtest,
    FitTask,
    ForecastTask,
    backtest,
    fit,
    forecast,
    seed_of,
    serial,
)
from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.models.mixture import mixture_quantiles
from nextclose.models.registry import model_named
from nextclose.models.state import encode_state
from nextclose.schema import (
    FORECAST_SCHEMA,
    HORIZONS,
    LEVELS,
    QUANTILE_COLUMNS,
    SEED_SCHEMA,
    Bars,
)
from tests.builders import (
    hybrid_config,
    samples_of,
    study_of_last,
    tiny_config,
    until,
    walk_bars,
    walk_frame,
)
from tests.plugins import Chancy

BASELINES = ("naive", "drift", "hs_250", "hs_expanding", "ewma", "har")
KEYS = ["symbol", "origin", "horizon_sessions"]


def study_of(lengths=(700, 660), **plan):
    return study_of_last(samples_of(walk_bars(lengths)), tiny_config(**plan))


@pytest.fixture(scope="module")
def seeded() -> Backtest:
    """A walk-forward with a model of two seeds."""
    config = tiny_config(models=("naive", "trees", "chancy"))
    return backtest(study_of_last(samples_of(walk_bars()), config, plugins=(Chancy(),)))


# --- the frame ---


def test_forecasts_are_one_sorted_frame_in_the_schema(walked):
    frame = walked.forecasts
    assert dict(frame.schema) == FORECAST_SCHEMA
    order = ["model", "symbol", "horizon_sessions", "origin"]
    assert_frame_equal(frame, frame.sort(order))
    assert frame.select(order).is_unique().all()
    assert set(frame["model"]) == {*BASELINES, "lstm"}
    grid = frame.select(QUANTILE_COLUMNS).to_numpy()
    assert np.isfinite(grid).all()
    assert (np.diff(grid, axis=1) >= 0).all()


def test_targets_are_the_log_returns_of_the_closes_to_the_bit(walked):
    bars = walk_bars().frame.select("symbol", "session", "close")
    n_known = 0
    for (symbol,), own in walked.forecasts.group_by(["symbol"]):
        prices = bars.filter(pl.col("symbol") == symbol)
        closes = prices["close"].to_numpy()
        place = {session: k for k, session in enumerate(prices["session"])}
        for horizon in HORIZONS:
            rows = own.filter(pl.col("horizon_sessions") == horizon)
            start = np.array([place[origin] for origin in rows["origin"]])
            end = start + horizon
            known = end < len(closes)
            expected = np.log(closes[end[known]] / closes[start[known]])
            np.testing.assert_array_equal(rows["target"].to_numpy()[known], expected)
            np.testing.assert_array_equal(rows["close"].to_numpy(), closes[start])
            resolved = [place[session] for session in rows["resolved"].drop_nulls()]
            assert resolved == end[known].tolist()
            assert rows["target"].null_count() == rows["resolved"].null_count() == (~known).sum()
            n_known += int(known.sum())
    assert n_known > 1000


def test_every_model_forecasts_the_same_origins(walked):
    origins = {
        model: own.select([*KEYS, "fold", "resolved", "close", "target"]).sort(KEYS)
        for (model,), own in walked.forecasts.group_by(["model"])
    }
    for frame in origins.values():
        assert_frame_equal(frame, origins["naive"])
    assert origins["naive"].height > 600


def test_folds_are_those_of_the_study_and_test_what_is_ready(walked):
    samples = walked.study.samples
    ready = samples.ready("stationary")
    assert len(walked.study.folds) == 3  # 120 sessions, refitted every 45
    for fold in walked.study.folds:
        own = walked.forecasts.filter(pl.col("fold") == fold.index, pl.col("model") == "lstm")
        found = set(own.select("symbol", "origin").unique().iter_rows())
        symbols = np.array(samples.table.symbols)[samples.table.symbol[fold.test_rows]]
        sessions = samples.origin[fold.test_rows].astype(object)
        assert found == set(zip(symbols.tolist(), sessions.tolist(), strict=True))
        assert ready[fold.test_rows].all()


def test_test_sessions_count_sessions_of_all_symbols_together(walked):
    sessions = np.unique(samples_of(walk_bars()).origin)
    assert walked.study.folds[0].fitted_at == sessions[-120]


def test_test_from_is_a_date(walked):
    config = tiny_config(test_from=date(2003, 3, 1))  # a Saturday
    study = make_study(walked.study.samples, config)
    assert str(study.folds[0].fitted_at) == "2003-03-03"


def test_no_quantile_had_to_be_sorted(walked):
    assert dict(walked.crossings) == dict.fromkeys((*BASELINES, "lstm"), 0)


# --- what a forecast may know ---


def test_bars_appended_later_change_no_earlier_forecast(walked):
    cut = walked.study.folds[1].fitted_at.astype(object)
    samples = samples_of(until(walk_bars(), cut))
    plan = {"test_from": walked.study.folds[0].fitted_at.astype(object)}
    early = backtest(make_study(samples, tiny_config(**plan))).forecasts
    values = [*KEYS, "model", "fold", "close", *QUANTILE_COLUMNS]
    late = walked.forecasts.filter(pl.col("origin") <= cut)
    assert late.height > 300
    assert_frame_equal(early.select(values), late.select(values), check_exact=True)
    both = early.join(late, on=[*KEYS, "model"], suffix="_late")
    then = both.filter(pl.col("target").is_not_null())
    assert (then["target"] == then["target_late"]).all()
    assert both["target"].null_count() > both["target_late"].null_count()


# --- tasks ---


def test_a_slow_model_can_be_run_in_its_last_folds_only():
    study = study_of(models=("naive", "ewma"), last_folds={"ewma": 2})
    forecasts = backtest(study).forecasts
    folds = {model: sorted(set(own["fold"])) for (model,), own in forecasts.group_by(["model"])}
    assert folds == {"naive": [0, 1, 2], "ewma": [1, 2]}


def test_more_last_folds_than_folds_are_all_of_them():
    study = study_of(models=("ewma",), last_folds={"ewma": 99})
    assert sorted(set(backtest(study).forecasts["fold"])) == [0, 1, 2]


def test_every_fold_model_and_seed_is_fitted_once_the_slowest_first(seeded):
    tasks = []

    def noting(function, study, given):
        tasks.extend(given)
        return serial(function, study, given)

    backtest(seeded.study, mapper=noting)
    fits = [task for task in tasks if isinstance(task, FitTask)]
    assert [(t.model, t.fold, t.seed_index) for t in fits] == [
        *(("trees", fold, 0) for fold in range(3)),
        *(("chancy", fold, seed) for fold in range(3) for seed in range(2)),
        *(("naive", fold, 0) for fold in range(3)),
    ]
    forecasts = [task for task in tasks if isinstance(task, ForecastTask)]
    assert Counter((t.model, len(t.members)) for t in forecasts) == {
        ("trees", 1): 3,
        ("chancy", 2): 3,
        ("naive", 1): 3,
    }


def test_the_order_of_models_changes_no_forecast(walked):
    study = study_of(models=("har", "lstm", "naive"))
    other = backtest(study).forecasts
    same = walked.forecasts.filter(pl.col("model").is_in(["har", "lstm", "naive"]))
    assert_frame_equal(other, same, check_exact=True)


@pytest.mark.parametrize(("model", "seed_index"), [("trees", 0), ("chancy", 1)])
def test_a_fit_depends_on_its_task_alone(seeded, model, seed_index):
    task = FitTask(model=model, fold=1, seed_index=seed_index)
    again = encode_state(fit(seeded.study, task)).arrays
    first = encode_state(seeded.fits[model, 1][seed_index]).arrays
    assert again.keys() == first.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(again[name], array, err_msg=name)


def test_seeds_differ_by_model_fold_and_index_and_by_nothing_else(walked):
    study = walked.study
    seeds = {
        (name, fold.index, index): seed_of(
            model_named(name, study.config), fold, HORIZONS, seed_index=index
        )
        for name in ("lstm", "har")
        for fold in study.folds
        for index in range(3)
    }
    assert len(set(seeds.values())) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds.values())
    again = study_of(models=("lstm",))
    model = model_named("lstm", again.config)
    assert seed_of(model, again.folds[2], HORIZONS, seed_index=1) == seeds["lstm", 2, 1]
    assert seed_of(model, again.folds[2], (1, 7), seed_index=1) != seeds["lstm", 2, 1]


def test_a_fold_without_a_test_row_gives_an_empty_frame(walked):
    study = study_of(models=("naive",))
    nothing = np.zeros(len(study.samples.origin), dtype=bool)
    empty = type(study)(
        samples=study.samples,
        config=study.config,
        folds=(study.folds[0].restricted(nothing), *study.folds[1:]),
    )
    task = ForecastTask(model="naive", fold=0, members=walked.fits["naive", 0])
    result = forecast(empty, task)
    assert result.rows.shape == (0,)
    assert result.grid.shape == (0, 3, len(LEVELS))


class Crossing:
    """A forecaster that mixes up its quantiles at the first of its rows."""

    def quantiles(self, samples, rows):
        grid = np.tile(LEVELS, (len(rows), len(samples.horizons), 1))
        grid[0, 1, :3] = [0.03, 0.01, 0.02]
        return grid


def test_crossing_quantiles_are_sorted_and_counted():
    # method reference value 2: (3, 1, 2) becomes (1, 2, 3), one crossing
    study = study_of(models=("naive",))
    task = ForecastTask(model="naive", fold=0, members=(Crossing(),))
    result = forecast(study, task)
    assert result.crossings == 1
    np.testing.assert_array_equal(result.rows, study.folds[0].test_rows)
    np.testing.assert_allclose(result.grid[0, 1, :3], [0.01, 0.02, 0.03])
    np.testing.assert_allclose(result.grid[1:], np.tile(LEVELS, (len(result.rows) - 1, 3, 1)))


def test_several_seeds_make_one_forecast_and_are_kept_beside_it(seeded):
    study, fits = seeded.study, seeded.fits["chancy", 2]
    one = [
        forecast(study, ForecastTask(model="chancy", fold=2, members=(fitted,))) for fitted in fits
    ]
    both = forecast(study, ForecastTask(model="chancy", fold=2, members=fits))
    assert [each.seeds.shape[0] for each in (*one, both)] == [0, 0, 2]
    np.testing.assert_array_equal(both.seeds, np.stack([each.grid for each in one]))
    np.testing.assert_array_equal(both.grid, mixture_quantiles(both.seeds))


def test_single_seeds_are_scored_on_all_judged_forecasts(seeded):
    seeds = seeded.seeds
    assert dict(seeds.schema) == SEED_SCHEMA
    keys = set(seeds.select("model", "seed").unique().iter_rows())
    assert keys == {("chancy", 0), ("chancy", 1)}
    judged = seeded.forecasts.filter(pl.col("target").is_not_null(), model="chancy")
    counts = judged.group_by("symbol", "horizon_sessions").len().sort("symbol", "horizon_sessions")
    for seed in range(2):
        assert seeds.filter(seed=seed)["forecasts"].to_list() == counts["len"].to_list()
    assert (seeds["crps"] > 0).all()
    assert seeds.filter(seed=0)["crps"].to_list() != seeds.filter(seed=1)["crps"].to_list()


# --- rehearsals ---


@pytest.mark.parametrize(
    ("length", "rehearsals", "expected"),
    # 256 of warm-up, 135 tested: a year of origins stays, then one rehearsal for each 45
    [(900, 3, 3), (900, 0, 0), (256 + 252 + 135 + 90, 3, 2), (256 + 252 + 135 + 89, 3, 1),
     (256 + 252 + 135 + 44, 3, 0)],
)  # fmt: skip
def test_a_year_of_origins_stays_before_the_first_rehearsal(length, rehearsals, expected):
    config = hybrid_config("ewma", "loghar", rehearsal_sessions=45 * rehearsals)
    study = study_of_last(samples_of(walk_bars((length,))), config)
    assert study.n_rehearsals == expected
    tested = study.folds[expected:]
    assert tested[0].fitted_at == np.unique(study.samples.origin)[-135]
    assert [len(fold.test_rows) for fold in study.folds[:expected]] == [45] * expected


@pytest.mark.parametrize("name", ["ewma", "hybrid"])
def test_last_folds_of_the_hybrid_or_a_member_are_refused(name):
    config = hybrid_config("ewma", "loghar", last_folds={name: 1, "naive": 1})
    with pytest.raises(ConfigError, match=f"last_folds: '{name}' is part of the hybrid"):
        make_study(samples_of(walk_bars((900,))), config)


def test_a_long_horizon_leaves_more_before_the_first_rehearsal():
    config = hybrid_config("ewma", "loghar", horizons=(1, 120))
    study = study_of_last(samples_of(walk_bars((256 + 360 + 135 + 44,))), config)
    assert study.n_rehearsals == 0
    study = study_of_last(samples_of(walk_bars((256 + 360 + 135 + 45,))), config)
    assert study.n_rehearsals == 1


def test_a_member_that_is_no_model_for_it_is_refused():
    with pytest.raises(ConfigError, match="'naive' cannot take part") as caught:
        make_study(samples_of(walk_bars((900,))), hybrid_config("ewma", "naive"))
    assert (caught.value.section, caught.value.key) == ("hybrid", "members")


def test_the_hybrid_forecasts_a_symbol_too_short_for_a_fit_of_its_own():
    # garch needs 520 sessions of a symbol: there the others share its weight
    frames = [walk_frame("AAA", seed=0, n=900), walk_frame("BBB", seed=1, n=330, first=560)]
    config = hybrid_config("garch", "loghar", models=("garch", "loghar", "hybrid"))
    run = backtest(make_study(samples_of(Bars(frame=pl.concat(frames))), config))
    short = run.forecasts.filter(symbol="BBB")
    assert set(short["model"]) == {"loghar", "hybrid"}
    variants = run.ablation.filter(symbol="BBB")["variant"].unique().sort().to_list()
    assert variants == ["loghar alone", "raw"]
    assert run.ablation["crps"].is_finite().all()
    assert short.filter(model="hybrid").height == short.filter(model="loghar").height > 0
    assert set(run.forecasts.filter(symbol="AAA")["model"]) == {"garch", "loghar", "hybrid"}


# --- refusals ---


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(ConfigError, match="'lsmt' is not a model; the nearest is 'lstm'") as caught:
        study_of(models=("naive", "lsmt"))
    assert (caught.value.section, caught.value.key) == ("backtest", "models")


def test_one_session_with_enough_history_is_too_few():
    with pytest.raises(NotEnoughDataError, match="1 sessions have the history") as caught:
        make_study(samples_of(walk_bars((60,))), tiny_config(models=("lstm",)))
    assert (caught.value.needed, caught.value.found) == (2, 1)


def test_a_short_history_is_tested_in_its_second_half_and_a_third_stays_to_learn_from():
    for n in range(20, 30):  # sessions that can be forecast from, the first in row 59
        samples = samples_of(walk_bars((59 + n,)))
        study = make_study(samples, tiny_config(models=("lstm",)))
        tested = np.concatenate([fold.test_rows for fold in study.folds])
        assert tested[-1] == 59 + n - 1
        assert 59 + n // 3 <= tested[0] <= 59 + n - n // 2


def test_a_first_session_after_every_origin_with_enough_history_is_refused():
    late = walk_frame("BBB", seed=1, n=30, first=450)
    bars = Bars(frame=pl.concat([walk_frame("AAA", seed=0, n=400), late]))
    config = tiny_config(models=("lstm",), test_from=late["session"][5])
    with pytest.raises(NotEnoughDataError, match=r"no origin from .* a model needs"):
        make_study(samples_of(bars), config)
