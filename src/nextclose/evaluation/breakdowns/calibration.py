"""Do the stated ranges hold what they promise: by level, over time, over the whole density."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.hypothesis_tests.mean import decisive_test
from nextclose.evaluation.scores.losses import quantile_matrix
from nextclose.metrics import INTERVALS, is_inside
from nextclose.schema import Bools, Floats


def coverage_by_level(scored: pl.DataFrame) -> pl.DataFrame:
    """Promised against realised coverage, one row per horizon, model and central interval.

    Columns: horizon_sessions, model, nominal, realised (shares), standard_error (share, allows for
    overlapping outcomes and symbols moving together; null if undefined), forecasts.
    Expects: forecasts as `with_losses` gives them. Rows of points are left out.
    """
    rows = []
    for horizon, model, part in _parts_with_ranges(scored):
        quantiles, outcome = quantile_matrix(part), part["target"].to_numpy()
        for nominal in sorted(INTERVALS):
            is_held = is_inside(quantiles, outcome, nominal=nominal)
            error = _standard_error(part, is_held, horizon)
            row = (horizon, model, nominal, float(is_held.mean()), error, part.height)
            rows.append(row)
    schema = {
        "horizon_sessions": pl.Int32,
        "model": pl.String,
        "nominal": pl.Float64,
        "realised": pl.Float64,
        "standard_error": pl.Float64,
        "forecasts": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def rolling_coverage(scored: pl.DataFrame, *, window_origins: int = 250) -> pl.DataFrame:
    """Coverage of the 90 % band over the last `window_origins` origins, by horizon and model.

    Expects: as `coverage_by_level`.
    Columns: horizon_sessions, model, origin, coverage_90 (mean over symbols, then over origins).
    The first row of a model is at its `window_origins`-th origin: none is shown before.
    """
    frame = scored.select("horizon_sessions", "model", "origin", "inside_90").drop_nulls()
    by_origin = frame.group_by("horizon_sessions", "model", "origin").agg(
        pl.col("inside_90").mean().alias("coverage_90")
    )
    rolling = pl.col("coverage_90").rolling_mean(window_origins).over("horizon_sessions", "model")
    return (
        by_origin.sort("horizon_sessions", "model", "origin")
        .with_columns(rolling)
        .drop_nulls("coverage_90")
    )


def pit_histogram(scored: pl.DataFrame, *, n_bins: int = 20) -> pl.DataFrame:
    """Counts of the probability integral transform; equal counts mean a calibrated density.

    Expects: as `coverage_by_level`.
    Columns: horizon_sessions, model, low, high (bin ends in [0, 1]), count, expected (count if
    calibrated). A hump in the middle: ranges too wide; piles at the ends: too narrow.
    """
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    rows = []
    for horizon, model, part in _parts_with_ranges(scored):
        counts, _ = np.histogram(part["pit"].to_numpy(), bins=edges)
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
            rows.append((horizon, model, low, high, int(count), part.height / n_bins))
    schema = {
        "horizon_sessions": pl.Int32,
        "model": pl.String,
        "low": pl.Float64,
        "high": pl.Float64,
        "count": pl.Int64,
        "expected": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _parts_with_ranges(scored: pl.DataFrame) -> Iterator[tuple[int, str, pl.DataFrame]]:
    """Scored forecasts with a range and a known outcome, by horizon and model."""
    has_range = pl.col("pit").is_not_null()
    keys = scored.lazy().filter(has_range).select("horizon_sessions", "model").unique().collect()
    for horizon, model in keys.sort("horizon_sessions", "model").iter_rows():
        yield horizon, model, scored.filter(has_range, horizon_sessions=horizon, model=model)


def _standard_error(part: pl.DataFrame, is_held: Bools, horizon: int) -> float | None:
    by_origin = (
        part.select("origin", coverage=pl.Series(is_held))
        .group_by("origin")
        .agg(pl.col("coverage").mean())
    )
    series: Floats = by_origin.sort("origin")["coverage"].to_numpy()
    try:
        pooled = part["symbol"].n_unique() > 1
        return decisive_test(series, horizon_sessions=horizon, pooled=pooled).standard_error
    except NotEnoughDataError:  # all inside or all outside: no spread to estimate
        return None
