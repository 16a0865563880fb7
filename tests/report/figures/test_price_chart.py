import json
from datetime import date

import numpy as np
import polars as pl
import pytest

from nextclose.report.figures import price_chart
from nextclose.report.figures.price_chart import DETAILS, as_script_json, chart_data
from nextclose.schema import FORECAST_SCHEMA, QUANTILE_COLUMNS
from tests.report.figures.test_encoding import unpacked
from tests.report.synthetic import make_bars, make_forecasts

DAYS = [date(2020, 1, 2), date(2020, 1, 3), date(2020, 1, 6)]  # 18263, 18264, 18267 since 1970
EDGES_90, EDGES_80, EDGES_50 = ("q0.050", "q0.950"), ("q0.100", "q0.900"), ("q0.250", "q0.750")
NONE, OPEN, HELD_50, HELD_80, HELD_90, MISSED = range(6)


def forecast(origin, h, quantile=0.0, symbol="A", target=None):
    row = {
        "symbol": symbol,
        "origin": origin,
        "horizon_sessions": h,
        "model": "lstm",
        "fold": 0,
        "resolved": None,
        "close": 10.0,
        "target": target,
        **dict.fromkeys(QUANTILE_COLUMNS, quantile),
    }
    return pl.DataFrame([row], schema=FORECAST_SCHEMA)


def bars(symbol="A"):
    return pl.DataFrame({"symbol": symbol, "session": DAYS, "close": [10.0, 10.12345, 3.0]})


def decoded(record, n_horizons):
    """What the page's script makes of a symbol, step by step."""
    numbers = iter(unpacked(record["data"]))
    n, m = record["bars"], record["origins"]

    def take(count):
        return np.array([next(numbers) for _ in range(count)])

    symbol = {"day": take(n).cumsum(), "close": take(n).cumsum()}
    if record["candles"]:
        before = np.concatenate([symbol["close"][:1], symbol["close"][:-1]])
        symbol["open"] = before + take(n)
        symbol["high"] = np.maximum(symbol["open"], symbol["close"]) + take(n)
        symbol["low"] = np.minimum(symbol["open"], symbol["close"]) - take(n)
    symbol["origin"] = take(m).cumsum()
    for name in symbol.keys() & {"open", "high", "low", "close"}:
        symbol[name] = symbol[name] * record["tick"]
    symbol["outcome"], symbol["levels"] = [], []
    for k in range(n_horizons):
        symbol["outcome"].append(take(m).tolist())
        median = take(m).cumsum()
        gaps = np.array([take(m).cumsum() for _ in range(6)])
        low = median - gaps[:3].sum(axis=0)
        levels = np.vstack([low, low + gaps.cumsum(axis=0)]).T  # (origin, level)
        symbol["levels"].append(levels * record["steps"][k] / 1e4)
    assert next(numbers, None) is None
    return symbol


def test_days_and_prices_and_ranges_read_back_as_they_were():
    forecasts = pl.concat([forecast(DAYS[1], 1, 0.01234), forecast(DAYS[2], 1, -0.00006)])
    data = chart_data(bars(), forecasts, model="lstm")
    (record,) = data.symbols
    symbol = decoded(record, 1)
    assert (record["name"], record["candles"], record["steps"]) == ("A", False, [1])
    assert symbol["day"].tolist() == [18263, 18264, 18267]
    assert symbol["origin"].tolist() == [1, 2]
    np.testing.assert_allclose(symbol["close"], [10.0, 10.12345, 3.0], atol=5e-6)
    np.testing.assert_allclose(symbol["levels"][0], [[0.0123] * 7, [-0.0001] * 7])
    assert data.note == ""


def synthetic(n_symbols=1, **changes):
    prices = make_bars([f"S{k}" for k in range(n_symbols)], n_sessions=400)
    return prices, make_forecasts(prices, n_origins=250, models=("garch",))


@pytest.mark.parametrize("detail", DETAILS)
def test_in_every_detail_nothing_is_off_by_more_than_half_a_unit(detail, monkeypatch):
    monkeypatch.setattr(price_chart, "DETAILS", (detail,))
    prices, forecasts = synthetic()
    (record,) = chart_data(prices, forecasts, model="garch").symbols
    symbol = decoded(record, 3)
    days = prices["session"].cast(pl.Int32)
    shown = prices.filter(days.is_in(symbol["day"].tolist()))
    assert len(shown) == record["bars"]
    for name in ("open", "high", "low", "close"):
        assert np.abs(symbol[name] - shown[name].to_numpy()).max() <= 0.5001 * record["tick"]
    assert record["tick"] <= 1.01 * shown["low"].min() / 1_500
    origins = shown["session"].gather(symbol["origin"].tolist())
    assert origins[-1] == prices["session"][-1]  # the newest is always there
    for k, h in enumerate((1, 7, 30)):
        rows = forecasts.filter(
            (pl.col("horizon_sessions") == h) & pl.col("origin").is_in(origins.implode())
        ).sort("origin")
        truth = rows.select(price_chart.CHART_COLUMNS).to_numpy()
        off = np.abs(symbol["levels"][k] - truth).max()
        assert off <= 0.5001 * record["steps"][k] / 1e4
        width = np.median(truth[:, -1] - truth[:, 0])
        assert record["steps"][k] <= max(0.0101 * width * 1e4 + 0.5, 1)


def test_high_and_low_enclose_open_and_close_after_rounding():
    prices, forecasts = synthetic()
    (record,) = chart_data(prices, forecasts, model="garch").symbols
    symbol = decoded(record, 3)
    assert (symbol["high"] >= np.maximum(symbol["open"], symbol["close"])).all()
    assert (symbol["low"] <= np.minimum(symbol["open"], symbol["close"])).all()


def test_a_session_without_a_range_is_a_dash_and_a_symbol_without_any_a_line():
    ranged = bars().with_columns(
        open=pl.Series([None, 10.0, 4.0]), high=pl.lit(11.0), low=pl.lit(2.0)
    )
    forecasts = forecast(DAYS[1], 1)
    (record,) = chart_data(ranged, forecasts, model="lstm").symbols
    np.testing.assert_allclose(decoded(record, 1)["open"], [10.0, 10.0, 4.0])
    none = ranged.with_columns(open=pl.lit(None, dtype=pl.Float64))
    (record,) = chart_data(none, forecasts, model="lstm").symbols
    assert not record["candles"]


def test_an_origin_without_a_forecast_at_one_horizon_says_so():
    forecasts = pl.concat([forecast(DAYS[0], 1), forecast(DAYS[0], 7), forecast(DAYS[1], 1)])
    (record,) = chart_data(bars(), forecasts, model="lstm").symbols
    assert decoded(record, 2)["outcome"] == [[OPEN, OPEN], [OPEN, NONE]]


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        (None, OPEN),
        *((0.01, HELD_50), (-0.011, HELD_80), (0.0249, HELD_90), (0.03, HELD_90)),
        *((0.03000001, MISSED), (-0.04, MISSED)),  # rounded to a basis point the first would hold
    ],
)
def test_what_held_and_what_missed_is_judged_before_rounding(target, outcome):
    row = forecast(DAYS[0], 1, target=target).with_columns(
        pl.lit(end * half).alias(name)
        for half, names in ((0.03, EDGES_90), (0.02, EDGES_80), (0.01, EDGES_50))
        for end, name in zip((-1, 1), names, strict=True)
    )
    (record,) = chart_data(bars(), row, model="lstm").symbols
    assert decoded(record, 1)["outcome"] == [[outcome]]


def test_forecasts_of_other_models_and_of_days_without_a_bar_are_left_out():
    other = forecast(DAYS[0], 1).with_columns(model=pl.lit("ewma"))
    stray = forecast(date(2020, 1, 4), 1)  # a Saturday
    forecasts = pl.concat([other, stray, forecast(DAYS[2], 1)])
    (record,) = chart_data(bars(), forecasts, model="lstm").symbols
    assert decoded(record, 1)["origin"].tolist() == [2]


def test_a_symbol_without_bars_is_left_out_and_without_forecasts_there_is_no_chart():
    forecasts = pl.concat([forecast(DAYS[0], 1), forecast(DAYS[0], 1, symbol="B")])
    data = chart_data(bars(), forecasts, model="lstm")
    assert [symbol["name"] for symbol in data.symbols] == ["A"]
    assert chart_data(bars(), forecasts.clear(), model="lstm").symbols == []


def test_the_weights_of_the_fan_are_those_of_the_still_pictures():
    data = chart_data(bars(), forecast(DAYS[0], 4), model="lstm")
    assert data.values["fan"] == [[0.0], [0.5], [0.707107], [0.866025], [1.0]]


def test_of_too_many_symbols_the_newest_sessions_and_fewer_origins_are_kept_and_the_page_says_so(
    monkeypatch,
):
    prices, forecasts = synthetic(3)
    whole = chart_data(prices, forecasts, model="garch")
    assert whole.note == ""
    monkeypatch.setattr(price_chart, "MAX_BYTES", 8_000)
    data = chart_data(prices, forecasts, model="garch")
    assert len(as_script_json(data.symbols)) <= 1.02 * 8_000
    assert data.detail.every == 5
    assert [symbol["name"] for symbol in data.symbols] == ["S0", "S1", "S2"]
    gaps = np.diff(decoded(data.symbols[0], 3)["origin"])
    assert set(gaps.tolist()) == {5}
    assert data.note.startswith(
        "To keep the page small, the charts hold the newest 1,260 sessions and one origin in 5 "
        "of each of 3 symbols; prices are rounded to 0.07%, ranges to 1% of their width."
    )


def test_where_even_the_coarsest_is_too_much_symbols_are_left_out_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr(price_chart, "MAX_BYTES", 6_000)
    prices, forecasts = synthetic(9)
    data = chart_data(prices, forecasts, model="garch")
    n = len(data.symbols)
    assert 1 <= n < 9
    assert f"of the first {n} of 9 symbols by name" in data.note
    assert len(as_script_json(data.symbols)) <= 1.02 * 6_000


def test_script_json_is_the_same_value_without_a_sign_that_html_reads():
    text = as_script_json({"name": "</script>&\u2028\u2029é"})
    assert text == '{"name":"\\u003c/script\\u003e\\u0026\\u2028\\u2029é"}'
    assert json.loads(text)["name"].startswith("</script>&")
