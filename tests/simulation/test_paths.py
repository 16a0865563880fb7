"""Paths are what their parameters say, and their density is known."""

from dataclasses import replace

import numpy as np
import pytest

from nextclose.metrics import grid_crps, is_inside
from nextclose.schema import LEVELS
from nextclose.simulation.markets import FAMILIES, draw_markets
from nextclose.simulation.paths import (
    continued,
    first_state,
    next_session,
    simulate,
    true_quantiles,
)


def plain(n, **changes):
    """Markets without anything that makes one session unlike another, but for `changes`."""
    markets = draw_markets(n, np.random.default_rng(0), families=("gjr",))
    zero, one = np.zeros(n), np.ones(n)
    quiet = {
        **dict.fromkeys(("arch", "leverage", "garch", "skew", "jump_rate", "drift"), zero),
        "autoregression": zero,
        "earnings": one,
        "scale": 0.02 * one,
        "freedom": 8.0 * one,
    }
    return replace(markets, **(quiet | changes))


def paths_of(markets, n_sessions=60, seed=1):
    return simulate(markets, n_sessions, np.random.default_rng(seed))


def test_the_day_has_its_open_and_close_between_low_and_high():
    paths = paths_of(draw_markets(200, np.random.default_rng(5)))
    assert (paths.high >= np.maximum(paths.open, paths.close)).all()
    assert (paths.low <= np.minimum(paths.open, paths.close)).all()


def test_a_market_without_memory_has_the_variance_and_night_that_it_says():
    markets = plain(4000, night_share=np.full(4000, 0.25))
    paths = paths_of(markets)
    assert paths.close.std() == pytest.approx(0.02, rel=0.01)
    assert paths.open.var() / paths.close.var() == pytest.approx(0.25, rel=0.02)
    kurtosis = (paths.close**4).mean() / paths.close.var() ** 2
    assert kurtosis == pytest.approx(3 + 6 / (8 - 4), rel=0.1)  # of a t with 8 degrees


def test_drift_and_autoregression_are_in_the_mean():
    markets = plain(3000, drift=np.full(3000, 0.001), autoregression=np.full(3000, 0.2))
    returns = paths_of(markets).close
    assert returns.mean() == pytest.approx(0.001 / (1 - 0.2), rel=0.1)
    assert np.corrcoef(returns[:, 1:].ravel(), returns[:, :-1].ravel())[0, 1] == pytest.approx(
        0.2, abs=0.01
    )


def test_announcements_come_every_quarter_by_night():
    n = 4000
    plain_ones, announcing = (
        paths_of(plain(n, earnings=np.full(n, factor)), n_sessions=126) for factor in (1.0, 16.0)
    )
    assert announcing.open.var() / plain_ones.open.var() == pytest.approx(1 + 15 / 63, rel=0.03)
    day, plain_day = (paths.close - paths.open for paths in (announcing, plain_ones))
    assert day.var() == pytest.approx(plain_day.var(), rel=0.01)


def test_announcements_are_a_quarter_apart_give_or_take_two_sessions():
    rng = np.random.default_rng(8)
    markets = plain(40)
    state = first_state(markets, rng)
    is_announced = []
    for _ in range(700):
        is_announced.append(state.until_earnings == 0)
        state, _session = next_session(markets, state, rng)
    days = [np.flatnonzero(own) for own in np.transpose(is_announced)]
    assert max(first for first, *_ in days) < 63
    assert len({int(first) for first, *_ in days}) > 20  # each company has its own days
    gaps = np.concatenate([np.diff(own) for own in days])
    assert sorted(set(gaps.tolist())) == [61, 62, 63, 64, 65]


def test_rare_jumps_come_as_often_as_they_say():
    markets = plain(2000, jump_rate=np.full(2000, 0.01), jump_size=np.full(2000, 500.0))
    assert (np.abs(paths_of(markets).open) > 0.5).mean() == pytest.approx(0.0096, rel=0.1)


def test_falls_move_the_level_more_where_leverage_says_so():
    n = 3000
    markets = plain(n, leverage=np.full(n, 0.2), garch=np.full(n, 0.85))
    state = first_state(markets, np.random.default_rng(2))
    after = continued(markets, state, 1, np.random.default_rng(3))
    fell = after.close[:, 0] < 0
    assert after.last.level[~fell] == pytest.approx(0.9)  # 1 - .85 - .1, and .85 of the last
    assert after.last.level[fell].mean() > 1.05


@pytest.mark.parametrize("family", FAMILIES)
def test_levels_stay_where_they_belong(family):
    rng = np.random.default_rng(9)
    markets = draw_markets(600, rng, families=(family,))
    returns = simulate(markets, 1500, rng).close / markets.scale[:, None]
    assert np.isfinite(returns).all()
    typical = np.median(returns.std(axis=1))
    assert 0.6 < typical < 1.6  # rare announcements and jumps lift it above 1


def test_equal_seeds_give_equal_bytes():
    markets = draw_markets(12, np.random.default_rng(6))
    one, same, other = (paths_of(markets, seed=k) for k in (1, 1, 2))
    assert one.close.tobytes() == same.close.tobytes()
    assert one.close.tobytes() != other.close.tobytes()


def test_outcomes_fall_into_the_true_density_as_often_as_it_says():
    rng = np.random.default_rng(11)
    markets = draw_markets(400, rng)
    state = simulate(markets, 1, rng).last
    truth = true_quantiles(markets, state, horizons=(1, 7), n_draws=400, rng=rng)
    assert truth.shape == (400, 2, len(LEVELS))
    assert (np.diff(truth, axis=2) >= 0).all()
    moves = np.cumsum(continued(markets, state, 7, rng).close, axis=1)[:, [0, 6]]
    inside = is_inside(truth, moves)
    assert inside.mean() == pytest.approx(0.9, abs=0.03)  # 800 outcomes: a standard error of .011
    wide = truth * 1.3
    assert grid_crps(truth, moves).mean() < grid_crps(wide, moves).mean()
