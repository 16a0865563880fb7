"""Better than naive, or luck: a verdict per symbol, horizon and model, and a pooled one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from nextclose.evaluation.claims import (
    Category,
    Claims,
    category_of,
    deciding_p,
    pooled_claims,
    symbol_claims,
)
from nextclose.evaluation.evidence import POOLED, Evidence, evidence
from nextclose.evaluation.panel import Panel, panels
from nextclose.evaluation.sentences import sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """One row of `verdict.json`. Fractions, but for `_pct`; None where there is no such figure.

    `p_value` is the one behind the sentence: of the ranges for BETTER and SIZE ONLY, of what lost
    for WORSE, of the error otherwise. Intervals are 95 %. `symbol` "*" pools the model's symbols.
    """

    symbol: str
    horizon_sessions: int
    model: str
    origins: int
    forecasts: int  # origins x symbols
    independent: float  # origins / horizon
    filled: int  # forecasts the model left out, charged as "no change"
    point_only: bool
    mape_pct: float
    naive_mape_pct: float
    relative_mae: float | None
    relative_mae_interval: tuple[float, float] | None
    r2_vs_zero: float | None
    hit_rate: float | None
    hit_interval: tuple[float, float] | None
    base_rate: float | None
    base_side: str
    no_calls: int
    flat: int
    crps: float  # log return
    crps_skill_vs_hs: float | None
    crps_skill_interval: tuple[float, float] | None
    hs_reference: str | None
    crps_skill_vs_garch: float | None
    coverage_90: float | None
    width_90_pct: float | None
    p_error_better: float | None
    p_error_worse: float | None
    p_ranges_better: float | None
    p_ranges_worse: float | None
    p_value: float | None
    comparisons: int  # symbols whose claims were held to one false-discovery rate
    miscalibrated: bool
    verdict: Category
    sentence: str


def verdicts(forecasts: pl.DataFrame) -> tuple[VerdictRow, ...]:
    """A verdict per symbol, horizon and model, sorted by horizon, model, symbol ("*" comes first).

    Each model answers for the origins between its first and last forecast of a symbol; one it left
    out there is charged as "no change" and counted. It meets each reference on the forecasts both
    have. "No change" needs no rows. A reference that was not run is not met: without historical
    rows nothing can be BETTER or SIZE ONLY.
    Expects: FORECAST_SCHEMA in any row order; rows without a known target are not judged.
    Significant: by the decisive test, one-sided, false discoveries among a model's symbols at one
        horizon held to 10 %, better and worse apart; the pooled row: p <= 5 %.
    Raises: DataError as `scored`.
    """
    rows: list[VerdictRow] = []
    for panel in panels(forecasts):
        parts = [(symbol, panel.of(i)) for i, symbol in enumerate(panel.symbols)]
        for model in panel.models:
            rows += _of_model(panel, parts, model)
    return tuple(sorted(rows, key=lambda row: (row.horizon_sessions, row.model, row.symbol)))


def verdict_document(rows: Sequence[VerdictRow], *, run: Mapping[str, Any]) -> dict[str, Any]:
    """What `verdict.json` holds, ready for a strict JSON writer: unrounded, null for no figure."""
    plain = [_plain(dataclasses.asdict(row)) for row in rows]
    return {"format": 1, "run": _plain(dict(run)), "rows": plain}


def _of_model(panel: Panel, parts: Sequence[tuple[str, Panel]], model: str) -> list[VerdictRow]:
    found = [evidence(part, model, symbol=symbol) for symbol, part in parts]
    symbols = [one for one in found if one is not None]
    everything = evidence(panel, model, symbol=POOLED)
    if everything is None:
        return []
    claims = symbol_claims(symbols)
    rows = [_row(one, claim, len(symbols)) for one, claim in zip(symbols, claims, strict=True)]
    if len(rows) == 1:  # nothing to pool: say the same thing twice rather than two things
        return [dataclasses.replace(rows[0], symbol=POOLED), *rows]
    return [_row(everything, pooled_claims(everything), 1), *rows]


def _row(found: Evidence, claims: Claims, comparisons: int) -> VerdictRow:
    category = category_of(found, claims)
    error, ranges, hits = found.error, found.ranges, found.hits
    interval = error.interval if error else None
    return VerdictRow(
        symbol=found.symbol,
        horizon_sessions=found.horizon_sessions,
        model=found.model,
        origins=found.origins,
        forecasts=found.forecasts,
        independent=found.independent,
        filled=found.filled,
        point_only=found.point_only,
        mape_pct=found.mape_pct,
        naive_mape_pct=found.naive_mape_pct,
        relative_mae=1.0 - error.skill if error else None,
        relative_mae_interval=(1.0 - interval[1], 1.0 - interval[0]) if interval else None,
        r2_vs_zero=found.r2_vs_zero,
        hit_rate=hits.hit_rate,
        hit_interval=found.hit_interval,
        base_rate=hits.base_rate,
        base_side=hits.side,
        no_calls=hits.n_no_call,
        flat=hits.n_flat,
        crps=found.crps,
        crps_skill_vs_hs=ranges.skill if ranges else None,
        crps_skill_interval=ranges.interval if ranges else None,
        hs_reference=ranges.reference if ranges else None,
        crps_skill_vs_garch=found.garch.skill if found.garch else None,
        coverage_90=found.coverage_90,
        width_90_pct=found.width_90_pct,
        p_error_better=error.p_better if error else None,
        p_error_worse=error.p_worse if error else None,
        p_ranges_better=ranges.p_better if ranges else None,
        p_ranges_worse=ranges.p_worse if ranges else None,
        p_value=deciding_p(found, claims, category),
        comparisons=comparisons,
        miscalibrated=claims.miscalibrated,
        verdict=category,
        sentence=sentence(found, category, claims, comparisons),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
