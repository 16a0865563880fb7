"""Stylized facts by which simulated markets are compared with real ones."""

from __future__ import annotations

import numpy as np

from nextclose.schema import Floats
from nextclose.simulation.markets import SESSIONS_A_YEAR

LAGS = (1, 5, 20, 60, 120)


def stylized_facts(returns: Floats, spans: Floats) -> dict[str, Floats]:
    """What is known to hold of daily returns, one value a path.

    `returns`: log returns; `spans`: ln(high/low), NaN where not known; shapes (path, session).
    Gives annual volatility (a fraction), kurtosis (3 for a normal), autocorrelations of sizes at
    `LAGS`, leverage (correlation of a return with the next size) and the mean range over the mean
    size of moves (1.6 for a Brownian motion that trades by day alone).
    Source: Cont (2001), Empirical properties of asset returns, Quantitative Finance 1.
    """
    centred = returns - returns.mean(axis=1, keepdims=True)
    variance = centred.var(axis=1)
    size = np.abs(returns)
    around = size - size.mean(axis=1, keepdims=True)
    facts = {
        "volatility": np.sqrt(SESSIONS_A_YEAR * variance),
        "kurtosis": (centred**4).mean(axis=1) / variance**2,
    }
    for lag in LAGS:
        together = (around[:, lag:] * around[:, :-lag]).mean(axis=1)
        facts[f"size_autocorrelation_{lag}"] = together / around.var(axis=1)
    together = (centred[:, :-1] * around[:, 1:]).mean(axis=1)
    facts["leverage"] = together / np.sqrt(variance * around.var(axis=1))
    is_known = np.isfinite(spans)
    known_size = np.where(is_known, size, np.nan)
    facts["range_to_move"] = np.nanmean(spans, axis=1) / np.nanmean(known_size, axis=1)
    return facts
