"""Names that a file does not give, told by its cells: of the date column, of all columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.column_names import column_map
from nextclose.data.reading.columns.spellings import canonical_name
from nextclose.schema import Finding, Floats

DATE = (
    r"^\s*(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ].*)?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}(?: .*)?"
    r"|\d{1,2}[- ][A-Za-z]{3,9}\.?[- ,]+\d{2,4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}"
    r"|(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?: \d.*)?)\s*$"
)
EPOCH = re.compile(r"^\d{10}(?:\d{3}){0,3}$")
TIME = re.compile(r"^\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$|^(?:\d{4}|\d{6})$")
NUMBER = re.compile(r"^\s*[+-]?[$€£]?\d[\d.,' ]*$")
SYMBOL = re.compile(r"^[A-Z^][A-Z0-9.=&_-]{0,19}$")
PERIOD = re.compile(r"^(?:[DWM]|1?D|Daily|1440)$", re.IGNORECASE)
INDEX_NAMES = {"", "index", "unnamed_0", "index_level_0", "level_0", "row_names", "rownames"}
OPENING_NAMES = {"open_time", "opentime"}
DATE_PARTS = ("year", "month", "day")
# Binance's own names since its files have a header
KLINES = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume"),
    *("count", "taker_buy_volume", "taker_buy_quote_volume", "ignore"),
)
MOST = 0.9  # of the rows: a high may be a tick off
LIKE_A_PRICE = (0.5, 2.0)  # of the close


def with_date_column(
    frame: pl.DataFrame, config: DataConfig, *, path: str
) -> tuple[pl.DataFrame, list[Finding]]:
    """The frame with its column of dates called so, where no name says which it is; and that (R22).

    The one column without a name (or with that of an index) whose cells are dates, else the one
    that has any other name; or the instant at which a bar opens, as exchanges of coins write it.
    Columns of year, month and day are one.
    """
    frame, parts = _with_joined_date(frame, config, path=path)
    if parts:
        return frame, parts
    ours = column_map(frame.columns, config.columns)
    if "session" in ours.values() or "date" in frame.columns or not frame.height:
        return frame, []
    dated = [name for name in frame.columns if name not in ours and _holds_dates(frame[name])]
    unnamed = [name for name in dated if canonical_name(name) in INDEX_NAMES]
    opening = [name for name in frame.columns if canonical_name(name) in OPENING_NAMES]
    candidates = unnamed or opening or dated
    if len(candidates) != 1:
        return frame, []
    (name,) = candidates
    found = f"dates in column {name!r}" if name else "dates in a column without a name"
    note = Issue.COLUMN_SPELLING.finding(
        safe_text(found), rule="a column 'date'; read as that", path=path
    )
    return frame.rename({name: "date"}), [note]


def _with_joined_date(
    frame: pl.DataFrame, config: DataConfig, *, path: str
) -> tuple[pl.DataFrame, list[Finding]]:
    """The frame with a date in place of its columns of year, month and day, if it has those."""
    by_key = {canonical_name(name): name for name in frame.columns}
    others = column_map([n for n in frame.columns if canonical_name(n) not in DATE_PARTS])
    has_parts = set(DATE_PARTS) <= by_key.keys() and "session" not in others.values()
    if not has_parts or config.columns or not frame.height:
        return frame, []
    year, month, day = (
        pl.col(by_key[key]).cast(pl.String).str.strip_chars().str.strip_suffix(".0")
        for key in DATE_PARTS
    )
    text = pl.format("{}-{}-{}", year, month.str.zfill(2), day.str.zfill(2))
    dates = frame.select(text.str.to_date("%Y-%m-%d", strict=False)).to_series()
    if dates.null_count():
        return frame, []
    note = Issue.COLUMN_SPELLING.finding(
        "year, month and day", rule="a column 'date'; read as that", path=path
    )
    joined = frame.drop([by_key[key] for key in DATE_PARTS]).with_columns(dates.alias("date"))
    return joined, [note]


def with_partitions(frame: pl.DataFrame, partitions: Mapping[str, str]) -> pl.DataFrame:
    """The frame with a column for each partition that it is of (symbol=AAPL), if it has none."""
    new = {name: value for name, value in partitions.items() if name not in frame.columns}
    return frame.with_columns(pl.lit(value).alias(name) for name, value in new.items())


def _holds_dates(column: pl.Series) -> bool:
    if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
        return column.null_count() < len(column)
    if column.dtype != pl.String:
        return False
    cells = column.drop_nulls()
    return bool(len(cells)) and bool(cells.str.contains(DATE).all())


def has_date(cell: str) -> bool:
    """Whether a cell reads like a date."""
    return re.match(DATE, cell) is not None


def is_row_of_bars(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of these rows is a bar like the others: a date, and numbers."""
    even = [row for row in rows if len(row) == len(rows[0])]
    at = _column_where(even, _is_instant)
    return at is not None and any(NUMBER.match(cell) for cell in rows[0][at + 1 :])


def inferred_names(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names for the columns of bars without a header; [] where the cells leave a choice.

    High and low are the columns that are always highest and lowest; of the two others the close is
    the one that the next bar's open follows. A last column beyond the volume that may be an
    adjusted close leaves a choice.
    """
    width = len(rows[0])
    even = [row for row in rows if len(row) == width]
    at = _column_where(even, _is_instant)
    if at is None:
        return []
    if width == len(KLINES) and at == 0 and _all_in(even, 6, EPOCH.match):
        return list(KLINES)
    names = [f"column_{k}" for k in range(1, width + 1)]
    names[at] = "date"
    symbols = [k for k in range(at) if _all_in(even, k, SYMBOL.match)]
    symbols = [k for k in symbols if not _all_in(even, k, PERIOD.match)]
    if len(symbols) > 1:
        return []
    for k in symbols:
        names[k] = "symbol"
    start = at + 1
    if _all_in(even, start, TIME.match) and len({row[start] for row in even}) == 1:
        names[start], start = "time", start + 1
    numbers = _leading_numbers(even, start)
    if len(numbers) == 1:
        names[start] = "close"
        return names
    price_names = _price_names(numbers[:4], is_newest_first=_is_newest_first(even, at))
    if not price_names:
        return []
    names[start : start + 4] = price_names
    close = numbers[price_names.index("close")]
    others = numbers[4:]
    if any(_is_like_a_price(other, close) for other in others):
        return []
    if others:
        names[start + 4] = "volume"
    return names


def _column_where(rows: Sequence[Sequence[str]], is_such: Callable[[str], bool]) -> int | None:
    """The first column whose cells all are such."""
    width = len(rows[0])
    return next((k for k in range(width) if all(is_such(row[k]) for row in rows)), None)


def _is_instant(cell: str) -> bool:
    return has_date(cell) or EPOCH.match(cell) is not None


def _all_in(rows: Sequence[Sequence[str]], at: int, matches: Callable[[str], object]) -> bool:
    return at < len(rows[0]) and all(matches(row[at]) for row in rows)


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _leading_numbers(rows: Sequence[Sequence[str]], start: int) -> list[Floats]:
    """The columns from `start` on, up to the first that is none of numbers. Each (row,)."""
    columns = []
    for k in range(start, len(rows[0])):
        if not _all_in(rows, k, _is_number):
            break
        columns.append(np.array([float(row[k]) for row in rows]))
    return columns


def _price_names(columns: Sequence[Floats], *, is_newest_first: bool | None) -> list[str]:
    """Which of four columns is open, high, low and close; [] where that is not sure."""
    if len(columns) < 4 or len(columns[0]) < 3 or is_newest_first is None:
        return []
    prices = np.stack(columns)  # (column, row)
    highs = np.flatnonzero((prices == prices.max(axis=0)).mean(axis=1) >= MOST)
    lows = np.flatnonzero((prices == prices.min(axis=0)).mean(axis=1) >= MOST)
    if len(highs) != 1 or len(lows) != 1 or highs[0] == lows[0]:
        return []
    first, second = (k for k in range(4) if k not in (highs[0], lows[0]))
    past, later = (slice(1, None), slice(-1)) if is_newest_first else (slice(-1), slice(1, None))
    forward = np.abs(prices[first, later] - prices[second, past]).sum()
    backward = np.abs(prices[second, later] - prices[first, past]).sum()
    if min(forward, backward) >= MOST * max(forward, backward):
        return []
    opened, close = (first, second) if forward < backward else (second, first)
    places = {opened: "open", int(highs[0]): "high", int(lows[0]): "low", close: "close"}
    return [places[k] for k in range(4)]


def _is_newest_first(rows: Sequence[Sequence[str]], at: int) -> bool | None:
    """Whether dates fall from row to row; None if they neither rise nor fall throughout."""
    parts = [[int(n) for n in re.findall(r"\d+", row[at])] for row in rows]
    for order in ((0, 1, 2), (2, 0, 1), (2, 1, 0)):
        keys = [tuple(p[k] for k in order) if len(p) >= 3 else tuple(p) for p in parts]
        if keys == sorted(keys):
            return False
        if keys == sorted(keys, reverse=True):
            return True
    return None


def _is_like_a_price(values: Floats, close: Floats) -> bool:
    low, high = LIKE_A_PRICE
    share = np.mean((values >= low * close) & (values <= high * close))
    return bool(share >= 0.5)
