"""Chosen features of all symbols, stacked into one float32 table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from difflib import get_close_matches

import numpy as np
import polars as pl

from nextclose.config import NewsConfig
from nextclose.data.calendars.exchanges import exchange_of
from nextclose.errors import ConfigError
from nextclose.features.classic import CLASSIC
from nextclose.features.columns import (
    YEAR,
    Column,
    FamilyDefinition,
    Feature,
    SymbolBars,
    check_features,
)
from nextclose.features.market import (
    MARKET_LOOKBACK,
    MARKET_NAMES,
    SIZE_NAMES,
    MarketBars,
    market_columns,
    market_groups,
    markets,
    own_sizes,
)
from nextclose.features.masks import MASK_FAMILY, MASKS
from nextclose.features.news import NEWS, NEWS_NAMES, items_of, news_columns
from nextclose.features.stationary import CAP as MARKET_CAP
from nextclose.features.stationary import STATIONARY
from nextclose.features.universal import FAMILY as UNIVERSAL_FAMILY
from nextclose.features.universal import UNIVERSAL, WARMUP
from nextclose.schema import (
    MASK_COLUMNS,
    PRICE_COLUMNS,
    Bars,
    Bools,
    Dates,
    Family,
    Floats,
    Floats32,
    Ints,
    Table,
)

MAIN = "stationary"  # the family that models read by default
OWN = "own"  # columns of the user's own, the last of it
MARKET = "market"
NO_FEATURES: Mapping[str, Feature] = {}
FAMILIES: Mapping[str, FamilyDefinition] = {
    MAIN: STATIONARY,
    "classic": CLASSIC,
    MASKS: MASK_FAMILY,
    UNIVERSAL_FAMILY: UNIVERSAL,
}


def make_table(
    bars: Bars,
    *,
    families: Sequence[str] = (MAIN,),
    definitions: Mapping[str, FamilyDefinition] = FAMILIES,
    own: Mapping[str, Feature] = NO_FEATURES,
    market: bool | Collection[str] = False,
    news: NewsConfig | None = None,
) -> Table:
    """The columns of `families` side by side, one row per bar, in the order of `bars`.

    Columns of your own stand at the end of the stationary family, and are its part `OWN`.
    A column whose bars are missing is left out and named in `left_out`; a family without any column
    left is not in the table's `families`. With `market` the family of that name comes last: what
    all symbols have in common (`market.py`), or those it names, whom the others then do not move.
    With `news` that of the bars' headlines comes behind it.
    NaN: every column of a family for the family's warm-up at the start of a segment; behind it only
        columns of ranges and volumes, where bars lack them.
    Causal: row i reads bars up to i of its own segment of its symbol.
    Raises: ConfigError for a family that does not exist, own columns that cannot be, or news that
        are not as the settings say.
    """
    chosen = {name: _definition(name, definitions) for name in families}
    if own:
        chosen[MAIN] = with_own(chosen[MAIN], own)
    columns, placed, left_out = _layout(chosen, available=frozenset(bars.frame.columns))
    names = tuple(column.name for column in columns)
    if n_own := len(own.keys() & set(names)):
        placed[OWN] = replace(placed[MAIN], start=placed[MAIN].stop - n_own)
    behind = ((MARKET, MARKET_NAMES, MARKET_LOOKBACK),) * bool(market)
    behind += ((NEWS, NEWS_NAMES, 0),) * (news is not None)
    for title, more, warmup in behind:
        start, names = len(names), names + more
        placed[title] = Family(start=start, stop=len(names), warmup_sessions=warmup)
    values = np.empty((bars.frame.height, len(names)), dtype=np.float32)
    scale, long_run = np.empty(bars.frame.height), np.empty(bars.frame.height)
    symbols, symbol, segments = _row_layout(bars.frame)
    exchanges = tuple(bars.exchanges.get(name, exchange_of(name)) for name in symbols)
    session, prices = _arrays(bars.frame)
    for rows, symbol_bars in _each_segment(segments, session, prices):
        scale[rows], long_run[rows] = symbol_bars.recent_scale, symbol_bars.long_run
        scale[rows][:WARMUP] = long_run[rows][:WARMUP] = np.nan
        for name in filter(placed.__contains__, chosen):
            family = placed[name]
            block = values[rows, family.start : family.stop]
            _fill(block, columns[family.start : family.stop], symbol_bars, cap=chosen[name].cap)
            block[: family.warmup_sessions] = np.nan
    if market:
        block = values[:, placed[MARKET].start : placed[MARKET].stop]
        owner = symbol[segments[:, 0]]
        is_member = np.array([market is True or name in market for name in symbols])[owner]
        shared = _market_bars(segments, session, prices)
        for since, known in _exchange_periods(bars, symbols, exchanges, segments):
            groups = market_groups(markets(symbols, known)[owner], owner, is_member)
            _fill_markets(block, shared, groups, since=since)
    if news is not None:
        block = values[:, placed[NEWS].start :]
        for k, exchange in enumerate(exchanges):
            where = np.flatnonzero(symbol == k)
            items = items_of(bars.news, symbols[k], config=news)
            block[where] = news_columns(session[where], *items, exchange=exchange, config=news)
    return Table(
        values=values,
        names=names,
        families=placed,
        left_out=left_out,
        symbols=symbols,
        symbol=symbol,
        session=session,
        close=prices["close"],
        scale=scale,
        long_run=long_run,
        segments=segments,
        exchanges=exchanges,
    )


def with_own(definition: FamilyDefinition, own: Mapping[str, Feature]) -> FamilyDefinition:
    """The family with the user's own columns behind its own.

    Raises: ConfigError for one that cannot be.
    """
    ours = [column.name for family in FAMILIES.values() for column in family.columns]
    check_features(own, taken={*ours, *MARKET_NAMES, *NEWS_NAMES})
    columns = tuple(feature.column(name) for name, feature in own.items())
    return replace(definition, columns=(*definition.columns, *columns))


def own_names(table: Table) -> tuple[str, ...]:
    """The user's own columns of a table."""
    span = table.families.get(OWN)
    return table.names[span.start : span.stop] if span else ()


def own_values(bars: Bars, own: Mapping[str, Feature]) -> dict[str, Floats]:
    """What own columns say of bars of one segment, each from its look-back on. Shape (session,).

    One whose bar columns no bar has is not among them.
    """
    session, prices = _arrays(bars.frame)
    symbol_bars = SymbolBars(session=session, columns=prices)
    return {
        name: feature.column(name).values(symbol_bars)[feature.lookback_sessions :]
        for name, feature in own.items()
        if set(feature.needs) <= set(prices)
    }


def bar_columns_of(names: Collection[str], own: Mapping[str, Feature] = NO_FEATURES) -> set[str]:
    """The bar columns besides close that the stationary columns of these names read."""
    columns = with_own(FAMILIES[MAIN], own).columns if own else FAMILIES[MAIN].columns
    return {need for column in columns if column.name in names for need in column.needs}


def lookback_sessions(family: str, own: Mapping[str, Feature] = NO_FEATURES) -> int:
    """Sessions that the columns of a family look back."""
    definition = with_own(FAMILIES[family], own) if family == MAIN and own else FAMILIES[family]
    return max(column.lookback_sessions for column in definition.columns)


def _row_layout(frame: pl.DataFrame) -> tuple[tuple[str, ...], Ints, Ints]:
    """Symbols, the position of each row's among them, and row ranges of the segments."""
    runs = frame["symbol"].rle()
    lengths = runs.struct.field("len").to_numpy().astype(np.int64)
    is_first = np.zeros(frame.height + 1, dtype=np.bool_)
    is_first[np.concatenate([[0], np.cumsum(lengths)])] = True
    if "segment" in frame.columns:
        segment = frame["segment"].to_numpy()
        is_first[1:-1] |= segment[1:] != segment[:-1]
    borders = np.flatnonzero(is_first)
    symbol = np.repeat(np.arange(len(lengths)), lengths)
    return tuple(runs.struct.field("value")), symbol, np.column_stack([borders[:-1], borders[1:]])


def _exchange_periods(
    bars: Bars, symbols: Sequence[str], exchanges: Sequence[str], segments: Ints
) -> Iterator[tuple[date, list[str]]]:
    """The exchanges of the symbols as they were known, and since when; the oldest first.

    One that a symbol's bars prove is known from its 250th on; before, the one supposed. What is
    known before any market is read is one period.
    """
    warm = segments[:, 0] + MARKET_LOOKBACK
    read = bars.frame["session"].gather(warm[warm < segments[:, 1]]).min()
    first = read if isinstance(read, date) else date.max
    is_bar = pl.col("symbol").is_in([*bars.supposed])
    if "filled" in bars.frame.columns:
        is_bar &= ~pl.col("filled")
    years = bars.frame.filter(is_bar).group_by("symbol").agg(pl.col("session").head(YEAR))
    proven = {name: days[-1] for name, days in years.iter_rows() if len(days) == YEAR}
    for since in sorted({first, *(day for day in proven.values() if day > first)}):
        then = {
            name: supposed
            for name, supposed in bars.supposed.items()
            if since < proven.get(name, date.max)
        }
        yield since, [then.get(name, known) for name, known in zip(symbols, exchanges, strict=True)]


def _market_bars(segments: Ints, session: Dates, prices: Mapping[str, Floats]) -> MarketBars:
    """What markets are made of, of all symbols."""
    each = _each_segment(segments, session, prices)
    sizes = [np.empty((0, len(SIZE_NAMES))), *(own_sizes(bars) for _, bars in each)]
    return MarketBars(
        session=session, close=prices["close"], sizes=np.concatenate(sizes), segments=segments
    )


def _fill_markets(
    block: Floats32, bars: MarketBars, groups: Iterable[tuple[Ints, Bools]], *, since: date
) -> None:
    """Write each group's market into `block` (row, 7), capped, from `since` on; NaN in warm-ups.

    A group: its segments, and whether each moves the market, as `market_groups` has them.
    """
    for readers, is_member in groups:
        rows, own = bars.part(readers)
        columns = market_columns(own, is_member)
        is_later = own.session >= np.datetime64(since, "D")
        block[rows[is_later]] = np.clip(columns[is_later], -MARKET_CAP, MARKET_CAP) + 0.0
    for start, stop in bars.segments:
        block[start : min(start + MARKET_LOOKBACK, stop)] = np.nan


def _definition(name: str, definitions: Mapping[str, FamilyDefinition]) -> FamilyDefinition:
    if name not in definitions:
        nearest = get_close_matches(name, definitions, n=1, cutoff=0.0)[0]
        raise ConfigError(
            f"[features] {name!r} is not a feature family; the nearest is {nearest!r}. "
            f"Fix: choose from {', '.join(definitions)}.",
            section="features",
            key="families",
        )
    return definitions[name]


def _layout(
    chosen: Mapping[str, FamilyDefinition], *, available: frozenset[str]
) -> tuple[list[Column], dict[str, Family], dict[str, str]]:
    """Columns that can be built, each family's place among them, and why the rest cannot."""
    columns: list[Column] = []
    placed: dict[str, Family] = {}
    left_out: dict[str, str] = {}
    for name, definition in chosen.items():
        start = len(columns)
        for column in definition.columns:
            missing = [need for need in column.needs if need not in available]
            if missing:
                left_out[column.name] = f"{name}: the bars have no {', '.join(missing)}"
            else:
                columns.append(column)
        if len(columns) > start:
            warmup = max(column.lookback_sessions for column in columns[start:])
            placed[name] = Family(start=start, stop=len(columns), warmup_sessions=warmup)
    return columns, placed, left_out


def _arrays(frame: pl.DataFrame) -> tuple[Dates, dict[str, Floats]]:
    """Sessions and bar columns as contiguous arrays (row,), float64."""
    columns = (*PRICE_COLUMNS, "volume", *MASK_COLUMNS)
    present = [name for name in columns if name in frame.columns]
    prices = {
        name: np.ascontiguousarray(frame[name].cast(pl.Float64).to_numpy()) for name in present
    }
    session = frame["session"].to_numpy().astype("datetime64[D]")
    return session, prices


def _each_segment(
    segments: Ints, session: Dates, prices: Mapping[str, Floats]
) -> Iterator[tuple[slice, SymbolBars]]:
    """One segment of a symbol at a time: its few thousand rows stay in the processor's cache."""
    for start, stop in segments:
        rows = slice(start, stop)
        part = {name: column[rows] for name, column in prices.items()}
        yield rows, SymbolBars(session=session[rows], columns=part)


def _fill(block: Floats32, columns: Sequence[Column], bars: SymbolBars, *, cap: float) -> None:
    """Write the columns into `block` (session, feature), capped, and without negative zeros."""
    for position, column in enumerate(columns):
        block[:, position] = np.clip(column.values(bars), -cap, cap) + 0.0
