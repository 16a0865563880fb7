"""What is past and what is future: the only place that decides.

A target may be learnt from once it has resolved. Everything here is that rule applied to dates: no
purge length, no gap in rows, nothing a caller could get wrong by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from nextclose.errors import ConfigError, LeakError, NotEnoughDataError
from nextclose.samples.samples import Samples, with_targets
from nextclose.schema import Bools, Dates, Floats, Floats32, Ints

VALID_FRACTION = 0.15  # of the training block, kept back for early stopping ...
VALID_SESSIONS = 252  # ... but at least a year, where there is one to spare
LEAST_ORIGINS = 3  # with a known outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One fit and its use: learn from `train`, stop by `valid`, forecast at `test_rows`.

    `fitted_at` is the session after whose close the model may be used; the first test origin is
    that session. No target in `train` resolves after `valid_from`, none in `valid` after
    `fitted_at`, and `valid` knows only origins from `valid_from` on.
    """

    index: int
    valid_from: np.datetime64
    fitted_at: np.datetime64
    train: Samples
    valid: Samples
    test_rows: Ints

    def restricted(self, rows: Bools) -> Fold:
        """The same fold testing only the rows marked, shape (row,) of the table."""
        return replace(self, test_rows=self.test_rows[rows[self.test_rows]])


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedOutcomes:
    """What rows of one segment know: row i the first `n_resolved[i]` of `outcome`, no more."""

    positions: Ints  # (row,) where each stands among the rows that were asked for
    outcome: Floats  # oldest first, as many as the row knows that knows most
    n_resolved: Ints  # (row,)


def known_at(samples: Samples, date: np.datetime64) -> Samples:
    """The samples as they stood after the close of `date`: later rows cut, open targets masked."""
    ends = [
        start + np.searchsorted(samples.origin[start:stop], date, side="right")
        for start, stop in samples.segments
    ]
    segments = np.column_stack([samples.segments[:, 0], np.array(ends, dtype=np.int64)])
    # NaT compares false, so what never resolves stays masked
    return replace(with_targets(samples, samples.resolved <= date), segments=segments)


def outsider_view(samples: Samples, *, known_at: np.datetime64) -> Samples:
    """The samples as a model that is not ours gets them: read-only, and silent about later rows.

    Values, prices and sizes of rows after the cut are NaN, targets that resolve after `known_at`
    are masked. Ours read ready rows alone, which the leak tests prove; nobody has proven others.
    """
    hidden = ~samples.readable()

    def shown(array: Floats | Floats32) -> Any:
        copy = array.copy()
        copy[hidden] = np.nan
        copy.flags.writeable = False
        return copy

    known = with_targets(samples, samples.resolved <= known_at)
    table = replace(
        samples.table,
        values=shown(samples.table.values),
        close=shown(samples.table.close),
        scale=shown(samples.table.scale),
        long_run=shown(samples.table.long_run),
    )
    targets = {name: shown(getattr(known, name)) for name in ("outcome", "target", "movement")}
    return replace(known, table=table, scale=table.scale, **targets)


def originating_from(samples: Samples, date: np.datetime64) -> Samples:
    """The same rows, knowing only targets whose origin is `date` or later."""
    late = np.broadcast_to((samples.origin >= date)[:, None], samples.target.shape)
    return with_targets(samples, late)


def last_resolved(samples: Samples) -> np.datetime64:
    """The latest session that any known target needed; NaT if none is known."""
    known = samples.resolved[~np.isnat(samples.resolved)]
    return known.max() if known.size else np.datetime64("NaT", "D")


def first_origin(samples: Samples) -> np.datetime64:
    """The earliest origin with a known target; NaT if there is none."""
    rows = np.flatnonzero(~np.isnat(samples.resolved).all(axis=1))
    return samples.origin[rows].min() if rows.size else np.datetime64("NaT", "D")


def refuse_overlap(train: Samples, valid: Samples) -> None:
    """Raise LeakError if a target of `train` resolves after the first origin of `valid`."""
    learnt, begins = last_resolved(train), first_origin(valid)
    if learnt > begins:  # false with NaT: nothing learnt or nothing to validate on
        raise LeakError(what="a training target", known_at=str(learnt), used_at=str(begins))


def joint_samples(train: Samples, valid: Samples) -> Samples:
    """What both know of the same rows, readable as far as the later of the two."""

    def known(ours: Floats, theirs: Floats) -> Floats:
        return np.where(np.isfinite(ours), ours, theirs)

    return replace(
        valid,
        outcome=known(train.outcome, valid.outcome),
        target=known(train.target, valid.target),
        movement=known(train.movement, valid.movement),
        resolved=np.where(np.isnat(train.resolved), valid.resolved, train.resolved),
    )


def resplit(
    train: Samples, valid: Samples, *, valid_sessions: int, family: str, context_sessions: int
) -> tuple[Samples, Samples]:
    """The same knowledge with another border: the last `valid_sessions` origins to validate on.

    At most a third of the origins with a known outcome and a full window of `family`.
    Raises: NotEnoughDataError if there is no such origin.
    """
    known = joint_samples(train, valid)
    full = known.ready(family, context_sessions=context_sessions)
    origins = np.unique(known.origin[full & np.isfinite(known.outcome).any(axis=1)])
    if not origins.size:
        raise NotEnoughDataError(
            f"no origin with {context_sessions} full rows of {family!r} has a known outcome. "
            "Fix: give more history.",
            needed=1,
            found=0,
        )
    border = origins[-max(min(valid_sessions, len(origins) // 3), 1)]
    return known_at(known, border), originating_from(known, border)


def resolved_outcomes(samples: Samples, rows: Ints, *, horizon: int) -> Iterator[ResolvedOutcomes]:
    """Yield, for each segment that has some of `rows`, what they know of its outcomes.

    `horizon` is the position in `samples.horizons`. Rows come in order of segment and session.
    Causal: an outcome is there once `resolved <= origin`; another segment's never is.
    """
    order = np.argsort(rows, kind="stable")
    ends = np.searchsorted(rows[order], samples.segments)  # (segment, 2)
    for (start, stop), (first, last) in zip(samples.segments, ends, strict=True):
        if first >= last:
            continue
        resolved = samples.resolved[start:stop, horizon]
        known = int((~np.isnat(resolved)).sum())  # the unresolved are last in a segment
        inside = order[first:last]
        n_resolved = np.searchsorted(resolved[:known], samples.origin[rows[inside]], side="right")
        outcome = samples.outcome[start : start + n_resolved.max(), horizon]
        yield ResolvedOutcomes(positions=inside, outcome=outcome, n_resolved=n_resolved)


def recent_rows(samples: Samples, *, sessions: int) -> Bools:
    """Rows among the last `sessions` sessions of all symbols together. Shape (row,)."""
    readable = samples.readable()
    days = np.unique(samples.origin[readable])
    recent: Bools = samples.origin >= days[-min(sessions, len(days))]
    return readable & recent


def sessions_of(samples: Samples) -> Dates:
    """All distinct sessions inside the segments, ascending. Shape (session,)."""
    if not len(samples.segments):
        return np.array([], dtype="datetime64[D]")
    parts = [samples.origin[start:stop] for start, stop in samples.segments]
    return np.unique(np.concatenate(parts))


def walk_forward(
    samples: Samples,
    *,
    test_from: np.datetime64,
    test_until: np.datetime64 | None = None,
    refit_sessions: int = 252,
    n_rehearsals: int = 0,
) -> tuple[Fold, ...]:
    """Folds from `test_from` on, refitted every `refit_sessions` on all that is known by then.

    Borders count sessions of all symbols together from `test_from`, so bars appended later add
    folds and change none. The last fold ends at `test_until` (included) or with the bars.
    Before them come `n_rehearsals` folds of the same kind, fewer if there are not so many sessions:
    what is forecast there is learnt from, not judged.

    Raises: ConfigError if there is no session from `test_from` on; NotEnoughDataError if nothing
        is known before it.
    """
    return tuple(
        each_fold(
            samples,
            test_from=test_from,
            test_until=test_until,
            refit_sessions=refit_sessions,
            n_rehearsals=n_rehearsals,
        )
    )


def each_fold(
    samples: Samples,
    *,
    test_from: np.datetime64,
    test_until: np.datetime64 | None = None,
    refit_sessions: int = 252,
    n_rehearsals: int = 0,
) -> Iterator[Fold]:
    """Yield the folds of `walk_forward` one by one: each holds the targets anew, twice."""
    sessions = sessions_of(samples)
    last = sessions[-1] if test_until is None else test_until
    tested = sessions[(sessions >= test_from) & (sessions <= last)]
    if not tested.size:
        raise ConfigError(
            f"no session from {test_from} on: the bars end at {sessions[-1]}. "
            "Fix: choose an earlier test_from.",
            section="backtest",
            key="test_from",
        )
    before = sessions[sessions < test_from]
    n_before = min(n_rehearsals, len(before) // refit_sessions)
    rehearsed = before[len(before) - n_before * refit_sessions :: refit_sessions]
    borders = [*rehearsed, *tested[::refit_sessions], last + np.timedelta64(1, "D")]
    for index, (begin, end) in enumerate(pairwise(borders)):
        yield _fold(samples, index=index, fitted_at=begin, ends_before=end)


def holdout(
    samples: Samples, *, family: str, context_sessions: int, valid: float = 0.15, test: float = 0.15
) -> Fold:
    """The tutorial's chronological 70/15/15, as one fold with both boundaries purged.

    The shares count the origins that have a full window of `family` and a target at the shortest
    horizon; the borders are then dates, the same for every symbol.
    """
    ready = samples.ready(family, context_sessions=context_sessions)
    shortest = int(np.argmin(samples.horizons))
    origins = np.unique(samples.origin[ready & np.isfinite(samples.target[:, shortest])])
    n_valid, n_test = round(len(origins) * valid), round(len(origins) * test)
    if min(n_valid, n_test, len(origins) - n_valid - n_test) < 1:
        raise NotEnoughDataError(
            f"a 70/15/15 split needs at least 4 origins with a full window, found {len(origins)}. "
            "Fix: give more sessions.",
            needed=4,
            found=len(origins),
        )
    end = sessions_of(samples)[-1] + np.timedelta64(1, "D")
    fitted_at, valid_from = origins[-n_test], origins[-n_test - n_valid]
    return _fold(samples, index=0, fitted_at=fitted_at, ends_before=end, valid_from=valid_from)


def _fold(
    samples: Samples,
    *,
    index: int,
    fitted_at: np.datetime64,
    ends_before: np.datetime64,
    valid_from: np.datetime64 | None = None,
) -> Fold:
    past = known_at(samples, fitted_at)
    start = _valid_from(past) if valid_from is None else valid_from
    tested = (samples.origin >= fitted_at) & (samples.origin < ends_before) & samples.readable()
    return Fold(
        index=index,
        valid_from=start,
        fitted_at=fitted_at,
        train=known_at(past, start),
        valid=originating_from(past, start),
        test_rows=np.flatnonzero(tested),
    )


def _valid_from(past: Samples) -> np.datetime64:
    """First session of the early-stopping block: the last 15 % of what is known, or a year.

    Of the origins that have every column, if there are any three: who reads fewer learns from more
    of them, but the border is for who must learn on both its sides. The year gives way on short
    histories: never more than a third.
    """
    is_known = np.isfinite(past.target).any(axis=1)
    is_full = np.logical_and.reduce([past.ready(family) for family in past.table.families])
    origins = np.unique(past.origin[is_known & is_full])
    if len(origins) < LEAST_ORIGINS:
        origins = np.unique(past.origin[is_known])
    if len(origins) < LEAST_ORIGINS:
        raise NotEnoughDataError(
            f"only {len(origins)} sessions have a known outcome by {sessions_of(past)[-1]}; at "
            f"least {LEAST_ORIGINS} are needed. Fix: give more history, "
            "sessions before the test whose outcomes are known. `nextclose predict` needs none.",
            needed=LEAST_ORIGINS,
            found=len(origins),
        )
    wanted = max(round(VALID_FRACTION * len(origins)), VALID_SESSIONS)
    start: np.datetime64 = origins[-min(wanted, len(origins) // 3)]
    return start
