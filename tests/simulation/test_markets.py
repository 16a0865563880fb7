"""Markets are drawn as asked, and what they do lies where real stocks lie."""

import json
from pathlib import Path

import numpy as np
import pytest

from nextclose.simulation.facts import stylized_facts
from nextclose.simulation.markets import FAMILIES, draw_markets
from nextclose.simulation.paths import simulate

FACTS = Path(__file__).parents[2] / "benchmarks" / "results" / "simulated_markets.json"


def test_families_come_in_turn_and_only_those_that_are_asked():
    markets = draw_markets(8, np.random.default_rng(1))
    assert markets.family.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    only = draw_markets(3, np.random.default_rng(1), families=("gjr",))
    assert only.family.tolist() == [FAMILIES.index("gjr")] * 3


def test_what_belongs_to_another_family_is_still():
    markets = draw_markets(400, np.random.default_rng(2))
    stochastic, gjr, path, slow = (
        markets.take(np.flatnonzero(markets.family == k)) for k in range(4)
    )
    for still in (
        stochastic.arch,
        stochastic.garch,
        stochastic.path_trend,
        gjr.slow_sd,
        gjr.fast_sd,
    ):
        assert not still.any()
    for still in (path.garch, path.leverage, slow.fast_sd, slow.path_activity):
        assert not still.any()
    for alive in (stochastic.slow_sd, gjr.garch, path.path_activity, slow.slow_sd, slow.garch):
        assert (alive > 0).all()


def test_a_gjr_level_reverts():
    markets = draw_markets(1000, np.random.default_rng(3), families=("gjr", "gjr_slow"))
    persistence = markets.garch + markets.arch + markets.leverage / 2
    assert (persistence < 1).all()
    assert persistence[markets.family == FAMILIES.index("gjr_slow")].max() < 0.985 + 1e-9


def test_equal_seeds_draw_equal_markets_and_others_do_not():
    one, same, other = (draw_markets(5, np.random.default_rng(k)) for k in (7, 7, 8))
    np.testing.assert_array_equal(one.scale, same.scale)
    assert not (one.scale == other.scale).any()


@pytest.fixture(scope="module")
def facts():
    rng = np.random.default_rng(0)
    paths = simulate(draw_markets(400, rng), 3000, rng)
    return stylized_facts(paths.close, paths.high - paths.low)


@pytest.mark.parametrize("fact", json.loads(FACTS.read_text())["real"])
def test_the_median_market_lies_among_real_stocks(facts, fact):
    low, _, high = json.loads(FACTS.read_text())["real"][fact]
    assert low < np.median(facts[fact]) < high


def test_facts_of_returns_without_memory_are_those_of_a_normal():
    rng = np.random.default_rng(4)
    returns = 0.01 * rng.standard_normal((40, 4000))
    facts = stylized_facts(returns, np.full(returns.shape, 0.02))
    assert np.mean(facts["kurtosis"]) == pytest.approx(3, abs=0.05)
    assert np.mean(facts["volatility"]) == pytest.approx(0.01 * np.sqrt(252), rel=0.01)
    assert np.mean(facts["leverage"]) == pytest.approx(0, abs=0.01)
    assert np.mean(facts["size_autocorrelation_5"]) == pytest.approx(0, abs=0.01)
    assert np.mean(facts["range_to_move"]) == pytest.approx(
        0.02 / (0.01 * np.sqrt(2 / np.pi)), rel=0.01
    )


def test_spans_that_are_not_known_are_left_out_with_their_moves():
    returns = np.array([[0.01, -0.03, 0.01, -0.03] * 40])
    spans = np.where(np.abs(returns) > 0.02, np.nan, 0.02)
    assert stylized_facts(returns, spans)["range_to_move"] == pytest.approx(2.0)
