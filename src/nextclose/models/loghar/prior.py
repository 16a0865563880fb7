"""What other stocks taught before 2005, for what few data cannot tell.

Fitted once, by `benchmarks/har_prior.py`, on 20 US stocks and five series with a range; a test
holds these numbers to its result. A backtest of years before 2005 has seen them through these.
"""

from __future__ import annotations

import math

import numpy as np

from nextclose.models.volatility.har import POOL_SESSIONS, pooled_quantiles
from nextclose.samples.samples import Samples
from nextclose.samples.splits import joint_samples, recent_rows
from nextclose.schema import MEDIAN, Floats

PRIOR_UNTIL = np.datetime64("2004-12-31")  # the last session it was taught from

HORIZONS = (1, 7, 30)  # sessions; between them linear in the logarithm, beyond them as at the end

# What the prior is worth, in rows of own data per session of horizon (docs/log.md): rows overlap by
# the horizon, so it takes that many more to know as much.
ROWS_PER_SESSION = 2000
SHAPE_ROWS_PER_SESSION = 300
DRIFT_SESSIONS_PER_SESSION = 300  # symbols share their drift: sessions count, not rows
DRIFT = 0.02  # median over expected move, times the root of the horizon: some 7 % a year
DRIFT_FROM_SESSIONS = 5  # over a session or two a drift is mostly error


def _table(text: str) -> Floats:
    """Rows parted by semicolons, one for each of HORIZONS."""
    return np.array([[float(number) for number in row.split()] for row in text.split(";")])


# Constant, CLOSE_INPUTS and LEVEL_INPUT of `loghar.py`, by horizon.
CLOSE_WEIGHTS = _table(
    """
    -0.214 0.038 0.064 0.072 0.362 0.006 0.102 0.256 -0.092;
    -0.198 0.013 0.04 0.004 0.413 0.01 0.076 0.305 -0.123;
    -0.167 0.014 0.024 -0.034 0.396 0 0.056 0.277 -0.182
    """
)
# Constant, CLOSE_INPUTS, RANGE_INPUTS and LEVEL_INPUT.
RANGE_WEIGHTS = _table(
    """
    -0.15 -0.025 0.018 -0.113 0.191 0.011 0.142 0.196 0.095 0.284 0.157 0.242 -0.082;
    -0.179 0.005 0.045 -0.079 0.303 0.016 0.072 0.269 0.016 0.107 0.085 0.146 -0.106;
    -0.156 0.012 0.022 -0.045 0.369 0.002 0.059 0.248 0.003 0.019 0.043 0.033 -0.17
    """
)
# Constant, CLOSE_INPUTS, MARKET_INPUTS and LEVEL_INPUT.
MARKET_WEIGHTS = _table(
    """
    -0.268 0.041 0.068 0.077 0.344 -0.004 0.062 0.197 -0.003 -0.025 0.02 0.011 0.023 0.09
        0.116 -0.104;
    -0.223 0.016 0.04 -0.001 0.385 0.002 0.047 0.263 -0.006 -0.007 0.06 0.013 0.016 0.067
        0.065 -0.13;
    -0.155 0.016 0.025 -0.059 0.382 -0.005 0.042 0.255 -0.007 -0.009 0.173 -0.056 0.012
        0.044 -0.022 -0.181
    """
)
# Quantiles of the outcome over its expected move, less their median, on `schema.LEVELS`.
SHAPE = _table(
    """
    -3.259 -2.494 -1.998 -1.489 -1.188 -0.954 -0.759 -0.577 -0.418 -0.267 -0.11 0 0.166
        0.313 0.475 0.647 0.834 1.055 1.313 1.644 2.183 2.678 3.368;
    -3.451 -2.645 -2.11 -1.559 -1.234 -0.985 -0.781 -0.597 -0.436 -0.28 -0.129 0 0.148
        0.301 0.458 0.619 0.801 1.001 1.239 1.547 2.026 2.49 3.088;
    -3.568 -2.77 -2.172 -1.587 -1.251 -0.999 -0.794 -0.61 -0.446 -0.293 -0.143 0 0.148
        0.291 0.438 0.59 0.761 0.943 1.159 1.437 1.866 2.272 2.785
    """
)


def blended_weights(own_weights: Floats, *, n_rows: int, horizon_sessions: int) -> Floats:
    """Own weights and the prior's, the own counting `n_rows` and the prior its worth. (input,).

    Source: form of the posterior mean under Zellner (1986), On assessing prior distributions.
    """
    share = n_rows / (n_rows + ROWS_PER_SESSION * horizon_sessions)
    return share * own_weights + (1.0 - share) * at_horizon(
        prior_table(len(own_weights)), horizon_sessions
    )


def prior_table(n_inputs: int) -> Floats:
    """Prior weights by horizon of as many inputs, the constant included. Shape (horizon, input).

    No panel had a range and a market before 2005: there the market's weights are 0.
    """
    market = MARKET_WEIGHTS.shape[1] - CLOSE_WEIGHTS.shape[1]
    both = np.insert(RANGE_WEIGHTS, [RANGE_WEIGHTS.shape[1] - 1] * market, 0.0, axis=1)
    tables = (CLOSE_WEIGHTS, RANGE_WEIGHTS, MARKET_WEIGHTS, both)
    return next(table for table in tables if table.shape[1] == n_inputs)


def blended_spread(train: Samples, valid: Samples, *, ratio: Floats) -> Floats:
    """Pooled quantiles of targets over `ratio` (row, horizon), blended. Shape (horizon, level).

    The shape about the median by rows, the median itself by sessions; below a week the median is 0.
    Raises: as `pooled_quantiles`.
    """
    own = pooled_quantiles(train, valid, ratio=ratio)
    recent = recent_rows(valid, sessions=POOL_SESSIONS)
    known = np.isfinite((joint_samples(train, valid).target / ratio)[recent])  # (row, horizon)
    origin = train.origin[recent]
    grid = np.empty_like(own)
    for k, horizon in enumerate(train.horizons):
        n_rows, n_sessions = int(known[:, k].sum()), len(np.unique(origin[known[:, k]]))
        median = own[k, MEDIAN]
        share = n_rows / (n_rows + SHAPE_ROWS_PER_SESSION * horizon)
        shape = share * (own[k] - median) + (1.0 - share) * at_horizon(SHAPE, horizon)
        grid[k] = shape + blended_drift(median, n_sessions=n_sessions, horizon_sessions=horizon)
    return grid


def blended_drift(median: float, *, n_sessions: int, horizon_sessions: int) -> float:
    """Own median of `n_sessions` and the prior's drift; 0 at horizons shorter than a week."""
    if horizon_sessions < DRIFT_FROM_SESSIONS:
        return 0.0
    share = n_sessions / (n_sessions + DRIFT_SESSIONS_PER_SESSION * horizon_sessions)
    return share * median + (1.0 - share) * DRIFT * math.sqrt(horizon_sessions)


def at_horizon(table: Floats, horizon_sessions: int) -> Floats:
    """The row of `table` (len(HORIZONS), column) for a horizon. Shape (column,)."""
    place, places = np.log(horizon_sessions), np.log(HORIZONS)
    return np.array([np.interp(place, places, column) for column in table.T])
