"""Forecast frames made by hand: outcomes, and models that state a median and a normal width."""

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
from scipy.special import ndtri

from nextclose.evaluation.verdict.document import flat_row
from nextclose.evaluation.verdict.verdict import verdicts
from nextclose.schema import FORECAST_SCHEMA, LEVELS, QUANTILE_COLUMNS

NORMAL = ndtri(LEVELS)
SD = 0.015  # of one session's log return


def rows(
    model: str,
    outcome: np.ndarray,
    *,
    median: np.ndarray | float = 0.0,
    sd: np.ndarray | float = 0.0,
    symbol: str = "AAA",
    horizon: int = 1,
    close: np.ndarray | float = 100.0,
) -> pl.DataFrame:
    """One forecast a day; sd 0 is a point forecast. Shape of `outcome`: (origin,), NaN = null."""
    n = len(outcome)
    days = [date(2015, 1, 1) + timedelta(days=k) for k in range(n + horizon)]
    median, sd = np.broadcast_to(median, n), np.broadcast_to(sd, n)
    quantiles = median[:, None] + sd[:, None] * NORMAL
    return pl.DataFrame(
        {
            "symbol": [symbol] * n,
            "origin": days[:n],
            "horizon_sessions": [horizon] * n,
            "model": [model] * n,
            "fold": [0] * n,
            "resolved": days[horizon:],
            "close": np.broadcast_to(close, n).astype(float),
            "target": pl.Series(outcome, dtype=pl.Float64).fill_nan(None),
            **{name: quantiles[:, j] for j, name in enumerate(QUANTILE_COLUMNS)},
        },
        schema=FORECAST_SCHEMA,
    )


def baselines(outcome: np.ndarray, *, sd: float = SD, **where) -> pl.DataFrame:
    """Naive, drift and both historical densities, hs_expanding half as wide again as `sd`."""
    return pl.concat(
        [
            rows("naive", outcome, **where),
            rows("drift", outcome, median=1e-5, sd=sd, **where),
            rows("hs_250", outcome, sd=sd, **where),
            rows("hs_expanding", outcome, sd=1.5 * sd, **where),
        ]
    )


def overlapping(rng: np.random.Generator, n: int, horizon: int, *, sd: float = SD) -> np.ndarray:
    """Log returns over `horizon` sessions of a random walk, one for each of n sessions."""
    walk = np.concatenate([[0.0], np.cumsum(sd * rng.standard_normal(n + horizon - 1))])
    return np.asarray(walk[horizon:] - walk[:-horizon])


def flat_verdicts(frame: pl.DataFrame, **options) -> list[SimpleNamespace]:
    """The verdict as verdict.json has it, its figures as attributes."""
    return [SimpleNamespace(**flat_row(row)) for row in verdicts(frame, **options)]


def relative_mae(median: np.ndarray, outcome: np.ndarray) -> float:
    """By its definition: the errors of one series over those of "no change"."""
    return float(np.abs(outcome - median).sum() / np.abs(outcome).sum())
