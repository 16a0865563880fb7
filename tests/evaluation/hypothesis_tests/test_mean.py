import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa.stattools import diebold_mariano_test

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.hypothesis_tests.mean import (
    benjamini_hochberg,
    cube_root_lags,
    decisive_test,
    diebold_mariano,
    fixed_smoothing,
    pooled_bartlett,
    relative_gain,
)

RISING = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
MIXED = np.array([1.0, -1.0, 2.0, 0.0, 1.0, 3.0, -2.0, 2.0])


def test_diebold_mariano_of_five_rising_gains_worked_by_hand():
    # mean 3, variance /n = 2, t = 3 / sqrt(2/5) * sqrt((5 + 1 - 2)/5) = 3 sqrt(2)
    test = diebold_mariano(RISING, lags=0)
    assert test.statistic == pytest.approx(3 * np.sqrt(2), abs=1e-12)
    assert test.dof == 4
    assert test.p_two_sided == pytest.approx(0.0132356, abs=1e-6)
    assert test.p_better == pytest.approx(0.0132356 / 2, abs=1e-6)
    assert test.p_worse == pytest.approx(1 - 0.0132356 / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("horizon", "lags", "statistic", "p"),
    [(1, 0, 1.270978, 0.2443410), (2, 2, 2.430278, 0.0454020)],
)
def test_diebold_mariano_matches_the_reference_values(horizon, lags, statistic, p):
    test = diebold_mariano(MIXED, horizon_sessions=horizon, lags=lags)
    assert test.statistic == pytest.approx(statistic, abs=1e-6)
    assert test.p_two_sided == pytest.approx(p, abs=1e-6)


def test_a_negative_long_run_variance_is_undefined_not_zero():
    # autocovariances: g0 = 2.5546875, g1 = -1.66015625; g0 + 2 g1 = -0.765625
    with pytest.raises(NotEnoughDataError, match="undefined"):
        diebold_mariano(MIXED, horizon_sessions=2, lags=1, kernel="rectangular")


@pytest.mark.parametrize("test", [diebold_mariano, fixed_smoothing])
@pytest.mark.parametrize("gain", [np.zeros(300), np.full(300, 0.1)])
def test_gains_that_never_vary_have_no_p_value(test, gain):
    with pytest.raises(NotEnoughDataError):
        test(gain)


def test_two_origins_are_too_few_for_any_test():
    with pytest.raises(NotEnoughDataError) as caught:
        fixed_smoothing(np.array([1.0, 2.0]))
    assert (caught.value.needed, caught.value.found) == (3, 2)


def test_a_horizon_longer_than_the_sample_is_refused():
    with pytest.raises(NotEnoughDataError):
        diebold_mariano(MIXED, horizon_sessions=8)


@pytest.mark.parametrize("n", [37, 250, 1000])
def test_diebold_mariano_agrees_with_statsmodels(n):
    rng = np.random.default_rng(n)
    a, b = rng.standard_normal((2, n)) ** 2
    theirs = diebold_mariano_test(np.zeros(n), a, b, criterion=lambda y, f: f, harvey_adj=True)
    ours = diebold_mariano(a - b)
    assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-9)
    assert ours.p_two_sided == pytest.approx(theirs.pvalue, abs=1e-9)


def test_fixed_smoothing_matches_the_reference_values():
    # n = 8: m = min(floor(8^(1/3)), 8 // 4) = 2; periodogram .2573593, .5
    test = fixed_smoothing(MIXED)
    assert test.dof == 4
    assert test.statistic == pytest.approx(3.447230, abs=1e-6)
    assert test.p_two_sided == pytest.approx(0.0261205, abs=1e-6)
    assert 8 * test.standard_error**2 == pytest.approx((0.2573593 + 0.5) / 2, abs=1e-7)


@pytest.mark.parametrize(
    ("n", "horizon", "ordinates"), [(1000, 1, 10), (1000, 30, 8), (500, 30, 4), (60, 30, 1)]
)
def test_fixed_smoothing_uses_at_most_a_quarter_of_the_separate_windows(n, horizon, ordinates):
    gain = np.random.default_rng(0).standard_normal(n)
    assert fixed_smoothing(gain, horizon_sessions=horizon).dof == 2 * ordinates


def test_cube_root_lags_survive_floating_point():
    assert [cube_root_lags(n) for n in (8, 26, 27, 999, 1000)] == [2, 2, 3, 9, 10]


@pytest.mark.parametrize("test", [diebold_mariano, fixed_smoothing])
def test_nan_gains_are_refused(test):
    with pytest.raises(ValueError, match="NaN"):
        test(np.array([1.0, np.nan, 2.0, 3.0]))


def test_a_gain_of_the_opposite_sign_swaps_better_and_worse():
    there, back = fixed_smoothing(MIXED), fixed_smoothing(-MIXED)
    assert there.p_better == pytest.approx(back.p_worse, abs=1e-15)
    assert there.p_better + there.p_worse == pytest.approx(1.0, abs=1e-12)


def test_relative_gain_of_two_symbols_worked_by_hand():
    loss = np.array([[1.0, 3.0], [2.0, np.nan], [np.nan, np.nan]])
    reference = np.array([[2.0, 4.0], [2.0, np.nan], [1.0, np.nan]])
    # symbol 1: mean reference 2 over its two shared origins, gains 1/2 and 0; symbol 2: 1/4
    np.testing.assert_allclose(relative_gain(loss, reference), [(0.5 + 0.25) / 2, 0.0])


def test_mean_relative_gain_is_the_mean_skill_of_the_symbols():
    rng = np.random.default_rng(1)
    loss, reference = rng.random((2, 200, 3))
    skills = 1 - loss.mean(axis=0) / reference.mean(axis=0)
    assert relative_gain(loss, reference).mean() == pytest.approx(skills.mean(), abs=1e-12)


def test_an_interval_excludes_zero_exactly_when_its_test_rejects():
    rng = np.random.default_rng(2)
    decisions = set()
    for shift in (0.0, 0.02, 0.05, 0.1):
        test = fixed_smoothing(rng.standard_normal(600) + shift)
        for level in (0.8, 0.9, 0.95):
            low, high = test.interval(level)
            assert low < test.mean < high
            assert (low > 0 or high < 0) == (test.p_two_sided < 1 - level)
            decisions.add(low > 0)
    assert decisions == {True, False}


def test_the_decisive_test_follows_horizon_and_pooling():
    gain = np.random.default_rng(3).standard_normal(500)
    assert decisive_test(gain, horizon_sessions=1, pooled=False) == diebold_mariano(gain)
    assert decisive_test(gain, horizon_sessions=1, pooled=True) == diebold_mariano(gain, lags=14)
    expected = fixed_smoothing(gain, horizon_sessions=7)
    assert decisive_test(gain, horizon_sessions=7, pooled=True) == expected
    assert pooled_bartlett(gain, horizon_sessions=30) == diebold_mariano(gain, lags=58)


REFERENCE_P = (0.001, 0.008, 0.039, 0.041, 0.042, 0.061, 0.074, 0.205, 0.212, 0.216)


@pytest.mark.parametrize(("rate", "n_rejected"), [(0.05, 2), (0.10, 5)])
def test_benjamini_hochberg_matches_the_reference_counts(rate, n_rejected):
    expected = [k < n_rejected for k in range(10)]
    assert benjamini_hochberg(REFERENCE_P, rate=rate).tolist() == expected


def test_benjamini_hochberg_agrees_with_statsmodels_in_any_order():
    rng = np.random.default_rng(4)
    for _ in range(50):
        p = rng.random(rng.integers(1, 30)) ** 3
        theirs = multipletests(p, alpha=0.1, method="fdr_bh")[0]
        np.testing.assert_array_equal(benjamini_hochberg(p.tolist()), theirs)


def test_benjamini_hochberg_of_nothing_rejects_nothing_and_of_nan_refuses():
    assert benjamini_hochberg([]).tolist() == []
    with pytest.raises(ValueError, match="NaN"):
        benjamini_hochberg([0.1, float("nan")])


@pytest.mark.parametrize(("horizon", "n"), [(1, 250), (7, 500), (30, 1000)])
def test_decisive_test_rejects_at_about_its_nominal_rate(horizon, n):
    """1,000 null worlds of overlapping gains: 5 % +- 3 standard errors of 0.7 pp."""
    rng = np.random.default_rng(horizon)
    rejected = 0
    for noise in rng.standard_normal((1000, n + horizon - 1)):
        total = np.cumsum(np.concatenate([[0.0], noise]))
        gain = total[horizon:] - total[:-horizon]  # overlap of h - 1, as h-session returns
        rejected += decisive_test(gain, horizon_sessions=horizon, pooled=False).p_two_sided < 0.05
    assert 0.03 <= rejected / 1000 <= 0.071
