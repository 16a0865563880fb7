"""What had already happened to a symbol when a forecast was made: its own resolved outcomes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nextclose.samples.samples import Samples
from nextclose.schema import Bools, Floats, Ints


def resolved_outcomes(
    samples: Samples, rows: Ints, *, horizon: int
) -> Iterator[tuple[int, Floats]]:
    """Yield, for each row, its position in `rows` and the outcomes its symbol had resolved by then.

    Outcomes come oldest first. `horizon` is the position in `samples.horizons`. Rows come in
    order of segment and session.
    Causal: an outcome is there once `resolved <= origin`; another segment's never is.
    """
    order = np.argsort(rows, kind="stable")
    for start, stop in samples.segments:
        resolved = samples.resolved[start:stop, horizon]
        known = int((~np.isnat(resolved)).sum())  # the unresolved are last in a segment
        outcome = samples.outcome[start : start + known, horizon]
        inside = order[(rows[order] >= start) & (rows[order] < stop)]
        n_resolved = np.searchsorted(resolved[:known], samples.origin[rows[inside]], side="right")
        for position, n in zip(inside.tolist(), n_resolved.tolist(), strict=True):
            yield position, outcome[:n]


def learnt_targets(train_target: Floats, valid_target: Floats) -> Floats:
    """Training and validation targets in one array; NaN where neither knows one. (row, horizon)."""
    return np.where(np.isfinite(train_target), train_target, valid_target)


def recent_rows(samples: Samples, *, sessions: int) -> Bools:
    """Rows among the last `sessions` sessions of all symbols together. Shape (row,)."""
    readable = samples.readable()
    days = np.unique(samples.origin[readable])
    recent: Bools = samples.origin >= days[-min(sessions, len(days))]
    return readable & recent
