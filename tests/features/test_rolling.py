from collections.abc import Callable
from math import fsum, inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextclose.features.rolling import (
    exponential_mean,
    padded_sum,
    recent_mean,
    rolling_max,
    rolling_mean,
    rolling_min,
    rolling_std,
    rolling_sum,
)
from nextclose.schema import Floats

WINDOWED = (rolling_sum, rolling_mean, rolling_std, rolling_max, rolling_min)


def loop(x: Floats, sessions: int, of: Callable[[Floats], float]) -> Floats:
    """The slow and obvious way."""
    values = [np.nan] * min(sessions - 1, len(x))
    values += [of(x[t - sessions + 1 : t + 1]) for t in range(sessions - 1, len(x))]
    return np.array(values, dtype=float)


def deviation(window: Floats) -> float:
    mean = fsum(window) / len(window)
    return float(np.sqrt(fsum((window - mean) ** 2) / len(window)))


def series(seed: int, n: int = 300) -> Floats:
    return 40 + np.random.default_rng(seed).standard_normal(n).cumsum()


def test_windows_of_three_worked_by_hand():
    x = np.array([1.0, 2.0, 4.0, 1.0, 1.0])
    np.testing.assert_array_equal(rolling_sum(x, sessions=3), [np.nan, np.nan, 7, 7, 6])
    np.testing.assert_array_equal(rolling_mean(x, sessions=3)[2:], [7 / 3, 7 / 3, 2])
    np.testing.assert_array_equal(rolling_max(x, sessions=3), [np.nan, np.nan, 4, 4, 4])
    np.testing.assert_array_equal(rolling_min(x, sessions=3), [np.nan, np.nan, 1, 1, 1])
    # 1, 2, 4: mean 7/3, squares 16/9 + 1/9 + 25/9 = 42/9, over 3 sessions
    np.testing.assert_allclose(rolling_std(x, sessions=3)[2], np.sqrt(42 / 27), rtol=1e-15)


def test_a_padded_sum_of_three_begins_with_what_there_is():
    x = np.array([1.0, 2.0, 4.0, 1.0, 1.0])
    assert padded_sum(x, sessions=3).tolist() == [1, 3, 7, 7, 6]
    assert padded_sum(x, sessions=9).tolist() == [1, 3, 7, 8, 9]


def test_a_recent_mean_of_three_is_of_the_known_among_what_there_is():
    x = np.array([np.nan, 2.0, 4.0, np.nan, 1.0, np.nan, np.nan, np.nan, 5.0])
    expected = [np.nan, 2, 3, 3, 2.5, 1, 1, np.nan, 5]
    np.testing.assert_array_equal(recent_mean(x, sessions=3), expected)


def test_a_recent_mean_of_what_only_its_first_session_lacks_counts_from_the_second():
    x = np.array([np.nan, 2.0, 4.0, 6.0, 8.0])  # as returns
    np.testing.assert_array_equal(recent_mean(x, sessions=3), [np.nan, 2, 3, 4, 6])
    np.testing.assert_array_equal(recent_mean(x[1:], sessions=3), [2, 3, 4, 6])


@settings(deadline=None)
@given(st.integers(0, 9), st.integers(1, 260))
def test_full_windows_of_what_there_is_have_the_bits_of_a_rolling_sum(seed, sessions):
    x = series(seed)
    full = rolling_sum(x, sessions=sessions)[sessions - 1 :]
    padded = padded_sum(x, sessions=sessions)
    assert padded[sessions - 1 :].tobytes() == full.tobytes()
    np.testing.assert_allclose(padded[: sessions - 1], np.cumsum(x)[: sessions - 1], rtol=1e-12)
    mean = recent_mean(x, sessions=sessions)
    assert (
        mean[sessions - 1 :].tobytes()
        == rolling_mean(x, sessions=sessions)[sessions - 1 :].tobytes()
    )


@pytest.mark.parametrize("n", [0, 1, 9])
def test_a_recent_mean_of_nothing_known_is_nothing(n):
    np.testing.assert_array_equal(recent_mean(np.full(n, np.nan), sessions=4), np.full(n, np.nan))


def test_a_padded_sum_with_an_unknown_value_is_unknown_while_it_is_in_reach():
    x = np.array([1.0, np.nan, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(padded_sum(x, sessions=2), [1, np.nan, np.nan, 5, 7])


def test_exponential_mean_of_four_terms_worked_by_hand():
    x = np.array([8.0, 4.0, 2.0, 1.0, 16.0])
    # weights 1/8, 1/4, 1/2, 1, sum 15/8: (1 + 1 + 1 + 1) / (15/8), then (3/2 + 16) / (15/8)
    expected = [np.nan, np.nan, np.nan, 32 / 15, 140 / 15]
    np.testing.assert_allclose(exponential_mean(x, alpha=0.5, terms=4), expected, rtol=1e-15)


@pytest.mark.parametrize("sessions", [1, 2, 3, 7, 16, 20, 66, 127, 250])
def test_windows_agree_with_plain_loops(sessions):
    x = series(1)
    pairs: list[tuple[Callable[..., Floats], Callable[[Floats], float]]]
    pairs = [(rolling_sum, fsum), (rolling_std, deviation), (rolling_max, max), (rolling_min, min)]
    for rolling, of in pairs:
        expected = loop(x, sessions, of)
        np.testing.assert_allclose(rolling(x, sessions=sessions), expected, rtol=1e-12, atol=1e-12)


def test_exponential_mean_agrees_with_a_plain_loop():
    x, alpha, terms = series(2), 0.06, 64
    weights = (1 - alpha) ** np.arange(terms)[::-1]

    def weighted(window: Floats) -> float:
        return fsum(window * weights) / fsum(weights)

    expected = loop(x, terms, weighted)
    np.testing.assert_allclose(exponential_mean(x, alpha=alpha, terms=terms), expected, rtol=1e-13)


@settings(deadline=None)
@given(st.integers(0, 9), st.integers(1, 260), st.integers(0, 299))
def test_a_later_start_changes_no_bit(seed, sessions, dropped):
    x = series(seed)
    for rolling in WINDOWED:
        full, late = rolling(x, sessions=sessions), rolling(x[dropped:], sessions=sessions)
        first = min(dropped + sessions - 1, len(x))
        assert full[first:].tobytes() == late[first - dropped :].tobytes()
        assert np.isnan(late[: first - dropped]).all()


@settings(deadline=None)
@given(st.integers(0, 9), st.sampled_from([1, 2, 16, 128, 256]), st.integers(0, 299))
def test_a_later_start_changes_no_bit_of_an_exponential_mean(seed, terms, dropped):
    x = series(seed)
    full = exponential_mean(x, alpha=0.1, terms=terms)
    late = exponential_mean(x[dropped:], alpha=0.1, terms=terms)
    first = min(dropped + terms - 1, len(x))
    assert full[first:].tobytes() == late[first - dropped :].tobytes()


@settings(deadline=None)
@given(st.integers(0, 9), st.integers(1, 260), st.sampled_from([0.125, 0.5, 2.0, 1024.0]))
def test_a_power_of_two_passes_through_exactly(seed, sessions, factor):
    x = series(seed)
    for rolling in WINDOWED:
        expected = factor * rolling(x, sessions=sessions)
        assert rolling(factor * x, sessions=sessions).tobytes() == expected.tobytes()
    expected = factor * exponential_mean(x, alpha=2 / 27, terms=32)
    assert exponential_mean(factor * x, alpha=2 / 27, terms=32).tobytes() == expected.tobytes()


@pytest.mark.parametrize("sessions", [1, 2, 7, 20, 250])
def test_equal_values_deviate_by_exactly_nothing(sessions):
    spread = rolling_std(np.full(300, 7.3), sessions=sessions)
    np.testing.assert_array_equal(spread[sessions - 1 :], 0.0)


def test_a_deviation_keeps_its_digits_far_from_zero():
    small = series(3) - 40
    far = small + 2.0**20  # a difference of mean squares would keep four digits
    near = rolling_std(far - 2.0**20, sessions=20)
    np.testing.assert_allclose(rolling_std(far, sessions=20), near, rtol=1e-8)


@pytest.mark.parametrize("poison", [np.nan, inf])
def test_a_poisoned_value_stays_within_its_window(poison):
    x = series(4, 60)
    sick = x.copy()
    sick[30] = poison
    for rolling in (rolling_sum, rolling_mean, rolling_max, rolling_min):
        well, ill = rolling(x, sessions=11), rolling(sick, sessions=11)
        np.testing.assert_array_equal(ill[:30], well[:30])
        np.testing.assert_array_equal(ill[41:], well[41:])
    assert np.isnan(rolling_sum(np.where(x == x[30], np.nan, x), sessions=11)[30:41]).all()


@pytest.mark.parametrize("n", [0, 1, 5, 6])
def test_series_shorter_than_the_window_are_all_nan(n):
    for rolling in WINDOWED:
        np.testing.assert_array_equal(rolling(np.ones(n), sessions=7), np.full(n, np.nan))
    np.testing.assert_array_equal(
        exponential_mean(np.ones(n), alpha=0.1, terms=8), np.full(n, np.nan)
    )


def test_impossible_windows_are_refused():
    for rolling in WINDOWED:
        with pytest.raises(ValueError, match="at least 1"):
            rolling(np.ones(5), sessions=0)
    with pytest.raises(ValueError, match="power of two"):
        exponential_mean(np.ones(5), alpha=0.1, terms=3)
    with pytest.raises(ValueError, match="between 0 and 1"):
        exponential_mean(np.ones(5), alpha=1.0, terms=4)
