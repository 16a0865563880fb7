"""Choices behind the hybrid's members and its calibration, on 20 stocks before 2005.

Closes of 20 US stocks from 1990 on, seven yearly refits from 1998-01-02 to the end of 2004, after
up to three rehearsals. Gains in CRPS over log-HAR, in per cent, pooled, with their 95 %
interval. The prior is that of the years up to 1997, so nothing has seen the years it is scored on.
The LSTM that is shipped has been taught with these years and is no part of this.
Not a speed claim; minutes on one core.

    python benchmarks/member_choices.py [--write]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl

from har_prior import stocks
from loghar_choices import earlier_prior
from nextclose.backtesting.study import make_study
from nextclose.backtesting.walk_forward import Backtest, backtest
from nextclose.config import BacktestConfig, HybridConfig, RunConfig, TreesConfig
from nextclose.evaluation.breakdowns.ablation import ablations
from nextclose.evaluation.hypothesis_tests.mean import decisive_test, relative_gain
from nextclose.evaluation.scores.losses import with_losses
from nextclose.evaluation.scores.scores import scores_of
from nextclose.features.table import make_table
from nextclose.models.hybrid import conformal
from nextclose.models.loghar import prior
from nextclose.samples.samples import make_samples
from nextclose.schema import Floats

RESULT = Path(__file__).parent / "results" / "member_choices.json"
TEST_FROM = date(1998, 1, 2)
Rows = dict[str, Any]


def walked(models: tuple[str, ...], **parts: Any) -> Backtest:
    """The panel walked forward."""
    config = RunConfig(backtest=BacktestConfig(models=models, test_from=TEST_FROM), **parts)
    return backtest(make_study(make_samples(make_table(stocks(), market=True)), config))


def gains(forecasts: pl.DataFrame, *, model: str, reference: str = "loghar") -> list[list[float]]:
    """Gain and its interval by horizon, in per cent: [gain, low, high]."""
    frame = with_losses(forecasts.filter(pl.col("target").is_not_null()))
    found = []
    for horizon in frame["horizon_sessions"].unique().sort():
        part = frame.filter(pl.col("horizon_sessions") == horizon)
        ours, theirs = (_crps(part, name) for name in (model, reference))
        gain = relative_gain(ours, theirs)
        bounds = (0.0, 0.0)
        if np.abs(gain).max() > 0:  # nothing was changed: nothing to test
            bounds = decisive_test(gain, horizon_sessions=int(horizon), pooled=True).interval()
        found.append([round(100 * float(x), 3) for x in (gain.mean(), *bounds)])
    return found


def _crps(part: pl.DataFrame, model: str) -> Floats:
    """(origin, symbol)."""
    rows = part.filter(pl.col("model") == model).sort("symbol")
    wide = rows.pivot(on="symbol", index="origin", values="crps").sort("origin")
    return np.asarray(wide.drop("origin").to_numpy())


def trees_rows() -> Iterator[tuple[str, Rows]]:
    """The trees' stopping and leaf size."""
    for name, settings in (
        ("default", TreesConfig()),
        ("all 150 rounds", TreesConfig(patience_rounds=150)),
        ("leaves of 1,000 rows", TreesConfig(min_child_weight=1000.0)),
    ):
        found = walked(("loghar", "trees"), trees=settings)
        yield f"trees, {name}", {"gain": gains(found.forecasts, model="trees")}


def hybrid_rows() -> Iterator[tuple[str, Rows]]:
    """Who takes part."""
    for members in (("loghar", "trees"), ("garch", "loghar", "trees")):
        found = walked(("loghar", "garch", "hybrid"), hybrid=HybridConfig(members=members))
        rows: Rows = {"gain": gains(found.forecasts, model="hybrid")}
        for part in ablations(found.ablation, scores_of(found.forecasts)):
            rows[f"raw over variants at {part.horizon_sessions}"] = {
                one.name: round(100 * one.crps_skill, 3) for one in part.variants
            }
        yield "hybrid of " + ", ".join(members), rows


def calibration_rows() -> Iterator[tuple[str, Rows]]:
    """How fast tails adapt, on how long a record, blended or not."""
    for step, sessions, blend in (
        *((0.01, 504, 300), (0.005, 504, 300), (0.02, 504, 300)),
        *((0.01, 504, 0), (0.01, 100_000, 0)),
    ):
        with (
            patch.object(conformal, "SCORE_SESSIONS", sessions),
            patch.object(conformal, "SCORES_PER_SESSION", blend),
        ):
            settings = HybridConfig(members=("loghar", "har"), calibration_step=step)
            found = walked(("hybrid",), hybrid=settings)
        rows: Rows = {}
        for part in ablations(found.ablation, scores_of(found.forecasts)):
            cost = part.calibration
            assert cost is not None
            rows[str(part.horizon_sessions)] = {
                "coverage_90": [round(cost.coverage_90_raw, 4), round(cost.coverage_90_issued, 4)],
                "width_ratio": round(cost.width_ratio, 3),
                "crps_cost_pct": round(100 * cost.crps_cost, 3),
            }
        yield f"tails: step {step}, {sessions} sessions, blend {blend}", rows


def main() -> None:
    """Run every variant, print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    write = parser.parse_args().write
    result: Rows = {"bench": "member_choices", "test": [str(TEST_FROM), "2004-12-31"], "rows": {}}
    with ExitStack() as stack:
        for constant, table in earlier_prior().items():
            stack.enter_context(patch.object(prior, constant, table))
        for rows in (hybrid_rows(), trees_rows(), calibration_rows()):
            for name, found in rows:
                result["rows"][name] = found
                print(name, json.dumps(found), flush=True)
                if write:
                    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())
