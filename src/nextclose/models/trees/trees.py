"""XGBoost as a correction to the log-HAR forecast: one booster per horizon, pooled over symbols.

Trees correct the expected size of moves. With no tree the forecast is that of log-HAR itself, and
early stopping may choose that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nextclose.config import TreesConfig
from nextclose.models.loghar.loghar import LogHar, LogHarScale, fit_loghar, restored_scale
from nextclose.models.loghar.prior import blended_spread
from nextclose.models.protocol import Fitted, State, of_prefix, with_prefix
from nextclose.models.state_checks import checked_spread, curves_in, fact, names_in
from nextclose.models.trees.forests import Forest, forest_of
from nextclose.models.trees.inputs import FAMILY, LAGS, input_names, lag_names, tree_inputs
from nextclose.samples.samples import Samples
from nextclose.schema import Floats, Ints

SHAP_ROWS = 1_000  # training rows whose forecasts are taken apart for the report


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedTrees:
    """One forest per horizon over one log-HAR scale.

    `spread` (horizon, level) are pooled targets over the corrected ratio.
    `shares` (horizon, feature) says how much of the correction each input made.
    """

    names: tuple[str, ...]
    scale: LogHarScale
    spread: Floats
    forests: tuple[Forest, ...]
    shares: Floats
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Rising quantiles of each row, from its own inputs alone. (row, horizon, level)."""
        factor = np.exp(_corrections(self.forests, samples, self.names, rows))
        return (self.scale.ratio(samples, rows) * factor)[:, :, None] * self.spread

    @property
    def importance(self) -> Mapping[str, Sequence[float]]:
        """Mean |SHAP| over training rows as a share, by feature; one value per horizon.

        Each horizon sums to 1, or to 0 if it has no tree.
        """
        inputs = (*self.names, *lag_names())
        return {name: self.shares[:, j].tolist() for j, name in enumerate(inputs)}

    def state(self) -> State:
        """Everything; `restored_trees` builds the same forecaster of it."""
        scale = self.scale.state()
        arrays: dict[str, Any] = {"spread": self.spread, **with_prefix(scale.arrays, "scale.")}
        for k, forest in enumerate(self.forests):
            arrays |= with_prefix(forest.arrays, f"forest.{k}.")
        facts = {
            "inputs": list(self.names),
            "importance": self.shares.tolist(),
            "curves": {name: list(values) for name, values in self.curves.items()},
            "scale": dict(scale.facts),
        }
        return State(arrays=arrays, facts=facts)


def _corrections(
    forests: Sequence[Forest], samples: Samples, names: tuple[str, ...], rows: Ints
) -> Floats:
    """What each horizon's forest adds to the logarithm of the ratio. Shape (row, horizon)."""
    inputs = tree_inputs(samples, names, rows)
    return np.stack([forest.margins(inputs) for forest in forests], axis=1)


def restored_trees(state: State) -> FittedTrees:
    """The FittedTrees that gave this state.

    Raises: ValueError saying what is not that of one.
    """
    facts, arrays = state.facts, state.arrays
    names = names_in(facts, "inputs")
    scale = restored_scale(State(arrays=of_prefix(arrays, "scale."), facts=facts["scale"]))
    n_horizons, n_features = len(scale.weights), len(names) + len(lag_names())
    shares = np.array(fact(facts, "importance", kind=list), dtype=np.float64)
    if shares.shape != (n_horizons, n_features):
        raise ValueError(f"importance of shape {shares.shape}, not {(n_horizons, n_features)}")
    return FittedTrees(
        names=names,
        scale=scale,
        spread=checked_spread(arrays, n_horizons=n_horizons),
        forests=tuple(
            forest_of(of_prefix(arrays, f"forest.{k}."), n_features=n_features)
            for k in range(n_horizons)
        ),
        shares=shares,
        curves=curves_in(facts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """The model: boosted corrections to the log-HAR forecast."""

    settings: TreesConfig
    name: str = "trees"
    n_seeds: int = 1
    family: str = FAMILY
    context_sessions: int = 1 + LAGS

    @property
    def config(self) -> Mapping[str, Any]:
        """Its settings as JSON values."""
        return self.settings.model_dump(mode="json")

    def fit(self, train: Samples, valid: Samples, seed: int) -> FittedTrees:
        """Boost one forest per horizon on `train` and cut it where `valid` is forecast best.

        Learns: log-HAR weights and spread from all that is known; trees from `train`; their number,
            which may be none, from `valid`. There is no chance in it: `seed` is not read.
        Raises: LeakError if train resolves after valid begins; NotEnoughDataError.
        """
        # XGBoost is for training alone: forecasts do without
        from nextclose.models.trees.boosters import best_trees, fit_booster, shap_shares
        from nextclose.models.trees.training import boosting_data, evenly_spaced_rows

        har = fit_loghar(train, valid)
        forests, shares, curves = [], [], {}
        for k, horizon in enumerate(train.horizons):
            train_data, valid_data = boosting_data(har, train, valid, k=k)
            run = fit_booster(self.settings, train=train_data, valid=valid_data)
            forests.append(forest_of(best_trees(run), n_features=train_data.inputs.shape[1]))
            sample = evenly_spaced_rows(train_data.inputs, n_rows=SHAP_ROWS)
            shares.append(shap_shares(run, sample))
            curves[f"all symbols/{horizon}/loss"] = run.train_scores
            curves[f"all symbols/{horizon}/val_loss"] = run.valid_scores
        return FittedTrees(
            names=input_names(train),
            scale=har.scale,
            spread=pooled_spread(har, forests, train=train, valid=valid),
            forests=tuple(forests),
            shares=np.stack(shares),
            curves=curves,
        )

    def combine(self, members: Sequence[Fitted]) -> Fitted:
        """The one member."""
        (only,) = members
        return only

    def restore(self, state: State) -> Fitted:
        """The Fitted that gave this state."""
        return restored_trees(state)


def pooled_spread(
    har: LogHar, forests: Sequence[Forest], *, train: Samples, valid: Samples
) -> Floats:
    """Pooled targets over what the forecast will multiply them by. Shape (horizon, level).

    The few rows without lags, at the start of each segment, count with log-HAR's own ratio.
    """
    ratio = har.scale.ratio(valid, np.arange(len(valid.origin)))
    rows = np.flatnonzero(valid.ready(FAMILY, context_sessions=1 + LAGS))
    ratio[rows] *= np.exp(_corrections(forests, valid, input_names(valid), rows))
    return blended_spread(train, valid, ratio=ratio)
