"""What a forecast cost: pure functions of quantiles, medians and outcomes, all in log returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from nextclose.schema import LEVEL_WEIGHTS, LEVELS, Bools, Floats, Ints

# Central interval -> positions of its two ends on the grid. 0.98, 0.95, 0.9, 0.8 ... 0.1.
INTERVALS: Mapping[float, tuple[int, int]] = MappingProxyType(
    {round(1 - 2 * float(LEVELS[j]), 3): (j, len(LEVELS) - 1 - j) for j in range(len(LEVELS) // 2)}
)
CRPS_WEIGHTS: Floats = 2.0 * LEVEL_WEIGHTS  # of the pinball losses that add up to a CRPS
BELOW_GRID, ABOVE_GRID = 0.005, 0.995  # CDF beyond the outermost quantiles
LARGEST_RETURN = 300.0  # counts as more does: e**300 squared is finite, and no price rises so


class Metric(Protocol):
    """Anybody's loss: what each forecast cost, >= 0, 0 = perfect, in a unit of its own.

    Called with log-return quantiles (forecast, level) on LEVELS, rising, and outcomes (forecast,),
    all finite; returns (forecast,). A point forecast has all quantiles equal.
    Expects: a loss that depends on its own forecast alone, not on the rows beside it.
    `interval_score` and `brier_score` are such metrics.
    """

    def __call__(self, quantiles: Floats, outcome: Floats, /) -> Floats:
        """The losses."""
        ...


def pinball_loss(quantile: Floats, outcome: Floats, *, level: float) -> Floats:
    """Loss of stating `quantile` as the `level` quantile of `outcome`, >= 0, unit of the outcome.

    NaN: passed on. Source: Koenker & Bassett (1978), Regression quantiles, Econometrica 46.
    """
    error = outcome - quantile
    return np.asarray(np.maximum(level * error, (level - 1.0) * error))


def grid_crps(quantiles: Floats, outcome: Floats) -> Floats:
    """Continuous ranked probability score of a quantile grid, >= 0, unit of the outcome.

        CRPS = 2 sum_j w_j pinball(q_j, y, tau_j),  w = LEVEL_WEIGHTS
    If all quantiles equal m this is |y - m| exactly, so points and densities share one unit.
    Expects: `quantiles` (..., level) on LEVELS, `outcome` (...). NaN: passed on.
    Limits: 0.15 to 0.17 % below the exact integral for a true normal or t5 forecast.
    Source: Gneiting & Raftery (2007), Strictly proper scoring rules, JASA 102.
    """
    total = np.zeros(np.shape(outcome))
    for j, (level, weight) in enumerate(zip(LEVELS, LEVEL_WEIGHTS, strict=True)):
        total += weight * pinball_loss(quantiles[..., j], outcome, level=float(level))
    return 2.0 * total


def mean_grid_crps(quantiles: Floats, outcome: Floats) -> float:
    """Mean of `grid_crps` over rows, for a minimiser. Expects: (row, level) and (row,).

    Not `grid_crps(...).mean()`: this adds up the levels of a row in another order, and from other
    last bits the search for the hybrid's weights would end in other last bits.
    """
    error = outcome[:, None] - quantiles
    return float((error * CRPS_WEIGHTS * (LEVELS - (error < 0))).sum(axis=1).mean())


def crps_slope(quantiles: Floats, outcome: Floats) -> Floats:
    """How fast `grid_crps` falls as each quantile rises; < 0: it grows. Shape (row, level)."""
    return np.asarray(CRPS_WEIGHTS * (LEVELS - (outcome[:, None] < quantiles)))


def cdf_on_grid(quantiles: Floats, at: Floats) -> Floats:
    """Probability of an outcome up to `at`, in [0.005, 0.995]. Shape of `at`.

    Linear between quantiles; where several equal `at`, the middle of their levels; 0.005 below the
    first and 0.995 above the last.
    Expects: `quantiles` (row, level), rising, finite; `at` (row,).
    """
    n_below = np.zeros(len(at), dtype=np.int64)
    n_up_to = np.zeros(len(at), dtype=np.int64)
    for j in range(len(LEVELS)):
        n_below += quantiles[:, j] < at
        n_up_to += quantiles[:, j] <= at
    last = len(LEVELS) - 1
    low, high = np.clip(n_below - 1, 0, last), np.clip(n_up_to, 0, last)
    rows = np.arange(len(at))
    left, right = quantiles[rows, low], quantiles[rows, high]
    share = (at - left) / np.where(right > left, right - left, 1.0)
    between = LEVELS[low] + share * (LEVELS[high] - LEVELS[low])
    tied = (LEVELS[np.clip(n_below, 0, last)] + LEVELS[np.clip(n_up_to - 1, 0, last)]) / 2.0
    within = np.where(n_up_to > n_below, tied, between)
    outside = np.where(n_up_to == 0, BELOW_GRID, ABOVE_GRID)
    return np.asarray(np.where((n_up_to == 0) | (n_below == len(LEVELS)), outside, within))


def pit(quantiles: Floats, outcome: Floats) -> Floats:
    """Probability integral transform F(y), uniform on [0, 1] for true forecasts. Shape (row,)."""
    return cdf_on_grid(quantiles, outcome)


def probability_up(quantiles: Floats) -> Floats:
    """Probability of a rise, 1 - F(0). Shape (row,). A point above 0 gives 0.995, one at 0 0.5."""
    return 1.0 - cdf_on_grid(quantiles, np.zeros(len(quantiles)))


def direction_call(quantiles: Floats) -> Ints:
    """1 if a rise is likelier than not, -1 if a fall is, 0 for no call. Shape (row,).

    For a point forecast this is the sign of the point.
    """
    return np.sign(np.round(probability_up(quantiles) - 0.5, 12)).astype(np.int64)


def is_inside(quantiles: Floats, outcome: Floats, *, nominal: float = 0.9) -> Bools:
    """Whether the central interval holds the outcome, ends included. Shape (...). NaN: no."""
    low, high = INTERVALS[nominal]
    return np.asarray((quantiles[..., low] <= outcome) & (outcome <= quantiles[..., high]))


def interval_width_pct(quantiles: Floats, *, nominal: float = 0.9) -> Floats:
    """Width of the central interval in % of the origin's close, >= 0. Shape (...)."""
    low, high = INTERVALS[nominal]
    return 100.0 * (_price_ratio(quantiles[..., high]) - _price_ratio(quantiles[..., low]))


def brier_score(quantiles: Floats, outcome: Floats) -> Floats:
    """Squared error of the stated probability of a rise, in [0, 1]; 0.25 knows nothing. (row,).

        (P(up) - 1{y > 0})^2
    A flat outcome counts as no rise.
    Expects: `quantiles` (row, level) on LEVELS, `outcome` (row,). NaN: passed on.
    Source: Brier (1950), Verification of forecasts expressed in terms of probability, MWR 78.
    """
    rose = np.where(np.isnan(outcome), np.nan, outcome > 0)
    return np.asarray((probability_up(quantiles) - rose) ** 2)


def interval_score(quantiles: Floats, outcome: Floats, *, nominal: float = 0.9) -> Floats:
    """Width of the central interval plus a charge for misses, in % of the origin's close, >= 0.

        100 [(u - l) + (2/a) (l - y)+ + (2/a) (y - u)+],  a = 1 - nominal, all as price ratios
    Expects: `quantiles` (..., level) on LEVELS, `outcome` (...). NaN: passed on.
    Source: Gneiting & Raftery (2007), Strictly proper scoring rules, JASA 102.
    """
    low, high = INTERVALS[nominal]
    lower, upper = (_price_ratio(quantiles[..., end]) for end in (low, high))
    price = _price_ratio(outcome)
    miss = np.maximum(lower - price, 0.0) + np.maximum(price - upper, 0.0)
    return np.asarray(100.0 * (upper - lower + 2.0 / (1.0 - nominal) * miss))


def percentage_error(median: Floats, outcome: Floats) -> Floats:
    """|price - forecast price| in % of the realised price, >= 0; the origin's close cancels."""
    return np.asarray(100.0 * np.abs(1.0 - _price_ratio(median - outcome)))


def _price_ratio(log_return: Floats) -> Floats:
    """Price over price. Shape and NaN as given."""
    return np.asarray(np.exp(np.minimum(log_return, LARGEST_RETURN)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionHits:
    """How often calls of up and down were right, beside what always calling one side would score.

    Rates are over forecasts with a call and a price that moved; None if there is none.
    `n_no_call` counts forecasts at even odds, `n_flat` outcomes of exactly 0.
    """

    hit_rate: float | None
    base_rate: float | None
    side: str  # "up" or "down": the side that `base_rate` always calls
    n_calls: int
    n_no_call: int
    n_flat: int


def direction_hits(call: Ints, outcome: Floats) -> DirectionHits:
    """Hit rate of calls (1, -1, 0 = none) beside max(share up, share down) of the same rows."""
    moved = outcome != 0
    judged = moved & (call != 0)
    n = int(judged.sum())
    up = float((outcome[judged] > 0).mean()) if n else 0.5
    return DirectionHits(
        hit_rate=float((np.sign(outcome[judged]) == call[judged]).mean()) if n else None,
        base_rate=max(up, 1.0 - up) if n else None,
        side="up" if up >= 0.5 else "down",
        n_calls=n,
        n_no_call=int((moved & (call == 0)).sum()),
        n_flat=int((~moved).sum()),
    )


def implied_r2(hit_rate: float) -> float:
    """R2 that a hit rate stands for, sin^2(pi (hit - 1/2)); 0 at or below one half.

    Assumes: symmetric Gaussian returns without drift. 0.51 is 0.10 %, 0.62 is 13.6 %.
    """
    return float(np.sin(np.pi * max(hit_rate - 0.5, 0.0)) ** 2)
