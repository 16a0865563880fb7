"""Loading of 500 CSV files of 5,000 sessions each, every rule of the catalogue applied.

Limit: two cores that parse text; 130 MB lie in the page cache, so the disk does not matter.
Peer: pandas.read_csv of the same files, dates parsed, nothing checked; polars, which checks as
little, beside it. Not measured: a network's disk, files with quotes or faults.

And the memory of one file of ten million rows, sorted by symbol: the most that a process of its own
takes for it beyond what its libraries took, over what the resulting frame holds.

    python benchmarks/csv_loading.py [--write]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
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
from nextclose.data.calendars.sessions import session_table
from nextclose.schema import PRICE_COLUMNS

RESULT = Path(__file__).parent / "results" / "csv_loading.json"
GOAL_SECONDS, GOAL_RATIO, GOAL_MEMORY = 3, 3, 1.5
TEXT_BYTES = 16  # of a text cell, besides its characters where they are more than 12
N_SYMBOLS = 2_000  # in one file
N_FILES, N_ROWS, ROUNDS = 500, 5_000, 5
FIRST = np.datetime64("2000-01-03", "D")


def main() -> None:
    """Measure, print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    parser.add_argument("--only-load", metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only_load:
        print(json.dumps(memory_of_loading(arguments.only_load)))
        return
    with tempfile.TemporaryDirectory() as name:
        result = reading_times(write_small_files(Path(name)))
    with tempfile.TemporaryDirectory() as name:
        result |= large_import(write_large_file(Path(name) / "prices.csv"))
    if arguments.write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


def write_small_files(folder: Path) -> Path:
    """Files of one symbol each."""
    draw = np.random.default_rng(1)
    for k in range(N_FILES):
        walk(draw).write_csv(folder / f"S{k:03d}.csv")
    return folder


def write_large_file(path: Path) -> Path:
    """One file with all symbols."""
    draw = np.random.default_rng(2)
    with path.open("wb") as file:
        for k in range(N_SYMBOLS):
            symbol = pl.lit(f"S{k:04d}").alias("Symbol")
            walk(draw).select(symbol, pl.all()).write_csv(file, include_header=not k)
    return path


def walk(draw: np.random.Generator) -> pl.DataFrame:
    """A random walk with ranges and volumes, on sessions of New York."""
    days = FIRST + np.arange(N_ROWS * 2)
    days = days[session_table("XNYS").at(days)[1]][:N_ROWS]
    close = 50 * np.exp(np.cumsum(0.01 * draw.standard_t(8, N_ROWS).clip(-8, 8)))
    open_ = np.concatenate([close[:1], close[:-1]])
    columns = {
        "Date": days,
        "Open": open_.round(4),
        "High": (np.maximum(open_, close) * 1.01).round(4),
        "Low": (np.minimum(open_, close) * 0.99).round(4),
        "Close": close.round(4),
        "Volume": draw.integers(100_000, 100_000_000, N_ROWS),
    }
    return pl.DataFrame(columns)


def with_pandas(folder: Path) -> pd.DataFrame:
    """The files below each other, as pandas reads them."""
    return pd.concat([pd.read_csv(path, parse_dates=["Date"]) for path in sorted(folder.iterdir())])


def with_polars(folder: Path) -> pl.DataFrame:
    """The files below each other, as polars reads them."""
    return pl.concat([pl.read_csv(path, try_parse_dates=True) for path in sorted(folder.iterdir())])


def with_nextclose(folder: Path) -> pl.DataFrame:
    """The bars, checked."""
    return load_bars(folder).frame


def reading_times(folder: Path) -> dict[str, object]:
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
            start = time.perf_counter()
            read(folder)
            seconds[name].append(time.perf_counter() - start)
    medians = {name: float(np.median(times)) for name, times in seconds.items()}
    ratios = np.array(seconds["pandas"]) / np.array(seconds["nextclose"])
    for name, times in seconds.items():
        print(f"{name:>10} {medians[name]:6.2f} s, {min(times):.2f} at best")
    print(f"{np.median(ratios):10.2f} x pandas (goals: {GOAL_RATIO} x, {GOAL_SECONDS} s)")
    return {
        "bench": "csv_loading",
        "commit": commit(),
        "device": f"{os.cpu_count()} cores, {platform.machine()}",
        "versions": {name: version(name) for name in ("nextclose", "polars", "pandas")},
        "seconds": medians["nextclose"],
        "seconds_spread": [min(seconds["nextclose"]), max(seconds["nextclose"])],
        "peer_seconds": medians["pandas"],
        "polars_seconds": medians["polars"],
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
    """The most memory that a process of its own took to load them, libraries and all."""
    return in_child(folder)["peak_bytes"]


def large_import(path: Path) -> dict[str, object]:
    """Memory of loading one large file, as a ratio to the frame."""
    usage = in_child(path)
    added = usage["peak_bytes"] - usage["before_bytes"]
    ratio = added / usage["frame_bytes"]
    print(f"{ratio:10.2f} x the frame, {usage['frame_bytes']:,} bytes (goal: {GOAL_MEMORY} x)")
    return {
        "large_rows": N_SYMBOLS * N_ROWS,
        "large_frame_bytes": usage["frame_bytes"],
        "large_peak_bytes": added,
        "large_memory_ratio": ratio,
    }


def in_child(path: Path) -> dict[str, int]:
    """What `memory_of_loading` says in a process of its own."""
    command = [sys.executable, __file__, "--only-load", str(path)]
    child = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(child.stdout))


def memory_of_loading(path: str) -> dict[str, int]:
    """Bytes of this process before loading and at the peak of it, and those the frame holds."""
    load_bars("sample")  # the libraries are there, and the calendar
    before = peak_so_far()
    frame = load_bars(path).frame
    return {"before_bytes": before, "peak_bytes": peak_so_far(), "frame_bytes": frame_bytes(frame)}


def peak_so_far() -> int:
    """The most memory that this process had at any time; `getrusage` counts its parent's in."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def frame_bytes(frame: pl.DataFrame) -> int:
    """What the frame holds; `estimated_size` leaves out what each text cell takes by itself."""
    n_characters = int(frame["symbol"].str.len_bytes().sum())
    return int(frame.estimated_size()) - n_characters + TEXT_BYTES * frame.height


def commit() -> str:
    """The commit that was measured."""
    child = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return child.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
