"""Judging 1,000 symbols x 1,000 origins: seconds of reading, yardsticks and verdict, and memory.

Limit: the yardsticks' fits and forecasts, then tests of significance of every symbol and model.
The prices are random walks of 1,750 sessions; the forecast is a normal at nine levels, as prices.
Run: python benchmarks/judge_many.py [SYMBOLS [ORIGINS [YARDSTICKS]]]
"""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np
import polars as pl
from scipy.special import ndtri

from nextclose.referee import judge
from nextclose.schema import Bars
from nextclose.yardsticks import YARDSTICKS

BEFORE = 750  # sessions that the yardsticks learn from
LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)


def random_bars(n_symbols: int, n: int) -> Bars:
    """Random walks on the same weekdays."""
    days = np.busday_offset(np.datetime64("2012-01-02"), np.arange(n), roll="forward")
    returns = 0.015 * np.random.default_rng(0).standard_normal((n_symbols, n))
    close = 50.0 * np.exp(np.cumsum(returns, axis=1))
    names = np.repeat([f"S{k:04}" for k in range(n_symbols)], n)
    columns = {"symbol": names, "session": np.tile(days, n_symbols), "close": close.ravel()}
    return Bars(frame=pl.DataFrame(columns).with_columns(pl.col("session").cast(pl.Date)))


def main() -> None:
    """Print the seconds, and last one JSON line."""
    n_symbols, n_origins = (int(text) for text in (sys.argv[1:3] or ("1000", "1000")))
    fast = tuple(name for name in YARDSTICKS if name != "garch")
    yardsticks = tuple(sys.argv[3].split(",")) if len(sys.argv) > 3 else fast
    bars = random_bars(n_symbols, BEFORE + n_origins)
    frame = bars.frame.group_by("symbol", maintain_order=True).tail(n_origins + 1)
    forecasts = frame.select(
        "symbol", pl.col("session").alias("origin"), pl.lit(1).alias("horizon"),
        *((pl.col("close") * np.exp(0.015 * ndtri(q))).alias(f"{q:g}") for q in LEVELS),
    )  # fmt: skip
    started = time.perf_counter()
    judged = judge(forecasts, bars, yardsticks=yardsticks, workers=2)
    seconds = time.perf_counter() - started
    peak = sum(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(judged.leaderboard)
    print(
        json.dumps(
            {
                "bench": "judge_many",
                "symbols": n_symbols,
                "origins": n_origins,
                "yardsticks": yardsticks,
                "seconds": round(seconds, 1),
                "peak_bytes": peak * 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
