"""One file's columns: foreign names and types brought to ours, what is missing named."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.dates import date_texts, sessions
from nextclose.data.findings import shown
from nextclose.schema import PRICE_COLUMNS, Finding

# Folded spellings in order of preference: where a file has both `ticker` and `name`, `name` is a
# company, and the column is left alone.
SPELLINGS = {
    "symbol": ("symbol", "ticker", "sym", "name"),
    "session": ("session", "date", "time", "timestamp", "datetime", "day", "trade_date"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "volume": ("volume", "vol"),
    "adj_close": ("adj_close", "adjclose", "adjusted_close"),
    "close_raw": ("close_raw",),
}
OPTIONAL = ("open", "high", "low", "volume")
NUMBERS = (*PRICE_COLUMNS, "volume", "adj_close", "close_raw")
EARLIEST = date(1900, 1, 1)  # an older date is a misread one
MISSING_TEXTS = ("", "nan", "NaN", "null")  # numbers that are not there, rather than wrong

DEFAULTS = DataConfig()

Basis = Literal["adjusted", "raw", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file (or frame) in our names and types: what `assembled` joins.

    `frame` has row, symbol, session and numbers, null where a cell could not be read; the cell's
    text is then in `<column>_text`. It is None when the file cannot be used at all. `settled`
    holds format facts that this file decided, by the name of their `[data]` setting.
    """

    path: str
    frame: pl.DataFrame | None
    findings: tuple[Finding, ...] = ()
    basis: Basis = "unknown"
    settled: Mapping[str, str] = field(default_factory=dict)


def refused(path: str, number: int, *, found: str, must: str, fix: str) -> Part:
    """A file that cannot be used, with the reason."""
    finding = Finding(number=number, response="E", found=found, rule=must, fix=fix, path=path)
    return Part(path=path, frame=None, findings=(finding,))


def folded(name: str) -> str:
    """A column name less case, spaces, underscores, dots, and the mark of a repeated name."""
    plain = re.sub(r"_duplicated_\d+$", "", name.replace("\ufeff", ""))
    return re.sub(r"[\s_.-]+", "_", plain.strip().lower()).strip("_")


def column_map(names: Sequence[str]) -> dict[str, str]:
    """Foreign name -> our name, for each of our columns that is there."""
    by_fold: dict[str, str] = {}
    for name in names:
        by_fold.setdefault(folded(name), name)
    found = {
        ours: next((by_fold[spelling] for spelling in spellings if spelling in by_fold), None)
        for ours, spellings in SPELLINGS.items()
    }
    return {theirs: ours for ours, theirs in found.items() if theirs is not None}


def part_of(
    frame: pl.DataFrame,
    *,
    path: str,
    rows: pl.Series,
    symbol: str = "",
    config: DataConfig = DEFAULTS,
) -> Part:
    """A foreign frame in our names and types. `symbol` is for a frame without such a column."""
    names = column_map(frame.columns)
    findings = [
        *_repeated(frame.columns, path),
        *_absent(frame.columns, set(names.values()) | ({"symbol"} if symbol else set()), path),
        *_wrong_types(frame.select(list(names)), names, path),
    ]
    if findings:
        return Part(path=path, frame=None, findings=tuple(findings))
    ours = frame.select(list(names)).rename(names).with_columns(rows.alias("row").cast(pl.Int64))
    if "symbol" not in ours.columns:
        ours = ours.with_columns(pl.lit(symbol).alias("symbol"))
    if "close" not in ours.columns:
        ours = ours.rename({"adj_close": "close"})
    basis: Basis = "adjusted" if {"adj_close", "close_raw"} & set(names.values()) else "unknown"
    typed = _typed(ours)
    kept = typed.drop(
        [c for c in OPTIONAL if c in typed.columns and typed[c].null_count() == typed.height]
    )
    return Part(path=path, frame=kept, findings=tuple(_notes(kept, names, path)), basis=basis)


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    """Cells in our types, null where unreadable; unread text beside them in `<column>_text`."""
    dates = sessions(frame["session"])
    new = [frame["symbol"].cast(pl.String).str.strip_chars(), dates]
    if dates.null_count() or not (dates >= EARLIEST).all():
        new.append(date_texts(frame["session"]).alias("session_text"))
    for name in NUMBERS:
        if name not in frame.columns:
            continue
        column = frame[name]
        if column.dtype == pl.String:
            text = column.str.strip_chars()
            column = text.set(text.is_in(MISSING_TEXTS), None)
        numbers = column.cast(pl.Float64, strict=False).fill_nan(None).alias(name)
        new.append(numbers)
        if column.dtype == pl.String and numbers.null_count() > column.null_count():
            new.append(column.alias(f"{name}_text"))
    return frame.with_columns(new)


def _repeated(names: Sequence[str], path: str) -> list[Finding]:
    """Rule 23: two columns whose names mean the same."""
    places: dict[str, list[int]] = {}
    for position, name in enumerate(names, start=1):
        places.setdefault(folded(name), []).append(position)
    known = {spelling for spellings in SPELLINGS.values() for spelling in spellings}
    return [
        Finding(
            number=23,
            response="E",
            found=f"{name} in columns {' and '.join(str(p) for p in positions)}",
            rule="each column once",
            fix="delete or rename all but one.",
            path=path,
            column=name,
        )
        for name, positions in places.items()
        if len(positions) > 1 and name in known
    ]


def _absent(names: Sequence[str], have: set[str], path: str) -> list[Finding]:
    """Rule 21: a needed column that is not there."""
    have = have | ({"close"} if "adj_close" in have else set())
    findings = []
    for ours, public in (("session", "date"), ("symbol", "symbol"), ("close", "close")):
        if ours in have:
            continue
        folds = {folded(name): name for name in names}
        near = difflib.get_close_matches(public, list(folds), n=1, cutoff=0.6)
        fix = (
            f"rename {folds[near[0]]!r} to {public!r}."
            if near
            else f"add a column named {public!r}."
        )
        findings.append(
            Finding(
                number=21,
                response="E",
                found=f"only {shown(', '.join(names))}",
                rule=f"a column {public!r}",
                fix=fix,
                path=path,
                column=public,
            )
        )
    return findings


def _wrong_types(frame: pl.DataFrame, names: dict[str, str], path: str) -> list[Finding]:
    """Rule 34: a column whose type cannot hold what it should."""
    findings = []
    for theirs, ours in names.items():
        kind = frame[theirs].dtype
        text = kind == pl.Null or kind == pl.String or isinstance(kind, pl.Categorical | pl.Enum)
        number = "numbers", text or kind.is_numeric()
        wanted, fits = {
            "symbol": ("text", text or kind.is_integer()),
            "session": ("dates", text or kind.is_integer() or kind in (pl.Date, pl.Datetime)),
        }.get(ours, number)
        if not fits:
            findings.append(
                Finding(
                    number=34,
                    response="E",
                    found=f"type {shown(str(kind))}",
                    rule=wanted,
                    fix="convert the column.",
                    path=path,
                    column=shown(theirs),
                )
            )
    return findings


def _notes(frame: pl.DataFrame, names: dict[str, str], path: str) -> list[Finding]:
    """Rules 22, 21, 25 and 26: what was mapped, left out or decided for the whole file."""
    notes = []
    spelt = [shown(theirs) for theirs, ours in names.items() if theirs not in (ours, "date")]
    if spelt:
        must = "names as symbol, date, open, high, low, close, volume, adj_close; mapped"
        notes.append(Finding(number=22, response="R", found=", ".join(spelt), rule=must, path=path))
    absent = [name for name in OPTIONAL if name not in frame.columns]
    if absent:
        must = "features that need them are left out"
        found = f"no {', '.join(absent)}"
        notes.append(Finding(number=21, response="W", found=found, rule=must, path=path))
    if "adj_close" in frame.columns:
        must = "close is the adjusted one, open, high, low and volume in proportion"
        found = "close and adjusted close"
        notes.append(Finding(number=26, response="W", found=found, rule=must, path=path))
    elif not {"adj_close", "close_raw"} & set(names.values()):
        must = "whether close is adjusted for splits and dividends is unknown"
        found = "no adjusted close"
        fix = "add a column 'adj_close'."
        notes.append(Finding(number=25, response="W", found=found, rule=must, fix=fix, path=path))
    return notes
