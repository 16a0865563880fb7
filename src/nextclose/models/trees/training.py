"""What trees are trained on and stopped by: how far prices moved, against what log-HAR expected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nextclose.models.loghar.loghar import LogHar
from nextclose.models.trees.boosters import BoostingData
from nextclose.models.trees.inputs import FAMILY, LAGS, input_names, tree_inputs
from nextclose.models.volatility.har import HAR_CAP_LEVEL, refuse_too_few, year_move
from nextclose.samples.samples import Samples
from nextclose.schema import Floats32

LABEL_FLOOR = 1e-3  # of the 250-session mean move: the gamma loss needs moves above 0


def boosting_data(
    har: LogHar, train: Samples, valid: Samples, *, k: int
) -> tuple[BoostingData, BoostingData]:
    """What the forest of horizon `k` is trained on and what it is stopped by.

    Raises: NotEnoughDataError with fewer than 100 rows for the one, or none for the other.
    """
    train_data = _labelled_rows(har, train, k=k, needed=None, what="train trees on")
    valid_data = _labelled_rows(har, valid, k=k, needed=1, what="stop trees by")
    cap = max(float(np.quantile(train_data.label, HAR_CAP_LEVEL)), LABEL_FLOOR)
    return _with_clipped_labels(train_data, cap), _with_clipped_labels(valid_data, cap)


def _with_clipped_labels(data: BoostingData, cap: float) -> BoostingData:
    """The same with every label in [`LABEL_FLOOR`, `cap`]."""
    return replace(data, label=np.clip(data.label, LABEL_FLOOR, cap))


def _labelled_rows(
    har: LogHar, samples: Samples, *, k: int, needed: int | None, what: str
) -> BoostingData:
    """Inputs, label and log-HAR's own margin at every row whose outcome at horizon `k` is known."""
    ready = samples.ready(FAMILY, context_sessions=1 + LAGS)
    rows = np.flatnonzero(ready & np.isfinite(samples.target[:, k]))
    refuse_too_few(
        len(rows), f"outcomes to {what}", horizon_sessions=samples.horizons[k], needed=needed
    )
    ratio = har.scale.ratio(samples, rows)[:, k]
    unit = year_move(samples)[rows]
    return BoostingData(
        inputs=tree_inputs(samples, input_names(samples), rows),
        label=samples.movement[rows, k] / unit,
        base_margin=np.log(ratio / unit),
    )


def evenly_spaced_rows(inputs: Floats32, *, n_rows: int) -> Floats32:
    """At most `n_rows` rows, evenly by position."""
    if len(inputs) <= n_rows:
        return inputs
    return inputs[np.linspace(0, len(inputs) - 1, n_rows).astype(np.int64)]
