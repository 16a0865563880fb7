"""Where a result comes from: the same figures by calendar year and by volatility regime."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from nextclose.evaluation.scores.panel import Losses, Panel
from nextclose.evaluation.verdict.comparison import (
    density_comparison,
    error_comparison,
    range_comparison,
    skill_of,
)
from nextclose.evaluation.verdict.coverage import mean_known
from nextclose.schema import Floats

REGIMES = ("calm", "normal", "stormy")
REGIME_ORIGINS = 22  # about a trading month
SIZEABLE = 1 / 3  # of the fullest slice: a stub of a year is not the worst of them
_SCHEMA = {
    "horizon_sessions": pl.Int32,
    "model": pl.String,
    "slice": pl.String,
    "forecasts": pl.Int64,
    "relative_mae": pl.Float64,
    "crps_skill_vs_hs": pl.Float64,
    "hs_reference": pl.String,
    "crps_skill_vs_garch": pl.Float64,
    "coverage_90": pl.Float64,
    "width_90_pct": pl.Float64,
    "worst": pl.Boolean,
}


def by_year(panels: Sequence[Panel]) -> pl.DataFrame:
    """Pooled figures per horizon, model and calendar year of the origin.

    Columns: horizon_sessions, model, slice (the year), forecasts, relative_mae, crps_skill_vs_hs
    and hs_reference (the better historical density *of that slice*), crps_skill_vs_garch,
    coverage_90, width_90_pct, worst: the slice with the lowest range skill (against garch where it
    is there), for point forecasts with the highest relative MAE, stubs left out: it must have a
    third of the forecasts of the fullest.
    Null where there is no such figure. Small slices: read them as a spread, not a test.
    Rows by horizon, then year: a model that covers fewer years does not come first.
    """
    frame = _slice_table(panels, _years)
    return frame.sort("horizon_sessions", "slice", maintain_order=True)


def by_regime(panels: Sequence[Panel]) -> pl.DataFrame:
    """Pooled figures per horizon, model and volatility regime; columns as `by_year`.

    Regime: terciles, symbol by symbol, of the mean |log return| between the closes of the last 22
    origins, the forecast's own included. A symbol's first 21 origins have none: left out.
    Causal: the state is known at the origin; the tercile bounds come from all origins shown.
    """
    return _slice_table(panels, _regimes)


def worst_year(panel: Panel, model: str) -> dict[str, Any] | None:
    """The marked row of `by_year` for one model of the panel; None if it answers for nothing."""
    rows = _rows(list(_years(panel)), model)
    return next((row for row in rows if row["worst"]), None)


def _slice_table(
    panels: Sequence[Panel], cut: Callable[[Panel], Iterator[tuple[str, Panel]]]
) -> pl.DataFrame:
    rows = []
    for panel in panels:
        parts = list(cut(panel))
        for model in panel.models:
            rows += _rows(parts, model)
    return pl.DataFrame(rows, schema=_SCHEMA)


def _rows(parts: Sequence[tuple[str, Panel]], model: str) -> list[dict[str, Any]]:
    """The slices of one model, the worst of them marked."""
    figures = (_figures(part, part.models[model], name) for name, part in parts)
    rows = [row for row in figures if row is not None]
    fullest = max((row["forecasts"] for row in rows), default=0)
    sizeable = [row for row in rows if row["forecasts"] >= SIZEABLE * fullest]
    worst = max(sizeable, key=_loss_of(rows), default=None)
    return [{**row, "worst": row is worst} for row in rows]


def _figures(panel: Panel, losses: Losses, name: str) -> dict[str, Any] | None:
    if not losses.judged.any():
        return None
    error = error_comparison(panel, losses, pooled=True)
    ranges = range_comparison(panel, losses, pooled=True)
    garch = density_comparison(panel, losses, "garch", pooled=True)
    return {
        "horizon_sessions": panel.horizon_sessions,
        "model": losses.model,
        "slice": name,
        "forecasts": int(losses.judged.sum()),
        "relative_mae": error.loss_ratio if error else None,
        "crps_skill_vs_hs": skill_of(ranges),
        "hs_reference": ranges.reference if ranges else None,
        "crps_skill_vs_garch": skill_of(garch),
        "coverage_90": mean_known(losses["inside_90"][losses.judged]),
        "width_90_pct": mean_known(losses["width_90_pct"][losses.judged]),
    }


def _loss_of(rows: Sequence[dict[str, Any]]) -> Callable[[dict[str, Any]], float]:
    """What makes a slice the worst: the first of these figures that any of the rows has."""
    signs = {"crps_skill_vs_garch": -1.0, "crps_skill_vs_hs": -1.0, "relative_mae": 1.0}
    known = (name for name in signs if any(row[name] is not None for row in rows))
    figure = next(known, "relative_mae")

    def loss(row: dict[str, Any]) -> float:
        return -np.inf if row[figure] is None else signs[figure] * row[figure]

    return loss


def _years(panel: Panel) -> Iterator[tuple[str, Panel]]:
    year = panel.origin.astype("datetime64[Y]")
    for name in np.unique(year):
        first, last = np.searchsorted(year, name), np.searchsorted(year, name, side="right")
        yield str(name), panel.between(slice(int(first), int(last)))


def _regimes(panel: Panel) -> Iterator[tuple[str, Panel]]:
    state = _trailing_move(panel.close)
    regime = np.full(state.shape, -1)
    for i in range(state.shape[1]):
        known = np.isfinite(state[:, i])
        if known.any():
            bounds = np.quantile(state[known, i], [1 / 3, 2 / 3])
            regime[known, i] = np.searchsorted(bounds, state[known, i])
    for number, name in enumerate(REGIMES):
        inside = regime == number
        models = {model: losses.at(inside) for model, losses in panel.models.items()}
        yield name, replace(panel, models=models)


def _trailing_move(close: Floats) -> Floats:
    """Mean |log return| between the closes of the last 22 origins, per symbol. (origin, symbol).

    NaN: without a close, and at a symbol's first 21 origins.
    """
    state = np.full(close.shape, np.nan)
    for i in range(close.shape[1]):
        rows = np.flatnonzero(np.isfinite(close[:, i]))
        if len(rows) >= REGIME_ORIGINS:
            move = np.abs(np.diff(np.log(close[rows, i])))
            windows = np.lib.stride_tricks.sliding_window_view(move, REGIME_ORIGINS - 1)
            state[rows[REGIME_ORIGINS - 1 :], i] = windows.mean(axis=1)
    return state
