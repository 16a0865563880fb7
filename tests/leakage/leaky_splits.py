"""Splits as they are written by hand, and how date codes tell whether one lets the test in.

Made for `test_date_codes.coded`: a target there is the code of the close that it resolves at.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from nextclose.samples.samples import Samples, with_targets
from nextclose.samples.splits import Fold, joint_samples, known_at, last_resolved, originating_from
from nextclose.samples.splits import walk_forward as folds_of
from tests.leakage.test_date_codes import OPEN_DAYS

Split = Callable[[Samples], tuple[Fold, ...]]
TEST_FROM, TEST_UNTIL = OPEN_DAYS[430], OPEN_DAYS[470]
LONGEST = 30


def broken_rules(samples: Samples, folds: Sequence[Fold]) -> set[str]:
    """Which rules of a split the folds break, read from what they hold."""
    broken, tested = set(), np.concatenate([fold.test_rows for fold in folds])
    for fold in folds:
        answers = samples.target[fold.test_rows]
        if known(fold.train.resolved).max() > fold.valid_from:
            broken.add("training resolves after the next part begins")
        if (known(fold.valid.resolved) > fold.fitted_at).any():
            broken.add("validation resolves after the fit")
        if samples.origin[fold.test_rows].min() < fold.fitted_at:
            broken.add("tested before the fit")
        if np.isin(known(fold.train.target), known(answers)).any():
            broken.add("a training target is a target of the test")
    asked = np.flatnonzero(samples.origin >= min(fold.fitted_at for fold in folds))
    if not np.array_equal(np.sort(tested), asked):
        broken.add("not each origin tested once")
    return broken


def known(values: np.ndarray) -> np.ndarray:
    is_known = ~np.isnat(values) if values.dtype.kind == "M" else np.isfinite(values)
    return np.asarray(values[is_known])


def ours(samples: Samples) -> tuple[Fold, ...]:
    return folds_of(samples, test_from=TEST_FROM, refit_sessions=60)


def split_by(samples: Samples, learnt: np.ndarray, tested: np.ndarray) -> tuple[Fold, ...]:
    """One fold of rows to learn from and rows to test, both (row,), without a validation part."""
    begins = samples.origin[tested].min()
    keep = np.broadcast_to(learnt[:, None], samples.target.shape)
    nothing = np.zeros_like(keep)
    return (
        Fold(
            index=0,
            valid_from=begins,
            fitted_at=begins,
            train=with_targets(samples, keep),
            valid=with_targets(samples, nothing),
            test_rows=np.flatnonzero(tested),
        ),
    )


def shuffled_rows(samples: Samples) -> tuple[Fold, ...]:
    """M41: `train_test_split` with its default, shuffle=True."""
    place = np.random.default_rng(0).permutation(len(samples.origin))
    return split_by(samples, place < 0.7 * len(place), place >= 0.7 * len(place))


def cut_by_row(samples: Samples) -> tuple[Fold, ...]:
    """M45: the first 70 % of the stacked panel, symbol under symbol."""
    place = np.arange(len(samples.origin))
    return split_by(samples, place < 0.7 * len(place), place >= 0.7 * len(place))


def before_and_after(samples: Samples) -> tuple[Fold, ...]:
    """M47: K-fold by time; what follows the test block is learnt from, at once."""
    tested = (samples.origin >= TEST_FROM) & (samples.origin < TEST_UNTIL)
    return split_by(samples, ~tested, tested)


def end_of_test_dropped(samples: Samples) -> tuple[Fold, ...]:
    """M72: the gap of a horizon is taken from the end of the test, and training stays as it was."""
    sessions = np.unique(samples.origin)
    late = samples.origin > sessions[-1 - LONGEST]
    is_past = samples.origin < TEST_FROM
    return split_by(samples, is_past, ~is_past & ~late)


def by_symbol(samples: Samples) -> tuple[Fold, ...]:
    """M63: the last symbol tests what the others have taught; it is the first, renamed."""
    is_last = samples.table.symbol == len(samples.table.symbols) - 1
    return split_by(samples, ~is_last, is_last)


LEAKY_SPLITS: dict[str, tuple[Split, set[str]]] = {
    "M41 rows shuffled": (
        shuffled_rows,
        {
            "training resolves after the next part begins",
            "a training target is a target of the test",
        },
    ),
    "M45 stacked panel cut by row": (
        cut_by_row,
        {"training resolves after the next part begins"},
    ),
    "M47 training after the test": (
        before_and_after,
        {"training resolves after the next part begins"},
    ),
    "M72 purge of the wrong side": (
        end_of_test_dropped,
        {"training resolves after the next part begins", "not each origin tested once"},
    ),
}

# --- stacking: a base model that forecasts with the last day it knows ---

Inputs = Iterator[tuple[np.ndarray, np.datetime64]]  # origins of stacker rows, the day of the base


def learns_of(samples: Samples) -> np.ndarray:
    """Origins with a known target."""
    return np.unique(samples.origin[np.isfinite(samples.target).any(axis=1)])


def in_sample(fold: Fold) -> Inputs:
    """M58: the base is fitted on all that is known, then forecasts those rows for the stacker."""
    known_rows = joint_samples(fold.train, fold.valid)
    yield learns_of(known_rows), last_resolved(known_rows)


def out_of_sample(fold: Fold) -> Inputs:
    """The base is fitted on the training part and forecasts the validation part."""
    yield learns_of(fold.valid), last_resolved(fold.train)


def inner_blocks(fold: Fold, *, purged: bool) -> Inputs:
    """Five blocks; the base of each has learnt from the origins before it, open targets or not."""
    origins = learns_of(fold.train)
    borders = origins[np.linspace(0, len(origins) - 1, 6).astype(int)]
    for begin, end in pairwise(borders[1:]):
        past = fold.train.origin < begin
        early = with_targets(fold.train, np.broadcast_to(past[:, None], fold.train.target.shape))
        base = known_at(early, begin) if purged else early
        block = originating_from(fold.train, begin)
        rows = learns_of(block)
        yield rows[rows < end], last_resolved(base)


STACKERS: dict[str, tuple[Callable[[Fold], Inputs], Callable[[Fold], Inputs]]] = {
    "M58 stacker of in-sample forecasts": (in_sample, out_of_sample),
    "M59 inner splits without purge": (
        lambda fold: inner_blocks(fold, purged=False),
        lambda fold: inner_blocks(fold, purged=True),
    ),
}


def stacker_sees(fold: Fold, inputs: Callable[[Fold], Inputs]) -> bool:
    """Whether a base that the stacker reads at an origin knew what resolves after that origin."""
    parts = list(inputs(fold))
    assert sum(len(origins) for origins, _ in parts) > 10
    return any((day > origins).any() for origins, day in parts)
