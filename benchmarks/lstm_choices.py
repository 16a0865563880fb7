"""Choices behind the default LSTM, all made on the sample's years before its test period.

Bars end on 2008-02-27, the last session before the published test; four yearly refits from
2004-03-01 on are scored. Each figure is the gain in pooled CRPS over a reference, in per cent
(positive is better), and the median's error over that of "no change". Not a speed claim.

    python benchmarks/lstm_choices.py [--write]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from unittest.mock import patch

import numpy as np
import polars as pl

from nextclose.config import BacktestConfig, RunConfig
from nextclose.data.sources import sample_bars
from nextclose.evaluation.backtest import Study, backtest, make_study
from nextclose.evaluation.metrics import grid_crps
from nextclose.features.stationary import STATIONARY
from nextclose.features.table import make_table
from nextclose.models import lstm
from nextclose.models.lstm import FittedLstm, Lstm
from nextclose.models.threads import one_thread
from nextclose.models.volatility import Har
from nextclose.samples.samples import make_samples
from nextclose.schema import MEDIAN, Bars, Floats

RESULT = Path(__file__).parent / "results" / "lstm_choices.json"
LAST, FIRST_TEST = date(2008, 2, 27), date(2004, 3, 1)
Grids = list[Floats]


def early_study(models: tuple[str, ...]) -> Study:
    """The sample up to `LAST`, tested from `FIRST_TEST`."""
    config = RunConfig(backtest=BacktestConfig(models=models, test_from=FIRST_TEST))
    bars = sample_bars()
    early = Bars(frame=bars.frame.filter(pl.col("session") <= LAST), basis=bars.basis)
    return make_study(make_samples(make_table(early)), config)


def scores(study: Study, grids: Grids) -> tuple[Floats, Floats]:
    """Mean CRPS (log return) and relative MAE by horizon, over all folds and symbols."""
    rows = np.concatenate([fold.test_rows for fold in study.folds])
    outcome = study.samples.outcome[rows]
    grid = np.concatenate(grids) * study.samples.unit(rows)[:, :, None]
    crps, error = [], []
    for k in range(len(study.samples.horizons)):
        known = np.isfinite(outcome[:, k])
        actual = outcome[known, k]
        crps.append(grid_crps(grid[known, k], actual).mean())
        error.append(np.abs(actual - grid[known, k, MEDIAN]).sum() / np.abs(actual).sum())
    return np.array(crps), np.array(error)


def of_fits(study: Study, model: str, change: Callable[..., object]) -> Grids:
    """Grids of every fold's combined fit after `change`, in target units."""
    walked = backtest(study)
    grids = []
    for fold in study.folds:
        members = walked.fits[model, fold.index]
        fitted = (
            Lstm(settings=study.config.lstm).combine(members) if model == "lstm" else members[0]
        )
        with one_thread():
            grids.append(change(fitted).quantiles(study.samples, fold.test_rows))  # type: ignore[attr-defined]
    return grids


def unchanged(fitted: object) -> object:
    """The fit as it is."""
    return fitted


def trusting(fitted: FittedLstm) -> FittedLstm:
    """Every correction used in full."""
    return replace(fitted, shares=np.ones_like(fitted.shares))


def with_drift(share: Floats) -> Callable[[Har], Har]:
    """HAR with its median scaled by `share`, shape (horizon,)."""

    def change(fitted: Har) -> Har:
        moved = (1.0 - share) * fitted.spread[:, MEDIAN]
        return replace(fitted, spread=fitted.spread - moved[:, None])

    return change


def main() -> None:
    """Run every variant, print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    write = parser.parse_args().write
    study = early_study(("har",))
    grids: dict[str, Grids] = {
        "ewma": of_fits(early_study(("ewma",)), "ewma", unchanged),
        "har": of_fits(study, "har", unchanged),
        "har, half the drift": of_fits(study, "har", with_drift(np.full(3, 0.5))),
        "har, no drift": of_fits(study, "har", with_drift(np.zeros(3))),
        "har, no drift at 1": of_fits(study, "har", with_drift(np.array([0.0, 1.0, 1.0]))),
    }
    recurrent = early_study(("lstm",))
    grids["lstm"] = of_fits(recurrent, "lstm", unchanged)
    grids["lstm, corrections in full"] = of_fits(recurrent, "lstm", trusting)
    every = tuple(column.name for column in STATIONARY.columns)
    with patch.object(lstm, "INPUTS", every):
        grids["lstm, all 41 inputs, in full"] = of_fits(recurrent, "lstm", trusting)
    # models differ in how much context they need: judge all on the origins of the LSTM
    result = {"bench": "lstm_choices", "last": str(LAST), "test_from": str(FIRST_TEST), "rows": {}}
    usable = [
        np.isin(a.test_rows, b.test_rows) for a, b in zip(study.folds, recurrent.folds, strict=True)
    ]
    for name, found in grids.items():
        if not name.startswith("lstm"):
            found = [grid[keep] for grid, keep in zip(found, usable, strict=True)]
        grids[name] = found
    reference, _ = scores(recurrent, grids["har"])
    for name, found in grids.items():
        crps, error = scores(recurrent, found)
        gain = 100 * (1 - crps / reference)
        result["rows"][name] = {
            "crps_gain_over_har_pct": gain.round(3).tolist(),
            "relative_mae": error.round(5).tolist(),
        }
        print(f"{name:30s} gain over har {gain.round(2)} %   relative MAE {error.round(4)}")
    if write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())
