"""Prices and volumes read from numbers or text, with the marks that the settings name."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from nextclose.config import DataConfig
from nextclose.errors import ConfigError

MARKS = {",": ",", ".": r"\.", "'": "['\u2019]", " ": "[ \u00a0\u202f]"}  # as regular expressions


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedNumbers:
    """A column of numbers as read.

    `value` is null where a cell is missing or could not be read. `text` holds the cells that a rule
    must see, null elsewhere; None if there are none. `is_respelt`: whole numbers that were written
    as fractions (`200.0`); None if there are none.
    """

    value: pl.Series
    text: pl.Series | None = None
    is_respelt: pl.Series | None = None


def refuse_equal_marks(config: DataConfig) -> None:
    """Raises: ConfigError if one mark is to stand for fractions and thousands."""
    if config.decimal == config.thousands:
        raise ConfigError(
            f"[data] decimal and thousands are both {config.decimal!r}. Fix: change one of them.",
            section="data",
            key="thousands",
        )


def parse_prices(column: pl.Series, config: DataConfig) -> ParsedNumbers:
    """The column as Float64, each text rounded correctly: bits equal to `float(text)`."""
    if column.dtype.is_integer() or column.dtype.is_float():
        value = column.cast(pl.Float64)
        return ParsedNumbers(value=value.fill_nan(None) if value.is_nan().any() else value)
    text = column.cast(pl.String)
    value = text.cast(pl.Float64, strict=False)
    is_whole_read = value.null_count() == text.null_count() and not value.is_nan().any()
    if config.decimal == "." and is_whole_read:
        return ParsedNumbers(value=value)
    text = _nonempty_text(text, config)
    value = _plain_numbers(text, config).cast(pl.Float64, strict=False).fill_nan(None)
    return ParsedNumbers(value=value, text=_unread_cells(text, value.is_not_null()))


def parse_volumes(column: pl.Series, config: DataConfig) -> ParsedNumbers:
    """The column as Int64, exact; a fraction is rounded, and its cell is in `text`."""
    if column.dtype.is_integer():
        value = column.cast(pl.Int64, strict=False)
        return ParsedNumbers(value=value, text=_unread_cells(column, value.is_not_null()))
    if column.dtype.is_float():
        cells, text = column.cast(pl.Float64).fill_nan(None), column.fill_nan(None)
        value = cells.round().cast(pl.Int64, strict=False)
    else:
        text = column.cast(pl.String)
        value = text.cast(pl.Int64, strict=False)
        if config.decimal == "." and value.null_count() == text.null_count():
            return ParsedNumbers(value=value)
        text = _nonempty_text(text, config)
        plain = _plain_numbers(text, config)
        value = plain.cast(pl.Int64, strict=False)
        cells = plain.set(value.is_not_null(), None).cast(pl.Float64, strict=False).fill_nan(None)
        value = value.fill_null(cells.round().cast(pl.Int64, strict=False))
    is_whole = (cells % 1 == 0).fill_null(value=False) & value.is_not_null()
    is_read = value.is_not_null() & (is_whole | cells.is_null())
    return ParsedNumbers(
        value=value,
        text=_unread_cells(text, is_read),
        is_respelt=is_whole if is_whole.any() else None,
    )


def _nonempty_text(text: pl.Series, config: DataConfig) -> pl.Series:
    """The cells less spaces around them, null where the text means that there is no number."""
    text = text.str.strip_chars()
    return text.set(text.is_in(list(config.missing)), None)


def _plain_numbers(text: pl.Series, config: DataConfig) -> pl.Series:
    """The cells with a decimal point and no other mark; null where the marks are not as set."""
    if config.thousands is not None:
        mark, point = MARKS[config.thousands], MARKS[config.decimal]
        is_grouped = text.str.contains(rf"^[+-]?\d{{1,3}}(?:{mark}\d{{3}})+(?:{point}\d*)?$")
        text = text.zip_with(~is_grouped.fill_null(value=False), text.str.replace_all(mark, ""))
    if config.decimal == ",":
        text = text.set(text.str.contains(".", literal=True).fill_null(value=False), None)
        text = text.str.replace(",", ".", literal=True)
    return text


def _unread_cells(cells: pl.Series, is_read: pl.Series) -> pl.Series | None:
    """The cells that are there and were not read, as text; None if there are none."""
    is_read = is_read | cells.is_null()
    return None if is_read.all() else cells.cast(pl.String).set(is_read, None)
