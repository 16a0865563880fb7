"""GJR-GARCH-t fits: the likelihood of `arch`, put to the optimiser with the constraints' slopes.

Limit: calls from Python, some 140 likelihoods of 2,520 returns and their bookkeeping.
Peer: `arch` itself, which has the slopes of its linear constraints measured at every step. Same
start, same optimiser, same tolerance. Not measured: the import of `arch`, some two seconds.

    python benchmarks/garch_fits.py [--write]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from arch import arch_model

import nextclose as nc
from nextclose.models.threads import one_thread
from nextclose.models.volatility.likelihood import maximum_likelihood
from nextclose.serving.versions import versions
from nextclose.simulation.markets import draw_markets
from nextclose.simulation.paths import simulate

RESULT = Path(__file__).parent / "results" / "garch_fits.json"
SESSIONS, SIMULATED = 2520, 56


def series() -> list[np.ndarray]:
    """Returns in per cent: the bundled sample and simulated markets, at most ten years."""
    real = [
        np.diff(np.log(close["close"].to_numpy()))[-SESSIONS:]
        for _, close in sorted(nc.load_bars("sample").frame.group_by("symbol"))
    ]
    rng = np.random.default_rng(0)
    paths = simulate(draw_markets(SIMULATED, rng), SESSIONS, rng)
    return [np.round(100 * returns, 7) for returns in (*real, *paths.close.astype(np.float64))]


def peer(returns: np.ndarray) -> tuple[np.ndarray, float]:
    """Parameters and log likelihood of `arch`."""
    model = arch_model(returns, mean="Constant", p=1, o=1, q=1, dist="t", rescale=False)
    fitted = model.fit(disp="off", show_warning=False)
    return np.asarray(fitted.params), float(fitted.loglikelihood)


def likelihood(returns: np.ndarray, parameters: np.ndarray) -> float:
    """Log likelihood as `arch` has it."""
    model = arch_model(returns, mean="Constant", p=1, o=1, q=1, dist="t", rescale=False)
    return float(model.fix(parameters).loglikelihood)


def main() -> None:
    """Fit both ways in turn, print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    given = parser.parse_args()
    seconds, n_same = [], 0
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # steps that were merely tried
        for returns in series():
            begun = time.perf_counter()
            own = maximum_likelihood(returns).parameters
            between = time.perf_counter()
            theirs, reached = peer(returns)
            seconds.append((between - begun, time.perf_counter() - between))
            assert abs(likelihood(returns, own) / reached - 1) < 1e-6
            n_same += bool((own == theirs).all())
    ours, others = np.array(seconds).T
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    )
    result = {
        "bench": "garch_fits",
        "commit": commit.stdout.strip(),
        "versions": versions(),
        "fits": len(seconds),
        "same_bits": n_same,
        "seconds": round(float(ours.mean()), 5),
        "peer_seconds": round(float(others.mean()), 5),
        "ratio": round(float(np.median(others / ours)), 3),
        "ratio_spread": np.quantile(others / ours, [0.1, 0.9]).round(3).tolist(),
    }
    if given.write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{result['fits']} fits, {n_same} of the same bits, {result['ratio']} times as fast")
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())
