"""Better, or lucky: tests of a mean gain that know how much daily forecasts overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from nextclose.errors import NotEnoughDataError
from nextclose.schema import Bools, Floats

FALSE_DISCOVERIES = 0.10  # share allowed among the claims over the symbols of one comparison
MIN_ORIGINS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanTest:
    """Whether a mean differs from zero: `statistic` ~ Student t with `dof` if it does not.

    `mean` is that of the tested series, in its unit; `standard_error` allows for the overlap.
    """

    mean: float
    standard_error: float
    dof: int

    @property
    def statistic(self) -> float:
        """Mean in standard errors."""
        return self.mean / self.standard_error

    @property
    def p_better(self) -> float:
        """One-sided p-value in [0, 1] that the mean is above zero; small = it is."""
        return float(special.stdtr(self.dof, -self.statistic))

    @property
    def p_worse(self) -> float:
        """One-sided p-value in [0, 1] that the mean is below zero; small = it is."""
        return float(special.stdtr(self.dof, self.statistic))

    @property
    def p_two_sided(self) -> float:
        """p-value in [0, 1] that the mean differs from zero."""
        return 2.0 * min(self.p_better, self.p_worse)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Central confidence interval of the mean, (low, high)."""
        half = float(special.stdtrit(self.dof, 0.5 + level / 2.0)) * self.standard_error
        return self.mean - half, self.mean + half


def cube_root_lags(n: int) -> int:
    """floor(n^(1/3)); the guard matters: 1000^(1/3) is 9.999... in floating point."""
    return math.floor(math.cbrt(n) + 1e-9)


def diebold_mariano(
    gain: Floats,
    *,
    horizon_sessions: int = 1,
    lags: int | None = None,
    kernel: Literal["bartlett", "rectangular"] = "bartlett",
) -> MeanTest:
    """Test of equal loss, for one-session horizons; `gain` = reference loss - model loss.

        V = g0 + 2 sum_k w_k g_k, k = 1..lags, gk = lag-k autocovariance of the gain (/n),
        w_k = 1 - k/(lags + 1) (Bartlett) or 1 (rectangular); lags = max(h - 1, ceil(n^(1/3)))
        t = mean / sqrt(V/n) * sqrt((n + 1 - 2h + h(h-1)/n) / n)  ~  Student t, n - 1 d.f.
    Expects: (origin,), consecutive origins, oldest first. NaN: refused.
    Limits: rejects 8 to 13 % instead of 5 % at h > 1: `fixed_smoothing` decides there.
    Raises: NotEnoughDataError if V <= 0 or n < 3; a p-value is never invented.
    Source: Diebold & Mariano (1995), JBES 13; Harvey, Leybourne & Newbold (1997), IJF 13.
    """
    n = _n_origins(gain)
    if lags is None:
        lags = max(horizon_sessions - 1, math.ceil(math.cbrt(n) - 1e-9))
    mean = float(gain.mean())
    variance = _long_run_variance(gain - mean, min(lags, n - 1), kernel)
    h = horizon_sessions
    correction = (n + 1 - 2 * h + h * (h - 1) / n) / n
    if correction <= 0:
        raise _not_enough_data(needed=2 * h, found=n, what="origins")
    _require_variation(variance, gain)
    return MeanTest(mean=mean, standard_error=math.sqrt(variance / n / correction), dof=n - 1)


def fixed_smoothing(gain: Floats, *, horizon_sessions: int = 1) -> MeanTest:
    """Test of equal loss for overlapping horizons; `gain` = reference loss - model loss.

        I_j = |sum_t (gain_t - mean) exp(-2 pi i j t / n)|^2 / n,  j = 1..m
        t = sqrt(n) mean / sqrt(mean I_j)  ~  Student t, 2m d.f.
        m = max(1, min(floor(n^(1/3)), floor(n / (4h))))
    Expects: (origin,), consecutive origins, oldest first. NaN: refused.
    Limits: size 5 to 6 % at h = 30, n = 500 (simulated); the cap n/(4h) is ours.
    Raises: NotEnoughDataError if the gain does not vary or n < 3.
    Source: Coroneo & Iacone (2020), Comparing predictive accuracy in small samples using
        fixed-smoothing asymptotics, J. Applied Econometrics 35.
    """
    n = _n_origins(gain)
    m = max(1, min(cube_root_lags(n), n // (4 * horizon_sessions)))
    mean = float(gain.mean())
    variance = float((np.abs(np.fft.rfft(gain - mean)[1 : m + 1]) ** 2).mean()) / n
    _require_variation(variance, gain)
    return MeanTest(mean=mean, standard_error=math.sqrt(variance / n), dof=2 * m)


def relative_gain(loss: Floats, reference: Floats) -> Floats:
    """Skill per origin: mean over symbols of (reference - loss) / that symbol's mean reference.

    Its mean is the skill, 0 = no better. One symbol: 1 - mean(loss) / mean(reference). Several that
    share their origins: the average of theirs, so that each counts alike however much it moves.
    The relative MAE is 1 - this skill of absolute errors against "no change": pooled, the average
    of the symbols' ratios, not the ratio of all their errors together.
    Expects: (origin, symbol) each, NaN where a symbol has no forecast; such a cell, an origin
        without any forecast and a symbol whose reference never errs are left out.
    """
    known = np.isfinite(loss) & np.isfinite(reference)
    n_of_symbol = known.sum(axis=0)
    total = np.where(known, reference, 0.0).sum(axis=0)
    known &= total > 0
    norm = np.where(total > 0, total, 1.0) / np.maximum(n_of_symbol, 1)
    gain = np.where(known, reference - loss, 0.0) / norm  # (origin, symbol)
    n_of_origin = known.sum(axis=1)
    return np.asarray(gain.sum(axis=1)[n_of_origin > 0] / n_of_origin[n_of_origin > 0])


def decisive_test(gain: Floats, *, horizon_sessions: int, pooled: bool) -> MeanTest:
    """The test that a verdict rests on: `fixed_smoothing` at h > 1, Bartlett at h = 1.

    A series pooled over symbols gets twice the lags at h = 1.
    """
    if horizon_sessions > 1:
        return fixed_smoothing(gain, horizon_sessions=horizon_sessions)
    return pooled_bartlett(gain, horizon_sessions=1) if pooled else diebold_mariano(gain)


def pooled_bartlett(gain: Floats, *, horizon_sessions: int) -> MeanTest:
    """Bartlett test with 2 max(h - 1, floor(n^(1/3))) lags, for a gain averaged over symbols.

    Limits: rejects 7 to 14 % instead of 5 % at h > 1, where `fixed_smoothing` decides.
    """
    lags = 2 * max(horizon_sessions - 1, cube_root_lags(len(gain)))
    return diebold_mariano(gain, lags=lags)


def benjamini_hochberg(p_values: Sequence[float], *, rate: float = FALSE_DISCOVERIES) -> Bools:
    """Which of several tests may be called significant with `rate` false ones among them expected.

    Rejects the k smallest, k the largest with p_(k) <= k rate / m. Shape (test,); none given, none
    rejected. NaN: refused. Source: Benjamini & Hochberg (1995), JRSS B 57.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if np.isnan(p).any():
        raise ValueError("a p-value is NaN; leave undefined tests out")
    order = np.argsort(p, kind="stable")
    passed = np.flatnonzero(p[order] <= rate * np.arange(1, len(p) + 1) / max(len(p), 1))
    rejected = np.zeros(len(p), dtype=np.bool_)
    if len(passed):
        rejected[order[: passed[-1] + 1]] = True
    return rejected


def _n_origins(gain: Floats) -> int:
    if not np.isfinite(gain).all():
        raise ValueError("a gain is NaN or infinite; leave origins without forecasts out")
    if len(gain) < MIN_ORIGINS:
        raise _not_enough_data(needed=MIN_ORIGINS, found=len(gain), what="origins")
    return len(gain)


def _long_run_variance(centred: Floats, lags: int, kernel: str) -> float:
    n = len(centred)
    variance = float(centred @ centred) / n
    for k in range(1, lags + 1):
        weight = 1.0 - k / (lags + 1) if kernel == "bartlett" else 1.0
        variance += 2.0 * weight * float(centred[k:] @ centred[:-k]) / n
    return variance


def _require_variation(variance: float, gain: Floats) -> None:
    """Refuse a variance that is negative or only rounding."""
    if variance <= (1e-12 * float(np.abs(gain).max())) ** 2:
        raise _not_enough_data(
            needed=len(gain) + 1, found=len(gain), what="origins whose gain varies enough"
        )


def _not_enough_data(*, needed: int, found: int, what: str) -> NotEnoughDataError:
    return NotEnoughDataError(
        f"The test is undefined: {found} {what} found, at least {needed} needed. "
        "Fix: evaluate over more origins.",
        needed=needed,
        found=found,
    )
