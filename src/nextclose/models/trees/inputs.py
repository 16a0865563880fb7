"""What trees read: a row of the table, and a week of lags."""

from __future__ import annotations

import numpy as np

from nextclose.features.news import NEWS_NAMES
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import available_names, known_names, named_columns
from nextclose.samples.windows import windows
from nextclose.schema import MASK_COLUMNS, Floats32, Ints

CALENDAR = ("weekday_sin", "weekday_cos", "month_sin", "month_cos", "days_since")
LAGGED = ("return_1", "move_ratio_1")
LAGS = 5  # sessions back, a trading week
FAMILY = "stationary"


def input_names(train: Samples) -> tuple[str, ...]:
    """What trees may read of the table: stationary, less the calendar; masks; news.

    As far as the rows to learn from know it.
    """
    span = train.table.families[FAMILY]
    names = train.table.names[span.start : span.stop]
    stationary = tuple(name for name in names if name not in CALENDAR)
    names = (*stationary, *available_names(train, (*MASK_COLUMNS, *NEWS_NAMES)))
    return known_names(train, names, train.learnable(FAMILY))


def lag_names() -> tuple[str, ...]:
    """Names of the lagged inputs, in their order: `return_1[-5]` is that of 5 sessions ago."""
    return tuple(f"{name}[-{lag}]" for lag in range(LAGS, 0, -1) for name in LAGGED)


def tree_inputs(samples: Samples, names: tuple[str, ...], rows: Ints) -> Floats32:
    """The named features at `rows` and the lags behind them. Shape (row, feature).

    NaN: ranges and volumes that bars lack; a tree knows where such a row goes.
    Expects: rows with `LAGS` ready rows before them in their segment.
    """
    recent = windows(named_columns(samples, LAGGED), rows, sessions=LAGS + 1)
    lags = recent[:, :-1].reshape(len(rows), LAGS * len(LAGGED))  # (row, lag * feature)
    return np.hstack([named_columns(samples, names)[rows], lags])
