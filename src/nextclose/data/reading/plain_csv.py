"""Plain CSV files of one header, parsed together: the fast way, for text that holds no surprise.

Plain is ASCII without quotes, commas between cells, LF or CRLF, as many commas as rows need. What
is in doubt here is left to `delimited.py`, which says exactly what is odd.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from nextclose.config import DataConfig
from nextclose.data.reading.column_names import column_map, unique_names
from nextclose.data.reading.delimited import parse_lines
from nextclose.data.reading.encoding import MAX_COLUMNS, MAX_FIELD, has_line_over
from nextclose.data.reading.epochs import EARLIEST, LATEST
from nextclose.data.reading.prices import parsing_types

DEFAULTS = DataConfig()
LINE_END, FIRST_PRINTABLE = ord("\n"), ord(" ")
# settings that change what a cell means: with other values every cell is read as text
PLAIN_SETTINGS = ("encoding", "decimal", "thousands", "date_format", "missing", "header")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainLines:
    """Plain lines: the header's text, and the rows below it up to the last one's line end.

    `n_crlf` and `n_lf` count the line ends, the header's too.
    """

    header: bytes
    body: memoryview
    n_rows: int
    n_crlf: int
    n_lf: int


def has_plain_settings(config: DataConfig) -> bool:
    """Whether numbers and dates stand in files as they do by default."""
    is_default = all(getattr(config, k) == getattr(DEFAULTS, k) for k in PLAIN_SETTINGS)
    return is_default and config.separator in (None, ",")


def plain_lines(data: bytes, *, header: bytes | None = None) -> PlainLines | None:
    """A file's header and rows; None where it may hold anything but plain lines.

    With `header`, `data` are more rows of a file that began so.
    """
    start = 0
    if header is None:
        start = data.find(b"\n") + 1
        header = data[: max(start - 1, 0)].removesuffix(b"\r")
    is_odd_header = any(mark in header for mark in (b"\r", b";", b"\t", b"|"))
    if is_odd_header or not 1 <= header.count(b",") < MAX_COLUMNS:
        return None
    stop = len(data) - len(next(end for end in (b"\r\n", b"\n", b"") if data.endswith(end)))
    is_plain = data.isascii() and b'"' not in data and not has_line_over(data, MAX_FIELD)
    if stop <= start or not is_plain or data.endswith(b"."):  # a number that may be cut short
        return None
    n_crlf = data.count(b"\r\n") if b"\r" in data else 0
    cells = np.frombuffer(data, np.uint8)
    n_lf = int(np.count_nonzero(cells == LINE_END)) - n_crlf
    if int(np.count_nonzero(cells < FIRST_PRINTABLE)) != n_lf + 2 * n_crlf:
        return None
    body = memoryview(data)[start:stop]
    n_rows = int(np.count_nonzero(cells[start:stop] == LINE_END)) + 1
    if int(np.count_nonzero(cells[start:stop] == ord(","))) != n_rows * header.count(b","):
        return None
    return PlainLines(header=header, body=body, n_rows=n_rows, n_crlf=n_crlf, n_lf=n_lf)


def parse_plain_rows(lines: bytes, header: bytes, config: DataConfig) -> pl.DataFrame | None:
    """Rows as text, dates and numbers; None where a cell needs a closer look.

    Such a cell is no ISO date, no number, or a number that is spelt in some odd way.
    """
    names = header_names(header)
    ours = column_map(names, config.columns)
    types = parsing_types(names, config)
    frame = parse_lines(lines, {name: types.get(name, pl.String()) for name in names})
    if frame is None:
        return None
    date = next((theirs for theirs, name in ours.items() if name == "session"), None)
    prices = [name for name, kind in frame.schema.items() if kind == pl.Float64]
    if date is None or any(frame[name].is_nan().any() for name in prices):
        return None
    days = frame[date].str.to_date("%Y-%m-%d", strict=False)
    if days.null_count() or not days.is_between(EARLIEST, LATEST).all():
        return None
    return frame.with_columns(days)


def header_names(header: bytes) -> list[str]:
    """The column names of a plain header."""
    return unique_names(header.decode().split(","))
