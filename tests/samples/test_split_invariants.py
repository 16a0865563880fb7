"""What every split must keep on calendars that start, stop and pause as they like."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nextclose.errors import NotEnoughDataError
from nextclose.samples.samples import Samples
from nextclose.samples.splits import Fold, refuse_overlap, sessions_of, walk_forward
from tests.builders import bare_samples, ragged_calendars, walk_returns

WORLDS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1),
        "n_symbols": st.integers(1, 4),
        "n_days": st.integers(40, 120),
        "missing": st.sampled_from([0.0, 0.1, 0.5]),
    }
)
PLANS = st.tuples(st.floats(0.35, 0.95), st.integers(1, 40))
SHORT = (1, 4, 13)


def ragged_folds(
    world: dict[str, Any], plan: tuple[float, int]
) -> tuple[Samples, tuple[Fold, ...]]:
    """Folds of a ragged world; none where too little is known at the first border."""
    samples = bare_samples(ragged_calendars(**world), horizons=SHORT)
    sessions = sessions_of(samples)
    test_from = sessions[int(plan[0] * (len(sessions) - 1))]
    try:
        return samples, walk_forward(samples, test_from=test_from, refit_sessions=plan[1])
    except NotEnoughDataError:
        return samples, ()


def known_in(samples: Samples) -> set[tuple[int, int]]:
    """(row, column) of each known target; all four facts must agree on it."""
    known = ~np.isnat(samples.resolved)
    for fact in (samples.outcome, samples.target, samples.movement):
        np.testing.assert_array_equal(np.isfinite(fact), known)
    return set(zip(*(index.tolist() for index in np.nonzero(known)), strict=True))


@given(WORLDS, PLANS)
def test_nothing_is_learnt_before_it_resolved_and_nothing_that_resolved_is_lost(world, plan):
    samples, folds = ragged_folds(world, plan)
    resolved, origin = samples.resolved, samples.origin[:, None]
    for fold in folds:
        train, valid = known_in(fold.train), known_in(fold.valid)
        learnt = [resolved[cell] for cell in train]
        assert all(session <= fold.valid_from for session in learnt)
        assert all(samples.origin[row] >= fold.valid_from for row, _ in valid)
        assert all(resolved[cell] <= fold.fitted_at for cell in valid)
        assert (samples.origin[fold.test_rows] >= fold.fitted_at).all()
        refuse_overlap(fold.train, fold.valid)
        # and exactly: a target is kept if and only if the rule allows it
        may_train = resolved <= fold.valid_from
        may_valid = (resolved <= fold.fitted_at) & (origin >= fold.valid_from)
        assert len(train) == may_train.sum()
        assert len(valid) == may_valid.sum()
        # nor is any later row to be read
        assert samples.origin[fold.train.readable()].max() <= fold.valid_from
        assert samples.origin[fold.valid.readable()].max() <= fold.fitted_at


@given(WORLDS, PLANS)
def test_every_origin_from_the_first_border_on_is_in_exactly_one_fold(world, plan):
    samples, folds = ragged_folds(world, plan)
    if folds:
        tested = np.concatenate([fold.test_rows for fold in folds])
        expected = np.flatnonzero(samples.origin >= folds[0].fitted_at)
        assert sorted(tested.tolist()) == expected.tolist()
        ends = [*(fold.fitted_at for fold in folds[1:]), np.datetime64("2100-01-01")]
        for fold, end in zip(folds, ends, strict=True):
            assert (samples.origin[fold.test_rows] < end).all()


def facts_by_key(samples: Samples, rows: np.ndarray) -> dict[tuple[int, str], Any]:
    """Resolved sessions and target bits by symbol and origin, whatever the row numbers."""
    symbols = samples.table.symbol[rows]
    return {
        (int(symbol), str(origin)): (resolved.astype(str).tolist(), target.tobytes())
        for symbol, origin, resolved, target in zip(
            symbols, samples.origin[rows], samples.resolved[rows], samples.target[rows], strict=True
        )
    }


@given(WORLDS, PLANS, st.floats(0.5, 1.0))
def test_appended_bars_change_no_earlier_fold(world, plan, share):
    samples, folds = ragged_folds(world, plan)
    if not folds:
        return
    sessions = sessions_of(samples)
    cut = max(sessions[int(share * (len(sessions) - 1))], folds[0].fitted_at)
    calendars = ragged_calendars(**world)
    if any(calendar[0] > cut for calendar in calendars):
        return  # a symbol without a bar has no place in a table
    then = [calendar[calendar <= cut] for calendar in calendars]
    returns = [walk_returns(len(calendar), seed=k) for k, calendar in enumerate(calendars)]
    samples = bare_samples(calendars, horizons=SHORT, returns=returns)
    before = bare_samples(
        then,
        horizons=SHORT,
        returns=[part[: len(days)] for part, days in zip(returns, then, strict=True)],
    )
    early = walk_forward(before, test_from=folds[0].fitted_at, refit_sessions=plan[1])
    assert 1 <= len(early) <= len(folds)
    for old, new in zip(early, folds, strict=False):
        assert (old.fitted_at, old.valid_from) == (new.fitted_at, new.valid_from)
        for part in ("train", "valid"):
            then, now = getattr(old, part), getattr(new, part)
            rows = [np.flatnonzero(known.readable()) for known in (then, now)]
            assert facts_by_key(then, rows[0]) == facts_by_key(now, rows[1])
        tested = facts_by_key(before, old.test_rows).keys()
        later = facts_by_key(samples, new.test_rows).keys()
        assert tested == {key for key in later if key[1] <= str(cut)}
