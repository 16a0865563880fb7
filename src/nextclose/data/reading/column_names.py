"""A file's column names: which of ours each stands for, and what is missing, double or odd."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.errors import ConfigError
from nextclose.schema import PRICE_COLUMNS, Finding

# Canonical spellings in order of preference: where a file has both `ticker` and `name`, `name` is a
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
    "currency": ("currency", "ccy"),
}
KNOWN = {spelling: ours for ours, spellings in SPELLINGS.items() for spelling in spellings}
OPTIONAL = ("open", "high", "low", "volume")
NUMBERS = (*PRICE_COLUMNS, "volume", "adj_close", "close_raw")


def canonical_name(name: str) -> str:
    """A column name less case, spaces, underscores, dots, <>, and the mark of a repeated name."""
    plain = re.sub(r"_duplicated_\d+$", "", name.replace("\ufeff", ""))
    return re.sub(r"[\s_.-]+", "_", plain.strip().strip("<>").lower()).strip("_")


def unique_names(names: Sequence[str]) -> list[str]:
    """The names, repeated ones marked as polars marks them (`canonical_name` knows the mark)."""
    marked: dict[str, None] = {}
    for name in names:
        new, n_before = name, 0
        while new in marked:
            new, n_before = f"{name}_duplicated_{n_before}", n_before + 1
        marked[new] = None
    return list(marked)


def column_map(names: Sequence[str], renames: Mapping[str, str] | None = None) -> dict[str, str]:
    """Foreign name -> our name, for each of our columns that is there.

    `renames` is `data.columns`: a name in it stands for what it says, and no other name does; one
    that stands for "" is not read. Two such names may stand for one of ours: `header_faults` tells.
    Raises: ConfigError if `renames` says a name that is none of ours.
    """
    meanings = {
        canonical_name(theirs): ours and _standard_column(ours)
        for theirs, ours in (renames or {}).items()
    }
    ignored = {KNOWN.get(key) for key, meant in meanings.items() if not meant}
    by_key: dict[str, str] = {}
    for name in names:
        by_key.setdefault(canonical_name(name), name)
    mapped: dict[str, str] = {}
    for ours, spellings in SPELLINGS.items():
        if ours in ignored:
            continue
        keys = [key for key, meant in meanings.items() if meant == ours and key in by_key]
        if not keys:
            keys = [key for key in spellings if key in by_key and key not in meanings][:1]
        mapped |= {by_key[key]: ours for key in keys}
    return mapped


def _standard_column(name: str) -> str:
    key = canonical_name(name)
    if key not in KNOWN:
        nearest = difflib.get_close_matches(key, list(KNOWN), n=1, cutoff=0.0)[0]
        raise ConfigError(
            f"[data] columns: {name!r} is no column that is read; the nearest is {nearest!r}.",
            section="data",
            key="columns",
        )
    return KNOWN[key]


def header_faults(
    frame: pl.DataFrame, names: Mapping[str, str], *, path: str, has_symbol: bool
) -> list[Finding]:
    """Why the columns cannot be used: missing, double, or of a type that does not hold them.

    `names` is the `column_map`; `has_symbol` says that the file is of one known symbol.
    """
    present = set(names.values()) | ({"symbol"} if has_symbol else set())
    return [
        *_duplicate_columns(frame.columns, names, path),
        *_missing_columns(frame.columns, present, path),
        *_wrong_types(frame.select(list(names)), names, path),
    ]


def _duplicate_columns(names: Sequence[str], mapped: Mapping[str, str], path: str) -> list[Finding]:
    """Rule 23: two columns whose names mean the same."""
    places: dict[str, list[int]] = {}
    keys = KNOWN.keys() | {canonical_name(name) for name in mapped}
    for position, name in enumerate(names, start=1):
        if canonical_name(name) in keys:
            places.setdefault(canonical_name(name), []).append(position)
    claims: dict[str, list[int]] = {}
    for theirs, ours in mapped.items():
        claims.setdefault(ours, []).append(names.index(theirs) + 1)
    return [
        Issue.REPEATED_COLUMN.finding(
            f"{safe_text(name)} in columns {' and '.join(str(p) for p in sorted(positions))}",
            path=path,
            column=safe_text(name),
        )
        for name, positions in (*places.items(), *claims.items())
        if len(positions) > 1
    ]


def _missing_columns(names: Sequence[str], present: set[str], path: str) -> list[Finding]:
    """Rule 21: a needed column that is not there."""
    present = present | ({"close"} if "adj_close" in present else set())
    return [
        Issue.MISSING_COLUMN.finding(
            f"only {safe_text(', '.join(names))}",
            rule=f"a column {public!r}",
            fix=_column_fix(public, names),
            path=path,
            column=public,
        )
        for ours, public in (("session", "date"), ("symbol", "symbol"), ("close", "close"))
        if ours not in present
    ]


def _column_fix(public: str, names: Sequence[str]) -> str:
    """How to give a column: the nearest name there is, or any, claims to stand for it."""
    keys = {canonical_name(name): name for name in names}
    near = difflib.get_close_matches(public, list(keys), n=1, cutoff=0.6)
    if near:
        name = safe_text(keys[near[0]])
        return f'rename {name!r} to {public!r}, or set data.columns = {{"{name}" = "{public}"}}.'
    return f"add a column {public!r}, or say in data.columns which one it is."


def _wrong_types(frame: pl.DataFrame, names: Mapping[str, str], path: str) -> list[Finding]:
    """Rule 34: a column whose type cannot hold what it should."""
    findings = []
    for theirs, ours in names.items():
        column = frame[theirs]
        needed = _needed_type(column, ours)
        if needed:
            findings.append(
                Issue.COLUMN_TYPE.finding(
                    f"type {safe_text(_type_name(column))}",
                    rule=needed,
                    path=path,
                    column=safe_text(theirs),
                )
            )
    return findings


def _needed_type(column: pl.Series, ours: str) -> str:
    """What the column should hold; "" if it can."""
    kind = column.dtype
    if kind == pl.Null or kind == pl.String or isinstance(kind, pl.Categorical | pl.Enum):
        return ""
    if ours in ("symbol", "currency"):
        return "" if kind.is_integer() else "text"
    if ours == "session":
        is_whole = kind.is_float() and bool((column.fill_nan(None) % 1 == 0).all())
        is_number = kind.is_integer() or is_whole  # pandas makes floats of integers with a gap
        return "" if is_number or kind == pl.Date or isinstance(kind, pl.Datetime) else "dates"
    return "" if kind.is_numeric() else "numbers"


def _type_name(column: pl.Series) -> str:
    if column.dtype != pl.Object:
        return str(column.dtype)
    return next((type(cell).__name__ for cell in column if cell is not None), "Object")


def header_notes(frame: pl.DataFrame, names: Mapping[str, str], *, path: str) -> list[Finding]:
    """Rules 22 and 21: names that were mapped, and columns that are not there or empty."""
    notes = []
    renamed = [safe_text(theirs) for theirs, ours in names.items() if theirs not in (ours, "date")]
    if renamed:
        notes.append(Issue.COLUMN_SPELLING.finding(", ".join(renamed), path=path))
    missing = [name for name in OPTIONAL if name not in frame.columns]
    if missing:
        must = "features that need them have no value in these rows"
        found = f"no {', '.join(missing)}"
        notes.append(Issue.MISSING_COLUMN.finding(found, response="W", rule=must, path=path))
    return notes
