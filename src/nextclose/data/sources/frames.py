"""[I/O] Bars of data frames in memory: pandas, polars, and whatever narwhals knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from nextclose.arguments import named_arguments, refuse_other, type_name
from nextclose.config import DataConfig
from nextclose.data.bars import DEFAULTS, assemble_bars, raise_for_refusals
from nextclose.data.catalogue import Issue
from nextclose.data.reading.column_names import unique_names
from nextclose.data.reading.prices import UncheckedPrices, refused_file, unchecked_prices
from nextclose.errors import ConfigError
from nextclose.schema import Bars

NO_COLUMN = f"E{Issue.MISSING_COLUMN.value}"


@named_arguments(DataConfig)
def frame_bars(frame: Any, *, symbol: str = "", config: DataConfig = DEFAULTS) -> Bars:
    """Bars of a pandas, polars or other data frame; `symbol` is that of a frame of one series.

    A pandas Series of closes is a frame with its index and them. A dict has a frame (or such a
    Series) for each symbol. What is said so wins over what the frame says, which is told (W67); a
    frame of several symbols is given without.

    A pandas index that holds dates or symbols is read as columns; two-level columns, as a download
    of several symbols gives them, are split by symbol. Row numbers in messages count from 1.
    Raises: DataError with every problem; ConfigError for a setting that cannot be obeyed.
    """
    data_fix = "give DataConfig(...); of a RunConfig its part, .data"
    refuse_other(config, DataConfig, argument="config", fix=data_fix)
    refuse_other(symbol, str, argument="symbol", fix='give a text, as symbol="AAPL"')
    frames = frame if isinstance(frame, Mapping) else {symbol: frame}
    if frames is frame:
        _refuse_no_frames(frame, symbol)
    parts = [
        frame_prices(
            table,
            path="frame" if frames is not frame else f"frame {name}",
            symbol=name,
            config=config,
        )
        for name, table in frames.items()
    ]
    parts = [_with_arguments(part) for part in parts]
    return raise_for_refusals(assemble_bars(parts, config=config, now=datetime.now(UTC)))


def given_bars(bars: Any, *, config: DataConfig = DEFAULTS) -> Bars:
    """Bars as they are; a data frame, or frames by symbol, as `frame_bars` reads them.

    Raises: ConfigError for anything else, with the call that reads it.
    """
    refuse_no_bars(bars)
    return bars if isinstance(bars, Bars) else frame_bars(bars, config=config)


def refuse_no_bars(bars: Any) -> None:
    """Raises: ConfigError for what `given_bars` does not take."""
    if isinstance(bars, Bars | Mapping) or is_frame(bars):
        return
    path = repr(str(bars)) if isinstance(bars, str | PurePath) else "PATH"
    fix = f"read prices with load_bars({path}) first, or give a data frame"
    raise ConfigError(f"bars is {type_name(bars)}. Fix: {fix}.")


def is_frame(value: Any) -> bool:
    """Whether `polars_frame` takes it."""
    is_series = hasattr(value, "to_frame") and hasattr(value, "index")
    return isinstance(value, pl.LazyFrame) or is_series or nw.dependencies.is_into_dataframe(value)


def _refuse_no_frames(frames: Mapping[Any, Any], symbol: str) -> None:
    """Raise ConfigError for a dict that holds no frames by symbol, or a symbol said beside it."""
    if not frames:
        raise ConfigError("the dict is empty. Fix: give a frame for each symbol.")
    if symbol:
        raise ConfigError(
            f"symbol = {symbol!r:.40} stands beside a dict, whose keys are the symbols. "
            "Fix: leave out symbol=, or give one frame."
        )
    for name, table in frames.items():
        refuse_other(name, str, argument="a key of the dict", fix="name each frame by its symbol")
        if isinstance(table, list | tuple | np.ndarray):
            raise ConfigError(
                f"the dict holds {type_name(table)} under {name!r:.40}: a dict is of frames by "
                'symbol. Fix: of columns make a frame, as frame_bars(pl.DataFrame({"date": ..., '
                '"close": ...}), symbol="AAPL").'
            )


def _with_arguments(prices: UncheckedPrices) -> UncheckedPrices:
    """The same; refused where it has no row, and of a missing symbol with how to say it."""
    if prices.frame is not None and not prices.frame.height:
        must, fix = "at least one row", "give its rows, or leave the frame out."
        return refused_file(prices.path, Issue.NO_ROWS, found="0 data rows", must=must, fix=fix)
    findings = tuple(
        replace(
            finding,
            fix=f'say whose they are, as frame_bars(FRAME, symbol="AAPL"), or {finding.fix}',
        )
        if finding.code == NO_COLUMN and finding.column == "symbol"
        else finding
        for finding in prices.findings
    )
    return replace(prices, findings=findings)


def frame_prices(
    frame: Any, *, path: str, symbol: str = "", config: DataConfig = DEFAULTS
) -> UncheckedPrices:
    """The prices of a data frame, which findings call `path`; rows count from 1."""
    prices = polars_frame(frame)
    rows = pl.int_range(1, prices.height + 1, eager=True)
    if symbol:
        config = config.model_copy(update={"symbols": {path: symbol}})
    return unchecked_prices(prices, path=path, rows=rows, symbol=symbol, config=config)


def polars_frame(frame: Any) -> pl.DataFrame:
    """Any eager data frame as polars, column by column: pandas needs no pyarrow this way.

    A name that comes twice is marked as in CSV; a column of mixed types becomes text.
    """
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if not is_frame(frame):
        raise ConfigError(
            f"{type_name(frame)} is no data frame. Fix: give a pandas or polars frame with a date "
            "and a close; read files with load_bars()."
        )
    if hasattr(frame, "to_frame"):  # a pandas Series
        frame = frame.to_frame("close" if frame.name is None else frame.name)
    if hasattr(frame, "index") and hasattr(frame, "reset_index"):
        frame = _flat_pandas(frame)
    foreign = nw.from_native(frame, eager_only=True)
    return pl.DataFrame([_column(str(name), foreign[name]) for name in foreign.columns])


def _flat_pandas(frame: Any) -> Any:
    """A pandas frame whose names are distinct texts, its index, if it says anything, as columns."""
    frame = frame.copy(deep=False)
    frame.columns = [str(name) for name in frame.columns]
    index = frame.index
    if index.nlevels > 1 or index.name is not None or index.dtype.kind not in "iu":
        if index.nlevels == 1:
            frame.index = index.rename(index.name or "date")
        frame = frame.reset_index(allow_duplicates=True)
    frame.columns = unique_names([str(name) for name in frame.columns])
    return frame


def _column(name: str, series: nw.Series[Any]) -> pl.Series:
    if isinstance(series.dtype, nw.Datetime):
        return _stamps(name, series, zone=series.dtype.time_zone)
    values = series.to_numpy()
    if values.dtype != object:
        return pl.Series(name, values)
    gaps = series.is_null().to_list()
    cells = [None if gap else cell for gap, cell in zip(gaps, series.to_list(), strict=True)]
    return _column_of_cells(name, cells)


def _column_of_cells(name: str, cells: Sequence[Any]) -> pl.Series:
    """Python values as a column of their type; as text where they have several, or an odd one."""
    try:
        column = pl.Series(name, cells)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        column = None
    if column is not None and column.dtype != pl.Object:
        return column
    return pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String)


def _stamps(name: str, series: nw.Series[Any], *, zone: str | None) -> pl.Series:
    """Stamps with the zone they had, which numpy would lose; as text where polars has no such."""
    since_1970 = pl.Series(name, series.dt.timestamp("us").to_numpy())
    if since_1970.dtype.is_float():  # pandas marks a gap by NaN
        since_1970 = since_1970.fill_nan(None).cast(pl.Int64)
    stamps = since_1970.cast(pl.Datetime("us"))
    if zone is None:
        return stamps
    try:
        return stamps.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    except pl.exceptions.ComputeError:  # a fixed offset, as UTC+05:30
        return _column_of_cells(name, [str(cell) for cell in series.to_list()])
