"""What one source gave, in our names and types, before any rule: a file, a frame, a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.reading.column_names import NUMBERS, column_map, header_faults, header_notes
from nextclose.data.reading.columns.adjusted import adjusted_closes_missing, without_flags
from nextclose.data.reading.columns.chosen_rows import chosen_rows, exchange_told
from nextclose.data.reading.columns.multiindex import long_format
from nextclose.data.reading.columns.said_symbols import (
    other_symbol_note,
    respelt_note,
    said_otherwise,
    said_symbol,
    several_symbols,
    spelt_alike,
)
from nextclose.data.reading.columns.series import (
    lesser_symbol,
    one_volume,
    several_series,
)
from nextclose.data.reading.dates import (
    DIGITS,
    ParsedDates,
    column_of_times,
    date_texts,
    parse_dates,
)
from nextclose.data.reading.epochs import EARLIEST, READINGS
from nextclose.data.reading.number_formats import NumberFormat
from nextclose.data.reading.number_notes import at_first, number_notes, unsettled_marks
from nextclose.data.reading.numeric import (
    ParsedNumbers,
    UnsettledMarks,
    number_format,
    parse_numbers,
    refuse_equal_marks,
)
from nextclose.schema import Finding

DEFAULTS = DataConfig()

Basis = Literal["adjusted", "raw", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UncheckedPrices:
    """Prices of one file, frame or table in our names and types: what `assemble_bars` joins.

    `frame` has row, symbol, session and numbers, null where a cell could not be read; the cell's
    text is then in `<column>_text`. Prices are Float64, volumes Int64, exact, or Float64 where one
    has a fraction. `second_of_day` (Int32) is there if
    stamps had times of day, `currency` (text) if the file says it. `frame` is None when the file
    cannot be used at all. `settled` holds format facts that this file decided, by the name of their
    `[data]` setting. Prices of several `files` begin with `path`, and `file` (Int32) in its frame
    counts them from 0. `exchange` is what the cells themselves tell of it, "" if nothing.
    """

    path: str
    frame: pl.DataFrame | None
    findings: tuple[Finding, ...] = ()
    basis: Basis = "unknown"
    settled: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    exchange: str = ""


def refused_file(
    path: str, issue: Issue, *, found: str, must: str, fix: str, row: int | None = None
) -> UncheckedPrices:
    """A file that cannot be used: no rows, and the reason."""
    finding = issue.finding(found, rule=must, fix=fix, path=path, row=row)
    return UncheckedPrices(path=path, frame=None, findings=(finding,))


def parsing_types(header: Sequence[str], config: DataConfig) -> dict[str, pl.DataType]:
    """What each column of a CSV that we know may be parsed as at once, by its own name.

    A cell that does not parse, and settings that only text can obey, ask for all columns as text.
    """
    names = column_map(header, config.columns)
    is_plain = config.decimal in (None, ".") and set(DEFAULTS.missing) <= set(config.missing)
    kinds = dict.fromkeys(NUMBERS, pl.Float64()) | {"volume": pl.Int64()}
    return {
        theirs: kinds[ours] if is_plain and ours in kinds else pl.String()
        for theirs, ours in names.items()
    }


def unchecked_prices(
    frame: pl.DataFrame,
    *,
    path: str,
    rows: pl.Series,
    symbol: str = "",
    config: DataConfig = DEFAULTS,
    basis: Basis | None = None,
) -> UncheckedPrices:
    """A foreign frame in our names and types.

    `symbol` is for a frame without such a column. What `config.symbols` says of `path` wins over a
    column; several series are then refused (67). `rows` numbers the rows for messages; `basis` is
    for a source that knows what its close is where no adjusted close stands beside it.
    Raises: ConfigError for a setting that cannot be obeyed; never for what the frame holds.
    """
    refuse_equal_marks(config)
    said = said_symbol(path, config.symbols)
    frame, rows, levels = long_format(
        frame, rows, path=path, renames=config.columns, symbol="" if said else symbol
    )
    if any(finding.number == Issue.REUSED_SYMBOL for finding in levels):
        return UncheckedPrices(path=path, frame=None, findings=tuple(levels))
    frame, rows, of_rows = chosen_rows(frame, rows, config, path=path)
    names = column_map(frame.columns, config.columns)
    key = lesser_symbol(frame, names, symbol)
    names |= {} if key is None else {key: "symbol"}
    names, of_flags = without_flags(frame, names, config.missing, path=path)
    faults = header_faults(frame, names, path=path, symbol=symbol, renames=config.columns)
    faults += [finding for finding in of_flags if finding.response == "E"]
    if faults:
        return UncheckedPrices(path=path, frame=None, findings=tuple(faults))
    chosen = one_volume(frame, names)
    ours = frame.select(list(chosen)).rename(chosen)
    ours = ours.with_columns(rows.alias("row").cast(pl.UInt32))
    of_name = other_symbol_note(frame, names, symbol, path=path)
    if "symbol" not in ours.columns:
        ours = ours.with_columns(pl.lit(symbol).alias("symbol"))
    elif said:
        several = several_symbols(ours["symbol"], said, path=path)
        if several is not None:
            return UncheckedPrices(path=path, frame=None, findings=(several,))
        of_name = said_otherwise(ours["symbol"], said, path=path)
        ours = ours.with_columns(pl.lit(said).alias("symbol"))
    times = column_of_times(frame, names, config)
    if times is not None:
        ours = ours.with_columns(times.alias("second_of_day"))
    ours, basis, of_basis = _with_basis(ours, config, basis, path)
    form = number_format({c: ours[c] for c in NUMBERS if c in ours.columns}, config)
    if isinstance(form, UnsettledMarks):
        finding = unsettled_marks(form, ours, path=path)
        return UncheckedPrices(path=path, frame=None, findings=(finding,))
    typed, cells, settled = _typed_columns(ours, config, form, path)
    series = several_series(
        frame,
        typed,
        names,
        path=path,
        renames=config.columns,
        is_last_taken=config.duplicates == "last",
    )
    series += adjusted_closes_missing(typed, names, path=path)
    if any(finding.response == "E" for finding in series):
        return UncheckedPrices(path=path, frame=None, findings=tuple(series))
    notes = (
        *levels,
        *of_rows,
        *of_name,
        *series,
        *of_flags,
        *header_notes(typed, names, path=path),
        *of_basis,
        *cells,
    )
    return UncheckedPrices(
        path=path,
        frame=typed,
        findings=notes,
        basis=basis,
        settled=settled,
        exchange=exchange_told(frame, config),
    )


def _with_basis(
    frame: pl.DataFrame, config: DataConfig, source_basis: Basis | None, path: str
) -> tuple[pl.DataFrame, Basis, list[Finding]]:
    """The frame with one close, and an adjusted one beside it if it is to adjust; and what it is.

    Rules 25 and 26. `source_basis` is what the source says of a close that stands alone.
    """
    have = {"close", "adj_close", "close_raw"} & set(frame.columns)
    if have == {"close"}:
        return frame, source_basis or "unknown", [_lone_close_finding(source_basis, path)]
    is_both = {"close", "adj_close"} <= have
    note = Issue.TWO_CLOSES.finding("close and adjusted close", path=path)
    if config.price_basis == "raw" and have == {"close", "adj_close"}:
        must = 'close stays as traded; data.price_basis = "raw"'
        return frame.drop("adj_close"), "raw", [replace(note, rule=must)]
    ready = frame if "close" in have else frame.rename({"adj_close": "close"})
    if config.price_basis == "raw":
        found = "a close that is adjusted already"
        must = 'close as traded; data.price_basis = "raw"'
        fix = 'give close as traded, or set data.price_basis = "adjusted".'
        note = replace(note, response="E", found=found, rule=must, fix=fix, column="close")
        return ready, "adjusted", [note]
    return ready, "adjusted", [note] if is_both else []


def _lone_close_finding(source_basis: Basis | None, path: str) -> Finding:
    """Rule 25: no adjusted close; what the close is, as the source says, or unknown."""
    found = "no adjusted close"
    if source_basis is not None:
        must = f"prices are {source_basis}, as their source says"
        return Issue.NO_ADJUSTED_CLOSE.finding(found, response="R", rule=must, fix="", path=path)
    return Issue.NO_ADJUSTED_CLOSE.finding(found, path=path)


def _typed_columns(
    frame: pl.DataFrame, config: DataConfig, form: NumberFormat, path: str
) -> tuple[pl.DataFrame, list[Finding], dict[str, str]]:
    """Cells in our types, null where unreadable, their text beside them; what the file settled.

    Rules 9, 10, 27, 30, 31, 38 and 44, where they repair.
    """
    symbol, respelt = spelt_alike(_without_spaces(frame["symbol"].cast(pl.String)))
    days = parse_dates(frame["session"], symbol, config)
    new = [symbol, days.session.alias("session")]
    if days.second_of_day is not None:
        new.append(days.second_of_day.alias("second_of_day"))
    if days.session.null_count() or not (days.session >= EARLIEST).all():
        new.append(_date_cells(frame["session"], days).alias("session_text"))
    numbers: dict[str, ParsedNumbers] = {}
    for name in NUMBERS:
        if name in frame.columns:
            numbers[name] = parsed = parse_numbers(name, frame[name], form)
            new.append(parsed.value.alias(name))
            if parsed.text is not None:
                new.append(parsed.text.alias(f"{name}_text"))
    typed = frame.with_columns(new)
    if "currency" in typed.columns:
        typed = typed.with_columns(pl.col("currency").cast(pl.String).str.strip_chars())
    notes = [
        *respelt_note(respelt, path=path),
        *_date_notes(frame, typed, days, path),
        *number_notes(numbers, frame, typed, path=path),
    ]
    facts = {
        "date_format": days.date_format,
        "decimal": form.decimal if form.decimal != "." else "",
    }
    facts["thousands"] = form.thousands or ""
    return typed, notes, {name: value for name, value in facts.items() if value}


def _date_cells(column: pl.Series, days: ParsedDates) -> pl.Series:
    """The cells as text; an integer that was read as an instant as its stamp, in UTC."""
    text = date_texts(column)
    if days.unplaced is None or not column.cast(pl.String).str.contains(DIGITS).any():
        return text
    stamps = pl.from_epoch(days.unplaced, "s").dt.strftime("%Y-%m-%d %H:%M:%SZ")
    return stamps.zip_with(days.session.is_null() & days.unplaced.is_not_null(), text)


def distinct_symbols(symbols: pl.Series) -> pl.Series:
    """Each symbol once, and null if there is one; quick where symbols come in runs."""
    later = symbols[1:]
    return pl.concat([symbols[:1], later.filter(later.ne_missing(symbols[:-1]))]).unique()


def _without_spaces(symbols: pl.Series) -> pl.Series:
    """The symbols less spaces around them."""
    names = distinct_symbols(symbols)
    return symbols if names.equals(names.str.strip_chars()) else symbols.str.strip_chars()


def _date_notes(
    frame: pl.DataFrame, typed: pl.DataFrame, days: ParsedDates, path: str
) -> list[Finding]:
    """Rules 38 and 44: integers that were dates, and stamps dated at their exchange."""
    text = frame["session"]
    notes = []
    if days.date_format in READINGS:
        must = f"dates; read as {days.date_format}"
        note = Issue.INTEGER_DATE.finding(response="R", rule=must, fix="", path=path, column="date")
        notes += at_first(typed, days.session.is_not_null(), text, note)
    if days.is_moved is not None:
        must = "plain dates; the date at the exchange is taken"
        note = Issue.ZONED_STAMP.finding(response="R", rule=must, fix="", path=path, column="date")
        notes += at_first(typed, days.is_moved, text, note)
    return notes
