"""Symbols side by side, as a download of several gives them, brought to one row a symbol.

Forms of one table: names like `('Close', 'AAPL')` (pandas frames, and Parquet written from them),
the CSV that pandas writes, whose second line holds the other level, names like `Close_AAPL`, and
closes alone, a column a symbol.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl
import polars.selectors as cs

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.column_names import column_map, unique_names
from nextclose.data.reading.columns.said_symbols import other_columns_fault
from nextclose.data.reading.columns.side_by_side import (
    Pairs,
    as_symbols,
    flat_pairs,
    wide_closes,
)
from nextclose.data.reading.columns.spellings import KNOWN, PAIR_FIELDS, canonical_name
from nextclose.schema import Finding

PAIR = re.compile(r"""^\((['"])(.*?)\1, (['"])(.*?)\3\)$""")
REPEATED = re.compile(r"(?:_duplicated_|\.)\d+$")
LEVEL_NAMES = {"price", "ticker"}  # as yfinance names them
CLOSES = {"close", "adj_close"}
TWO_LEVELS = "two-level columns"


def long_format(
    frame: pl.DataFrame,
    rows: pl.Series,
    *,
    path: str,
    renames: Mapping[str, str] | None = None,
    symbol: str = "",
) -> tuple[pl.DataFrame, pl.Series, list[Finding]]:
    """The frame with one level of names and a symbol column, its row numbers, and what was done.

    A frame of one symbol comes back as it is. Rows of a symbol without any value are left out: it
    did not trade when others did. A symbol without any row is left out and told, unless all are.
    `symbol` is what a file's name says: names of columns that say another are refused (67).
    """
    pairs, n_heads, form = _name_pairs(frame, renames, path)
    if not pairs:
        return frame, rows, []
    frame = _rows_below_header(frame, n_heads).with_columns(cs.float().fill_nan(None))
    rows = rows[n_heads:]
    plain = [name for name in frame.columns if name not in pairs]
    symbols = as_symbols(dict.fromkeys(symbol for _, symbol in pairs.values()))
    frames = {}
    for theirs, name in symbols.items():
        own = {column: field for column, (field, of) in pairs.items() if of == theirs}
        rows_of_symbol = frame.select(*plain, *own).with_columns(rows.alias("row"))
        rows_of_symbol = rows_of_symbol.filter(~pl.all_horizontal(pl.col(list(own)).is_null()))
        named = _with_names(rows_of_symbol, own).with_columns(pl.lit(name).alias("symbol"))
        frames[name] = named
    held = ", ".join(symbols.values())
    notes = [
        Issue.TWO_LEVEL_COLUMNS.finding(f"{form} of {safe_text(held)}", path=path),
        *_empty_symbols(frames, path),
        *([] if form == TWO_LEVELS else other_columns_fault(list(frames), symbol, path=path)),
    ]
    long = pl.concat(frames.values(), how="diagonal_relaxed")
    return long.drop("row"), long["row"], notes


def _rows_below_header(frame: pl.DataFrame, n_heads: int) -> pl.DataFrame:
    """The rows below the header, with the name of the index over its column."""
    lone = {name: m[2] for name in frame.columns if (m := PAIR.match(name)) and not m[4]}
    if n_heads:
        lone = {frame.columns[0]: frame.item(1, 0) if n_heads == 2 else "date"}
    return _with_names(frame, lone)[n_heads:]


def _with_names(frame: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """The frame under other names; one that comes twice is marked as repeated."""
    new = unique_names([names.get(name, name) for name in frame.columns])
    return frame.rename(dict(zip(frame.columns, new, strict=True)))


def _empty_symbols(frames: Mapping[str, pl.DataFrame], path: str) -> list[Finding]:
    """Rule 3: symbols without a row; a refusal only where there is no other."""
    empty = [symbol for symbol, frame in frames.items() if not frame.height]
    is_all = len(empty) == len(frames)
    return [
        Issue.NO_ROWS.finding(
            "0 data rows",
            response="E" if is_all else "W",
            rule="at least one row of each symbol"
            if is_all
            else "a symbol without a row is left out",
            fix="give the prices of one symbol at least." if is_all else "",
            path=path,
            symbol=safe_text(symbol),
        )
        for symbol in empty
    ]


def _name_pairs(
    frame: pl.DataFrame, renames: Mapping[str, str] | None, path: str
) -> tuple[Pairs, int, str]:
    """Field and symbol of each column that has both, rows that hold names, and the form's name."""
    two, n_heads = _two_levels(frame)
    fields = [{_field(pair[k]) for pair in two.values()} for k in (0, 1)]
    level = next((k for k in (0, 1) if CLOSES & fields[k]), None)
    if level is not None:
        pairs = {name: (pair[level], pair[1 - level]) for name, pair in two.items()}
        return pairs, n_heads, TWO_LEVELS
    known = column_map(frame.columns, renames)
    if CLOSES & {*known.values()}:
        return {}, 0, ""
    pairs = flat_pairs(frame.columns)
    if pairs:
        return pairs, 0, "columns by field and symbol"
    pairs = wide_closes(frame, known, path=path, renames=renames or {})
    return pairs, 0, "a column of closes"


def _field(name: str) -> str | None:
    return PAIR_FIELDS.get(canonical_name(name))


def _two_levels(frame: pl.DataFrame) -> tuple[Pairs, int]:
    """Both names of each two-level column, and how many rows of the frame hold names."""
    matches = {name: PAIR.match(name) for name in frame.columns}
    pairs = {name: (m[2], m[4]) for name, m in matches.items() if m and m[4]}
    if pairs or frame.width < 2 or not frame.height:
        return pairs, 0
    n_heads = _header_rows(frame)
    if not n_heads:
        return {}, 0
    seconds = frame.row(0)[1:]
    firsts = [REPEATED.sub("", name) for name in frame.columns[1:]]
    return dict(zip(frame.columns[1:], zip(firsts, seconds, strict=True), strict=True)), n_heads


def _header_rows(frame: pl.DataFrame) -> int:
    """How many rows of a frame read from CSV hold the rest of a two-level header: 0, 1 or 2."""
    if set(frame.dtypes) != {pl.String()}:
        return 0
    first, *seconds = frame.row(0)
    if not all(seconds):
        return 0
    if frame.height > 1:
        index, *rest = frame.row(1)  # pandas gives the index a line of its own if it has a name
        if KNOWN.get(canonical_name(index or "")) == "session" and not any(rest):
            return 2
    return (
        1 if {canonical_name(frame.columns[0]), canonical_name(first or "")} == LEVEL_NAMES else 0
    )
