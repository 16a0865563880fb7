"""Claim P3, dense teaching: supervised sessions a second of the LSTM's course, all cores.

Limit: arithmetic; a session costs 6 * (4 * 64 * 89 + 64 * 89 + 44 * 64) = 188 kFLOP there and back.
Peer: the machine's own matrix product (float32, 1,500 x 1,500) on as many one-thread processes.
Both run as many processes as there are cores, in turns in one run; the whole step is timed: choice
of lessons, network, density, loss of 23 levels at four horizons, gradients, optimiser, average. A
target is a session of a lesson whose outcomes count, for all horizons at once. Not measured: the
making of lessons, which another process does, and a GPU.

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
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from nextclose.features.universal import INPUTS
from nextclose.models.lstm.shape import OUTPUTS, TAUGHT_HORIZONS
from nextclose.pretraining.course import (
    SIMULATED,
    Stage,
    Standing,
    beginning,
    new_weights,
    rounds_of,
)
from nextclose.pretraining.lessons import BURN_IN, LESSON_SESSIONS, Lessons

RESULT = Path(__file__).parent / "results" / "training_rate.json"
GOAL_PER_SECOND = 400_000
UNITS, SIZE, ROUNDS = 64, 1_500, 7
N_LESSONS = 256  # in a block
READ = UNITS + len(INPUTS)
FLOP_PER_SESSION = 6 * UNITS * (4 * READ + READ + len(TAUGHT_HORIZONS) * OUTPUTS)


def lessons(n: int) -> Lessons:
    """Noise in the form of lessons, all but the burn-in known."""
    rng = np.random.default_rng(0)
    inputs, targets = (
        rng.standard_normal((n, LESSON_SESSIONS, width), dtype=np.float32)
        for width in (len(INPUTS), len(TAUGHT_HORIZONS))
    )
    targets[:, :BURN_IN] = np.nan
    return Lessons(inputs=inputs, targets=targets)


def train_rate(seconds: float) -> float:
    """Targets a second of the course's own rounds in this process; the first is not counted."""
    torch.set_num_threads(1)
    stage = replace(SIMULATED, rounds=1_000_000, steps_a_round=8)
    begun, n_rounds = 0.0, 0
    for _ in _standings(stage):
        now = time.perf_counter()
        if begun and now - begun >= seconds:
            break
        begun, n_rounds = begun or now, n_rounds + 1
    n_targets = n_rounds * stage.steps_a_round * stage.lessons_a_step * (LESSON_SESSIONS - BURN_IN)
    return n_targets / (now - begun)


def _standings(stage: Stage) -> Iterator[Standing]:
    """The course's rounds on one block of noise; one lesson is watched, as it must be."""
    block, watched = lessons(N_LESSONS), lessons(1)
    start = beginning(new_weights(units=UNITS, seed=0))
    return rounds_of(stage, start, block=lambda number: block, watched=watched, seed=0)


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
