"""Where the middle of a forecast lies: a reward for risk, the same rule for every model of ours.

Average returns are too noisy to be learnt from a symbol's own prices, and companies that are still
there earned more than those one could have held. So the price of risk is one number, set once
(docs/log.md): half way between what companies that lived earned before 2005, .035 to .045 of their
mean |return|, and what published equity premia say of a stock, .016 to .023.
"""

from __future__ import annotations

import numpy as np

from nextclose.samples.samples import Samples
from nextclose.schema import Floats, Ints

RISK_PRICE = 0.03  # of the long run's mean |log return|, a session


def risk_premium(samples: Samples, rows: Ints) -> Floats:
    """The median of a forecast in target units. Shape (row, horizon), >= 0.

        RISK_PRICE * long_run * horizon, over scale * root of horizon

    NaN: where the long run or the scale is not known yet.
    """
    roots = np.sqrt(np.asarray(samples.horizons, dtype=np.float64))
    size = samples.table.long_run[rows] / samples.scale[rows]
    return np.asarray(RISK_PRICE * size[:, None] * roots)
