"""The symbol of a file as its name, folder, a setting or its cells say it, and its spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.column_names import column_map
from nextclose.data.reading.columns.chosen_rows import cell_texts
from nextclose.data.reading.columns.keys import has_lone_ticker, is_key
from nextclose.data.reading.columns.series import FILE_WORDS
from nextclose.data.reading.columns.spellings import LESSER_SYMBOLS, TICKER, canonical_name
from nextclose.data.suggestions import columns_setting, toml_value
from nextclose.schema import Finding

N_LISTED = 5  # symbols of a message


def said_symbol(path: str, symbols: Mapping[str, str]) -> str:
    """What `data.symbols` says of a file, by its name or the end of its path; "" if nothing."""
    of_path = _parts(path)
    for name, symbol in symbols.items():
        parts = _parts(name)
        if parts and of_path[-len(parts) :] == parts:
            return symbol
    return ""


def _parts(path: str) -> list[str]:
    return [part for part in re.split(r"[/\\]", path) if part not in ("", ".")]


def several_symbols(symbols: pl.Series, said: str, *, path: str) -> Finding | None:
    """Rule 67: one symbol said of a frame that holds several; None if it holds one."""
    names = cell_texts(symbols).drop_nulls().unique(maintain_order=True).to_list()
    if len(names) < 2:
        return None
    more = ", ..." if len(names) > N_LISTED else ""
    return Issue.REUSED_SYMBOL.finding(
        safe_text(f"symbols {', '.join(names[:N_LISTED])}{more} in a frame said to be {said}"),
        response="E",
        rule="one company under one symbol",
        fix="give the frame without saying a symbol, or one company's rows alone.",
        path=path,
        symbol=safe_text(said),
        count=len(names),
    )


def said_otherwise(symbols: pl.Series, said: str, *, path: str) -> list[Finding]:
    """Rule 67, where it warns: one symbol said of a frame whose own column says another ticker."""
    if not has_lone_ticker(symbols) or is_same_symbol(symbols[0], said):
        return []
    return [
        Issue.REUSED_SYMBOL.finding(
            safe_text(f"symbol {symbols[0]} in a frame said to be {said}; read as {said}"),
            rule="one symbol, whether the caller or the cells say it",
            fix="correct the symbol that is said, or say none.",
            path=path,
            symbol=safe_text(said),
        )
    ]


def other_symbol_note(
    frame: pl.DataFrame, names: Mapping[str, str], symbol: str, *, path: str
) -> list[Finding]:
    """Rule 67, where it warns: a column of names that says another ticker throughout."""
    if "symbol" in names.values() or not TICKER.match(symbol):
        return []
    by_key = {canonical_name(name): name for name in frame.columns if name not in names}
    lesser = [by_key[k] for k in LESSER_SYMBOLS if k in by_key and is_key(frame[by_key[k]])]
    for name in lesser:
        if has_lone_ticker(frame[name]) and not is_same_symbol(frame[name][0], symbol):
            return [
                Issue.REUSED_SYMBOL.finding(
                    safe_text(f"{name} {frame[name][0]} in a file of {symbol}; read as {symbol}"),
                    rule="one symbol, whether the file's name or its cells say it",
                    fix=f"set {columns_setting({name: 'symbol'})}, if that is its symbol.",
                    path=path,
                    symbol=safe_text(symbol),
                )
            ]
    return []


def other_columns_fault(names: Sequence[str], symbol: str, *, path: str) -> list[Finding]:
    """Rule 67: columns named by one symbol (Close_MSFT) in a file named after another."""
    is_named = bool(TICKER.match(symbol)) and symbol not in FILE_WORDS
    if len(names) != 1 or not is_named or is_same_symbol(names[0], symbol):
        return []
    of_path = "/".join(path.split("/")[-2:])
    either = (f"data.symbols = {toml_value({of_path: name})}" for name in (symbol, names[0]))
    return [
        Issue.REUSED_SYMBOL.finding(
            safe_text(f"columns of {names[0]} in a file of {symbol}"),
            response="E",
            rule="one symbol, whether the file's name or its columns say it",
            fix=f"say which: set {' or '.join(either)}.",
            path=path,
            symbol=safe_text(symbol),
        )
    ]


def is_same_symbol(one: str, other: str) -> bool:
    """Whether two texts are one symbol but for case and what follows a dot or dash."""
    first, second = (re.split(r"[.-]", text.strip().upper())[0] for text in (one, other))
    return first == second


def partition_fault(
    frame: pl.DataFrame, partitions: Mapping[str, str], config: DataConfig, *, path: str
) -> Finding | None:
    """Rule 67: a folder (symbol=AAPL) whose file holds another symbol; None if it does not."""
    said = next(
        (partitions[k] for k, ours in column_map(list(partitions)).items() if ours == "symbol"), ""
    )
    ours = {ours: theirs for theirs, ours in column_map(frame.columns, config.columns).items()}
    if not said or "symbol" not in ours or said_symbol(path, config.symbols):
        return None
    held = cell_texts(frame[ours["symbol"]]).drop_nulls().unique(maintain_order=True)
    others = [text for text in held if not is_same_symbol(text, said)]
    if not others:
        return None
    of_path = toml_value("/".join(path.split("/")[-2:]))
    return Issue.REUSED_SYMBOL.finding(
        safe_text(f"{', '.join(others[:N_LISTED])} in the folder of {said}"),
        response="E",
        rule="one symbol, whether the folder or the cells say it",
        fix=f"correct one of them, or set data.symbols = {{{of_path} = SYMBOL}}.",
        path=path,
        symbol=safe_text(said),
        count=len(others),
    )


def spelt_alike(symbols: pl.Series) -> tuple[pl.Series, list[str]]:
    """The symbols as they are looked up, and those that were respelt: BF/B as BF-B, aapl as AAPL.

    Nothing is respelt that would then be another symbol's name.
    """
    values = symbols.drop_nulls().unique()
    new = {name: _respelt(name) for name in values}
    changed = {name: spelt for name, spelt in new.items() if spelt != name}
    if not changed or len(set(new.values())) < len(new):
        return symbols, []
    return symbols.replace(changed), sorted(changed)


def _respelt(name: str) -> str:
    if re.match(r"^[A-Za-z0-9]+/[A-Za-z0-9]+$", name):
        name = name.replace("/", "-")
    is_lower = re.match(r"^[a-z0-9^][a-z0-9.=&_^-]{0,19}$", name) and ".." not in name
    return name.upper() if is_lower else name


def respelt_note(respelt: Sequence[str], *, path: str) -> list[Finding]:
    """Rule 30, where it repairs."""
    if not respelt:
        return []
    note = Issue.ILLEGAL_SYMBOL.finding(
        safe_text(", ".join(respelt)),
        response="R",
        rule="symbols in capitals, classes behind '-'; read so",
        fix="",
        path=path,
        column="symbol",
    )
    return [replace(note, count=len(respelt))]
