"""Claim P7, the demo: wall seconds from `nextclose demo` to its last line, set-up done before.

As `make demo` installs it, and with the extra `train`, where the tutorial's network is trained too.
Limit: arithmetic; small LSTM fits, in one process, and the tutorial's network.
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
from typing import Any

import numpy as np

RESULT = Path(__file__).parent / "results" / "demo_time.json"
GOAL_SECONDS = 60
ROUNDS = 3
CALL = "from nextclose.cli import main; main()"
WITHOUT_TORCH = """\
import sys
from importlib.abc import MetaPathFinder


class Without(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torch":
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Without())
"""


def main() -> None:
    """Measure, print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    write = parser.parse_args().write
    n_cores = os.cpu_count() or 1
    rows = [measured(n_cores, train=False), measured(n_cores, train=True)]
    for row in rows:
        what = "with the tutorial's network" if row["train"] else "as `make demo` installs it"
        print(f"{row['seconds']:8.1f} s on {n_cores} cores {what} (goal {GOAL_SECONDS} s)")
        print(f"{row['ratio']:8.0%} of the cores' time used")
    result = {
        "bench": "demo_time",
        "commit": commit(),
        "device": f"{n_cores} cores, {platform.machine()}",
        "versions": {name: version(name) for name in ("nextclose", "torch", "polars")},
        "rows": rows,
        "peak_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    }
    if write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


def measured(n_cores: int, train: bool) -> dict[str, Any]:
    """Seconds of the demo, with PyTorch or with an interpreter that finds none, and the peer's."""
    wall, busy = [], []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            code = CALL if train else WITHOUT_TORCH + CALL
            command = [sys.executable, "-c", code, "demo", "--out", f"{folder}/demo"]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert ("times as far off" in done.stdout) == train, done.stdout
        wall.append(time.perf_counter() - begun)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        busy.append(spent / (n_cores * wall[-1]))
    seconds, ratio = float(np.median(wall)), float(np.median(busy))
    return {
        "train": train,
        "seconds": seconds,
        "seconds_spread": [min(wall), max(wall)],
        "peer_seconds": seconds * ratio,  # with every core busy all the time
        "ratio": ratio,
        "ratio_spread": [min(busy), max(busy)],
    }


def commit() -> str:
    """The commit that was measured."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
