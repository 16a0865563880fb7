"""Loading of 500 CSV files of 5,000 sessions each, every rule of the catalogue applied.

Limit: two cores that parse text; 130 MB lie in the page cache, so the disk does not matter.
Peer: pandas.read_csv of the same files, dates parsed, nothing checked; polars, which checks as
little, beside it. Not measured: a network's disk, files with quotes or faults.

    python benchmarks/csv_loading.py [--write]
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
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from nextclose import load_bars
from nextclose.data.calendar import session_table
from nextclose.schema import PRICE_COLUMNS

RESULT = Path(__file__).parent / "results" / "csv_loading.json"
GOAL_SECONDS, GOAL_RATIO = 3, 3
N_FILES, N_ROWS, ROUNDS = 500, 5_000, 5
FIRST = np.datetime64("2000-01-03", "D")


def main() -> None:
    """Measure, print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    parser.add_argument("--only-load", metavar="FOLDER", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only_load:
        load_bars(given.only_load)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
        return
    with tempfile.TemporaryDirectory() as name:
        result = measured(made(Path(name)))
    if given.write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


def made(folder: Path) -> Path:
    """Random walks with ranges and volumes, one file a symbol, on sessions of New York."""
    days = FIRST + np.arange(N_ROWS * 2)
    days = days[session_table("XNYS").at(days)[1]][:N_ROWS]
    draw = np.random.default_rng(1)
    for k in range(N_FILES):
        close = 50 * np.exp(np.cumsum(0.01 * draw.standard_t(5, N_ROWS)))
        open_ = np.concatenate([close[:1], close[:-1]])
        columns = {
            "Date": days,
            "Open": open_.round(4),
            "High": (np.maximum(open_, close) * 1.01).round(4),
            "Low": (np.minimum(open_, close) * 0.99).round(4),
            "Close": close.round(4),
            "Volume": draw.integers(100_000, 100_000_000, N_ROWS),
        }
        pl.DataFrame(columns).write_csv(folder / f"S{k:03d}.csv")
    return folder


def with_pandas(folder: Path) -> pd.DataFrame:
    """The files below each other, as pandas reads them."""
    return pd.concat([pd.read_csv(path, parse_dates=["Date"]) for path in sorted(folder.iterdir())])


def with_polars(folder: Path) -> pl.DataFrame:
    """The files below each other, as polars reads them."""
    return pl.concat([pl.read_csv(path, try_parse_dates=True) for path in sorted(folder.iterdir())])


def with_nextclose(folder: Path) -> pl.DataFrame:
    """The bars, checked."""
    return load_bars(folder).frame


def measured(folder: Path) -> dict[str, object]:
    """The three readers in turn, after their answers were found equal."""
    refuse_difference(folder)
    readers: dict[str, Callable[[Path], object]] = {
        "nextclose": with_nextclose,
        "pandas": with_pandas,
        "polars": with_polars,
    }
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(ROUNDS):
        for name, read in readers.items():
            begun = time.perf_counter()
            read(folder)
            seconds[name].append(time.perf_counter() - begun)
    typical = {name: float(np.median(times)) for name, times in seconds.items()}
    ratios = np.array(seconds["pandas"]) / np.array(seconds["nextclose"])
    for name, times in seconds.items():
        print(f"{name:>10} {typical[name]:6.2f} s, {min(times):.2f} at best")
    print(f"{np.median(ratios):10.2f} x pandas (goals: {GOAL_RATIO} x, {GOAL_SECONDS} s)")
    return {
        "bench": "csv_loading",
        "commit": commit(),
        "device": f"{os.cpu_count()} cores, {platform.machine()}",
        "versions": {name: version(name) for name in ("nextclose", "polars", "pandas")},
        "seconds": typical["nextclose"],
        "seconds_spread": [min(seconds["nextclose"]), max(seconds["nextclose"])],
        "peer_seconds": typical["pandas"],
        "polars_seconds": typical["polars"],
        "ratio": float(np.median(ratios)),
        "ratio_spread": [float(ratios.min()), float(ratios.max())],
        "peak_bytes": peak_bytes(folder),
    }


def refuse_difference(folder: Path) -> None:
    """Raise AssertionError unless every reader finds the same prices on the same days."""
    ours, peer, other = with_nextclose(folder), with_pandas(folder), with_polars(folder)
    assert (ours["session"].to_numpy() == peer["Date"].to_numpy()).all()
    assert ours["session"].equals(other["Date"], check_names=False)
    for name in (*PRICE_COLUMNS, "volume"):
        column = ours[name].to_numpy()
        assert (column == peer[name.title()].to_numpy()).all()
        assert (column == other[name.title()].to_numpy()).all()


def peak_bytes(folder: Path) -> int:
    """The most memory that a process of its own took to load them."""
    command = [sys.executable, __file__, "--only-load", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout)


def commit() -> str:
    """The commit that was measured."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
