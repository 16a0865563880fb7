"""Bars for the tests of this folder: seeded random walks with gaps and sessions without trade."""

import numpy as np
import polars as pl

from nextclose.features.columns import SymbolBars
from nextclose.schema import BAR_COLUMNS, MASK_COLUMNS, Bars

# As few rows as show everything: 256 of warm-up, then some.
N_ROWS = 330


def random_frame(*, seed: int, symbol: str = "AAA", n_rows: int = N_ROWS) -> pl.DataFrame:
    """One symbol on weekdays: prices with two decimals, some sessions without range or volume."""
    noise = np.random.default_rng(seed)
    close = np.round(50 * np.exp(np.cumsum(0.02 * noise.standard_t(4, n_rows))), 2) + 1
    open_ = np.round(close * np.exp(0.01 * noise.standard_normal(n_rows)), 2) + 0.01
    high = np.maximum(open_, close) + np.round(noise.exponential(1, n_rows), 2)
    low = np.minimum(open_, close) * (1 - 0.1 * noise.random(n_rows))
    volume = np.round(1e5 * np.exp(noise.standard_normal(n_rows)))
    still = noise.random(n_rows) < 0.05
    for prices in (open_, high, low):
        prices[still] = close[still]
    volume[still] = 0
    weekdays = np.busday_offset("2001-01-01", np.arange(n_rows), roll="forward")
    columns = (np.repeat(symbol, n_rows), weekdays, open_, high, low, close, volume)
    spiked = np.abs(np.diff(close, prepend=close[0])) > 2
    masks = (still, spiked, noise.random(n_rows) < 0.02, noise.random(n_rows) < 0.01)
    names = (*BAR_COLUMNS, *MASK_COLUMNS)
    return pl.DataFrame(dict(zip(names, (*columns, *masks), strict=True)))


def flat_frame(*, n_rows: int = N_ROWS) -> pl.DataFrame:
    """One symbol whose price never moves and that nobody trades."""
    flat = dict.fromkeys(("open", "high", "low", "close"), 7.3)
    frame = random_frame(seed=0, n_rows=n_rows)
    return frame.with_columns(*(pl.lit(v).alias(k) for k, v in flat.items()), volume=pl.lit(0.0))


def bars_of(*frames: pl.DataFrame) -> Bars:
    """The frames one after the other; their symbols must be in order."""
    return Bars(frame=pl.concat(frames))


def symbol_bars(frame: pl.DataFrame) -> SymbolBars:
    """What a column function is given."""
    names = [name for name in (*BAR_COLUMNS[2:], *MASK_COLUMNS) if name in frame.columns]
    return SymbolBars(
        session=frame["session"].to_numpy(),
        columns={name: frame[name].cast(pl.Float64).to_numpy() for name in names},
    )
