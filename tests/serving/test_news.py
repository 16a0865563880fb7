"""A bundle that reads news forecasts as the backtest did with news of its kind, or not at all."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nextclose.config import BacktestConfig, NewsConfig, RunConfig, TreesConfig, parse_config
from nextclose.errors import BundleError, ConfigError
from nextclose.models.loghar.loghar import REACH_SESSIONS
from nextclose.models.state import State
from nextclose.run import backtest
from nextclose.schema import QUANTILE_COLUMNS, Bars, News
from nextclose.serving.bundle import Bundle, read_bundle
from nextclose.serving.manifest import GOLDEN
from nextclose.serving.predictor import load_bundle, predict
from nextclose.training import train
from tests.builders import until, walk_bars
from tests.serving.bundles import forged, rewritten

BARS = walk_bars((REACH_SESSIONS + 279, REACH_SESSIONS + 178))  # that end about together
SESSIONS = BARS.frame["session"].unique().sort()
FITTED_AT, LATER = SESSIONS[-60], SESSIONS[-20]
TREES = TreesConfig(rounds=25, min_child_weight=20.0)
PLAN = BacktestConfig(models=("trees",), test_from=FITTED_AT, refit_sessions=999)
SETTINGS = RunConfig(backtest=PLAN, trees=TREES, news=NewsConfig(half_life_sessions=3.0))


def with_items(bars: Bars, *, scorer: str = "mine") -> Bars:
    """An item every other session that knows the size of the next move."""
    move = pl.col("close").log().diff().shift(-1).over("symbol").abs()
    frame = BARS.frame.select("symbol", "session", (60 * move - 1).clip(-1, 1).alias("score"))
    frame = frame.drop_nulls().gather_every(2)
    return replace(bars, news=News(frame=frame, scorer=scorer, cutoff_minutes=30))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("bundle")
    train(with_items(until(BARS, FITTED_AT)), folder, model="trees", config=SETTINGS)
    return folder


@pytest.fixture(scope="module")
def bundle(folder) -> Bundle:
    return load_bundle(folder)


def test_the_manifest_says_how_it_reads_news_and_what_scored_them(bundle):
    assert bundle.manifest.news == SETTINGS.news
    assert bundle.manifest.scorer == "mine"
    assert bundle.manifest.features[-3:] == ("news_score", "news_count", "has_news")


def test_a_served_forecast_is_the_backtests_to_the_bit_also_from_a_tail(bundle):
    run = backtest(with_items(BARS), config=SETTINGS)
    columns = ["symbol", "horizon_sessions", "close", *QUANTILE_COLUMNS]
    known = until(BARS, LATER)
    tail = Bars(frame=known.frame.group_by("symbol", maintain_order=True).tail(REACH_SESSIONS))
    expected = run.forecasts.filter(pl.col("origin") == LATER, pl.col("model") == "trees").select(
        columns
    )
    assert expected.height >= 3
    for bars in (known, tail):
        made = (
            predict(bundle, with_items(bars))
            .frame.filter(pl.col("origin") == LATER)
            .select(columns)
        )
        assert_frame_equal(made, expected, check_exact=True)
    news = with_items(known).news
    assert news is not None
    calm, wild = (
        predict(bundle, replace(known, news=replace(news, frame=frame))).frame
        for frame in (news.frame.with_columns(score=pl.lit(score)) for score in (-1.0, 1.0))
    )
    assert not calm.equals(wild)  # the news are read


@pytest.mark.parametrize(
    ("bars", "said"),
    [
        (BARS, r"scored by 'mine', and none are given\. Fix: give the same kind by --news FILE"),
        (
            with_items(BARS, scorer="vader"),
            "scored by 'mine', and news scored by 'vader' are given",
        ),
    ],
)
def test_without_news_of_the_same_scorer_there_is_no_forecast(bundle, bars, said):
    with pytest.raises(ConfigError, match=said):
        predict(bundle, bars)


def test_news_read_with_another_cut_off_are_refused(bundle):
    news = with_items(BARS).news
    assert news is not None
    with pytest.raises(ConfigError, match="cut-off of 30 minutes are needed, theirs is 15"):
        predict(bundle, replace(BARS, news=replace(news, cutoff_minutes=15)))


def test_a_bundle_that_reads_none_refuses_news(tmp_path):
    train(until(BARS, FITTED_AT), tmp_path, model="trees", config=SETTINGS)
    plain = load_bundle(tmp_path)
    assert (plain.manifest.news, plain.manifest.scorer) == (None, "")
    with pytest.raises(ConfigError, match="reads no news, and news scored by 'mine' are given"):
        predict(plain, with_items(BARS))


@pytest.mark.parametrize("models", [("naive", "loghar"), ("hybrid",)])
def test_news_that_no_model_would_read_are_refused(models, tmp_path):
    hybrid = SETTINGS.hybrid.model_copy(update={"members": ("garch", "loghar")})
    plan = PLAN.model_copy(update={"models": models})
    config = SETTINGS.model_copy(update={"backtest": plan, "hybrid": hybrid})
    cure = r'\[hybrid\] members = \["garch", "loghar", "trees"\]'
    cure = cure if models == ("hybrid",) else "choose the model trees"
    said = rf"would not read them\. Fix: {cure}, or leave the news out\."
    with pytest.raises(ConfigError, match=said):
        backtest(with_items(BARS), config=config)
    with pytest.raises(ConfigError, match=said):
        train(with_items(BARS), tmp_path, model=models[-1], config=config)


def test_the_cure_for_news_that_the_hybrid_would_not_read_is_one(tmp_path):
    quick = "[backtest]\nrehearsal_sessions = 0\n[trees]\nrounds = 25\n"
    late = BARS.frame.filter(pl.col("session") > SESSIONS[-700])
    bars = with_items(Bars(frame=late))
    with pytest.raises(ConfigError, match="would not read them") as told:
        train(bars, tmp_path, config=parse_config(quick, path="run.toml"))
    cures = re.findall(r"\[(\w+)\] (\w+ = .+?)(?=, or)", str(told.value))
    assert [section for section, _ in cures] == ["hybrid", "lstm"]
    for section, setting in cures:
        text = f"{quick}[{section}]\n{setting}\n"
        manifest = train(bars, tmp_path, config=parse_config(text, path="run.toml"))
        assert manifest.scorer == "mine"


@pytest.mark.parametrize("change", ["other scores", "none", "fewer scores", "other settings"])
def test_a_golden_forecast_without_its_news_is_not_repeated(folder, bundle, change, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    arrays = dict(bundle.golden.arrays)
    if change == "other scores":
        arrays["news_score"] = -arrays["news_score"]
    elif change == "fewer scores":
        arrays["news_score"] = arrays["news_score"][1:]
    elif change == "none":
        del arrays["news_score"]
    else:
        rewritten(tmp_path, news=NewsConfig(half_life_sessions=0.1).model_dump())
    forged(tmp_path, GOLDEN, State(arrays=arrays, facts=bundle.golden.facts))
    with pytest.raises(BundleError):
        load_bundle(tmp_path)
    assert np.isfinite(read_bundle(tmp_path).golden.arrays["quantiles"]).all()
