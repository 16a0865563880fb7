"""Forecasts without training: by which network, from which bars, and to the bit like any other."""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import nextclose as nc
from nextclose.backtesting.forecasts import forecast_frame, log_quantiles
from nextclose.config import NewsConfig
from nextclose.errors import ConfigError, DataError, NotEnoughDataError, ServingWarning
from nextclose.features.table import make_table
from nextclose.features.universal import LONG_RUN
from nextclose.models.lstm.editions import editions_at, shipped_editions
from nextclose.models.lstm.lstm import REACH_SESSIONS, FittedLstm
from nextclose.run import Run
from nextclose.samples.samples import make_samples
from nextclose.schema import FORECAST_SCHEMA, HORIZONS, QUANTILE_COLUMNS, Bars, Finding, News
from nextclose.serving.bundle import Bundle
from nextclose.serving.latest_bars import latest_rows
from nextclose.serving.zero_shot import edition_words, reasons_unforecast, zero_shot_forecasts
from tests.builders import own_editions, random_edition, tiny_config, until, walk_bars, walk_frame

EARLY, LATE = random_edition("2000-12-31"), random_edition("2001-09-14", seed=1)
ISSUED = ["symbol", "origin", "horizon_sessions", "model", "close", *QUANTILE_COLUMNS]
DAY = timedelta(days=1)


def of(bars: Bars, symbol: str) -> Bars:
    return Bars(frame=bars.frame.filter(pl.col("symbol") == symbol))


def tail(bars: Bars, n: int) -> Bars:
    return Bars(frame=bars.frame.group_by("symbol", maintain_order=True).tail(n))


def newest(bars: Bars) -> dict[str, date]:
    return dict(bars.frame.group_by("symbol").agg(pl.col("session").max()).iter_rows())


def served() -> Bars:
    """Bars that begin where the first edition that is shipped has ended."""
    first = date.fromisoformat(shipped_editions()[0].until)
    weeks = (first - date(2001, 1, 1)).days // 7 + 1
    bars = walk_bars((90, 80))
    later = pl.col("session") + pl.duration(days=7 * weeks)
    return Bars(frame=bars.frame.with_columns(later.cast(pl.Date)))


def just_after(bars: Bars) -> datetime:
    """An hour at which no bar of theirs is old."""
    return datetime.combine(max(newest(bars).values()) + DAY, datetime.min.time(), tzinfo=UTC)


# --- the frame ---


def test_forecasts_come_in_the_schema_without_targets():
    bars = walk_bars((90, 80))
    made = zero_shot_forecasts(bars, editions=[EARLY])
    assert dict(made.schema) == FORECAST_SCHEMA
    assert made.select("symbol", "horizon_sessions").rows() == [
        (symbol, horizon) for symbol in ("AAA", "BBB") for horizon in HORIZONS
    ]
    assert set(made["model"]) == {"lstm"}
    assert made["target"].is_null().all()
    assert made["resolved"].is_not_null().all()
    assert dict(made.select("symbol", "origin").unique().iter_rows()) == newest(bars)
    quantiles = made.select(QUANTILE_COLUMNS).to_numpy()
    assert (np.diff(quantiles, axis=1) > 0).all()


# --- the bits of a backtest and of a bundle ---


@pytest.fixture(scope="module")
def walked() -> Run:
    """Two symbols of 150 sessions; before the second of three refits another edition has ended."""
    config = tiny_config(models=("lstm",), test_sessions=45, refit_sessions=15)
    plan = config.backtest.model_copy(update={"test_from": date(2001, 6, 4)})
    lstm = own_editions("2000-12-31", "2001-06-24")  # a Sunday
    return nc.backtest(
        walk_bars((150, 140)), config=config.model_copy(update={"backtest": plan, "lstm": lstm})
    )


def test_a_forecast_has_the_bits_of_a_backtest_at_the_same_origin(walked):
    fits = [str(fold.fitted_at) for fold in walked.backtest.study.folds]
    assert fits[:2] == ["2001-06-04", "2001-06-25"]
    editions = editions_at(walked.config.lstm.editions)
    n_compared = 0
    for origin in sorted(walked.forecasts["origin"].unique())[::4]:
        then = until(walked.bars, origin)
        made = zero_shot_forecasts(replace(then, findings=()), editions=editions)
        fresh = made.filter(pl.col("origin") == origin).select(ISSUED)  # one may rest on that day
        asked = walked.forecasts.filter(pl.col("model") == "lstm", pl.col("origin") == origin)
        assert_frame_equal(
            fresh, asked.select(ISSUED).sort("symbol", "horizon_sessions"), check_exact=True
        )
        n_compared += fresh.height
    assert n_compared >= 8 * len(HORIZONS)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    """A bundle of lstm, trained on bars that the editions shipped may forecast."""
    folder = tmp_path_factory.mktemp("bundles") / "lstm"
    nc.train(served(), folder, model="lstm")
    return nc.load_bundle(folder)


def test_a_bundle_of_lstm_says_what_is_said_without_one(bundle):
    bars = served()
    last = max(newest(bars).values())
    same = Bars(frame=bars.frame.filter(pl.col("session").max().over("symbol") == last))
    now = just_after(bars)
    made = nc.predict(same, now=now).frame
    assert made.height == len(HORIZONS)
    assert_frame_equal(made, nc.predict(bundle, same, now=now).frame, check_exact=True)


def test_other_symbols_change_no_bit():
    bars = walk_bars((90, 120, 70))
    together = zero_shot_forecasts(bars, editions=[EARLY])
    for symbol in bars.symbols:
        alone = zero_shot_forecasts(of(bars, symbol), editions=[EARLY])
        assert_frame_equal(alone, together.filter(pl.col("symbol") == symbol), check_exact=True)


def every_day(n: int, last: date) -> Bars:
    """A market without weekends."""
    days = pl.date_range(last - (n - 1) * DAY, last, eager=True).alias("session")
    return Bars(frame=walk_frame("AAA", seed=3, n=n).with_columns(days))


def test_bars_from_before_the_reach_of_the_network_change_no_bit():
    last = date(2010, 2, 7)  # a Sunday, 161 whole quarters after one: no chain is longer
    assert (last - date(1969, 12, 28)).days % 91 == 0
    bars = every_day(REACH_SESSIONS + 200, last)
    whole = make_samples(make_table(bars, families=("universal",)))
    fitted = FittedLstm(edition=EARLY.until, networks=(EARLY.network,))
    rows = latest_rows(whole)
    grid, _ = log_quantiles(fitted, whole, rows)
    expected = forecast_frame(whole, rows, grid, model="lstm", fold=0).select(ISSUED)
    for given in (bars, tail(bars, REACH_SESSIONS)):
        made = zero_shot_forecasts(given, editions=[EARLY]).select(ISSUED)
        assert_frame_equal(made, expected, check_exact=True)
    fewer = zero_shot_forecasts(tail(bars, LONG_RUN), editions=[EARLY])
    assert not fewer.select(ISSUED).equals(expected)


# --- by which edition ---


def test_each_symbol_is_forecast_by_the_newest_edition_that_ended_before_its_newest_bar():
    bars = walk_bars((200, 190))
    ends = {"AAA": date(2001, 9, 14), "BBB": date(2001, 9, 17)}  # Friday, that of LATE, and Monday
    cut = [of(until(bars, last), symbol).frame for symbol, last in ends.items()]
    bars = Bars(frame=pl.concat(cut))
    assert newest(bars) == ends
    made = zero_shot_forecasts(bars, editions=[EARLY, LATE])
    early = zero_shot_forecasts(of(bars, "AAA"), editions=[EARLY])
    late = zero_shot_forecasts(of(bars, "BBB"), editions=[LATE])
    assert_frame_equal(made, pl.concat([early, late]), check_exact=True)
    assert not late.equals(zero_shot_forecasts(of(bars, "BBB"), editions=[EARLY]))
    assert edition_words(made, [EARLY, LATE]).count("up to 2000-12-31 and 2001-09-14 and with") == 1
    own = made.filter(pl.col("symbol") == "BBB")
    assert "up to 2001-09-14 and with" in edition_words(own, [EARLY, LATE])


def test_bars_that_all_end_before_the_first_edition_are_refused_with_a_cure():
    with pytest.raises(NotEnoughDataError, match=r"up to 2001-09-14.* Fix: give later bars\."):
        zero_shot_forecasts(walk_bars((90, 80)), editions=[LATE])


def test_a_symbol_that_ends_before_the_first_edition_is_left_out_and_named():
    bars = walk_bars((90, 250))
    made = zero_shot_forecasts(bars, editions=[LATE])
    assert set(made["symbol"]) == {"BBB"}
    last = newest(bars)["AAA"]
    assert reasons_unforecast(bars, made, [LATE]) == {
        "AAA": f"its bars end {last}, the network was taught up to 2001-09-14"
    }


# --- refusals ---


def test_sixty_sessions_are_enough_and_one_less_says_how_many_are_needed():
    bars = Bars(frame=walk_frame("AAA", seed=1, n=60))
    made = zero_shot_forecasts(bars, editions=[EARLY])
    assert made.height == len(HORIZONS)
    assert np.isfinite(made.select(QUANTILE_COLUMNS).to_numpy()).all()
    with pytest.raises(NotEnoughDataError, match=r"59 sessions.*at least 60") as caught:
        zero_shot_forecasts(tail(bars, 59), editions=[EARLY])
    assert (caught.value.needed, caught.value.found) == (60, 59)


def test_a_symbol_of_59_sessions_beside_others_is_left_out_and_named():
    bars = walk_bars((60, 59))
    made = zero_shot_forecasts(bars, editions=[EARLY])
    assert set(made["symbol"]) == {"AAA"}
    assert reasons_unforecast(bars, made, [EARLY]) == {"BBB": "59 bars, 60 needed"}


def test_only_the_sessions_since_the_last_break_count():
    frame = walk_frame("AAA", seed=1, n=200)
    parts = pl.Series("segment", [0] * 141 + [1] * 59, dtype=pl.Int32)
    with pytest.raises(NotEnoughDataError) as caught:
        zero_shot_forecasts(Bars(frame=frame.with_columns(parts)), editions=[EARLY])
    assert (caught.value.needed, caught.value.found) == (60, 59)
    parts = pl.Series("segment", [0] * 140 + [1] * 60, dtype=pl.Int32)
    made = zero_shot_forecasts(Bars(frame=frame.with_columns(parts)), editions=[EARLY])
    alone = zero_shot_forecasts(Bars(frame=frame.tail(60)), editions=[EARLY])
    assert_frame_equal(made, alone, check_exact=True)


@pytest.mark.parametrize("horizons", [(64,), (1, 500), (0,), (-1, 7), (), (7, 1), (7, 7), (1.5,)])
def test_horizons_that_were_not_taught_or_are_none_are_refused(horizons):
    with pytest.raises(ConfigError) as caught:
        zero_shot_forecasts(walk_bars((90,)), horizons=horizons, editions=[EARLY])
    assert caught.value.exit_code == 2
    with pytest.raises(ConfigError):
        nc.predict(served(), horizons=horizons)


def test_every_horizon_up_to_63_sessions_is_forecast():
    made = zero_shot_forecasts(walk_bars((90,)), horizons=(1, 4, 63), editions=[EARLY])
    assert made["horizon_sessions"].to_list() == [1, 4, 63]
    with pytest.raises(ConfigError, match=r"64 sessions ahead.*1 to 63 can be forecast"):
        zero_shot_forecasts(walk_bars((90,)), horizons=(1, 64), editions=[EARLY])


def test_an_incomplete_newest_bar_is_refused():
    note = Finding(
        number=57, response="W", found="no volume", rule="complete", symbol="AAA", session="today"
    )
    with pytest.raises(DataError, match=r"E57 .*AAA today.* Fix: complete that bar"):
        nc.predict(replace(served(), findings=(note,)))


def test_news_are_refused_rather_than_passed_over():
    items = pl.DataFrame(
        {"symbol": ["AAA"], "session": [date(2001, 3, 1)], "score": [0.5]},
    )
    news = News(frame=items, scorer="own", cutoff_minutes=NewsConfig().cutoff_minutes)
    with pytest.raises(ConfigError, match=r"reads none.* Fix: leave them out"):
        nc.predict(replace(served(), news=news))


# --- predict, with a bundle and without ---


def test_bars_may_be_given_by_place_or_by_name():
    bars = served()
    now = just_after(bars)
    expected = zero_shot_forecasts(bars)
    assert_frame_equal(nc.predict(bars, now=now).frame, expected, check_exact=True)
    assert_frame_equal(nc.predict(bars=bars, now=now).frame, expected, check_exact=True)
    assert_frame_equal(
        nc.predict(bars, horizons=7, now=now).frame,
        expected.filter(pl.col("horizon_sessions") == 7),
        check_exact=True,
    )


predict: Any = nc.predict  # given what no type checker would let pass


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda _: predict(), "bars is NoneType. Fix: read prices with load_bars"),
        (lambda own: predict(own), "bars is NoneType. Fix: read prices with load_bars"),
        (lambda _: predict("prices/"), "bars is str. Fix: read prices with load_bars"),
        (lambda _: predict("bundles/mine", served()), "or give bars alone"),
        (lambda _: predict(3), r"bars is int. Fix: read prices with load_bars\(PATH\) first"),
        (lambda _: predict(served(), horizons="7"), "horizons is str"),
        (lambda own: predict(own, served(), horizons=(1, 5)), "forecasts 1, 7, 30 sessions"),
        (lambda own: predict(own, served(), horizons=()), "forecasts 1, 7, 30 sessions"),
    ],
)
def test_what_predict_cannot_use_is_refused_in_our_words(bundle, call, said):
    with pytest.raises(ConfigError, match=said):
        call(bundle)


def test_a_bundle_may_be_asked_for_the_horizons_that_are_its_own(bundle):
    now = just_after(served())
    asked = nc.predict(bundle, served(), horizons=HORIZONS, now=now).frame
    assert_frame_equal(asked, nc.predict(bundle, served(), now=now).frame, check_exact=True)


def test_bars_that_are_old_are_told():
    bars = tail(served(), 60)
    one = of(bars, "AAA")
    with pytest.warns(ServingWarning, match=f"W81: found 1 symbol: AAA {newest(one)['AAA']}"):
        nc.predict(one, now=just_after(bars) + 7 * DAY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nc.predict(one, now=just_after(one))
