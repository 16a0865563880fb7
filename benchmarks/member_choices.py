"""Choices behind the hybrid's members and its calibration, on 20 stocks before 2005.

Closes of 20 US stocks from 1990 on, seven yearly refits from 1998-01-02 to the end of 2004, after
up to three rehearsals; two seeds. Gains in CRPS over log-HAR, in per cent, pooled, with their 95 %
interval. The prior is that of the years up to 1997, so nothing has seen the years it is scored on.
Not a speed claim; half an hour on one core.

    python benchmarks/member_choices.py [--write]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import polars as pl

from har_prior import stocks
from loghar_choices import earlier_prior
from nextclose.backtesting.forecasts import forecast_frame, log_quantiles
from nextclose.backtesting.study import make_study
from nextclose.backtesting.walk_forward import Backtest, backtest
from nextclose.config import BacktestConfig, HybridConfig, LstmConfig, RunConfig, TreesConfig
from nextclose.evaluation.breakdowns.ablation import ablations
from nextclose.evaluation.hypothesis_tests.mean import decisive_test, relative_gain
from nextclose.evaluation.scores.losses import with_losses
from nextclose.features.table import make_table
from nextclose.models.hybrid import conformal
from nextclose.models.loghar import prior
from nextclose.models.lstm.lstm import FittedLstm, Lstm
from nextclose.samples.samples import make_samples
from nextclose.samples.splits import known_at
from nextclose.schema import Floats

RESULT = Path(__file__).parent / "results" / "member_choices.json"
TEST_FROM = date(1998, 1, 2)
FIRST_LSTM = LstmConfig(n_seeds=2, dropout=0.2, weight_decay=0.01, horizon_power=0.0)
Rows = dict[str, Any]


def walked(models: tuple[str, ...], **parts: Any) -> Backtest:
    """The panel walked forward."""
    settings: dict[str, Any] = {"lstm": LstmConfig(n_seeds=2), **parts}
    config = RunConfig(backtest=BacktestConfig(models=models, test_from=TEST_FROM), **settings)
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


def believed(found: Backtest, *, share: float | None, shift: bool) -> pl.DataFrame:
    """Forecasts with every correction used by `share`, as proven with None, beside log-HAR's."""
    study, frames = found.study, [found.forecasts.filter(pl.col("model") == "loghar")]
    model = Lstm(settings=study.config.lstm)
    for fold in study.folds:
        fitted = cast(FittedLstm, model.combine_seeds(found.fits["lstm", fold.index]))
        if share is not None:
            shares = np.full_like(fitted.shares, share)
            shares[..., 0] *= shift
            fitted = replace(fitted, shares=shares)
        then = known_at(study.samples, study.samples.origin[fold.test_rows].max())
        grid, _ = log_quantiles(fitted, then, fold.test_rows)
        frames.append(
            forecast_frame(study.samples, fold.test_rows, grid, model="lstm", fold=fold.index)
        )
    return pl.concat(frames)


def lstm_rows() -> Iterator[tuple[str, Rows]]:
    """The LSTM's regularisation, and how much of it to believe."""
    for name, settings in (("first settings", FIRST_LSTM), ("default", LstmConfig(n_seeds=2))):
        found = walked(("loghar", "lstm"), lstm=settings)
        yield f"lstm, {name}, as proven", {"gain": gains(found.forecasts, model="lstm")}
        for share, shift in ((0.5, True), (0.5, False), (1.0, True)):
            what = f"{share:.0%} of every correction" + ("" if shift else " of width")
            frame = believed(found, share=share, shift=shift)
            yield f"lstm, {name}, {what}", {"gain": gains(frame, model="lstm")}


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
    for members in (("loghar", "trees", "lstm"), ("garch", "loghar", "trees", "lstm")):
        found = walked(("loghar", "garch", "hybrid"), hybrid=HybridConfig(members=members))
        rows: Rows = {"gain": gains(found.forecasts, model="hybrid")}
        for part in ablations(found.ablation, found.forecasts):
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
        for part in ablations(found.ablation, found.forecasts):
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
        for rows in (hybrid_rows(), trees_rows(), calibration_rows(), lstm_rows()):
            for name, found in rows:
                result["rows"][name] = found
                print(name, json.dumps(found), flush=True)
                if write:
                    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())
