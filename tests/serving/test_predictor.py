from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nextclose.backtesting.forecasts import forecast_frame, log_quantiles
from nextclose.config import DataConfig
from nextclose.errors import DataError, LeakError, NotEnoughDataError
from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.models.loghar.loghar import LogHar
from nextclose.schema import FORECAST_SCHEMA, HORIZONS, QUANTILE_COLUMNS, Bars, Finding
from nextclose.serving.bundle import Bundle, write_bundle
from nextclose.serving.golden import samples_for
from nextclose.serving.predictor import (
    forecasts_of,
    load_bundle,
    predict,
    reasons_without,
)
from tests.builders import hybrid_bars, hybrid_walk, until, walk_bars
from tests.serving.bundles import LATE, MEMBERS, bundle_of, late_bundle

FOLD = 1


@pytest.fixture(scope="module", params=["lstm", "har", "ewma"])
def served(request, walked, tmp_path_factory) -> Bundle:
    """A bundle of the second fold's fits, written and loaded again."""
    folder = tmp_path_factory.mktemp("bundles") / request.param
    write_bundle(folder, bundle_of(walked, walk_bars(), model=request.param, fold=FOLD))
    return load_bundle(folder)


@pytest.fixture(scope="module")
def har(walked) -> Bundle:
    return bundle_of(walked, walk_bars(), fold=FOLD, calendar="XNYS")


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
        made = predict(served, until(walk_bars(), origin)).frame
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


def test_the_last_rows_alone_give_the_same_bits(walked, har):
    bars = until(walk_bars(), walked.study.folds[2].fitted_at.astype(object))
    needed = har.manifest.min_rows
    assert needed == 257
    few = replace(bars, frame=bars.frame.group_by("symbol", maintain_order=True).tail(needed))
    assert_frame_equal(predict(har, few).frame, predict(har, bars).frame, check_exact=True)


# --- the frame ---


def test_forecasts_come_in_the_schema_without_targets(har):
    made = predict(har, walk_bars()).frame
    assert dict(made.schema) == FORECAST_SCHEMA
    assert made["target"].is_null().all()
    assert made.select("symbol", "horizon_sessions").rows() == [
        (symbol, horizon) for symbol in ("AAA", "BBB") for horizon in HORIZONS
    ]
    assert set(made["model"]) == {"har"}


def test_each_symbol_is_forecast_from_its_own_newest_bar(har):
    bars = walk_bars()
    made = predict(har, bars).frame
    newest = dict(bars.frame.group_by("symbol").agg(pl.col("session").max()).iter_rows())
    assert dict(made.select("symbol", "origin").unique().iter_rows()) == newest
    assert newest["AAA"] != newest["BBB"]


RESOLVES = [  # last bar, calendar, dates 1, 7 and 30 sessions ahead
    ("2012-10-26", "XNYS", ("2012-10-31", "2012-11-08", "2012-12-12")),  # storm, Thanksgiving
    ("2012-10-26", "weekdays", ("2012-10-29", "2012-11-06", "2012-12-07")),  # weekdays
    ("2001-09-10", "XNYS", ("2001-09-17", "2001-09-25", "2001-10-26")),
]


@pytest.mark.parametrize(("last", "calendar", "dates"), RESOLVES)
def test_dates_ahead_come_from_the_calendar(har, last, calendar, dates):
    early = {"data": DataConfig(calendar=calendar), "fitted_at": "2001-01-02"}
    manifest = har.manifest.model_copy(update=early)
    made = forecasts_of(replace(har, manifest=manifest), ending(walk_bars(), last))
    assert tuple(str(session) for session in made["resolved"]) == dates


def test_prices_are_closes_times_the_exponential_of_the_quantiles(har):
    forecasts = predict(har, walk_bars())
    made, prices = forecasts.frame, forecasts.prices
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


def test_an_incomplete_newest_bar_is_refused(har):
    note = Finding(
        number=57,
        response="W",
        found="no volume",
        rule="the newest bar is complete",
        symbol="AAA",
        session="2003-09-05",
    )
    with pytest.raises(DataError, match=r"E57 .*AAA 2003-09-05.* Fix: complete that bar"):
        predict(har, replace(walk_bars(), findings=(note,)))


def test_a_symbol_with_too_few_rows_is_left_out_and_no_symbol_is_refused(har):
    har = replace(har, manifest=har.manifest.model_copy(update={"fitted_at": "2001-01-02"}))
    bars = walk_bars((400, 256))
    assert set(forecasts_of(har, bars)["symbol"]) == {"AAA"}
    with pytest.raises(NotEnoughDataError) as caught:
        predict(har, until(bars, date(2001, 12, 3)))
    assert caught.value.needed == 257
    assert caught.value.found < 257


def test_bars_older_than_what_the_bundle_has_learnt_are_no_forecast(har):
    seen = date.fromisoformat(har.manifest.fitted_at)
    with pytest.raises(LeakError, match=har.manifest.fitted_at):
        predict(har, until(walk_bars(), seen - timedelta(days=1)))
    # a symbol that ended before is passed over, the others are forecast
    frame = walk_bars((800, 800)).frame
    ended = (pl.col("symbol") == "BBB") & (pl.col("session") >= seen)
    assert set(predict(har, Bars(frame=frame.filter(~ended))).frame["symbol"]) == {"AAA"}


def test_a_symbol_that_a_model_does_not_know_is_told_so_where_none_goes_on_from_the_fit(har):
    bars, fit = walk_bars(), date.fromisoformat(har.manifest.fitted_at)
    is_early = (pl.col("symbol") == "BBB") & (pl.col("session") < fit)
    late = Bars(frame=bars.frame.filter(~is_early))
    made = predict(har, bars).frame.filter(pl.col("symbol") == "AAA")
    later = replace(har, manifest=har.manifest.model_copy(update={"min_rows": 60}))
    told = {"BBB": "the model was not fitted to it; train again"}
    assert reasons_without(later, late, made) == told


def test_a_symbol_never_seen_in_training_is_forecast_without_a_width_of_its_own():
    loghar = late_bundle("loghar")
    own = hybrid_bars().frame.filter(pl.col("symbol") == "AAA")
    renamed = own.with_columns(pl.lit("ZZZ").alias("symbol"))
    made = predict(loghar, Bars(frame=renamed)).frame
    known = predict(loghar, Bars(frame=own)).frame
    assert not made.drop("symbol").equals(known.drop("symbol"))
    fitted = loghar.fitted
    assert isinstance(fitted, LogHar)
    none = replace(fitted.scale, symbols=(), widths=np.empty((0, 3)))
    blind = replace(fitted, scale=none)
    expected = predict(replace(loghar, fitted=blind), Bars(frame=own)).frame
    assert_frame_equal(made.drop("symbol"), expected.drop("symbol"), check_exact=True)


# --- models that go on from the day of their fit, and a hybrid of them ---


KEYS = ["symbol", "origin", "horizon_sessions"]
ISSUED = [*KEYS, "close", *QUANTILE_COLUMNS]


@pytest.fixture(scope="module", params=["garch", "hybrid"])
def replayed(request, tmp_path_factory) -> Bundle:
    """A bundle of the last fold, written and loaded again; its hybrid holds networks and trees."""
    folder = tmp_path_factory.mktemp("bundles") / request.param
    write_bundle(folder, late_bundle(request.param))
    return load_bundle(folder)


def issued_in_the_backtest(bundle: Bundle) -> pl.DataFrame:
    """All forecasts of the last fold, made at once."""
    walk = hybrid_walk(*MEMBERS)
    if bundle.manifest.model == "hybrid":
        last = pl.col("fold") == walk.forecasts["fold"].max()
        return walk.forecasts.filter(last, pl.col("model") == "hybrid").select(ISSUED)
    samples, rows = walk.study.samples, walk.study.folds[LATE].test_rows
    (fitted,) = walk.fits["garch", LATE]
    grid, _ = log_quantiles(fitted, samples, rows)
    return forecast_frame(samples, rows, grid, model="garch", fold=0).select(ISSUED)


def moved(bundle: Bundle, bars: Bars) -> Bundle:
    """The bundle with a record that holds what was forecast up to the end of these bars."""
    if not isinstance(bundle.fitted, FittedHybrid):
        return bundle
    samples = samples_for(bars, bundle.manifest)
    return replace(bundle, fitted=bundle.fitted.moved_on(samples))


def fit_of(bundle: Bundle) -> date:
    return date.fromisoformat(bundle.manifest.fitted_at)


def tails(bundle: Bundle, bars: Bars, *, needed: int) -> Bars:
    """Of each symbol the last `needed` bars up to the fit, and all after it."""
    early = pl.col("session") <= fit_of(bundle)
    kept = bars.frame.filter(early).group_by("symbol", maintain_order=True).tail(needed)
    return Bars(frame=pl.concat([kept, bars.frame.filter(~early)]).sort("symbol", "session"))


def test_served_one_day_at_a_time_it_has_the_bits_of_the_backtest(replayed):
    whole = hybrid_bars()
    given = [whole]
    if replayed.manifest.model == "garch":  # the hybrid's network reads ten years
        given.append(tails(replayed, whole, needed=replayed.manifest.min_rows))
    expected = issued_in_the_backtest(replayed)
    assert expected["origin"].n_unique() >= 45
    for origin in sorted(expected["origin"].unique())[::4]:
        issued = expected.filter(pl.col("origin") == origin).sort(KEYS)
        assert issued.height > 0
        for bars in given:
            known = until(bars, origin)
            made = predict(moved(replayed, known), known).frame.filter(pl.col("origin") == origin)
            assert_frame_equal(made.select(ISSUED).sort(KEYS), issued, check_exact=True)


def test_bars_older_than_what_a_record_holds_are_no_forecast():
    bundle, bars = late_bundle("hybrid"), hybrid_bars()
    sessions = dict(bars.frame.group_by("symbol").agg(pl.col("session").sort()).iter_rows())
    is_early = (pl.col("symbol") == "BBB") & (pl.col("session") > sessions["BBB"][-3])
    late = moved(bundle, bars)
    early = Bars(frame=bars.frame.filter(~is_early))
    made = predict(late, early).frame
    others = pl.col("symbol") != "BBB"
    assert_frame_equal(made, predict(late, bars).frame.filter(others), check_exact=True)
    assert reasons_without(late, early, made) == {
        "BBB": f"its bars end {sessions['BBB'][-3]}, its past forecasts are known up to "
        f"{sessions['BBB'][-1]}"
    }
    old = until(bars, min(days[-1] for days in sessions.values()) - timedelta(days=1))
    newest = dict(old.frame.group_by("symbol").agg(pl.col("session").max()).iter_rows())
    symbol = max(newest, key=lambda name: newest[name])
    with pytest.raises(LeakError) as caught:
        predict(late, old)
    assert caught.value.used_at == str(newest[symbol])
    assert caught.value.known_at == str(sessions[symbol][-1])
    assert predict(bundle, old).frame.height == 9  # with the record of its fit


def test_the_order_and_company_of_symbols_change_no_bit(replayed):
    bars = hybrid_bars()
    together = predict(replayed, bars).frame
    for symbol in bars.symbols:
        alone = predict(replayed, Bars(frame=bars.frame.filter(pl.col("symbol") == symbol))).frame
        own = together.filter(pl.col("symbol") == symbol)
        assert_frame_equal(alone, own, check_exact=True)


def test_a_symbol_that_does_not_reach_back_to_the_fit_is_left_out(replayed):
    needed = replayed.manifest.min_rows
    short = tails(replayed, hybrid_bars(), needed=needed - 1).frame
    own = pl.col("symbol") == "BBB"
    mixed = Bars(frame=pl.concat([hybrid_bars().frame.filter(~own), short.filter(own)]))
    mixed = replace(mixed, frame=mixed.frame.sort("symbol", "session"))
    assert mixed.frame.filter(own).height >= needed  # it has the rows, but too late ones
    made = predict(replayed, mixed).frame
    whole = predict(replayed, hybrid_bars()).frame.filter(~own)
    assert_frame_equal(made, whole, check_exact=True)
    with pytest.raises(NotEnoughDataError, match="Fix: give bars that begin earlier") as caught:
        predict(replayed, Bars(frame=short))
    assert (caught.value.needed, caught.value.found) == (needed, needed - 1)


def test_a_symbol_that_ended_before_the_fit_gets_none(replayed):
    ended = (pl.col("symbol") == "BBB") & (pl.col("session") >= fit_of(replayed))
    bars = hybrid_bars()
    made = predict(replayed, Bars(frame=bars.frame.filter(~ended))).frame
    whole = predict(replayed, bars).frame.filter(pl.col("symbol") != "BBB")
    assert_frame_equal(made, whole, check_exact=True)


def test_a_symbol_that_is_new_since_the_fit_is_forecast_by_those_who_can(replayed):
    old = hybrid_bars().frame
    new = old.filter(pl.col("symbol") == "AAA").with_columns(pl.lit("NEW").alias("symbol"))
    made = predict(replayed, Bars(frame=pl.concat([old, new]))).frame
    assert_frame_equal(
        made.filter(pl.col("symbol") != "NEW"),
        predict(replayed, hybrid_bars()).frame,
        check_exact=True,
    )
    found = made.filter(pl.col("symbol") == "NEW")
    # garch has no filter for it; in the hybrid the others share its weight
    assert found.height == (0 if replayed.manifest.model == "garch" else len(HORIZONS))


def test_a_symbol_without_a_forecast_is_told_why(replayed):
    whole, needed, fit = hybrid_bars().frame, replayed.manifest.min_rows, fit_of(replayed)
    own = pl.col("symbol") == "BBB"
    mine, others = whole.filter(own), whole.filter(~own)
    least = 60 if replayed.manifest.model == "hybrid" else needed  # its network needs no more
    parts = {
        f"{least - 1} bars, {least} needed": mine.tail(least - 1),
        "its bars end": mine.filter(pl.col("session") < fit),
        f"{needed - 1} bars up to {fit}": tails(
            replayed, Bars(frame=mine), needed=needed - 1
        ).frame,
    }
    for said, part in parts.items():
        given = Bars(frame=pl.concat([others, part]).sort("symbol", "session"))
        ((symbol, reason),) = reasons_without(
            replayed, given, predict(replayed, given).frame
        ).items()
        assert symbol == "BBB"
        assert reason.startswith(said)
    assert reasons_without(replayed, hybrid_bars(), predict(replayed, hybrid_bars()).frame) == {}
