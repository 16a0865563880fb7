"""Parts of a split, on a symbol whose session i is day i."""

import numpy as np

from nextclose.samples.parts import NONE, PARTS, fold_parts, unresolved
from nextclose.samples.splits import each_fold, holdout
from tests.builders import bare_samples, daily_samples, day


def runs(parts: np.ndarray) -> list[tuple[str, int]]:
    """Equal neighbours together: the part and how many rows."""
    borders = np.flatnonzero(np.diff(parts)) + 1
    return [(PARTS[run[0]], len(run)) for run in np.split(parts, borders)]


def test_a_holdout_of_41_sessions_row_by_row():
    # 40 outcomes one session on: 28, 6, 6. A target resolves as the next part begins, not later
    samples = daily_samples(41, horizons=(1, 3))
    fold = holdout(samples, family="bare", context_sessions=1)
    parts = fold_parts(samples, fold, family="bare", sessions=1)
    assert runs(parts[:, 0]) == [("train", 28), ("valid", 6), ("test", 6), ("none", 1)]
    assert runs(parts[:, 1]) == [
        *(("train", 26), ("purged", 2), ("valid", 4), ("purged", 2)),
        *(("test", 4), ("none", 3)),
    ]


def test_windows_need_their_sessions_and_a_warm_up():
    samples = daily_samples(50, horizons=(1,), warmup=4)
    fold = holdout(samples, family="bare", context_sessions=6)
    parts = fold_parts(samples, fold, family="bare", sessions=6)
    assert runs(parts[:, 0])[:2] == [("none", 9), ("train", 28)]  # row 9 reads rows 4 .. 9


def test_folds_of_a_walk_forward_share_rows_and_leave_what_comes_after_alone():
    samples = daily_samples(40, horizons=(2,))
    parts = [
        fold_parts(samples, fold, family="bare", sessions=1)[:, 0]
        for fold in each_fold(samples, test_from=day(20), refit_sessions=10)
    ]
    # by day 20 origins 0 .. 18 are known, a third of them to validate on: 13 .. 18
    assert runs(parts[0]) == [
        *(("train", 12), ("purged", 1), ("valid", 6), ("purged", 1)),
        *(("test", 10), ("none", 10)),
    ]
    # by day 30 0 .. 28; 38 and 39 have no outcome yet
    assert runs(parts[1]) == [
        *(("train", 19), ("purged", 1), ("valid", 9), ("purged", 1)),
        *(("test", 8), ("none", 2)),
    ]


def test_a_window_stays_within_a_symbol():
    calendars = [np.datetime64("2001-01-01") + np.arange(30)] * 2
    samples = bare_samples(calendars, horizons=(1,))
    fold = holdout(samples, family="bare", context_sessions=5)
    parts = fold_parts(samples, fold, family="bare", sessions=5)[:, 0]
    np.testing.assert_array_equal(parts[:30], parts[30:])
    assert (parts[30:34] == NONE).all()


def test_windows_without_an_outcome_are_the_last_of_a_symbol():
    is_open = unresolved(daily_samples(20, horizons=(1, 3)), family="bare", sessions=2)
    assert [np.flatnonzero(column).tolist() for column in is_open.T] == [[19], [17, 18, 19]]
