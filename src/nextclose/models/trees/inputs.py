"""What trees read: a row of the table, and a week of lags."""

from __future__ import annotations

import numpy as np

from nextclose.features.news import NEWS_NAMES
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import available_names, named_columns
from nextclose.samples.windows import windows
from nextclose.schema import MASK_COLUMNS, Floats32, Ints

CALENDAR = ("weekday_sin", "weekday_cos", "month_sin", "month_cos", "days_since")
LAGGED = ("return_1", "move_ratio_1")
LAGS = 5  # sessions back, a trading week
FAMILY = "stationary"


def input_names(samples: Samples) -> tuple[str, ...]:
    """The features of the table that trees may read: stationary, less the calendar; masks; news."""
    span = samples.table.families[FAMILY]
    names = samples.table.names[span.start : span.stop]
    stationary = tuple(name for name in names if name not in CALENDAR)
    return (*stationary, *available_names(samples, (*MASK_COLUMNS, *NEWS_NAMES)))


def lag_names() -> tuple[str, ...]:
    """Names of the lagged inputs, in their order: `return_1[-5]` is that of 5 sessions ago."""
    return tuple(f"{name}[-{lag}]" for lag in range(LAGS, 0, -1) for name in LAGGED)


def tree_inputs(samples: Samples, names: tuple[str, ...], rows: Ints) -> Floats32:
    """The named features at `rows` and the lags behind them. Shape (row, feature).

    Expects: rows with `LAGS` ready rows before them in their segment.
    """
    recent = windows(named_columns(samples, LAGGED), rows, sessions=LAGS + 1)
    lags = recent[:, :-1].reshape(len(rows), -1)  # (row, lag * feature)
    return np.hstack([named_columns(samples, names)[rows], lags])
