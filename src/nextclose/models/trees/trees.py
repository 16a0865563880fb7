"""XGBoost as a correction to the log-HAR forecast: one booster per horizon, pooled over symbols.

Trees correct the expected size of moves. With no tree the forecast is that of log-HAR itself, and
early stopping may choose that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from nextclose.config import TreesConfig
from nextclose.libraries import library_errors
from nextclose.models.location import risk_premium
from nextclose.models.loghar.loghar import (
    REACH_SESSIONS,
    LogHar,
    LogHarScale,
    centred_spread,
    fit_loghar,
)
from nextclose.models.loghar.prior import taught_until
from nextclose.models.protocol import LearningCurve, Traits
from nextclose.models.trees.forests import Forest
from nextclose.models.trees.inputs import FAMILY, LAGS, input_names, lag_names, tree_inputs
from nextclose.samples.samples import Samples
from nextclose.schema import Floats, Ints, Spread

SHAP_ROWS = 1_000  # training rows whose forecasts are taken apart for the report


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedTrees:
    """One forest per horizon over one log-HAR scale, at the price of risk.

    `spread` (horizon, level) are pooled targets over the corrected ratio, less their median.
    `shares` (horizon, feature) says how much of the correction each input made.
    """

    names: tuple[str, ...]
    scale: LogHarScale
    spread: Spread
    forests: tuple[Forest, ...]
    shares: Annotated[Floats, "float64 horizon input"]
    curves: tuple[LearningCurve, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError unless there is a forest of these inputs, and shares, per horizon."""
        n_horizons, n_features = len(self.spread), len((*self.names, *lag_names()))
        if self.shares.shape != (n_horizons, n_features):
            raise ValueError(f"shares of shape {self.shares.shape}, not {n_horizons, n_features}")
        if len(self.forests) != n_horizons:
            raise ValueError(f"{len(self.forests)} forests for {n_horizons} horizons")
        if any(forest.n_features != n_features for forest in self.forests):
            raise ValueError("a forest of other features than the model's")

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Rising quantiles of each row, from its own inputs alone. (row, horizon, level)."""
        factor = np.exp(_corrections(self.forests, samples, self.names, rows))
        around = (self.scale.ratio(samples, rows) * factor)[:, :, None] * self.spread
        return np.asarray(risk_premium(samples, rows)[:, :, None] + around)

    @property
    def importance(self) -> Mapping[str, Sequence[float]]:
        """Mean |SHAP| over training rows as a share, by feature; one value per horizon.

        Each horizon sums to 1, or to 0 if it has no tree.
        """
        inputs = (*self.names, *lag_names())
        return {name: self.shares[:, j].tolist() for j, name in enumerate(inputs)}


def _corrections(
    forests: Sequence[Forest], samples: Samples, names: tuple[str, ...], rows: Ints
) -> Floats:
    """What each horizon's forest adds to the logarithm of the ratio. Shape (row, horizon)."""
    inputs = tree_inputs(samples, names, rows)
    return np.stack([forest.margins(inputs) for forest in forests], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """The model: boosted corrections to the log-HAR forecast."""

    settings: TreesConfig
    name: str = "trees"

    @property
    def traits(self) -> Traits:
        """One fit, which reads lags of a week."""
        return Traits(
            fitted=FittedTrees,
            settings=self.settings.model_dump(mode="json"),
            context_sessions=1 + LAGS,
            reach_sessions=REACH_SESSIONS,
            reads_news=True,
            relative_cost=2,
            taught_until=taught_until(),
        )

    def fit(self, train: Samples, valid: Samples, seed: int) -> FittedTrees:
        """Boost one forest per horizon on `train` and cut it where `valid` is forecast best.

        Learns: log-HAR weights and spread from all that is known; trees from `train`; their number,
            which may be none, from `valid`. There is no chance in it: `seed` is not read.
        Raises: LeakError if train resolves after valid begins; NotEnoughDataError.
        """
        # XGBoost is for training alone: forecasts do without
        with library_errors("xgboost", needed_by=self.name):
            from nextclose.models.trees.boosters import (
                best_trees,
                fit_booster,
                shap_shares,
                with_usual_ways,
            )
            from nextclose.models.trees.training import boosting_data, evenly_spaced_rows

        har, names = fit_loghar(train, valid), input_names(train)
        forests, shares, curves = [], [], []
        for k, horizon in enumerate(train.horizons):
            train_data, valid_data = boosting_data(har, train, valid, names=names, k=k)
            run = fit_booster(self.settings, train=train_data, valid=valid_data)
            arrays = with_usual_ways(best_trees(run), train_data.inputs)
            forests.append(Forest(arrays=arrays, n_features=train_data.inputs.shape[1]))
            sample = evenly_spaced_rows(train_data.inputs, n_rows=SHAP_ROWS)
            shares.append(shap_shares(run, sample))
            curve = LearningCurve(
                train=run.train_scores,
                valid=run.valid_scores,
                kept=run.best_round,
                horizon_sessions=horizon,
            )
            curves.append(curve)
        return FittedTrees(
            names=names,
            scale=har.scale,
            spread=pooled_spread(har, forests, names, train=train, valid=valid),
            forests=tuple(forests),
            shares=np.stack(shares),
            curves=tuple(curves),
        )


def pooled_spread(
    har: LogHar,
    forests: Sequence[Forest],
    names: tuple[str, ...],
    *,
    train: Samples,
    valid: Samples,
) -> Floats:
    """Pooled targets over what the forecast will multiply them by. Shape (horizon, level).

    The few rows without lags, at the start of each segment, count with log-HAR's own ratio.
    """
    ratio = har.scale.ratio(valid, np.arange(len(valid.origin)))
    rows = np.flatnonzero(valid.ready(FAMILY, context_sessions=1 + LAGS))
    ratio[rows] *= np.exp(_corrections(forests, valid, names, rows))
    return centred_spread(train, valid, ratio=ratio)
