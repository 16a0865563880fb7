from collections.abc import Mapping
from typing import cast

import numpy as np
import pytest
from bokeh_sampledata.stocks import AAPL

from nextclose.features.classic import CLASSIC
from nextclose.features.columns import SymbolBars
from nextclose.schema import Floats
from tests.features.random_bars import flat_frame, random_frame, symbol_bars

BARS = symbol_bars(random_frame(seed=7))
COLUMNS = {column.name: column for column in CLASSIC.columns}
TUTORIAL = [
    "open",
    "high",
    "low",
    "close",
    "volume",
    "price_change",
    "price_change_1",
    "price_change_7",
    "price_change_30",
    "high_low_spread",
    "open_close_spread",
    "sma_5",
    "sma_10",
    "sma_20",
    "sma_50",
    "sma_200",
    "ema_12",
    "ema_26",
    "ema_50",
    "sma_distance_20",
    "sma_distance_50",
    "sma_distance_200",
    "rsi_14",
    "macd_line",
    "macd_signal",
    "macd_histogram",
    "stochastic_k_14",
    "stochastic_d_14",
    "roc_10",
    "cci_14",
    "bollinger_upper",
    "bollinger_middle",
    "bollinger_lower",
    "bollinger_width",
    "bollinger_position",
    "atr_14",
    "return_volatility_20",
    "volume_sma_20",
    "volume_ratio_20",
    "obv",
    "accumulation_distribution",
]


def values(name: str, bars: SymbolBars = BARS) -> Floats:
    return COLUMNS[name].values(bars)


def five_years_of_aapl() -> SymbolBars:
    source = cast(Mapping[str, list[float]], AAPL)
    names = ("open", "high", "low", "close", "volume")
    columns = {name: np.array(source[name][:1258], dtype=np.float64) for name in names}
    return SymbolBars(session=np.array(AAPL["date"][:1258], dtype="datetime64[D]"), columns=columns)


def test_the_41_columns_keep_their_order():
    assert [column.name for column in CLASSIC.columns] == TUTORIAL
    assert len(TUTORIAL) == 41


def test_1258_sessions_of_aapl_leave_1059_full_rows():
    # The 200th session is the first with a mean of 200 closes.
    table = np.column_stack([column.values(five_years_of_aapl()) for column in CLASSIC.columns])
    full = np.isfinite(table).all(axis=1)
    assert table.shape == (1258, 41)
    assert np.flatnonzero(full).tolist() == list(range(199, 1258))


def test_changes_and_spreads_are_fractions():
    close, t = BARS.close, 200
    for span in (1, 7, 30):
        expected = close[t] / close[t - span] - 1
        assert values(f"price_change_{span}")[t] == pytest.approx(expected)
    np.testing.assert_array_equal(values("price_change"), values("price_change_1"))
    assert values("high_low_spread")[t] == (BARS.high[t] - BARS.low[t]) / close[t]
    assert values("open_close_spread")[t] == (close[t] - BARS.open[t]) / BARS.open[t]


@pytest.mark.parametrize("period", [5, 10, 20, 50, 200])
def test_means_are_of_the_last_closes(period):
    mean = BARS.close[250 - period : 250].mean()
    assert values(f"sma_{period}")[249] == pytest.approx(mean)
    if period in (20, 50, 200):
        assert values(f"sma_distance_{period}")[249] == pytest.approx(BARS.close[249] / mean - 1)


@pytest.mark.parametrize("period", [12, 26, 50])
def test_exponential_means_follow_their_recursion(period):
    mean, weight = values(f"ema_{period}"), 2 / (period + 1)
    expected = weight * BARS.close[200] + (1 - weight) * mean[199]
    assert mean[200] == pytest.approx(expected)
    assert mean[period - 1] == pytest.approx(BARS.close[:period].mean())


def test_macd_is_line_signal_and_their_difference():
    line, signal = values("macd_line"), values("macd_signal")
    # TA-Lib starts its two means together, so the early line differs from ema_12 - ema_26.
    assert line[300] == pytest.approx(values("ema_12")[300] - values("ema_26")[300], abs=1e-6)
    assert signal[300] == pytest.approx(0.2 * line[300] + 0.8 * signal[299])
    np.testing.assert_allclose(values("macd_histogram"), line - signal, atol=1e-12)


def test_bands_lie_two_deviations_around_the_mean():
    window = BARS.close[181:201]
    mean, spread = window.mean(), window.std()
    assert values("bollinger_upper")[200] == pytest.approx(mean + 2 * spread)
    assert values("bollinger_middle")[200] == pytest.approx(mean)
    assert values("bollinger_lower")[200] == pytest.approx(mean - 2 * spread)
    assert values("bollinger_width")[200] == pytest.approx(4 * spread / mean)
    position = (window[-1] - mean + 2 * spread) / (4 * spread)
    assert values("bollinger_position")[200] == pytest.approx(position)


def test_oscillators_of_a_steady_rise():
    close = np.arange(100.0, 400.0)
    rise = SymbolBars(
        session=BARS.session[:300],
        columns={
            "close": close,
            "open": close,
            "high": close + 1,
            "low": close - 1,
            "volume": close,
        },
    )
    assert values("rsi_14", rise)[-1] == 100
    # 14 sessions: lowest low 13 + 1 below the close, highest high 1 above it.
    assert values("stochastic_k_14", rise)[-1] == pytest.approx(100 * 14 / 15)
    assert values("stochastic_d_14", rise)[-1] == pytest.approx(100 * 14 / 15)
    assert values("roc_10", rise)[-1] == pytest.approx(100 * (399 / 389 - 1))
    # Typical price 399, its mean 392.5, mean deviation 3.5: 6.5 / (0.015 * 3.5).
    assert values("cci_14", rise)[-1] == pytest.approx(6.5 / (0.015 * 3.5))
    assert values("atr_14", rise)[-1] == pytest.approx(2)
    assert values("obv", rise)[2] == 100 + 101 + 102
    # The close lies in the middle of each range: nothing accumulates.
    assert values("accumulation_distribution", rise)[-1] == 0


def test_volume_columns_and_return_volatility_worked_by_numpy():
    mean = BARS.volume[181:201].mean()
    assert values("volume_sma_20")[200] == pytest.approx(mean)
    assert values("volume_ratio_20")[200] == pytest.approx(BARS.volume[200] / mean)
    simple = BARS.close[181:201] / BARS.close[180:200] - 1
    assert values("return_volatility_20")[200] == pytest.approx(simple.std())


def test_flat_prices_and_no_trade_have_defined_values():
    flat = symbol_bars(flat_frame())
    assert values("bollinger_position", flat)[-1] == 0.5
    assert values("volume_ratio_20", flat)[-1] == 1.0
    assert values("return_volatility_20", flat)[-1] == 0.0
