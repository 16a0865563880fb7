"""Which rows of a table are to be read: those that settings name, of India's the regular market."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.column_names import column_map
from nextclose.data.reading.columns.spellings import LESSER_SYMBOLS, canonical_name
from nextclose.errors import ConfigError
from nextclose.schema import Finding

REGULAR = "EQ"  # the regular market of India's exchanges, beside blocks, bonds and odd lots
# the NSE's series that are no shares: blocks, auctions, bonds, bills, warrants, rights, funds
NO_SHARES = r"^(?:BL|IL|AF|A[IU]|IQ|IT|RR|IV|MF|ME|TB|G[BSC]|[DENPWYZ][0-9A-Z])$"
INDIA = "XBOM"  # Mumbai: the NSE keeps its days
SERIES_NAMES = ("series", "sctysrs")


def chosen_rows(
    frame: pl.DataFrame, rows: pl.Series, config: DataConfig, *, path: str
) -> tuple[pl.DataFrame, pl.Series, list[Finding]]:
    """The rows that `data.only` names; of India's exchanges the regular market, unless it speaks.

    Causal: a row beside the regular market is left out by the rows of its own date alone.
    Raises: ConfigError for a column that is named and not there.
    """
    by_key = {canonical_name(name): name for name in frame.columns}
    wanted = {canonical_name(name): text for name, text in config.only.items()}
    missing = [name for name in config.only if canonical_name(name) not in by_key]
    if missing:
        raise ConfigError(
            f"[data] only: {path} has no column {missing[0]!r}. Fix: name one of "
            f"{safe_text(', '.join(frame.columns))}.",
            section="data",
            key="only",
        )
    regular = _regular_rows(frame, by_key, config) if not {*SERIES_NAMES} & {*wanted} else None
    is_wanted = pl.Series([True]).new_from_index(0, frame.height) if regular is None else regular
    for key, text in wanted.items():
        is_wanted &= (cell_texts(frame[by_key[key]]) == text).fill_null(value=False)
    if is_wanted.all():
        return frame, rows, []
    if regular is not None and not regular.all():
        wanted |= {key: REGULAR for key in SERIES_NAMES if key in by_key}
    names = ", ".join(f"{by_key[key]} {text}" for key, text in wanted.items())
    note = Issue.CONTRADICTING_ROWS.finding(
        f"rows of another than {safe_text(names)}",
        response="W",
        rule=f"rows of {safe_text(names)} are read, others left out",
        fix="",
        path=path,
        row=rows.filter(~is_wanted)[0],
        count=int((~is_wanted).sum()),
    )
    return frame.filter(is_wanted), rows.filter(is_wanted), [note]


def _regular_rows(
    frame: pl.DataFrame, by_key: Mapping[str, str], config: DataConfig
) -> pl.Series | None:
    """Whether each row is to be read where a date and symbol may have rows beside SERIES EQ.

    A date that has no EQ keeps its shares, which move to another series and back, and no bonds.
    None without such a column.
    """
    ours = {ours: theirs for theirs, ours in column_map(frame.columns, config.columns).items()}
    key = next((by_key[key] for key in SERIES_NAMES if key in by_key), None)
    if key is None or "session" not in ours:
        return None
    lesser = [by_key[name] for name in LESSER_SYMBOLS if name in by_key]
    symbols = [ours["symbol"]] if "symbol" in ours else lesser[:1]
    is_regular = (cell_texts(frame[key]) == REGULAR).fill_null(value=False)
    has_regular = pl.col("is_regular").any().over(ours["session"], *symbols)
    is_share = ~cell_texts(frame[key]).str.contains(NO_SHARES).fill_null(value=False)
    rows = frame.select(ours["session"], *symbols).with_columns(is_regular.alias("is_regular"))
    return rows.select(pl.col("is_regular") | (~has_regular & is_share)).to_series()


def exchange_told(frame: pl.DataFrame, config: DataConfig) -> str:
    """The exchange that a table is of by its own cells: India's, where rows are of SERIES EQ."""
    by_key = {canonical_name(name): name for name in frame.columns}
    columns = (frame[by_key[key]] for key in SERIES_NAMES if key in by_key)
    is_indian = config.calendar is None and any((cell_texts(c) == REGULAR).any() for c in columns)
    return INDIA if is_indian else ""


def cell_texts(column: pl.Series) -> pl.Series:
    """The cells as texts without spaces around them."""
    return column.cast(pl.String).str.strip_chars()
