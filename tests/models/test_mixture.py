import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from nextclose.models.mixture import mixture_quantiles
from nextclose.schema import LEVELS


def random_grids(*shape: int, seed: int) -> np.ndarray:
    """Rising grids of shape (*shape, level)."""
    noise = np.random.default_rng(seed)
    steps = noise.exponential(0.2, (*shape, len(LEVELS)))
    return np.cumsum(steps, axis=-1) + noise.normal(-2, 1, (*shape, 1))


def chance_up_to(x: float, grid: np.ndarray) -> float:
    """CDF of one member: straight lines between its quantiles, going on to 0 and to 1."""
    if x < grid[0]:
        slope = (LEVELS[1] - LEVELS[0]) / (grid[1] - grid[0])
        return max(0.0, float(LEVELS[0] - slope * (grid[0] - x)))
    if x > grid[-1]:
        slope = (LEVELS[-1] - LEVELS[-2]) / (grid[-1] - grid[-2])
        return min(1.0, float(LEVELS[-1] + slope * (x - grid[-1])))
    for j in range(len(LEVELS) - 1):
        if x <= grid[j + 1]:
            share = (x - grid[j]) / (grid[j + 1] - grid[j])
            return float(LEVELS[j] + share * (LEVELS[j + 1] - LEVELS[j]))
    raise AssertionError(f"{x} is nowhere on {grid}")


def inverted(level: float, grids: list[np.ndarray]) -> float:
    """The place where the mean of the members' CDFs is `level`, by bisection."""
    low, high = float(np.min(grids)) - 99, float(np.max(grids)) + 99
    for _ in range(200):
        middle = (low + high) / 2
        if np.mean([chance_up_to(middle, grid) for grid in grids]) < level:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@pytest.mark.parametrize("n_members", [2, 3, 5])
def test_quantiles_invert_the_mixture_cdf(n_members):
    members = random_grids(n_members, 2, 2, seed=n_members)
    mixed = mixture_quantiles(members)
    assert mixed.shape == (2, 2, len(LEVELS))
    for row in range(2):
        for horizon in range(2):
            grids = list(members[:, row, horizon])
            expected = [inverted(level, grids) for level in LEVELS]
            np.testing.assert_allclose(mixed[row, horizon], expected, atol=1e-9)


def test_members_that_do_not_meet_leave_the_middle_between_them():
    low, high = np.linspace(0, 1, len(LEVELS)), np.linspace(10, 11, len(LEVELS))
    mixed = mixture_quantiles(np.stack([low, high])[:, None, None])[0, 0]
    assert mixed[LEVELS < 0.49].max() < 2
    assert mixed[LEVELS > 0.51].min() > 9


def test_a_mixture_of_two_normals_is_close_to_the_true_one():
    means, deviations = (-1.0, 0.5), (0.5, 1.5)
    members = np.array([norm.ppf(LEVELS, m, s) for m, s in zip(means, deviations, strict=True)])
    mixed = mixture_quantiles(members[:, None, None])[0, 0]

    def off(x: float, level: float) -> float:
        return float(np.mean(norm.cdf(x, means, deviations)) - level)

    true = np.array([brentq(off, -20, 20, args=(level,)) for level in LEVELS])
    inner = slice(2, -2)  # 5 % to 95 %; the grid says little about the tails
    np.testing.assert_allclose(mixed[inner], true[inner], atol=0.02)
    averaged = members.mean(axis=0)
    assert np.abs(averaged - true)[inner].max() > 0.1  # averaging quantiles is something else


def test_one_member_is_returned_as_it_is():
    members = random_grids(1, 3, 2, seed=1)
    np.testing.assert_array_equal(mixture_quantiles(members), members[0])


def test_identical_members_give_their_own_grid():
    one = random_grids(1, 3, 2, seed=2)
    np.testing.assert_allclose(mixture_quantiles(np.repeat(one, 4, axis=0)), one[0], atol=1e-12)


def test_the_order_of_members_does_not_matter_and_the_result_rises():
    members = random_grids(4, 5, 1, seed=3)
    mixed = mixture_quantiles(members)
    np.testing.assert_allclose(mixture_quantiles(members[::-1]), mixed, atol=1e-12)
    assert (np.diff(mixed, axis=-1) >= 0).all()


def test_a_cell_does_not_depend_on_its_neighbours():
    members = random_grids(3, 6, 2, seed=4)
    alone = mixture_quantiles(members[:, 4:5, 1:])
    np.testing.assert_array_equal(mixture_quantiles(members)[4:5, 1:], alone)


def test_points_that_agree_stay_points():
    members = np.full((2, 1, 1, len(LEVELS)), 0.3)
    np.testing.assert_array_equal(mixture_quantiles(members), members[0])
