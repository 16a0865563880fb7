"""CSV text as a table: what kind of text it is, how it is separated, and where it is broken.

A table of plain lines is parsed by polars in one go. Text with quotes, blank or uneven lines is
read record by record; where both are possible they give equal cells.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.reading.encoding import (
    MAX_COLUMNS,
    MAX_FIELD,
    has_line_over,
    utf8_text,
    with_lf_ends,
)
from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.reading.row_ends import cut_number, uneven_rows
from nextclose.data.reading.table_lines import (
    N_HEAD,
    N_NOTES,
    Layout,
    Record,
    is_comment,
    is_header,
    layout_of,
    notes_below,
    passed_over,
    without_header_lines,
)
from nextclose.data.suggestions import toml_value
from nextclose.errors import Finding

SEPARATORS = (",", ";", "\t", "|")
N_CELLS = 400_000  # turned into columns at once
AGAIN = "export the prices again."


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvCells:
    """The cells of one CSV file as text, null where empty; `rows` are their physical lines.

    Rows without any cell are left out. `findings` name rows with too many or too few: then the
    table cannot be trusted. `settled` holds what the file decided against the default.
    """

    frame: pl.DataFrame
    rows: pl.Series
    findings: tuple[Finding, ...] = ()
    settled: Mapping[str, str] = field(default_factory=dict)


def csv_cells(data: bytes, *, path: str, config: DataConfig) -> CsvCells:
    """The table that the bytes of a CSV file hold. Raises: UnusableFileError."""
    text, notes = utf8_text(data, path=path, config=config)
    text, of_ends = with_lf_ends(text, path=path)
    separator, of_mark, settled = _separator(text, path=path, config=config)
    layout = layout_of(_head(text, separator), config)
    _refuse_other_separator(layout, config)
    if len(layout.names) > MAX_COLUMNS:
        found = f"{len(layout.names)} columns, more than {MAX_COLUMNS}"
        fix = "give only the columns that are read."
        must, row = f"at most {MAX_COLUMNS} columns", layout.header_row
        raise UnusableFileError(Issue.OVERSIZED_TABLE, found, must=must, fix=fix, row=row)
    rows = _plain_rows(text, layout, separator) or _quoted_rows(text, layout, separator)
    ragged = uneven_rows(rows.uneven, text, len(layout.names), path)
    frame, places, repeated = without_header_lines(rows.frame, rows.places)
    is_row = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    if not is_row.any() and not ragged:
        raise UnusableFileError(
            Issue.NO_ROWS, "0 data rows", must="rows below the header", fix=AGAIN
        )
    if not is_row.all():
        frame, places = frame.filter(is_row), places.filter(is_row)
    skipped = passed_over([*layout.above, *rows.notes, *repeated], path=path)
    cut = cut_number(text, frame, places, path)
    findings = (*notes, *of_ends, *of_mark, *ragged, *cut, *skipped)
    return CsvCells(frame=frame, rows=places, findings=findings, settled=settled)


def parse_lines(
    lines: bytes, schema: Mapping[str, pl.DataType], *, separator: str = ","
) -> pl.DataFrame | None:
    """Plain lines as a frame; None if a line has too many fields or a cell is of another type."""
    last = lines[lines.rfind(b"\n") + 1 :]
    if last.count(separator.encode()) >= len(schema):  # polars drops an empty field at the very end
        return None
    try:
        return pl.read_csv(
            lines, has_header=False, schema=dict(schema), quote_char=None, separator=separator
        )
    except pl.exceptions.PolarsError:
        return None


def _head(text: bytes, separator: str) -> list[Record]:
    """The first records that hold anything. Raises: UnusableFileError for what the first one is."""
    head: list[Record] = []
    try:
        head.extend(islice(_records(text, separator), N_HEAD))
    except UnusableFileError:
        if not head:
            raise
    if not head:
        raise UnusableFileError(Issue.EMPTY_FILE, "an empty file", must="CSV with a header")
    return head


def _separator(
    text: bytes, *, path: str, config: DataConfig
) -> tuple[str, tuple[Finding, ...], dict[str, str]]:
    """What stands between cells: the setting's, else the file's own. Raises: UnusableFileError."""
    if config.separator is not None:
        return config.separator, (), {}
    layouts = {mark: _layout(text, mark, config) for mark in SEPARATORS}
    splitting = [mark for mark, layout in layouts.items() if len(layout.names) > 1]
    if splitting == [","]:
        return ",", (), {}
    uneven = {mark: _n_uneven(text, mark, layouts[mark]) for mark in splitting}
    fitting = [mark for mark in splitting if uneven[mark] == 0]
    if len(fitting) > 1:  # a mark within cells splits only what is not the header
        n_above = min(len(layouts[mark].above) for mark in fitting)
        fitting = [mark for mark in fitting if len(layouts[mark].above) == n_above]
    if not fitting:  # the uneven rows are named one by one
        fitting = [
            m for m in splitting if len(splitting) == 1 or is_header(layouts[m].names, config)
        ]
    if len(fitting) != 1:
        raise _separator_error(text, {mark: uneven[mark] for mark in fitting or splitting})
    (mark,) = fitting
    if mark == ",":
        return ",", (), {}
    finding = Issue.SEPARATOR.finding(
        f"{_mark_name(mark)} between cells",
        response="R",
        rule=f"',' between cells; read with data.separator = {toml_value(mark)}",
        path=path,
    )
    return mark, (finding,), {"separator": mark}


def _refuse_other_separator(layout: Layout, config: DataConfig) -> None:
    """Rule 8: a header in one cell, as another mark than the setting's separates its names.

    Raises: UnusableFileError.
    """
    header = "".join(layout.names)
    others = sorted(SEPARATORS, key=header.count, reverse=True)
    if config.separator is None or len(layout.names) > 1 or not header.count(others[0]):
        return
    raise UnusableFileError(
        Issue.SEPARATOR,
        f"no {_mark_name(config.separator)} but {_mark_name(others[0])} in the header {header!r}",
        must=f"cells separated by data.separator = {toml_value(config.separator)}",
        fix=f"take the setting away, or set data.separator = {toml_value(others[0])}.",
        row=layout.header_row,
    )


def _layout(text: bytes, separator: str, config: DataConfig) -> Layout:
    """What the text is if this separates its cells; no names if its quotes are for another.

    Raises: UnusableFileError.
    """
    try:
        return layout_of(_head(text, separator), config, is_trial=True)
    except UnusableFileError as error:
        if error.number is not Issue.OPEN_QUOTE:
            raise
        return Layout(names=[], header_row=0, above=())


def _n_uneven(text: bytes, separator: str, layout: Layout) -> int:
    """Rows with more or fewer fields than the header; 1 if there is no other, or an open quote."""
    try:
        rows = _plain_rows(text, layout, separator) or _quoted_rows(text, layout, separator)
    except UnusableFileError:
        return 1
    return len(rows.uneven) or int(not rows.frame.height)


def _separator_error(text: bytes, uneven: Mapping[str, int]) -> UnusableFileError:
    """Rule 8: no separator, or several, that could be meant; with the rows that each leaves."""
    if not uneven:
        found = f"none of , ; TAB | in the header {text.strip().splitlines()[0].decode()!r}"
        fix = "separate cells by commas, or name the mark in data.separator."
    else:
        rows = (f"{_mark_name(mark)} with {n} uneven rows" for mark, n in uneven.items())
        first = next(iter(uneven))
        found, fix = ", ".join(rows), f"set data.separator = {toml_value(first)}, or another."
    return UnusableFileError(Issue.SEPARATOR, found, fix=fix)


def _mark_name(mark: str) -> str:
    return "TAB" if mark == "\t" else f"'{mark}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Rows with as many cells as names, the lines they start at, and the records that are none."""

    frame: pl.DataFrame
    places: pl.Series
    uneven: list[tuple[int, int]] = field(default_factory=list)  # line, number of fields
    notes: list[Record] = field(default_factory=list)


def _plain_rows(text: bytes, layout: Layout, separator: str) -> _Rows | None:
    """The table of text whose lines are plain; None where they need a closer look."""
    names = layout.names
    if b'"' in text or has_line_over(text, MAX_FIELD) or len(names) < 2:
        return None
    start = 0
    for _ in range(layout.header_row):
        start = text.find(b"\n", start) + 1
    body = text[start:].rstrip(b"\n") if start or not layout.header_row else b""
    if not body:
        return None
    cells = np.frombuffer(body, np.uint8)
    n_rows = int(np.count_nonzero(cells == ord("\n"))) + 1
    n_marks = int(np.count_nonzero(cells == ord(separator)))
    if n_marks != n_rows * (len(names) - 1):
        return None
    frame = parse_lines(body, {name: pl.String() for name in names}, separator=separator)
    if frame is None:
        return None
    first = layout.header_row + 1
    return _Rows(frame=frame, places=pl.int_range(first, first + n_rows, eager=True))


def _quoted_rows(text: bytes, layout: Layout, separator: str) -> _Rows:
    """The table of any text, record by record. Raises: UnusableFileError for a quote left open."""
    names = layout.names
    rows: list[int] = []
    frames = [pl.DataFrame(schema={name: pl.String() for name in names})]
    block: list[list[str]] = []
    uneven: list[tuple[int, int]] = []
    notes: list[Record] = []
    last: list[Record] = []  # uneven ones since the last row
    n_block = max(N_CELLS // max(len(names), 1), 1)
    for row, fields in _records(text, separator):
        if row <= layout.header_row:
            continue
        cells = layout.fitted(fields)
        if cells is None and is_comment(fields):
            notes.append((row, fields[:1]))
        elif cells is None:
            last.append((row, fields))
        if len(last) > N_NOTES or (cells is not None and last):
            uneven += [(at, len(cells)) for at, cells in last]
            last = []
        if cells is not None:
            rows.append(row)
            block.append(cells)
        if len(block) == n_block:
            frames.append(_columns(block, names))
            block = []
    frame = pl.concat([*frames, _columns(block, names)])
    is_long = bool(uneven) and uneven[-1][0] > max(rows[-1:], default=0)  # more than N_NOTES
    if last and not is_long and notes_below(last, frame.to_series(0)):
        notes += last
    else:
        uneven += [(at, len(cells)) for at, cells in last]
    return _Rows(frame=frame, places=pl.Series(rows, dtype=pl.Int64), uneven=uneven, notes=notes)


def _columns(records: list[list[str]], names: list[str]) -> pl.DataFrame:
    columns = zip(*records, strict=True) if records else ([] for _ in names)
    return pl.DataFrame(
        {
            name: pl.Series([cell or None for cell in column], dtype=pl.String)
            for name, column in zip(names, columns, strict=True)
        }
    )


def _records(text: bytes, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Records that hold anything, each with the line it starts at. Raises: UnusableFileError."""
    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="\n")
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        row = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _quote_error(row, str(error)) from None
        if any(len(cell) > MAX_FIELD // 4 and len(cell.encode()) > MAX_FIELD for cell in fields):
            raise _quote_error(row, "field larger than field limit")
        if any(fields) and (len(fields) > 1 or fields[0].strip()):
            yield row, fields


def _quote_error(row: int, reason: str) -> UnusableFileError:
    is_long = reason.startswith("field larger")
    found = "a field of more than 64 KiB" if is_long else "a quote that opens and does not close"
    return UnusableFileError(Issue.OPEN_QUOTE, found, row=row)
