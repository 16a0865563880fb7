"""The hybrid: a convex combination of its members' quantiles, with calibrated tails.

Its weights are learnt from what the members issued in earlier folds, each forecast by a fit of
what had resolved before it, and only once its outcome was known. They are then pulled half-way to
equal weights. The same record of issued forecasts calibrates the tails (`conformal.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from nextclose.config import HybridConfig
from nextclose.errors import LeakError
from nextclose.metrics import crps_slope, mean_grid_crps
from nextclose.models.hybrid.adaptive_tails import Trackers, no_trackers
from nextclose.models.hybrid.conformal import Calibration, learnt_calibration
from nextclose.models.mixture import restore_forecaster
from nextclose.models.protocol import Fitted, Model, Traits
from nextclose.models.state import State, decode_state
from nextclose.samples.samples import Samples
from nextclose.samples.splits import outsider_view
from nextclose.schema import LEVELS, Floats, Ints

MINIMUM_FORECASTS = 250  # resolved, before weights are learnt from them
MAXIMUM_FORECASTS = 50_000  # more add time, not weight
LOSS_GRAIN = 1e-4  # of the mean loss: the unit in which weights are told apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What was issued in one fold, in target units; rising quantiles.

    `members`: (member, row, horizon, level), NaN where a member makes no forecast; `raw`: the
    hybrid's own before calibration, (row, horizon, level); `trackers` as they stood at the end.
    """

    rows: Ints
    members: Floats
    raw: Floats
    trackers: Trackers


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedHybrid:
    """The fitted members, their weights (horizon, member), and the calibration of the tails.

    `fitted_at` is a day number: forecasts are replayed from the first origin on or after it.
    """

    members: Mapping[str, Fitted]
    weights: Annotated[Floats, "float64 horizon member"]
    calibration: Calibration
    fitted_at: int
    family: str
    context_sessions: int
    outsiders: tuple[str, ...] = ()  # members of the user's own, which are shown less

    def __post_init__(self) -> None:
        """Raise ValueError unless weights are those of the members, and what waits is older."""
        if self.weights.shape[1] != len(self.members) or (self.weights < 0).any():
            raise ValueError("a weight is below 0, or not one for each member")
        waiting = self.calibration.trackers.waiting_origin
        if waiting.max(initial=self.fitted_at - 1) >= self.fitted_at:
            raise ValueError("a forecast waits for its outcome that was issued after the fit")

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Calibrated quantiles, target units. Shape (row, horizon, level).

        Replays every forecast of the rows' symbols since the fit: adaptive tails remember them.
        Expects: bars that hold a full forecast at the fit.
        Raises: LeakError for rows older than the fit; ValueError for rows without their context.
        """
        self._refuse_older(samples, rows)
        since = self._rows_since(samples, rows)
        if not np.isin(rows, since).all():
            raise ValueError("a row is asked for that lacks the sessions one forecast reads")
        views = dict.fromkeys(self.members, samples)
        if self.outsiders:  # as in a backtest
            shown = outsider_view(samples, known_at=np.datetime64(self.fitted_at, "D"))
            views |= dict.fromkeys(self.outsiders, shown)
        issued = np.stack(
            [
                np.sort(member.quantiles(views[name], since), axis=2)
                for name, member in self.members.items()
            ]
        )
        grid, _ = self.calibration.issued(samples, since, weighted_quantiles(issued, self.weights))
        return np.asarray(grid[np.searchsorted(since, rows)])

    def _refuse_older(self, samples: Samples, rows: Ints) -> None:
        older = samples.origin[rows][samples.origin[rows].astype(np.int64) < self.fitted_at]
        if len(older):
            known_at = str(np.datetime64(self.fitted_at, "D"))
            raise LeakError(what="this hybrid", known_at=known_at, used_at=str(older.min()))

    def _rows_since(self, samples: Samples, rows: Ints) -> Ints:
        """All rows that were forecast since the fit, of the segments of `rows`, up to the last."""
        day = samples.origin.astype(np.int64)
        ready = samples.ready(self.family, context_sessions=self.context_sessions)
        asked = np.zeros(len(day), dtype=np.bool_)
        for start, stop in samples.segments:
            inside = rows[(rows >= start) & (rows < stop)]
            if len(inside):
                asked[start : inside.max() + 1] = True
        return np.flatnonzero(asked & ready & (day >= self.fitted_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hybrid:
    """How the hybrid is made of its members; a `Forecaster` that learns from issued forecasts."""

    settings: HybridConfig
    models: Mapping[str, Model]
    name: str = "hybrid"
    outsiders: tuple[str, ...] = ()  # members of the user's own

    @property
    def traits(self) -> Traits:
        """It reads as many rows as its hungriest member; the settings are its and its members'."""
        members = {name: dict(model.traits.settings) for name, model in self.models.items()}
        return Traits(
            fitted=FittedHybrid,
            settings={"hybrid": self.settings.model_dump(mode="json"), "members": members},
            context_sessions=max(m.traits.context_sessions for m in self.models.values()),
            reach_sessions=max(m.traits.reach_sessions for m in self.models.values()),
            replays=True,
            is_member=False,
        )

    def learnt(
        self, members: Mapping[str, Fitted], past: Sequence[Issued], known: Samples
    ) -> FittedHybrid:
        """Weights and calibration from what was issued in `past` folds, as far as it has resolved.

        Expects: `members` in the order of `models`; `known` as the samples stood at the fit.
        """
        rows, issued, raw = past_forecasts(
            past, n_members=len(members), n_horizons=len(known.horizons)
        )
        target = known.target[rows]  # NaN where not resolved by now
        weights = np.stack(
            [
                learnt_weights(issued[:, :, k], target[:, k], equal_share=self.settings.equal_share)
                for k in range(len(known.horizons))
            ]
        )
        trackers = past[-1].trackers if past else no_trackers(len(known.horizons))
        calibration = learnt_calibration(
            raw,
            target,
            known.origin[rows],
            horizons=known.horizons,
            trackers=trackers,
            step=self.settings.calibration_step,
        )
        return FittedHybrid(
            members=members,
            weights=weights,
            calibration=calibration,
            fitted_at=int(known.origin[known.readable()].max().astype(np.int64)),
            family=self.traits.family,
            context_sessions=self.traits.context_sessions,
            outsiders=self.outsiders,
        )

    def restore(self, state: State) -> Fitted:
        """The FittedHybrid that gave this state.

        Raises: ValueError saying what is not that of one.
        """
        fitted = decode_state(
            FittedHybrid,
            state,
            build_part=lambda name, part: restore_forecaster(self.models[name], part),
        )
        needed = (self.traits.family, self.traits.context_sessions)
        if (fitted.family, fitted.context_sessions) != needed:
            raise ValueError(f"context_sessions are not the {needed[1]} of its members")
        if fitted.outsiders != self.outsiders:
            raise ValueError(f"members of the user's own are {self.outsiders!r:.60}")
        return fitted


def past_forecasts(
    past: Sequence[Issued], *, n_members: int, n_horizons: int
) -> tuple[Ints, Floats, Floats]:
    """Rows, members' grids and raw grids of all past folds, one behind the other."""
    if not past:
        shape = (0, n_horizons, len(LEVELS))
        return np.empty(0, np.int64), np.empty((n_members, *shape)), np.empty(shape)
    return (
        np.concatenate([fold.rows for fold in past]),
        np.concatenate([fold.members for fold in past], axis=1),
        np.concatenate([fold.raw for fold in past]),
    )


def weighted_quantiles(members: Floats, weights: Floats) -> Floats:
    """Weighted mean of the members' quantiles, level by level. Shape (row, horizon, level).

    `members`: (member, row, horizon, level); `weights`: (horizon, member). Where a member makes no
    forecast the others share its weight, alike if none of them has any. NaN where nobody makes one.
    Each row is computed alone, in the members' order.
    Source: Lichtendahl, Grushka-Cockayne & Winkler (2013), Is it better to average probabilities
        or quantiles?, Management Science 59.
    """
    is_forecast = np.isfinite(members).all(axis=3)  # (member, row, horizon)
    weight = np.where(is_forecast, weights.T[:, None, :], 0.0)
    weight = np.where(weight.sum(axis=0) > 0, weight, is_forecast)
    total = np.zeros(members.shape[1:])
    for grid, share in zip(members, weight, strict=True):
        total = total + np.where(share[..., None] > 0, grid * share[..., None], 0.0)
    whole = weight.sum(axis=0)
    return np.asarray(total / np.where(whole > 0, whole, np.nan)[..., None])


def learnt_weights(members: Floats, target: Floats, *, equal_share: float) -> Floats:
    """Weights >= 0 that sum to 1, of least mean CRPS, pulled to equal by `equal_share`. (member,).

    `members`: (member, row, level); `target`: (row,), NaN where not known. A member that has issued
    nothing keeps an equal share, for the day when it does; rows without all others are left out;
    with fewer than 250 rows the weights are equal.
    """
    n = len(members)
    equal = np.full(n, 1.0 / n)
    is_issued = np.asarray(np.isfinite(members).all(axis=2))  # (member, row)
    present = np.flatnonzero(is_issued.any(axis=1))
    complete = np.flatnonzero(is_issued[present].all(axis=0) & np.isfinite(target))
    if len(complete) < MINIMUM_FORECASTS or len(present) < 2:
        return equal
    chosen = complete[:: -(-len(complete) // MAXIMUM_FORECASTS)]
    fitted = equal.copy()
    fitted[present] = least_crps_weights(members[np.ix_(present, chosen)], target[chosen])
    fitted[present] *= len(present) / n
    return (1.0 - equal_share) * fitted + equal_share * equal


def least_crps_weights(members: Floats, target: Floats) -> Floats:
    """The convex weights of least mean CRPS. `members`: (member, row, level). Shape (member,)."""
    from scipy.optimize import minimize  # half a second that a forecast can do without

    n = len(members)
    equal = np.full(n, 1.0 / n)
    unit = LOSS_GRAIN * mean_grid_crps(members.mean(axis=0), target)  # members differ by little
    if unit <= 0:
        return equal  # prices that never moved

    def loss(weights: Floats) -> tuple[float, Floats]:
        grid = np.tensordot(weights, members, axes=1)  # (row, level)
        slope = crps_slope(grid, target)
        gradient = -np.tensordot(members, slope, axes=([1, 2], [0, 1])) / len(target)
        return mean_grid_crps(grid, target) / unit, gradient / unit

    optimum = minimize(
        loss,
        equal,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * n,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": lambda w: np.ones(n)},
    )
    weights = np.clip(optimum.x, 0.0, 1.0)
    return np.asarray(weights / weights.sum())
