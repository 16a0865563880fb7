from math import log, sqrt

import numpy as np
import pytest
import talib

from nextclose.features.indicators import (
    garman_klass,
    log_ratio,
    log_returns,
    macd_histogram,
    recent_volatility,
    rsi,
    share,
    stochastic,
    volatility,
    z_score,
)
from nextclose.features.rolling import exponential_mean
from tests.features.random_bars import random_frame, symbol_bars

BARS = symbol_bars(random_frame(seed=5, n_rows=900))
SETTLED = slice(400, None)  # where a recursion has forgotten its start


def test_log_returns_are_logs_of_ratios():
    returns = log_returns(np.array([100.0, 110.0, 99.0, 99.0]))
    np.testing.assert_array_equal(returns, [np.nan, log(1.1), log(0.9), 0.0])


def test_log_return_of_two_sessions_spans_two():
    returns = log_returns(np.array([100.0, 110.0, 121.0, 55.0]), span=2)
    np.testing.assert_array_equal(returns, [np.nan, np.nan, log(1.21), log(0.5)])


def test_log_returns_of_too_few_closes_are_all_nan():
    for n in range(4):
        assert np.isnan(log_returns(np.ones(n), span=4)).tolist() == [True] * n


def test_volatility_follows_the_riskmetrics_recursion():
    # From a variance of 1e-4, returns .02, -.01, 0: v = 1.18e-4, 1.1692e-4, 1.099048e-4
    returns = np.append(np.resize([0.01, -0.01], 600), [0.02, -0.01, 0.0])
    close = 100 * np.exp(np.append(0, np.cumsum(returns)))
    variance = volatility(close)[-4:] ** 2
    np.testing.assert_allclose(variance, [1e-4, 1.18e-4, 1.1692e-4, 1.099048e-4], rtol=1e-6)


def test_volatility_needs_exactly_256_returns():
    scale = volatility(BARS.close)
    assert np.isnan(scale[:256]).all()
    assert np.isfinite(scale[256:]).all()


def test_volatility_of_a_flat_price_is_the_floor():
    np.testing.assert_array_equal(volatility(np.full(258, 7.3))[256:], 1e-4)


def test_recent_volatility_begins_with_the_size_of_the_first_return():
    # returns 2 %, -1 %: then v = (.94 * 4e-4 + 1e-4) / 1.94
    close = 50 * np.exp([0.0, 0.02, 0.01])
    expected = [np.nan, 0.02, sqrt(4.76e-4 / 1.94)]
    np.testing.assert_allclose(recent_volatility(close), expected, rtol=1e-12)


def test_recent_volatility_has_the_bits_of_volatility_once_there_are_256_returns():
    recent = recent_volatility(BARS.close)
    assert recent[256:].tobytes() == volatility(BARS.close)[256:].tobytes()
    assert np.isfinite(recent[1:]).all()
    # of a shorter past, with its weights as they are
    weights = 0.94 ** np.arange(255)[::-1]
    mean_square = (weights * BARS.returns[1:256] ** 2).sum() / weights.sum()
    assert recent[255] == pytest.approx(sqrt(mean_square), rel=1e-12)


def test_recent_volatility_of_a_single_close_is_unknown_and_of_a_flat_price_the_floor():
    np.testing.assert_array_equal(recent_volatility(np.array([7.3])), [np.nan])
    np.testing.assert_array_equal(recent_volatility(np.full(300, 7.3))[1:], 1e-4)


def test_wilder_smoothing_is_an_exponential_mean():
    expected = talib.ATR(BARS.high, BARS.low, BARS.close, 14)
    before = np.append(np.nan, BARS.close[:-1])
    true_range = np.maximum(BARS.high, before) - np.minimum(BARS.low, before)
    ours = exponential_mean(true_range, alpha=1 / 14, terms=256)
    np.testing.assert_allclose(ours[SETTLED], expected[SETTLED], rtol=1e-6)


def test_rsi_agrees_with_talib():
    expected = talib.RSI(BARS.close, 14)
    np.testing.assert_allclose(100 * rsi(BARS.close)[SETTLED], expected[SETTLED], rtol=1e-6)


def test_macd_histogram_agrees_with_talib():
    expected = (talib.MACD(BARS.close, 12, 26, 9)[2] / BARS.close)[SETTLED]
    long = macd_histogram(BARS.close, terms=256)[SETTLED]
    np.testing.assert_allclose(long, expected, rtol=0, atol=1e-7)
    # The default drops 5e-5 of the weight: a few thousandths of the histogram's own size.
    short = macd_histogram(BARS.close)[SETTLED]
    assert np.abs(short - expected).max() < 0.005 * np.std(expected)


def test_stochastic_agrees_with_talib_where_there_is_a_range():
    expected = talib.STOCH(
        BARS.high, BARS.low, BARS.close, fastk_period=14, slowk_period=3, slowd_period=3
    )
    for ours, theirs, first in zip(
        stochastic(BARS.high, BARS.low, BARS.close), expected, (15, 17), strict=True
    ):
        np.testing.assert_allclose(100 * ours[17:], theirs[17:], rtol=1e-9, atol=1e-9)
        assert np.isnan(ours[:first]).all()
        assert np.isfinite(ours[first])


def test_bollinger_position_agrees_with_talib():
    upper, middle, _ = talib.BBANDS(BARS.close, timeperiod=20, nbdevup=2.0, nbdevdn=2.0)
    expected = (BARS.close - middle) / (upper - middle)
    np.testing.assert_allclose(
        z_score(BARS.close, sessions=20)[19:] / 2, expected[19:], rtol=1e-6, atol=1e-9
    )


def test_garman_klass_of_one_bar_worked_by_hand():
    bar = (np.array([p]) for p in (100.0, 102.0, 99.0, 101.0))
    np.testing.assert_allclose(garman_klass(*bar), 0.02018299, rtol=1e-6)


def test_garman_klass_without_range_is_the_floor():
    flat = np.array([7.3])
    assert garman_klass(flat, flat, flat, flat).tolist() == [1e-4]


def test_prices_that_never_move_stand_in_the_middle():
    flat = np.full(300, 7.3)
    assert rsi(flat)[-1] == 0.5
    assert [place[-1] for place in stochastic(flat, flat, flat)] == [0.5, 0.5]
    assert z_score(flat, sessions=20)[-1] == 0.0
    assert macd_histogram(flat)[-1] == pytest.approx(0.0, abs=1e-15)


def test_a_price_that_only_rises_has_full_strength():
    assert rsi(np.arange(1.0, 301.0))[-1] == 1.0
    assert rsi(np.arange(301.0, 1.0, -1.0))[-1] == 0.0


def test_share_is_undecided_only_where_the_whole_is_nothing():
    part, whole = np.array([1.0, 0.0, np.nan]), np.array([4.0, 0.0, np.nan])
    np.testing.assert_array_equal(share(part, whole, undecided=0.5), [0.25, 0.5, np.nan])


def test_log_ratio_is_finite_whatever_was_traded():
    part, whole = np.array([2.0, 0.0, 3.0, 0.0]), np.array([8.0, 5.0, 0.0, 0.0])
    assert log_ratio(part, whole, limit=5.0).tolist() == [log(0.25), -5.0, 5.0, 0.0]


def test_z_score_worked_by_hand():
    # 1, 2, 6: mean 3, variance (4 + 1 + 9) / 3
    assert z_score(np.array([1.0, 2.0, 6.0]), sessions=3)[2] == pytest.approx(3 / sqrt(14 / 3))
