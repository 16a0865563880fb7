"""Forecasts on their way from a model to the frame that everything after reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from nextclose.errors import ConfigError
from nextclose.metrics import grid_crps, interval_width_pct, is_inside
from nextclose.models.protocol import Fitted
from nextclose.models.threads import one_thread
from nextclose.samples.samples import Samples
from nextclose.schema import (
    ABLATION_SCHEMA,
    FORECAST_SCHEMA,
    LEVELS,
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
    """Quantiles at `rows` in target units (row, horizon, level), and how many had to be sorted.

    Raises: ConfigError for another shape, which a model of the user's own may give.
    """
    expected = (len(rows), len(samples.horizons), len(LEVELS))
    if not len(rows):  # nobody is asked: a model of the user's own may not know what to say
        return np.empty(expected), 0
    with one_thread():
        grid = np.asarray(fitted.quantiles(samples, rows), dtype=np.float64)
    if grid.shape != expected:
        raise ConfigError(
            f"{type(fitted).__name__}.quantiles gave shape {grid.shape}, expected {expected}: "
            "(row, horizon, level). Fix: return one value for each."
        )
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
    n = len(samples.horizons)
    by_horizon = np.moveaxis(grid, 1, 0).reshape(
        n * len(rows), grid.shape[2]
    )  # one horizon after the other
    columns: dict[str, Any] = {
        "symbol": np.tile(symbols, n),
        "origin": np.tile(samples.origin[rows], n),
        "horizon_sessions": np.repeat(np.array(samples.horizons, dtype=np.int32), len(rows)),
        "model": [model] * (n * len(rows)),
        "fold": np.full(n * len(rows), fold, dtype=np.int32),
        "resolved": samples.resolved[rows].T.ravel(),
        "close": np.tile(samples.table.close[rows], n),
        "target": samples.outcome[rows].T.ravel(),
        **{name: np.ascontiguousarray(by_horizon[:, j]) for j, name in enumerate(QUANTILE_COLUMNS)},
    }
    is_made = np.isfinite(by_horizon).all(axis=1)
    frame = pl.DataFrame(columns, schema=FORECAST_SCHEMA)
    return frame.filter(pl.Series(is_made)).with_columns(pl.col("target").fill_nan(None))


def known_losses(samples: Samples, rows: Ints, grid: Floats, *, variant: str) -> pl.DataFrame:
    """Losses of target-unit forecasts whose outcome is known, in `ABLATION_SCHEMA`.

    A forecast that was not made has none.
    """
    symbols = np.array(samples.table.symbols)[samples.table.symbol[rows]]
    quantiles = grid * samples.unit(rows)[:, :, None]
    parts = []
    for k, horizon in enumerate(samples.horizons):
        outcome = samples.outcome[rows, k]
        known = np.isfinite(outcome) & np.isfinite(quantiles[:, k]).all(axis=1)
        values = {
            "symbol": symbols[known],
            "origin": samples.origin[rows][known],
            "horizon_sessions": np.full(known.sum(), horizon, dtype=np.int32),
            "variant": [variant] * int(known.sum()),
            "crps": grid_crps(quantiles[known, k], outcome[known]),
            "absolute_error": np.abs(outcome[known] - quantiles[known, k, MEDIAN]),
            "inside_90": is_inside(quantiles[known, k], outcome[known]).astype(np.float64),
            "width_90_pct": interval_width_pct(quantiles[known, k]),
        }
        parts.append(pl.DataFrame(values, schema=ABLATION_SCHEMA))
    return pl.concat(parts)


def seed_losses(samples: Samples, forecasts: Iterable[Forecast], *, model: str) -> pl.DataFrame:
    """Mean losses of each seed of one model over all its folds, in `SEED_SCHEMA`."""
    parts = [
        known_losses(samples, forecast.rows, grid, variant=str(seed))
        for forecast in forecasts
        for seed, grid in enumerate(forecast.seeds)
    ]
    rows = pl.concat([pl.DataFrame(schema=ABLATION_SCHEMA), *parts])
    return (
        rows.group_by(pl.col("variant").alias("seed"), "symbol", "horizon_sessions")
        .agg(pl.len().alias("forecasts"), pl.col("crps").mean(), pl.col("absolute_error").mean())
        .select(pl.lit(model).alias("model"), *(name for name in SEED_SCHEMA if name != "model"))
        .cast(pl.Schema(SEED_SCHEMA))
        .sort("seed", "symbol", "horizon_sessions")
    )
