import numpy as np
import pytest

from nextclose.evaluation.hypothesis_tests.mean import fixed_smoothing
from nextclose.evaluation.hypothesis_tests.power import (
    direction_origins_needed,
    noise_floor,
    smallest_visible_edge,
)


@pytest.mark.parametrize(
    ("edge", "origins"),
    [(0.01, 15_456), (0.02, 3_864), (0.03, 1_717), (0.043, 836), (0.05, 618)],
)
def test_a_direction_edge_needs_the_published_number_of_origins(edge, origins):
    assert direction_origins_needed(edge) == origins


def test_overlap_multiplies_the_need_by_the_horizon():
    # 15,456.4 thirty times
    assert direction_origins_needed(0.01, horizon_sessions=30) == 463_692
    assert smallest_visible_edge(463_692, horizon_sessions=30) == pytest.approx(0.01, abs=1e-8)


def test_two_years_of_one_symbol_show_no_realistic_daily_edge():
    # sqrt(6.18256 / 4 / 504)
    assert smallest_visible_edge(504) == pytest.approx(0.055378, abs=1e-6)
    assert smallest_visible_edge(3, horizon_sessions=1) > 0.5


def test_the_needed_origins_show_their_edge_four_times_in_five():
    """4,000 worlds with a 5 % edge: 80 % +- 3 standard errors of 0.6 pp, and 0.5 for the grid."""
    n = direction_origins_needed(0.05)
    hits = np.random.default_rng(0).binomial(n, 0.55, 4000)
    is_shown = (hits / n - 0.5) / np.sqrt(0.25 / n) > 1.644854
    assert is_shown.mean() == pytest.approx(0.80, abs=0.024)


@pytest.mark.parametrize("edge", [0.0, -0.01, 0.51])
def test_an_impossible_edge_is_refused(edge):
    with pytest.raises(ValueError, match="edge"):
        direction_origins_needed(edge)


def test_no_origins_show_nothing():
    with pytest.raises(ValueError, match="origin"):
        smallest_visible_edge(0)


def test_the_noise_floor_is_two_standard_errors():
    # periodogram of these eight gains at two ordinates: .2573593, .5; variance .3786797 / 8
    test = fixed_smoothing(np.array([1.0, -1.0, 2.0, 0.0, 1.0, 3.0, -2.0, 2.0]))
    assert noise_floor(test) == pytest.approx(2 * np.sqrt(0.3786797 / 8), abs=1e-6)
