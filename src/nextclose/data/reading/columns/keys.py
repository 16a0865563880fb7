"""Columns of keys: which cells can be symbols, and the setting that makes symbols of them."""

from __future__ import annotations

import polars as pl

from nextclose.data.reading.columns.chosen_rows import cell_texts
from nextclose.data.reading.columns.spellings import TICKER
from nextclose.data.suggestions import columns_setting

DATE = (
    r"^(?:19|20)\d{2}[-/.]?(?:0[1-9]|1[0-2])[-/.]?(?:0[1-9]|[12]\d|3[01])$"
    r"|^\d{1,2}[-/. ]\w{2,3}[-/. ]\d{2,4}$"
)
SYMBOL = r"^[A-Za-z0-9^][A-Za-z0-9.=&_-]{0,19}$"


def is_key(column: pl.Series) -> bool:
    """Whether a column can name series: text or integers, two values or more, each again."""
    is_kind = column.dtype.is_integer() or column.dtype in (pl.String, pl.Categorical, pl.Enum)
    return bool(is_kind) and 0 < column.n_unique() <= max(len(column) // 2, 1)


def has_lone_ticker(column: pl.Series) -> bool:
    """Whether a column holds one text throughout, and that reads like a ticker."""
    values = cell_texts(column).unique()
    return len(values) == 1 and bool(TICKER.match(values[0] or ""))


def holds_symbols(column: pl.Series) -> bool:
    """Whether the cells can be symbols: legal ones, and no dates, as those of an expiry."""
    cells = cell_texts(column).drop_nulls()
    return bool(cells.str.contains(SYMBOL).all() and not cells.str.contains(DATE).all())


def symbol_setting(name: str, column: pl.Series) -> str:
    """The settings that make a column the symbol; codes of digits need to be allowed as well."""
    is_numeric = cell_texts(column).str.contains(r"^\d+(?:\.0+)?$").all()
    return columns_setting({name: "symbol"}) + (
        " and data.numeric_symbols = true" if is_numeric else ""
    )
