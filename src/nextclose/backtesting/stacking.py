"""The hybrid's course through the folds: its record goes on from each to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from nextclose.backtesting.forecasts import Forecast, known_losses
from nextclose.backtesting.study import ready_rows
from nextclose.models.hybrid.hybrid import Hybrid, mean_quantiles
from nextclose.models.hybrid.record import no_record, stretched
from nextclose.models.mixture import combine_seeds
from nextclose.models.protocol import Fitted
from nextclose.models.registry import HYBRID
from nextclose.samples.samples import Samples
from nextclose.samples.splits import Fold, known_at
from nextclose.schema import ABLATION_SCHEMA, Bools, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The hybrid of every fold: fits, forecasts, and what its variants would have lost."""

    fits: Mapping[tuple[str, int], tuple[Fitted, ...]]
    issued: Mapping[tuple[str, int], Forecast]
    ablation: pl.DataFrame  # ABLATION_SCHEMA; folds from the first tested on


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
    losses = [pl.DataFrame(schema=ABLATION_SCHEMA)]
    fitted: dict[tuple[str, int], tuple[Fitted, ...]] = {}
    own: dict[tuple[str, int], Forecast] = {}
    record = no_record(len(samples.horizons))
    for fold in folds if hybrid is not None else ():
        assert hybrid is not None
        members = {name: combine_seeds(fits[name, fold.index]) for name in hybrid.models}
        known = known_at(samples, fold.fitted_at)
        fitted[HYBRID, fold.index] = (hybrid.of_members(members, record, known),)
        is_ready = ready_rows(samples, hybrid)[fold.test_rows]
        forecasts = [_of_ready_rows(issued[name, fold.index], is_ready) for name in members]
        grids = np.stack([forecast.grid for forecast in forecasts])
        raw = mean_quantiles(grids)
        rows = fold.test_rows
        then = known_at(samples, samples.origin[rows].max()) if len(rows) else samples
        factors, record = record.moved(then, rows, raw)
        seeds = [mean_quantiles(seed) for seed in _of_each_seed(forecasts)]
        own[HYBRID, fold.index] = Forecast(
            rows=rows,
            grid=stretched(raw, factors),
            seeds=np.stack(seeds) if seeds else np.empty((0, *raw.shape)),
        )
        if fold.index >= n_rehearsals:
            losses += [
                known_losses(samples, rows, grid, variant=variant)
                for variant, grid in _variants(list(members), grids)
            ]
    return Stack(fits=fitted, issued=own, ablation=pl.concat(losses))


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


def _variants(names: Sequence[str], members: Floats) -> Iterator[tuple[str, Floats]]:
    """The hybrid before its ranges are stretched, and without each member, by variant.

    Of members alone that forecast anything: a silent one is not missed.
    """
    yield "raw", mean_quantiles(members)
    speaks = [k for k in range(len(names)) if np.isfinite(members[k]).any()]
    for left_out in speaks if len(speaks) > 1 else ():
        others = [k for k in speaks if k != left_out]
        variant = f"{names[others[0]]} alone" if len(others) == 1 else f"without {names[left_out]}"
        yield variant, mean_quantiles(members[others])
