"""Any regressor with scikit-learn's `fit` and `predict` as a model; for backtests alone.

It predicts the target from the standardised features of a session; a density stands around it by
filtered historical simulation: its errors on the validation rows, in units of what log-HAR expects.
Or it is fitted once a level, if it predicts quantiles. It has no safe state, so it is neither kept
nor put into a bundle.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from nextclose.errors import ConfigError
from nextclose.models.loghar.loghar import LogHarScale, fit_loghar_scale
from nextclose.models.loghar.prior import taught_until
from nextclose.models.protocol import Model, Traits
from nextclose.models.volatility.har import refuse_too_few
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import Scaler, fit_scaler
from nextclose.schema import LEVELS, Floats, Ints

FAMILY = "stationary"
ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of an object that prints itself by where it lies


class Regressor(Protocol):
    """What is asked of an estimator: scikit-learn's own interface."""

    def fit(self, X: npt.NDArray[Any], y: npt.NDArray[Any], /) -> Any:
        """Learn from inputs (row, feature) and targets (row,)."""
        ...

    def predict(self, X: npt.NDArray[Any], /) -> npt.NDArray[Any]:
        """One value a row. Shape (row,)."""
        ...

    def get_params(self) -> Mapping[str, Any]:
        """Its settings by name."""
        ...

    def set_params(self, **params: Any) -> Any:
        """Change settings."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRegressor:
    """One estimator per horizon for the mean, or one per horizon and level.

    `spread` (horizon, level): errors of the mean over the scale's ratio; None: levels are fitted.
    """

    estimators: tuple[tuple[Regressor, ...], ...]
    scaler: Scaler
    scale: LogHarScale
    spread: Floats | None

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Mean plus ratio times spread, or the levels as fitted. Shape (row, horizon, level)."""
        inputs = self.scaler.apply(samples)[rows]
        predicted = np.stack(
            [
                np.column_stack([_predictions(estimator, inputs) for estimator in own])
                for own in self.estimators
            ],
            axis=1,
        )  # (row, horizon, 1 or level)
        if self.spread is None:
            return np.asarray(np.sort(predicted, axis=2))
        return np.asarray(predicted + self.scale.ratio(samples, rows)[:, :, None] * self.spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressorModel:
    """An estimator that is copied for each fit, under a name of the user's own."""

    estimator: Regressor
    name: str
    level_parameter: str | None

    @property
    def traits(self) -> Traits:
        """Its settings are the estimator as it prints itself; its scale is log-HAR's."""
        estimator = ADDRESS.sub("", repr(self.estimator))
        settings = {"estimator": estimator, "level_parameter": self.level_parameter}
        return Traits(
            settings=settings, is_servable=False, relative_cost=2, taught_until=taught_until()
        )

    def fit(self, train: Samples, valid: Samples, seed: int) -> FittedRegressor:
        """Fit the estimator on `train`; `valid` gives the errors that ranges are made of.

        Raises: LeakError if train resolves after valid begins; NotEnoughDataError with fewer than
            100 known outcomes in either.
        """
        scale = fit_loghar_scale(train, valid)
        names = feature_names(train)
        scaler = fit_scaler(train, names=names, family=FAMILY)
        learnt, judged = (list(_cases(part, scaler)) for part in (train, valid))
        levels = LEVELS.tolist() if self.level_parameter else [None]
        estimators = tuple(
            tuple(self._copy(seed, level).fit(x, y) for level in levels) for x, y, _ in learnt
        )
        spread = None
        if self.level_parameter is None:
            spread = np.stack(
                [
                    _error_quantiles(own[0], x, y, scale.ratio(valid, rows)[:, k])
                    for k, (own, (x, y, rows)) in enumerate(zip(estimators, judged, strict=True))
                ]
            )
        return FittedRegressor(estimators=estimators, scaler=scaler, scale=scale, spread=spread)

    def _copy(self, seed: int, level: float | None) -> Regressor:
        """An estimator of its own for one fit, seeded where it can be and is not."""
        estimator = copy.deepcopy(self.estimator)
        unseeded = {
            name: seed
            for name, value in estimator.get_params().items()
            if name.rpartition("__")[2] == "random_state" and value is None
        }
        if unseeded:
            estimator.set_params(**unseeded)
        if level is not None:
            estimator.set_params(**{str(self.level_parameter): level})
        return estimator


def from_sklearn(estimator: Regressor, *, name: str, level_parameter: str | None = None) -> Model:
    """A model of any scikit-learn regressor, by the name that forecasts and tables will use.

    It predicts the mean of the target from all stationary features and those of your own. An
    estimator of quantiles is fitted once a level: `level_parameter` names its setting, as
    "quantile" of QuantileRegressor. Pipelines are estimators too.
    Raises: ConfigError for what is no estimator, or has no such setting.
    """
    for method in ("fit", "predict", "get_params", "set_params"):
        if not callable(getattr(estimator, method, None)):
            raise ConfigError(
                f"{type(estimator).__name__} has no method {method}: it is no scikit-learn "
                "regressor. Fix: give an object such as Ridge()."
            )
    if level_parameter is not None and level_parameter not in estimator.get_params():
        raise ConfigError(
            f"{type(estimator).__name__} has no setting {level_parameter!r}. Fix: name the one "
            "that holds the level, as quantile."
        )
    return RegressorModel(estimator=estimator, name=name, level_parameter=level_parameter)


def feature_names(samples: Samples) -> tuple[str, ...]:
    """The stationary features of the table, the user's own among them."""
    span = samples.table.families[FAMILY]
    return samples.table.names[span.start : span.stop]


def _cases(samples: Samples, scaler: Scaler) -> Iterator[tuple[Floats, Floats, Ints]]:
    """Inputs, known targets and their rows, horizon by horizon."""
    inputs = scaler.apply(samples).astype(np.float64)
    ready = samples.ready(FAMILY)
    for k, horizon in enumerate(samples.horizons):
        rows = np.flatnonzero(ready & np.isfinite(samples.target[:, k]))
        refuse_too_few(len(rows), "outcomes", horizon_sessions=horizon)
        yield inputs[rows], samples.target[rows, k], rows


def _predictions(estimator: Regressor, inputs: npt.NDArray[Any]) -> Floats:
    values = np.asarray(estimator.predict(inputs.astype(np.float64)), dtype=np.float64)
    if values.shape not in ((len(inputs),), (len(inputs), 1)):
        raise ConfigError(
            f"{type(estimator).__name__} predicted shape {values.shape} for {len(inputs)} rows. "
            "Fix: give a regressor of one output."
        )
    return values.ravel()


def _error_quantiles(estimator: Regressor, x: Floats, y: Floats, ratio: Floats) -> Floats:
    """Quantiles of errors over the ratio, less their mean: the estimator's stays. (level,)."""
    errors = (y - _predictions(estimator, x)) / ratio
    return np.asarray(np.quantile(errors - errors.mean(), LEVELS))
