"""Better than naive, or luck: a verdict per symbol, horizon and model, and a pooled one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from nextclose.evaluation.hypothesis_tests.multiple_comparison import ConfidenceSet
from nextclose.evaluation.scores.panel import Panel, panels
from nextclose.evaluation.verdict.decision import (
    CLAIMLESS,
    Category,
    Claims,
    category_of,
    deciding_p,
    pooled_claims,
    symbol_claims,
)
from nextclose.evaluation.verdict.evidence import POOLED, Evidence, evidence
from nextclose.evaluation.verdict.pooled import Standing, confidence_set, standing
from nextclose.evaluation.verdict.sentences import sentence, void_sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """One row of `verdict.json`. Fractions, but for `_pct`; None where there is no such figure.

    `p_value` is the one behind the sentence: of the ranges for BETTER and SIZE ONLY, of what lost
    for WORSE, of the error otherwise. Intervals are 95 %. `symbol` "*" pools the model's symbols.
    Seed SDs are of the skill that single seeds had; None with fewer than two.
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
    relative_mae_seed_sd: float | None = None
    r2_vs_zero: float | None
    hit_rate: float | None
    hit_interval: tuple[float, float] | None
    base_rate: float | None
    base_side: str
    direction_p: float | None = None  # one-sided: small = better than calls that know nothing
    direction_claim: bool = False  # significant, and above the base rate
    always: str | None = None  # the side that every call names: no test of direction
    implied_r2: float | None = None  # that the hit rate stands for, if returns had no drift
    smallest_visible_edge: float | None = None  # over a hit rate of 1/2, with so many origins
    no_calls: int
    flat: int
    crps: float  # log return
    crps_skill_vs_hs: float | None
    crps_skill_interval: tuple[float, float] | None
    crps_skill_seed_sd: float | None = None
    hs_reference: str | None
    crps_skill_vs_garch: float | None
    crps_skill_vs_garch_interval: tuple[float, float] | None = None
    noise_floor: float | None = None  # CRPS skill against garch, else history: less is noise
    coverage_50: float | None = None
    coverage_80: float | None = None
    coverage_90: float | None
    coverage_95: float | None = None
    width_90_pct: float | None
    independence_p: float | None = None  # that misses of the 90 % band do not cluster
    pit_p: float | None = None  # a diagnostic: that the whole density is calibrated
    p_error_better: float | None
    p_error_worse: float | None
    p_ranges_better: float | None
    p_ranges_worse: float | None
    p_garch_better: float | None = None
    p_garch_worse: float | None = None
    p_value: float | None
    comparisons: int  # symbols whose claims were held to one false-discovery rate
    miscalibrated: bool
    verdict: Category
    sentence: str
    standing: Standing | None = None  # pooled rows only; its fields lie flat in the document


def verdicts(
    forecasts: pl.DataFrame, *, seeds: pl.DataFrame | None = None, failed_check: str = ""
) -> tuple[VerdictRow, ...]:
    """A verdict per symbol, horizon and model, sorted by horizon, model, symbol ("*" comes first).

    Each model answers for the origins between its first and last forecast of a symbol; one it left
    out there is charged as "no change" and counted. It meets each reference on the forecasts both
    have. "No change" needs no rows. A reference that was not run is not met: without historical
    rows nothing can be BETTER or SIZE ONLY.
    `seeds`, in SEED_SCHEMA: a gain of a model with two seeds or more must be 3 SDs over them.
    `failed_check` names a check of the run that failed: then every verdict is VOID.
    Expects: FORECAST_SCHEMA in any row order; rows without a known target are not judged.
    Significant: by the decisive test, one-sided, false discoveries among a model's symbols at one
        horizon held to 10 %, better and worse apart; the pooled row: p <= 5 %.
    Raises: DataError as `scored`.
    """
    rows: list[VerdictRow] = []
    for panel in panels(forecasts, seeds=seeds):
        parts = [(symbol, panel.of(i)) for i, symbol in enumerate(panel.symbols)]
        contenders = confidence_set(panel)
        for model in panel.models:
            rows += _of_model(panel, parts, model, contenders)
    if failed_check:
        rows = [_void(row, failed_check) for row in rows]
    return tuple(sorted(rows, key=lambda row: (row.horizon_sessions, row.model, row.symbol)))


def verdict_document(rows: Sequence[VerdictRow], *, run: Mapping[str, Any]) -> dict[str, Any]:
    """What `verdict.json` holds, ready for a strict JSON writer: unrounded, null for no figure."""
    return {"format": 1, "run": plain(dict(run)), "rows": [_flat(row) for row in rows]}


def _of_model(
    panel: Panel,
    parts: Sequence[tuple[str, Panel]],
    model: str,
    contenders: ConfidenceSet | None,
) -> list[VerdictRow]:
    found = [evidence(part, model, symbol=symbol) for symbol, part in parts]
    symbols = [one for one in found if one is not None]
    everything = evidence(panel, model, symbol=POOLED)
    if everything is None:
        return []
    claims = symbol_claims(symbols)
    rows = [_row(one, claim, len(symbols)) for one, claim in zip(symbols, claims, strict=True)]
    # with nothing to pool: say the same thing twice rather than two things
    one = len(rows) == 1
    pooled = rows[0] if one else _row(everything, pooled_claims(everything), 1)
    place = standing(panel, model, symbols, claims, contenders)
    return [dataclasses.replace(pooled, symbol=POOLED, standing=place), *rows]


def _row(found: Evidence, claims: Claims, comparisons: int) -> VerdictRow:
    category = category_of(found, claims)
    error, ranges, garch = found.error, found.ranges, found.garch
    calls, hits, coverage = found.calls, found.calls.hits, found.coverage
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
        relative_mae_seed_sd=error.seed_sd if error else None,
        r2_vs_zero=found.r2_vs_zero,
        hit_rate=hits.hit_rate,
        hit_interval=calls.interval,
        base_rate=hits.base_rate,
        base_side=hits.side,
        direction_p=calls.p_value,
        direction_claim=claims.direction and category not in CLAIMLESS,
        always=calls.only,
        implied_r2=calls.implied_r2,
        smallest_visible_edge=found.smallest_visible_edge,
        no_calls=hits.n_no_call,
        flat=hits.n_flat,
        crps=found.crps,
        crps_skill_vs_hs=ranges.skill if ranges else None,
        crps_skill_interval=ranges.interval if ranges else None,
        crps_skill_seed_sd=ranges.seed_sd if ranges else None,
        hs_reference=ranges.reference if ranges else None,
        crps_skill_vs_garch=garch.skill if garch else None,
        crps_skill_vs_garch_interval=garch.interval if garch else None,
        noise_floor=found.noise_floor,
        coverage_50=coverage.coverage_50 if coverage else None,
        coverage_80=coverage.coverage_80 if coverage else None,
        coverage_90=coverage.coverage_90 if coverage else None,
        coverage_95=coverage.coverage_95 if coverage else None,
        width_90_pct=coverage.width_90_pct if coverage else None,
        independence_p=coverage.independence_p if coverage else None,
        pit_p=coverage.pit_p if coverage else None,
        p_error_better=error.p_better if error else None,
        p_error_worse=error.p_worse if error else None,
        p_ranges_better=ranges.p_better if ranges else None,
        p_ranges_worse=ranges.p_worse if ranges else None,
        p_garch_better=garch.p_better if garch else None,
        p_garch_worse=garch.p_worse if garch else None,
        p_value=deciding_p(found, claims, category),
        comparisons=comparisons,
        miscalibrated=claims.miscalibrated,
        verdict=category,
        sentence=sentence(found, category, claims, comparisons),
    )


def _void(row: VerdictRow, failed_check: str) -> VerdictRow:
    """The same figures, claiming nothing."""
    return dataclasses.replace(
        row,
        verdict="VOID",
        sentence=void_sentence(failed_check),
        p_value=None,
        direction_claim=False,
    )


def _flat(row: VerdictRow) -> dict[str, Any]:
    """The row with the fields of its standing beside its own; null where it has none."""
    fields: dict[str, Any] = plain(dataclasses.asdict(row))
    place = fields.pop("standing") or {}
    return {**fields, **{f.name: place.get(f.name) for f in dataclasses.fields(Standing)}}


def plain(value: Any) -> Any:
    """The same as plain JSON values: lists for tuples, None for what is not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
