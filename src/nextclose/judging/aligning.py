"""From submissions to the frame of forecasts that everything else judges. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from nextclose.judging.bar_positions import Calendar, calendar_of
from nextclose.judging.basis import actual_diagnoses, as_log_returns, scale_of
from nextclose.judging.grid import on_grid
from nextclose.judging.sessions import placed
from nextclose.judging.submission import Diagnosis, Submission
from nextclose.schema import FORECAST_SCHEMA, LEVELS, QUANTILE_COLUMNS, Bars, Floats

FEW_LEVELS = 9  # below, the grid is more filled in than stated


def aligned(
    given: Sequence[Submission], bars: Bars, *, horizon: int | None
) -> tuple[pl.DataFrame, tuple[Diagnosis, ...]]:
    """All submissions in FORECAST_SCHEMA with the outcomes of the bars, and what was noticed.

    Raises: ForecastsError.
    """
    calendar = calendar_of(bars)
    parts = [_aligned(one, calendar, horizon=horizon) for one in given]
    frame = pl.concat([part for part, _ in parts])
    frame = frame.sort("model", "symbol", "horizon_sessions", "origin")
    return frame, tuple(note for _, notes in parts for note in notes)


def _aligned(
    given: Submission, calendar: Calendar, *, horizon: int | None
) -> tuple[pl.DataFrame, list[Diagnosis]]:
    rows = placed(given, calendar, horizon=horizon)
    notes = list(rows.diagnoses)
    given = Submission(
        model=given.model,
        form=given.form,
        places=given.places[rows.rows],
        levels=given.levels,
        values=given.values[rows.rows],
        scale=given.scale,
        source=given.source,
        left_out=given.left_out,
    )
    close, later = calendar.close_at(rows.origin), calendar.close_at(rows.target)
    values, crossed = _risen(given.values)
    middle = _middle(given.levels, values)
    scale = scale_of(given, point=middle, close=close, later=later)
    notes += actual_diagnoses(
        given,
        scale=scale,
        later=later,
        before=calendar.close_at(calendar.moved(rows.target, -1)),
        after=calendar.close_at(calendar.moved(rows.target, 1)),
    )
    logs = as_log_returns(values, close, scale=scale, given=given)
    grid = np.sort(on_grid(given.levels, logs), axis=1)
    notes += _notes(given, crossed)
    outcome = np.log(later / close)
    columns: dict[str, Any] = {
        "symbol": given.places["symbol"],
        "origin": calendar.session[rows.origin],
        "horizon_sessions": rows.horizon.astype(np.int32),
        "model": [given.model] * len(grid),
        "fold": np.zeros(len(grid), dtype=np.int32),
        "resolved": np.where(
            rows.target >= 0, calendar.session[rows.target], np.datetime64("NaT", "D")
        ),
        "close": close,
        "target": outcome,
        **{name: np.ascontiguousarray(grid[:, j]) for j, name in enumerate(QUANTILE_COLUMNS)},
    }
    frame = pl.DataFrame(columns, schema=FORECAST_SCHEMA)
    return frame.with_columns(pl.col("target").fill_nan(None)), notes


def _risen(values: Floats) -> tuple[Floats, int]:
    """The values rising, and how many rows had to be sorted."""
    rising = np.sort(values, axis=1)
    return rising, int((rising != values).any(axis=1).sum())


def _middle(levels: tuple[float, ...], values: Floats) -> Floats:
    """The value whose level is nearest to the median. Shape (row,)."""
    return values[:, int(np.argmin(np.abs(np.array(levels) - 0.5)))]


def _notes(given: Submission, crossed: int) -> list[Diagnosis]:
    """How the forecasts were read."""
    notes = []
    n = len(given.values)
    if crossed:
        notes.append(
            Diagnosis(
                name="crossing_quantiles",
                model=given.model,
                sentence=f"{crossed:,} of {n:,} forecasts had quantiles that fall as their level "
                "rises: they were sorted.",
                figures={"rows": float(crossed)},
                is_grave=False,
            )
        )
    if 1 < len(given.levels) < FEW_LEVELS:
        levels = ", ".join(f"{level:g}" for level in given.levels)
        notes.append(
            Diagnosis(
                name="few_levels",
                model=given.model,
                sentence=f"Stated are the levels {levels}; the others of {len(LEVELS)} were filled "
                "in along a normal, tails included.",
                figures={"levels": float(len(given.levels))},
                is_grave=False,
            )
        )
    if given.left_out:
        notes.append(
            Diagnosis(
                name="empty_rows",
                model=given.model,
                sentence=f"{given.left_out:,} rows hold no forecast: left out.",
                figures={"rows": float(given.left_out)},
                is_grave=False,
            )
        )
    return notes
