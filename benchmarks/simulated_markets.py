"""Stylized facts of simulated markets beside those of real stocks before 2005.

No limit and no peer: not a speed claim. A panel of US stocks (symbol, session, open, high, low,
close; not part of this project) gives of each fact the 10, 50 and 90 % quantiles over symbols with
1,000 rows or more; a test holds the median of simulated markets between the outer two.

    python benchmarks/simulated_markets.py PANEL.parquet [--write]
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from nextclose.schema import Floats
from nextclose.simulation.facts import stylized_facts
from nextclose.simulation.markets import FAMILIES, draw_markets
from nextclose.simulation.paths import simulate

RESULT = Path(__file__).parent / "results" / "simulated_markets.json"
UNTIL = date(2005, 1, 1)
LEAST_ROWS = 1000
SHARES = (0.1, 0.5, 0.9)
N_MARKETS, N_SESSIONS = 800, 4000  # the sessions of a median symbol of the panel

Facts = dict[str, list[float]]


def facts_of_panel(panel: Path) -> tuple[Facts, int]:
    """Quantiles of each fact over the symbols, and how many there are."""
    rows = pl.scan_parquet(panel).filter(pl.col("session") < UNTIL).collect()
    found = []
    for _, symbol in rows.group_by("symbol", maintain_order=True):
        if symbol.height < LEAST_ROWS:
            continue
        prices = {name: symbol[name].to_numpy().astype(np.float64) for name in ("high", "low")}
        close = symbol["close"].to_numpy().astype(np.float64)
        moves = np.diff(np.log(close))
        has_range = prices["high"] > prices["low"]
        span = np.where(has_range, np.log(prices["high"] / prices["low"]), np.nan)[1:]
        found.append(stylized_facts(moves[None], span[None]))
    return _quantiles({name: np.concatenate([f[name] for f in found]) for name in found[0]}), len(
        found
    )


def _quantiles(facts: dict[str, Floats]) -> Facts:
    return {name: np.quantile(values, SHARES).round(4).tolist() for name, values in facts.items()}


def main() -> None:
    """Print both tables, and last one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("panel", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    real, n_symbols = facts_of_panel(arguments.panel)
    rng = np.random.default_rng(0)
    markets = draw_markets(N_MARKETS, rng)
    paths = simulate(markets, N_SESSIONS, rng)
    facts = stylized_facts(paths.close, paths.high - paths.low)
    simulated = _quantiles(facts)
    print(f"{'fact':28s}{'real 10 / 50 / 90 %':>30s}{'simulated':>30s}   medians by family")
    for name, quantiles in real.items():
        medians = [np.median(facts[name][markets.family == k]) for k in range(len(FAMILIES))]
        texts = [
            " / ".join(f"{x:.3f}" for x in row) for row in (quantiles, simulated[name], medians)
        ]
        print(f"{name:28s}{texts[0]:>30s}{texts[1]:>30s}   {texts[2]}")
    result = {
        "bench": "simulated_markets",
        "symbols": n_symbols,
        "real": real,
        "simulated": simulated,
    }
    if arguments.write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
