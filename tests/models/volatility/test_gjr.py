from dataclasses import replace

import numpy as np
import pytest

from nextclose.models.volatility.gjr import Gjr

TRUE = Gjr(mu=0.0004, omega=2e-6, alpha=0.03, gamma=0.10, beta=0.90, nu=6.0)


def gjr_returns(n: int, *, seed: int, law: Gjr = TRUE) -> np.ndarray:
    """n returns of the process itself, started at its long-run variance."""
    shocks = np.random.default_rng(seed).standard_t(law.nu, n) * np.sqrt((law.nu - 2) / law.nu)
    variance, returns = law.omega / (1 - law.persistence), np.empty(n)
    for t in range(n):
        shock = np.sqrt(variance) * shocks[t]
        returns[t] = law.mu + shock
        news = law.alpha + (law.gamma if shock < 0 else 0.0)
        variance = law.omega + news * shock**2 + law.beta * variance
    return returns


# --- the recursion and its horizons ---


def test_variance_over_a_horizon_is_the_published_reference_value():
    # method reference value 9: phi = .03 + .10/2 + .90 = .98, L = 2e-6/.02 = 1e-4, so at h = 7
    # 7e-4 + 3e-4 (1 - .98**7)/.02
    found = TRUE.horizon_variance(np.array([4e-4]), (1, 7, 30))
    np.testing.assert_allclose(found, [[4e-4, 0.0026781170, 0.0098177352]], rtol=1e-8)


def test_variance_without_a_level_grows_with_the_horizon():
    integrated = replace(TRUE, alpha=0.06, gamma=0.0, beta=0.94, omega=0.0)
    found = integrated.horizon_variance(np.array([4e-4, 1e-4]), (1, 30))
    np.testing.assert_array_equal(found, [[4e-4, 0.012], [1e-4, 0.003]])


def test_three_steps_of_the_recursion_worked_by_hand():
    law = Gjr(mu=0.01, omega=1e-5, alpha=0.1, gamma=0.2, beta=0.5, nu=5.0)
    # shocks .02, -.01, 0: 1e-5 + .1 4e-4 + .5 1e-4 = 1e-4; 1e-5 + .3 1e-4 + .5 1e-4 = 9e-5;
    # 1e-5 + .5 9e-5 = 5.5e-5
    found = law.variances(np.array([0.03, 0.0, 0.01]), first=1e-4)
    np.testing.assert_allclose(found, [1e-4, 1e-4, 9e-5, 5.5e-5], rtol=1e-12)


def test_a_prefix_of_the_returns_gives_the_same_bits():
    returns = gjr_returns(500, seed=5)
    whole = TRUE.variances(returns, first=1e-4)
    for n in (0, 1, 2, 3, 7, 8, 250, 499):
        np.testing.assert_array_equal(TRUE.variances(returns[:n], first=1e-4), whole[: n + 1])


def test_volatility_has_a_floor_of_one_basis_point_a_root_session():
    still = replace(TRUE, alpha=0.06, gamma=0.0, beta=0.94, omega=0.0)
    found = still.volatility(np.array([0.0, 1e-4]), (1, 4))
    np.testing.assert_allclose(found, [[1e-4, 2e-4], [1e-2, 2e-2]], rtol=1e-12)


def test_quantiles_are_those_of_a_student_t_with_variance_one():
    # tables of t with 4 degrees of freedom: 2.132, 2.776, 3.747 at 95, 97.5 and 99 %
    found = replace(TRUE, nu=4.0).quantiles()
    np.testing.assert_allclose(found[[20, 21, 22]] * np.sqrt(2), [2.132, 2.776, 3.747], atol=5e-4)
    np.testing.assert_allclose(found, -found[::-1], atol=1e-15)
    assert found[11] == 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"nu": 2.05},
        {"nu": np.nan},
        {"omega": 0.0},
        {"omega": np.inf},
        {"alpha": -0.01},
        {"gamma": -0.04},  # a fall would calm
        {"beta": -0.1, "alpha": 0.9},
        {"beta": 0.94},  # persistence 1.02
        {"mu": 5.4},
    ],
)
def test_parameters_that_make_no_sense_are_recognised(wrong):
    returns = gjr_returns(600, seed=1)
    assert TRUE.is_sound(returns)
    assert not replace(TRUE, **wrong).is_sound(returns)


# --- its size against that of the returns it was fitted to ---

RETURNS = gjr_returns(5000, seed=11)  # variance 1e-4


def has_size(law: Gjr, returns: np.ndarray = RETURNS, *, horizons: tuple[int, ...] = (1, 30)):
    return law.has_size_of(returns, first=1e-4, horizons=horizons)


@pytest.mark.parametrize(
    "other",
    [
        {"omega": 1.8e-5},  # three times the level: 1.6 times the deviation, then more
        {"omega": 2e-7, "alpha": 0.003, "gamma": 0.01},  # a third of the deviation
    ],
)
def test_a_law_of_another_size_than_the_returns_is_recognised(other):
    assert has_size(TRUE)
    assert not has_size(replace(TRUE, **other))


def test_a_size_is_judged_at_each_horizon():
    # mean variance (5 * 2e-6 + .08 * 1e-4) / .1 = 1.8e-4; over 30 sessions .757 of it remain and
    # .243 are of the level 5e-4: 2.6e-4, a deviation of 1.34 and 1.6 times that of the returns
    law = replace(TRUE, omega=1e-5)
    assert has_size(law, horizons=(1,))
    assert not has_size(law, horizons=(1, 30))


def test_near_a_unit_root_the_level_need_not_be_that_of_the_returns():
    law = replace(TRUE, beta=0.9196, omega=6.4e-7)
    assert law.omega / (1 - law.persistence) == pytest.approx(16e-4)  # deviation: four times
    assert has_size(law, horizons=(1, 7, 30))


@pytest.mark.parametrize("at", [10, 2500, -1])
def test_one_crash_does_not_cost_a_law_its_size(at):
    crashed = RETURNS.copy()
    crashed[at] = -1.2  # raises the deviation of 5,000 returns from .010 to .020
    assert has_size(TRUE, crashed)


def test_a_jump_does_not_move_what_a_peg_is_measured_from():
    returns = RETURNS[:600] / 100
    returns[-1] = 0.5  # the mean becomes eight times the usual deviation
    assert replace(TRUE, mu=0.0, omega=2e-10).has_size_of(returns, first=1e-8, horizons=(1, 30))


def test_returns_that_never_move_have_no_law_of_their_size():
    assert not has_size(TRUE, np.zeros(600))
