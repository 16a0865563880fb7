"""Parts of a made-up run: slices, learning curves, and what its hybrid is made of."""

from __future__ import annotations

import numpy as np
import polars as pl

from nextclose.evaluation.breakdowns.ablation import Ablation, CalibrationCost, Variant

MEMBERS = ("garch", "trees", "lstm")


def make_slices(rng, pairs, labels):
    return pl.DataFrame(
        [
            {
                "horizon_sessions": h,
                "model": m,
                "slice": label,
                "forecasts": 1260,
                "relative_mae": 1.0 + rng.normal(0, 0.004),
                "crps_skill_vs_hs": 0.02 + rng.normal(0, 0.02),
                "crps_skill_vs_garch": None if m == "garch" else rng.normal(0.004, 0.01),
            }
            for m, h in pairs
            for label in labels
        ]
    )


def make_curves(rng, *, n_folds=4, n_seeds=3):
    rows = []
    for model, floor in (("lstm", 1.43), ("trees", 0.16), ("classic", 0.02)):
        for fold in range(n_folds):
            for seed in range(n_seeds):
                n = int(rng.integers(9, 20))
                epoch = np.arange(model == "classic", n + (model == "classic"))  # the LSTM's from 0
                train = floor * (1 + 0.12 * np.exp(-epoch / 3) - 0.002 * epoch)
                valid = floor * (1.01 + 0.1 * np.exp(-epoch / 2.5) + 0.002 * epoch)
                valid = valid + floor * rng.normal(0, 0.002, n)
                best = int(np.argmin(valid))
                rows += [
                    {
                        "model": model,
                        "label": f"fold {fold}",
                        "seed": seed,
                        "epoch": int(e),
                        "train": float(train[i]),
                        "valid": float(valid[i]),
                        "kept": i == best,
                    }
                    for i, e in enumerate(epoch)
                ]
    return pl.DataFrame(rows)


def make_importance(horizons, *, n_features=12):
    """Shares that fall from feature_0 on and sum to 1."""
    shares = np.arange(n_features, 0, -1) / (n_features * (n_features + 1) / 2)
    return pl.DataFrame(
        [
            {"horizon_sessions": h, "feature": f"feature_{i}", "share": float(part)}
            for h in horizons
            for i, part in enumerate(shares)
        ]
    )


def make_variant(name, skill, interval):
    return Variant(
        name=name,
        forecasts=6300,
        origins=1260,
        crps_skill=skill,
        interval=interval,
        p_better=0.01,
        p_worse=0.99,
    )


def make_ablation(h):
    return Ablation(
        horizon_sessions=h,
        variants=(
            make_variant("without garch", 0.0021, (0.0004, 0.0038)),
            make_variant("without lstm", -0.0015, (-0.002, -0.001)),
        ),
        garch=make_variant("garch", 0.0062, (0.003, 0.0094)),
        raw_mcs_p=0.8,
        raw_in_confidence_set=h == 7,
        calibration=CalibrationCost(
            forecasts=6300,
            coverage_90_raw=0.871,
            coverage_90_issued=0.898,
            width_90_raw_pct=4.4,
            width_90_issued_pct=4.6,
            width_ratio=1.045,
            crps_raw=0.0071,
            crps_issued=0.0071,
            crps_cost=-0.0003,
        ),
        sentence=f"At {h} sessions the ranges were 0.21% better than without garch.",
    )
