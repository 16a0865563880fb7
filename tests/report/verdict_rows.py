"""Made-up verdicts: one of every kind that a report shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nextclose.evaluation.verdict.pooled import Standing
from nextclose.evaluation.verdict.verdict import VerdictRow


def verdict_row(symbol, h, model, rng):
    classic, point = model == "classic", model in ("classic", "naive")
    relative = (
        1.0 if model == "naive" else 6.2 if classic else 1.0 - 0.0008 * h + rng.normal(0, 0.001)
    )
    naive = {1: 1.31, 7: 3.52, 30: 7.4}.get(h, 2.0)
    best = model == "hybrid"
    garch = None if point or model == "garch" else 0.006 if best else -0.001
    skill = -0.4 if point else 0.031 - 0.0004 * h if best else 0.008
    origins = 251 if classic else 1260
    return VerdictRow(
        symbol=symbol,
        horizon_sessions=h,
        model=model,
        origins=origins,
        forecasts=5 * origins if symbol == "*" and not classic else origins,
        independent=origins / h,
        filled=0,
        point_only=point,
        mape_pct=naive * relative,
        naive_mape_pct=naive,
        relative_mae=relative,
        relative_mae_interval=(relative - 0.004, relative + 0.004),
        r2_vs_zero=-2.1 if classic else 0.0012,
        hit_rate=None if model == "naive" else 0.512,
        hit_interval=None if model == "naive" else (0.5, 0.524),
        base_rate=0.524,
        base_side="up",
        direction_p=None if model == "naive" else 0.31,
        implied_r2=None if model == "naive" else 0.0014,
        smallest_visible_edge=0.035 * h**0.5,
        no_calls=0,
        flat=0,
        crps=0.0071,
        crps_skill_vs_hs=skill,
        crps_skill_interval=(skill - 0.01, skill + 0.01),
        hs_reference="hs_250",
        crps_skill_seed_sd=0.0002 if best or model == "lstm" else None,
        crps_skill_vs_garch=garch,
        crps_skill_vs_garch_interval=None if garch is None else (garch - 0.002, garch + 0.002),
        noise_floor=None if point else 0.0017,
        coverage_50=None if point else 0.51,
        coverage_80=None if point else 0.803,
        coverage_95=None if point else 0.949,
        coverage_90=None if point else 0.896 if best else 0.87,
        width_90_pct=None if point else 4.6 * h**0.5,
        p_error_better=0.2,
        p_error_worse=0.8,
        p_ranges_better=0.0004,
        p_ranges_worse=0.99,
        p_value=None if model == "naive" else 0.0004 if best else 0.3,
        comparisons=5,
        miscalibrated=False,
        verdict=(
            "YARDSTICK"
            if model in ("naive", "hs_250", "hs_expanding")
            else "WORSE"
            if classic
            else "SIZE ONLY"
            if best
            else "NO EVIDENCE"
        ),
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
    _BASE,
    relative_mae=0.99512,
    relative_mae_interval=(0.99, 1.0004),
    mape_pct=3.456,
    naive_mape_pct=3.521,
    crps_skill_vs_hs=-0.0123,
    crps_skill_interval=(-0.02, -0.001),
    coverage_90=0.8964,
    width_90_pct=12.21,
    p_value=0.00004,
    forecasts=6300,
    independent=180.0,
)
