"""Quantiles and means of the own past, for every row: `hs_250`, `hs_expanding` and `drift`.

Limit: sorting; a row costs a sort of 250 values, or moving half of its past by one place, and the
sum of its past for the mean. Peer: `np.quantile` and `mean` of each row's past alone, as these
models were computed before; the past itself comes from `resolved_outcomes` in both. Both are
checked to give the same bits, then timed in turns in one run. Not measured: reading bars.

    python benchmarks/historical_simulation.py [--write]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from nextclose.features.table import make_table
from nextclose.features.universal import FAMILY
from nextclose.models.baselines import HISTORY_SESSIONS, Drift, HistoricalSimulation
from nextclose.models.threads import one_thread
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.splits import resolved_outcomes
from nextclose.schema import HORIZONS, LEVELS, Bars, Floats, Ints
from nextclose.serving.versions import versions
from nextclose.simulation.markets import draw_markets
from nextclose.simulation.paths import PRICES, simulate

RESULT = Path(__file__).parent / "results" / "historical_simulation.json"
N_SYMBOLS, SESSIONS, REPEATS = 20, 2520, 5
MICROSECONDS = 1e6

Forecast = Callable[[Samples, Ints], Floats]


def market_samples() -> Samples:
    """Simulated symbols of some ten years, every day a session."""
    rng = np.random.default_rng(0)
    paths = simulate(draw_markets(N_SYMBOLS, rng), SESSIONS, rng)
    before = np.cumsum(paths.close, axis=1) - paths.close
    days = np.datetime64("2010-01-04") + np.arange(SESSIONS)
    frame = pl.DataFrame(
        {
            "symbol": np.repeat([f"M{k:04d}" for k in range(N_SYMBOLS)], SESSIONS),
            "session": np.tile(days, N_SYMBOLS),
            **{name: np.exp(before + getattr(paths, name)).ravel() for name in PRICES},
        }
    )
    return make_samples(make_table(Bars(frame=frame), families=(FAMILY,)))


def row_by_row(statistic: Callable[[Floats], Any]) -> Forecast:
    """The peer: a statistic of each row's past, computed alone; NaN without a past."""

    def grid(samples: Samples, rows: Ints) -> Floats:
        found = np.full((len(rows), len(HORIZONS), len(LEVELS)), np.nan)
        for k in range(len(HORIZONS)):
            for past in resolved_outcomes(samples, rows, horizon=k):
                for position, n in zip(past.positions, past.n_resolved, strict=True):
                    if n:
                        found[position, k] = statistic(past.outcome[:n])
        return np.asarray(found / samples.unit(rows)[:, :, None])

    return grid


def timed(ours: Forecast, peer: Forecast, samples: Samples) -> dict[str, Any]:
    """Microseconds a row and horizon of both, in turns, after a check that they agree."""
    rows = np.arange(len(samples.origin))
    mine, other = ours(samples, rows), peer(samples, rows)
    known = np.isfinite(other)  # without a past drift says 0
    assert np.array_equal(mine[known], other[known]), "the two disagree"
    seconds: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in range(REPEATS):
        for name, forecast in (("ours", ours), ("peer", peer)):
            begun = time.perf_counter()
            forecast(samples, rows)
            seconds[name].append(time.perf_counter() - begun)
    ratios = np.array(seconds["peer"]) / np.array(seconds["ours"])
    n_cells = len(rows) * len(HORIZONS)
    return {
        "seconds": float(np.median(seconds["ours"])),
        "peer_seconds": float(np.median(seconds["peer"])),
        "row_microseconds": float(np.median(seconds["ours"])) / n_cells * MICROSECONDS,
        "peer_row_microseconds": float(np.median(seconds["peer"])) / n_cells * MICROSECONDS,
        "ratio": float(np.median(ratios)),
        "ratio_spread": [float(ratios.min()), float(ratios.max())],
    }


def main() -> None:
    """Print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    given = parser.parse_args()
    samples = market_samples()
    no_spread = np.zeros((len(HORIZONS), len(LEVELS)))
    pairs: dict[str, tuple[Forecast, Forecast]] = {
        "hs_250": (
            HistoricalSimulation(n_outcomes=HISTORY_SESSIONS).quantiles,
            row_by_row(lambda past: np.quantile(past[-HISTORY_SESSIONS:], LEVELS)),
        ),
        "hs_expanding": (
            HistoricalSimulation(n_outcomes=None).quantiles,
            row_by_row(lambda past: np.quantile(past, LEVELS)),
        ),
        "drift": (Drift(spread=no_spread).quantiles, row_by_row(np.mean)),
    }
    with one_thread():
        models = {name: timed(*pair, samples) for name, pair in pairs.items()}
    for name, figures in models.items():
        ours, peer = figures["row_microseconds"], figures["peer_row_microseconds"]
        low, high = figures["ratio_spread"]
        print(f"{name:14}{ours:8.2f} us a row, peer {peer:8.2f}, ratio {low:.1f} to {high:.1f}")
    result = {
        "bench": "historical_simulation",
        "versions": versions(),
        "symbols": N_SYMBOLS,
        "sessions": SESSIONS,
        "models": models,
    }
    if given.write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
