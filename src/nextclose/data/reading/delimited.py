"""CSV text as a table: what kind of text it is, how it is separated, and where it is broken.

A table of plain lines is parsed by polars in one go. Text with quotes, blank or uneven lines is
read record by record; where both are possible they give equal cells.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.findings import N_NAMED
from nextclose.data.reading.column_names import column_map, unique_names
from nextclose.data.reading.encoding import (
    MAX_COLUMNS,
    MAX_FIELD,
    has_line_over,
    utf8_text,
    with_lf_ends,
)
from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.suggestions import toml_value
from nextclose.errors import Finding

SEPARATORS = (",", ";", "\t", "|")
N_BLOCK = 50_000  # records turned into columns at once
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
    row, header = _header(text, separator)
    if len(header) > MAX_COLUMNS:
        found = f"{len(header)} columns, more than {MAX_COLUMNS}"
        fix = "give only the columns that are read."
        raise UnusableFileError(
            Issue.OVERSIZED_TABLE, found, must=f"at most {MAX_COLUMNS} columns", fix=fix, row=row
        )
    names = unique_names(header)
    plain = _plain_rows(text, names, separator, row)
    frame, rows, ragged = plain or _quoted_rows(text, names, separator, path)
    is_row = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    if not is_row.any() and not ragged:
        raise UnusableFileError(
            Issue.NO_ROWS, "0 data rows", must="rows below the header", fix=AGAIN
        )
    if not is_row.all():
        frame, rows = frame.filter(is_row), rows.filter(is_row)
    findings = (*notes, *of_ends, *of_mark, *ragged)
    return CsvCells(frame=frame, rows=rows, findings=findings, settled=settled)


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


def _header(text: bytes, separator: str) -> tuple[int, list[str]]:
    """The first line that holds anything, and its cells. Raises: UnusableFileError."""
    header = next(_records(text, separator), None)
    if header is None:
        raise UnusableFileError(Issue.EMPTY_FILE, "an empty file", must="CSV with a header")
    return header


def _separator(
    text: bytes, *, path: str, config: DataConfig
) -> tuple[str, tuple[Finding, ...], dict[str, str]]:
    """What stands between cells: the setting's, else the file's own. Raises: UnusableFileError."""
    if config.separator is not None:
        return config.separator, (), {}
    splitting = [mark for mark in SEPARATORS if _n_fields(text, mark) > 1]
    if splitting == [","]:
        return ",", (), {}
    fitting = [mark for mark in splitting if _n_uneven(text, mark) == 0]
    if not fitting and "," in splitting and _has_needed(_header(text, ",")[1], config):
        return ",", (), {}  # its uneven rows are named one by one
    if len(fitting) != 1:
        raise _separator_error(text, fitting or splitting)
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


def _has_needed(names: list[str], config: DataConfig) -> bool:
    ours = set(column_map(unique_names(names), config.columns).values())
    return "session" in ours and bool({"close", "adj_close"} & ours)


def _n_fields(text: bytes, separator: str) -> int:
    """Cells of the header; 0 if its quotes are for another separator. Raises: UnusableFileError."""
    try:
        return len(_header(text, separator)[1])
    except UnusableFileError as error:
        if error.number is not Issue.OPEN_QUOTE:
            raise
        return 0


def _n_uneven(text: bytes, separator: str) -> int:
    """Rows with more or fewer fields than the header, and quotes that do not close."""
    records = _records(text, separator)
    n_fields = len(next(records)[1])
    try:
        return sum(len(fields) != n_fields for _, fields in records)
    except UnusableFileError:
        return 1


def _separator_error(text: bytes, marks: list[str]) -> UnusableFileError:
    """Rule 8: no separator, or several, that could be meant."""
    if not marks:
        found = f"none of , ; TAB | in the header {text.strip().splitlines()[0].decode()!r}"
        fix = "separate cells by commas, or name the mark in data.separator."
    else:
        rows = (f"{_mark_name(mark)} with {_n_uneven(text, mark)} uneven rows" for mark in marks)
        found, fix = ", ".join(rows), f"set data.separator = {toml_value(marks[0])}, or another."
    return UnusableFileError(Issue.SEPARATOR, found, fix=fix)


def _mark_name(mark: str) -> str:
    return "TAB" if mark == "\t" else f"'{mark}'"


def _plain_rows(
    text: bytes, names: list[str], separator: str, header_row: int
) -> tuple[pl.DataFrame, pl.Series, list[Finding]] | None:
    """The table of text whose lines are plain; None where they need a closer look."""
    if b'"' in text or has_line_over(text, MAX_FIELD) or len(names) < 2:
        return None
    start = 0
    for _ in range(header_row):
        start = text.find(b"\n", start) + 1
    body = text[start:].rstrip(b"\n") if start else b""
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
    first = header_row + 1
    return frame, pl.int_range(first, first + n_rows, eager=True), []


def _quoted_rows(
    text: bytes, names: list[str], separator: str, path: str
) -> tuple[pl.DataFrame, pl.Series, list[Finding]]:
    """The table of any text, record by record. Raises: UnusableFileError for a quote left open."""
    schema = {name: pl.String() for name in names}
    records = _records(text, separator)
    next(records)
    rows: list[int] = []
    frames = [pl.DataFrame(schema=schema)]
    block: list[list[str]] = []
    ragged: list[tuple[int, int]] = []
    for row, fields in records:
        if len(fields) != len(names):
            ragged.append((row, len(fields)))
            continue
        rows.append(row)
        block.append(fields)
        if len(block) == N_BLOCK:
            frames.append(_columns(block, names))
            block = []
    frame = pl.concat([*frames, _columns(block, names)])
    return (
        frame,
        pl.Series(rows, dtype=pl.Int64),
        _ragged_row_findings(ragged, text, len(names), path),
    )


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


def _ragged_row_findings(
    places: list[tuple[int, int]], text: bytes, n_fields: int, path: str
) -> list[Finding]:
    """Rules 12 and 11: rows with more or fewer fields than the header; a last line cut short."""
    last = text.count(b"\n") + 1 if not text.endswith(b"\n") else 0
    n_unnamed = max(len(places) - N_NAMED, 0)
    findings = []
    for k, (row, n) in enumerate(places[:N_NAMED]):
        is_cut = row == last and n < n_fields
        issue = Issue.CUT_LAST_LINE if is_cut else Issue.UNEVEN_ROW
        finding = issue.finding(
            f"{n} field{'s' if n > 1 else ''}{' and no line end' if is_cut else ''}",
            rule=f"{n_fields} fields as in the header",
            path=path,
            row=row,
            count=1 + (n_unnamed if k == N_NAMED - 1 else 0),
        )
        findings.append(finding)
    return findings
