"""The universal LSTM on simulated markets: how far it stays behind who knows the truth.

Quality, not speed. The peer is the oracle: the true density of what comes next, given parameters
and state, which nobody has who sees prices alone. Each market is forecast once, at its last
session, and scored on thousands of its true continuations.

    python benchmarks/universal_markets.py [--write]

`gap_pct`: mean CRPS over the oracle's, less 1, in per cent, by family of markets and horizon; that
of the last 250 outcomes and of all (historical simulation) beside it. `walks`: the same of random
walks of constant volatility, where the oracle is a normal and there is nothing to know.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from nextclose.features.table import make_table
from nextclose.features.universal import FAMILY
from nextclose.metrics import grid_crps
from nextclose.models.lstm.editions import shipped_editions
from nextclose.models.lstm.lstm import FittedLstm
from nextclose.samples.samples import Samples, make_samples
from nextclose.schema import HORIZONS, LEVELS, Bars, Floats
from nextclose.serving.latest_bars import latest_rows
from nextclose.simulation.markets import FAMILIES, Markets, draw_markets
from nextclose.simulation.paths import PRICES, Paths, continued, simulate

RESULT = Path(__file__).parent / "results" / "universal_markets.json"
N_MARKETS = 60  # of a family
SESSIONS, DRAWS = 2800, 4000
PER_CENT = 100.0


def random_walks(n: int, rng: np.random.Generator) -> Markets:
    """Markets whose moves are normal and alike, without drift: all that markets do is taken out."""
    markets = draw_markets(n, rng)
    still = {each.name: np.zeros_like(getattr(markets, each.name)) for each in fields(markets)}
    kept = {name: getattr(markets, name) for name in ("scale", "night_share", "range_sd", "family")}
    calm = {"freedom": np.full(n, 1e9), "earnings": np.ones(n)}
    return replace(markets, **(still | kept | calm))


def bars_of(paths: Paths) -> Bars:
    """The paths as bars of symbols, from 2010 on, every day a session."""
    n, n_sessions = paths.close.shape
    before = np.cumsum(paths.close, axis=1) - paths.close
    days = np.datetime64("2010-01-04") + np.arange(n_sessions)
    frame = pl.DataFrame(
        {
            "symbol": np.repeat([f"M{k:04d}" for k in range(n)], n_sessions),
            "session": np.tile(days, n),
            **{name: np.exp(before + getattr(paths, name)).ravel() for name in PRICES},
        }
    )
    return Bars(frame=frame)


def gaps(markets: Markets, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Gaps of the network and of history to the oracle, by horizon."""
    paths = simulate(markets, SESSIONS, rng)
    samples = make_samples(make_table(bars_of(paths), families=(FAMILY,)))
    rows = latest_rows(samples)
    edition = shipped_editions()[0]
    fitted = FittedLstm(edition=edition.until, networks=(edition.network,))
    unit = samples.unit(rows)[:, :, None]
    grids = {
        "lstm": fitted.quantiles(samples, rows) * unit,
        "hs_250": historical(samples, lambda past: past[-250:]),
        "hs_expanding": historical(samples, lambda past: past),
    }
    outcome, oracle = outcomes(markets, paths, rng), outcomes(markets, paths, rng)
    grids["oracle"] = np.moveaxis(np.quantile(oracle, LEVELS, axis=1), 0, 2)
    scale = np.sqrt(outcome.var(axis=1))  # (market, horizon): a wild market counts like a calm one
    losses = {
        name: np.stack(
            [grid_crps(grid[:, k, None, :], outcome[:, :, k]).mean(axis=1) for k in range(3)],
            axis=1,
        )
        / scale
        for name, grid in grids.items()
    }
    return [
        {
            "horizon": horizon,
            "oracle_crps": round(float(losses["oracle"][:, k].mean()), 5),
            **{
                name: round(
                    PER_CENT * float(loss[:, k].mean() / losses["oracle"][:, k].mean() - 1), 2
                )
                for name, loss in losses.items()
                if name != "oracle"
            },
        }
        for k, horizon in enumerate(HORIZONS)
    ]


def historical(samples: Samples, chosen: Callable[[Floats], Floats]) -> Floats:
    """Quantiles of each market's own past outcomes. (market, horizon, level)."""
    grid = np.empty((len(samples.segments), len(samples.horizons), len(LEVELS)))
    for place, (start, stop) in enumerate(samples.segments):
        for k in range(len(samples.horizons)):
            past = samples.outcome[start:stop, k]
            grid[place, k] = np.quantile(chosen(past[np.isfinite(past)]), LEVELS)
    return grid


def outcomes(markets: Markets, paths: Paths, rng: np.random.Generator) -> Floats:
    """Log returns over each horizon in true continuations. Shape (market, draw, horizon)."""
    places = np.repeat(np.arange(len(markets)), DRAWS)
    draws = continued(markets.take(places), paths.last.take(places), max(HORIZONS), rng)
    moves = np.cumsum(draws.close, axis=1)[:, np.asarray(HORIZONS) - 1]
    return moves.reshape(len(markets), DRAWS, len(HORIZONS))


def main() -> None:
    """Print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    given = parser.parse_args()
    rng = np.random.default_rng(2026)
    kinds: dict[str, Markets] = {
        name: draw_markets(N_MARKETS, rng, families=(name,)) for name in FAMILIES
    }
    kinds["walks"] = random_walks(N_MARKETS, rng)
    found = {name: gaps(markets, rng) for name, markets in kinds.items()}
    result = {
        "bench": "universal_markets",
        "edition": shipped_editions()[0].until,
        "markets_of_a_family": N_MARKETS,
        "gap_pct": found,
    }
    for name, rows in found.items():
        for row in rows:
            print(f"{name:16s}", row)
    if given.write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
