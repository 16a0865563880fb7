"""Made-up verdicts: one of every kind that a report shows."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np

from nextclose.evaluation.hypothesis_tests.mean import MeanTest
from nextclose.evaluation.verdict.comparison import Comparison
from nextclose.evaluation.verdict.coverage import Coverage
from nextclose.evaluation.verdict.decision import Claims
from nextclose.evaluation.verdict.direction import Calls
from nextclose.evaluation.verdict.evidence import Evidence
from nextclose.evaluation.verdict.pooled import Standing
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.metrics import DirectionHits

NO_CLAIMS = Claims(
    error_better=False,
    error_worse=False,
    error_above_drift=False,
    ranges_better=False,
    ranges_worse=False,
    garch_better=False,
    garch_worse=False,
    direction=False,
    miscalibrated=False,
)


def comparison(reference, skill, interval, *, seed_sd=None):
    """A comparison whose test has this 95 % interval."""
    low, high = interval
    error = (high - low) / 2 / NormalDist().inv_cdf(0.975)
    test = MeanTest(mean=(low + high) / 2, standard_error=error, dof=10**9)
    return Comparison(reference=reference, skill=skill, test=test, seed_sd=seed_sd)


def calls(hit_rate, base_rate, *, interval=None, p_value=None, only=None):
    hits = DirectionHits(
        hit_rate=hit_rate,
        base_rate=base_rate,
        side="up",
        n_calls=0 if hit_rate is None else 1260,
        n_no_call=0,
        n_flat=0,
    )
    return Calls(hits=hits, interval=interval, p_value=p_value, only=only)


def with_evidence(row, **changes):
    """The row with some of its evidence replaced."""
    return replace(row, evidence=replace(row.evidence, **changes))


def verdict_row(symbol, h, model, rng):
    classic, is_naive, best = model == "classic", model == "naive", model == "hybrid"
    point = classic or is_naive
    relative = 1.0 if is_naive else 6.2 if classic else 1.0 - 0.0008 * h + rng.normal(0, 0.001)
    naive_error = {1: 1.31, 7: 3.52, 30: 7.4}.get(h, 2.0)
    garch = None if point or model == "garch" else 0.006 if best else -0.001
    skill = 0.031 - 0.0004 * h if best else 0.008
    origins = 251 if classic else 1260
    evidence = Evidence(
        symbol=symbol,
        symbols=("A", "B", "C", "D", "E") if symbol == "*" and not classic else ("A",),
        horizon_sessions=h,
        model=model,
        point_only=point,
        forecasts=5 * origins if symbol == "*" and not classic else origins,
        origins=origins,
        filled=0,
        mape_pct=naive_error * relative,
        naive_mape_pct=naive_error,
        r2_vs_zero=-2.1 if classic else 0.0012,
        calls=calls(None, None)
        if is_naive
        else calls(0.512, 0.524, interval=(0.5, 0.524), p_value=0.31),
        crps=0.0071,
        coverage=Coverage()
        if point
        else Coverage(
            coverage_50=0.51,
            coverage_80=0.803,
            coverage_90=0.896 if best else 0.87,
            coverage_95=0.949,
            width_90_pct=4.6 * h**0.5,
        ),
        error=comparison("naive", 1 - relative, (0.996 - relative, 1.004 - relative)),
        drift=None,
        drift_skill=None,
        ranges=None
        if point
        else comparison(
            "hs_250",
            skill,
            (skill - 0.01, skill + 0.01),
            seed_sd=0.0002 if best or model == "lstm" else None,
        ),
        garch=None if garch is None else comparison("garch", garch, (garch - 0.002, garch + 0.002)),
    )
    yardstick = model in ("naive", "hs_250", "hs_expanding")
    return VerdictRow(
        evidence=evidence,
        claims=NO_CLAIMS,
        verdict="YARDSTICK"
        if yardstick
        else "WORSE"
        if classic
        else "SIZE ONLY"
        if best
        else "NO EVIDENCE",
        n_comparisons=5,
        p_value=None if is_naive else 0.0004 if best else 0.3,
        sentence=(
            f"{model} knows how far prices move, not which way: ranges 3.1% better than history "
            f"(p = 0.0004); direction 51.2% against 52.4% for always 'up'; the 90% band held 89.6% "
            f"at a width of {4.6 * h**0.5:.1f}%."
        ),
        standing=make_standing(model) if symbol == "*" else None,
    )


def make_standing(model):
    point = model in ("classic", "naive")
    counts = dict.fromkeys(
        (f"symbols_{side}_than_{name}" for side in ("better", "worse") for name in ("hs", "naive")),
        0,
    )
    return Standing(
        **counts,
        symbols_better_than_garch=None if point or model == "garch" else 3,
        symbols_worse_than_garch=None if point or model == "garch" else 0,
        worst_year=None if point else "2009",
        worst_year_skill=None if point else -0.0031,
        worst_year_reference=None if point else "garch",
        mcs_p=None if point else 0.6,
        in_confidence_set=None if point else model not in ("drift", "ewma"),
    )


# A pooled row whose figures are easy to tell apart in what is printed.
_BASE = verdict_row("*", 7, "hybrid", np.random.default_rng(0))
ROW = replace(
    with_evidence(
        _BASE,
        forecasts=6300,
        mape_pct=3.456,
        naive_mape_pct=3.521,
        coverage=replace(_BASE.evidence.coverage, coverage_90=0.8964, width_90_pct=12.21),
        error=comparison("naive", 1 - 0.99512, (1 - 1.0004, 1 - 0.99)),
        ranges=comparison("hs_250", -0.0123, (-0.02, -0.001)),
    ),
    p_value=0.00004,
)
