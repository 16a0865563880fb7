"""What other companies teach log-HAR: the editions of its prior, `models/loghar/priors/`.

Of a panel of US stocks (symbol, session, open, high, low, close; not part of this project) the
companies that teach, by the first letters of their names; nothing later than the day named. What
symbols have in common is taken over tens of them, about as many as a watch list has. Weights are
unblended fits as the model makes them, of all sets of inputs it can have.
Not a speed claim; no limit, no peer. A few minutes and 4 GB.

    python benchmarks/loghar_prior.py PANEL.parquet --until 2004-12-31 [--write]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import nextclose
from nextclose.data.sources.loading import load_bars
from nextclose.features.market import MARKET_NAMES
from nextclose.features.table import make_table
from nextclose.models.loghar.loghar import (
    CLOSE_INPUTS,
    RANGE_INPUTS,
    design,
    gamma_weights,
    has_long_run,
)
from nextclose.models.loghar.prior import FOLDER, HORIZONS
from nextclose.models.volatility.har import HAR_CAP_LEVEL, year_move
from nextclose.pretraining.companies import LEAST_SESSIONS, company_part
from nextclose.samples.samples import make_samples
from nextclose.schema import LEVELS, MEDIAN, Bars, Floats

GROUP = 10  # symbols
SEED = 0
DECIMALS = 4
STEPS = 2  # levels of .05
INPUTS = {
    "close": CLOSE_INPUTS,
    "close, range": CLOSE_INPUTS + RANGE_INPUTS,
    "close, market": CLOSE_INPUTS + MARKET_NAMES,
    "close, range, market": CLOSE_INPUTS + RANGE_INPUTS + MARKET_NAMES,
}


def teachers(panel: str, until: date) -> Bars:
    """The bars of the companies that teach, up to that day, of histories that are long enough."""
    bars = load_bars(panel)
    frame = bars.frame.filter(pl.col("session") <= until)
    lengths = frame.group_by("symbol").len().filter(pl.col("len") >= LEAST_SESSIONS)
    names = [name for name in lengths["symbol"].to_list() if company_part(name) == "teach"]
    return replace(bars, frame=frame.filter(pl.col("symbol").is_in(names)))


def tens(bars: Bars) -> Iterator[Bars]:
    """The bars of ten companies at a time, drawn without order; those left over go to the last."""
    names = np.random.default_rng(SEED).permutation(list(bars.symbols))
    for group in np.array_split(names, max(len(names) // GROUP, 1)):
        yield replace(bars, frame=bars.frame.filter(pl.col("symbol").is_in(group.tolist())))


def lessons(bars: Bars) -> tuple[dict[str, Floats], Floats, Floats]:
    """Inputs (row, 1 + input) by name of their set, movements and outcomes over the year's move.

    Both (row, horizon), outcomes over the root of the horizon too.
    """
    inputs: dict[str, list[Floats]] = {name: [] for name in INPUTS}
    movements, outcomes = [], []
    for group in tens(bars):
        samples = make_samples(make_table(group, market=True), horizons=HORIZONS)
        rows = np.flatnonzero(has_long_run(samples) & samples.ready("stationary"))
        for name, columns in INPUTS.items():
            values = design(samples, columns, rows=rows)
            inputs[name].append(np.column_stack([np.ones(len(rows)), values]))
        year = year_move(samples)[rows, None]
        movements.append(samples.movement[rows] / year)
        outcomes.append(samples.target[rows] / year)
    whole = {name: np.concatenate(parts) for name, parts in inputs.items()}
    return whole, np.concatenate(movements), np.concatenate(outcomes)


def weights_of(inputs: Floats, movement: Floats) -> Floats:
    """Weights of what moved on all inputs, by horizon. Shape (horizon, 1 + input)."""
    sound = np.isfinite(inputs).all(axis=1)
    weights = []
    for column in movement.T:
        known = sound & np.isfinite(column)
        cap = np.quantile(column[known], HAR_CAP_LEVEL)
        weights.append(gamma_weights(inputs[known], np.minimum(column[known], cap)))
    return np.array(weights)


def shape_of(inputs: Floats, weights: Floats, outcome: Floats) -> Floats:
    """Quantiles of the outcome over its expected move, less their median. (horizon, level).

    Linear from the median to `STEPS` levels beside it: while prices had steps of an eighth, one
    close in ten was that of the day before, which no price of today repeats.
    """
    over = outcome / np.exp(inputs @ weights.T)
    grid: Floats = np.array([np.quantile(column[np.isfinite(column)], LEVELS) for column in over.T])
    grid = grid - grid[:, MEDIAN : MEDIAN + 1]
    steps = np.arange(STEPS) / STEPS
    grid[:, MEDIAN : MEDIAN + STEPS] = grid[:, MEDIAN + STEPS, None] * steps
    grid[:, MEDIAN - STEPS + 1 : MEDIAN + 1] = grid[:, MEDIAN - STEPS, None] * steps[::-1]
    return grid


def main() -> None:
    """Fit, keep if asked, and print one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("panel")
    parser.add_argument("--until", type=date.fromisoformat, required=True)
    parser.add_argument("--write", action="store_true", help="keep it as an edition")
    parser.add_argument("--out", type=Path, help="another place to keep it")
    given = parser.parse_args()
    bars = teachers(given.panel, given.until)
    inputs, movement, outcome = lessons(bars)
    weights = {name: weights_of(values, movement) for name, values in inputs.items()}
    market = "close, market"
    prior: dict[str, Any] = {
        "until": str(given.until),
        "companies": len(bars.symbols),
        "first": str(bars.frame["session"].min()),
        "rows": int(np.isfinite(movement[:, -1]).sum()),
        "horizons": list(HORIZONS),
        "inputs": {name: list(columns) for name, columns in INPUTS.items()},
        "weights": {name: table.round(DECIMALS).tolist() for name, table in weights.items()},
        "shape": shape_of(inputs[market], weights[market], outcome).round(DECIMALS).tolist(),
    }
    package = Path(nextclose.__file__).parent / "models" / "loghar" / FOLDER
    place = given.out or package / f"until-{given.until}.json"
    if given.write or given.out:
        place.write_text(json.dumps(prior, indent=1) + "\n")
    print(json.dumps(prior))


if __name__ == "__main__":
    main()
