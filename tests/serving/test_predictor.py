from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nextclose.errors import DataError, LeakError, NotEnoughDataError
from nextclose.schema import FORECAST_SCHEMA, HORIZONS, QUANTILE_COLUMNS, Bars, Finding
from nextclose.serving.bundle import Bundle, write_bundle
from nextclose.serving.predictor import load_bundle, predict, price_table
from tests.builders import until, walk_bars
from tests.serving.bundles import bundle_of

FOLD = 1


@pytest.fixture(scope="module", params=["lstm", "har", "drift", "hs_expanding"])
def served(request, walked, tmp_path_factory) -> Bundle:
    """A bundle of the second fold's fits, written and loaded again."""
    folder = tmp_path_factory.mktemp("bundles") / request.param
    write_bundle(folder, bundle_of(walked, walk_bars(), model=request.param, fold=FOLD))
    return load_bundle(folder)


@pytest.fixture(scope="module")
def lstm(walked) -> Bundle:
    return bundle_of(walked, walk_bars(), fold=FOLD, exchange="XNYS")


def ending(bars: Bars, last: str) -> Bars:
    """The first symbol's bars moved so that the newest is `last` and all others weekdays."""
    frame = bars.frame.filter(pl.col("symbol") == "AAA")
    back = np.arange(1 - frame.height, 1)
    sessions = np.busday_offset(last, back, roll="backward")
    return Bars(frame=frame.with_columns(pl.Series("session", sessions)))


# --- served forecast = backtest forecast ---


def test_a_served_forecast_has_the_bits_of_the_backtest(walked, served):
    keys = ["symbol", "origin", "horizon_sessions"]
    backtest = walked.forecasts.filter(
        pl.col("model") == served.manifest.model, pl.col("fold") == FOLD
    )
    origins = sorted(backtest["origin"].unique())
    n_compared = 0
    for origin in [origins[0], origins[1], origins[20], origins[-1]]:
        made = predict(served, until(walk_bars(), origin))
        fresh = made.filter(pl.col("origin") == origin)  # a symbol may rest on that day
        expected = backtest.filter(pl.col("origin") == origin)
        columns = [*keys, "close", *QUANTILE_COLUMNS]
        assert_frame_equal(
            fresh.select(columns).sort(keys),
            expected.select(columns).sort(keys),
            check_exact=True,
        )
        n_compared += fresh.height
    assert n_compared >= 4 * len(HORIZONS)


def test_the_last_rows_alone_give_the_same_bits(walked, lstm):
    bars = until(walk_bars(), walked.study.folds[2].fitted_at.astype(object))
    needed = lstm.manifest.min_rows
    assert needed == 256 + 70
    few = replace(bars, frame=bars.frame.group_by("symbol", maintain_order=True).tail(needed))
    assert_frame_equal(predict(lstm, few), predict(lstm, bars), check_exact=True)


# --- the frame ---


def test_forecasts_come_in_the_schema_without_targets(lstm):
    made = predict(lstm, walk_bars())
    assert dict(made.schema) == FORECAST_SCHEMA
    assert made["target"].is_null().all()
    assert made.select("symbol", "horizon_sessions").rows() == [
        (symbol, horizon) for symbol in ("AAA", "BBB") for horizon in HORIZONS
    ]
    assert set(made["model"]) == {"lstm"}


def test_each_symbol_is_forecast_from_its_own_newest_bar(lstm):
    bars = walk_bars()
    made = predict(lstm, bars)
    newest = dict(bars.frame.group_by("symbol").agg(pl.col("session").max()).iter_rows())
    assert dict(made.select("symbol", "origin").unique().iter_rows()) == newest
    assert newest["AAA"] != newest["BBB"]


RESOLVES = [  # last bar, exchange, dates 1, 7 and 30 sessions ahead
    ("2012-10-26", "XNYS", ("2012-10-31", "2012-11-08", "2012-12-12")),  # storm, Thanksgiving
    ("2012-10-26", None, ("2012-10-29", "2012-11-06", "2012-12-07")),  # weekdays
    ("2001-09-10", "XNYS", ("2001-09-17", "2001-09-25", "2001-10-26")),
]


@pytest.mark.parametrize(("last", "exchange", "dates"), RESOLVES)
def test_dates_ahead_come_from_the_calendar(lstm, last, exchange, dates):
    early = {"exchange": exchange, "fitted_at": "2001-01-02"}
    manifest = lstm.manifest.model_copy(update=early)
    made = predict(replace(lstm, manifest=manifest), ending(walk_bars(), last))
    assert tuple(str(session) for session in made["resolved"]) == dates


def test_prices_are_closes_times_the_exponential_of_the_quantiles(lstm):
    made = predict(lstm, walk_bars())
    prices = price_table(made)
    assert prices.columns[:6] == [
        "symbol",
        "origin",
        "horizon_sessions",
        "date",
        "close",
        "median",
    ]
    levels = {"median": 0.5, "low_50": 0.25, "high_50": 0.75, "low_80": 0.1, "high_80": 0.9}
    for name, level in {**levels, "low_90": 0.05, "high_90": 0.95}.items():
        expected = made["close"].to_numpy() * np.exp(made[f"q{level:.3f}"].to_numpy())
        np.testing.assert_allclose(prices[name], expected, rtol=1e-14, err_msg=name)
    assert prices["date"].to_list() == made["resolved"].to_list()


# --- refusals ---


def test_an_incomplete_newest_bar_is_refused(lstm):
    note = Finding(
        number=57,
        response="W",
        found="no volume",
        rule="the newest bar is complete",
        symbol="AAA",
        session="2003-09-05",
    )
    with pytest.raises(DataError, match=r"E57 .*AAA 2003-09-05.* Fix: complete that bar"):
        predict(lstm, replace(walk_bars(), findings=(note,)))


def test_a_symbol_with_too_few_rows_is_left_out_and_no_symbol_is_refused(lstm):
    lstm = replace(lstm, manifest=lstm.manifest.model_copy(update={"fitted_at": "2001-01-02"}))
    bars = walk_bars((400, 325))
    assert set(predict(lstm, bars)["symbol"]) == {"AAA"}
    with pytest.raises(NotEnoughDataError) as caught:
        predict(lstm, until(bars, date(2002, 3, 1)))
    assert caught.value.needed == 326
    assert caught.value.found < 326


def test_bars_older_than_what_the_bundle_has_learnt_are_no_forecast(lstm):
    seen = date.fromisoformat(lstm.manifest.fitted_at)
    with pytest.raises(LeakError, match=lstm.manifest.fitted_at):
        predict(lstm, until(walk_bars(), seen - timedelta(days=1)))
    # a symbol that ended before is passed over, the others are forecast
    frame = walk_bars((800, 800)).frame
    ended = (pl.col("symbol") == "BBB") & (pl.col("session") >= seen)
    assert set(predict(lstm, Bars(frame=frame.filter(~ended)))["symbol"]) == {"AAA"}


def test_a_symbol_never_seen_in_training_is_forecast_too(lstm):
    renamed = walk_bars().frame.with_columns(pl.lit("ZZZ").alias("symbol")).head(700)
    made = predict(lstm, Bars(frame=renamed))
    known = predict(lstm, walk_bars()).filter(pl.col("symbol") == "AAA")
    assert_frame_equal(made.drop("symbol"), known.drop("symbol"), check_exact=True)
