"""Prices and volumes read from numbers or text: which marks a file writes, and what a cell says.

The marks are those of the whole file, told by all of its cells: a file that two readings fit, with
other numbers in each, is not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.reading.number_formats import (
    ANY_READING,
    MARKS,
    READINGS,
    NumberFormat,
    has_dotted_thousands,
)
from nextclose.errors import ConfigError

SIGN = (
    r"(?:[A-Z]{0,3}\$|[€£¥₹₩₽₺₫฿]|[A-Z]{3}|GBp|kr|zł|Kč|Rs\.?|[元円원p])"  # of a currency, or pence
)
DIGITS = r"[+-]?[\d.,'\u2019 \u00a0\u202f]*\d[\d.,]*"
SIGNED = rf"^(?<before>{SIGN})?\s*(?<number>{DIGITS})\s*(?<behind>{SIGN})?$"
UNITS = {  # of volumes
    "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "tsd": 1e3, "mio": 1e6, "mln": 1e6, "mrd": 1e9,
    "mld": 1e9, "cr": 1e7, "万": 1e4, "亿": 1e8, "만": 1e4, "억": 1e8,
}  # fmt: skip
SHORT = rf"^(?<number>.*\d[.,]?)\s*(?<unit>(?i:{'|'.join(UNITS)}))\.?$"
POINT = "."  # alone, as FRED writes a day without a value
LARGEST = 2.0**63


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedNumbers:
    """A column of numbers as read.

    `value` is null where a cell is missing or could not be read. `text` holds the cells that a rule
    must see, null elsewhere; None if there are none. `respelt`: why cells were read that are no
    plain numbers, and which: "decimal", "thousands", "currency", "short" (2.2M), "whole" (200.0),
    "fraction" (of a volume), "point" (FRED's, for none).
    """

    value: pl.Series
    text: pl.Series | None = None
    respelt: Mapping[str, pl.Series] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsettledMarks:
    """Two readings of one file, or a setting that does not fit it: the cell that shows it first.

    `fitting` are the formats that read every cell.
    """

    column: str
    at: int
    n_cells: int
    fitting: tuple[NumberFormat, ...]


def refuse_equal_marks(config: DataConfig) -> None:
    """Raises: ConfigError if one mark is to stand for fractions and thousands."""
    if config.decimal is not None and config.decimal == config.thousands:
        raise ConfigError(
            f"[data] decimal and thousands are both {config.decimal!r}. Fix: change one of them.",
            section="data",
            key="thousands",
        )


def number_format(
    columns: Mapping[str, pl.Series], config: DataConfig
) -> NumberFormat | UnsettledMarks:
    """The one format that reads every number of the columns, price and volume by our names.

    Cells that no format reads are no numbers, and decide nothing. Where no format reads all others,
    the plain one is taken, or what the settings say: the rest is left for the rules to see.
    """
    asked = NumberFormat(
        decimal=config.decimal or ("," if config.thousands == "." else "."),
        thousands=config.thousands,
        missing=config.missing,
    )
    texts = {
        name: _nonempty_text(column, config.missing)
        for name, column in columns.items()
        if not column.dtype.is_numeric()
    }
    is_open = config.decimal is None and config.thousands is None
    prices = [text for name, text in texts.items() if name != "volume"]
    if is_open and any(map(has_dotted_thousands, prices)):
        both = asked, NumberFormat(decimal=",", thousands=".")
        return _unsettled(texts, "", NumberFormat(decimal=","), both)
    if is_open and all(map(_is_plain, texts.values())):
        return asked
    currency = _currency(texts)
    numbers = {name: _bare(name, text, currency).unique() for name, text in texts.items()}
    cells = pl.concat([pl.Series([], dtype=pl.String), *numbers.values()]).unique()
    cells = cells.filter(cells.str.contains(ANY_READING) & ~cells.str.contains(r"^\d+$"))
    fitting = [reading for reading in READINGS if cells.str.contains(reading.pattern).all()]
    allowed = [r for r in fitting if _is_allowed(r, config)]
    chosen = _of_one_value(allowed, cells)
    if len(chosen) == 1 or (not chosen and (is_open or not fitting)):
        best = chosen[0] if chosen else asked
        decimal = best.decimal if config.decimal is None else config.decimal
        thousands = best.thousands if config.thousands is None else config.thousands
        return replace(asked, decimal=decimal, thousands=thousands, currency=currency)
    cured = chosen or _of_one_value(fitting, cells)
    return _unsettled(texts, currency, asked, tuple(cured))


def _is_allowed(reading: NumberFormat, config: DataConfig) -> bool:
    """Whether the settings leave the reading open; a mark of thousands need not occur."""
    is_decimal = config.decimal in (None, reading.decimal)
    is_thousands = config.thousands is None or reading.thousands in (None, config.thousands)
    return is_decimal and is_thousands and config.thousands != reading.decimal


def _of_one_value(fitting: Iterable[NumberFormat], cells: pl.Series) -> list[NumberFormat]:
    """The readings less those that give the same numbers as one before."""
    chosen: dict[tuple[float | None, ...], NumberFormat] = {}
    for reading in fitting:
        values = _with_point(cells, reading).cast(pl.Float64, strict=False)
        chosen.setdefault(tuple(values.to_list()), reading)
    plain = next((r for r in chosen.values() if r == READINGS[0]), None)
    return [plain] if plain is not None else list(chosen.values())


def _unsettled(
    texts: Mapping[str, pl.Series],
    currency: str,
    asked: NumberFormat,
    fitting: tuple[NumberFormat, ...],
) -> UnsettledMarks:
    unread = {}
    for name, text in texts.items():
        bare = _bare(name, text, currency)
        is_odd = bare.str.contains(ANY_READING) & ~bare.str.contains(asked.pattern)
        unread[name] = is_odd.fill_null(value=False)
    name, first = next((name, hits) for name, hits in unread.items() if hits.any())
    n_cells = sum(int(hits.sum()) for hits in unread.values())
    at = first.arg_max()
    return UnsettledMarks(column=name, at=at or 0, n_cells=n_cells, fitting=fitting)


def _is_plain(text: pl.Series) -> bool:
    value = text.cast(pl.Float64, strict=False)
    return value.null_count() == text.null_count() and not value.is_nan().any()


def _currency(texts: Mapping[str, pl.Series]) -> str:
    """The sign or code that stands at every price of a column, and no other at any; else ""."""
    signs: set[str] = set()
    for name, text in texts.items():
        cells = text.drop_nulls()
        if name == "volume" or not len(cells) or _is_plain(cells):
            continue
        parts = cells.to_frame("cell").select(pl.col("cell").str.extract_groups(SIGNED))
        found = parts.unnest("cell")
        sign = found.select(pl.coalesce("before", "behind")).to_series()
        numbers = found["number"].is_not_null()
        if numbers.any() and sign.filter(numbers).null_count() == 0:
            signs |= set(sign.drop_nulls().unique())
        elif sign.drop_nulls().len():
            return ""  # on some prices alone: it may be the mark of an exception
    return signs.pop() if len(signs) == 1 else ""


def _bare(name: str, text: pl.Series, currency: str) -> pl.Series:
    """The cells less the currency of a price, or the unit of a volume."""
    if name == "volume":
        return _groups(text, SHORT)["number"].str.strip_chars().fill_null(text)
    if not currency:
        return text
    found = _groups(text, SIGNED)
    is_signed = (found["before"] == currency) | (found["behind"] == currency)
    return text.zip_with(~is_signed.fill_null(value=False), found["number"].str.strip_chars())


def _groups(text: pl.Series, pattern: str) -> pl.DataFrame:
    return text.to_frame("cell").select(pl.col("cell").str.extract_groups(pattern)).unnest("cell")


def parse_numbers(name: str, column: pl.Series, form: NumberFormat) -> ParsedNumbers:
    """The column of ours as Float64, each text rounded correctly: bits equal to `float(text)`.

    A volume is Int64, exact, unless one has a fraction.
    """
    if column.dtype.is_numeric() and not column.dtype.is_decimal():
        return _parsed_volumes(column) if name == "volume" else _typed_prices(column)
    if name == "volume":
        whole = column.cast(pl.String).cast(pl.Int64, strict=False)
        if form.decimal == "." and whole.null_count() == column.null_count():
            return ParsedNumbers(value=whole)
    text = column.cast(pl.String)
    if form.decimal == "." and not form.currency and _is_plain(text) and name != "volume":
        return ParsedNumbers(value=text.cast(pl.Float64, strict=False))
    text = _nonempty_text(text, form.missing, keep_point=True)
    is_point = (text == POINT).fill_null(value=False)
    text = text.set(is_point, None)
    bare = _bare(name, text, form.currency)
    number = _with_point(bare, form)
    respelt = _marked(bare, form, is_currency=text.ne_missing(bare) if name != "volume" else None)
    if is_point.any():
        respelt["point"] = is_point
    if name == "volume":
        return _text_volumes(text, number, respelt)
    value = number.cast(pl.Float64, strict=False).fill_nan(None)
    return ParsedNumbers(
        value=value, text=_unread_cells(text, value.is_not_null()), respelt=respelt
    )


def _marked(
    bare: pl.Series, form: NumberFormat, *, is_currency: pl.Series | None
) -> dict[str, pl.Series]:
    """Which cells were read by a mark that a plain number has not."""
    masks = {}
    if form.decimal == ",":
        masks["decimal"] = bare.str.contains(",", literal=True)
    if form.thousands is not None:
        masks["thousands"] = bare.str.contains(rf"\d{MARKS[form.thousands]}\d")
    if is_currency is not None:
        masks["currency"] = is_currency
    is_read = bare.str.contains(form.pattern)
    masks = {why: (mask & is_read).fill_null(value=False) for why, mask in masks.items()}
    return {why: mask for why, mask in masks.items() if mask.any()}


def _typed_prices(column: pl.Series) -> ParsedNumbers:
    return ParsedNumbers(value=column.cast(pl.Float64).fill_nan(None))


def _parsed_volumes(column: pl.Series) -> ParsedNumbers:
    if column.dtype.is_integer():
        value = column.cast(pl.Int64, strict=False)
        return ParsedNumbers(value=value, text=_unread_cells(column, value.is_not_null()))
    cells = column.cast(pl.Float64).fill_nan(None)
    return _volumes(cells, column.fill_nan(None), None, {})


def _text_volumes(
    text: pl.Series, number: pl.Series, respelt: dict[str, pl.Series]
) -> ParsedNumbers:
    unit = _groups(text, SHORT)["unit"].str.to_lowercase()
    whole = number.cast(pl.Int64, strict=False).set(unit.is_not_null(), None)
    times = unit.replace_strict(UNITS, default=1.0, return_dtype=pl.Float64)
    cells = number.cast(pl.Float64, strict=False).fill_nan(None)
    cells = (cells * times).round(4).zip_with(unit.is_not_null(), cells)
    is_short = unit.is_not_null() & cells.is_not_null()
    if is_short.any():
        respelt = {**respelt, "short": is_short}
    return _volumes(cells, text, whole, respelt)


def _volumes(
    cells: pl.Series, text: pl.Series, whole: pl.Series | None, respelt: dict[str, pl.Series]
) -> ParsedNumbers:
    """Volumes as Int64, or as Float64 if one has a fraction; too large ones are left to see."""
    is_read = (cells.abs() < LARGEST).fill_null(value=False)
    is_fraction = is_read & (cells % 1 != 0).fill_null(value=False)
    exact = pl.Series([None] * len(cells), dtype=pl.Int64) if whole is None else whole
    is_whole = is_read & ~is_fraction & exact.is_null()
    if "short" in respelt:
        is_whole &= ~respelt["short"]
    is_read |= exact.is_not_null()
    if is_fraction.any():
        value = cells.set(~is_read, None)
        respelt = {**respelt, "fraction": is_fraction}
    else:
        value = exact.fill_null(cells.set(~is_read, None).cast(pl.Int64, strict=False))
        respelt = {**respelt, "whole": is_whole} if is_whole.any() else respelt
    return ParsedNumbers(value=value, text=_unread_cells(text, is_read), respelt=respelt)


def _nonempty_text(
    column: pl.Series, missing: tuple[str, ...], *, keep_point: bool = False
) -> pl.Series:
    """The cells less spaces around them, null where the text means that there is no number."""
    text = column.cast(pl.String).str.strip_chars()
    if text.str.starts_with("=").any():  # ="1.5" keeps a spreadsheet from changing it
        text = text.str.replace('^="(.*)"$', "${1}")
    return text.set(text.is_in([*missing, *([] if keep_point else [POINT])]), None)


def _with_point(text: pl.Series, form: NumberFormat) -> pl.Series:
    """The cells with a decimal point and no other mark; null where the marks are other ones."""
    is_number = text.str.contains(form.pattern) | ~text.str.contains(ANY_READING)
    text = text.set(~is_number.fill_null(value=True), None)
    if form.thousands is not None:
        is_grouped = text.str.contains(form.pattern).fill_null(value=False)
        text = text.zip_with(~is_grouped, text.str.replace_all(MARKS[form.thousands], ""))
    return text.str.replace(",", ".", literal=True) if form.decimal == "," else text


def _unread_cells(cells: pl.Series, is_read: pl.Series) -> pl.Series | None:
    """The cells that are there and were not read, as text; None if there are none."""
    is_read = is_read | cells.is_null()
    return None if is_read.all() else cells.cast(pl.String).set(is_read, None)
