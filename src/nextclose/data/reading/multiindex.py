"""Two-level columns, as a download of several symbols gives them, brought to one row a symbol.

Three forms of one table: names like `('Close', 'AAPL')` (pandas frames, and Parquet written from
them), and the CSV that pandas writes, whose second line holds the other level.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl
import polars.selectors as cs

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.column_names import KNOWN, canonical_name, unique_names
from nextclose.schema import Finding

PAIR = re.compile(r"""^\((['"])(.*?)\1, (['"])(.*?)\3\)$""")
REPEATED = re.compile(r"_duplicated_\d+$")
LEVEL_NAMES = {"price", "ticker"}  # as yfinance names them

Pairs = dict[str, tuple[str, str]]  # column -> its names on both levels


def long_format(
    frame: pl.DataFrame, rows: pl.Series, *, path: str
) -> tuple[pl.DataFrame, pl.Series, list[Finding]]:
    """The frame with one level of names and a symbol column, its row numbers, and what was done.

    A frame with one level comes back as it is. Rows of a symbol without any value are left out: it
    did not trade when others did. A symbol without any row is a finding (E3).
    """
    pairs, n_heads = _name_pairs(frame)
    closes = {"close", "adj_close"}
    fields = [{KNOWN.get(canonical_name(pair[k])) for pair in pairs.values()} for k in (0, 1)]
    level = next((k for k in (0, 1) if closes & fields[k]), None)
    if level is None:
        return frame, rows, []
    frame = _rows_below_header(frame, n_heads).with_columns(cs.float().fill_nan(None))
    rows = rows[n_heads:]
    plain = [name for name in frame.columns if name not in pairs]
    symbols = list(dict.fromkeys(pair[1 - level] for pair in pairs.values()))
    frames = []
    for symbol in symbols:
        own = {name: pair[level] for name, pair in pairs.items() if pair[1 - level] == symbol}
        rows_of_symbol = frame.select(*plain, *own).with_columns(rows.alias("row"))
        rows_of_symbol = rows_of_symbol.filter(~pl.all_horizontal(pl.col(list(own)).is_null()))
        frames.append(_with_names(rows_of_symbol, own).with_columns(pl.lit(symbol).alias("symbol")))
    notes = [
        Issue.TWO_LEVEL_COLUMNS.finding(
            f"two-level columns of {safe_text(', '.join(symbols))}", path=path
        ),
        *_empty_symbols(symbols, frames, path),
    ]
    long = pl.concat(frames, how="diagonal_relaxed")
    return long.drop("row"), long["row"], notes


def _rows_below_header(frame: pl.DataFrame, n_heads: int) -> pl.DataFrame:
    """The rows below the header, with the name of the index over its column."""
    lone = {name: m[2] for name in frame.columns if (m := PAIR.match(name)) and not m[4]}
    if n_heads:
        lone = {frame.columns[0]: frame.item(1, 0) if n_heads == 2 else "date"}
    return _with_names(frame, lone)[n_heads:]


def _with_names(frame: pl.DataFrame, names: dict[str, str]) -> pl.DataFrame:
    """The frame under other names; one that comes twice is marked as repeated."""
    new = unique_names([names.get(name, name) for name in frame.columns])
    return frame.rename(dict(zip(frame.columns, new, strict=True)))


def _empty_symbols(
    symbols: Sequence[str], frames: Sequence[pl.DataFrame], path: str
) -> list[Finding]:
    return [
        Issue.NO_ROWS.finding(
            "0 data rows",
            rule="at least one row of each symbol",
            fix="leave its columns out, or give its prices.",
            path=path,
            symbol=safe_text(symbol),
        )
        for symbol, frame in zip(symbols, frames, strict=True)
        if not frame.height
    ]


def _name_pairs(frame: pl.DataFrame) -> tuple[Pairs, int]:
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
