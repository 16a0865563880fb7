"""verdict.json: the verdict and the facts of its run as plain JSON values, one flat row each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from nextclose.evaluation.verdict.comparison import interval_of, skill_of
from nextclose.evaluation.verdict.evidence import MetricEvidence
from nextclose.evaluation.verdict.pooled import Standing
from nextclose.evaluation.verdict.verdict import VerdictRow

FORMAT = 1  # of verdict.json and of the forecasts beside it


def verdict_document(rows: Sequence[VerdictRow], *, run: Mapping[str, Any]) -> dict[str, Any]:
    """What `verdict.json` holds, ready for a strict JSON writer: unrounded, null for no figure."""
    return {"format": FORMAT, "run": plain(dict(run)), "rows": [flat_row(row) for row in rows]}


def flat_row(row: VerdictRow) -> dict[str, Any]:
    """One row of `verdict.json`: all its figures by their names, those of its standing last.

    Fractions, but for `_pct`; None where there is no such figure. Intervals are 95 %. Seed SDs are
    of the skill that single seeds had; None with fewer than two. "taught_until" is None for a clean
    test, else the day up to which the model was taught beforehand (`overlap.py`). "metrics" is
    there only where the run was given foreign ones: by name, mean beside those of "no change" and
    of the reference.
    """
    evidence = row.evidence
    error, ranges, garch = evidence.error, evidence.ranges, evidence.garch
    calls, hits, coverage = evidence.calls, evidence.calls.hits, evidence.coverage
    flat = {
        "symbol": evidence.symbol,
        "horizon_sessions": evidence.horizon_sessions,
        "model": evidence.model,
        "origins": evidence.origins,
        "forecasts": evidence.forecasts,
        "independent": evidence.independent,
        "filled": evidence.filled,
        "point_only": evidence.point_only,
        "mape_pct": evidence.mape_pct,
        "naive_mape_pct": evidence.naive_mape_pct,
        "relative_mae": evidence.relative_mae,
        "relative_mae_interval": evidence.relative_mae_interval,
        "relative_mae_seed_sd": error.seed_sd if error else None,
        "r2_vs_zero": evidence.r2_vs_zero,
        "hit_rate": hits.hit_rate,
        "hit_interval": calls.interval,
        "base_rate": hits.base_rate,
        "base_side": hits.side,
        "direction_p": calls.p_value,
        "direction_claim": row.direction_claim,
        "always": calls.only,
        "implied_r2": calls.implied_r2,
        "smallest_visible_edge": evidence.smallest_visible_edge,
        "no_calls": hits.n_no_call,
        "flat": hits.n_flat,
        "crps": evidence.crps,
        "crps_skill_vs_hs": skill_of(ranges),
        "crps_skill_interval": interval_of(ranges),
        "crps_skill_seed_sd": ranges.seed_sd if ranges else None,
        "hs_reference": ranges.reference if ranges else None,
        "crps_skill_vs_garch": skill_of(garch),
        "crps_skill_vs_garch_interval": interval_of(garch),
        "noise_floor": evidence.noise_floor,
        "coverage_50": coverage.coverage_50,
        "coverage_80": coverage.coverage_80,
        "coverage_90": coverage.coverage_90,
        "coverage_95": coverage.coverage_95,
        "width_90_pct": coverage.width_90_pct,
        "independence_p": coverage.independence_p,
        "pit_p": coverage.pit_p,
        "p_error_better": error.p_better if error else None,
        "p_error_worse": error.p_worse if error else None,
        "p_ranges_better": ranges.p_better if ranges else None,
        "p_ranges_worse": ranges.p_worse if ranges else None,
        "p_garch_better": garch.p_better if garch else None,
        "p_garch_worse": garch.p_worse if garch else None,
        "p_value": row.p_value,
        "comparisons": row.n_comparisons,
        "miscalibrated": row.claims.miscalibrated,
        "verdict": row.verdict,
        "sentence": row.sentence,
        "taught_until": row.taught_until,
        **_standing_fields(row.standing),
    }
    if evidence.metrics:
        flat["metrics"] = {name: _metric_fields(own) for name, own in evidence.metrics.items()}
    return dict(plain(flat))


FIRST = (  # of the columns of a scoreboard
    *("symbol", "horizon_sessions", "model", "verdict", "forecasts"),
    *("mape_pct", "naive_mape_pct", "relative_mae", "crps_skill_vs_hs", "crps_skill_vs_garch"),
    *("coverage_90", "width_90_pct", "hit_rate", "base_rate"),
)


def verdict_frame(rows: Sequence[VerdictRow]) -> pl.DataFrame:
    """The rows of `verdict.json` as a frame, what is read most first, the sentence last.

    An interval is two columns, `_low` and `_high`; metrics of one's own are left out.
    """
    flat: list[dict[str, Any]] = []
    for row in map(flat_row, rows):
        values: dict[str, Any] = {}
        for name in dict.fromkeys((*FIRST, *row)):
            if name.endswith("_interval"):
                low, high = row[name] or (None, None)
                values |= {f"{name}_low": low, f"{name}_high": high}
            elif name not in ("metrics", "sentence"):
                values[name] = row[name]
        flat.append(values | {"sentence": row["sentence"]})
    return pl.DataFrame(flat, infer_schema_length=None)


def _metric_fields(metric: MetricEvidence) -> dict[str, Any]:
    comparison = metric.comparison
    return {
        "mean": metric.mean,
        "naive_mean": metric.naive_mean,
        "reference": comparison.reference if comparison else None,
        "reference_mean": metric.reference_mean,
        "skill": skill_of(comparison),
        "interval": interval_of(comparison),
        "p_better": comparison.p_better if comparison else None,
        "p_worse": comparison.p_worse if comparison else None,
    }


def _standing_fields(standing: Standing | None) -> dict[str, Any]:
    """Null in every field for a single symbol."""
    if standing is not None:
        return dataclasses.asdict(standing)
    return dict.fromkeys(field.name for field in dataclasses.fields(Standing))


def plain(value: Any) -> Any:
    """The same as plain JSON values: lists for tuples, None for what is not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
