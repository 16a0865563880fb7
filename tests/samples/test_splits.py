from dataclasses import replace

import numpy as np
import pytest

from nextclose.data.sources.loading import sample_bars
from nextclose.errors import ConfigError, LeakError, NotEnoughDataError
from nextclose.samples.samples import Samples
from nextclose.samples.splits import (
    first_origin,
    holdout,
    known_at,
    last_resolved,
    originating_from,
    refuse_overlap,
    sessions_of,
    walk_forward,
)
from tests.builders import (
    bare_samples,
    daily_samples,
    day,
    samples_of,
    walk_bars,
)

HORIZONS = (1, 7, 30)


def last_known_origins(samples: Samples) -> list[str]:
    """The latest origin with a known target at each horizon."""
    known = ~np.isnat(samples.resolved)
    return [str(samples.origin[known[:, k]].max()) for k in range(known.shape[1])]


def first_known_origins(samples: Samples) -> list[str]:
    known = ~np.isnat(samples.resolved)
    return [str(samples.origin[known[:, k]].min()) for k in range(known.shape[1])]


# --- one cut ---


@pytest.mark.parametrize(("column", "last_usable"), [(0, 999), (1, 993), (2, 970)])
def test_known_at_masks_targets_that_resolve_later(column, last_usable):
    samples = known_at(daily_samples(1100), day(1000))
    rows = np.flatnonzero(np.isfinite(samples.target[:, column]))
    assert rows.tolist() == list(range(last_usable + 1))
    for fact in (samples.outcome, samples.movement):
        assert np.flatnonzero(np.isfinite(fact[:, column]))[-1] == last_usable
    assert np.isnat(samples.resolved[last_usable + 1 :, column]).all()


def test_known_at_cuts_later_rows_off_each_segment():
    calendars = [
        day(0) + np.arange(0, 20),
        day(0) + np.arange(0, 20, 3),
        day(0) + np.arange(12, 20),
    ]
    samples = known_at(bare_samples(calendars, horizons=(1,)), day(10))
    # 11 of 20 rows; sessions 0 3 6 9 of the second, which starts at row 20; none of the third
    assert samples.segments.tolist() == [[0, 11], [20, 24], [27, 27]]
    assert np.flatnonzero(samples.readable()).tolist() == [*range(11), *range(20, 24)]
    assert sessions_of(samples).tolist() == [day(k).item() for k in range(11)]


def test_known_at_twice_is_known_at_the_earlier():
    samples = daily_samples(120)
    once = known_at(samples, day(60))
    twice = known_at(known_at(samples, day(90)), day(60))
    np.testing.assert_array_equal(once.target, twice.target)
    np.testing.assert_array_equal(once.segments, twice.segments)


def test_originating_from_keeps_late_origins_only():
    samples = originating_from(daily_samples(50), day(12))
    assert first_known_origins(samples) == [str(day(12))] * 3
    assert samples.readable().all()  # the rows before it stay to be read as context


def test_first_and_last_of_nothing_are_not_a_time():
    nothing = known_at(daily_samples(5, horizons=(7,)), day(4))
    assert np.isnat(first_origin(nothing))
    assert np.isnat(last_resolved(nothing))


# --- overlap ---


def test_training_on_what_resolves_after_validation_begins_is_refused():
    samples = daily_samples(100)
    valid = originating_from(samples, day(50))
    with pytest.raises(LeakError) as caught:
        refuse_overlap(known_at(samples, day(51)), valid)
    assert (caught.value.known_at, caught.value.used_at) == (str(day(51)), str(day(50)))


def test_training_on_what_resolves_when_validation_begins_is_allowed():
    samples = daily_samples(100)
    refuse_overlap(known_at(samples, day(50)), originating_from(samples, day(50)))


def test_nothing_to_learn_or_nothing_to_validate_on_is_no_overlap():
    samples = daily_samples(10, horizons=(7,))
    nothing = known_at(samples, day(3))
    refuse_overlap(nothing, samples)
    refuse_overlap(samples, nothing)


# --- walk forward, by dates ---


def test_a_stopping_block_at_session_830_is_trained_on_up_to_origin_800():
    # 1,082 origins known at session 1,082; the block is their last 252
    (fold,) = walk_forward(daily_samples(1200), test_from=day(1082), refit_sessions=500)
    assert fold.valid_from == day(830)
    assert last_known_origins(fold.train) == [str(day(829)), str(day(823)), str(day(800))]
    assert first_known_origins(fold.valid) == [str(day(830))] * 3
    assert last_known_origins(fold.valid) == [str(day(1081)), str(day(1075)), str(day(1052))]
    assert fold.test_rows.tolist() == list(range(1082, 1200))


BLOCKS = [  # origins known, sessions in the stopping block
    (3, 1),  # a third
    (300, 100),  # a third
    (900, 252),  # a year
    (1680, 252),  # a year is 15 %
    (2000, 300),  # 15 %
]


@pytest.mark.parametrize(("n_known", "n_valid"), BLOCKS)
def test_the_stopping_block_is_a_year_or_15_percent_but_at_most_a_third(n_known, n_valid):
    samples = daily_samples(n_known + 2, horizons=(1,))
    (fold,) = walk_forward(samples, test_from=day(n_known))
    assert fold.valid_from == day(n_known - n_valid)


@pytest.mark.parametrize(
    ("fitted_at", "valid_from"),
    # 300 origins from row 256 on, a third; 3 of them, the least; of 2 the others count, from row 59
    [(556, 456), (259, 258), (258, 192)],
)
def test_the_stopping_block_counts_origins_that_have_every_column_if_there_are_any(
    fitted_at, valid_from
):
    samples = samples_of(walk_bars((600,)), horizons=(1,))
    session = samples.origin
    (fold,) = walk_forward(samples, test_from=session[fitted_at], refit_sessions=999)
    assert fold.valid_from == session[valid_from]


def test_folds_follow_each_other_every_refit_sessions():
    folds = walk_forward(daily_samples(100, horizons=(1,)), test_from=day(50), refit_sessions=20)
    assert [fold.index for fold in folds] == [0, 1, 2]
    assert [fold.fitted_at for fold in folds] == [day(50), day(70), day(90)]
    assert [fold.test_rows.tolist() for fold in folds] == [
        list(range(50, 70)),
        list(range(70, 90)),
        list(range(90, 100)),
    ]


def test_folds_end_at_test_until_included():
    samples = daily_samples(100, horizons=(1,))
    folds = walk_forward(samples, test_from=day(50), test_until=day(72), refit_sessions=20)
    assert [fold.test_rows[-1] for fold in folds] == [69, 72]


@pytest.mark.parametrize(
    ("n_rehearsals", "first"), [(0, []), (1, [30]), (2, [10, 30]), (9, [10, 30])]
)
def test_rehearsals_are_whole_blocks_before_the_test_as_many_as_there_is_room_for(
    n_rehearsals, first
):
    folds = walk_forward(
        daily_samples(100, horizons=(1,)),
        test_from=day(50),
        refit_sessions=20,
        n_rehearsals=n_rehearsals,
    )
    assert [fold.fitted_at for fold in folds] == [day(n) for n in (*first, 50, 70, 90)]
    assert [fold.index for fold in folds] == list(range(len(folds)))
    stops = [*(n + 20 for n in first), 70, 90, 100]
    assert [int(fold.test_rows[-1]) + 1 for fold in folds] == stops
    assert [int(fold.test_rows[0]) for fold in folds] == [*first, 50, 70, 90]


def test_rehearsals_leave_the_tested_folds_as_they_are():
    samples = daily_samples(100, horizons=(1, 7))
    plain, rehearsed = (
        walk_forward(samples, test_from=day(50), refit_sessions=20, n_rehearsals=n) for n in (0, 2)
    )
    for one, two in zip(plain, rehearsed[2:], strict=True):
        assert (one.valid_from, one.fitted_at) == (two.valid_from, two.fitted_at)
        np.testing.assert_array_equal(one.test_rows, two.test_rows)
        np.testing.assert_array_equal(one.train.target, two.train.target)
        np.testing.assert_array_equal(one.valid.target, two.valid.target)


def test_a_rehearsal_learns_from_no_more_than_was_known_by_then():
    folds = walk_forward(
        daily_samples(200, horizons=(1, 7)), test_from=day(150), refit_sessions=30, n_rehearsals=2
    )
    assert [str(fold.fitted_at) for fold in folds[:2]] == [str(day(90)), str(day(120))]
    for fold, fitted_at in zip(folds, (90, 120, 150), strict=False):
        assert last_known_origins(fold.valid) == [str(day(fitted_at - 1)), str(day(fitted_at - 7))]


def test_rehearsals_count_sessions_of_all_symbols_together():
    calendars = [day(0) + np.arange(0, 60, 2), day(0) + np.arange(1, 60, 2)]
    folds = walk_forward(
        bare_samples(calendars, horizons=(1,)),
        test_from=day(40),
        refit_sessions=10,
        n_rehearsals=2,
    )
    assert [fold.fitted_at for fold in folds] == [day(n) for n in (20, 30, 40, 50)]


def test_borders_on_the_calendar_of_new_york_around_the_storm():
    samples = samples_of(sample_bars())
    folds = walk_forward(samples, test_from=np.datetime64("2012-10-29"), refit_sessions=2)
    # shut on the 29th and 30th: the first session from then on is Wednesday, the 31st
    assert [str(fold.fitted_at) for fold in folds[:3]] == ["2012-10-31", "2012-11-02", "2012-11-06"]
    assert last_known_origins(folds[0].valid) == ["2012-10-26", "2012-10-18", "2012-09-17"]
    tested = np.unique(samples.origin[folds[0].test_rows])
    assert tested.astype(str).tolist() == ["2012-10-31", "2012-11-01"]


def test_nothing_to_test_is_refused_naming_the_setting():
    with pytest.raises(
        ConfigError, match=r"no session from .* the bars end at 2001-01-30"
    ) as caught:
        walk_forward(daily_samples(30), test_from=day(30))
    assert (caught.value.section, caught.value.key) == ("backtest", "test_from")


def test_nothing_known_before_the_test_is_refused_with_the_date():
    with pytest.raises(NotEnoughDataError, match="2001-01-03") as caught:
        walk_forward(daily_samples(30), test_from=day(2))
    assert (caught.value.needed, caught.value.found) == (3, 2)


def test_a_restricted_fold_tests_less_and_learns_the_same():
    (fold,) = walk_forward(daily_samples(30, horizons=(1,)), test_from=day(20))
    rows = np.zeros(30, dtype=bool)
    rows[[5, 22, 25]] = True
    less = fold.restricted(rows)
    assert less.test_rows.tolist() == [22, 25]
    assert replace(less, test_rows=fold.test_rows) == fold


# --- holdout ---


def test_holdout_is_70_15_15_with_both_borders_purged():
    # 41 sessions know 40 outcomes at one session: 28 / 6 / 6
    fold = holdout(daily_samples(41, horizons=(1, 3)), family="bare", context_sessions=1)
    assert (fold.valid_from, fold.fitted_at) == (day(28), day(34))
    assert last_known_origins(fold.train) == [str(day(27)), str(day(25))]
    assert first_known_origins(fold.valid) == [str(day(28))] * 2
    assert last_known_origins(fold.valid) == [str(day(33)), str(day(31))]
    assert fold.test_rows.tolist() == list(range(34, 41))  # the last outcome is still to come


def test_holdout_counts_origins_with_a_full_window():
    samples = daily_samples(50, horizons=(1,), warmup=4)
    fold = holdout(samples, family="bare", context_sessions=6)
    # first full window at 4 + 5 = 9: again 40 origins, 9 .. 48
    assert (fold.valid_from, fold.fitted_at) == (day(37), day(43))


def test_holdout_of_six_origins_is_refused():
    with pytest.raises(NotEnoughDataError, match="found 3"):
        holdout(daily_samples(4, horizons=(1,)), family="bare", context_sessions=1)
