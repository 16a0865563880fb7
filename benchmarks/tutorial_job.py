"""Claim P1, the tutorial's job: AAPL, IBM, MSFT, GOOG at 1, 7 and 30 sessions, five years each.

Limit: arithmetic; 60 LSTM steps of 2 x 128 units for every training target, twelve networks.
Peer: the tutorial's recipe in Keras on TensorFlow (`keras_recipe.py`), a network for each symbol
    and horizon. Ours: the universal LSTM, one network for all, taught beforehand by others: hours
    that are not counted here, for they were spent once for all who use it.
Same bars (the last 1,258 of each symbol), same 70/15/15 split by date, same test origins, same
metrics: price MAPE and mean absolute error over naive's. Each side is one process from bars to
forecasts, on one thread, where the peer needs the fewest CPU seconds; start-up and imports count,
and are shown apart. The peer runs once, for minutes: no alternating, no spread, so quote it as an
order of magnitude. Not measured: a GPU.

    python benchmarks/tutorial_job.py [--quick] [--write]      needs the extras cpu and bench
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
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from nextclose.data.sources.loading import sample_bars
from nextclose.features.table import make_table
from nextclose.metrics import percentage_error
from nextclose.models.lstm.lstm import Lstm
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.splits import Fold, holdout
from nextclose.schema import HORIZONS, MEDIAN, Floats

RESULT = Path(__file__).parent / "results" / "tutorial_job.json"
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
PACKAGES = ("nextclose", "torch", "keras", "tensorflow-cpu", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is trained and forecast; the defaults are the tutorial's."""

    symbols: tuple[str, ...] = ("AAPL", "GOOG", "IBM", "MSFT")
    horizons: tuple[int, ...] = HORIZONS
    bars: int = 1258  # of each symbol, the latest
    epochs: int = 50  # at most, of the recipe
    seed: int = 1


QUICK = Job(symbols=("AAPL",), horizons=(1,), epochs=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one side took, start-up and imports included, and what it spent on the work alone."""

    cpu_seconds: float
    work_cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


def job_samples(job: Job) -> tuple[Samples, Fold]:
    """Samples of the latest bars of each symbol, split 70/15/15 as the tutorial counts."""
    bars = sample_bars()
    chosen = bars.frame.filter(pl.col("symbol").is_in(job.symbols))
    latest = chosen.group_by("symbol", maintain_order=True).tail(job.bars)
    table = make_table(replace(bars, frame=latest), families=("universal", "classic"))
    samples = make_samples(table, horizons=job.horizons)
    return samples, holdout(samples, family="classic", context_sessions=60)


def peer_forecasts(job: Job, samples: Samples, fold: Fold) -> Floats:
    """The recipe's point forecasts at the test rows, log returns. Shape (row, horizon)."""
    from keras_recipe import train_and_forecast  # TensorFlow loads in the peer's process alone

    point = np.full((len(fold.test_rows), len(job.horizons)), np.nan)
    symbol = np.array(samples.table.symbols)[samples.table.symbol[fold.test_rows]]
    for name in job.symbols:
        for k, horizon in enumerate(job.horizons):
            begun = time.process_time()
            run = train_and_forecast(
                fold, samples, symbol=name, horizon=horizon, epochs=job.epochs, seed=job.seed
            )
            point[symbol == name, k] = run.log_returns
            took = time.process_time() - begun
            note = f"  keras {name} {horizon:>2}: {run.n_epochs} epochs, {took:.1f} CPU seconds"
            print(note, file=sys.stderr, flush=True)
    return point


def our_forecasts(job: Job, samples: Samples, fold: Fold) -> Floats:
    """The universal LSTM's medians at the test rows, log returns. Shape (row, horizon)."""
    fitted = Lstm().fit(fold.train, fold.valid, job.seed)
    grid = fitted.quantiles(samples, fold.test_rows)
    return np.asarray(grid[:, :, MEDIAN] * samples.unit(fold.test_rows))


SIDES = {  # the module that loads a framework, and what to run
    "peer": ("keras_recipe", peer_forecasts),
    "ours": ("nextclose.models.lstm.lstm", our_forecasts),
}


def work(side: str, job: Job, out: Path) -> None:
    """One side's process: bars to forecasts, which land in `out` with the CPU seconds they took."""
    framework, forecasts = SIDES[side]
    import_module(framework)
    started = time.process_time()  # start-up ends here
    samples, fold = job_samples(job)
    point = forecasts(job, samples, fold)
    rows = fold.test_rows
    np.savez(
        out,
        point=point,
        rows=rows,
        close=samples.table.close[rows],
        work_cpu_seconds=time.process_time() - started,
    )


def measured(side: str, *, is_quick: bool, folder: Path) -> tuple[dict[str, Any], Cost]:
    """The forecasts of one side and its cost, from the kernel's account of its process."""
    out = folder / f"{side}.npz"
    command = [sys.executable, __file__, "--side", side, "--out", str(out)]
    begun = time.perf_counter()
    child = subprocess.Popen(command + ["--quick"] * is_quick, env={**os.environ, **ONE_THREAD})
    _, status, usage = os.wait4(child.pid, 0)  # getrusage of this child alone
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"the {side} side ended with exit code {child.returncode}")
    with np.load(out) as saved:
        result = dict(saved)
    return result, Cost(
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        work_cpu_seconds=float(result["work_cpu_seconds"]),
        wall_seconds=time.perf_counter() - begun,
        peak_bytes=usage.ru_maxrss * 1024,
    )


def accuracy(
    job: Job, samples: Samples, fold: Fold, points: Mapping[str, Floats]
) -> list[dict[str, Any]]:
    """Each symbol and horizon: price MAPE in % and mean absolute error over naive's, both sides."""
    rows, table = fold.test_rows, samples.table
    cells: list[dict[str, Any]] = []
    for code, symbol in enumerate(table.symbols):
        for k, horizon in enumerate(job.horizons):
            outcome = samples.outcome[rows, k]
            tested = (table.symbol[rows] == code) & np.isfinite(outcome)
            y = outcome[tested]
            cell: dict[str, Any] = {"symbol": symbol, "horizon_sessions": horizon, "n": len(y)}
            cell["naive_mape_pct"] = float(percentage_error(np.zeros_like(y), y).mean())
            for side, point in points.items():
                median = point[tested, k]
                cell[f"{side}_mape_pct"] = float(percentage_error(median, y).mean())
                cell[f"{side}_relative_mae"] = float(np.abs(y - median).sum() / np.abs(y).sum())
            cells.append(cell)
    return cells


def card(result: Mapping[str, Any]) -> str:
    """What people read."""
    lines = [
        f"{'':<14}{'price MAPE, %':^27}{'MAE over naive':^18}",
        f"{'symbol':<8}{'h':>4}{'naive':>9}{'keras':>9}{'ours':>9}{'keras':>9}{'ours':>9}{'n':>6}",
    ]
    for c in result["cells"]:
        lines.append(
            f"{c['symbol']:<8}{c['horizon_sessions']:>4}{c['naive_mape_pct']:>9.2f}"
            f"{c['peer_mape_pct']:>9.2f}{c['ours_mape_pct']:>9.2f}"
            f"{c['peer_relative_mae']:>9.2f}{c['ours_relative_mae']:>9.2f}{c['n']:>6}"
        )
    lines.append(f"\n{'':<8}{'CPU s':>10}{'work only':>12}{'wall s':>10}{'peak MB':>10}")
    for name, cost in (("keras", result["peer_cost"]), ("ours", result["cost"])):
        lines.append(
            f"{name:<8}{cost['cpu_seconds']:>10.1f}{cost['work_cpu_seconds']:>12.1f}"
            f"{cost['wall_seconds']:>10.1f}{cost['peak_bytes'] / 1e6:>10.0f}"
        )
    ratios = f"{result['ratio']:.0f} with start-up, {result['work_ratio']:.0f} without"
    return "\n".join([*lines, f"\nCPU seconds of keras over ours: {ratios}"])


def benchmark(job: Job, *, is_quick: bool) -> dict[str, Any]:
    """Run both sides, one after the other, and compare them on the same test origins."""
    with tempfile.TemporaryDirectory() as folder:
        ours, cost = measured("ours", is_quick=is_quick, folder=Path(folder))
        peer, peer_cost = measured("peer", is_quick=is_quick, folder=Path(folder))
    samples, fold = job_samples(job)
    for side in (ours, peer):
        assert np.array_equal(side["rows"], fold.test_rows), "test origins differ"
        assert np.array_equal(side["close"], samples.table.close[fold.test_rows]), "bars differ"
    head = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    return {
        "bench": "tutorial_job",
        "commit": subprocess.run(head, capture_output=True, text=True, check=False).stdout.strip(),
        "device": f"{_processor()}, one thread",
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        "quick": is_quick,
        "seconds": cost.cpu_seconds,
        "peer_seconds": peer_cost.cpu_seconds,
        "ratio": peer_cost.cpu_seconds / cost.cpu_seconds,
        "ratio_spread": None,  # one run of each
        "work_ratio": peer_cost.work_cpu_seconds / cost.work_cpu_seconds,
        "peak_bytes": cost.peak_bytes,
        "cost": asdict(cost),
        "peer_cost": asdict(peer_cost),
        "cells": accuracy(job, samples, fold, {"peer": peer["point"], "ours": ours["point"]}),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def main() -> None:
    """Parse, run, print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="AAPL at 1 session, 2 epochs: a smoke run"
    )
    parser.add_argument("--write", action="store_true", help=f"also write {RESULT.name}")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    job = QUICK if given.quick else Job()
    if given.side:
        work(given.side, job, given.out)
        return
    result = benchmark(job, is_quick=given.quick)
    print(card(result))
    if given.write and not given.quick:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
