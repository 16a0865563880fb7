import numpy as np
import pytest
from scipy import stats

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.hypothesis_tests.calibration import christoffersen, knueppel, kupiec

CLUSTERED = np.array(([False] * 8 + [True] * 2) * 2)
EVEN = (np.arange(1, 101) - 0.5) / 100


@pytest.mark.parametrize(
    ("n_misses", "ratio", "p"), [(5, 1.956810, 0.1618549), (0, 5.025168, 0.0249815)]
)  # n = 250, 1 % expected
def test_kupiec_matches_the_reference_values(n_misses, ratio, p):
    assert kupiec(n_misses=n_misses, n=250, expected=0.01) == pytest.approx(p, abs=1e-6)
    misses = np.arange(250) < n_misses
    test = christoffersen(misses, expected=0.01)
    assert test.lr_uc == pytest.approx(ratio, abs=1e-6)
    assert test.p_uc == kupiec(n_misses=n_misses, n=250, expected=0.01)


def test_misses_at_exactly_the_expected_rate_are_no_evidence():
    assert kupiec(n_misses=25, n=250, expected=0.1) == 1.0


def test_christoffersen_matches_the_reference_values():
    # steps hit-hit 14, hit-miss 2, miss-hit 1, miss-miss 2
    test = christoffersen(CLUSTERED, expected=0.1)
    assert test.lr_ind == pytest.approx(3.681090, abs=1e-6)
    assert test.lr_uc == pytest.approx(1.776120, abs=1e-6)
    assert test.lr_cc == pytest.approx(5.457210, abs=1e-6)
    assert test.p_cc == pytest.approx(0.0653103, abs=1e-6)
    assert test.p_ind == pytest.approx(stats.chi2.sf(3.681090, 1), abs=1e-6)


def test_the_independence_ratio_is_that_of_the_table_of_steps():
    rng = np.random.default_rng(0)
    misses = rng.random(400) < 0.2
    table = [
        [int(((misses[:-1] == a) & (misses[1:] == b)).sum()) for b in (False, True)]
        for a in (False, True)
    ]
    g_test = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert christoffersen(misses, expected=0.2).lr_ind == pytest.approx(g_test, abs=1e-9)


def test_the_same_misses_spread_out_keep_their_rate_and_lose_their_clusters():
    spread = np.array(([False] * 4 + [True]) * 4)
    assert christoffersen(spread, expected=0.1).lr_uc == pytest.approx(1.776120, abs=1e-6)
    # steps 12, 4, 3, 0: misses never meet, at 4 in 19 that is no surprise
    assert christoffersen(spread, expected=0.1).p_ind > 0.15


@pytest.mark.parametrize("misses", [np.zeros(50, dtype=bool), np.ones(50, dtype=bool)])
def test_zero_counts_have_no_clusters_and_no_warning(misses):
    test = christoffersen(misses, expected=0.1)
    assert (test.lr_ind, test.p_ind) == (0.0, 1.0)
    # 50 times ln 0.9 or ln 0.1, twice
    rate = 0.1 if misses.all() else 0.9
    assert test.lr_cc == test.lr_uc == pytest.approx(-100 * np.log(rate))


def test_a_miss_in_the_last_session_alone_is_a_step_to_a_miss_and_none_from_it():
    # steps: hit-hit 8, hit-miss 1; one rate fits them as well as two
    test = christoffersen(np.arange(10) == 9, expected=0.1)
    assert (test.lr_ind, test.lr_uc) == (0.0, 0.0)


def test_christoffersen_needs_one_step():
    with pytest.raises(NotEnoughDataError) as raised:
        christoffersen(np.array([True]), expected=0.1)
    assert (raised.value.needed, raised.value.found) == (2, 1)


def test_christoffersen_rejects_independent_misses_at_its_nominal_rate():
    """2,000 worlds: 5 % +- 3 standard errors of 0.5 pp."""
    misses = np.random.default_rng(1).random((2000, 1000)) < 0.1
    p = np.array([christoffersen(world, expected=0.1).p_cc for world in misses])
    assert 0.035 <= (p < 0.05).mean() <= 0.065


def test_knueppel_matches_the_reference_values():
    calibrated, squared = knueppel(EVEN, lags=0), knueppel(EVEN**2, lags=0)
    assert calibrated.statistic == pytest.approx(2.633594e-5, abs=1e-10)
    assert calibrated.p_value == pytest.approx(1.0, abs=1e-9)
    assert squared.statistic == pytest.approx(48.070653, abs=1e-6)
    assert squared.p_value == pytest.approx(9.12e-10, rel=1e-3)


def knueppel_in_a_loop(pit, lags):
    """The slow twin: one scalar at a time."""
    n, x = len(pit), np.sqrt(12) * (pit - 0.5)
    total = 0.0
    for pair in ((x, x**3), (x**2 - 1, x**4 - 1.8)):
        mean = np.array([d.mean() for d in pair])
        s = np.zeros((2, 2))
        for a in (0, 1):
            for b in (0, 1):
                for t in range(n):
                    for u in range(max(0, t - lags), min(n, t + lags + 1)):
                        weight = 1 - abs(t - u) / (lags + 1)
                        s[a, b] += weight * (pair[a][t] - mean[a]) * (pair[b][u] - mean[b]) / n
        total += n * mean @ np.linalg.inv(s) @ mean
    return total


@pytest.mark.parametrize(("horizon", "lags"), [(1, 4), (7, 6)])  # floor(80^(1/3)) = 4
def test_knueppel_agrees_with_its_slow_twin_and_knows_its_lags(horizon, lags):
    pit = np.random.default_rng(2).beta(2, 1, 80)
    slow = knueppel_in_a_loop(pit, lags)
    assert knueppel(pit, horizon_sessions=horizon).statistic == pytest.approx(slow, rel=1e-9)


def test_knueppel_rejects_uniform_pits_near_its_nominal_rate():
    """1,000 worlds at h = 1, n = 1,000: 6.7 % measured, against 5 % stated."""
    worlds = np.random.default_rng(3).random((1000, 1000))
    rate = np.mean([knueppel(pit).p_value < 0.05 for pit in worlds])
    assert 0.035 <= rate <= 0.085


@pytest.mark.parametrize(
    ("low", "high", "what"),
    [(1.4, 1.4, "ranges too wide"), (0.7, 0.7, "ranges too narrow"), (1.3, 1.0, "shifted")],
)
def test_knueppel_finds_a_miscalibrated_density(low, high, what):
    pit = np.random.default_rng(4).beta(low, high, 1000)
    assert knueppel(pit).p_value < 0.001, what


@pytest.mark.parametrize(
    "pit",
    [
        np.full(50, 0.3),
        np.tile([0.25, 0.75], 25),  # x^2 constant: the even moments never vary
        np.array([0.4]),
        np.array([]),
    ],
)
def test_knueppel_is_undefined_where_moments_do_not_vary(pit):
    with pytest.raises(NotEnoughDataError):
        knueppel(pit, lags=0)


@pytest.mark.parametrize("bad", [np.nan, -0.01, 1.01])
def test_knueppel_refuses_what_is_no_probability(bad):
    with pytest.raises(ValueError, match="PIT"):
        knueppel(np.append(EVEN, bad))
