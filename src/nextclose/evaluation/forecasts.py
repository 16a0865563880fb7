"""Forecasts on their way from a model to the frame that everything after reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from nextclose.evaluation.metrics import grid_crps
from nextclose.models.protocol import Fitted
from nextclose.models.threads import one_thread
from nextclose.samples.samples import Samples
from nextclose.schema import (
    FORECAST_SCHEMA,
    MEDIAN,
    QUANTILE_COLUMNS,
    SEED_SCHEMA,
    Floats,
    Ints,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What one model forecast in one fold: rising quantiles in target units.

    `grid`: (row, horizon, level), NaN where no forecast was made; `seeds`: the same of each seed
    alone, (seed, row, horizon, level), none for a model of one seed; `crossings` counts quantile
    vectors that had to be sorted.
    """

    rows: Ints
    grid: Floats
    seeds: Floats
    crossings: int = 0


def rising_quantiles(fitted: Fitted, samples: Samples, rows: Ints) -> tuple[Floats, int]:
    """Quantiles at `rows` in target units (row, horizon, level), and how many had to be sorted."""
    with one_thread():
        grid = fitted.quantiles(samples, rows)
    rising = np.sort(grid, axis=2)
    crossed = (rising != grid) & ~np.isnan(grid)
    return rising, int(crossed.any(axis=2).sum())


def log_quantiles(fitted: Fitted, samples: Samples, rows: Ints) -> tuple[Floats, int]:
    """The same as log returns: what a served forecast is made of, bit for bit a backtest's."""
    grid, crossings = rising_quantiles(fitted, samples, rows)
    return grid * samples.unit(rows)[:, :, None], crossings


def forecast_frame(
    samples: Samples, rows: Ints, grid: Floats, *, model: str, fold: int
) -> pl.DataFrame:
    """Log-return quantiles of shape (row, horizon, level) as rows of `FORECAST_SCHEMA`.

    A forecast with a NaN quantile was not made and gets no row.
    """
    symbols = np.array(samples.table.symbols)[samples.table.symbol[rows]]
    parts = []
    for k, horizon in enumerate(samples.horizons):
        outcome = samples.outcome[rows, k]
        columns: dict[str, Any] = {
            "symbol": symbols,
            "origin": samples.origin[rows],
            "horizon_sessions": np.full(len(rows), horizon, dtype=np.int32),
            "model": [model] * len(rows),
            "fold": np.full(len(rows), fold, dtype=np.int32),
            "resolved": samples.resolved[rows, k],
            "close": samples.table.close[rows],
            "target": outcome,
            **{name: grid[:, k, j] for j, name in enumerate(QUANTILE_COLUMNS)},
        }
        made = np.isfinite(grid[:, k]).all(axis=1)
        frame = pl.DataFrame(columns, schema=FORECAST_SCHEMA)
        parts.append(frame.filter(pl.Series(made)))
    return pl.concat(parts).with_columns(pl.col("target").fill_nan(None))


def seed_losses(samples: Samples, forecasts: Iterable[Forecast], *, model: str) -> pl.DataFrame:
    """Mean losses of each seed of one model over all its folds, in `SEED_SCHEMA`."""
    parts = [
        _losses_of_seed(samples, found.rows, grid, model=model, seed=seed)
        for found in forecasts
        for seed, grid in enumerate(found.seeds)
    ]
    rows = pl.concat([pl.DataFrame(schema=SEED_SCHEMA), *parts])
    loss = ("crps", "absolute_error")
    return (
        rows.group_by("model", "seed", "symbol", "horizon_sessions")
        .agg(pl.col("forecasts").sum(), *(pl.col(name).mean() for name in loss))
        .select(*SEED_SCHEMA)
        .sort("model", "seed", "symbol", "horizon_sessions")
    )


def _losses_of_seed(
    samples: Samples, rows: Ints, grid: Floats, *, model: str, seed: int
) -> pl.DataFrame:
    """One row per forecast with a known outcome, to be averaged."""
    symbols = np.array(samples.table.symbols)[samples.table.symbol[rows]]
    log_grid = grid * samples.unit(rows)[:, :, None]
    parts = []
    for k, horizon in enumerate(samples.horizons):
        outcome = samples.outcome[rows, k]
        known = np.isfinite(outcome)
        values = {
            "model": [model] * int(known.sum()),
            "seed": np.full(known.sum(), seed, dtype=np.int32),
            "symbol": symbols[known],
            "horizon_sessions": np.full(known.sum(), horizon, dtype=np.int32),
            "forecasts": np.ones(known.sum(), dtype=np.int64),
            "crps": grid_crps(log_grid[known, k], outcome[known]),
            "absolute_error": np.abs(outcome[known] - log_grid[known, k, MEDIAN]),
        }
        parts.append(pl.DataFrame(values, schema=SEED_SCHEMA))
    return pl.concat(parts)
