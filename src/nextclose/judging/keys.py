"""Which forecasts are judged, and who is measured on them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from nextclose.backtesting.walk_forward import UNREADY_SCHEMA
from nextclose.judging.bar_positions import Calendar
from nextclose.judging.submission import Diagnosis, Submission
from nextclose.models.registry import OURS
from nextclose.schema import FORECAST_SCHEMA, QUANTILE_COLUMNS

KEYS = ("symbol", "origin", "horizon_sessions")
GAPS = 0.01  # share of sessions between the first and the last origin that may lack a forecast
DAILY = 0.8  # share of origins one session after another, from which on gaps are looked for


def distinctly_named(given: Sequence[Submission]) -> tuple[Submission, ...]:
    """The submissions under names that models can have: no name twice, none of ours for others'.

    Forecasts in our own format keep our names: a run's own models are measured as they were.
    """
    taken: set[str] = set()
    named = []
    for one in given:
        name = re.sub(r"\W+", "_", one.model).strip("_") or "submission"
        name = f"m_{name}" if name[0].isdigit() else name
        if name in OURS and one.form != "nextclose":
            name = f"{name}_submitted"
        stem, n = name, 1
        while name in taken:
            n += 1
            name = f"{stem}_{n}"
        taken.add(name)
        named.append(replace(one, model=name))
    return tuple(named)


def on_keys_of(yardsticks: pl.DataFrame, submitted: pl.DataFrame) -> pl.DataFrame:
    """The yardsticks' forecasts of what was submitted, nothing else."""
    return yardsticks.join(submitted.select(KEYS).unique(), on=KEYS, how="semi")


def naive_rows(submitted: pl.DataFrame) -> pl.DataFrame:
    """ "No change" on the keys of the submissions, in FORECAST_SCHEMA."""
    rows = submitted.unique(KEYS, keep="first", maintain_order=True)
    return rows.with_columns(
        pl.lit("naive").alias("model"), *(pl.lit(0.0).alias(name) for name in QUANTILE_COLUMNS)
    ).select(list(FORECAST_SCHEMA))


def unready_of_ours(submitted: pl.DataFrame) -> pl.DataFrame:
    """What our own models left out of a run of theirs, for lack of history: no gaps to charge."""
    wanted = submitted.select("symbol", "origin").unique()
    parts = [pl.DataFrame(schema=UNREADY_SCHEMA)]
    for (model,), part in submitted.partition_by("model", as_dict=True).items():
        if model in OURS:
            missing = wanted.join(part, on=["symbol", "origin"], how="anti")
            parts.append(missing.select(pl.lit(str(model)).alias("model"), "symbol", "origin"))
    return pl.concat(parts)


def gap_diagnoses(submitted: pl.DataFrame, calendar: Calendar) -> Iterable[Diagnosis]:
    """Sessions that a daily forecaster left out: picked days can make a model look good."""
    for (model,), part in submitted.partition_by(
        "model", as_dict=True, maintain_order=True
    ).items():
        days = part.select("symbol", "origin").unique()
        at = days.join(
            calendar.frame, left_on=["symbol", "origin"], right_on=["symbol", "session"]
        ).sort("at")
        steps = at.select(pl.col("at").diff().over("symbol")).to_series().drop_nulls().to_numpy()
        if len(steps) < 20 or np.mean(steps == 1) < DAILY:
            continue
        missing = int((steps[steps > 1] - 1).sum())
        share = missing / (missing + at.height)
        if share > GAPS and model not in OURS:
            yield Diagnosis(
                name="gaps",
                model=str(model),
                sentence=f"{model} made no forecast on {missing:,} sessions ({100 * share:.0f} %) "
                "between its first and its last: who picks days can look good.",
                figures={"missing": float(missing), "share": share},
                is_grave=False,
            )
