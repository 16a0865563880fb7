from math import cos, log, pi, sin, sqrt

import numpy as np
import polars as pl
import pytest

from nextclose.features.columns import SymbolBars
from nextclose.features.stationary import STATIONARY
from nextclose.schema import Floats
from tests.features.random_bars import flat_frame, random_frame, symbol_bars

# Closes swing by 1 % up and down for 300 sessions: the volatility is exactly ln 1.01, so that what
# happens in the last sessions can be worked out by hand.
SWING = log(1.01)
N_ROWS = 301
COLUMNS = {column.name: column for column in STATIONARY.columns}


def swinging(**last: float) -> SymbolBars:
    """Closes 100, 101, ... , 100; range 99 to 102, open = close, volume 1,000; then `last`."""
    close = np.where(np.arange(N_ROWS) % 2, 101.0, 100.0)
    columns = {
        "open": close.copy(),
        "high": np.full(N_ROWS, 102.0),
        "low": np.full(N_ROWS, 99.0),
        "close": close,
        "volume": np.full(N_ROWS, 1000.0),
    }
    for name, value in last.items():
        columns[name][-1] = value
    session = np.busday_offset("2020-01-06", np.arange(N_ROWS), roll="forward")
    return SymbolBars(session=session, columns=columns)


def last(name: str, bars: SymbolBars) -> float:
    return float(COLUMNS[name].values(bars)[-1])


def test_there_are_41_columns_sound_after_256_sessions():
    assert len(COLUMNS) == len(STATIONARY.columns) == 41
    assert max(column.lookback_sessions for column in STATIONARY.columns) == 256


def test_returns_are_in_volatilities_of_their_span():
    bars = swinging()
    assert last("return_1", bars) == pytest.approx(-1)
    assert last("return_5", bars) == pytest.approx(-1 / sqrt(5))
    assert last("return_22", bars) == 0.0
    assert last("return_66", bars) == last("return_250", bars) == 0.0


def test_moves_and_falls_stand_against_their_year():
    bars = swinging()
    assert [last(f"move_ratio_{n}", bars) for n in (1, 5, 22, 66)] == pytest.approx([1, 1, 1, 1])
    # The last session fell; of the last five three did; of 22, half.
    assert [last(f"fall_ratio_{n}", bars) for n in (1, 5, 22)] == pytest.approx([1, 0.6, 0.5])
    assert last("downside_share_22", bars) == pytest.approx(0.5)
    assert last("log_scale", bars) == pytest.approx(log(SWING))
    assert last("log_scale_ratio", bars) == pytest.approx(0, abs=1e-12)


def test_prices_within_a_session_are_in_volatilities():
    bars = swinging(open=101 * 1.01, low=98.0, high=104.0)
    assert last("gap", bars) == pytest.approx(1)  # 101 -> 102.01
    assert last("open_to_close", bars) == pytest.approx(-2)  # 102.01 -> 100
    assert last("range", bars) == pytest.approx(log(104 / 98) / SWING)
    assert last("close_location", bars) == pytest.approx(2 * (100 - 98) / (104 - 98) - 1)
    mean = (21 * log(102 / 99) + log(104 / 98)) / 22
    assert last("range_ratio_22", bars) == pytest.approx(log(log(104 / 98) / mean))


def test_a_session_without_range_closes_in_its_middle():
    bars = swinging(open=100.0, high=100.0, low=100.0)
    assert last("close_location", bars) == last("range", bars) == 0
    # The range counts as 1 bp, in its mean too.
    mean = (21 * log(102 / 99) + 1e-4) / 22
    assert last("range_ratio_22", bars) == pytest.approx(log(1e-4 / mean))


def test_prices_that_never_moved_fell_half_the_time():
    flat = symbol_bars(flat_frame())
    assert last("downside_share_22", flat) == 0.5
    assert last("bollinger", flat) == last("rsi", flat) == last("stochastic_k", flat) == 0


def test_range_volatility_stands_against_its_year():
    bars = swinging(open=100.0, high=104.0, low=98.0)
    usual, wild = sqrt(0.5) * log(102 / 99), sqrt(0.5) * log(104 / 98)
    year = (249 * usual + wild) / 250
    expected = [((n - 1) * usual + wild) / n / year for n in (1, 5, 22, 66)]
    actual = [last(f"range_volatility_ratio_{n}", bars) for n in (1, 5, 22, 66)]
    assert actual == pytest.approx(expected)


def test_price_stands_against_its_means_and_its_peak():
    bars = swinging()
    assert last("mean_distance_20", bars) == pytest.approx(log(100 / 100.5) / SWING / sqrt(20))
    assert last("mean_distance_200", bars) == pytest.approx(log(100 / 100.5) / SWING / sqrt(200))
    assert last("drawdown_250", bars) == pytest.approx(-1 / sqrt(250))
    assert last("bollinger", bars) == pytest.approx(-0.5 / 0.5 / 2)


def test_oscillators_run_from_minus_one_to_one():
    bars = swinging()
    # The last three closes lie (100 - 99) / 3, 2/3 and 1/3 up the range: their mean is 4/9.
    assert last("stochastic_k", bars) == pytest.approx(2 * 4 / 9 - 1)
    assert last("stochastic_d", bars) == pytest.approx(2 * (4 + 5 + 4) / 27 - 1)
    # Gains weigh 13/14 of losses, which come last: strength 13/27.
    assert last("rsi", bars) == pytest.approx(2 * 13 / 27 - 1)


def test_macd_of_a_step_worked_by_hand():
    bars = swinging(close=110.0)
    usual, step = last("macd", swinging()), 110.0 - 100.0
    # The step enters the fast mean at 2/13, the slow at 2/27, and the signal at 2/10 of their gap.
    kick = (2 / 13 - 2 / 27) * (1 - 0.2) * step
    undone = (last("macd", bars) * bars.scale[-1] * 110) - usual * SWING * 100
    assert undone == pytest.approx(kick, rel=1e-3)


def test_volume_stands_against_its_past():
    bars = swinging(volume=4000.0)
    assert last("volume_ratio_22", bars) == pytest.approx(log(4000 / ((21 * 1000 + 4000) / 22)))
    assert last("volume_change", bars) == pytest.approx(log(4))
    # One of 66 differs: its score is sqrt(65) whatever the size.
    assert last("volume_surprise_66", bars) == pytest.approx(sqrt(65))


def test_a_session_without_trade_is_far_below_the_usual():
    bars = swinging(volume=0.0)
    assert last("volume_ratio_22", bars) == last("volume_change", bars) == -5.0


CALENDAR = [  # session before, session, weekday of 7 from Monday, month of 12, days between
    ("2001-09-10", "2001-09-17", 0, 8, 7),
    ("2021-12-31", "2022-01-03", 0, 0, 3),
    ("2024-02-28", "2024-02-29", 3, 1, 1),
    ("1969-12-30", "1969-12-31", 2, 11, 1),
]


@pytest.mark.parametrize(("before", "session", "weekday", "month", "days"), CALENDAR)
def test_calendar_columns_know_the_date(before, session, weekday, month, days):
    one: Floats = np.ones(2)
    bars = SymbolBars(
        session=np.array([before, session], dtype="datetime64[D]"), columns={"close": one}
    )
    assert last("weekday_sin", bars) == pytest.approx(sin(2 * pi * weekday / 7), abs=1e-12)
    assert last("weekday_cos", bars) == pytest.approx(cos(2 * pi * weekday / 7), abs=1e-12)
    assert last("month_sin", bars) == pytest.approx(sin(2 * pi * month / 12), abs=1e-12)
    assert last("month_cos", bars) == pytest.approx(cos(2 * pi * month / 12), abs=1e-12)
    assert last("days_since", bars) == pytest.approx(log(days))


def test_columns_without_needs_are_those_of_a_close_only_file():
    close_only = symbol_bars(random_frame(seed=3).select("session", pl.col("close")))
    names = [column.name for column in STATIONARY.columns if not column.needs]
    assert len(names) == 27
    for name in names:
        assert np.isfinite(COLUMNS[name].values(close_only)[-1])
