"""What a case of the input catalogue is: files to write, and the exact response to them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

Row = dict[str, str]
Write = Callable[[Path], list[str]]
Closes = Sequence[float] | np.ndarray

# two weeks of New York without a holiday: Monday 2019-03-04 to Friday 2019-03-15
DAYS = [date(2019, 3, day) for day in (4, 5, 6, 7, 8, 11, 12, 13, 14, 15)]
COLUMNS = ("date", "open", "high", "low", "close", "volume")
CLOSES = (10.0, 10.2, 10.1, 10.4, 10.3, 10.6, 10.5, 10.9, 10.7, 11.0)
AMBIENT = {"W25", "W68", "R22"}  # said of every plain file: not what a case is about
EVERY_DAY = tuple(range(len(DAYS)))


@dataclass(frozen=True, kw_only=True)
class Case:
    """One input and its response.

    `codes`: code -> count of all findings but the ambient ones. The rest describes the first
    finding of the first code: row, column, symbol, session, and text that `found` and `fix` hold.
    `kept`: positions of DAYS whose rows remain, of every symbol; `closes` where they differ.
    """

    number: int
    title: str
    write: Write
    codes: Mapping[str, int] = field(default_factory=dict)
    row: int | None = None
    column: str = ""
    symbol: str = ""
    session: str = ""
    found: str = ""
    fix: str = ""
    kept: Sequence[int] | None = EVERY_DAY  # None: not compared
    closes: Closes = CLOSES
    symbols: Sequence[str] = ("AAPL",)
    data: Mapping[str, object] = field(default_factory=dict)
    exit_code: int | None = None  # None: 3 where something refuses, else 0

    @property
    def name(self) -> str:
        """What pytest shows."""
        return f"{self.number:02d} {self.title}"

    @property
    def ends_with(self) -> int:
        """The exit code of `nextclose check`."""
        if self.exit_code is not None:
            return self.exit_code
        return 3 if any(code.startswith("E") for code in self.codes) else 0


def base(changes: Mapping[tuple[int, str], str] | None = None) -> list[Row]:
    """Ten good rows as text, with cells replaced: (position, column) -> text."""
    rows = []
    for k, (day, close) in enumerate(zip(DAYS, CLOSES, strict=True)):
        row = {
            "date": day.isoformat(),
            "open": f"{close - 0.1:.1f}",
            "high": f"{close + 0.3:.1f}",
            "low": f"{close - 0.3:.1f}",
            "close": f"{close:.1f}",
            "volume": str(1000 + 10 * k),
        }
        rows.append(row)
    for (k, column), text in (changes or {}).items():
        rows[k][column] = text
    return rows


def text_of(
    rows: Sequence[Row], *, separator: str = ",", end: str = "\n", header: Sequence[str] = ()
) -> str:
    """The rows as separated text; `header` renames the columns."""
    names = list(header) or list(rows[0])
    lines = [separator.join(names), *(separator.join(row.values()) for row in rows)]
    return "".join(line + end for line in lines)


def csv(text: str | bytes, *, name: str = "AAPL.csv") -> Write:
    """Writes one file of that name."""

    def write(folder: Path) -> list[str]:
        content = text if isinstance(text, bytes) else text.encode()
        (folder / name).write_bytes(content)
        return [str(folder / name)]

    return write


def cells(*changes: tuple[int, str, str]) -> Write:
    """The base as AAPL.csv with some cells changed."""
    return csv(text_of(base({(k, column): text for k, column, text in changes})))


def with_symbol(rows: Sequence[Row], symbol: str) -> list[Row]:
    """The rows with a symbol column in front."""
    return [{"symbol": symbol, **row} for row in rows]


def sessions_from(first: str, n: int, *, exchange: str = "XNYS") -> list[str]:
    """n sessions of an exchange after a date, ISO."""
    from nextclose.data.calendars.sessions import sessions_after

    start = date.fromisoformat(first)
    return [day.isoformat() for day in sessions_after(start, n, exchange=exchange)]


def walk(n: int, *, seed: int = 0, sd: float = 0.01) -> np.ndarray:
    """Closes of a seeded random walk around 50, two decimals. Shape (n,)."""
    steps = sd * np.random.default_rng(seed).standard_normal(n)
    return np.asarray(np.round(50 * np.exp(np.cumsum(steps)), 2))


def close_rows(days: Sequence[str], closes: Closes, **more: Sequence[str]) -> list[Row]:
    """Rows of date and close, and other columns as text."""
    rows = [{"date": d, "close": f"{c:.10g}"} for d, c in zip(days, closes, strict=True)]
    for name, values in more.items():
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    return rows
