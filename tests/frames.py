"""Bars of a frame with a clock of one's own, or none: what tests of the loader start from."""

from datetime import datetime

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.bars import DEFAULTS, assemble_bars, raise_for_refusals
from nextclose.data.reading.prices import unchecked_prices
from nextclose.schema import Bars


def collect_bars(
    frame: pl.DataFrame,
    *,
    path: str = "",
    rows: pl.Series | None = None,
    symbol: str = "",
    config: DataConfig = DEFAULTS,
    now: datetime | None = None,
) -> Bars:
    """Bars of a frame; rows that must be refused are left out and named in `findings`.

    `rows` numbers the rows for messages (default: 1, 2, ...). `now` None asks no clock.
    """
    if rows is None:
        rows = pl.int_range(1, frame.height + 1, eager=True)
    prices = unchecked_prices(frame, path=path, rows=rows, symbol=symbol, config=config)
    return assemble_bars([prices], config=config, now=now)


def validate_bars(
    frame: pl.DataFrame,
    *,
    path: str = "",
    rows: pl.Series | None = None,
    symbol: str = "",
    config: DataConfig = DEFAULTS,
) -> Bars:
    """The same if nothing in them must be refused. Raises: DataError otherwise."""
    return raise_for_refusals(
        collect_bars(frame, path=path, rows=rows, symbol=symbol, config=config)
    )
