"""Many models at once: which may still be the best, and whether any beats a benchmark.

arch resamples blocks of origins; it is imported on use, because it brings pandas along.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.hypothesis_tests.mean import diebold_mariano
from nextclose.schema import Floats

SIZE = 0.10
DRAWS = 1000
MIN_BLOCKS = 10  # fewer separate blocks have too few arrangements to resample; ours
ROUNDING = 1e-12  # of the largest loss


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceSet:
    """p-value in [0, 1] per model: the size at which it would just be left out; the best has 1."""

    p_values: Mapping[str, float]  # in the order of the losses
    size: float

    @property
    def included(self) -> tuple[str, ...]:
        """Models that may be the best: left out wrongly with a chance of `size` at most."""
        return tuple(name for name, p in self.p_values.items() if p > self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperiorAbility:
    """p-values in [0, 1] that no model beats the benchmark; small = at least one does.

    `consistent` is Hansen's and decides: it leaves clearly worse models out. `lower` leaves out all
    that came out worse, `upper` counts each as if it were as good as the benchmark.
    """

    lower: float
    consistent: float
    upper: float


def block_origins(n: int, *, horizon_sessions: int) -> int:
    """Mean length in origins of a resampled block: the overlap, at least floor(sqrt(n))."""
    return max(horizon_sessions, math.isqrt(n))


def model_confidence_set(
    losses: Mapping[str, Floats],
    *,
    horizon_sessions: int,
    size: float = SIZE,
    draws: int = DRAWS,
    seed: int = 0,
) -> ConfidenceSet:
    """The models that cannot be told from the best one; range statistic, stationary bootstrap.

    Expects: (origin,) per model, the same consecutive origins, oldest first; for several symbols
        the mean over them of loss / that symbol's mean reference loss. NaN: refused.
    Limits: leaves out one of three equal models in 14 to 18 % of samples of 300 to 3,000 at h = 1,
        17 % at h = 30 with 3,000 origins and 25 % with 1,000, instead of 10 % (simulated; longer
        blocks do not help).
    Raises: NotEnoughDataError with fewer than two models or ten blocks of origins, or if two
        models' losses differ by a constant or not at all: leave one of them out.
    Source: Hansen, Lunde & Nason (2011), The model confidence set, Econometrica 79; by arch.
    """
    if len(losses) < 2:
        raise NotEnoughDataError(
            f"{len(losses)} models to compare, at least 2 needed. Fix: run more models.",
            needed=2,
            found=len(losses),
        )
    table, block = _loss_table(losses, horizon_sessions)
    scale = float(np.abs(table).max())
    for (name, ours), (other, theirs) in combinations(losses.items(), 2):
        _require_difference(ours - theirs, scale, names=(name, other))

    from arch.bootstrap import MCS

    test = MCS(table, size=size, block_size=block, reps=draws, seed=seed)
    test.compute()
    of_model = test.pvalues["Pvalue"]
    p_values = {name: float(of_model[position]) for position, name in enumerate(losses)}
    return ConfidenceSet(p_values=p_values, size=size)


def superior_ability(
    benchmark: Floats,
    losses: Mapping[str, Floats],
    *,
    horizon_sessions: int,
    draws: int = DRAWS,
    seed: int = 0,
) -> SuperiorAbility:
    """Whether any model has a lower mean loss than the benchmark, however many were tried.

    Each gain is divided by its standard error first: arch 8.0.0 names its test studentised but
    compares raw means, where one erratic model hides a good one.
    Expects: (origin,) each, as `model_confidence_set`; `losses` without the benchmark's own.
    NaN: refused. Limits: at 10 % it rejects 11 to 12 % at h = 1, 20 % at h = 30 with 1,000 origins
        and 12 % with 3,000 (simulated).
    Raises: NotEnoughDataError with no model, fewer than ten blocks of origins, or a model that
        differs from the benchmark by a constant or not at all (arch would call it better, p = 0).
    Source: Hansen (2005), A test for superior predictive ability, J. Business & Economic
        Statistics 23; by arch.
    """
    if not losses:
        raise NotEnoughDataError("No model to compare. Fix: run more models.", needed=1, found=0)
    table, block = _loss_table({"the benchmark": benchmark, **losses}, horizon_sessions)
    gain = table[:, :1] - table[:, 1:]  # (origin, model)
    scale = float(np.abs(table).max())
    for name, column in zip(losses, gain.T, strict=True):
        _require_difference(column, scale, names=(name, "the benchmark"))
    error = [diebold_mariano(column, lags=block).standard_error for column in gain.T]

    from arch.bootstrap import SPA

    test = SPA(np.zeros(len(gain)), -gain / error, block_size=block, reps=draws, seed=seed)
    test.compute()
    return SuperiorAbility(**{name: float(p) for name, p in test.pvalues.items()})


def _loss_table(losses: Mapping[str, Floats], horizon: int) -> tuple[Floats, int]:
    """Losses side by side, (origin, model), and the block length they allow."""
    table = np.column_stack(list(losses.values()))
    if not np.isfinite(table).all():
        raise ValueError("a loss is NaN or infinite; leave origins without forecasts out")
    n = len(table)
    needed = MIN_BLOCKS * max(horizon, MIN_BLOCKS)
    if n < needed:
        raise NotEnoughDataError(
            f"{n} origins at {horizon} sessions, {needed} needed to resample blocks of them. "
            "Fix: evaluate over more origins.",
            needed=needed,
            found=n,
        )
    return table, block_origins(n, horizon_sessions=horizon)


def _require_difference(gain: Floats, scale: float, *, names: tuple[str, str]) -> None:
    if float(gain.std()) <= ROUNDING * scale:
        raise NotEnoughDataError(
            f"The losses of {names[0]} and {names[1]} differ by a constant or not at all, so no "
            "chance can be weighed. Fix: leave one of the two out.",
            needed=len(gain) + 1,
            found=len(gain),
        )
