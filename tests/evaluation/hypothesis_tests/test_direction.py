import numpy as np
import pytest

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.hypothesis_tests.direction import call_covariance, pesaran_timmermann


def counted(up_up, up_down, down_up, down_down):
    """Calls and outcomes with these counts of (call, outcome)."""
    call = np.repeat([1, 1, -1, -1], [up_up, up_down, down_up, down_down])
    outcome = np.repeat([0.01, -0.01, 0.01, -0.01], [up_up, up_down, down_up, down_down])
    return call, outcome


@pytest.mark.parametrize(
    ("counts", "hit", "expected", "statistic", "p"),
    [
        ((40, 20, 15, 25), 0.65, 0.51, 2.886604, 0.0019471),
        ((58, 38, 2, 2), 0.60, 0.592, 0.418766, 0.3376937),  # 60 % right, 96 % up calls: no news
    ],
)
def test_pesaran_timmermann_matches_the_reference_values(counts, hit, expected, statistic, p):
    test = pesaran_timmermann(*counted(*counts))
    assert (test.n, test.side) == (100, None)
    assert test.p_hit == pytest.approx(hit, abs=1e-12)
    assert test.p_expected == pytest.approx(expected, abs=1e-12)
    assert test.statistic == pytest.approx(statistic, abs=1e-6)
    assert test.p_value == pytest.approx(p, abs=1e-6)


@pytest.mark.parametrize("counts", [(40, 20, 15, 25), (3, 1, 2, 5), (1, 0, 0, 1), (7, 90, 2, 1)])
def test_pesaran_timmermann_is_the_formula_of_the_paper(counts):
    test = pesaran_timmermann(*counted(*counts))
    n, x, y = sum(counts), test.p_called_up, test.p_rose
    v = test.p_expected * (1 - test.p_expected) / n
    v_star = (
        (2 * y - 1) ** 2 * x * (1 - x) / n
        + (2 * x - 1) ** 2 * y * (1 - y) / n
        + 4 * y * x * (1 - y) * (1 - x) / n**2
    )
    paper = (test.p_hit - test.p_expected) / np.sqrt(v - v_star)
    assert test.statistic == pytest.approx(paper, rel=1e-9)


@pytest.mark.parametrize(
    ("counts", "side", "hit"),
    [
        ((6, 4, 0, 0), "up", 0.6),  # always called up
        ((0, 0, 3, 7), "down", 0.7),
        ((2, 0, 3, 0), "up", 0.4),  # always rose
        ((0, 2, 0, 3), "down", 0.6),
        ((0, 1, 0, 0), "up", 0.0),  # one row: the call names the side
    ],
)
def test_calls_or_outcomes_on_one_side_leave_nothing_to_test(counts, side, hit):
    test = pesaran_timmermann(*counted(*counts))
    assert (test.side, test.statistic, test.p_value) == (side, None, None)
    assert test.p_hit == hit
    assert test.p_expected == pytest.approx(hit)


def test_rows_without_call_move_or_outcome_are_left_out():
    call, outcome = counted(40, 20, 15, 25)
    more = np.append(call, [0, 1, -1]), np.append(outcome, [0.5, 0.0, np.nan])
    assert pesaran_timmermann(*more) == pesaran_timmermann(call, outcome)
    with pytest.raises(NotEnoughDataError) as raised:
        pesaran_timmermann(np.array([0, 1]), np.array([0.1, np.nan]))
    assert (raised.value.needed, raised.value.found) == (1, 0)


def test_pesaran_timmermann_rejects_independent_calls_at_its_nominal_rate():
    """2,000 worlds of 70 % up calls on rising prices: 5 % +- 3 standard errors of 0.5 pp."""
    rng = np.random.default_rng(0)
    call = rng.choice([-1, 1], (2000, 250), p=[0.3, 0.7])
    outcome = rng.standard_normal((2000, 250)) + 0.1
    p = [pesaran_timmermann(*world).p_value for world in zip(call, outcome, strict=True)]
    assert 0.035 <= np.mean(np.array(p) < 0.05) <= 0.065


def test_twice_the_covariance_is_what_the_hit_rate_exceeds():
    call, outcome = counted(40, 20, 15, 25)
    order = np.random.default_rng(1).permutation(100)
    test = call_covariance(call[order], outcome[order], horizon_sessions=7)
    assert 2 * test.mean == pytest.approx(0.65 - 0.51, abs=1e-12)
    assert test.dof == 2 * 3  # 100 // (4 * 7) ordinates


def test_call_covariance_of_four_origins_worked_by_hand():
    # f 1 1 0 0, u 1 0 0 0: f - 1/2, u - 1/4 -> products 3/8, -1/8, 1/8, 1/8; mean 1/8
    # one ordinate: gains less 1/8 are 1/4, -1/4, 0, 0; |1/4 + i/4|^2 / 4 = 1/32; t = 2/8 * sqrt 32
    test = call_covariance(
        np.array([1, 1, -1, -1]), np.array([0.1, -0.1, -0.2, -0.1]), horizon_sessions=1
    )
    assert test.mean == pytest.approx(1 / 8, abs=1e-15)
    assert test.dof == 2
    assert test.statistic == pytest.approx(np.sqrt(2.0), abs=1e-12)


def test_symbols_are_demeaned_one_by_one():
    # one always rises and is always called up, the other falls: each call is blind, yet stacked
    # they would look perfect; the third symbol alone carries the covariance
    call, outcome = counted(40, 20, 15, 25)
    order = np.random.default_rng(2).permutation(100)
    call, outcome = call[order], outcome[order]
    ones = np.ones(100)
    calls = np.column_stack([ones, -ones, call]).astype(np.int64)
    outcomes = np.column_stack([ones, -ones, outcome])
    pooled = call_covariance(calls, outcomes, horizon_sessions=1)
    alone = call_covariance(call, outcome, horizon_sessions=1)
    assert pooled.mean == pytest.approx(alone.mean / 3, abs=1e-15)
    assert pooled.statistic == pytest.approx(alone.statistic, abs=1e-9)
    with pytest.raises(NotEnoughDataError):
        call_covariance(calls[:, :2], outcomes[:, :2], horizon_sessions=1)


def test_missing_cells_and_empty_origins_are_left_out_of_the_covariance():
    rng = np.random.default_rng(3)
    call, outcome = rng.choice([-1, 1], (60, 2)), rng.standard_normal((60, 2))
    call[5, 1], outcome[9, 1] = 0, np.nan  # one symbol missing
    outcome[20], call[30] = 0.0, 0  # both missing
    kept = np.delete(np.arange(60), [20, 30])
    test = call_covariance(call, outcome, horizon_sessions=1)
    assert test == call_covariance(call[kept], outcome[kept], horizon_sessions=1)
    # the other symbol stands alone where one is missing
    f, u = (call > 0).astype(float), (outcome > 0).astype(float)
    gone = np.zeros((60, 2), dtype=bool)
    gone[[5, 9], 1] = gone[[20, 30]] = True
    f[gone] = u[gone] = np.nan
    products = (f - np.nanmean(f, axis=0)) * (u - np.nanmean(u, axis=0))
    assert test.mean == pytest.approx(np.nanmean(products[kept], axis=1).mean(), abs=1e-15)


def test_overlap_makes_pesaran_timmermann_reject_and_the_covariance_not():
    """500 null worlds at h = 7 with calls that persist: 21 % against 5 % +- 3 SE of 1 pp."""
    rng = np.random.default_rng(4)
    n, h = 500, 7
    plain, aware = 0, 0
    for noise, state in zip(
        rng.standard_normal((500, n + h - 1)), rng.standard_normal((500, n + 39)), strict=True
    ):
        price = np.cumsum(np.append(0.0, noise))
        outcome = price[h:] - price[:-h]
        call = np.where(np.convolve(state, np.ones(40), mode="valid") > 0, 1, -1)
        p_value = pesaran_timmermann(call, outcome).p_value
        plain += p_value is not None and p_value < 0.05
        aware += call_covariance(call, outcome, horizon_sessions=h).p_better < 0.05
    assert plain / 500 > 0.12
    assert 0.02 <= aware / 500 <= 0.08


def test_calls_that_know_something_are_found_over_symbols_together():
    rng = np.random.default_rng(5)
    outcome = rng.standard_normal((500, 4))
    call = np.where(outcome + 3.0 * rng.standard_normal((500, 4)) > 0, 1, -1)
    assert call_covariance(call, outcome, horizon_sessions=1).p_better < 0.001
    assert call_covariance(-call, outcome, horizon_sessions=1).p_better > 0.999
