import numpy as np
import polars as pl
import pytest

from nextclose.backtesting.forecasts import (
    Forecast,
    forecast_frame,
    log_quantiles,
    rising_quantiles,
    seed_losses,
)
from nextclose.schema import FORECAST_SCHEMA, LEVELS, QUANTILE_COLUMNS, SEED_SCHEMA
from tests.builders import bare_samples, daily_samples, day, samples_of, walk_bars


class Made:
    """A fitted model with the forecasts it was told to make."""

    def __init__(self, grid):
        self.grid = grid

    def quantiles(self, samples, rows):
        return self.grid[: len(rows)]


def level_grid(*shape):
    return np.tile(LEVELS, (*shape, 1))


# --- quantiles ---


def test_crossing_quantiles_are_sorted_and_counted_by_forecast():
    # method reference value 2: (3, 1, 2) becomes (1, 2, 3), one crossing
    grid = level_grid(2, 2)
    grid[0, 1, :3] = [0.03, 0.01, 0.02]
    samples = daily_samples(9, horizons=(1, 7))
    rising, crossings = rising_quantiles(Made(grid), samples, np.array([3, 4]))
    assert crossings == 1
    np.testing.assert_array_equal(rising[0, 1, :3], [0.01, 0.02, 0.03])
    np.testing.assert_array_equal(rising[1], grid[1])


def test_a_forecast_that_was_not_made_is_no_crossing():
    grid = level_grid(1, 2)
    grid[0, 0] = np.nan
    grid[0, 1, 4] = np.nan
    samples = daily_samples(9, horizons=(1, 7))
    rising, crossings = rising_quantiles(Made(grid), samples, np.array([3]))
    assert np.isnan(rising[0, 0]).all()
    assert crossings == 1  # sorting moved the NaN of the other to its end


def test_where_there_is_nothing_to_forecast_no_model_is_asked():
    samples = daily_samples(10, horizons=(1, 7))
    grid, crossings = rising_quantiles(Made(np.array("no")), samples, np.array([], dtype=np.int64))
    assert grid.shape == (0, 2, len(LEVELS))
    assert crossings == 0


def test_log_quantiles_are_those_of_the_target_times_its_unit():
    samples = daily_samples(9, horizons=(1, 4), scale=0.03)
    found, _ = log_quantiles(Made(level_grid(2, 2)), samples, np.array([3, 4]))
    np.testing.assert_allclose(found[:, 0], 0.03 * np.tile(LEVELS, (2, 1)))
    np.testing.assert_allclose(found[:, 1], 0.06 * np.tile(LEVELS, (2, 1)))  # root of 4


# --- the frame ---


def test_a_forecast_that_was_not_made_has_no_row():
    samples = samples_of(walk_bars((300,)))
    grid = np.zeros((2, 3, len(LEVELS)))
    grid[1, 2, 5] = np.nan
    frame = forecast_frame(samples, np.array([290, 299]), grid, model="m", fold=4)
    assert dict(frame.schema) == FORECAST_SCHEMA
    made = list(zip(frame["horizon_sessions"], frame["origin"], strict=True))
    first, last = (samples.origin[row].astype(object) for row in (290, 299))
    assert made == [(1, first), (1, last), (7, first), (7, last), (30, first)]
    # 290 + 7 is there, 290 + 30 and whatever follows the last bar are not
    known = [True, False, True, False, False]
    assert frame["target"].is_not_null().to_list() == known
    assert frame["resolved"].is_not_null().to_list() == known
    assert set(frame["fold"]) == {4}


def test_every_row_keeps_its_symbol_close_and_quantiles():
    samples = bare_samples([day(0) + np.arange(5), day(2) + np.arange(6)], horizons=(1, 2))
    rows = np.array([1, 5, 10])
    grid = np.arange(3 * 2 * len(LEVELS), dtype=float).reshape(3, 2, -1)
    frame = forecast_frame(samples, rows, grid, model="m", fold=0)
    for position, row in enumerate(rows):
        for k, horizon in enumerate((1, 2)):
            (own,) = frame.filter(
                pl.col("symbol") == ("AAA" if row < 5 else "BBB"),
                pl.col("origin") == samples.origin[row].astype(object),
                pl.col("horizon_sessions") == horizon,
            ).to_dicts()
            assert own["close"] == samples.table.close[row]
            assert [own[name] for name in QUANTILE_COLUMNS] == grid[position, k].tolist()
            outcome = samples.outcome[row, k]
            assert own["target"] == (None if np.isnan(outcome) else outcome)


def test_no_rows_give_an_empty_frame_in_the_schema():
    samples = daily_samples(9, horizons=(1, 7))
    none = np.empty((0, 2, len(LEVELS)))
    frame = forecast_frame(samples, np.empty(0, dtype=np.int64), none, model="m", fold=0)
    assert dict(frame.schema) == FORECAST_SCHEMA
    assert frame.height == 0


# --- single seeds ---


def point(value: float) -> np.ndarray:
    """Two rows, two horizons, every quantile `value`: its CRPS is its absolute error."""
    return np.full((2, 2, len(LEVELS)), value)


def test_losses_of_single_seeds_are_means_over_all_folds():
    samples = daily_samples(6, horizons=(1, 4), returns=[np.full(6, 0.01)], scale=0.02)
    folds = [
        Forecast(rows=np.array(rows), grid=point(9.0), seeds=np.stack([point(0.0), point(2.0)]))
        for rows in ([0, 1], [4, 5])
    ]
    frame = seed_losses(samples, folds, model="m")
    assert dict(frame.schema) == SEED_SCHEMA
    # outcomes of 1 % at one session from 0, 1 and 4, of 4 % at four from 0 and 1; seed 0 says 0,
    # seed 1 says 2 units, .04 and .08
    found = frame.select("seed", "horizon_sessions", "forecasts", "crps", "absolute_error").rows()
    expected = [(0, 1, 3, 0.01), (0, 4, 2, 0.04), (1, 1, 3, 0.03), (1, 4, 2, 0.04)]
    assert [row[:3] for row in found] == [row[:3] for row in expected]
    losses = [row[3] for row in expected]
    np.testing.assert_allclose([row[3] for row in found], losses)
    np.testing.assert_allclose([row[4] for row in found], losses)


def test_a_model_of_one_seed_has_no_rows():
    none = np.empty((0, 2, 2, len(LEVELS)))
    forecast = Forecast(rows=np.array([0, 1]), grid=point(0.0), seeds=none)
    frame = seed_losses(daily_samples(6, horizons=(1, 4)), [forecast], model="m")
    assert dict(frame.schema) == SEED_SCHEMA
    assert frame.height == 0


@pytest.mark.parametrize("row", [4, 5])
def test_forecasts_that_nothing_has_answered_are_not_counted(row):
    samples = daily_samples(6, horizons=(4, 5))
    seeds = np.stack([point(0.0), point(1.0)])
    forecast = Forecast(rows=np.array([row - 4, row]), grid=point(0.0), seeds=seeds)
    frame = seed_losses(samples, [forecast], model="m")
    assert frame["forecasts"].to_list() == ([1, 1] if row == 5 else [1, 1, 1, 1])
