"""Neighbouring files with the same columns brought to our names and types together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from nextclose.config import DataConfig
from nextclose.data.reading.column_names import column_map
from nextclose.data.reading.columns.said_symbols import said_symbol
from nextclose.data.reading.columns.series import has_lesser_symbols
from nextclose.data.reading.file_errors import UNNAMED
from nextclose.data.reading.prices import UncheckedPrices, unchecked_prices

FIRST_ROW = 2  # the header is row 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBatch:
    """Rows of several files below each other, of which no cell needs a closer look.

    `symbols` are for files without such a column; `heights` are rows of each file, none 0.
    """

    paths: Sequence[str]
    symbols: Sequence[str]
    heights: Sequence[int]
    frame: pl.DataFrame


def batch_prices(batch: FileBatch, config: DataConfig) -> UncheckedPrices | None:
    """The batch as one; None where its files must be told apart.

    That is so if one of them lacks a column throughout, may hold several series, or has anything to
    refuse. What is said of
    one file is then said of each: the findings count files.
    """
    n_files = len(batch.paths)
    heights = np.asarray(batch.heights)
    is_doubtful = has_lesser_symbols(batch.frame.columns)
    is_said = any(said_symbol(path, config.symbols) for path in batch.paths)
    if n_files > 1 and (is_doubtful or is_said or _has_empty_column(batch.frame, heights)):
        return None
    rows = pl.Series(np.concatenate([np.arange(n, dtype=np.uint32) for n in heights]))
    rows += FIRST_ROW
    frame, symbol = batch.frame, batch.symbols[0]
    if n_files > 1 and "symbol" not in column_map(frame.columns, config.columns).values():
        if UNNAMED in batch.symbols:
            return None
        symbols = pl.Series("symbol", batch.symbols, dtype=pl.String)
        frame = frame.with_columns(symbols.gather(np.repeat(np.arange(n_files), heights)))
    prices = unchecked_prices(frame, path=batch.paths[0], rows=rows, symbol=symbol, config=config)
    if n_files == 1:
        return prices
    if prices.frame is None or prices.frame.height != batch.frame.height:
        return None
    if any(f.response == "E" or f.row is not None or f.symbol for f in prices.findings):
        return None
    file = pl.Series("file", np.repeat(np.arange(n_files, dtype=np.int32), heights))
    findings = tuple(replace(f, count=f.count * n_files) for f in prices.findings)
    return replace(
        prices,
        frame=prices.frame.with_columns(file),
        findings=findings,
        files=tuple(batch.paths),
    )


def _has_empty_column(frame: pl.DataFrame, heights: np.ndarray) -> bool:
    """Whether one of the files has a column without any cell."""
    counts = frame.null_count().row(0)
    smallest = int(heights.min())
    ends = np.cumsum(heights)
    return any(
        frame[name][int(end - n) : int(end)].null_count() == n
        for name, n_null in zip(frame.columns, counts, strict=True)
        if n_null >= smallest
        for end, n in zip(ends, heights, strict=True)
    )
