"""Forecasts stand on sessions, or it is said."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from nextclose.errors import ForecastsError
from nextclose.referee import judge
from tests.judging.builders import N_TESTED, bars, closes

POINT = closes().select("symbol", "origin", pl.col("close").alias("prediction"))


def judged(frame, **options):
    return judge(frame, bars(options.pop("n", 1)), yardsticks=(), **options)


def findings(frame, **options):
    return {finding.name: finding for finding in judged(frame, **options).findings}


def test_an_origin_and_a_horizon_are_resolved_on_the_symbols_own_sessions():
    rows = judged(POINT, horizon=3).forecasts.filter(pl.col("model") == "submission")
    frame = bars().frame
    at = {day: k for k, day in enumerate(frame["session"])}
    for origin, resolved, target in rows.select("origin", "resolved", "target").iter_rows():
        k = at[origin]
        if k + 3 >= frame.height:
            assert (resolved, target) == (None, None)
            continue
        assert resolved == frame["session"][k + 3]
        assert target == np.log(frame["close"][k + 3] / frame["close"][k])


def test_a_target_alone_starts_a_session_before_and_that_is_said():
    by_target = closes().select("symbol", "target_date", pl.col("close").alias("prediction"))
    one, other = (
        judged(frame).forecasts.filter(pl.col("model") == "submission")
        for frame in (POINT, by_target)
    )
    assert one["origin"].to_list() == other["origin"].to_list()
    assert findings(by_target)["assumed_horizon"].figures == {"horizon": 1.0}
    assert "assumed_horizon" not in findings(by_target, horizon=1)


def test_two_dates_count_the_sessions_between_them():
    both = closes().select(
        "symbol", "origin", pl.col("target_date").shift(-4), pl.col("close").alias("prediction")
    ).drop_nulls()  # fmt: skip
    assert judged(both).forecasts["horizon_sessions"].unique().to_list() == [5]


def test_a_horizon_in_calendar_days_is_found_and_counted_in_sessions():
    both = closes().select(
        "symbol", "origin", pl.col("target_date").shift(-4), pl.col("close").alias("prediction"),
        pl.lit(7).alias("horizon"),
    ).drop_nulls()  # fmt: skip
    finding = findings(both)["calendar_days"]
    assert finding.is_grave
    assert judged(both).forecasts["horizon_sessions"].unique().to_list() == [5]


def test_targets_on_weekends_are_left_out_and_said_to_be_calendar_days():
    every_day = closes().select(
        "symbol", "origin", pl.col("close").alias("prediction"),
        (pl.col("origin") + timedelta(days=3)).alias("target_date"),
    ).head(280)  # fmt: skip
    finding = findings(every_day)["calendar_days"]
    assert 0.3 < finding.figures["share"] < 0.5  # from Wednesday and Thursday on
    n = judged(every_day).forecasts.filter(pl.col("model") == "submission").height
    assert n == every_day.height - finding.figures["rows"]


def test_repeated_rows_are_judged_once_and_said():
    twice = pl.concat([POINT, POINT.head(20)])
    assert findings(twice)["duplicates"].figures == {"rows": 20.0}
    assert judged(twice).forecasts.filter(pl.col("model") == "submission").height == N_TESTED


def test_crossing_quantiles_are_sorted_and_said():
    crossed = POINT.with_columns(
        (pl.col("prediction") * 1.02).alias("0.05"), (pl.col("prediction") * 0.98).alias("0.95")
    ).drop("prediction")  # fmt: skip
    assert findings(crossed)["crossing_quantiles"].figures == {"rows": float(N_TESTED)}
    rows = judged(crossed).forecasts.filter(pl.col("model") == "submission")
    assert (rows["q0.050"] < rows["q0.950"]).all()


def test_a_holiday_among_the_targets_is_left_out_and_said():
    targets = closes().select("symbol", "target_date", pl.col("close").alias("prediction"))
    saturday = targets["target_date"].filter(targets["target_date"].dt.weekday() == 5)[
        0
    ] + timedelta(1)
    odd = pl.concat([targets, targets.head(1).with_columns(target_date=pl.lit(saturday))])
    assert findings(odd)["no_session"].figures == {"rows": 1.0}


def test_an_origin_on_a_day_off_means_the_last_close_before_it():
    friday = POINT.filter(pl.col("origin").dt.weekday() == 5)
    sunday = friday.with_columns(pl.col("origin") + timedelta(days=2))
    assert findings(sunday)["origin_moved"].figures == {"rows": float(len(friday))}
    assert judged(sunday).forecasts.equals(judged(friday).forecasts)


def test_of_forecasts_from_one_close_the_last_issued_counts():
    friday = POINT.filter(pl.col("origin").dt.weekday() == 5)
    sunday = friday.with_columns(
        pl.col("origin") + timedelta(days=2), prediction=pl.col("prediction") * 1.01
    )
    assert judged(pl.concat([sunday, friday])).forecasts.equals(judged(sunday).forecasts)


def test_predictions_of_one_window_count_their_steps():
    window = closes(2).group_by("symbol", maintain_order=True).tail(7).select(
        pl.col("symbol").alias("unique_id"), pl.col("target_date").alias("ds"), pl.col("close").alias("M")
    )  # fmt: skip
    rows = judged(window, n=2).forecasts.filter(model="M")
    assert rows["horizon_sessions"].unique().sort().to_list() == [1, 2, 3, 4, 5, 6, 7]
    assert rows["origin"].n_unique() == 1
    assert "assumed_window" in findings(window, n=2)


def test_rows_without_a_forecast_are_left_out_and_said():
    empty = POINT.with_columns(
        prediction=pl.when(pl.int_range(pl.len()) < 50).then(None).otherwise("prediction")
    )
    assert findings(empty)["empty_rows"].figures == {"rows": 50.0}


def test_days_that_a_daily_forecaster_left_out_are_said():
    assert (
        findings(POINT[[k for k in range(N_TESTED) if k % 10]])["gaps"].figures["missing"] == 29.0
    )
    assert "gaps" not in findings(POINT[::5])  # weekly


def test_actual_prices_of_the_session_before_are_found():
    shifted = closes().select(
        "symbol",
        "target_date",
        pl.col("close").alias("prediction"),
        pl.col("close").alias("actual"),
    )
    assert "those of the session before the date" in findings(shifted)["shifted_actual"].sentence


def test_returns_are_told_apart_by_their_actual_column():
    returns = closes().select(
        "symbol", "target_date", pl.lit(0.001).alias("prediction"),
        (pl.col("later") / pl.col("close")).log().alias("actual"),
    )  # fmt: skip
    assert judged(returns).forecasts.filter(model="submission")["q0.500"].unique().to_list() == [
        0.001
    ]
    simple = returns.with_columns(pl.col("actual").exp() - 1)
    (value,) = judged(simple).forecasts.filter(model="submission")["q0.500"].unique()
    assert value == pytest.approx(np.log1p(0.001))
    with pytest.raises(ForecastsError, match="say values="):
        judged(returns.drop("actual"))


def test_a_symbol_is_not_needed_beside_the_prices_of_one():
    assert judged(POINT.drop("symbol")).forecasts["symbol"].unique().to_list() == ["S00"]
    with pytest.raises(ForecastsError, match="no column of symbols"):
        judged(POINT.drop("symbol"), n=2)
