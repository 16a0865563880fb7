from datetime import date

import numpy as np
import polars as pl

from nextclose.report.figures import price_chart
from nextclose.report.figures.price_chart import as_script_json, chart_data, chart_note
from nextclose.schema import FORECAST_SCHEMA, QUANTILE_COLUMNS

DAYS = [date(2020, 1, 2), date(2020, 1, 3), date(2020, 1, 6)]  # 18263, 18264, 18267 since 1970


def forecast(origin, h, quantile, symbol="A"):
    row = {
        "symbol": symbol,
        "origin": origin,
        "horizon_sessions": h,
        "model": "lstm",
        "fold": 0,
        "resolved": None,
        "close": 10.0,
        "target": None,
        **dict.fromkeys(QUANTILE_COLUMNS, quantile),
    }
    return pl.DataFrame([row], schema=FORECAST_SCHEMA)


def bars(symbol="A"):
    return pl.DataFrame({"symbol": symbol, "session": DAYS, "close": [10.0, 10.1234567, 1 / 3]})


def test_days_and_origins_are_steps_prices_six_digits_ranges_basis_points():
    forecasts = pl.concat([forecast(DAYS[1], 1, 0.01234), forecast(DAYS[2], 1, -0.00006)])
    (symbol,) = chart_data(bars(), forecasts, model="lstm", horizons=(1,))["symbols"]
    assert symbol["day"] == [18263, 1, 3]
    assert symbol["origin"] == [1, 1]
    assert symbol["close"] == [10.0, 10.1235, 0.333333]
    assert symbol["ranges"] == [[123] * 7 + [-1] * 7]


def test_a_session_without_a_range_is_a_dash_and_a_symbol_without_any_a_line():
    ranged = bars().with_columns(open=pl.Series([None, 10.0, 0.4]), high=pl.lit(11.0))
    forecasts = forecast(DAYS[1], 1, 0.0)
    (symbol,) = chart_data(ranged, forecasts, model="lstm", horizons=(1,))["symbols"]
    assert symbol["open"] == [10.0, 10.0, 0.4]
    none = ranged.with_columns(open=pl.lit(None, dtype=pl.Float64))
    (symbol,) = chart_data(none, forecasts, model="lstm", horizons=(1,))["symbols"]
    assert "open" not in symbol


def test_an_origin_without_a_forecast_at_one_horizon_has_nulls_there():
    forecasts = pl.concat(
        [forecast(DAYS[0], 1, 0.0), forecast(DAYS[0], 7, 0.0), forecast(DAYS[1], 1, 0.0)]
    )
    (symbol,) = chart_data(bars(), forecasts, model="lstm", horizons=(1, 7))["symbols"]
    assert symbol["ranges"][1] == [0] * 7 + [None] * 7


def test_forecasts_of_other_models_and_of_days_without_a_bar_are_left_out():
    other = forecast(DAYS[0], 1, 0.0).with_columns(model=pl.lit("ewma"))
    stray = forecast(date(2020, 1, 4), 1, 0.0)  # a Saturday
    forecasts = pl.concat([other, stray, forecast(DAYS[2], 1, 0.0)])
    (symbol,) = chart_data(bars(), forecasts, model="lstm", horizons=(1,))["symbols"]
    assert symbol["origin"] == [2]


def test_a_symbol_without_bars_is_left_out():
    forecasts = pl.concat([forecast(DAYS[0], 1, 0.0), forecast(DAYS[0], 1, 0.0, symbol="B")])
    data = chart_data(bars(), forecasts, model="lstm", horizons=(1,))
    assert [symbol["name"] for symbol in data["symbols"]] == ["A"]


def test_too_many_origins_are_cut_from_the_old_end_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr(price_chart, "MAX_NUMBERS", 2 * 7)
    forecasts = pl.concat([forecast(day, 1, k / 1e4) for k, day in enumerate(DAYS)])
    data = chart_data(bars(), forecasts, model="lstm", horizons=(1,))
    assert data["symbols"][0]["ranges"] == [[1] * 7 + [2] * 7]
    assert chart_note(forecasts, data) == "The chart holds the newest 2 origins of each symbol."


def test_script_json_is_the_same_value_without_a_sign_that_html_reads():
    text = as_script_json({"name": "</script>&\u2028\u2029é"})
    assert text == '{"name":"\\u003c/script\\u003e\\u0026\\u2028\\u2029é"}'


def test_a_price_that_is_missing_is_null():
    assert price_chart._six_digits(np.array([1.0, np.nan])) == [1.0, None]
