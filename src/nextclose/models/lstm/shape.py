"""What the outputs of the universal network mean: a sinh-arcsinh distribution of each horizon."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from nextclose.schema import LEVELS, Floats

TAUGHT_HORIZONS = (1, 2, 3, 5, 7, 10, 15, 21, 30, 42, 63)  # sessions
OUTPUTS = 4  # of a horizon: location, log scale, skew, tail
LOCATION_STEP, SKEW_STEP, TAIL_STEP = 0.1, 0.3, 0.5
MOST_LOG_SCALE, MOST_BEND, MOST_TAIL = (
    4.0,
    2.0,
    1.5,
)  # far beyond what markets teach; sinh is finite
NORMAL: Floats = np.array([NormalDist().inv_cdf(float(level)) for level in LEVELS])


def shape_quantiles(outputs: Floats, *, drift: Floats) -> Floats:
    """Rising quantiles at `LEVELS` in target units. Shape (..., level).

        q = drift + .1 m + s (sinh((arcsinh z + .3 a) / t) - sinh(.3 a / t)),  ln s and 2 ln t given
    within bounds. `outputs`: (..., 4), zeros a normal of the scale; `drift`: (...), where its
    median would lie.
    Source: Jones & Pewsey (2009), Sinh-arcsinh distributions, Biometrika 96, about their median.
    """
    location, log_scale, skew, tail = (outputs[..., k, None] for k in range(OUTPUTS))
    log_scale = np.clip(log_scale, -MOST_LOG_SCALE, MOST_LOG_SCALE)
    bend = np.clip(SKEW_STEP * skew, -MOST_BEND, MOST_BEND)
    width = np.exp(-np.clip(TAIL_STEP * tail, -MOST_TAIL, MOST_TAIL))
    side = np.sinh((np.arcsinh(NORMAL) + bend) * width) - np.sinh(bend * width)
    median = drift[..., None] + LOCATION_STEP * location
    return np.asarray(median + np.exp(log_scale) * side)


def outputs_between(outputs: Floats, horizon: int) -> Floats:
    """Outputs for a horizon, linear in its logarithm between the taught ones. (row, output).

    `outputs`: (row, taught horizon, output). Expects: 1 to 63 sessions.
    """
    above = int(np.searchsorted(TAUGHT_HORIZONS, horizon))
    if TAUGHT_HORIZONS[above] == horizon:
        return outputs[:, above]
    low, high = TAUGHT_HORIZONS[above - 1], TAUGHT_HORIZONS[above]
    share = np.log(horizon / low) / np.log(high / low)
    return np.asarray((1 - share) * outputs[:, above - 1] + share * outputs[:, above])
