from fractions import Fraction

import numpy as np
import pytest
import scoringrules
from scipy.stats import t as student

from nextclose.metrics import (
    INTERVALS,
    brier_score,
    cdf_on_grid,
    crps_slope,
    direction_call,
    direction_hits,
    grid_crps,
    implied_r2,
    interval_score,
    interval_width_pct,
    is_inside,
    mean_grid_crps,
    percentage_error,
    pinball_loss,
    pit,
    probability_up,
)
from nextclose.schema import LEVEL_WEIGHTS, LEVELS
from tests.evaluation.frames import NORMAL


def point(*values: float) -> np.ndarray:
    return np.repeat(np.array(values)[:, None], len(LEVELS), axis=1)


def test_weights_sum_to_one_and_their_mean_level_is_a_half():
    weights = [Fraction(str(w)) for w in LEVEL_WEIGHTS]
    levels = [Fraction(str(level)) for level in LEVELS]
    assert sum(weights) == 1
    assert sum(w * level for w, level in zip(weights, levels, strict=True)) == Fraction(1, 2)


def test_crps_of_a_point_is_its_absolute_error():
    np.testing.assert_allclose(grid_crps(point(0, 0), np.array([1.0, -3.0])), [1, 3], rtol=1e-15)


@pytest.mark.parametrize(
    ("outcome", "crps"),
    [(0.5, Fraction(20667, 250000)), (0, Fraction(10399, 31250)), (2, Fraction(41649, 31250))],
)
def test_crps_of_a_uniform_density_is_the_exact_rational(outcome, crps):
    found = grid_crps(LEVELS[None, :], np.array([float(outcome)]))
    assert found[0] == pytest.approx(float(crps), abs=1e-14)


@pytest.mark.parametrize(("outcome", "crps"), [(0, 0.232012), (1, 0.601528), (3, 2.436545)])
def test_crps_of_a_normal_density_matches_the_reference_values(outcome, crps):
    assert grid_crps(NORMAL, np.asarray(float(outcome))) == pytest.approx(crps, abs=1e-6)


def test_mean_crps_of_true_normal_and_t5_forecasts_is_within_a_fifth_of_a_percent_of_exact():
    probability = (np.arange(4000) + 0.5) / 4000  # outcomes spread as the forecast says
    for quantiles, outcomes, exact in [
        (NORMAL, np.asarray(student.ppf(probability, 1e9)), scoringrules.crps_normal),
        (student.ppf(LEVELS, 5), student.ppf(probability, 5), None),
    ]:
        truth = (
            exact(outcomes, 0.0, 1.0)
            if exact
            else scoringrules.crps_t(outcomes, 5.0, location=0.0, scale=1.0)
        ).mean()
        ours = grid_crps(np.broadcast_to(quantiles, (4000, 23)), outcomes).mean()
        assert 0.9980 < ours / truth < 0.9990


def test_the_mean_crps_of_a_minimiser_is_that_of_the_forecasts_and_its_slope_the_derivative():
    rng = np.random.default_rng(3)
    quantiles, outcome = np.sort(rng.standard_normal((40, 23)), axis=1), rng.standard_normal(40)
    loss = mean_grid_crps(quantiles, outcome)
    assert loss == pytest.approx(grid_crps(quantiles, outcome).mean(), rel=1e-13)
    slope = crps_slope(quantiles, outcome)
    for j in (0, 11, 22):
        moved = quantiles.copy()
        moved[:, j] += 1e-7
        falls = (grid_crps(quantiles, outcome) - grid_crps(moved, outcome)) / 1e-7
        np.testing.assert_allclose(slope[:, j], falls, atol=1e-6)


def test_pinball_loss_worked_by_hand():
    # 0.1 quantile stated at 2: an outcome of 5 costs 0.1 * 3, one of 1 costs 0.9 * 1
    np.testing.assert_allclose(
        pinball_loss(np.array([2.0, 2.0]), np.array([5.0, 1.0]), level=0.1), [0.3, 0.9]
    )


def test_probability_up_matches_the_reference_value():
    assert probability_up((0.001 + 0.02 * NORMAL)[None, :])[0] == pytest.approx(0.519895, abs=1e-6)


def test_probability_up_by_hand_between_on_ties_and_beyond_the_grid():
    rising = np.linspace(
        -1.0, 1.2, 23
    )  # step 0.1: 0 is quantile 11 of 0..22, level 0.45... by index
    tied = np.concatenate([np.full(3, -1.0), np.zeros(5), np.full(15, 1.0)])
    grids = np.array([rising, rising + 0.05, tied, rising + 10, rising - 10])
    # on 0.45; halfway from 0.40 to 0.45; tied from 0.10 to 0.30; all above 0; all below 0
    expected = [1 - 0.45, 1 - 0.425, 1 - 0.20, 1 - 0.005, 1 - 0.995]
    np.testing.assert_allclose(probability_up(grids), expected, atol=1e-12)


def test_cdf_at_each_quantile_is_its_level():
    grids = np.broadcast_to(NORMAL, (23, 23))
    np.testing.assert_allclose(cdf_on_grid(grids, NORMAL), LEVELS, atol=1e-15)


def test_pit_of_outcomes_spread_as_forecast_is_uniform():
    probability = (np.arange(2000) + 0.5) / 2000
    pits = pit(np.broadcast_to(LEVELS, (2000, 23)), probability)
    body = (probability > 0.01) & (probability < 0.99)
    np.testing.assert_allclose(pits[body], probability[body], atol=1e-12)
    assert set(pits[~body]) == {0.005, 0.995}


def test_a_point_forecast_calls_the_direction_of_its_sign():
    assert direction_call(point(0.002, -0.002, 0.0)).tolist() == [1, -1, 0]


def test_a_symmetric_density_calls_no_direction():
    assert direction_call(np.array([NORMAL, NORMAL + 1e-6, NORMAL - 1e-6])).tolist() == [0, 1, -1]


def test_percentage_error_is_of_the_realised_price():
    # from 100 to 110, forecast 99: 11 of 110 is 10 %
    error = percentage_error(np.log([0.99]), np.log([1.10]))
    assert error[0] == pytest.approx(10.0, abs=1e-12)


def test_intervals_pair_levels_symmetrically():
    assert [round(100 * nominal) for nominal in INTERVALS] == [98, 95, 90, *range(80, 0, -10)]
    for nominal, (low, high) in INTERVALS.items():
        assert LEVELS[high] - LEVELS[low] == pytest.approx(nominal)


def test_an_outcome_on_the_edge_of_a_range_is_held():
    quantiles = np.broadcast_to(LEVELS, (4, 23))
    outcome = np.array([0.05, 0.95, 0.049, 0.951])
    assert is_inside(quantiles, outcome).tolist() == [True, True, False, False]
    assert is_inside(quantiles, outcome, nominal=0.95).all()


def test_width_is_in_percent_of_the_price():
    quantiles = np.log(np.linspace(0.9, 1.12, 23))  # level 0.05 at 0.92, level 0.95 at 1.10
    assert interval_width_pct(quantiles) == pytest.approx(18.0, abs=1e-9)


def test_interval_score_charges_a_miss_by_its_distance_over_the_tail():
    # prices 92 to 110 of 100: width 18; 90 % leaves 0.1, so each point outside costs 20
    quantiles = np.broadcast_to(np.log(np.linspace(0.9, 1.12, 23)), (5, 23))
    outcome = np.log([1.0, 1.10, 0.91, 1.13, np.nan])
    score = interval_score(quantiles, outcome)
    np.testing.assert_allclose(score, [18, 18, 18 + 20, 18 + 60, np.nan], atol=1e-9)
    # the 50 % range is 96 to 106, its tails 0.5: each point outside costs 4
    score = interval_score(quantiles, outcome, nominal=0.5)
    np.testing.assert_allclose(score, [10, 10 + 16, 10 + 20, 10 + 28, np.nan], atol=1e-9)


def test_costs_of_an_absurd_forecast_are_finite_even_when_squared():
    # once prices moved a millionfold, what follows may spread over e**842 times the price
    quantiles = np.linspace(-842.0, 842.0, 23)[None, :]
    outcome = np.array([-842.0])
    for loss in (
        interval_width_pct(quantiles),
        interval_score(quantiles, outcome),
        percentage_error(quantiles[:, -1], outcome),
    ):
        assert np.isfinite(loss**2).all()
        assert (loss > 1e100).all()


def test_interval_score_agrees_with_scoringrules():
    rng = np.random.default_rng(1)
    quantiles = np.sort(rng.standard_normal((50, 23)) / 50, axis=1)
    outcome = rng.standard_normal(50) / 50
    theirs = scoringrules.interval_score(
        np.exp(outcome), np.exp(quantiles[:, 2]), np.exp(quantiles[:, 20]), 0.1
    )
    np.testing.assert_allclose(interval_score(quantiles, outcome), 100 * theirs, rtol=1e-12)


def test_brier_score_worked_by_hand():
    # 0 at level 0.4, at the median, above all: probabilities of a rise 0.6, 0.5 and 0.005
    likely, even, falling = LEVELS - 0.4, LEVELS - 0.5, LEVELS - 2.0
    score = brier_score(
        np.array([likely, likely, even, falling, likely]), np.array([1, -1, 2, 0, np.nan])
    )
    # a flat price did not rise
    np.testing.assert_allclose(score, [0.16, 0.36, 0.25, 0.005**2, np.nan], atol=1e-12)


def test_direction_counts_what_it_drops():
    call = np.array([1, 1, -1, 0, 1, -1])
    outcome = np.array([0.1, -0.1, -0.1, 0.1, 0.0, -0.2])
    hits = direction_hits(call, outcome)
    # judged: rows 0, 1, 2, 5 -> right 3 of 4; falls 3 of 4
    assert (hits.hit_rate, hits.base_rate, hits.side) == (0.75, 0.75, "down")
    assert (hits.n_calls, hits.n_no_call, hits.n_flat) == (4, 1, 1)


def test_direction_without_calls_has_no_rates():
    hits = direction_hits(np.array([0, 0]), np.array([0.1, -0.1]))
    assert (hits.hit_rate, hits.base_rate, hits.n_no_call) == (None, None, 2)


@pytest.mark.parametrize(
    ("hit", "r2_pct"),
    [(0.51, 0.10), (0.52, 0.39), (0.53, 0.89), (0.543, 1.8), (0.62, 13.6), (0.5, 0), (0.45, 0)],
)
def test_what_a_hit_rate_implies(hit, r2_pct):
    assert 100 * implied_r2(hit) == pytest.approx(r2_pct, abs=0.06)


def test_hit_rate_of_correlated_normals_is_the_one_implied():
    rng = np.random.default_rng(0)
    rho = 0.3
    x, noise = rng.standard_normal((2, 200_000))
    y = rho * x + np.sqrt(1 - rho**2) * noise
    hit = float((np.sign(x) == np.sign(y)).mean())
    assert implied_r2(hit) == pytest.approx(rho**2, abs=0.005)
