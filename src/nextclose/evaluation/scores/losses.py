"""Forecasts in, the same rows with their losses out: one frame that everything after reads."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.errors import DataError
from nextclose.evaluation.scores.foreign_metrics import NO_METRICS, metric_losses
from nextclose.metrics import (
    Metric,
    direction_call,
    grid_crps,
    interval_width_pct,
    is_inside,
    percentage_error,
    pit,
)
from nextclose.schema import (
    FORECAST_SCHEMA,
    LEVELS,
    MEDIAN,
    QUANTILE_COLUMNS,
    Bools,
    Finding,
    Floats,
)

KEY = ("symbol", "origin", "horizon_sessions", "model")
SOME_ROWS = 1 << 17  # at once: quantiles of all rows would be there twice
SHOWN_INTERVALS = (0.5, 0.8, 0.9, 0.95)


def with_losses(
    forecasts: pl.DataFrame, *, metrics: Mapping[str, Metric] = NO_METRICS
) -> pl.DataFrame:
    """The forecasts with one column per loss; null where the outcome is not known yet.

    Adds crps, absolute_error, squared_error (log return and its square), percentage_error and
    width_90_pct (% of price), inside_50/80/90/95, pit, call (1 up, -1 down, 0 none), point_only.
    Of foreign `metrics` a column each, by their names.
    Point-only rows (all quantiles equal) have null inside, width and pit: they state no range.
    Expects: FORECAST_SCHEMA, other columns pass through; any row order, kept.
    NaN: refused, as are null or falling quantiles and a second forecast with the same key.
    Raises: DataError (every rule broken, with its first place and count); ConfigError as
        `metric_losses`.
    """
    _check(forecasts)
    parts = [_losses_of(part, metrics) for part in forecasts.iter_slices(SOME_ROWS)]
    return forecasts.with_columns(pl.concat(parts or [_losses_of(forecasts, metrics)]))


def _losses_of(forecasts: pl.DataFrame, metrics: Mapping[str, Metric]) -> pl.DataFrame:
    """The columns that `with_losses` adds."""
    quantiles = quantile_matrix(forecasts)
    outcome = forecasts["target"].to_numpy()  # NaN where not known
    point = quantiles[:, 0] == quantiles[:, -1]
    known = np.isfinite(outcome)
    median = quantiles[:, MEDIAN]
    ranged = known & ~point
    columns = {
        "crps": _nullable(grid_crps(quantiles, outcome), known),
        "absolute_error": _nullable(np.abs(outcome - median), known),
        "squared_error": _nullable((outcome - median) ** 2, known),
        "percentage_error": _nullable(percentage_error(median, outcome), known),
        **{
            f"inside_{round(100 * nominal)}": _nullable(
                is_inside(quantiles, outcome, nominal=nominal), ranged
            )
            for nominal in SHOWN_INTERVALS
        },
        "width_90_pct": _nullable(interval_width_pct(quantiles), ~point),
        "pit": _nullable(pit(quantiles, np.where(known, outcome, 0.0)), ranged),
        "call": pl.Series(direction_call(quantiles), dtype=pl.Int8),
        "point_only": pl.Series(point),
    }
    if metrics:  # without any the copy of all quantiles would be for nothing
        for name, losses in metric_losses(metrics, quantiles[known], outcome[known]).items():
            values = np.full(len(known), np.nan)
            values[known] = losses
            columns[name] = _nullable(values, known)
    return pl.DataFrame(columns)


def quantile_matrix(forecasts: pl.DataFrame) -> Floats:
    """The quantile columns as one array. Shape (row, level), each level contiguous."""
    return np.asfortranarray(
        np.column_stack([forecasts[name].to_numpy() for name in QUANTILE_COLUMNS])
        if forecasts.height
        else np.empty((0, len(LEVELS)))
    )


def _nullable(values: Floats | Bools, valid: Bools) -> pl.Series:
    """A series that is null where not `valid`."""
    series = pl.Series("value", values)
    return series.to_frame().select(pl.when(pl.Series(valid)).then(pl.col("value")))["value"]


def _check(forecasts: pl.DataFrame) -> None:
    missing = [name for name in FORECAST_SCHEMA if name not in forecasts.columns]
    if missing:
        raise DataError(
            (
                Issue.MISSING_COLUMN.finding(
                    "forecasts without " + ", ".join(missing),
                    rule="a forecast frame has every column of the forecast schema",
                    fix="Add the columns; `target` may be null.",
                ),
            )
        )
    quantile = [pl.col(name) for name in QUANTILE_COLUMNS]
    unsound = ~pl.all_horizontal(column.is_finite().fill_null(False) for column in quantile)
    falling = pl.any_horizontal(high < low for low, high in itertools.pairwise(quantile))
    rules = (
        (Issue.NOT_FINITE, unsound, "a quantile that is null, NaN or infinite",
         "every quantile is a number", "Leave the row out where there is no forecast."),
        (Issue.NOT_FINITE, falling & ~unsound, "quantiles that fall",
         "quantiles rise with their level", "Sort each row's quantiles."),
        (Issue.NOT_FINITE, ~pl.col("target").is_finite().fill_null(True),
         "a target that is NaN or infinite", "a target is a log return, or null until known",
         "Use null."),
        (Issue.CONTRADICTING_ROWS, ~pl.struct(KEY).is_first_distinct(),
         "a second forecast with the same key",
         "one forecast per symbol, origin, horizon and model", "Keep the one issued first."),
        (Issue.CONTRADICTING_ROWS, (pl.col("resolved") <= pl.col("origin")).fill_null(False),
         "a target that resolves by the close it is forecast from", "resolved after origin",
         "Give the session whose close is the target."),
        (Issue.CONTRADICTING_ROWS, pl.col("horizon_sessions").fill_null(0) < 1,
         "a horizon of less than one session", "a horizon is at least one session",
         "Count the sessions from origin to target."),
        (Issue.ILLEGAL_SYMBOL, pl.col("symbol").fill_null("*") == "*",
         "a symbol that is '*' or null", "'*' stands for all symbols together",
         "Name each symbol."),
    )  # fmt: skip
    findings = tuple(
        _finding(issue, forecasts.filter(broken), found, rule, fix)
        for issue, broken, found, rule, fix in rules
        if forecasts.select(broken.any()).item()
    )
    if findings:
        raise DataError(findings)


def _finding(issue: Issue, rows: pl.DataFrame, found: str, rule: str, fix: str) -> Finding:
    first = rows.row(0, named=True)
    return issue.finding(
        f"{found} ({first['model']} at {first['horizon_sessions']} sessions)",
        rule=rule,
        fix=fix,
        symbol=str(first["symbol"]),
        session=str(first["origin"]),
        count=rows.height,
    )
