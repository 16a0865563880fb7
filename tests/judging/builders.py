"""Prices and forecasts for the tests of the judge: small, seeded, with bars before them."""

from functools import cache

import numpy as np
import polars as pl

from nextclose.schema import LEVELS, QUANTILE_COLUMNS, Bars
from tests.builders import bars_of_returns, walk_returns

N_TESTED = 300
FAST = ("naive", "hs_250")


@cache
def bars(n_symbols: int = 1, n: int = 700) -> Bars:
    """Bars of S00, S01, ..., each a random walk."""
    return bars_of_returns(np.stack([walk_returns(n, seed=k) for k in range(n_symbols)]), seed=0)


def closes(n_symbols: int = 1) -> pl.DataFrame:
    """symbol, origin, close, target_date, later: the last origins and what came a session after."""
    frame = bars(n_symbols).frame.select(
        "symbol", pl.col("session").alias("origin"), "close",
        pl.col("session").shift(-1).over("symbol").alias("target_date"),
        pl.col("close").shift(-1).over("symbol").alias("later"),
        pl.col("close").shift(1).over("symbol").alias("before"),
    )  # fmt: skip
    return frame.drop_nulls().group_by("symbol", maintain_order=True).tail(N_TESTED)


def ranged(n_symbols: int = 1, *, width: float = 0.015) -> pl.DataFrame:
    """An honest forecast in the plainest form: normal quantiles of prices at all levels."""
    from scipy.special import ndtri

    frame = closes(n_symbols)
    columns = [
        (pl.col("close") * np.exp(width * ndtri(level))).alias(f"{level:g}")
        for level in LEVELS.tolist()
    ]
    return frame.select("symbol", "origin", pl.lit(1).alias("horizon"), *columns)


def grid(frame: pl.DataFrame) -> np.ndarray:
    """The quantiles of a frame of forecasts, sorted by symbol and origin. Shape (row, level)."""
    return frame.sort("symbol", "origin").select(QUANTILE_COLUMNS).to_numpy()
