"""XGBoost as a correction to the log-HAR forecast: one booster per horizon, pooled over symbols.

Route "scale" corrects the expected size of moves, route "quantile" each quantile on its own. With
no tree both are the log-HAR forecast itself, and early stopping may choose that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np

from nextclose.config import TreesConfig
from nextclose.features.news import NEWS_NAMES
from nextclose.models.loghar.loghar import LogHar, LogHarScale, fit_loghar
from nextclose.models.loghar.prior import blended_spread
from nextclose.models.protocol import LearningCurve, Traits
from nextclose.models.trees.boosters import Examples, attributions, derived_seed, trained
from nextclose.models.trees.forests import Forest, best_trees, forest_of
from nextclose.models.volatility.har import HAR_CAP_LEVEL, refuse_too_few, year_move
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import named_columns, present
from nextclose.samples.windows import windows
from nextclose.schema import LEVELS, MASK_COLUMNS, Floats, Floats32, Ints, Spread

CALENDAR = ("weekday_sin", "weekday_cos", "month_sin", "month_cos", "days_since")
LAGGED = ("return_1", "move_ratio_1")
LAGS = 5  # sessions back, a trading week
AIM_FLOOR = 1e-3  # of the 250-session mean move: the gamma loss needs moves above 0
EXPLAINED_ROWS = 1_000  # training rows whose forecasts are taken apart for the report
FAMILY = "stationary"

OBJECTIVES: Mapping[str, Mapping[str, Any]] = {
    "scale": {"objective": "reg:gamma", "eval_metric": "gamma-deviance", "base_score": 1.0},
    "quantile": {
        "objective": "reg:quantileerror",
        "quantile_alpha": LEVELS.tolist(),
        "base_score": [0.0] * len(LEVELS),
    },
}
OUTPUTS = {"scale": 1, "quantile": len(LEVELS)}


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

    `spread` (horizon, level) are pooled targets over the ratio that they will be multiplied by: the
    corrected one on route "scale", log-HAR's on route "quantile".
    `shares` (horizon, feature) says how much of the correction each input made.
    """

    route: str
    names: tuple[str, ...]
    scale: LogHarScale
    spread: Spread
    forests: tuple[Forest, ...]
    shares: Annotated[Floats, "float64 horizon input"]
    curves: tuple[LearningCurve, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError unless there is a forest of these inputs, and shares, per horizon."""
        if self.route not in OUTPUTS:
            raise ValueError(f"no route of trees: {self.route!r}")
        n_horizons, n_features = len(self.spread), len((*self.names, *lag_names()))
        if self.shares.shape != (n_horizons, n_features):
            raise ValueError(f"shares of shape {self.shares.shape}, not {n_horizons, n_features}")
        if len(self.forests) != n_horizons:
            raise ValueError(f"{len(self.forests)} forests for {n_horizons} horizons")
        for forest in self.forests:
            if (forest.n_features, forest.n_outputs) != (n_features, OUTPUTS[self.route]):
                raise ValueError("a forest of other features or outputs than the model's")

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Rising quantiles of each row, from its own inputs alone. (row, horizon, level)."""
        corrections = _corrections(self.forests, samples, self.names, rows)
        return corrected_quantiles(
            self.route, self.scale.ratio(samples, rows), self.spread, corrections
        )

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
    """What each horizon's forest adds. Shape (row, horizon, output)."""
    inputs = tree_inputs(samples, names, rows)
    return np.stack([forest.margins(inputs) for forest in forests], axis=1)


def corrected_quantiles(route: str, ratio: Floats, spread: Floats, corrections: Floats) -> Floats:
    """`ratio` (row, horizon) and `spread` of the base, corrected. (row, horizon, level), rising."""
    if route == "scale":
        return (ratio * np.exp(corrections[:, :, 0]))[:, :, None] * spread
    return ratio[:, :, None] * np.sort(spread + corrections, axis=2)


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
            reads_news=True,
            relative_cost=2,
        )

    def fit(self, train: Samples, valid: Samples, seed: int) -> FittedTrees:
        """Boost one forest per horizon on `train` and cut it where `valid` is forecast best.

        Learns: log-HAR weights and spread from all that is known; trees from `train`; their number,
            which may be none, from `valid`.
        Raises: LeakError if train resolves after valid begins; NotEnoughDataError.
        """
        har = fit_loghar(train, valid)
        route, n_outputs = self.settings.route, OUTPUTS[self.settings.route]
        forests, shares, curves = [], [], []
        for k, horizon in enumerate(train.horizons):
            parts = examples(route, har, train, valid, k=k)
            progress = trained(
                self.settings,
                OBJECTIVES[route],
                parts,
                seed=derived_seed(seed, f"{horizon} sessions"),
            )
            n_features = parts[0].inputs.shape[1]
            forests.append(
                forest_of(best_trees(progress), n_features=n_features, n_outputs=n_outputs)
            )
            explained = evenly(parts[0].inputs, n_rows=EXPLAINED_ROWS)
            shares.append(attributions(progress, explained, n_outputs=n_outputs))
            curve = LearningCurve(
                train=progress.train_scores,
                valid=progress.valid_scores,
                kept=progress.best_round,
                horizon_sessions=horizon,
            )
            curves.append(curve)
        return FittedTrees(
            route=route,
            names=input_names(train),
            scale=har.scale,
            spread=pooled_spread(route, har, forests, train=train, valid=valid),
            forests=tuple(forests),
            shares=np.stack(shares),
            curves=tuple(curves),
        )


def examples(
    route: str, har: LogHar, train: Samples, valid: Samples, *, k: int
) -> tuple[Examples, Examples]:
    """What the forest of horizon `k` is trained on and what it is stopped by.

    Raises: NotEnoughDataError with fewer than 100 rows for the one, or none for the other.
    """
    learnt = _examples(route, har, train, k=k, needed=None, what="train trees on")
    judged = _examples(route, har, valid, k=k, needed=1, what="stop trees by")
    if route == "quantile":
        return learnt, judged
    cap = max(float(np.quantile(learnt.aim, HAR_CAP_LEVEL)), AIM_FLOOR)
    capped = (replace(part, aim=np.clip(part.aim, AIM_FLOOR, cap)) for part in (learnt, judged))
    return next(capped), next(capped)


def _examples(
    route: str, har: LogHar, samples: Samples, *, k: int, needed: int | None, what: str
) -> Examples:
    """Inputs, aim and log-HAR's own margin at every row whose outcome at horizon `k` is known."""
    ready = samples.ready(FAMILY, context_sessions=1 + LAGS)
    rows = np.flatnonzero(ready & np.isfinite(samples.target[:, k]))
    refuse_too_few(
        len(rows), f"outcomes to {what}", horizon_sessions=samples.horizons[k], needed=needed
    )
    ratio = har.scale.ratio(samples, rows)[:, k]
    if route == "scale":
        unit = year_move(samples)[rows]
        aim, base = samples.movement[rows, k] / unit, np.log(ratio / unit)[:, None]
    else:
        aim = samples.target[rows, k] / ratio
        base = np.repeat(har.spread[None, k], len(rows), axis=0)
    return Examples(inputs=tree_inputs(samples, input_names(samples), rows), aim=aim, base=base)


def evenly(inputs: Floats32, *, n_rows: int) -> Floats32:
    """At most `n_rows` rows, evenly by position."""
    if len(inputs) <= n_rows:
        return inputs
    return inputs[np.linspace(0, len(inputs) - 1, n_rows).astype(np.int64)]


def pooled_spread(
    route: str, har: LogHar, forests: Sequence[Forest], *, train: Samples, valid: Samples
) -> Floats:
    """Pooled targets over what the forecast will multiply them by. Shape (horizon, level).

    The few rows without lags, at the start of each segment, count with log-HAR's own ratio.
    """
    if route == "quantile":
        return har.spread
    ratio = har.scale.ratio(valid, np.arange(len(valid.origin)))
    rows = np.flatnonzero(valid.ready(FAMILY, context_sessions=1 + LAGS))
    ratio[rows] *= np.exp(_corrections(forests, valid, input_names(valid), rows)[:, :, 0])
    return blended_spread(train, valid, ratio=ratio)
