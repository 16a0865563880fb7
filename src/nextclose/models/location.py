"""Where the middle of a forecast lies: a reward for risk, the same rule for every model of ours.

Average returns are too noisy to be learnt from a symbol's own prices, and companies that are still
there earned more than those that one could have held. So the price of risk is one number, set once:
what published equity premia (6 to 8 % a year in logarithms at a volatility of 30 %) say of a stock,
.016 to .023 of the mean size of its returns. Companies that lived paid .035 to .045 (docs/log.md).
"""

from __future__ import annotations

import numpy as np

from nextclose.samples.samples import Samples
from nextclose.schema import Floats, Ints

RISK_PRICE = 0.02  # of the long run's mean |log return|, a session


def risk_premium(samples: Samples, rows: Ints) -> Floats:
    """The median of a forecast in target units. Shape (row, horizon), >= 0.

        RISK_PRICE * long_run * horizon, over scale * root of horizon

    NaN: where the long run or the scale is not known yet.
    """
    roots = np.sqrt(np.asarray(samples.horizons, dtype=np.float64))
    size = samples.table.long_run[rows] / samples.scale[rows]
    return np.asarray(RISK_PRICE * size[:, None] * roots)
