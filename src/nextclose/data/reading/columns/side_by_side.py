"""Names of columns that stand for a field and a symbol: `Close_AAPL`, or `AAPL` for its close."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from nextclose.data.reading.columns.spellings import KNOWN, PAIR_FIELDS, canonical_name

Pairs = dict[str, tuple[str, str]]  # column -> field, symbol

MARKS = re.compile(r"[\s_.|:/-]+")
LEGAL = re.compile(r"^[A-Za-z0-9^][A-Za-z0-9.=&_^/-]{0,19}$")
TICKER = re.compile(r"^(?:\^?[A-Z][A-Z0-9&]{0,9}(?:[.=/-][A-Z0-9]{1,5})*|[0-9]{1,6}\.[A-Z]{1,3})$")
CODE = re.compile(r"^[0-9]{4,6}$")
NO_SYMBOLS = {  # what stands beside a field, or alone, and is no symbol
    *("prev", "previous", "prior", "last", "next", "today", "yesterday", "first", "bid", "ask"),
    *("mid", "raw", "adj", "adjusted", "unadjusted", "unadj", "official", "trade", "trades"),
    *("day", "daily", "week", "weekly", "month", "monthly", "year", "hour", "quarter", "weekday"),
    *("avg", "average", "mean", "median", "min", "max", "sum", "std", "var", "total", "count"),
    *("pct", "percent", "change", "chg", "diff", "ret", "return", "returns", "log", "pnl"),
    *("target", "label", "pred", "predicted", "prediction", "actual", "forecast", "signal"),
    *("lag", "shift", "ma", "sma", "ema", "wma", "vwap", "rsi", "macd", "atr", "norm", "scaled"),
    *("usd", "eur", "gbp", "jpy", "cny", "local", "id", "index", "rank", "flag", "note", "split"),
    *("px", "qty", "quantity", "price", "value", "turnover", "settle"),
    *("dividend", "dividends", "factor", "ratio", "temp", "sector", "unnamed", "row", "market"),
}
NO_PAIRS = {  # behind a field, where in a table of closes alone a ticker may be called so
    *("rate", "auction", "date", "time", "filled", "clean", "cleaned", "smoothed", "imputed"),
    *("interpolated", "estimate", "estimated", "settlement", "eod", "type", "code", "name", "kind"),
    *("source", "status", "utc", "tomorrow", "future", "fwd", "zscore", "model", "new", "old"),
    *("final", "currency", "unit", "units", "change1d", "nxt", "lagged", "shifted", "cum", "ln"),
}
SUFFIXES = {"x", "y", "left", "right"}  # of joined tables, in small letters
INDICATOR = re.compile(r"^(?:[sew]?ma|rsi|atr|lag|ret|vol|std|mom|roc|bb)_?\d+$", re.IGNORECASE)
FIELD_LETTERS = {"O", "H", "L"}  # two of them are fields, one is a symbol
OTHER_VALUES = re.compile(r"volume|turnover|returns?(?![a-z])|shares", re.IGNORECASE)
MIN_ROWS = 20  # to tell closes from volumes and returns by their moves


def flat_pairs(names: Sequence[str]) -> Pairs:
    """Columns whose names join a field and a symbol; none unless each symbol has its close.

    `Close_AAPL`, `AAPL.Close`, `aapl_close`, `Adj Close AAPL`. Names all of one case could be any
    two words: there it takes two symbols, or three fields; so it does where the one symbol does not
    read like a ticker, as in `Close Rate`.
    """
    pairs: Pairs = {}
    for name in names:
        pair = _pair(name)
        if pair is not None:
            pairs[name] = pair
    closed = {symbol for field, symbol in pairs.values() if field in ("close", "adj_close")}
    symbols = {symbol for _, symbol in pairs.values()}
    if not closed or closed != symbols or any(map(_is_no_symbol, symbols)):
        return {}
    if any(symbol.lower() in NO_PAIRS for symbol in symbols):
        return {}
    if {s.lower() for s in symbols} <= PAIR_FIELDS.keys():
        return {}
    is_word = all(name.lower() == name or name.upper() == name for name in pairs)
    is_word |= not all(map(TICKER.match, symbols))
    n_fields = len({field for field, _ in pairs.values()})
    return {} if is_word and len(symbols) < 2 and n_fields < 3 else pairs


def _pair(name: str) -> tuple[str, str] | None:
    """The field and the symbol that a name joins; the longest field that it may be."""
    if canonical_name(name) in KNOWN:
        return None
    found: list[tuple[int, str, str]] = []
    for mark in MARKS.finditer(name.strip()):
        left, right = name.strip()[: mark.start()], name.strip()[mark.end() :]
        for field, symbol in ((left, right), (right, left)):
            ours = PAIR_FIELDS.get(canonical_name(field))
            if ours and LEGAL.match(symbol) and re.search("[A-Za-z]", symbol):
                found.append((len(field), ours, symbol))
    if not found:
        return None
    _, field, symbol = max(found)
    return field, symbol


def wide_closes(
    frame: pl.DataFrame, known: Mapping[str, str], *, path: str, renames: Mapping[str, str]
) -> Pairs:
    """Columns that are each the closes of one symbol; none unless all but the date look so.

    Their names must be symbols and their cells move as prices do; a file whose name in `path` says
    that it holds volumes or returns holds no closes. One that `renames` leaves out does not count.

    `known` is the frame's `column_map`: with any other column of ours the table is no such one.
    Small letters are symbols where there are several.
    """
    closes, others = _closes_and_others(frame, known, path, renames)
    return {} if others else {name: ("close", name) for name in closes}


def odd_columns(
    frame: pl.DataFrame, known: Mapping[str, str], *, path: str, renames: Mapping[str, str]
) -> list[str]:
    """The few columns that alone keep a table from being closes side by side: AAPL, MSFT, Total."""
    closes, others = _closes_and_others(frame, known, path, renames)
    return others if len(closes) > max(1, len(others)) else []


def _closes_and_others(
    frame: pl.DataFrame, known: Mapping[str, str], path: str, renames: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Names of columns that look like closes of a symbol, and of those that do not."""
    date = [name for name, ours in known.items() if ours == "session"]
    if len(date) != 1 or len(known) != 1:
        return [], []
    left_out = {canonical_name(name) for name, ours in renames.items() if not ours}
    names = [n for n in frame.columns if n not in date and canonical_name(n) not in left_out]
    words = {word for name in names for word in MARKS.split(name.lower())}
    if words & PAIR_FIELDS.keys() or OTHER_VALUES.search(re.split(r"[/\\]", path)[-1]):
        return [], []
    if len(FIELD_LETTERS & {name.upper() for name in names}) > 1:
        return [], []
    likely = [name for name in names if not _is_no_symbol(name)]
    is_lower = len(likely) > 1 and all(name.islower() and len(name) <= 6 for name in likely)
    closes = [
        name
        for name in likely
        if _is_symbol(name.upper() if is_lower else name) and _holds_numbers(frame[name])
    ]
    if all(_jumps_about(frame[name]) for name in closes):
        return [], []
    return closes, [name for name in names if name not in closes]


def _is_no_symbol(name: str) -> bool:
    return name.lower() in NO_SYMBOLS or name in SUFFIXES or bool(INDICATOR.match(name))


def _jumps_about(column: pl.Series) -> bool:
    """Whether cells move further in a row than they lie apart: volumes and returns, no prices.

    Medians of log moves and of distances to the middle, so that single wrong cells do not count.
    """
    values = column.cast(pl.Float64, strict=False).drop_nulls()
    values = values.filter(values > 0).log()
    if len(values) < MIN_ROWS:
        return False
    move, width = values.diff().abs().median(), (values - values.median()).abs().median()
    return bool(move > width > 0)  # type: ignore[operator]


def _is_symbol(name: str) -> bool:
    return bool(TICKER.match(name) or CODE.match(name))


def _holds_numbers(column: pl.Series) -> bool:
    """Whether no cell of a column says that it holds anything but numbers."""
    if column.dtype.is_numeric() or column.dtype == pl.Null:
        return True
    return column.dtype == pl.String and not column.str.contains(r"[A-Za-z]{3}").any()


def as_symbols(names: Iterable[str]) -> dict[str, str]:
    """The names as symbols: in capitals where all are small."""
    names = list(names)
    return {name: name.upper() if all(map(str.islower, names)) else name for name in names}
