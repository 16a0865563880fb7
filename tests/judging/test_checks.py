"""What goes wrong with forecasts is found; honest ones raise nothing."""

from functools import cache

import polars as pl
import pytest

from nextclose import backtest, sample_bars
from nextclose.referee import judge
from nextclose.schema import QUANTILE_COLUMNS
from tests.judging.builders import bars, closes, ranged


def findings(frame, **options):
    judged = judge(frame, bars(), yardsticks=(), **options)
    return {finding.name: finding for finding in judged.grave}


def point(prediction):
    return closes().select("symbol", "origin", prediction.alias("prediction"), pl.lit(1).alias("h"))


def test_yesterdays_price_is_called_so():
    finding = findings(point(pl.col("close")))["lag"]
    assert finding.figures["correlation_with_last_close"] == pytest.approx(1.0)
    assert finding.figures["correlation_with_change"] == 0.0
    assert "is yesterday's price: correlation with the last close 1.000" in finding.sentence


def test_a_tutorials_smoothed_copy_is_called_so_too():
    smoothed = 0.6 * pl.col("close") + 0.4 * pl.col("before")
    assert {"lag", "shifted"} & {*findings(point(smoothed))}


def test_a_copy_of_an_older_price_lags():
    finding = findings(point(pl.col("before")))["shifted"]
    assert finding.figures["sessions_back"] == 1.0
    assert "2 sessions before their target" in finding.sentence


def test_a_forecast_of_the_session_after_its_target_is_found():
    ahead = point(pl.col("later").shift(-1)).drop_nulls()
    assert findings(ahead)["shifted_ahead"].figures["correlation_beyond"] > 0.6


def test_a_leaky_model_is_too_good_to_be_true():
    leaky = point(0.5 * pl.col("close") + 0.5 * pl.col("later"))
    finding = findings(leaky)["too_good"]
    assert finding.figures["r2"] == pytest.approx(0.75, abs=0.02)
    assert finding.figures["hit_rate"] > 0.99
    assert "Look for a leak" in finding.sentence


def test_confidence_of_the_mean_is_not_a_range_of_prices():
    found = findings(ranged(width=0.002))["ranges_of_the_mean"]
    assert found.figures["coverage_90"] < 0.3
    assert "shrink" not in found.sentence
    shrinking = closes().with_columns(
        (0.012 / (1 + pl.int_range(pl.len())).sqrt()).alias("w")
    ).select(
        "symbol", "origin", pl.lit(1).alias("h"), pl.col("close").alias("mean"),
        (pl.col("close") * pl.col("w")).alias("sd"),
    )  # fmt: skip
    assert "shrink with the root of the count" in findings(shrinking)["ranges_of_the_mean"].sentence


def test_direction_from_one_forecast_to_the_next_is_found_where_it_flatters():
    steady = pl.col("later") * 1.03
    found = findings(point(steady))["consecutive_direction"]
    assert found.figures["consecutive"] > 0.95
    assert found.figures["hit_rate"] < 0.7
    assert "consecutive_direction" not in findings(point(pl.col("close")))


def test_an_honest_range_around_the_last_close_raises_nothing():
    assert findings(ranged()) == {}


@cache
def own_run():
    models = ("naive", "ewma", "har", "loghar", "lstm", "hybrid")
    return backtest(sample_bars(), models=models, horizons=1)


HONEST = ("drift", "hs_250", "hs_expanding", "ewma", "har", "garch", "loghar", "lstm", "hybrid")


@pytest.mark.slow
@pytest.mark.parametrize("model", [*HONEST, "loghar, point and sd"])
def test_ten_honest_models_raise_nothing(model):
    name = model.partition(",")[0]
    own = own_run().forecasts.filter(pl.col("model") == name)
    prices = {q: pl.col("close") * pl.col(q).exp() for q in QUANTILE_COLUMNS}
    if name == model:
        shown = [value.alias(q) for q, value in prices.items()]
    else:
        spread = (prices["q0.950"] - prices["q0.050"]) / (2 * 1.645)
        shown = [prices["q0.500"].alias("mean"), spread.alias("sd")]
    frame = own.select("symbol", "origin", pl.lit(1).alias("horizon"), *shown)
    judged = judge({"theirs": frame}, sample_bars(), yardsticks=())
    assert judged.grave == ()


def test_naive_of_ours_is_caught_when_it_is_submitted():
    own = judge(ranged(), bars(), yardsticks=("naive",)).forecasts.filter(model="naive")
    prices = own.select("symbol", "origin", pl.col("close").alias("prediction"))
    judged = judge(prices, bars(), yardsticks=("naive", "hs_250"))
    assert [finding.name for finding in judged.grave] == ["lag"]
