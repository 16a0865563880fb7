"""Which part of a split each window belongs to, read off the fold that decided it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nextclose.samples.samples import Samples
from nextclose.samples.splits import Fold
from nextclose.schema import Bools

Parts = npt.NDArray[np.uint8]  # positions in PARTS
# none: after the fold, or no known target; purged: before its test, but the target resolves too
# late for the part that the origin lies in
PARTS = ("none", "train", "valid", "test", "purged")
NONE, TRAIN, VALID, TEST, PURGED = range(len(PARTS))


def fold_parts(samples: Samples, fold: Fold, *, family: str, sessions: int) -> Parts:
    """The part of each row's window of `sessions` rows in a fold. Shape (row, horizon).

    Only windows past the warm-up of `family`, inside a segment and with a known target have one.
    """
    parts = np.full(samples.outcome.shape, NONE, dtype=np.uint8)
    known = _known_windows(samples, family=family, sessions=sessions)
    is_before, is_tested = np.zeros((2, len(samples.origin)), dtype=np.bool_)
    is_before[samples.origin < fold.fitted_at] = True
    is_tested[fold.test_rows] = True
    parts[known & is_before[:, None]] = PURGED
    parts[_known_windows(fold.train, family=family, sessions=sessions)] = TRAIN
    parts[_known_windows(fold.valid, family=family, sessions=sessions)] = VALID
    parts[known & is_tested[:, None]] = TEST
    return parts


def unresolved(samples: Samples, *, family: str, sessions: int) -> Bools:
    """Full windows whose outcome the bars do not hold (yet). Shape (row, horizon)."""
    full = samples.ready(family, context_sessions=sessions)
    return np.asarray(full[:, None] & ~np.isfinite(samples.outcome))


def _known_windows(samples: Samples, *, family: str, sessions: int) -> Bools:
    full = samples.ready(family, context_sessions=sessions)
    return np.asarray(full[:, None] & np.isfinite(samples.outcome))
