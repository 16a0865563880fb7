"""What trees are trained on and stopped by: how far prices moved, against what log-HAR expected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nextclose.models.loghar.loghar import LogHar
from nextclose.models.trees.boosters import BoostingData
from nextclose.models.trees.inputs import FAMILY, LAGS, tree_inputs
from nextclose.models.volatility.har import HAR_CAP_LEVEL, refuse_too_few, year_move
from nextclose.samples.samples import Samples
from nextclose.schema import Floats32, Ints

LABEL_FLOOR = 1e-3  # of the 250-session mean move: the gamma loss needs moves above 0


def boosting_data(
    har: LogHar, train: Samples, valid: Samples, *, names: tuple[str, ...], k: int
) -> tuple[BoostingData, BoostingData]:
    """What the forest of horizon `k` is trained on and what it is stopped by; it reads `names`.

    Raises: NotEnoughDataError with fewer than 100 rows for the one, or none for the other.
    """
    train_rows = _labelled_rows(train, k=k, needed=None, what="train trees on")
    valid_rows = _labelled_rows(valid, k=k, needed=1, what="stop trees by")
    train_data = _labelled_data(har, train, names, train_rows, k=k)
    valid_data = _labelled_data(har, valid, names, valid_rows, k=k)
    cap = max(float(np.quantile(train_data.label, HAR_CAP_LEVEL)), LABEL_FLOOR)
    return _with_clipped_labels(train_data, cap), _with_clipped_labels(valid_data, cap)


def _with_clipped_labels(data: BoostingData, cap: float) -> BoostingData:
    """The same with every label in [`LABEL_FLOOR`, `cap`]."""
    return replace(data, label=np.clip(data.label, LABEL_FLOOR, cap))


def _labelled_rows(samples: Samples, *, k: int, needed: int | None, what: str) -> Ints:
    """The rows whose outcome at horizon `k` is known."""
    ready = samples.ready(FAMILY, context_sessions=1 + LAGS)
    rows = np.flatnonzero(ready & np.isfinite(samples.target[:, k]))
    refuse_too_few(
        len(rows), f"outcomes to {what}", horizon_sessions=samples.horizons[k], needed=needed
    )
    return rows


def _labelled_data(
    har: LogHar, samples: Samples, names: tuple[str, ...], rows: Ints, *, k: int
) -> BoostingData:
    """Inputs, label and log-HAR's own margin at these rows."""
    ratio = har.scale.ratio(samples, rows)[:, k]
    unit = year_move(samples)[rows]
    return BoostingData(
        inputs=tree_inputs(samples, names, rows),
        label=samples.movement[rows, k] / unit,
        base_margin=np.log(ratio / unit),
    )


def evenly_spaced_rows(inputs: Floats32, *, n_rows: int) -> Floats32:
    """At most `n_rows` rows, evenly by position."""
    if len(inputs) <= n_rows:
        return inputs
    return inputs[np.linspace(0, len(inputs) - 1, n_rows).astype(np.int64)]
