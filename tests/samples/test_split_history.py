from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nextclose.samples.splits import known_at, outsider_view, recent_rows, resolved_outcomes
from nextclose.schema import Table
from tests.builders import bare_samples, daily_samples, day, ragged_calendars

FLOATS = ("float32", "float64")


def slow_outcomes(samples, row, *, column):
    """What the symbol of `row` had resolved by then, one session at a time."""
    past = []
    for other in range(len(samples.origin)):
        same = samples.table.symbol[other] == samples.table.symbol[row]
        if same and samples.resolved[other, column] <= samples.origin[row]:
            past.append(samples.outcome[other, column])
    return past


def found_outcomes(samples, rows, *, column):
    """What each row knows, by its position in `rows`."""
    return {
        position: past.outcome[:n].tolist()
        for past in resolved_outcomes(samples, rows, horizon=column)
        for position, n in zip(past.positions.tolist(), past.n_resolved.tolist(), strict=True)
    }


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 3), st.sampled_from([0.0, 0.3]), st.integers(0, 100)
)
def test_outcomes_are_those_of_the_symbol_that_had_resolved(seed, n_symbols, missing, cut):
    calendars = ragged_calendars(seed=seed, n_symbols=n_symbols, n_days=30, missing=missing)
    samples = bare_samples(calendars, horizons=(1, 5))
    if cut < 30:
        samples = known_at(samples, max(day(cut), samples.origin.min()))
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(samples.readable()))
    for column in range(2):
        found = found_outcomes(samples, rows, column=column)
        assert sorted(found) == list(range(len(rows)))
        for position, row in enumerate(rows):
            assert found[position] == slow_outcomes(samples, row, column=column)


def test_the_outcome_that_resolves_at_the_origin_is_known_and_the_next_is_not():
    samples = daily_samples(10, horizons=(3,))
    (past,) = resolved_outcomes(samples, np.array([7]), horizon=0)
    assert past.positions.tolist() == [0]
    assert past.n_resolved.tolist() == [5]
    assert past.outcome.tolist() == samples.outcome[:5, 0].tolist()  # origins 0 .. 4, 4 + 3 = 7


def test_no_outcome_is_handed_out_that_none_of_the_rows_knows():
    samples = daily_samples(10, horizons=(3,))
    (past,) = resolved_outcomes(samples, np.array([7, 4, 7]), horizon=0)
    assert past.positions.tolist() == [1, 0, 2]
    assert past.n_resolved.tolist() == [2, 5, 5]
    assert past.outcome.tolist() == samples.outcome[:5, 0].tolist()


def test_segments_without_rows_are_passed_over():
    samples = bare_samples([day(0) + np.arange(9)] * 3, horizons=(1,))
    second, third = resolved_outcomes(samples, np.array([26, 9]), horizon=0)
    assert (second.positions.tolist(), second.n_resolved.tolist()) == ([1], [0])
    assert (third.positions.tolist(), third.outcome.tolist()) == (
        [0],
        samples.outcome[18:26, 0].tolist(),
    )


def test_nothing_has_resolved_before_the_horizon_has_passed():
    samples = daily_samples(10, horizons=(3,))
    assert found_outcomes(samples, np.arange(3), column=0) == {0: [], 1: [], 2: []}


def test_a_row_after_the_cut_off_gets_nothing():
    samples = known_at(daily_samples(10, horizons=(1,)), day(4))
    assert list(resolved_outcomes(samples, np.array([7]), horizon=0)) == []


def test_recent_rows_count_sessions_of_all_symbols_together():
    # sessions 0 1 2 3 | 2 4 6: six days, the last three are 3, 4, 6
    samples = bare_samples([day(0) + np.arange(4), day(0) + np.array([2, 4, 6])])
    assert np.flatnonzero(recent_rows(samples, sessions=3)).tolist() == [3, 5, 6]
    assert recent_rows(samples, sessions=99).all()


def test_recent_rows_end_at_the_cut_off():
    samples = known_at(daily_samples(10), day(6))
    assert np.flatnonzero(recent_rows(samples, sessions=2)).tolist() == [5, 6]


# --- what others are shown ---


def test_an_outsiders_view_is_silent_about_every_row_after_the_cut():
    samples = daily_samples(60, horizons=(1,))
    then = known_at(samples, day(39))
    view = outsider_view(then, known_at=day(39))
    columns = {part.name: getattr(view.table, part.name) for part in fields(Table)}
    shown = {name: a for name, a in columns.items() if getattr(a, "dtype", None) in FLOATS}
    assert {*shown} == {"values", "close", "scale", "long_run"}
    for name, column in shown.items():
        assert np.isnan(column[40:]).all(), name
        np.testing.assert_array_equal(column[:40], getattr(samples.table, name)[:40])
        assert not column.flags.writeable, name
