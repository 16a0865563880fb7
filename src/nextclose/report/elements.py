"""Tables and bar charts of the report, before they are markup: captions, columns, rows, cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import NOTHING, sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One figure, what stands beside it, and a style class."""

    text: str
    beside: str = ""
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One line of a table; `model` gives it that model's colour."""

    name: str
    cells: tuple[Cell, ...]
    model: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable:
    """A table: titles of its columns, those of them that hold words, and its rows."""

    caption: str
    titles: tuple[str, ...]
    rows: tuple[TableRow, ...]
    text_titles: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictColumn:
    """A column of a table of verdicts: its title and what it says of one of them."""

    title: str
    cell: Callable[[VerdictRow], Cell]
    is_text: bool = False


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


def verdict_table(
    verdicts: Sequence[VerdictRow],
    columns: Sequence[VerdictColumn],
    *,
    by: str,
    caption: str,
    headline: str = "",
    note: str = "",
) -> ReportTable:
    """A row per verdict, named by what `ROW_NAMES` says of `by`; the row of `headline` stands out.

    Rows of models have their colours.
    """
    rows = tuple(
        TableRow(
            name=ROW_NAMES[by](v),
            cells=tuple(column.cell(v) for column in columns),
            model=v.model if by == "Model" else "",
            strong=by == "Model" and v.model == headline,
        )
        for v in verdicts
    )
    return ReportTable(
        caption=caption,
        titles=(by, *(column.title for column in columns)),
        rows=rows,
        text_titles=tuple(column.title for column in columns if column.is_text),
        note=note,
    )


def without_empty_columns(
    columns: Sequence[VerdictColumn], verdicts: Iterable[VerdictRow]
) -> tuple[VerdictColumn, ...]:
    """The columns that say something of at least one verdict."""
    verdicts = tuple(verdicts)
    return tuple(c for c in columns if any(c.cell(v).text != NOTHING for v in verdicts))


def cell_with_yardstick(text: str, beside: str) -> Cell:
    """A figure and its yardstick; without the figure the yardstick says nothing."""
    return Cell(text=text, beside="" if text == NOTHING else beside)
