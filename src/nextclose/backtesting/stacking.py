"""The hybrid's course through the folds: each learns from what was issued in those before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from nextclose.backtesting.forecasts import Forecast, known_losses
from nextclose.backtesting.study import ready_rows
from nextclose.metrics import grid_crps
from nextclose.models.hybrid.hybrid import (
    FittedHybrid,
    Hybrid,
    Issued,
    learnt_weights,
    past_forecasts,
    weighted_quantiles,
)
from nextclose.models.mixture import combine_seeds
from nextclose.models.protocol import Fitted
from nextclose.models.registry import HYBRID
from nextclose.samples.samples import Samples
from nextclose.samples.splits import Fold, known_at
from nextclose.schema import (
    ABLATION_SCHEMA,
    WEIGHT_SCHEMA,
    Bools,
    Floats,
    Ints,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The hybrid of every fold: fits, forecasts, weights, and what its variants would have lost."""

    fits: Mapping[tuple[str, int], tuple[Fitted, ...]]
    issued: Mapping[tuple[str, int], Forecast]
    ablation: pl.DataFrame  # ABLATION_SCHEMA; folds from the first tested on
    weights: pl.DataFrame  # WEIGHT_SCHEMA


def walk_hybrid(
    samples: Samples,
    hybrid: Hybrid | None,
    folds: Sequence[Fold],
    *,
    fits: Mapping[tuple[str, int], tuple[Fitted, ...]],
    issued: Mapping[tuple[str, int], Forecast],
    n_rehearsals: int,
) -> Stack:
    """Walk the folds in order; nothing without a hybrid.

    `fits` and `issued` are those of its members in every fold, rehearsals included.
    """
    nothing = {"ablation": ABLATION_SCHEMA, "weights": WEIGHT_SCHEMA}
    if hybrid is None:
        empty = {name: pl.DataFrame(schema=schema) for name, schema in nothing.items()}
        return Stack(fits={}, issued={}, **empty)
    fitted: dict[tuple[str, int], tuple[Fitted, ...]] = {}
    own: dict[tuple[str, int], Forecast] = {}
    losses = [pl.DataFrame(schema=ABLATION_SCHEMA)]
    weights = [pl.DataFrame(schema=WEIGHT_SCHEMA)]
    past: list[Issued] = []
    for fold in folds:
        members = {name: combine_seeds(fits[name, fold.index]) for name in hybrid.models}
        fitted_hybrid = hybrid.learnt(members, past, known_at(samples, fold.fitted_at))
        is_ready = ready_rows(samples, hybrid)[fold.test_rows]
        forecasts = [_of_ready_rows(issued[name, fold.index], is_ready) for name in members]
        forecast, record = _issue(fitted_hybrid, samples, fold.test_rows, forecasts)
        if fold.index >= n_rehearsals:
            known = known_at(samples, fold.fitted_at)
            variants = dict(_variants(hybrid, record, past, known))
            losses += [
                known_losses(samples, fold.test_rows, g, variant=v) for v, g in variants.items()
            ]
            weights.append(_weight_rows(fitted_hybrid, samples.horizons))
        past.append(record)
        fitted[HYBRID, fold.index] = (fitted_hybrid,)
        own[HYBRID, fold.index] = forecast
    return Stack(fits=fitted, issued=own, ablation=pl.concat(losses), weights=pl.concat(weights))


def _issue(
    fitted: FittedHybrid, samples: Samples, rows: Ints, forecasts: Sequence[Forecast]
) -> tuple[Forecast, Issued]:
    """The hybrid's forecasts of one fold, and the record that later folds learn from."""
    members = np.stack([forecast.grid for forecast in forecasts])
    raw = weighted_quantiles(members, fitted.weights)
    then = known_at(samples, samples.origin[rows].max()) if len(rows) else samples
    grid, trackers = fitted.calibration.issued(then, rows, raw)
    seeds = [weighted_quantiles(seed, fitted.weights) for seed in _of_each_seed(forecasts)]
    none = np.empty((0, *raw.shape))
    return (
        Forecast(rows=rows, grid=grid, seeds=np.stack(seeds) if seeds else none),
        Issued(rows=rows, members=members, raw=raw, trackers=trackers),
    )


def _of_ready_rows(forecast: Forecast, is_ready: Bools) -> Forecast:
    """The same, NaN where the hybrid has too little history: there its members stand alone."""
    grid, seeds = forecast.grid.copy(), forecast.seeds.copy()
    grid[~is_ready], seeds[:, ~is_ready] = np.nan, np.nan
    return replace(forecast, grid=grid, seeds=seeds)


def _of_each_seed(forecasts: Sequence[Forecast]) -> Iterator[Floats]:
    """The members' grids with one seed of each seeded member, seed by seed."""
    n_seeds = max(len(forecast.seeds) for forecast in forecasts)
    for seed in range(n_seeds):
        yield np.stack(
            [
                forecast.seeds[seed % len(forecast.seeds)] if len(forecast.seeds) else forecast.grid
                for forecast in forecasts
            ]
        )


def _variants(
    hybrid: Hybrid, record: Issued, past: Sequence[Issued], known: Samples
) -> Iterator[tuple[str, Floats]]:
    """Grids of the hybrid and of what it might have been, before calibration, by variant."""
    names = list(hybrid.models)
    horizons = range(len(known.horizons))
    rows, members, _ = past_forecasts(past, n_members=len(names), n_horizons=len(known.horizons))
    target = known.target[rows]
    share = hybrid.settings.equal_share
    yield "raw", record.raw
    yield (
        "equal weights",
        weighted_quantiles(record.members, np.full((len(horizons), len(names)), 1.0)),
    )
    picked = [picked_weights(members[:, :, k], target[:, k]) for k in horizons]
    grid = weighted_quantiles(
        record.members, np.stack([np.ones(len(names)) if w is None else w for w in picked])
    )
    grid[:, [w is None for w in picked]] = np.nan
    yield "picked member", grid
    for left_out, name in enumerate(names):
        others = [i for i in range(len(names)) if i != left_out]
        weights = [
            learnt_weights(members[others, :, k], target[:, k], equal_share=share) for k in horizons
        ]
        yield f"without {name}", weighted_quantiles(record.members[others], np.stack(weights))


def picked_weights(members: Floats, target: Floats) -> Floats | None:
    """All weight on the member with the least mean CRPS so far; None with no record. (member,).

    `members`: (member, row, level); `target`: (row,), NaN where not known.
    """
    complete = np.isfinite(members).all(axis=(0, 2)) & np.isfinite(target)
    if not complete.any():
        return None
    losses = [grid_crps(grid[complete], target[complete]).mean() for grid in members]
    weights = np.zeros(len(members))
    weights[int(np.argmin(losses))] = 1.0
    return weights


def _weight_rows(fitted: FittedHybrid, horizons: Sequence[int]) -> pl.DataFrame:
    """The weights of one refit in `WEIGHT_SCHEMA`."""
    names = list(fitted.members)
    day = np.datetime64(fitted.fitted_at, "D").astype(object)
    rows = [
        (day, horizon, name, float(weight))
        for horizon, weights in zip(horizons, fitted.weights, strict=True)
        for name, weight in zip(names, weights, strict=True)
    ]
    return pl.DataFrame(rows, schema=WEIGHT_SCHEMA, orient="row")
