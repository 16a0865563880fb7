"""The default backtest: `nextclose backtest` of 20 and of 100 simulated symbols of 2,520 sessions.

Limit: arithmetic, of GARCH fits and of the network; memory: what models forecast. Peer: the machine
itself, in processor seconds it could have spent (cores x wall); the ratio says how well the cores
were kept busy. A new folder each time, so nothing is remembered; the peak is that of the process
that needs most.

    python benchmarks/backtest_time.py [--write]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from demo_time import commit
from nextclose.serving.versions import versions
from nextclose.simulation.markets import draw_markets
from nextclose.simulation.paths import PRICES, simulate

RESULT = Path(__file__).parent / "results" / "backtest_time.json"
SESSIONS = 2520
SIZES = (20, 100)
GOALS = {20: "60 s", 100: "4 GB"}


def write_prices(n_symbols: int, path: Path) -> None:
    """One long CSV of that many simulated symbols, a session every weekday."""
    rng = np.random.default_rng(n_symbols)
    paths = simulate(draw_markets(n_symbols, rng), SESSIONS, rng)
    before = np.cumsum(paths.close, axis=1) - paths.close
    days = np.busday_offset("2010-01-04", np.arange(SESSIONS), roll="forward")
    pl.DataFrame(
        {
            "symbol": np.repeat([f"M{k:04d}" for k in range(n_symbols)], SESSIONS),
            "date": np.tile(days, n_symbols),
            **{name: 50 * np.exp(before + getattr(paths, name)).ravel() for name in PRICES},
        }
    ).write_csv(path)


def measured(n_symbols: int) -> dict[str, Any]:
    """Wall seconds, share of the cores' time, and the largest process of one backtest."""
    with tempfile.TemporaryDirectory() as folder:
        prices = Path(folder) / "prices.csv"
        write_prices(n_symbols, prices)
        command = [sys.executable, "-m", "nextclose", "backtest", str(prices)]
        command += ["--calendar", "weekdays", "--out", f"{folder}/run"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        wall = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return {
        "symbols": n_symbols,
        "seconds": round(wall, 1),
        "ratio": round(spent / (wall * (os.cpu_count() or 1)), 2),
        "peak_bytes": after.ru_maxrss * 1024,
    }


def main() -> None:
    """Measure, the smaller first, print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    write = parser.parse_args().write
    rows = [measured(n) for n in SIZES]
    for row in rows:
        gigabytes = row["peak_bytes"] / 1e9
        goal = GOALS[row["symbols"]]
        print(f"{row['symbols']:4d} symbols {row['seconds']:7.1f} s {gigabytes:5.2f} GB ({goal})")
    result = {
        "bench": "backtest_time",
        "commit": commit(),
        "device": f"{os.cpu_count()} cores, {platform.machine()}",
        "versions": versions(),
        "sessions": SESSIONS,
        "rows": rows,
    }
    if write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
