"""Claim P3, dense training: supervised sessions a second of the LSTM(64) on 41 features, all cores.

Limit: arithmetic; a session costs 6 * 4 * 64 * (41 + 64) = 161 kFLOP forward and backward.
Peer: the machine's own matrix product (float32, 1,500 x 1,500) on as many one-thread processes.
Both run as many processes as there are cores, in turns in one run; the whole step is timed: gather,
network, quantile head, loss of 23 levels at three horizons, gradients, optimiser. A target is a
session of a chunk past its burn-in, for all horizons at once. Not measured: a GPU.

    python benchmarks/training_rate.py [--write]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from nextclose.models.lstm.optimizer import AdamW
from nextclose.models.lstm.training import (
    device_data,
    horizon_weights,
    target_chunks,
    training_step,
)

from nextclose.config import LstmConfig
from nextclose.features.table import make_table
from nextclose.models.lstm.lstm import new_network
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.scaling import fit_scaler
from nextclose.schema import LEVELS, Bars

RESULT = Path(__file__).parent / "results" / "training_rate.json"
GOAL_PER_SECOND = 400_000
N_SYMBOLS, N_SESSIONS, SIZE = 16, 2_600, 1_500
ROUNDS = 7
FLOP_PER_SESSION = 6 * 4 * 64 * (41 + 64)


def walks() -> Samples:
    """Random walks of `N_SYMBOLS` symbols with open, high, low and volume."""
    import polars as pl

    rng = np.random.default_rng(0)
    days = np.arange(np.datetime64("2000-01-03"), np.datetime64("2014-01-01"))
    session = days[np.is_busday(days)][:N_SESSIONS]
    frames = []
    for k in range(N_SYMBOLS):
        close = 100 * np.exp(np.cumsum(0.015 * rng.standard_t(5, N_SESSIONS)))
        open_ = close * np.exp(0.005 * rng.standard_normal(N_SESSIONS))
        spread = np.exp(0.005 * np.abs(rng.standard_normal(N_SESSIONS)))
        frame = {
            "symbol": [f"S{k:02d}"] * N_SESSIONS,
            "session": session,
            "open": open_,
            "high": np.maximum(open_, close) * spread,
            "low": np.minimum(open_, close) / spread,
            "close": close,
            "volume": rng.lognormal(15, 0.5, N_SESSIONS),
        }
        frames.append(pl.DataFrame(frame))
    return make_samples(make_table(Bars(frame=pl.concat(frames))))


def train_rate(seconds: float) -> float:
    """Targets a second of the real training step in this process."""
    torch.set_num_threads(1)
    settings = LstmConfig()
    samples = walks()
    names = samples.table.names
    scaler = fit_scaler(samples, names=names, family="stationary")
    network = new_network(settings, n_features=len(names), n_horizons=3)
    spread = torch.tensor(np.tile(np.linspace(-2, 2, len(LEVELS)), (3, 1)), dtype=torch.float32)
    optimizer = AdamW(network.parameters(), learning_rate=1e-3, weight_decay=1e-2)
    weights = horizon_weights(settings, samples.horizons)
    data = device_data(samples, scaler, device="cpu")
    chunks = target_chunks(settings, samples, offset_sessions=0, what="training")
    targets, begun = 0, 0.0
    step = 0
    while not begun or time.perf_counter() - begun < seconds:
        start = step * settings.batch_chunks % (len(chunks.rows) - settings.batch_chunks)
        chosen = np.arange(start, start + settings.batch_chunks)
        batch = data.batch(chunks.chosen(chosen))
        training_step(network, spread, optimizer, batch, weights=weights)
        if step >= 2:  # the first steps compile and allocate
            begun = begun or time.perf_counter()
            targets += int(chunks.keep[chosen].sum()) if step > 2 else 0
        step += 1
    return targets / (time.perf_counter() - begun)


def product_rate(seconds: float) -> float:
    """Floating point operations a second of a large matrix product in this process."""
    torch.set_num_threads(1)
    left = torch.rand(SIZE, SIZE)
    left @ left
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        left @ left
        done += 1
    return done * 2 * SIZE**3 / (time.perf_counter() - begun)


def main() -> None:
    """Measure, print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    write = parser.parse_args().write
    n_cores = os.cpu_count() or 1
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    trained, multiplied = [], []
    with get_context("spawn").Pool(n_cores) as pool:
        for _ in range(ROUNDS):
            trained.append(sum(pool.map(train_rate, [4.0] * n_cores, chunksize=1)))
            multiplied.append(sum(pool.map(product_rate, [2.0] * n_cores, chunksize=1)))
    shares = [t * FLOP_PER_SESSION / m for t, m in zip(trained, multiplied, strict=True)]
    rate, share = float(np.median(trained)), float(np.median(shares))
    print(f"{rate:12,.0f} targets a second on {n_cores} cores (goal {GOAL_PER_SECOND:,})")
    print(f"{np.median(multiplied) / 1e9:12,.0f} GFLOP/s of matrix product on the same cores")
    print(f"{share:12.0%} of it (goal 60%)")
    result = {
        "bench": "training_rate",
        "commit": commit(),
        "device": f"{n_cores} cores, {platform.machine()}",
        "versions": {name: version(name) for name in ("nextclose", "torch", "numpy")},
        "seconds": 1e6 / rate,  # for a million targets
        "targets_per_second": rate,
        "targets_per_second_spread": [min(trained), max(trained)],
        "peer_seconds": 1e6 * FLOP_PER_SESSION / float(np.median(multiplied)),
        "peer_flops": float(np.median(multiplied)),
        "ratio": share,
        "ratio_spread": [min(shares), max(shares)],
        "peak_bytes": None,
    }
    if write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


def commit() -> str:
    """The commit that was measured."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
