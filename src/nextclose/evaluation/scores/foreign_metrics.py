"""Somebody else's metrics: their names, and what they return, are checked before they count."""

from __future__ import annotations

import keyword
from collections.abc import Collection, Mapping
from types import MappingProxyType

import numpy as np

from nextclose.errors import ConfigError
from nextclose.metrics import Metric
from nextclose.schema import LEVELS, Floats

# a wide forecast with a gain, a narrow one with a large loss, and a price that did not move
TRIAL_QUANTILES: Floats = np.log(LEVELS / (1 - LEVELS)) * np.array([[0.02], [0.005], [0.0]])
TRIAL_OUTCOME: Floats = np.array([0.01, -0.06, 0.0])
NO_METRICS: Mapping[str, Metric] = MappingProxyType({})


def try_metrics(metrics: Mapping[str, Metric], *, taken: Collection[str]) -> None:
    """Refuse a metric by its name, or after a trial on three forecasts: long before real ones.

    A name must be an identifier and none of `taken`; a loss must depend on its own forecast alone.
    Raises: ConfigError naming it, as `metric_losses`.
    """
    for name, metric in metrics.items():
        if not name.isidentifier() or keyword.iskeyword(name):
            raise _metric_error(name, "its name is not an identifier", "call it like a variable.")
        if name in taken:
            raise _metric_error(name, "forecasts already have a figure of this name", "rename it.")
        if not callable(metric):
            raise _metric_error(name, f"{metric!r} cannot be called", "give a function.")
        together = _losses(name, metric, *_read_only(TRIAL_QUANTILES, TRIAL_OUTCOME))
        for i, loss in enumerate(together):
            part = slice(i, i + 1)
            alone = _losses(name, metric, *_read_only(TRIAL_QUANTILES[part], TRIAL_OUTCOME[part]))
            if not np.isclose(alone[0], loss, rtol=1e-6, atol=1e-12):
                fault = f"a forecast costs {loss} beside others and {alone[0]} alone"
                raise _metric_error(name, fault, "let each loss depend on its own forecast alone.")


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
    quantiles, outcome = _read_only(quantiles, outcome)
    return {name: _losses(name, metric, quantiles, outcome) for name, metric in metrics.items()}


def _read_only(quantiles: Floats, outcome: Floats) -> tuple[Floats, Floats]:
    copies = np.array(quantiles, order="C"), np.array(outcome)
    for copy in copies:
        copy.flags.writeable = False
    return copies


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
