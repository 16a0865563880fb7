import numpy as np
import polars as pl
import pytest

from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.evaluation.breakdowns.tutorial import tutorial_metrics, tutorial_table
from nextclose.evaluation.scores.losses import with_losses
from tests.evaluation.frames import rows

# closes 100, 110, 120 and what came: 110, 120, 90; forecast 110, 99, 120
CLOSE = np.array([100.0, 110.0, 120.0])
CAME = np.array([110.0, 120.0, 90.0])
FORECAST = np.array([110.0, 99.0, 120.0])
FRAME = with_losses(
    rows("classic", np.log(CAME / CLOSE), median=np.log(FORECAST / CLOSE), close=CLOSE)
)


def test_the_five_numbers_worked_by_hand_beside_those_of_no_change():
    metrics = tutorial_metrics(FRAME.reverse())
    ours, naive = metrics.model_numbers, metrics.naive_numbers
    assert ours.mse == pytest.approx((0 + 21**2 + 30**2) / 3)
    assert ours.mae == pytest.approx((0 + 21 + 30) / 3)
    assert ours.mape_pct == pytest.approx(100 * (21 / 120 + 30 / 90) / 3)
    # mean of what came 106 2/3: squares 11.11 + 177.78 + 277.78 = 466.67
    assert ours.r2 == pytest.approx(1 - (21**2 + 30**2) / (1400 / 3))
    # came: up, down; forecast: down, up; no change (the closes): up, up
    assert (ours.consecutive_direction, naive.consecutive_direction) == (0.0, 0.5)
    assert naive.mse == pytest.approx((10**2 + 10**2 + 30**2) / 3)
    assert naive.mae == pytest.approx(50 / 3)


def test_direction_against_the_last_close_has_its_base_rate():
    hits = tutorial_metrics(FRAME).hits
    # calls: up (right), down (wrong: it rose), none (forecast = close)
    assert (hits.hit_rate, hits.base_rate, hits.side, hits.n_no_call) == (0.5, 1.0, "up", 1)


def test_forecasts_of_two_symbols_are_refused():
    other = FRAME.with_columns(pl.lit("BBB").alias("symbol"))
    with pytest.raises(ConfigError, match="one symbol"):
        tutorial_metrics(pl.concat([FRAME, other]))


def test_one_known_outcome_is_too_few():
    unknown = FRAME.with_columns(pl.Series("target", [0.1, None, None]))
    with pytest.raises(NotEnoughDataError) as caught:
        tutorial_metrics(unknown)
    assert (caught.value.needed, caught.value.found) == (2, 1)


def test_the_table_has_each_number_of_the_first_symbol_beside_that_of_no_change():
    second = FRAME.with_columns(symbol=pl.lit("ZZZ"), close=pl.lit(1.0))
    short = FRAME.head(1).with_columns(horizon_sessions=pl.lit(7, dtype=pl.Int32))
    table = tutorial_table(pl.concat([second, short, FRAME]))
    metrics = tutorial_metrics(FRAME)
    assert table["metric"].to_list() == [
        *("mse", "mae", "mape_pct", "r2", "consecutive_direction", "direction")
    ]
    assert table["horizon_sessions"].unique().to_list() == [1]  # one forecast is too few at 7
    assert table.filter(metric="mae").row(0)[2:] == (
        metrics.model_numbers.mae,
        metrics.naive_numbers.mae,
    )
    assert table.filter(metric="direction").row(0)[2:] == (
        metrics.hits.hit_rate,
        metrics.hits.base_rate,
    )
