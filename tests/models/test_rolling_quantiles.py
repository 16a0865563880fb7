import numpy as np
import pytest

from nextclose.models.rolling_quantiles import SORTED_ANEW_FROM, WINDOWS_AT_ONCE, past_quantiles
from nextclose.schema import LEVELS

RNG = np.random.default_rng(5)
N = WINDOWS_AT_ONCE + 320  # windows of 250 come in two helpings
SERIES = {
    "random": RNG.standard_t(4, N) / 100,
    "tied": RNG.integers(-2, 3, N) / 7,
    "constant": np.full(N, 0.1),
    "rising": np.arange(N) / 10,
    "falling": -np.arange(N) / 10,
    "column": RNG.standard_normal((N, 3))[:, 1],  # not contiguous
}
MANY = SORTED_ANEW_FROM
COUNTS = {
    "every": np.arange(N + 1),
    "some, any order, twice": RNG.permutation(np.repeat(RNG.integers(0, N + 1, 60), 2)),
    "steps about the border": np.cumsum([1, MANY - 1, MANY, MANY + 1, 1, 1, MANY, 3 * MANY, 2]),
    "last": np.array([N]),
    "nothing known": np.array([0, 0]),
    "no row": np.array([], dtype=np.int64),
}


def one_by_one(values, n_past, *, n_last):
    grid = np.full((len(n_past), len(LEVELS)), np.nan)
    for row, n in enumerate(n_past):
        if n:
            first = 0 if n_last is None else max(n - n_last, 0)
            grid[row] = np.quantile(values[first:n], LEVELS)
    return grid


@pytest.mark.parametrize("n_last", [None, 1, 2, 250, N, 2 * N])
@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("series", SERIES)
def test_quantiles_are_those_of_numpy_to_the_bit(series, counts, n_last):
    values, n_past = SERIES[series], COUNTS[counts]
    before = values.copy()
    found = past_quantiles(values, n_past, levels=LEVELS, n_last=n_last)
    expected = one_by_one(values, n_past, n_last=n_last)
    assert found.tobytes() == expected.tobytes()
    np.testing.assert_array_equal(values, before)  # what is sorted is a copy


@pytest.mark.parametrize("n_last", [None, 50])
def test_a_missing_value_makes_its_pasts_unknown_and_no_other(n_last):
    values = SERIES["random"].copy()
    values[[100, 101, 300]] = np.nan
    n_past = np.arange(len(values) + 1)
    found = past_quantiles(values, n_past, levels=LEVELS, n_last=n_last)
    np.testing.assert_array_equal(found, one_by_one(values, n_past, n_last=n_last))
    unknown = np.isnan(found).all(axis=1)
    assert (unknown == np.isnan(found).any(axis=1)).all()
    expected = n_past > 100
    if n_last is not None:  # 100 is in the windows that end at 101 .. 150, and so on
        expected = ((n_past > 100) & (n_past <= 151)) | ((n_past > 300) & (n_past <= 350))
    np.testing.assert_array_equal(unknown, expected | (n_past == 0))


def test_quantiles_worked_by_hand():
    # 1 3 7 sorted: 0.25 lies half the way from 1 to 3; of the last two, 7 and 3, a quarter from 3
    levels = np.array([0.25, 1.0])
    values, n_past = np.array([1.0, 7.0, 3.0]), np.array([3, 0])
    nothing = [np.nan, np.nan]
    found = past_quantiles(values, n_past, levels=levels)
    np.testing.assert_array_equal(found, [[2.0, 7.0], nothing])
    found = past_quantiles(values, n_past, levels=levels, n_last=2)
    np.testing.assert_array_equal(found, [[4.0, 7.0], nothing])
