"""A bundle of a fine-tuned lstm, which reads columns and news of the user's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import nextclose as nc
from nextclose.config import BacktestConfig, NewsConfig, RunConfig
from nextclose.errors import BundleError, ConfigError
from nextclose.features.columns import Feature, SymbolBars
from nextclose.models.lstm.lstm import FittedLstm
from nextclose.run import Run
from nextclose.schema import QUANTILE_COLUMNS, Bars, Floats, News
from nextclose.serving.bundle import Bundle
from tests.builders import bar_frame, own_editions, until

N, FIT_AT = 640, 560
ISSUED = ["symbol", "origin", "horizon_sessions", "close", *QUANTILE_COLUMNS]


def thousands(bars: SymbolBars) -> Floats:
    """1 where the volume is an even number of thousands."""
    return np.asarray(np.floor(bars.columns["volume"] / 1e3) % 2 == 0, dtype=np.float64)


FEATURES = {"thousands": Feature(thousands, lookback_sessions=1, needs=("volume",))}


def market() -> Bars:
    """Two random walks, with moves three times as large on the day after a headline or a sign."""
    frames, items = [], []
    for k in range(2):
        rng = np.random.default_rng([5, k])
        has_sign, has_news = (rng.random(N) < 0.3 for _ in range(2))
        is_wild = np.append(False, (has_sign | has_news)[:-1])
        returns = 0.012 * np.where(is_wild, 3.0, 1.0) * rng.standard_normal(N)
        frame = bar_frame(f"S{k}", returns, seed=k)
        frame = frame.with_columns(volume=pl.Series(np.where(has_sign, 1_000_000.0, 1_001_000.0)))
        frames.append(frame)
        items.append(frame.filter(pl.Series(has_news)).select("symbol", "session", score=0.5))
    cutoff = NewsConfig().cutoff_minutes
    news = News(frame=pl.concat(items), scorer="own", cutoff_minutes=cutoff)
    return Bars(frame=pl.concat(frames), news=news)


BARS = market()


def fit_day() -> date:
    day: date = BARS.frame["session"].unique().sort()[FIT_AT]
    return day


CONFIG = RunConfig(
    backtest=BacktestConfig(
        models=("lstm",), horizons=(1, 5), refit_sessions=N, test_from=fit_day()
    ),
    lstm=own_editions().model_copy(update={"fine_tune": True}),
    news=NewsConfig(window_sessions=1),
)


@pytest.fixture(scope="module")
def walked() -> Run:
    return nc.backtest(BARS, config=CONFIG, features=FEATURES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A bundle that is trained on what was known on the day of the backtest's fit."""
    folder: Path = tmp_path_factory.mktemp("bundles") / "tuned"
    nc.train(until_day(fit_day()), folder, model="lstm", config=CONFIG, features=FEATURES)
    return folder


@pytest.fixture(scope="module")
def bundle(folder) -> Bundle:
    return nc.load_bundle(folder, features=FEATURES)


def until_day(day: date) -> Bars:
    bars = until(BARS, day)
    assert bars.news is not None
    items = bars.news.frame.filter(pl.col("session") <= day)
    return replace(bars, news=replace(bars.news, frame=items))


def test_the_layer_reads_news_and_own_columns_and_both_count(bundle):
    fitted = bundle.fitted
    assert isinstance(fitted, FittedLstm)
    (layer,) = fitted.own
    assert layer.scaler.names == ("news_score", "news_count", "has_news", "thousands")
    assert layer.shares[0] > 0


def test_a_served_forecast_has_the_bits_of_the_backtest(walked, bundle):
    expected = walked.forecasts.filter(pl.col("model") == "lstm")
    days = sorted(expected["origin"].unique())
    assert days[0] == fit_day()
    for origin in (days[0], days[1], days[40], days[-1]):
        made = nc.predict(bundle, until_day(origin)).frame
        asked = expected.filter(pl.col("origin") == origin)
        assert_frame_equal(
            made.select(ISSUED),
            asked.select(ISSUED).sort("symbol", "horizon_sessions"),
            check_exact=True,
        )


def test_what_news_are_worth_is_measured_without_them(walked):
    assert [part.model for part in walked.news] == ["lstm"] * len(walked.news)
    assert {part.horizon_sessions for part in walked.news} == {1, 5}


def test_the_bundle_needs_its_news_and_columns_again(folder, bundle):
    with pytest.raises(ConfigError, match="reads news scored by 'own', and none are given"):
        nc.predict(bundle, replace(BARS, news=None))
    with pytest.raises(BundleError, match="thousands"):
        nc.load_bundle(folder)
    other = {"thousands": replace(FEATURES["thousands"], values=lambda bars: thousands(bars) + 1)}
    with pytest.raises(BundleError, match="gives other values than it did at training"):
        nc.load_bundle(folder, features=other)


@pytest.mark.parametrize(("fine_tune", "needed"), [(True, 101), (False, 60)])
def test_a_column_that_looks_back_further_than_the_network_needs(tmp_path, fine_tune, needed):
    def far(bars: SymbolBars) -> Floats:
        return np.append(np.full(100, np.nan), bars.close[100:] / bars.close[:-100])

    features = {"far": Feature(far, lookback_sessions=100)}
    lstm = own_editions().model_copy(update={"fine_tune": fine_tune})
    config = RunConfig(backtest=CONFIG.backtest, lstm=lstm)
    bars = replace(until_day(fit_day()), news=None)
    nc.train(bars, tmp_path / "far", model="lstm", config=config, features=features)
    served = nc.load_bundle(tmp_path / "far", features=features)
    assert served.manifest.min_rows == needed
    if fine_tune:  # what it reads is in its golden bars, so another column is found out
        other = {"far": replace(features["far"], values=lambda bars: far(bars) + 1)}
        with pytest.raises(BundleError, match="gives other values than it did at training"):
            nc.load_bundle(tmp_path / "far", features=other)
