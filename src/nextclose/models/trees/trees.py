"""XGBoost as a correction to the log-HAR forecast: one booster per horizon, pooled over symbols.

Trees correct the expected size of moves. With no tree the forecast is that of log-HAR itself, and
early stopping may choose that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nextclose.config import TreesConfig
from nextclose.features.news import NEWS_NAMES
from nextclose.models.loghar.loghar import LogHar, LogHarScale, fit_loghar, restored_scale
from nextclose.models.loghar.prior import blended_spread
from nextclose.models.protocol import Fitted, State, of_prefix, with_prefix
from nextclose.models.state_checks import checked_spread, curves_in, fact, names_in
from nextclose.models.trees.boosters import BoostingData, fit_booster, shap_shares
from nextclose.models.trees.forests import Forest, best_trees, forest_of
from nextclose.models.volatility.har import HAR_CAP_LEVEL, refuse_too_few, year_move
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import named_columns, present
from nextclose.samples.windows import windows
from nextclose.schema import MASK_COLUMNS, Floats, Floats32, Ints

CALENDAR = ("weekday_sin", "weekday_cos", "month_sin", "month_cos", "days_since")
LAGGED = ("return_1", "move_ratio_1")
LAGS = 5  # sessions back, a trading week
LABEL_FLOOR = 1e-3  # of the 250-session mean move: the gamma loss needs moves above 0
EXPLAINED_ROWS = 1_000  # training rows whose forecasts are taken apart for the report
FAMILY = "stationary"


def input_names(samples: Samples) -> tuple[str, ...]:
    """The features of the table that trees may read: stationary, less the calendar; masks; news."""
    span = samples.table.families[FAMILY]
    names = samples.table.names[span.start : span.stop]
    stationary = tuple(name for name in names if name not in CALENDAR)
    return (*stationary, *present(samples, (*MASK_COLUMNS, *NEWS_NAMES)))


def lag_names() -> tuple[str, ...]:
    """Names of the lagged inputs, in their order: `return_1[-5]` is that of 5 sessions ago."""
    return tuple(f"{name}[-{lag}]" for lag in range(LAGS, 0, -1) for name in LAGGED)


def tree_inputs(samples: Samples, names: tuple[str, ...], rows: Ints) -> Floats32:
    """The named features at `rows` and the lags behind them. Shape (row, feature).

    Expects: rows with `LAGS` ready rows before them in their segment.
    """
    recent = windows(named_columns(samples, LAGGED), rows, sessions=LAGS + 1)
    lags = recent[:, :-1].reshape(len(rows), -1)  # (row, lag * feature)
    return np.hstack([named_columns(samples, names)[rows], lags])


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
        har = fit_loghar(train, valid)
        forests, shares, curves = [], [], {}
        for k, horizon in enumerate(train.horizons):
            learnt, judged = boosting_data(har, train, valid, k=k)
            run = fit_booster(self.settings, train=learnt, valid=judged)
            forests.append(forest_of(best_trees(run), n_features=learnt.inputs.shape[1]))
            explained = evenly_spaced_rows(learnt.inputs, n_rows=EXPLAINED_ROWS)
            shares.append(shap_shares(run, explained))
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


def boosting_data(
    har: LogHar, train: Samples, valid: Samples, *, k: int
) -> tuple[BoostingData, BoostingData]:
    """What the forest of horizon `k` is trained on and what it is stopped by.

    Raises: NotEnoughDataError with fewer than 100 rows for the one, or none for the other.
    """
    learnt = _labelled_rows(har, train, k=k, needed=None, what="train trees on")
    judged = _labelled_rows(har, valid, k=k, needed=1, what="stop trees by")
    cap = max(float(np.quantile(learnt.label, HAR_CAP_LEVEL)), LABEL_FLOOR)
    capped = (
        replace(part, label=np.clip(part.label, LABEL_FLOOR, cap)) for part in (learnt, judged)
    )
    return next(capped), next(capped)


def _labelled_rows(
    har: LogHar, samples: Samples, *, k: int, needed: int | None, what: str
) -> BoostingData:
    """Inputs, label and log-HAR's own margin at every row whose outcome at horizon `k` is known."""
    ready = samples.ready(FAMILY, context_sessions=1 + LAGS)
    rows = np.flatnonzero(ready & np.isfinite(samples.target[:, k]))
    refuse_too_few(
        len(rows), f"outcomes to {what}", horizon_sessions=samples.horizons[k], needed=needed
    )
    ratio = har.scale.ratio(samples, rows)[:, k]
    unit = year_move(samples)[rows]
    return BoostingData(
        inputs=tree_inputs(samples, input_names(samples), rows),
        label=samples.movement[rows, k] / unit,
        base_margin=np.log(ratio / unit),
    )


def evenly_spaced_rows(inputs: Floats32, *, n_rows: int) -> Floats32:
    """At most `n_rows` rows, evenly by position."""
    if len(inputs) <= n_rows:
        return inputs
    return inputs[np.linspace(0, len(inputs) - 1, n_rows).astype(np.int64)]


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
