from datetime import date

import numpy as np
import polars as pl
import pytest

from nextclose.data.sources.loading import sample_bars
from nextclose.samples.samples import Samples, make_samples, with_targets
from tests.builders import bare_samples, daily_samples, day, samples_of, until, walk_bars

RESOLVES = [  # origin, horizon, resolved: read off a calendar of the New York exchange
    ("2001-09-10", 1, "2001-09-17"),  # four weekdays shut: not sessions, not counted
    ("2001-09-10", 7, "2001-09-25"),
    ("2001-09-10", 30, "2001-10-26"),
    ("2003-07-03", 1, "2003-07-07"),  # Independence Day, then a weekend
    ("2004-06-10", 1, "2004-06-14"),  # a Friday of mourning
    ("2006-12-29", 1, "2007-01-03"),  # New Year, then a day of mourning
    ("2010-04-01", 1, "2010-04-05"),  # Good Friday
    ("2012-10-26", 1, "2012-10-31"),  # storm: shut on Monday and Tuesday
    ("2012-10-26", 7, "2012-11-08"),
]


@pytest.fixture(scope="module")
def apple() -> Samples:
    bars = sample_bars()
    frame = bars.frame.filter(pl.col("symbol") == "AAPL")
    return samples_of(type(bars)(frame=frame))


@pytest.mark.parametrize(("origin", "horizon", "resolved"), RESOLVES)
def test_a_target_resolves_that_many_sessions_of_the_exchange_later(
    apple, origin, horizon, resolved
):
    row = int(np.flatnonzero(apple.origin == np.datetime64(origin))[0])
    column = apple.horizons.index(horizon)
    assert apple.resolved[row, column] == np.datetime64(resolved)
    later = int(np.flatnonzero(apple.origin == np.datetime64(resolved))[0])
    assert apple.outcome[row, column] == np.log(apple.table.close[later] / apple.table.close[row])


def test_what_the_bars_have_not_reached_is_unresolved(apple):
    for k, horizon in enumerate(apple.horizons):
        assert np.isnat(apple.resolved[-horizon:, k]).all()
        assert not np.isnat(apple.resolved[-horizon - 1, k])
        np.testing.assert_array_equal(np.isnan(apple.outcome), np.isnat(apple.resolved))


def test_outcome_target_and_movement_of_four_closes_worked_by_hand():
    # closes 100, 110, 99, 108.9: returns ln 1.1, ln 0.9, ln 1.1
    up, down = np.log(1.1), np.log(0.9)
    samples = daily_samples(4, horizons=(1, 2), returns=[np.array([0.0, up, down, up])], scale=0.05)
    nan = np.nan
    outcome = [[up, up + down], [down, down + up], [up, nan], [nan, nan]]
    np.testing.assert_allclose(samples.outcome, outcome, rtol=1e-12)
    unit = np.array([0.05, 0.05 * np.sqrt(2)])
    np.testing.assert_allclose(samples.target, np.array(outcome) / unit, rtol=1e-12)
    np.testing.assert_allclose(samples.unit(np.array([0, 3])), [unit, unit])
    walked = [[up, (up - down) / 2], [-down, (up - down) / 2], [up, nan], [nan, nan]]
    np.testing.assert_allclose(samples.movement, np.array(walked) / 0.05, rtol=1e-12)
    expected = [[day(1), day(2)], [day(2), day(3)], [day(3), "NaT"], ["NaT", "NaT"]]
    np.testing.assert_array_equal(samples.resolved, np.array(expected, dtype="datetime64[D]"))


def test_no_outcome_reaches_into_the_next_symbol():
    samples = bare_samples([day(0) + np.arange(5), day(0) + np.arange(4)], horizons=(1, 3))
    assert np.isnan(samples.outcome[[4, 8], 0]).all()
    assert np.isnan(samples.outcome[[2, 3, 4, 6, 7, 8], 1]).all()
    assert np.isfinite(samples.outcome).sum() == (4 + 3) + (2 + 1)


def test_a_segment_shorter_than_the_horizon_knows_nothing():
    samples = daily_samples(3, horizons=(3, 30))
    assert np.isnan(samples.outcome).all()
    assert np.isnat(samples.resolved).all()


def test_appended_bars_resolve_more_and_change_nothing_known():
    bars = walk_bars((330, 320))
    cut = date(2002, 3, 1)
    early, late = samples_of(until(bars, cut)), samples_of(bars)
    same = late.origin <= np.datetime64(cut)
    assert same.sum() == len(early.origin)
    known = ~np.isnat(early.resolved)
    for name in ("outcome", "target", "movement", "resolved"):
        before, after = getattr(early, name), getattr(late, name)[same]
        np.testing.assert_array_equal(before[known], after[known], err_msg=name)
    open_then = ~known & ~np.isnat(late.resolved[same])
    assert open_then.any()
    assert (late.resolved[same][open_then] > np.datetime64(cut)).all()


def test_targets_are_unknown_while_the_scale_warms_up():
    samples = samples_of(walk_bars((300,)))
    assert np.isnan(samples.target[:59]).all()
    assert np.isfinite(samples.target[59:-30]).all()
    assert np.isfinite(samples.outcome[:59]).all()


def test_ready_needs_warm_up_and_context_in_each_segment():
    samples = bare_samples([day(0) + np.arange(6), day(0) + np.arange(4)], warmup=2)
    assert np.flatnonzero(samples.ready("bare")).tolist() == [2, 3, 4, 5, 8, 9]
    ready = samples.ready("bare", context_sessions=3)
    assert np.flatnonzero(ready).tolist() == [4, 5]


def test_ready_needs_a_scale():
    samples = samples_of(walk_bars((300,)))
    assert np.flatnonzero(samples.ready("stationary"))[0] == 256


def test_learnable_rows_are_ready_and_know_a_target():
    samples = daily_samples(8, horizons=(1, 3), warmup=2)
    assert samples.learnable("bare").tolist() == [2, 3, 4, 5, 6]
    only_long = with_targets(samples, np.array([[False, True]] * 8))
    assert only_long.learnable("bare").tolist() == [2, 3, 4]


def test_with_targets_forgets_all_four_facts_of_a_target():
    samples = daily_samples(5, horizons=(1, 2))
    keep = np.zeros((5, 2), dtype=bool)
    keep[1, 0] = True
    kept = with_targets(samples, keep)
    for name in ("outcome", "target", "movement"):
        assert np.flatnonzero(np.isfinite(getattr(kept, name))).tolist() == [2], name
        assert getattr(kept, name)[1, 0] == getattr(samples, name)[1, 0]
    assert np.flatnonzero(~np.isnat(kept.resolved)).tolist() == [2]
    assert np.isfinite(samples.outcome).sum() == 4 + 3  # the original is as it was


def test_horizons_are_kept_in_the_order_given():
    table = daily_samples(40).table
    samples = make_samples(table, horizons=(1, 7))
    assert samples.horizons == (1, 7)
    assert samples.target.shape == (40, 2)
