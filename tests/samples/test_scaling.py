from dataclasses import replace

import numpy as np
import pytest

from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.features.universal import INPUTS
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import (
    Scaler,
    available_names,
    family_columns,
    fit_min_max,
    fit_scaler,
    known_names,
    named_columns,
)
from nextclose.samples.splits import known_at
from tests.builders import close_only, daily_samples, day, samples_of, walk_bars

NAN = np.nan


def with_values(samples: Samples, values: np.ndarray) -> Samples:
    return replace(samples, table=replace(samples.table, values=values))


def test_centre_and_width_of_four_rows_worked_by_hand():
    # row 0 is warm-up; row 5 has no known outcome; 1, 3, 5, 7: mean 4, squares 9 1 1 9, width 5**.5
    values = np.array([[NAN, NAN], [1, 2], [3, 2], [5, 2], [7, 2], [1000, 9]], dtype=np.float32)
    samples = daily_samples(6, horizons=(1,), values=values, warmup=1)
    scaler = fit_scaler(samples, names=["x0", "x1"], family="bare")
    np.testing.assert_allclose(scaler.center, [4, 2])
    np.testing.assert_allclose(scaler.width, [np.sqrt(5), 1])  # x1 never moves: width 1
    scaled = scaler.apply(samples)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[1:5, 0], np.array([-3, -1, 1, 3]) / np.sqrt(5), rtol=1e-6)
    np.testing.assert_array_equal(scaled[1:5, 1], 0)
    np.testing.assert_array_equal(scaled[0], 0)  # warm-up: the training mean
    assert scaled[5, 0] == 5  # capped
    assert scaler.apply(with_values(samples, -values))[5, 0] == -5


def test_the_scaler_is_blind_to_rows_whose_outcome_is_not_known():
    samples = daily_samples(60, horizons=(1, 7))
    past = known_at(samples, day(40))
    fitted = fit_scaler(past, names=["x0"], family="bare")
    for poison in (1e6, NAN):
        values = samples.table.values.copy()
        values[40:] = poison  # origin 39 resolves at 40, origin 40 later
        poisoned = fit_scaler(with_values(past, values), names=["x0"], family="bare")
        np.testing.assert_array_equal(poisoned.center, fitted.center)
        np.testing.assert_array_equal(poisoned.width, fitted.width)
    values = samples.table.values.copy()
    values[39] += 1
    seen = fit_scaler(with_values(past, values), names=["x0"], family="bare")
    assert seen.center != fitted.center  # the last row that may be seen is seen


def test_the_order_of_names_is_the_order_of_columns():
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    samples = daily_samples(6, values=values)
    np.testing.assert_array_equal(named_columns(samples, ["x1", "x0"]), values[:, ::-1])
    swapped = fit_scaler(samples, names=["x1", "x0"], family="bare")
    assert swapped.names == ("x1", "x0")
    assert (swapped.center[0], swapped.center[1]) == (5, 4)  # rows 0 .. 4 know an outcome


def test_a_missing_column_is_named_with_the_reason_and_the_cure():
    samples = samples_of(close_only(walk_bars((280,))))
    scaler = Scaler(names=("gap",), center=np.zeros(1), width=np.ones(1))
    with pytest.raises(ConfigError, match=r"'gap' .* the bars have no open.* Fix: give bars"):
        scaler.apply(samples)


def test_present_keeps_the_order_of_the_names_asked_for():
    samples = samples_of(close_only(walk_bars((280,))))
    assert available_names(samples, ["rsi", "gap", "return_1"]) == ("rsi", "return_1")


def test_family_columns_are_those_of_the_family():
    samples = samples_of(walk_bars((280,)))
    n_first = len(INPUTS)
    for family, expected in (
        ("universal", samples.table.values[:, :n_first]),
        ("stationary", samples.table.values[:, n_first:]),
    ):
        np.testing.assert_array_equal(family_columns(samples, family), expected)


def test_one_row_is_too_few_to_scale():
    with pytest.raises(NotEnoughDataError) as caught:
        fit_scaler(daily_samples(2, horizons=(1,)), names=["x0"], family="bare")
    assert (caught.value.needed, caught.value.found) == (2, 1)


def test_what_hardly_a_row_knows_is_not_read_and_the_rest_is_scaled_by_what_is_known():
    values = np.arange(1200, dtype=np.float32).reshape(300, 4)
    values[:, 1] = NAN
    values[:51, 2] = NAN  # 248 of 299 rows know it
    values[:40, 3] = NAN  # 259 do
    samples = daily_samples(300, horizons=(1,), values=values)
    scaler = fit_scaler(samples, names=["x0", "x1", "x2", "x3"], family="bare")
    assert scaler.names == ("x0", "x3")
    np.testing.assert_allclose(scaler.center[1], values[40:299, 3].mean(dtype=float))
    np.testing.assert_allclose(scaler.width[1], values[40:299, 3].std(dtype=float))
    scaled = scaler.apply(samples)
    np.testing.assert_array_equal(scaled[:40, 1], 0)
    full = fit_scaler(samples, names=["x0"], family="bare")
    np.testing.assert_allclose((scaler.center[0], scaler.width[0]), (full.center[0], full.width[0]))


def test_of_few_rows_all_must_know_a_column():
    values = np.arange(20, dtype=np.float32).reshape(10, 2)
    values[4, 1] = NAN
    samples = daily_samples(10, horizons=(1,), values=values)
    assert known_names(samples, ("x1", "x0"), np.arange(10)) == ("x0",)
    assert known_names(samples, ("x1", "x0"), np.arange(5, 10)) == ("x1", "x0")
    assert known_names(samples, (), np.arange(10)) == ()


def test_min_max_of_two_columns_worked_by_hand():
    ranges = fit_min_max(np.array([[1.0, 7.0], [3.0, 7.0], [2.0, 7.0]]))
    # 1..3 becomes 0..1, so 4 is 1.5; a column that never moved keeps its unit: 9 - 7
    np.testing.assert_array_equal(ranges.apply(np.array([[4.0, 9.0]])), [[1.5, 2.0]])
