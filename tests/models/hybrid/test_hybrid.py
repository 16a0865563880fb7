from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nextclose.errors import LeakError
from nextclose.models.hybrid.hybrid import FittedHybrid, mean_quantiles
from nextclose.models.hybrid.record import no_record, stretched
from nextclose.models.mixture import restore_forecaster
from nextclose.models.protocol import Fitted
from nextclose.models.registry import hybrid_of, model_of_state
from nextclose.models.state import State, encode_state
from nextclose.samples.samples import Samples
from nextclose.samples.splits import known_at
from nextclose.schema import LEVELS, Bars
from nextclose.serving.states import state_bytes, state_of
from tests.builders import hybrid_bars, hybrid_config, hybrid_fit, hybrid_walk, samples_of


def restored_alone(state: State) -> Fitted:
    """As one who has the state and nothing else."""
    return restore_forecaster(model_of_state("hybrid", state), state)


# --- the combination ---


def test_quantiles_are_averaged_level_by_level():
    members = np.stack([np.full((1, 2, len(LEVELS)), value) for value in (1.0, 4.0)])
    members = members + np.arange(len(LEVELS))
    expected = np.full((1, 2, 1), 2.5) + np.arange(len(LEVELS))
    np.testing.assert_allclose(mean_quantiles(members), expected)


def test_where_a_member_makes_no_forecast_the_others_make_it_alone():
    members = np.stack([np.full((3, 1, len(LEVELS)), value) for value in (1.0, 2.0, 6.0)])
    members[0, 1, 0, 7] = np.nan
    members[:, 2] = np.nan
    found = mean_quantiles(members)
    np.testing.assert_array_equal(found[:2, 0, 0], [3.0, 4.0])
    assert np.isnan(found[2]).all()


def test_a_row_is_combined_alone():
    members = np.random.default_rng(0).standard_normal((4, 50, 3, len(LEVELS)))
    whole = mean_quantiles(members)
    np.testing.assert_array_equal(mean_quantiles(members[:, 17:18])[0], whole[17])
    np.testing.assert_array_equal(mean_quantiles(members[:, ::-1]), whole[::-1])


# --- served ---


@pytest.fixture(scope="module")
def bars() -> Bars:
    return hybrid_bars()


@pytest.fixture(scope="module")
def samples(bars) -> Samples:
    return samples_of(bars)


def quantiles_issued(fold: int) -> tuple[FittedHybrid, np.ndarray, np.ndarray]:
    """The fitted hybrid of a fold, its rows, and what was issued there, target units."""
    walk = hybrid_walk()
    return (
        hybrid_fit(walk, fold),
        walk.study.folds[fold].test_rows,
        walk.issued["hybrid", fold].grid,
    )


@pytest.mark.parametrize("fold", [0, 3, 5])
def test_at_the_session_of_the_fit_it_gives_what_was_issued_to_the_bit(samples, fold):
    fitted, rows, issued = quantiles_issued(fold)
    first = samples.origin[rows] == np.datetime64(fitted.fitted_at, "D")
    assert first.any()
    # what resolves on that very session is counted by then
    then = known_at(samples, samples.origin[rows[first]].max())
    moved = fitted.moved_on(then)
    np.testing.assert_array_equal(moved.quantiles(samples, rows[first]), issued[first])


@pytest.mark.parametrize("n_sessions", [1, 10, 40])
def test_moved_on_it_gives_what_was_issued_to_the_bit(samples, n_sessions):
    fitted, rows, issued = quantiles_issued(5)
    days = np.unique(samples.origin[rows])
    last = days[n_sessions - 1]
    then = known_at(samples, last)
    at_once = fitted.moved_on(then)
    here = samples.origin[rows] == last
    np.testing.assert_array_equal(at_once.quantiles(samples, rows[here]), issued[here])
    daily = fitted
    for session in days[:n_sessions]:
        daily = daily.moved_on(known_at(samples, session))
    assert state_bytes(encode_state(daily)) == state_bytes(encode_state(at_once))
    again = at_once.moved_on(then)
    assert state_bytes(encode_state(again)) == state_bytes(encode_state(at_once))


def test_without_a_session_to_come_no_member_is_asked(samples):
    then = known_at(samples, samples.origin.max())
    moved = hybrid_fit(hybrid_walk(), 5).moved_on(then)
    assert moved.moved_on(then) is moved


def test_without_moving_on_ranges_are_as_wide_as_the_record_of_the_fit_asks_for(samples):
    fitted, rows, _ = quantiles_issued(5)
    raw = fitted.raw(samples, rows)
    factors = fitted.record.factors(samples, rows)
    assert np.ptp(factors) > 0
    np.testing.assert_array_equal(fitted.quantiles(samples, rows), stretched(raw, factors))
    bare = replace(fitted, record=no_record(3))
    np.testing.assert_allclose(bare.quantiles(samples, rows), raw, rtol=1e-6)


def test_only_the_rows_that_are_asked_for_are_forecast(samples):
    fitted, rows, _ = quantiles_issued(5)
    asked: list[int] = []

    class Counting:
        def quantiles(self, samples: Samples, rows: np.ndarray) -> np.ndarray:
            asked.append(len(rows))
            return np.zeros((len(rows), len(samples.horizons), len(LEVELS)))

    counted = replace(fitted, members={"counting": Counting()})
    counted.quantiles(samples, rows[-3:])
    assert asked == [3]


@pytest.mark.parametrize("members", [("loghar", "trees"), ("garch", "loghar")])
def test_the_newest_row_alone_has_the_bits_it_has_among_others(samples, members):
    walk = hybrid_walk(*members)
    rows, fitted = walk.study.folds[5].test_rows, hybrid_fit(walk, 5)
    expected = fitted.quantiles(samples, rows)
    newest = samples.segments[:, 1] - 1
    last = fitted.quantiles(samples, newest)
    np.testing.assert_array_equal(last, expected[np.searchsorted(rows, newest)])
    np.testing.assert_array_equal(fitted.quantiles(samples, newest[1:2])[0], last[1])


def test_a_symbol_served_alone_has_the_bits_it_has_among_others(bars, samples):
    walk = hybrid_walk()
    fold = walk.study.folds[5]
    fitted = hybrid_fit(walk, 5)
    expected = fitted.quantiles(samples, fold.test_rows)
    alone = samples_of(Bars(frame=bars.frame.filter(pl.col("symbol") == "BBB")))
    rows = np.flatnonzero(alone.origin >= fold.fitted_at)
    own = samples.table.symbol[fold.test_rows] == 1
    np.testing.assert_array_equal(fitted.quantiles(alone, rows), expected[own])


def test_a_row_has_the_same_bits_in_any_order_and_without_the_others(samples):
    walk = hybrid_walk()
    rows = walk.study.folds[5].test_rows
    fitted = hybrid_fit(walk, 5)
    whole = fitted.quantiles(samples, rows)
    mixed = np.random.default_rng(0).permutation(len(rows))[:40]
    np.testing.assert_array_equal(fitted.quantiles(samples, rows[mixed]), whole[mixed])


def test_what_follows_a_row_changes_nothing_of_it(samples):
    walk = hybrid_walk()
    rows = walk.study.folds[5].test_rows
    fitted = hybrid_fit(walk, 5)
    whole = fitted.quantiles(samples, rows)
    early = rows[samples.origin[rows] <= np.quantile(samples.origin[rows].astype(int), 0.5)
                 .astype(int).astype("datetime64[D]")]  # fmt: skip
    then = known_at(samples, samples.origin[early].max())
    found = fitted.quantiles(then, early)
    np.testing.assert_array_equal(found, whole[np.searchsorted(rows, early)])


def test_its_state_as_bytes_gives_the_same_forecasts(samples):
    walk = hybrid_walk()
    rows = walk.study.folds[5].test_rows
    fitted = hybrid_fit(walk, 5)
    content = state_bytes(encode_state(fitted))
    for again in (
        hybrid_of(walk.study.config).restore(state_of(content)),
        restored_alone(state_of(content)),
    ):
        np.testing.assert_array_equal(
            again.quantiles(samples, rows), fitted.quantiles(samples, rows)
        )
        assert state_bytes(encode_state(again)) == content


def test_members_keep_their_order_through_json(samples):
    fitted = hybrid_fit(hybrid_walk(), 5)
    turned = replace(
        fitted,
        members=dict(reversed(list(fitted.members.items()))),
    )
    again = restored_alone(state_of(state_bytes(encode_state(turned))))
    assert isinstance(again, FittedHybrid)
    assert list(again.members) == ["lstm", "loghar", "garch"]
    rows = hybrid_walk().study.folds[5].test_rows
    np.testing.assert_allclose(
        again.quantiles(samples, rows), fitted.quantiles(samples, rows), rtol=1e-9
    )


def test_a_state_without_a_member_is_refused():
    state = encode_state(hybrid_fit(hybrid_walk(), 5))
    left_out = "members.loghar.scale.weights"
    assert left_out in state.arrays
    arrays = {name: value for name, value in state.arrays.items() if name != left_out}
    with pytest.raises(ValueError, match="no array weights"):
        restored_alone(State(arrays=arrays, facts=state.facts))


def test_rows_older_than_the_fit_get_no_forecast(samples):
    walk = hybrid_walk()
    rows, fitted = walk.study.folds[5].test_rows, hybrid_fit(walk, 5)
    with pytest.raises(LeakError, match="this hybrid is known from"):
        fitted.quantiles(samples, np.array([rows[0] - 1, rows[0]]))


def test_it_reads_as_many_rows_as_its_hungriest_member_and_names_all_settings():
    config = hybrid_config("garch", "trees", "lstm")
    hybrid = hybrid_of(config)
    assert hybrid.traits.context_sessions == 6  # a week of lags, and the session
    assert hybrid.traits.settings["hybrid"]["members"] == ["garch", "trees", "lstm"]
    members = hybrid.traits.settings["members"]
    assert members["trees"] == config.trees.model_dump(mode="json")
    assert list(members["lstm"]["editions"]) == ["2000-12-31"]
