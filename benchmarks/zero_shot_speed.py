"""Forecasts without training: one symbol warm, 500 symbols, and a cold command.

Limit: for many symbols arithmetic in the network (130 steps of 16 x 90 x 256 multiplications for 16
symbols) and passes over 2,700 sessions for its inputs; for one symbol calls from Python.
Peer: a GARCH fitted with `arch` to the same symbol, which needs a fit before every forecast; for
the cold command an interpreter that only imports numpy and polars. Not measured: reading a large
panel from disk.

    python benchmarks/zero_shot_speed.py [--write]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from arch import arch_model

from nextclose.data.calendars.sessions import session_table
from nextclose.models.threads import one_thread
from nextclose.schema import Bars
from nextclose.serving.versions import versions
from nextclose.serving.zero_shot import zero_shot_forecasts
from nextclose.simulation.markets import draw_markets
from nextclose.simulation.paths import PRICES, simulate

RESULT = Path(__file__).parent / "results" / "zero_shot_speed.json"
N_SYMBOLS, SESSIONS = 500, 2750
EXCHANGE = "XNYS"
REPEATS, COLD_REPEATS = 15, 5


def bars_of(n: int) -> Bars:
    """Simulated symbols on days of New York."""
    rng = np.random.default_rng(0)
    paths = simulate(draw_markets(n, rng), SESSIONS, rng)
    before = np.cumsum(paths.close, axis=1) - paths.close
    days = np.arange("2010-01-01", "2026-01-01", dtype="datetime64[D]")
    days = days[session_table(EXCHANGE).at(days)[1]][:SESSIONS]
    names = [f"S{k:03d}" for k in range(n)]
    frame = pl.DataFrame(
        {
            "symbol": np.repeat(names, SESSIONS),
            "session": np.tile(days, n),
            **{name: np.exp(before + getattr(paths, name)).ravel() for name in PRICES},
        }
    )
    return Bars(frame=frame, exchanges=dict.fromkeys(names, EXCHANGE))


def seconds(work: Callable[[], object], *, repeats: int) -> list[float]:
    """How long each of so many calls takes."""
    found = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return found


def garch(close: np.ndarray) -> None:
    """A GJR-GARCH-t of the symbol and its forecast of 30 sessions' variance."""
    returns = 100 * np.diff(np.log(close))
    fitted = arch_model(returns, vol="GARCH", p=1, o=1, q=1, dist="t").fit(disp="off")
    fitted.forecast(horizon=30)


def cold(folder: Path, one: Bars) -> dict[str, list[float]]:
    """Seconds of the whole command on a file, and of an interpreter that imports two libraries."""
    file = folder / "prices.csv"
    one.frame.write_csv(file)
    command = [sys.executable, "-m", "nextclose", "predict", str(file), "--calendar", EXCHANGE]
    bare = [sys.executable, "-c", "import numpy, polars"]
    calls = {"command": command, "imports": bare}
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(COLD_REPEATS):
        for name, call in calls.items():
            begun = time.perf_counter()
            subprocess.run(call, check=True, capture_output=True)
            found[name].append(time.perf_counter() - begun)
    return found


def main() -> None:
    """Print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    given = parser.parse_args()
    every = bars_of(N_SYMBOLS)
    one = Bars(frame=every.frame.head(SESSIONS), exchanges=every.exchanges)
    close = one.frame["close"].to_numpy()
    with one_thread():
        zero_shot_forecasts(one)
        ours = seconds(lambda: zero_shot_forecasts(one), repeats=REPEATS)
        peer = seconds(lambda: garch(close), repeats=REPEATS)
        many = seconds(lambda: zero_shot_forecasts(every), repeats=3)
    with tempfile.TemporaryDirectory() as folder:
        started = cold(Path(folder), one)
    ratios = np.array(peer) / np.array(ours)
    result = {
        "bench": "zero_shot_speed",
        "versions": versions(),
        "seconds": float(np.median(ours)),
        "peer_seconds": float(np.median(peer)),
        "ratio": float(np.median(ratios)),
        "ratio_spread": [float(ratios.min()), float(ratios.max())],
        "symbols": N_SYMBOLS,
        "symbols_seconds": float(np.median(many)),
        "cold_seconds": float(np.median(started["command"])),
        "cold_imports_seconds": float(np.median(started["imports"])),
    }
    warm, fitted = (1e3 * float(np.median(times)) for times in (ours, peer))
    print(f"one symbol, warm      {warm:8.1f} ms  (arch {fitted:.0f} ms)")
    print(f"{N_SYMBOLS} symbols, warm    {np.median(many):8.2f} s")
    print(f"one symbol, command   {result['cold_seconds']:8.2f} s")
    print(f"two imports           {result['cold_imports_seconds']:8.2f} s")
    if given.write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
