"""Where a table stands among the lines of a text: titles above it, notes in it, credits below.

A line is passed over only where it cannot be a row: it has another number of cells, and reads like
a title, a comment or a sentence. What is in doubt stays a row, and is refused as an uneven one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.column_names import column_map, unique_names
from nextclose.data.reading.columns.spellings import KNOWN, canonical_name
from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.reading.inferred_names import has_date, inferred_names, is_row_of_bars
from nextclose.data.suggestions import toml_value
from nextclose.schema import Finding

N_HEAD = 64  # records among which the header is looked for
N_NOTES = 10  # lines below the table at most
COMMENTS = ("#", "//")
COUNT_OF_ROWS = re.compile(r"^\(?\d[\d,]* (?:rows?|records?|lines?)\b", re.IGNORECASE)
END = re.compile(r"^(?:EOF|</\w+>)$")  # a mark below the last row
SUMMARY = re.compile(
    r"^(?:total|sum|average|avg|mean|median|min|max|minimum|maximum|count|std)\.?:?$", re.IGNORECASE
)
UNIT = re.compile(
    r"^[(\[]?(?:in )?(?:usd|eur|gbp|gbx|jpy|chf|cad|aud|cny|hkd|inr|krw|brl|[$€£¥%]|pence|points?"
    r"|(?:local )?currency|percent|price|shares?|units?|number|count|contracts|lots"
    r"|thousands?|millions?|mn|bn)[)\]]?$",
    re.IGNORECASE,
)

Record = tuple[int, list[str]]  # the physical line at which it starts, and its cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The names of a table's columns, the line of its header, and the lines passed over above it.

    `header_row` is the line before the first row where the file has no header: `names` then come
    from the settings.
    """

    names: list[str]
    header_row: int
    above: tuple[Record, ...]

    def fitted(self, fields: list[str]) -> list[str] | None:
        """A row's cells, one a name; None if it has too few, or something beyond the names."""
        n = len(self.names)
        if len(fields) == n:
            return fields
        if len(fields) > n:
            return None if any(fields[n:]) else fields[:n]
        has_names = any(self.names[len(fields) :])
        return None if has_names else fields + [""] * (n - len(fields))


def layout_of(head: Sequence[Record], config: DataConfig, *, is_trial: bool = False) -> Layout:
    """The layout of a text that begins with these records, at least one.

    A trial of a separator takes the first line of the table for its header in any case.
    Raises: UnusableFileError (21): the first line of the table is a bar; (12): not as many names in
        `data.header` as it has cells.
    """
    position = _header_position(head, config)
    row, fields = head[position]
    below = [cells for _, cells in head[position:]]
    if not is_trial and not _has_known_names(fields, config):
        if config.header:
            _refuse_other_width(config.header, fields, row)
            above = tuple(head[:position])
            return Layout(names=list(config.header), header_row=row - 1, above=above)
        if is_row_of_bars(below):
            raise _headerless_error(below, row)
    names = _without_mark(fields)
    if _lacks_row_names(names, below[1:], config):
        names = ["", *names]
    return Layout(names=unique_names(names), header_row=row, above=tuple(head[:position]))


def is_comment(fields: Sequence[str]) -> bool:
    """Whether a record is a line of comment, if it is no row."""
    start = fields[0].lstrip()
    return start.startswith(COMMENTS) and start.strip("#/ ") != ""


def is_note(fields: Sequence[str]) -> bool:
    """Whether a record may be a sentence below the table: words in each cell, or its end."""
    cells = [cell.strip() for cell in fields if cell.strip()]
    if len(cells) == 1 and (COUNT_OF_ROWS.match(cells[0]) or END.match(cells[0])):
        return True
    return all(
        " " in cell and not cell[0].isdigit() and any(c.isalpha() for c in cell) for cell in cells
    )


def notes_below(records: Sequence[Record], first_cells: pl.Series) -> bool:
    """Whether the records below the last row are notes, none the beginning of a row cut short."""
    return all(
        is_note(fields) and not first_cells.str.starts_with(fields[0]).any()
        for _, fields in records
    )


def without_header_lines(
    frame: pl.DataFrame, rows: pl.Series
) -> tuple[pl.DataFrame, pl.Series, list[Record]]:
    """The table less rows that are no bars, and those records.

    They are its header again, or the rule below it; units right below the header; and totals or
    means below the last bar.
    """
    first = frame[frame.columns[0]]
    suspect = (first == frame.columns[0]) | first.str.contains(r"^-+$")
    places = suspect.fill_null(value=False).arg_true().to_list()
    names = tuple(name or None for name in frame.columns)
    lines = [k for k in places if _is_header_line(frame.row(k), names)]
    lines = sorted({*lines, *_unit_lines(frame), *_summary_lines(frame)})
    if not lines:
        return frame, rows, []
    records = [(int(rows[k]), [cell or "" for cell in frame.row(k)]) for k in lines]
    is_kept = ~pl.int_range(frame.height, eager=True).is_in(pl.Series(lines).implode())
    return frame.filter(is_kept), rows.filter(is_kept), records


def _unit_lines(frame: pl.DataFrame) -> list[int]:
    """The first row, if below the header's names of prices it has units and nothing else."""
    if not frame.height:
        return []
    first, *others = frame.row(0)
    cells = [cell.strip() for cell in others if cell and cell.strip()]
    is_units = bool(cells) and all(map(UNIT.match, cells)) and not has_date(first or "")
    return [0] if is_units else []


def _summary_lines(frame: pl.DataFrame) -> list[int]:
    """The last rows that begin with a word for a sum or a mean, and hold no date."""
    lines = []
    for k in range(frame.height - 1, max(frame.height - 1 - N_NOTES, 0), -1):
        cells = [cell for cell in frame.row(k) if cell]
        if not cells or not SUMMARY.match(cells[0]) or any(map(has_date, cells)):
            break
        lines.append(k)
    return lines


def passed_over(records: Iterable[Record], *, path: str) -> Iterator[Finding]:
    """The finding (R12) for lines that are no rows of the table; none if there are none."""
    lines = sorted(records)
    if lines:
        row, fields = lines[0]
        yield Issue.UNEVEN_ROW.finding(
            safe_text(" ".join(cell for cell in fields if cell)),
            response="R",
            rule="rows of the table; a line that is none is passed over",
            fix="",
            path=path,
            row=row,
            count=len(lines),
        )


def _header_position(head: Sequence[Record], config: DataConfig) -> int:
    """Which record is the header: the first that names a date and a close, below titles only.

    If none does: the first that is no title, or the first of all where everything looks like one.
    """
    for k, (_, fields) in enumerate(head):
        if is_header(fields, config):
            if all(_is_title(above, n_names=_n_cells(fields)) for _, above in head[:k]):
                return k
            break
    position = next((k for k, (_, fields) in enumerate(head) if not _is_title(fields)), 0)
    return position if len(head[position][1]) > 1 else 0


def _is_title(fields: Sequence[str], *, n_names: int = 0) -> bool:
    """Whether a record above a header of `n_names` (0: not known) is none itself."""
    if len(fields) == 1 or is_comment(fields):
        return True
    if fields[0] and not any(fields[1:]):
        return canonical_name(fields[0]) not in KNOWN
    return 2 * _n_cells(fields) <= n_names


def _n_cells(fields: Sequence[str]) -> int:
    return sum(1 for cell in fields if cell.strip())


def is_header(fields: Sequence[str], config: DataConfig) -> bool:
    """Whether a record names a date and a close."""
    ours = set(column_map(unique_names(_without_mark(fields)), config.columns).values())
    return "session" in ours and bool({"close", "adj_close"} & ours)


def _has_known_names(fields: Sequence[str], config: DataConfig) -> bool:
    return bool(column_map(unique_names(list(fields)), config.columns))


def _without_mark(fields: Sequence[str]) -> list[str]:
    """The names less the mark of comment before the first, as NumPy writes it."""
    return [fields[0].lstrip().lstrip("#").lstrip(), *fields[1:]]


def _lacks_row_names(names: list[str], rows: list[list[str]], config: DataConfig) -> bool:
    """Whether the first cell of each row is its name, above which the header has nothing (R)."""
    n = len(names)
    if not rows or not all(names) or any(len(row) != n + 1 for row in rows if not is_note(row)):
        return False
    even = [row for row in rows if len(row) == n + 1]
    ours = column_map(unique_names(names), config.columns)
    dates = [k for k, name in enumerate(names) if ours.get(name) == "session"]
    at = dates[0] + 1 if dates else 0
    return bool(even) and all(has_date(row[at]) for row in even)


def _is_header_line(cells: Sequence[str | None], names: Sequence[str | None]) -> bool:
    return tuple(cells) == tuple(names) or all(cell and not cell.strip("-") for cell in cells)


def _refuse_other_width(names: Sequence[str], fields: Sequence[str], row: int) -> None:
    if len(names) != len(fields):
        raise UnusableFileError(
            Issue.UNEVEN_ROW,
            f"{len(fields)} fields, but {len(names)} names in data.header",
            must="as many names in data.header as a row has fields",
            fix="load files of other columns apart, with a data.header of their own.",
            row=row,
        )


def _headerless_error(rows: list[list[str]], row: int) -> UnusableFileError:
    """Rule 21: a bar where the names of the columns should be; the cure names them, if it can."""
    names = inferred_names(rows)
    example = 'its columns\' names in order, as "date", "open", "high", "low", "close", "volume"'
    fix = (
        f"set data.header = {toml_value(names)}."
        if names
        else f"set data.header = NAMES, {example}."
    )
    return UnusableFileError(
        Issue.MISSING_COLUMN,
        f"no header row but {', '.join(rows[0])}",
        must="a header row",
        fix=fix,
        row=row,
    )
