"""Histories as text under other column names: what the modules of shapes here are written with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

Cell = Callable[[float], str]
Day = Callable[..., str]


def iso(day: object) -> str:
    """A date as YYYY-MM-DD."""
    return str(day)


def plain(value: float) -> str:
    """A number as Python writes it."""
    return repr(value)


def german(value: float) -> str:
    """1234.5 as 1.234,50."""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def table(
    history: pl.DataFrame,
    columns: Mapping[str, str],
    *,
    separator: str = ",",
    price: Cell = plain,
    count: Cell = plain,
    day: Day = iso,
    newest_first: bool = False,
) -> str:
    """The history as separated text: header name -> its column, or a constant after "="."""
    lines = [separator.join(columns)]
    rows = list(history.iter_rows(named=True))
    for row in reversed(rows) if newest_first else rows:
        cells = []
        for source in columns.values():
            if source.startswith("="):
                cells.append(source[1:])
            elif source == "session":
                cells.append(day(row[source]))
            else:
                cells.append((count if source == "volume" else price)(row[source]))
        lines.append(separator.join(cells))
    return "\n".join(lines) + "\n"


def wide(histories: Mapping[str, pl.DataFrame], names: Mapping[str, tuple[str, str]]) -> str:
    """Histories side by side: column name -> the field and the symbol that it holds."""
    first = next(iter(histories.values()))
    lines = [",".join(["Date", *names])]
    for k, session in enumerate(first["session"]):
        cells = (repr(histories[symbol][field][k]) for field, symbol in names.values())
        lines.append(",".join([str(session), *cells]))
    return "\n".join(lines) + "\n"


def adjusted(history: pl.DataFrame) -> pl.DataFrame:
    """The history with an adjusted close, and that close as what counts."""
    close = (history["close"] * 0.8).round(4)
    return history.with_columns(history["close"].alias("raw"), close.alias("close"))
