"""Do stated ranges and densities hold, or is the deviation more than chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.hypothesis_tests.mean import cube_root_lags
from nextclose.schema import Bools, Floats

MOMENTS: Floats = np.array([0.0, 1.0, 0.0, 1.8])  # of sqrt(12) (u - 1/2), u uniform: powers 1 to 4
ROUNDING = 1e-10  # smallest over largest eigenvalue, of two moments that carry separate news


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageTest:
    """Likelihood ratios >= 0 of miss counts: `lr_uc` their rate, `lr_ind` their independence."""

    lr_uc: float
    lr_ind: float

    @property
    def lr_cc(self) -> float:
        """Rate and independence together, the sum of both."""
        return self.lr_uc + self.lr_ind

    @property
    def p_uc(self) -> float:
        """p-value in [0, 1] that misses come at the expected rate, chi2(1); Kupiec's test."""
        return float(special.chdtrc(1, self.lr_uc))

    @property
    def p_ind(self) -> float:
        """p-value in [0, 1] that a miss says nothing about the next session, chi2(1)."""
        return float(special.chdtrc(1, self.lr_ind))

    @property
    def p_cc(self) -> float:
        """p-value in [0, 1] of both together, chi2(2)."""
        return float(special.chdtrc(2, self.lr_cc))


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityTest:
    """Whether PITs are uniform: `statistic` >= 0, `p_value` in [0, 1], small = they are not."""

    statistic: float
    p_value: float


def kupiec(*, n_misses: int, n: int, expected: float) -> float:
    """p-value in [0, 1] that misses happen at the `expected` rate; for h = 1 only.

        LR = -2 ln[(1-p)^(n-x) p^x / ((1-x/n)^(n-x) (x/n)^x)]  ~  chi2(1)
    Limits: overlapping outcomes (h > 1) make it reject 30 to 60 %.
    Source: Kupiec (1995), Techniques for verifying the accuracy of risk measurement models,
        J. Derivatives 3.
    """
    return float(special.chdtrc(1, _rate_ratio(n_misses=n_misses, n=n, expected=expected)))


def christoffersen(misses: Bools, *, expected: float) -> CoverageTest:
    """Tests that misses come at the `expected` rate and do not cluster; for h = 1 only.

        LR_ind = -2 ln[likelihood of one miss rate / of one rate after a hit, one after a miss]
    over the n - 1 steps from one session to the next; LR_uc as in `kupiec` over all n.
    Expects: (origin,), consecutive origins of one symbol, oldest first; True = outside the range.
    Limits: as `kupiec`. Without a miss, or with nothing else, LR_ind is 0: clustering cannot show.
    Raises: NotEnoughDataError for fewer than 2 origins.
    Source: Christoffersen (1998), Evaluating interval forecasts, International Economic Review 39.
    """
    n = len(misses)
    if n < 2:
        raise _not_enough_data(f"{n} origins have no step from one to the next", needed=2, found=n)
    before, after = misses[:-1], misses[1:]
    n_before, n_both = int(before.sum()), int((before & after).sum())
    n_after = int(after.sum())
    apart = _log_likelihood(n_after - n_both, n - 1 - n_before) + _log_likelihood(n_both, n_before)
    return CoverageTest(
        lr_uc=_rate_ratio(n_misses=int(misses.sum()), n=n, expected=expected),
        lr_ind=max(2.0 * (apart - _log_likelihood(n_after, n - 1)), 0.0),
    )


def knueppel(pit: Floats, *, horizon_sessions: int = 1, lags: int | None = None) -> DensityTest:
    """Test that the whole density is calibrated, from four raw moments of its PITs.

        x = sqrt(12) (u - 1/2);  D = means of x, x^2 - 1, x^3, x^4 - 1.8
        statistic = sum over the odd and the even pair of n D' S^-1 D  ~  chi2(4)
    S is the Bartlett long-run covariance of the centred pair over `lags`, by default
    max(h - 1, floor(n^(1/3))).
    Expects: (origin,) in [0, 1], consecutive origins of one symbol, oldest first. NaN: refused.
    Limits: a diagnostic; instead of 5 % it rejects, for n = 500 / 1,000 / 4,500, 8 / 7 / 4 % at
        h = 1, 14 / 10 / 9 % at h = 7 and 26 / 20 / 13 % at h = 30 (simulated).
    Raises: NotEnoughDataError if S is singular.
    Source: Knueppel (2015), Evaluating the calibration of multi-step-ahead density forecasts using
        raw moments, J. Business & Economic Statistics 33.
    """
    if not ((pit >= 0.0) & (pit <= 1.0)).all():  # NaN compares false
        raise ValueError("a PIT is NaN or outside [0, 1]; leave origins without forecasts out")
    n = len(pit)
    if lags is None:
        lags = max(horizon_sessions - 1, cube_root_lags(n))
    x = np.sqrt(12.0) * (pit - 0.5)
    excess = x[:, None] ** np.arange(1, 5) - MOMENTS  # (origin, moment)
    statistic = sum(_quadratic_form(excess[:, pair], lags) for pair in ([0, 2], [1, 3]))
    return DensityTest(statistic=statistic, p_value=float(special.chdtrc(4, statistic)))


def _rate_ratio(*, n_misses: int, n: int, expected: float) -> float:
    hits = n - n_misses
    stated = special.xlogy(hits, 1.0 - expected) + special.xlogy(n_misses, expected)
    return float(max(2.0 * (_log_likelihood(n_misses, n) - stated), 0.0))


def _log_likelihood(n_misses: int, n: int) -> float:
    """Of `n_misses` in `n` at the very rate they came; 0 of none."""
    rate = n_misses / n if n else 0.0
    return float(special.xlogy(n - n_misses, 1.0 - rate) + special.xlogy(n_misses, rate))


def _quadratic_form(excess: Floats, lags: int) -> float:
    """n D' S^-1 D of two moments' excess, shape (origin, 2)."""
    n = len(excess)
    if n < 2:
        raise _not_enough_data(f"{n} origins have no covariance", needed=2, found=n)
    mean = excess.mean(axis=0)
    centred = excess - mean
    covariance = centred.T @ centred / n
    for k in range(1, min(lags, n - 1) + 1):
        lagged = centred[k:].T @ centred[:-k] / n
        covariance += (1.0 - k / (lags + 1)) * (lagged + lagged.T)
    smallest, largest = np.linalg.eigvalsh(covariance)
    if smallest <= ROUNDING * largest:
        raise _not_enough_data("the moments of the PITs do not vary enough", needed=n + 1, found=n)
    return float(n * mean @ np.linalg.solve(covariance, mean))


def _not_enough_data(why: str, *, needed: int, found: int) -> NotEnoughDataError:
    return NotEnoughDataError(
        f"The test is undefined: {why}. Fix: evaluate over more origins.",
        needed=needed,
        found=found,
    )
