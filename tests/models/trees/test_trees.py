from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from nextclose.config import TreesConfig
from nextclose.errors import LeakError, NotEnoughDataError
from nextclose.metrics import grid_crps
from nextclose.models.location import risk_premium
from nextclose.models.loghar.loghar import centred_spread, fit_loghar
from nextclose.models.state import decode_state, encode_state
from nextclose.models.trees.inputs import input_names, tree_inputs
from nextclose.models.trees.trees import FittedTrees, Trees
from nextclose.models.volatility.har import year_move
from nextclose.samples.samples import Samples
from nextclose.samples.splits import Fold, known_at, walk_forward
from nextclose.schema import LEVELS, Bars
from nextclose.serving.states import state_bytes, state_of
from tests.builders import (
    bars_of_returns,
    close_only,
    samples_of,
    until,
    walk_bars,
    walk_returns,
)
from tests.leakage.worlds import size_factor, with_echo


def tiny(**changes: Any) -> Trees:
    """Trees that grow in a blink and split on few rows."""
    values: dict[str, Any] = {
        "rounds": 6,
        "min_child_weight": 20.0,
        "learning_rate": 0.2,
    }
    return Trees(settings=TreesConfig(**(values | changes)))


def last_fold(samples: Samples, *, sessions: int = 60) -> Fold:
    """One fold whose test is the last `sessions` sessions of all symbols together."""
    test_from = np.unique(samples.origin)[-sessions]
    (fold,) = walk_forward(samples, test_from=test_from, refit_sessions=999)
    return fold.restricted(samples.ready("stationary", context_sessions=6))


@pytest.fixture(scope="module")
def bars() -> Bars:
    return walk_bars((640, 600, 580))


@pytest.fixture(scope="module")
def samples(bars) -> Samples:
    return with_echo(samples_of(bars), size=3.0)


@pytest.fixture(scope="module")
def fold(samples) -> Fold:
    return last_fold(samples)


@pytest.fixture(scope="module")
def fitted(fold) -> FittedTrees:
    """Trees at the shortest horizon, at least."""
    trees = tiny().fit(fold.train, fold.valid, 1)
    assert len(trees.forests[0].arrays["offsets"]) > 1
    assert trees.names == input_names(fold.train)
    return trees


# --- one row at a time ---


def test_a_forecast_is_the_same_whatever_its_neighbours_and_their_order(samples, fold, fitted):
    rows = np.random.default_rng(0).permutation(fold.test_rows)
    together = fitted.quantiles(samples, rows)
    assert together.shape == (len(rows), 3, len(LEVELS))
    assert (np.diff(together, axis=2) >= 0).all()
    for position in range(0, len(rows), 11):
        alone = fitted.quantiles(samples, rows[position : position + 1])
        np.testing.assert_array_equal(alone[0], together[position])


def test_a_forecast_reads_six_rows_and_no_other(samples, fold, fitted):
    row = fold.test_rows[10:11]
    expected = fitted.quantiles(samples, row)

    def forecast(poisoned: slice) -> np.ndarray:
        values = samples.table.values.copy()
        values[poisoned] = 7.0
        edited = replace(samples, table=replace(samples.table, values=values))
        return np.asarray(fitted.quantiles(edited, row))

    np.testing.assert_array_equal(forecast(slice(row[0] + 1, None)), expected)
    np.testing.assert_array_equal(forecast(slice(None, row[0] - 5)), expected)
    assert (forecast(slice(row[0], row[0] + 1)) != expected).any()


# --- what it starts from, what it learns ---


def test_without_a_tree_the_forecast_is_that_of_loghar(samples, fold):
    # validation where the echo runs the other way supports no tree
    valid = with_echo(fold.valid, size=0.05)
    trees = tiny().fit(fold.train, valid, 1)
    base = fit_loghar(fold.train, valid).quantiles(samples, fold.test_rows)
    bare = [k for k, forest in enumerate(trees.forests) if len(forest.arrays["offsets"]) == 1]
    assert 0 in bare
    np.testing.assert_array_equal(trees.quantiles(samples, fold.test_rows)[:, bare], base[:, bare])
    (curve, *_) = trees.curves
    assert (curve.horizon_sessions, curve.symbol, curve.kept) == (1, "", 0)
    assert curve.valid[0] == min(curve.valid)
    assert [own.kept for own in trees.curves] == [np.argmin(own.valid) for own in trees.curves]
    assert sum(shares[0] for shares in trees.importance.values()) == 0.0


def test_the_scale_is_loghars_times_what_the_trees_say_and_the_spread_is_pooled_over_it(
    samples, fold, fitted
):
    rows = np.flatnonzero(samples.ready("stationary", context_sessions=6))
    inputs = tree_inputs(samples, fitted.names, rows)
    ratio = fit_loghar(fold.train, fold.valid).scale.ratio(samples, np.arange(len(samples.origin)))
    for k, forest in enumerate(fitted.forests):
        ratio[rows, k] *= np.exp(forest.margins(inputs))
    spread = centred_spread(fold.train, fold.valid, ratio=ratio)
    test = fold.test_rows
    expected = risk_premium(samples, test)[:, :, None] + ratio[test][:, :, None] * spread
    np.testing.assert_allclose(fitted.quantiles(samples, test), expected, rtol=1e-12)


def test_the_trees_expect_the_size_of_moves(samples, fold, fitted):
    # the first score is the gamma deviance of log-HAR's own expected move
    scale = fit_loghar(fold.train, fold.valid).scale
    ready = samples.ready("stationary", context_sessions=6)
    for k in range(3):
        rows = np.flatnonzero(ready & np.isfinite(fold.train.movement[:, k]))
        unit = year_move(samples)[rows]
        aim = fold.train.movement[rows, k] / unit
        aim = np.clip(aim, 1e-3, np.quantile(aim, 0.999))
        over = aim / (scale.ratio(samples, rows)[:, k] / unit)
        horizon = samples.horizons[k]
        curve = fitted.curves[k]
        assert curve.horizon_sessions == horizon
        assert curve.train[0] == pytest.approx(2 * np.mean(over - 1 - np.log(over)), rel=1e-4)


def test_a_planted_size_that_no_straight_line_finds_is_found():
    samples = with_echo(samples_of(walk_bars((1200,) * 4), horizons=(1,)), size=3.0)
    fold = last_fold(samples, sessions=250)
    trees = tiny(rounds=25).fit(fold.train, fold.valid, 1)
    rows = fold.test_rows[np.isfinite(samples.target[fold.test_rows, 0])]
    actual, factor = samples.target[rows, 0], size_factor(samples, size=3.0)
    known = np.isfinite(samples.target[:, 0])
    whoever_knows = factor[rows, None] * np.quantile((samples.target[:, 0] / factor)[known], LEVELS)
    base = fit_loghar(fold.train, fold.valid).quantiles(samples, rows)[:, 0]
    base = grid_crps(base, actual).mean()
    best = grid_crps(whoever_knows, actual).mean()
    ours = grid_crps(trees.quantiles(samples, rows)[:, 0], actual).mean()
    assert best < 0.96 * base
    assert base - ours > 0.5 * (base - best)
    shares = {name: values[0] for name, values in trees.importance.items()}
    assert max(shares, key=lambda name: shares[name]) == "rsi"
    assert sum(shares.values()) == pytest.approx(1.0)


def test_on_random_walks_hardly_anything_is_lost():
    # default settings, so that stopping and leaf sizes are those of a run
    for seed in (10, 20):
        samples = samples_of(walk_bars((1000,) * 5, seed=seed), horizons=(1,))
        fold = last_fold(samples, sessions=250)
        trees = Trees(settings=TreesConfig()).fit(fold.train, fold.valid, 1)
        rows = fold.test_rows[np.isfinite(samples.target[fold.test_rows, 0])]
        actual = samples.target[rows, 0]
        base = fit_loghar(fold.train, fold.valid).quantiles(samples, rows)[:, 0]
        grid = trees.quantiles(samples, rows)[:, 0]
        assert grid_crps(grid, actual).mean() < 1.002 * grid_crps(base, actual).mean()


def test_there_is_no_chance_in_it(fold, fitted):
    first = state_bytes(encode_state(fitted))
    again, other = (tiny().fit(fold.train, fold.valid, seed) for seed in (1, 2))
    assert state_bytes(encode_state(again)) == state_bytes(encode_state(other)) == first


def test_it_learns_nothing_from_bars_after_the_refit(bars):
    cut = date(2003, 3, 3)
    states = []
    for known in (bars, until(bars, cut)):
        samples = samples_of(known)
        (fold, *_) = walk_forward(samples, test_from=np.datetime64(cut), refit_sessions=999)
        states.append(state_bytes(encode_state(tiny().fit(fold.train, fold.valid, 1))))
    assert states[0] == states[1]


# --- shapes of data ---


def test_a_state_written_down_gives_the_same_forecaster_bit_for_bit(samples, fold, fitted):
    content = state_bytes(encode_state(fitted))
    again = decode_state(FittedTrees, state_of(content))
    assert isinstance(again, FittedTrees)
    rows = fold.test_rows
    np.testing.assert_array_equal(again.quantiles(samples, rows), fitted.quantiles(samples, rows))
    assert state_bytes(encode_state(again)) == content
    assert again.importance == fitted.importance


def test_a_state_with_a_forged_tree_is_refused(fitted):
    state = state_of(state_bytes(encode_state(fitted)))
    feature = np.full_like(state.arrays["forests.0.arrays.feature"], 999)
    forged = replace(state, arrays={**state.arrays, "forests.0.arrays.feature": feature})
    with pytest.raises(ValueError, match="tree 0: a split reads a feature beyond"):
        decode_state(FittedTrees, forged)


def test_closes_alone_are_enough(bars):
    samples = samples_of(close_only(bars))
    fold = last_fold(samples)
    trees = tiny().fit(fold.train, fold.valid, 1)
    assert "gap" not in trees.names
    assert np.isfinite(trees.quantiles(samples, fold.test_rows)).all()


def test_one_symbol_is_enough():
    samples = samples_of(walk_bars((640,)))
    fold = last_fold(samples)
    trees = tiny().fit(fold.train, fold.valid, 1)
    assert np.isfinite(trees.quantiles(samples, fold.test_rows)).all()


def test_training_targets_from_the_validation_block_are_refused(samples, fold):
    with pytest.raises(LeakError):
        tiny().fit(known_at(samples, fold.fitted_at), fold.valid, 1)


def test_too_short_a_history_is_refused_with_the_count():
    samples = samples_of(walk_bars((420,)))
    # 256 rows of warm-up and 5 of lags: at 30 sessions, what train knows begins at row 261
    (fold,) = walk_forward(samples, test_from=samples.origin[400], refit_sessions=999)
    with pytest.raises(NotEnoughDataError, match="100 needed") as caught:
        tiny().fit(fold.train, fold.valid, 1)
    assert caught.value.found < caught.value.needed == 100


def test_prices_that_hardly_ever_moved_are_no_reason_to_fail():
    returns = walk_returns(1300, seed=3)
    returns[:1000] = 0.0  # all that trees are trained on
    samples = samples_of(close_only(bars_of_returns(returns[None], seed=1)), horizons=(1,))
    fold = last_fold(samples, sessions=100)
    trees = tiny().fit(fold.train, fold.valid, 1)
    assert np.isfinite(trees.quantiles(samples, fold.test_rows)).all()
