"""Markets to simulate: four families of volatility, their parameters drawn at random.

(a) stochastic volatility of two Ornstein-Uhlenbeck processes; (b) GJR-GARCH; (c) path-dependent
volatility (Guyon & Lekeufack 2023, *Volatility is (mostly) path-dependent*); (d) GJR times a slow
stochastic level. One market has the parameters of all of them; those of other families are still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np

from nextclose.schema import Floats, Ints

Family = Literal["stochastic", "gjr", "path_dependent", "gjr_slow"]
FAMILIES: tuple[Family, ...] = get_args(Family)
SESSIONS_A_YEAR = 252
EARNINGS_EVERY = 63  # sessions
EARNINGS_LATE = 2  # or early, sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Markets:
    """Parameters of many markets, one path each. Shapes (market,); rates and sizes are a session's.

    A session's return is drift + autoregression x last return + scale x exp(slow + fast) x
    sqrt(GJR level) x path factor x innovation, and rare jumps.
    """

    family: Ints  # place in FAMILIES
    scale: Floats  # sd of a session's return while all else is at its mean
    slow_decay: Floats  # of the slow log-volatility in a session
    slow_sd: Floats  # stationary
    slow_correlation: Floats  # of its shocks with innovations
    fast_decay: Floats
    fast_sd: Floats
    fast_correlation: Floats
    arch: Floats  # weight of the last squared innovation in the GJR level
    leverage: Floats  # more of it after falls
    garch: Floats  # weight of the last level
    path_trend: Floats  # weight (negative) of the past trend in the path factor
    path_activity: Floats  # weight of past activity; the rest is constant
    trend_rates: Floats  # shape (market, 2): of the two exponential means
    activity_rates: Floats  # shape (market, 2)
    freedom: Floats  # degrees of the t innovations
    skew: Floats
    night_share: Floats  # of a session's variance
    range_sd: Floats  # of the log of a day's own variance
    earnings: Floats  # factor of variance in the night of an announcement; 1: none
    jump_rate: Floats
    jump_size: Floats  # sd, in units of `scale`
    drift: Floats
    autoregression: Floats

    def __len__(self) -> int:
        """How many markets."""
        return len(self.family)

    def take(self, places: Ints) -> Markets:
        """The markets at these places, which may repeat."""
        return Markets(**{each.name: getattr(self, each.name)[places] for each in fields(self)})


def draw_markets(
    n: int, rng: np.random.Generator, *, families: Sequence[Family] = FAMILIES
) -> Markets:
    """n markets, the families in turn, all else drawn independently.

    The spread of each parameter was set on US stocks before 2005 (benchmarks/simulated_markets.py).
    """

    def between(low: float, high: float, shape: tuple[int, ...] = (n,)) -> Floats:
        return rng.uniform(low, high, shape)

    def log_between(low: float, high: float) -> Floats:
        return np.exp(rng.uniform(np.log(low), np.log(high), n))

    family = np.array([FAMILIES.index(name) for name in families])[np.arange(n) % len(families)]
    is_sv, is_path = family == 0, family == 2
    has_gjr, has_slow = (family == 1) | (family == 3), family != 1
    size = np.where(is_path, 0.5, 1.0)
    gap = log_between(0.003, 0.08)  # 1 - persistence
    gap = np.where(family == 3, np.maximum(gap, 0.015), gap)
    news = between(0.01, 0.13)  # weight of squared innovations, on average of both signs
    falls = between(0, 1)  # of it, what falls alone have
    arch = news * (1 - falls)
    leverage = 2 * news * falls
    path_activity = between(0.45, 0.85)
    annual = np.exp(rng.normal(np.log(0.31), 0.4, n))
    is_announcing = rng.random(n) < 0.6
    earnings = np.where(is_announcing, log_between(1.5, 30), 1.0)
    freedom = np.where(is_sv, log_between(4.5, 30), log_between(3.2, 14))
    return Markets(
        family=family,
        scale=annual / np.sqrt(SESSIONS_A_YEAR),
        slow_decay=0.5 ** (1 / log_between(100, 2500)),
        slow_sd=between(0.15, 0.6) * size * has_slow,
        slow_correlation=between(-0.6, 0.1),
        fast_decay=0.5 ** (1 / log_between(2, 40)),
        fast_sd=between(0.1, 0.45) * size * (is_sv | is_path),
        fast_correlation=between(-0.8, 0.1),
        arch=arch * has_gjr,
        leverage=leverage * has_gjr,
        garch=(1 - gap - news) * has_gjr,
        path_trend=-between(0, 1.2) * is_path,
        path_activity=path_activity * is_path,
        trend_rates=1 / np.stack([between(3, 40), between(40, 250)], axis=1),
        activity_rates=1 / np.stack([between(8, 80), between(80, 400)], axis=1),
        freedom=freedom,
        skew=rng.normal(-0.03, 0.08, n) / 2,
        night_share=rng.beta(2.5, 9.5, n),
        range_sd=np.full(n, 0.5),
        earnings=earnings,
        jump_rate=log_between(1 / 2000, 1 / 150),
        jump_size=between(2, 6),
        drift=rng.normal(0.06, 0.10, n) / SESSIONS_A_YEAR,
        autoregression=rng.normal(0, 0.03, n),
    )
