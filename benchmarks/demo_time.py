"""Claim P7, the demo: wall seconds from `nextclose demo` to its last line, set-up done before.

Limit: arithmetic; small LSTM fits and the tutorial's network, and a bundle in one process.
Peer: the machine itself, in processor seconds it could have spent (cores x wall); the ratio says
how well the cores were kept busy. Every round starts in a new folder, so nothing is remembered.

    python benchmarks/demo_time.py [--write]
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
from importlib.metadata import version
from pathlib import Path

import numpy as np

RESULT = Path(__file__).parent / "results" / "demo_time.json"
GOAL_SECONDS = 60
ROUNDS = 3


def main() -> None:
    """Measure, print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    write = parser.parse_args().write
    n_cores = os.cpu_count() or 1
    wall, busy = [], []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "nextclose", "demo", "--out", f"{folder}/demo"]
            subprocess.run(command, check=True, capture_output=True)
        wall.append(time.perf_counter() - begun)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        busy.append(spent / (n_cores * wall[-1]))
    seconds, ratio = float(np.median(wall)), float(np.median(busy))
    print(f"{seconds:8.1f} s on {n_cores} cores (goal {GOAL_SECONDS} s), {min(wall):.1f} at best")
    print(f"{ratio:8.0%} of the cores' time used")
    result = {
        "bench": "demo_time",
        "commit": commit(),
        "device": f"{n_cores} cores, {platform.machine()}",
        "versions": {name: version(name) for name in ("nextclose", "torch", "polars")},
        "seconds": seconds,
        "seconds_spread": [min(wall), max(wall)],
        "peer_seconds": seconds * ratio,  # with every core busy all the time
        "ratio": ratio,
        "ratio_spread": [min(busy), max(busy)],
        "peak_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
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
