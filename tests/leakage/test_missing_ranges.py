"""A symbol listed later with other columns changes nothing before, and is forecast as if alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest

from nextclose.backtesting.study import make_study
from nextclose.backtesting.walk_forward import Backtest, backtest
from nextclose.config import BacktestConfig, RunConfig, TreesConfig
from nextclose.features.table import make_table
from nextclose.models.trees.trees import FittedTrees
from nextclose.models.volatility.har import Har
from nextclose.samples.samples import make_samples
from nextclose.schema import QUANTILE_COLUMNS
from nextclose.serving.predictor import load_bundle, predict
from nextclose.training import train
from tests.builders import FAMILIES
from tests.frames import collect_bars
from tests.leakage.artefacts import EDITIONS, leaks, of_backtest
from tests.leakage.worlds import price_file

N, FIRST = 1450, 450  # sessions; the later symbol's first
MODELS = ("garch", "har", "loghar", "trees", "lstm")
CLOSES = ["symbol", "date", "close"]
LATER = "AZZ"  # amid the others in order, so that rows move


def others() -> pl.DataFrame:
    return pl.concat(
        [price_file(name, seed=k, n_rows=N, momentum=0.5) for k, name in enumerate(("AAA", "BBB"))]
    )


def later() -> pl.DataFrame:
    return price_file(LATER, seed=7, n_rows=N, momentum=0.5).slice(FIRST)


def config() -> RunConfig:
    sessions = others()["date"]
    return RunConfig(
        backtest=BacktestConfig(
            models=MODELS, horizons=(1, 7), test_from=sessions[400], refit_sessions=500
        ),
        lstm=EDITIONS,
        trees=TreesConfig(rounds=20, min_child_weight=5.0),
    )


PANELS = {
    "closes": lambda: others().select(CLOSES),
    "closes, then a range": lambda: pl.concat([others().select(CLOSES), later()], how="diagonal"),
    "ranges": others,
    "ranges, then closes": lambda: pl.concat([others(), later().select(CLOSES)], how="diagonal"),
}


@cache
def walked(panel: str) -> Backtest:
    bars = collect_bars(PANELS[panel]())
    assert not [finding for finding in bars.findings if finding.response == "E"]
    samples = make_samples(make_table(bars, families=FAMILIES, market=True), horizons=(1, 7))
    return backtest(make_study(samples, config()))


@pytest.mark.parametrize("base", ["closes", "ranges"])
def test_a_symbol_listed_later_with_other_columns_changes_no_forecast_and_no_fit_before(base):
    more = next(name for name in PANELS if name.startswith(base + ","))
    one, two = walked(base), walked(more)
    cut = later()["date"][0]
    made, other = dict(of_backtest(one)), dict(of_backtest(two))
    assert leaks(made, other, at=cut) == []
    for model in MODELS[1:]:  # and what the first fits say of the others never changes
        first, again = (
            run.forecasts.filter(pl.col("model") == model, pl.col("fold") == 0)
            .filter(pl.col("symbol") != LATER)
            .select("symbol", "origin", "horizon_sessions", *QUANTILE_COLUMNS)
            for run in (one, two)
        )
        assert first.height > 1000
        assert first.equals(again), model


@pytest.mark.parametrize("panel", PANELS)
def test_every_row_has_a_forecast_of_every_model(panel):
    forecasts = walked(panel).forecasts.filter(pl.col("model") != "garch")  # of 1,000 returns on
    assert (
        not forecasts.select(pl.col(QUANTILE_COLUMNS).is_nan().any()).transpose().to_series().any()
    )
    young = walked(panel).unready.select("symbol", "origin").unique()  # too young for some model
    counts = forecasts.join(young, on=["symbol", "origin"], how="anti")
    counts = counts.group_by("model", "symbol").len()
    assert counts.group_by("symbol").agg(pl.col("len").n_unique())["len"].to_list() == [1] * (
        counts["symbol"].n_unique()
    )
    assert (LATER in counts["symbol"]) == ("then" in panel)


def test_ranges_are_read_from_the_fit_on_whose_rows_know_them():
    run = walked("closes, then a range")
    (first,) = run.fits["trees", 0]
    assert isinstance(first, FittedTrees)
    assert first.forests[0].depth > 0
    for fold, knows in ((0, False), (2, True)):
        (trees,) = run.fits["trees", fold]
        assert isinstance(trees, FittedTrees)
        for names in (trees.names, trees.scale.names):
            assert any("range_volatility" in name for name in names) == knows


def test_rows_without_a_range_are_judged_by_weights_that_never_saw_one():
    (fitted,) = walked("ranges, then closes").fits["har", 2]
    (closes,) = walked("closes").fits["har", 0]
    assert isinstance(fitted, Har)
    assert isinstance(closes, Har)
    assert fitted.scale.weights.shape[1] == 12
    assert fitted.scale.rangeless.shape == closes.scale.weights.shape == (2, 8)
    np.testing.assert_array_equal(closes.scale.weights, closes.scale.rangeless)


@pytest.mark.parametrize("model", ["har", "loghar", "trees", "lstm"])
def test_a_symbol_without_ranges_is_served_alone_as_beside_others(model, tmp_path):
    settings = config()
    bars = collect_bars(PANELS["ranges, then closes"]())
    train(bars, tmp_path / "bundle", model=model, config=settings)
    bundle = load_bundle(tmp_path / "bundle")
    together = predict(bundle, bars).frame.filter(pl.col("symbol") == LATER)
    alone = predict(bundle, collect_bars(later().select(CLOSES))).frame
    assert together.height == 2
    assert alone.equals(together)


@pytest.mark.parametrize("model", ["loghar", "trees"])
def test_a_bundle_whose_first_symbol_has_no_range_holds_its_golden_bars(model, tmp_path):
    frame = pl.concat(
        [others().select(CLOSES), later().with_columns(symbol=pl.lit("ZZZ"))], how="diagonal"
    )
    train(collect_bars(frame), tmp_path / "bundle", model=model, config=config())
    assert predict(load_bundle(tmp_path / "bundle"), collect_bars(frame)).frame.height == 6


def test_a_newest_bar_without_its_range_is_forecast():
    frame = others()
    is_last = pl.col("date") == pl.col("date").max()
    lacking = frame.with_columns(
        pl.when(~is_last).then(name).alias(name) for name in ("open", "high", "low", "volume")
    )
    bars = collect_bars(lacking)
    samples = make_samples(make_table(bars, families=FAMILIES, market=True), horizons=(1, 7))
    rows = samples.segments[:, 1] - 1
    for model in ("har", "loghar", "trees", "lstm"):
        (fitted,) = walked("ranges").fits[model, 2]
        grid = fitted.quantiles(samples, rows)
        assert np.isfinite(grid).all(), model
        assert (np.diff(grid, axis=2) > 0).all(), model
