"""Somebody else's metrics: their names, and what they return, are checked before they count."""

from __future__ import annotations

import keyword
from collections.abc import Collection, Mapping
from types import MappingProxyType

import numpy as np

from nextclose.errors import ConfigError
from nextclose.metrics import Metric
from nextclose.schema import Floats

NO_METRICS: Mapping[str, Metric] = MappingProxyType({})


def check_metrics(metrics: Mapping[str, Metric], *, taken: Collection[str]) -> None:
    """Refuse a metric whose name is none, or one of `taken`, or that cannot be called.

    Raises: ConfigError naming it.
    """
    for name, metric in metrics.items():
        if not name.isidentifier() or keyword.iskeyword(name):
            raise _metric_error(name, "its name is not an identifier", "call it like a variable.")
        if name in taken:
            raise _metric_error(name, "forecasts already have a figure of this name", "rename it.")
        if not callable(metric):
            raise _metric_error(name, f"{metric!r} cannot be called", "give a function.")


def metric_losses(
    metrics: Mapping[str, Metric], quantiles: Floats, outcome: Floats
) -> dict[str, Floats]:
    """What each metric says of these forecasts. Shape (forecast,) each; finite, >= 0.

    Expects: `quantiles` (forecast, level), rising, `outcome` (forecast,), all finite. A metric
        sees copies that it cannot write to.
    Raises: ConfigError naming a metric that fails or returns something else than losses.
    """
    if not len(outcome):
        return {name: np.empty(0) for name in metrics}
    quantiles, outcome = np.array(quantiles, order="C"), np.array(outcome)
    quantiles.flags.writeable = outcome.flags.writeable = False
    return {name: _losses(name, metric, quantiles, outcome) for name, metric in metrics.items()}


def _losses(name: str, metric: Metric, quantiles: Floats, outcome: Floats) -> Floats:
    try:
        losses = np.array(metric(quantiles, outcome), dtype=np.float64)
    except Exception as error:
        fault = f"it failed with {type(error).__name__}: {error}"
        raise _metric_error(name, fault, "correct it; it gets quantiles and outcomes.") from error
    if losses.shape != outcome.shape:
        fault = f"it returned the shape {losses.shape} for {len(outcome)} forecasts"
        raise _metric_error(name, fault, "return one loss per forecast.")
    bad = ~(losses >= 0) | np.isinf(losses)  # NaN compares False
    if bad.any():
        fault = f"its loss is {losses[bad][0]} for {int(bad.sum())} of {len(outcome)} forecasts"
        raise _metric_error(name, fault, "return finite losses >= 0, 0 for a perfect forecast.")
    return losses


def _metric_error(name: str, fault: str, fix: str) -> ConfigError:
    return ConfigError(f"metric {name!r}: {fault}. Fix: {fix}", key="metrics")
