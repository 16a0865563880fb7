"""Series of whole numbers as short text, and prices and ranges as whole numbers.

Steps from one value to the next are small, so their high bytes are nearly all zero: told apart by
byte, deflated and in base64 they take a quarter of what the numbers take as JSON. `chart-data.js`
reads them back.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence

import numpy as np

from nextclose.schema import Floats, Ints

LARGEST = 2**29  # a price in ticks: a difference of two, and its sign, fit into 32 bits


def packed(series: Sequence[Ints]) -> str:
    """All numbers in order: zigzag, lowest bytes first, deflate, base64.

    Expects: values in [-2**31, 2**31).
    """
    values = np.concatenate([np.asarray(numbers, dtype=np.int64) for numbers in series])
    unsigned = ((values << 1) ^ (values >> 63)).astype("<u4")  # 0, -1, 1, -2: 0, 1, 2, 3
    planes = unsigned.view(np.uint8).reshape(-1, 4).T  # (byte, value)
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode("ascii")


def steps(values: Ints) -> Ints:
    """The first value, then what each adds to the one before it. Same shape."""
    return np.diff(values, prepend=0)


def price_tick(prices: Floats, *, n_steps: float, decimal: bool) -> float:
    """A unit of price that the lowest price holds `n_steps` times; a decimal one is 10, 1, .1, ...

    Prices rounded to it are off by half of it at most; a decimal one may be finer than asked for,
    and leaves cents as they are. Coarser where the highest would not fit into 32 bits.
    """
    finest = float(prices.max()) / LARGEST
    tick = float(prices.min()) / n_steps
    if decimal:
        return float(10.0 ** max(np.floor(np.log10(tick)), np.ceil(np.log10(finest))))
    return float(f"{max(tick, 1.01 * finest):.3g}")


def in_ticks(prices: Floats, tick: float) -> Ints:
    """Prices in whole ticks."""
    return np.rint(prices / tick).astype(np.int64)


def range_step(quantiles: Floats, *, n_steps: int | None) -> int:
    """Basis points to which quantiles of a log return are rounded, >= 1: off by half at most.

    So that the typical range from the lowest to the highest level holds `n_steps`; None: 1.
    Expects: (row, level), rising in level.
    """
    if n_steps is None or not len(quantiles):
        return 1
    width = float(np.median(quantiles[:, -1] - quantiles[:, 0]))
    return max(round(1e4 * width / n_steps), 1)
