import json
import math
from pathlib import Path

import numpy as np
import pytest

from nextclose.models.loghar.loghar import CLOSE_INPUTS, RANGE_INPUTS
from nextclose.models.loghar.prior import (
    CLOSE_WEIGHTS,
    HORIZONS,
    MARKET_WEIGHTS,
    RANGE_WEIGHTS,
    SHAPE,
    at_horizon,
    blended_drift,
    blended_spread,
    blended_weights,
    prior_table,
)
from nextclose.samples.splits import known_at, originating_from
from nextclose.schema import LEVELS, MEDIAN
from tests.builders import bare_samples, daily_samples, day

RESULT = Path(__file__).parents[3] / "benchmarks" / "results" / "har_prior.json"


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("close_weights", CLOSE_WEIGHTS),
        ("range_weights", RANGE_WEIGHTS),
        ("market_weights", MARKET_WEIGHTS),
        ("shape", SHAPE),
    ],
)
def test_the_prior_is_what_the_benchmark_found(name, table):
    found = json.loads(RESULT.read_text())[name]
    np.testing.assert_array_equal(table, np.array(found))


def test_the_prior_has_a_weight_for_every_input_and_a_quantile_for_every_level():
    assert HORIZONS == (1, 7, 30)
    assert CLOSE_WEIGHTS.shape == (3, 1 + len(CLOSE_INPUTS) + 1)
    assert RANGE_WEIGHTS.shape == (3, 1 + len(CLOSE_INPUTS) + len(RANGE_INPUTS) + 1)
    assert SHAPE.shape == (3, len(LEVELS))
    assert (np.diff(SHAPE, axis=1) > 0).all()
    np.testing.assert_array_equal(SHAPE[:, MEDIAN], 0.0)


TABLE = np.array([[0.0, 10.0], [1.0, 20.0], [3.0, 0.0]])
BETWEEN = [  # horizon, first column, second column
    (1, 0.0, 10.0),
    (7, 1.0, 20.0),
    (30, 3.0, 0.0),
    (250, 3.0, 0.0),  # beyond them as at the end
    (math.sqrt(7), 0.5, 15.0),  # half-way from ln 1 to ln 7
    (math.sqrt(210), 2.0, 10.0),  # half-way from ln 7 to ln 30
]


@pytest.mark.parametrize(("horizon", "first", "second"), BETWEEN)
def test_between_horizons_the_prior_is_linear_in_the_logarithm(horizon, first, second):
    np.testing.assert_allclose(at_horizon(TABLE, horizon), [first, second], atol=1e-12)


@pytest.mark.parametrize(
    ("n_rows", "horizon", "share"),
    [(2000, 1, 1 / 2), (6000, 1, 3 / 4), (14000, 7, 1 / 2), (15000, 30, 1 / 5), (0, 7, 0.0)],
)
def test_own_weights_count_their_rows_and_the_prior_2000_for_each_session(n_rows, horizon, share):
    for table in (CLOSE_WEIGHTS, RANGE_WEIGHTS):
        prior = table[HORIZONS.index(horizon)]
        found = np.arange(table.shape[1], dtype=float)
        np.testing.assert_allclose(
            blended_weights(found, n_rows=n_rows, horizon_sessions=horizon),
            prior + share * (found - prior),
        )


def test_a_drift_counts_its_sessions_and_the_prior_300_for_each_session():
    # 2,100 sessions at a horizon of 7 count as much as the prior, .02 * sqrt(7)
    expected = (0.2 + 0.02 * math.sqrt(7)) / 2
    found = blended_drift(0.2, n_sessions=2100, horizon_sessions=7)
    assert found == pytest.approx(expected)
    assert blended_drift(0.2, n_sessions=0, horizon_sessions=30) == pytest.approx(0.02 * 30**0.5)


@pytest.mark.parametrize("horizon", [1, 4])
def test_below_a_week_there_is_no_drift(horizon):
    assert blended_drift(0.2, n_sessions=10**6, horizon_sessions=horizon) == 0.0


def test_at_five_sessions_there_is_a_drift():
    assert blended_drift(0.2, n_sessions=10**6, horizon_sessions=5) > 0.19


def test_a_spread_is_blended_by_rows_and_its_median_by_sessions():
    calendar = day(0) + np.arange(401)
    samples = bare_samples([calendar, calendar], horizons=(1, 7))
    train, valid = known_at(samples, day(300)), originating_from(samples, day(300))
    ratio = np.full(samples.target.shape, 2.0)
    grid = blended_spread(train, valid, ratio=ratio)
    # at one session all 400 origins of both symbols: 800 rows against 300
    own = np.quantile(samples.target[np.isfinite(samples.target[:, 0]), 0] / 2, LEVELS)
    expected = (800 * (own - own[MEDIAN]) + 300 * SHAPE[0]) / 1100
    np.testing.assert_allclose(grid[0], expected, atol=1e-12)
    # at seven: origins 0..293 of train and 300..393 of valid, 388 sessions of two symbols
    known = np.concatenate([samples.target[a + start : b + start, 1] for start in (0, 401)
                            for a, b in ((0, 294), (300, 394))])  # fmt: skip
    own = np.quantile(known / 2, LEVELS)
    shape = (776 * (own - own[MEDIAN]) + 2100 * SHAPE[1]) / 2876
    drift = (388 * own[MEDIAN] + 2100 * 0.02 * math.sqrt(7)) / 2488
    np.testing.assert_allclose(grid[1], shape + drift, atol=1e-12)


def test_a_spread_forgets_what_is_older_than_ten_years():
    returns = np.concatenate([np.full(300, 0.5), np.random.default_rng(0).normal(0, 0.02, 2522)])
    samples = daily_samples(2822, horizons=(1,), returns=[returns])
    train, valid = known_at(samples, day(2700)), originating_from(samples, day(2700))
    grid = blended_spread(train, valid, ratio=np.ones((2822, 1)))
    own = np.quantile(samples.target[302:2821, 0], LEVELS)  # 2,519 with an outcome
    expected = (2519 * (own - own[MEDIAN]) + 300 * SHAPE[0]) / 2819
    np.testing.assert_allclose(grid[0], expected, atol=1e-12)


def test_a_panel_with_range_and_market_has_the_priors_of_the_range_and_none_of_the_market():
    both = prior_table(20)
    np.testing.assert_array_equal(both[:, :12], RANGE_WEIGHTS[:, :12])
    np.testing.assert_array_equal(both[:, 12:19], np.zeros((3, 7)))
    np.testing.assert_array_equal(both[:, 19], RANGE_WEIGHTS[:, 12])
    for table in (CLOSE_WEIGHTS, RANGE_WEIGHTS, MARKET_WEIGHTS):
        assert prior_table(table.shape[1]) is table
