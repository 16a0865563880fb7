from dataclasses import replace

import numpy as np
import pytest

from nextclose.models.baselines import (
    DRIFT,
    HS_250,
    HS_EXPANDING,
    NAIVE,
    Drift,
    HistoricalSimulation,
)
from nextclose.models.mixture import combine_seeds, restore_forecaster
from nextclose.models.protocol import Trained
from nextclose.models.registry import BASELINES
from nextclose.models.state import encode_state
from nextclose.samples.samples import Samples
from nextclose.samples.splits import known_at, originating_from, walk_forward
from nextclose.schema import HORIZONS, LEVELS, MEDIAN
from nextclose.serving.states import state_bytes, state_of
from tests.builders import (
    bare_samples,
    daily_samples,
    day,
    ragged_calendars,
    samples_of,
    walk_bars,
)
from tests.reference.historical_simulation import historical_quantiles, mean_outcomes


def type_7(values: list[float], level: float) -> float:
    """Hyndman & Fan's seventh definition: linear between order statistics (n - 1) level apart."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * level
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def log_quantiles(fitted, samples: Samples, rows: np.ndarray) -> np.ndarray:
    return np.asarray(fitted.quantiles(samples, rows) * samples.unit(rows)[:, :, None])


def split(samples: Samples, *, at: int) -> tuple[Samples, Samples]:
    """What may be learnt at session `at`, the last fifth of it for validation."""
    past = known_at(samples, day(at))
    start = day(at * 4 // 5)
    return known_at(past, start), originating_from(past, start)


def test_naive_says_that_the_price_does_not_change():
    samples = daily_samples(20)
    grid = NAIVE.fit(samples, samples, 0).quantiles(samples, np.array([3, 9]))
    assert grid.shape == (2, 3, len(LEVELS))
    assert not grid.any()


def test_historical_quantiles_of_the_published_example():
    # method reference value 6: returns k / 1000, k = 1 .. 250, in any order; what is older,
    # here 9, is seen by the expanding version only
    returns = np.random.default_rng(0).permutation(np.arange(1, 251)) / 1000
    samples = daily_samples(
        304, horizons=(1,), returns=[np.concatenate([[0.0], np.full(3, 9.0), returns, [5.0] * 50])]
    )
    row = np.array([3 + 250])  # its close is that of the last of the 250 returns
    grid = log_quantiles(HistoricalSimulation(n_outcomes=250), samples, row)[0, 0]
    picked = [int(np.flatnonzero(level == LEVELS)[0]) for level in (0.01, 0.5, 0.99)]
    np.testing.assert_allclose(grid[picked], [0.00349, 0.1255, 0.24751], rtol=1e-9)
    expanding = log_quantiles(HistoricalSimulation(n_outcomes=None), samples, row)[0, 0]
    assert expanding[-1] > 1


@pytest.mark.parametrize("model", [HS_250, HS_EXPANDING])
def test_historical_quantiles_against_a_slow_loop(model):
    calendars = ragged_calendars(seed=4, n_symbols=3, n_days=700, missing=0.2)
    samples = bare_samples(calendars, horizons=(1, 7))
    rows = np.random.default_rng(1).permutation(len(samples.origin))[:60]
    grid = log_quantiles(model.fit(samples, samples, 0), samples, rows)
    n_most = 0
    for position, row in enumerate(rows):
        start = samples.segments[samples.table.symbol[row], 0]
        for k, h in enumerate(samples.horizons):
            # s = t - h - 249 .. t - h, or from the symbol's first session on
            first = start if model is HS_EXPANDING else max(start, row - h - 249)
            past = [
                float(np.log(samples.table.close[s + h] / samples.table.close[s]))
                for s in range(first, row - h + 1)
            ]
            n_most = max(n_most, len(past))
            if past:
                expected = [type_7(past, level) for level in LEVELS]
                np.testing.assert_allclose(grid[position, k], expected, rtol=1e-9, atol=1e-12)
            else:
                assert np.isnan(grid[position, k]).all()
    assert n_most == 250 if model is HS_250 else n_most > 250


def ragged_worlds() -> dict[str, Samples]:
    """Symbols that start, stop and pause as they like, and what may befall their outcomes."""
    calendars = ragged_calendars(seed=8, n_symbols=3, n_days=900, missing=0.1)
    ragged = bare_samples(calendars, horizons=HORIZONS)
    start, stop = ragged.segments[1]
    middle = (start + stop) // 2
    parts = [ragged.segments[0], [start, middle], [middle + 3, stop], ragged.segments[2]]
    outcome = ragged.outcome.copy()
    outcome[middle : middle + 4] = np.nan
    ticks = [np.round(np.random.default_rng(k).normal(0, 0.02, len(c)), 2) for k, c in
             enumerate(calendars)]  # fmt: skip
    return {
        "ragged": ragged,
        "cut off": known_at(ragged, ragged.origin[middle]),
        "broken": replace(ragged, segments=np.array(parts)),
        "missing": replace(ragged, outcome=outcome),
        "tied": bare_samples(calendars, returns=ticks),
        "flat": bare_samples(calendars, returns=[np.zeros(len(c)) for c in calendars]),
    }


WORLDS = ragged_worlds()


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("asked", ["all", "some", "none"])
def test_own_history_is_that_of_the_slow_twin_to_the_bit(world, asked):
    samples = WORLDS[world]
    share = {"all": 1.0, "some": 0.05, "none": 0.0}[asked]
    rows = np.random.default_rng(3).permutation(len(samples.origin))
    rows = rows[: int(share * len(rows))]
    for n_last in (None, 250, 20):
        grid = HistoricalSimulation(n_outcomes=n_last).quantiles(samples, rows)
        expected = historical_quantiles(samples, rows, n_last=n_last)
        assert grid.tobytes() == expected.tobytes()
    spread = np.zeros((len(HORIZONS), len(LEVELS)))
    mean = Drift(spread=spread).quantiles(samples, rows)[:, :, MEDIAN]
    expected = mean_outcomes(samples, rows) / samples.unit(rows)
    np.testing.assert_array_equal(mean, expected)


def test_drift_puts_the_mean_of_the_own_resolved_outcomes_in_the_middle():
    calendars = [day(0) + np.arange(300), day(0) + np.arange(20, 320)]
    returns = [np.random.default_rng(k).normal(0.001 * (k + 1), 0.02, 300) for k in range(2)]
    samples = bare_samples(calendars, horizons=(1, 7), returns=returns)
    fitted = DRIFT.fit(*split(samples, at=250), 0)
    rows = np.array([599, 280])
    grid = log_quantiles(fitted, samples, rows)
    for position, row in enumerate(rows):
        start = 0 if row < 300 else 300
        for k, h in enumerate(samples.horizons):
            outcomes = samples.outcome[start : row - h + 1, k]
            np.testing.assert_allclose(grid[position, k, MEDIAN], outcomes.mean(), rtol=1e-12)
            assert np.isfinite(outcomes).all()
    # around it: pooled target quantiles in units of the scale
    pooled = np.concatenate([samples.target[:250, 0], samples.target[300:530, 0]])
    expected = (np.quantile(pooled, LEVELS) - np.quantile(pooled, 0.5)) * 0.02
    found = grid[0, 0] - grid[0, 0, MEDIAN]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_drift_without_a_resolved_outcome_is_none():
    samples = daily_samples(400, horizons=(1, 30))
    fitted = DRIFT.fit(*split(samples, at=350), 0)
    assert (fitted.quantiles(samples, np.array([0]))[0, :, MEDIAN] == 0).all()


@pytest.mark.parametrize("name", BASELINES)
def test_a_state_written_down_gives_the_same_forecaster_bit_for_bit(name):
    samples = samples_of(walk_bars((620, 600)))  # garch wants 520 sessions
    (fold,) = walk_forward(samples, test_from=samples.origin[570], refit_sessions=999)
    model = BASELINES[name]
    fitted = combine_seeds([model.fit(fold.train, fold.valid, 7)])
    rows = fold.test_rows
    expected = fitted.quantiles(samples, rows)
    assert np.isfinite(expected).all()
    assert (np.diff(expected, axis=2) >= 0).all()
    state = state_of(state_bytes(encode_state(fitted)))
    again = restore_forecaster(model, state)
    np.testing.assert_array_equal(again.quantiles(samples, rows), expected)
    assert type(again) is type(fitted) is model.traits.fitted
    assert state_bytes(encode_state(again)) == state_bytes(state)
    assert not isinstance(fitted, Trained)
    for seed in (7, 8):  # the seed plays no part
        other = model.fit(fold.train, fold.valid, seed).quantiles(samples, rows)
        np.testing.assert_array_equal(other, expected)


@pytest.mark.parametrize("name", BASELINES)
def test_a_row_does_not_depend_on_its_neighbours_or_their_order(name):
    samples = samples_of(walk_bars((520, 500)))
    (fold,) = walk_forward(samples, test_from=samples.origin[470], refit_sessions=999)
    fitted = BASELINES[name].fit(fold.train, fold.valid, 0)
    rows = np.random.default_rng(2).permutation(fold.test_rows)
    together = fitted.quantiles(samples, rows)
    for position in range(0, len(rows), 9):
        alone = fitted.quantiles(samples, rows[position : position + 1])
        np.testing.assert_array_equal(alone[0], together[position])
