"""Tables and bar charts of the report, before they are markup: captions, columns, rows, cells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from nextclose.evaluation.verdict.document import flat_row
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import NOTHING, sessions
from nextclose.glossary import TERMS

Value = float | int | str | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One figure, what stands beside it, and a style class.

    `values` are what it stands for, unrounded: one for each of its column's `fields`. Without any
    the text is all there is. `rank` is what a column of words is sorted by, lowest first.
    """

    text: str
    beside: str = ""
    look: str = ""
    values: tuple[Value, ...] = ()
    rank: int | None = None
    term: str = ""  # of the glossary

    @property
    def data(self) -> str:
        """The values as JSON, for scripts; one alone without brackets."""
        values = self.values[0] if len(self.values) == 1 else self.values
        return json.dumps(values, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its title, whether it holds words, and how its values are called in a CSV.

    `group` stands above neighbours that share it. `term` explains it: a word of the glossary.
    """

    title: str
    is_text: bool = False
    fields: tuple[str, ...] = ()
    term: str = ""
    group: str = ""

    @property
    def names(self) -> str:
        """The names of its values as JSON, for scripts."""
        return json.dumps(self.fields or (self.title,), ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One line of a table; `model` gives it that model's colour, `mark` is a word of warning."""

    name: str
    cells: tuple[Cell, ...]
    model: str = ""
    strong: bool = False
    mark: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportTable:
    """A table: its columns, the one that names the rows first, and its rows."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    note: str = ""
    look: str = ""
    has_filter: bool = False  # a box to search its rows by name

    @property
    def titles(self) -> tuple[str, ...]:
        """Titles of its columns."""
        return tuple(column.title for column in self.columns)

    @property
    def text_titles(self) -> tuple[str, ...]:
        """Titles of the columns that hold words."""
        return tuple(column.title for column in self.columns if column.is_text)

    @cached_property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Titles above columns and how many columns each spans; empty without any."""
        spans: list[tuple[str, int]] = []
        for column in self.columns:
            if spans and spans[-1][0] == column.group:
                spans[-1] = (column.group, spans[-1][1] + 1)
            else:
                spans.append((column.group, 1))
        return tuple(spans) if any(name for name, _ in spans) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictColumn:
    """A column of a table of verdicts: its title and what it says of one of them.

    `fields` are those of a row of verdict.json that hold the same unrounded; what the first of
    them means is in the glossary, or `term`.
    """

    title: str
    cell: Callable[[VerdictRow], Cell]
    is_text: bool = False
    fields: tuple[str, ...] = ()
    term: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A share in [0, 1] with its name, and the range it had; `model` gives it a colour."""

    name: str
    share: float
    text: str
    beside: str = ""
    span: tuple[float, float] | None = None
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarChart:
    """Bars below each other, drawn on a scale from 0 to `full`; `mark` is a share to compare to."""

    caption: str
    bars: tuple[Bar, ...]
    full: float
    mark: float | None = None
    note: str = ""


# title of a table's first column -> what names a row there
ROW_NAMES: Mapping[str, Callable[[VerdictRow], str]] = {
    "Model": lambda v: v.model,
    "Symbol": lambda v: v.symbol,
    "Ahead": lambda v: sessions(v.horizon_sessions),
}
ROW_FIELDS = {"Model": "model", "Symbol": "symbol", "Ahead": "horizon"}
ROW_TERMS = {"Ahead": "horizon"}


def columns_named(*titles: str, words: Sequence[str] = ()) -> tuple[Column, ...]:
    """Columns of these titles; those of `words` hold words."""
    return tuple(Column(title=title, is_text=title in words) for title in titles)


def verdict_table(
    verdicts: Sequence[VerdictRow],
    columns: Sequence[VerdictColumn],
    *,
    by: str,
    caption: str,
    headline: str = "",
    marks: Mapping[str, str] = MappingProxyType({}),
) -> ReportTable:
    """A row per verdict, named by what `ROW_NAMES` says of `by`; the row of `headline` stands out.

    Rows of models have their colours, and what `marks` warns of them.
    """
    rows = tuple(
        TableRow(
            name=ROW_NAMES[by](v),
            cells=tuple(_cells(v, columns)),
            model=v.model if by == "Model" else "",
            strong=by == "Model" and v.model == headline,
            mark=marks.get(v.model, "") if by == "Model" else "",
        )
        for v in verdicts
    )
    named = Column(title=by, fields=(ROW_FIELDS[by],), term=ROW_TERMS.get(by, ""))
    return ReportTable(caption=caption, columns=(named, *map(_column, columns)), rows=rows)


def _column(column: VerdictColumn) -> Column:
    names = (name for field in column.fields for name in _names(field))
    first = column.fields[0] if column.fields else ""
    return Column(
        title=column.title,
        is_text=column.is_text,
        fields=tuple(names),
        term=column.term or (first if first in TERMS else ""),
    )


def _cells(v: VerdictRow, columns: Sequence[VerdictColumn]) -> Iterable[Cell]:
    """Its cells with their values; a dash stands for no value, even if the row has one."""
    flat = flat_row(v)
    for column in columns:
        cell = column.cell(v)
        if not column.fields or cell.values:
            yield cell
            continue
        values = (x for field in column.fields for x in _values(field, flat.get(field)))
        yield replace(
            cell, values=tuple(None if cell.text == NOTHING else value for value in values)
        )


def _names(field: str) -> tuple[str, ...]:
    """Names of the values of a field of verdict.json: an interval is two."""
    return (f"{field}_low", f"{field}_high") if field.endswith("interval") else (field,)


def _values(field: str, value: Any) -> tuple[Value, ...]:
    return tuple(value or (None, None)) if field.endswith("interval") else (value,)


def without_empty_columns(
    columns: Sequence[VerdictColumn], verdicts: Iterable[VerdictRow]
) -> tuple[VerdictColumn, ...]:
    """The columns that say something of at least one verdict."""
    verdicts = tuple(verdicts)
    return tuple(c for c in columns if any(c.cell(v).text != NOTHING for v in verdicts))


def cell_with_yardstick(text: str, beside: str) -> Cell:
    """A figure and its yardstick; without the figure the yardstick says nothing."""
    return Cell(text=text, beside="" if text == NOTHING else beside)
