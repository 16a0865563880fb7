"""A file's column names: which of ours each stands for, and what is missing, double or odd."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.columns.adjusted import may_hold_prices
from nextclose.data.reading.columns.guesses import (
    is_of_another,
    looks_adjusted,
    mapping_fix,
    may_be_close,
)
from nextclose.data.reading.columns.side_by_side import odd_columns
from nextclose.data.reading.columns.spellings import (
    KNOWN,
    LETTERS,
    TICKER,
    TIERS,
    canonical_name,
    without_currency,
)
from nextclose.data.suggestions import columns_setting
from nextclose.errors import ConfigError
from nextclose.schema import PRICE_COLUMNS, Finding

COPIED = ("session", *PRICE_COLUMNS)
OPTIONAL = ("open", "high", "low", "volume")
NUMBERS = (*PRICE_COLUMNS, "volume", "adj_close", "close_raw")
LAST_RESORTS = frozenset(TIERS["close"][-1])  # a close where nothing better stands there
PUBLIC = {"session": "date"}  # what people call a column of ours, where it differs


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
    that stands for "" is not read, and no column is if it is one of our own names. Two names may
    stand for one of ours: `header_faults` tells. A price may have its currency behind its name; a
    name that means a close only where nothing better stands there means none beside a name of
    unknown meaning that speaks of a close.
    Raises: ConfigError if `renames` says a name that is none of ours.
    """
    meanings = {
        canonical_name(theirs): ours and _standard_column(ours)
        for theirs, ours in (renames or {}).items()
    }
    by_key: dict[str, str] = {}
    for name in names:
        by_key.setdefault(canonical_name(name), name)
    has_letters = {"o", "h", "l", "c"} <= by_key.keys()
    mapped: dict[str, str] = {}
    for ours, tiers in TIERS.items():
        if meanings.get(ours) == "":
            continue
        letters = tuple(key for key, meant in LETTERS.items() if meant == ours and has_letters)
        said = [key for key, meant in meanings.items() if meant == ours and key in by_key]
        usual = (
            [k for k in tier if k in by_key and k not in meanings] for tier in (*tiers, letters)
        )
        hits = said or next(filter(None, usual), [])
        if ours in PRICE_COLUMNS and not said and (not hits or hits[0] in LAST_RESORTS):
            free = [key for key in by_key if key not in KNOWN and key not in meanings]
            better = [key for key in free if _is_price_in_currency(key, ours)]
            is_doubtful = ours == "close" and may_be_close([by_key[key] for key in free], hits)
            hits = better or ([] if is_doubtful else hits)
        mapped |= {by_key[key]: ours for key in hits}
    return mapped


def _is_price_in_currency(key: str, ours: str) -> bool:
    plain = without_currency(key)
    return KNOWN.get(plain) == ours and plain != key and plain not in LAST_RESORTS


def _standard_column(name: str) -> str:
    key = canonical_name(name)
    if key not in KNOWN:
        nearest = difflib.get_close_matches(key, list(TIERS), n=1, cutoff=0.0)[0]
        raise ConfigError(
            f"[data] columns: {name!r} is no column that is read; the nearest is {nearest!r}.",
            section="data",
            key="columns",
        )
    return KNOWN[key]


def header_faults(
    frame: pl.DataFrame,
    names: Mapping[str, str],
    *,
    path: str,
    symbol: str,
    renames: Mapping[str, str],
) -> list[Finding]:
    """Why the columns cannot be used: missing, double, or of a type that does not hold them.

    `names` is the `column_map` under `renames`; `symbol` is that of a file of one.
    """
    present = set(names.values()) | ({"symbol"} if symbol else set())
    odd = [] if TICKER.match(symbol) else odd_columns(frame, names, path=path, renames=renames)
    return [
        *_duplicate_columns(frame.columns, names, path),
        *_numbered_columns(frame.columns, names, path, renames),
        *_missing_columns(frame.columns, present, path, odd),
        *_other_adjusted_closes(frame, names, path, renames, symbol),
        *_wrong_types(frame.select(list(names)), names, path),
    ]


def _duplicate_columns(names: Sequence[str], mapped: Mapping[str, str], path: str) -> list[Finding]:
    """Rule 23: two columns of one name, or of names that mean the same."""
    places: dict[str, list[int]] = {}
    keys = {canonical_name(name) for name in mapped}
    for position, name in enumerate(names, start=1):
        if canonical_name(name) in keys:
            places.setdefault(canonical_name(name), []).append(position)
    claims: dict[str, list[str]] = {}
    for theirs, ours in mapped.items():
        claims.setdefault(ours, []).append(theirs)
    findings = [
        Issue.REPEATED_COLUMN.finding(
            _in_columns(name, positions), path=path, column=safe_text(name)
        )
        for name, positions in places.items()
        if len(positions) > 1
    ]
    for ours, claimants in claims.items():
        if len(claimants) > 1:
            public = PUBLIC.get(ours, ours)
            choices = [columns_setting({name: public}) for name in claimants]
            finding = Issue.REPEATED_COLUMN.finding(
                _in_columns(public, [names.index(name) + 1 for name in claimants]),
                fix=f"say which: set {' or '.join(choices)}.",
                path=path,
                column=public,
            )
            findings.append(finding)
    return findings


def _numbered_columns(
    names: Sequence[str], mapped: Mapping[str, str], path: str, renames: Mapping[str, str]
) -> list[Finding]:
    """Rule 23: the columns again, numbered as libraries do: those of a second company."""
    settled = {canonical_name(name) for name in renames}
    for mark in (".1", "_1"):
        again = [f"{name}{mark}" for name, ours in mapped.items() if ours in COPIED]
        again = [name for name in again if name in names and canonical_name(name) not in settled]
        is_close = any(mapped.get(name.removesuffix(mark)) == "close" for name in again)
        if is_close and (len(again) > 1 or mark == ".1"):
            positions = [names.index(name) + 1 for name in again]
            leave = columns_setting(dict.fromkeys(again, ""))
            finding = Issue.REPEATED_COLUMN.finding(
                f"{safe_text(', '.join(again))} in columns {', '.join(map(str, positions))}",
                fix=f"give each symbol a file of its own, or set {leave} to read the first alone.",
                path=path,
                column=safe_text(again[0]),
            )
            return [finding]
    return []


def _in_columns(name: str, positions: Sequence[int]) -> str:
    return f"{safe_text(name)} in columns {' and '.join(str(p) for p in sorted(positions))}"


def _missing_columns(
    names: Sequence[str], present: set[str], path: str, odd: Sequence[str]
) -> list[Finding]:
    """Rule 21: a needed column that is not there; `odd` are those beside closes side by side."""
    if odd:
        leave = columns_setting(dict.fromkeys(odd, ""))
        return [
            Issue.MISSING_COLUMN.finding(
                f"{safe_text(', '.join(odd))} beside columns that are each the closes of a symbol",
                rule="a column 'close', or closes of one symbol in each column",
                fix=f"set {leave} to read the others so.",
                path=path,
                column="close",
            )
        ]
    present = present | ({"close"} if "adj_close" in present else set())
    missing = [ours for ours in ("session", "symbol", "close") if ours not in present]
    return [
        Issue.MISSING_COLUMN.finding(
            f"only {safe_text(', '.join(names))}",
            rule=f"a column {PUBLIC.get(ours, ours)!r}",
            fix=mapping_fix(names, present=present, missing=ours),
            path=path,
            column=PUBLIC.get(ours, ours),
        )
        for ours in missing
    ]


def _other_adjusted_closes(
    frame: pl.DataFrame,
    mapped: Mapping[str, str],
    path: str,
    renames: Mapping[str, str],
    symbol: str,
) -> list[Finding]:
    """Rule 25: beside the close, a column whose name speaks of an adjusted one.

    Of a name with a word that may be another symbol only leaving it out is offered.
    """
    if {"adj_close", "close_raw"} & {*mapped.values()}:
        return []
    settled = {canonical_name(name) for name in renames}
    return [
        Issue.NO_ADJUSTED_CLOSE.finding(
            safe_text(name),
            response="E",
            rule="a name that says whether this is the adjusted close",
            fix=_adjusted_fix(name, symbol),
            path=path,
            column=safe_text(name),
        )
        for name in frame.columns
        if looks_adjusted(name) and canonical_name(name) not in {*settled, *mapped, *KNOWN}
        if may_hold_prices(frame[name])
    ]


def _adjusted_fix(name: str, symbol: str) -> str:
    if is_of_another(name, symbol):
        return f"set {columns_setting({name: ''})}; name it adj_close if it is of this symbol."
    return f"set {columns_setting({name: 'adj_close'})} or {columns_setting({name: ''})}."


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
