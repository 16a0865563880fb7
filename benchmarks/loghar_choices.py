"""Choices behind log-HAR and its prior, made on 20 stocks before 2005.

Panels of 20, 4 and 1 stocks, closes from 1993 on, seven yearly refits from 1998-01-02 to the end of
2004. The prior in this script is learnt from the years up to 1997, so nothing has seen the years it
is scored on. Figures are gains in CRPS over `har`, in per cent, mean over symbols and then panels;
one standard error over the panels of a size beside them. Not a speed claim.

    python benchmarks/loghar_choices.py [--write]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl

from har_prior import spread_of, stocks, weights_of
from nextclose.backtesting.study import Study, make_study
from nextclose.backtesting.walk_forward import backtest
from nextclose.config import BacktestConfig, RunConfig
from nextclose.evaluation.scores.losses import with_losses
from nextclose.features.table import make_table
from nextclose.models.loghar import loghar, prior
from nextclose.samples.samples import Samples, make_samples
from nextclose.schema import MEDIAN, Bars, Floats

RESULT = Path(__file__).parent / "results" / "loghar_choices.json"
FIRST, TEST_FROM, LAST = date(1993, 1, 1), date(1998, 1, 2), date(2004, 12, 31)
OUT_OF_REACH = 1e15


def nowhere(samples: Samples) -> Floats:
    """No long run for anybody."""
    return np.full(len(samples.origin), np.nan)


# what is changed, in which module
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "loghar": {},
    "no prior for the weights": {"prior.ROWS_PER_SESSION": 0},
    "the prior's weights alone": {"prior.ROWS_PER_SESSION": OUT_OF_REACH},
    "no prior for the shape": {"prior.SHAPE_ROWS_PER_SESSION": 0},
    "own drift alone": {"prior.DRIFT_SESSIONS_PER_SESSION": 0},
    "no drift": {"prior.DRIFT_SESSIONS_PER_SESSION": OUT_OF_REACH, "prior.DRIFT": 0.0},
    "the prior's drift alone": {"prior.DRIFT_SESSIONS_PER_SESSION": OUT_OF_REACH},
    "drift shrunk to none": {"prior.DRIFT": 0.0},
    "no market": {"loghar.MARKET_SYMBOLS": OUT_OF_REACH},
    "no own width": {"loghar.WIDTH_ROWS": OUT_OF_REACH},
    "no long run": {"loghar.LEVEL": nowhere},
}


def earlier_prior() -> dict[str, Floats]:
    """The tables of `models/loghar/prior.py` as they stood at the end of 1997."""
    bars = stocks(last=date(1997, 12, 31))
    samples = make_samples(make_table(bars), horizons=prior.HORIZONS)
    weights, _ = weights_of(samples)
    spread = spread_of(samples, weights)
    with_market = make_samples(make_table(bars, market=True), horizons=prior.HORIZONS)
    return {
        "CLOSE_WEIGHTS": weights,
        "MARKET_WEIGHTS": weights_of(with_market)[0],
        "SHAPE": spread - spread[:, MEDIAN : MEDIAN + 1],
    }


def panels() -> Iterator[tuple[int, Bars]]:
    """All 20, five panels of four, and each stock alone."""
    everything = stocks(first=FIRST, last=LAST)
    names = everything.symbols
    groups = [names, *(names[i::5] for i in range(5)), *((name,) for name in names)]
    for group in groups:
        frame = everything.frame.filter(pl.col("symbol").is_in(group))
        yield len(group), Bars(frame=frame, basis=everything.basis)


def losses(study: Study, model: str) -> dict[tuple[str, int], float]:
    """Mean CRPS by symbol and horizon."""
    rows = with_losses(backtest(study).forecasts).filter(pl.col("model") == model)
    means = rows.group_by("symbol", "horizon_sessions").agg(pl.col("crps").mean())
    return {(symbol, horizon): crps for symbol, horizon, crps in means.iter_rows()}


def study_of(bars: Bars, model: str) -> Study:
    """The panel walked forward with one model."""
    config = RunConfig(backtest=BacktestConfig(models=(model,), test_from=TEST_FROM))
    return make_study(make_samples(make_table(bars, market=True)), config)


def gains(bars: Bars) -> dict[str, list[float]]:
    """Gain of every variant over `har`, by horizon, in per cent."""
    reference = losses(study_of(bars, "har"), "har")
    found = {}
    for name, changes in VARIANTS.items():
        with ExitStack() as stack:
            for where, value in changes.items():
                module, constant = where.split(".")
                if constant == "LEVEL":
                    stack.enter_context(patch.object(loghar, "long_run", value))
                else:
                    target = {"prior": prior, "loghar": loghar}[module]
                    stack.enter_context(patch.object(target, constant, value))
            ours = losses(study_of(bars, "loghar"), "loghar")
        found[name] = [
            float(100 * np.mean([1 - ours[key] / reference[key] for key in ours if key[1] == h]))
            for h in prior.HORIZONS
        ]
    return found


def main() -> None:
    """Run every panel and variant, print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    write = parser.parse_args().write
    result: dict[str, Any] = {"bench": "loghar_choices", "test": [str(TEST_FROM), str(LAST)]}
    by_size: dict[int, list[dict[str, list[float]]]] = {}
    with ExitStack() as stack:
        for constant, table in earlier_prior().items():
            stack.enter_context(patch.object(prior, constant, table))
        for size, bars in panels():
            by_size.setdefault(size, []).append(gains(bars))
    for size, found in by_size.items():
        rows = {}
        for name in VARIANTS:
            table = np.array([panel[name] for panel in found])  # (panel, horizon)
            error = table.std(axis=0, ddof=1) / np.sqrt(len(table)) if len(table) > 1 else None
            rows[name] = {
                "gain_pct": table.mean(axis=0).round(3).tolist(),
                "standard_error": None if error is None else error.round(3).tolist(),
            }
            print(f"{size:3d} {name:28s} {rows[name]['gain_pct']} {rows[name]['standard_error']}")
        result[f"panels of {size}"] = rows
    if write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())
