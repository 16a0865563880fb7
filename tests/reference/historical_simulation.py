"""Historical simulation and the drift's mean, one row at a time: slow, obvious and frozen.

The oracle of `models/baselines` and `models/rolling_quantiles`, which give the same bits.
DO NOT EDIT.
"""

import numpy as np

from nextclose.samples.samples import Samples
from nextclose.schema import LEVELS


def past_outcomes(samples: Samples, row: int, *, column: int) -> np.ndarray:
    """The outcomes of the row's segment that had resolved by its origin, oldest first."""
    for start, stop in samples.segments:
        if start <= row < stop:
            is_known = samples.resolved[start:stop, column] <= samples.origin[row]
            return np.asarray(samples.outcome[start:stop, column][is_known])
    return np.empty(0)


def historical_quantiles(samples: Samples, rows: np.ndarray, *, n_last: int | None) -> np.ndarray:
    """Quantiles of each row's own past, in target units. Shape (row, horizon, level)."""
    grid = np.full((len(rows), len(samples.horizons), len(LEVELS)), np.nan)
    for position, row in enumerate(rows):
        for column in range(len(samples.horizons)):
            past = past_outcomes(samples, row, column=column)
            if n_last is not None:
                past = past[-n_last:]
            if len(past):
                grid[position, column] = np.quantile(past, LEVELS)
    return grid / samples.unit(rows)[:, :, None]


def mean_outcomes(samples: Samples, rows: np.ndarray) -> np.ndarray:
    """Mean of each row's own past, 0 if there is none, in log returns. Shape (row, horizon)."""
    mean = np.zeros((len(rows), len(samples.horizons)))
    for position, row in enumerate(rows):
        for column in range(len(samples.horizons)):
            past = past_outcomes(samples, row, column=column)
            mean[position, column] = past.mean() if len(past) else 0.0
    return mean
