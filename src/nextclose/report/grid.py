"""Tables and bars of the report, before they are markup: captions, columns, rows, cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One figure, what stands beside it, and a style class."""

    text: str
    beside: str = ""
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table; `model` gives it that model's colour."""

    name: str
    cells: tuple[Cell, ...]
    model: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table: titles of its columns, those of them that hold words, and its rows."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    text: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
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
class Bars:
    """Bars below each other, drawn on a scale from 0 to `full`; `mark` is a share to compare to."""

    caption: str
    bars: tuple[Bar, ...]
    full: float
    mark: float | None = None
    note: str = ""


def speaking(columns: Sequence[Column], rows: Iterable[VerdictRow]) -> tuple[Column, ...]:
    """The columns in which at least one row has something to say."""
    rows = tuple(rows)
    return tuple(c for c in columns if any(c.cell(row).text != NOTHING for row in rows))


def head(*first: str, columns: Sequence[Column]) -> tuple[str, ...]:
    """Titles of a table: the first ones, then those of its columns."""
    return (*first, *(column.title for column in columns))


def words(columns: Sequence[Column]) -> tuple[str, ...]:
    """Titles of the columns that hold words."""
    return tuple(column.title for column in columns if column.is_text)


def cells(row: VerdictRow, columns: Sequence[Column]) -> tuple[Cell, ...]:
    """What each column says of one row."""
    return tuple(column.cell(row) for column in columns)


def pair(text: str, beside: str) -> Cell:
    """A figure and its yardstick; without the figure the yardstick says nothing."""
    return Cell(text=text, beside="" if text == NOTHING else beside)
