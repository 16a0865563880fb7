"""Were the calls of up and down better than chance, given how often each side was called."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.hypothesis_tests.mean import MeanTest, fixed_smoothing
from nextclose.schema import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionTest:
    """Hits of `n` calls beside what independent calls would hit; `statistic` ~ N(0, 1) if so.

    Shares are fractions of the same `n` rows. Where all calls or all outcomes are on one `side`,
    nothing can be tested: statistic and p_value are None, and the text is "always up".
    """

    n: int
    p_hit: float  # share of right calls
    p_called_up: float
    p_rose: float

    @property
    def p_expected(self) -> float:
        """Hit rate in [0, 1] of calls that know nothing but come up as often as these."""
        return self.p_rose * self.p_called_up + (1.0 - self.p_rose) * (1.0 - self.p_called_up)

    @property
    def side(self) -> Literal["up", "down"] | None:
        """The side that every call names, or else that every outcome took; None: both occur."""
        for share in (self.p_called_up, self.p_rose):
            if share in (0.0, 1.0):
                return "up" if share == 1.0 else "down"
        return None

    @property
    def statistic(self) -> float | None:
        """Hit rate above the expected, in standard errors."""
        if self.side:
            return None
        called, rose = self.p_called_up, self.p_rose
        variance = 4.0 * rose * (1.0 - rose) * called * (1.0 - called) * (self.n - 1) / self.n**2
        return (self.p_hit - self.p_expected) / math.sqrt(variance)

    @property
    def p_value(self) -> float | None:
        """One-sided, in [0, 1]: small = the calls are better than independent ones."""
        return None if self.statistic is None else float(special.ndtr(-self.statistic))


def pesaran_timmermann(call: Ints, outcome: Floats) -> DirectionTest:
    """Test that calls are independent of what happened; one symbol at h = 1 only.

        PT = (P - P*) / sqrt(V - V*),  V - V* = 4 Py (1-Py) Px (1-Px) (n-1) / n^2
    The paper's V and V*, written out and simplified; P hit rate, P* = Py Px + (1-Py)(1-Px), Px
    share called up, Py share that rose.
    Expects: (origin,) each; calls 1 up, -1 down, 0 none; outcomes log returns.
    NaN: a row without outcome, call or move is left out.
    Limits: rejects 21 to 32 % instead of 5 % on overlapping outcomes, and too often on stacked
        symbols that move together: `call_covariance` serves both.
    Raises: NotEnoughDataError if no row is left.
    Source: Pesaran & Timmermann (1992), A simple nonparametric test of predictive performance,
        J. Business & Economic Statistics 10.
    """
    judged = _is_tested(call, outcome)
    n = int(judged.sum())
    if n == 0:
        raise NotEnoughDataError(
            "No forecast has both a call and a price that moved. Fix: evaluate over more origins.",
            needed=1,
            found=0,
        )
    called_up, rose = call[judged] > 0, outcome[judged] > 0
    return DirectionTest(
        n=n,
        p_hit=float((called_up == rose).mean()),
        p_called_up=float(called_up.mean()),
        p_rose=float(rose.mean()),
    )


def call_covariance(call: Ints, outcome: Floats, *, horizon_sessions: int) -> MeanTest:
    """Test that calls go with outcomes, for overlapping horizons and for symbols together.

        mean over symbols of (f - fbar)(u - ubar), then `fixed_smoothing` over origins;
        f = 1 if called up, u = 1 if it rose, fbar and ubar each symbol's own means
    The mean is half of what the hit rate exceeds the expected by, P - P* = 2 mean, for one symbol.
    Expects: (origin,) or (origin, symbol) each, oldest first; coded as in `pesaran_timmermann`.
    NaN: a cell without outcome, call or move is left out, and an origin without any cell.
    Limits: size 5 to 6 % at h = 7 and 30, n = 500 to 4,500 (simulated); left-out origins close up.
    Raises: NotEnoughDataError if fewer than 3 origins are left or no symbol has calls and outcomes
        on both sides.
    Source: test of Coroneo & Iacone (2020), J. Applied Econometrics 35; its use on the covariance
        of calls is ours, after Pesaran & Timmermann (1992).
    """
    if call.ndim == 1:
        call, outcome = call[:, None], outcome[:, None]
    judged = _is_tested(call, outcome)
    called_up = _deviations(call > 0, judged)
    rose = _deviations(outcome > 0, judged)
    n_cells = judged.sum(axis=1)
    together = (called_up * rose).sum(axis=1)[n_cells > 0] / n_cells[n_cells > 0]
    return fixed_smoothing(together, horizon_sessions=horizon_sessions)


def _is_tested(call: Ints, outcome: Floats) -> Bools:
    return np.asarray((call != 0) & np.isfinite(outcome) & (outcome != 0))


def _deviations(up: Bools, judged: Bools) -> Floats:
    """1{up} less its mean over the symbol's judged cells; 0 elsewhere. Shape (origin, symbol)."""
    share = (up & judged).sum(axis=0) / np.maximum(judged.sum(axis=0), 1)  # (symbol,)
    return np.where(judged, up - share, 0.0)
