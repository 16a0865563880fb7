"""What a file's name says: how it is read, of which symbol it is, and which partition it is of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from nextclose.data.reading.columns.said_symbols import said_symbol

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
COMPRESSED_SUFFIXES = (".gz", ".zst", ".zip")
PARQUET_SUFFIXES = (".parquet", ".pq")

FileFormat = Literal["csv", "parquet", ""]

EXCHANGES = "NYSE|NASDAQ|AMEX|NYSEARCA|ARCA|BATS|LSE|TSX|XETR|FWB|NSE|BSE|HKEX|TSE|SSE|SZSE|ASX"
YEAR = r"(?:19|20)\d\d"
CONTENTS = "data|prices?|stocks?|history|ohlcv?|bars|quotes?"
# What vendors add to a symbol, taken off in this order: pattern -> what is left of it.
ADDITIONS = tuple(
    (re.compile(pattern), rest)
    for pattern, rest in (
        (r" ?\(\d+\)$", ""),  # a browser, the second time
        (r"(?i)\.(?:csv|txt|tsv)$", ""),  # an ending given twice
        (r"(?i)[ _]historical(?: price)?[ _]data$", ""),  # investing.com
        (r"(?i)_(?:daily|weekly|intraday.*)_historical-data-[\d-]+$", ""),  # barchart.com
        (r"(?i)_candlestick_.*$", ""),  # Dukascopy
        (r"^[A-Z0-9]+_(?:DLY_)?([^, ]+), \w+$", r"\1"),  # tradingview.com: NASDAQ_AAPL, 1D
        (r"^[A-Z][a-z]+_([A-Z0-9]+)_(?:d|1d)$", r"\1"),  # cryptodatadownload.com
        (r"(?i)^daily_(?:adjusted_)?", ""),  # Alpha Vantage
        (r"^(?:WIKI|EOD)-", ""),  # Quandl
        (rf"^(?:{EXCHANGES})[._-](?=[A-Z])", ""),  # many
        (r"\.Last$", ""),  # NinjaTrader
        (r"-\d+[smhdwM]o?(?:-\d{4}(?:-\d\d){0,2})$", ""),  # Binance: -1d-2023-01
        (r"(?i)_daily_\d{12}_\d{12}$", ""),  # MetaTrader 5
        (r"_\d{4}-\d\d-\d\d(?:_(?:to_)?\d{4}-\d\d-\d\d)?$", ""),  # download scripts
        (r"_\d{6}(?:\d\d)?_\d{6}(?:\d\d)?$", ""),  # Finam, download scripts
        (rf"[-_]{YEAR}(?:[-_](?:{YEAR}|0[1-9]|1[0-2]))?$", ""),  # a file a year, or a month
        (r"(?i)[-_](?:daily|1d|d1|1day)$", ""),  # datahub.io and others: the interval
        (rf"(?i)(?:[-_](?:{CONTENTS}))+$", ""),  # scripts
        (rf"(?i)^(?:{CONTENTS}|table)[-_](?=\^?[a-z])", ""),  # quantquote.com, scripts
        (r"(?i)_us_d$", ""),  # stooq.com, one symbol at a time
        (r"^(\^?[a-z0-9]+)_d$", r"\1"),
        (r"_(uk|de|jp|hk|hu)_d$", r".\1"),
        (r"(?i)[.-]us$", ""),  # stooq.com in bulk, EOD Historical Data, FactSet
        (r"^([A-Za-z]{3,12})1440$", r"\1"),  # MetaTrader 4: minutes of a day
    )
)
# Names that anybody gives to anything.
NAMELESS = re.compile(
    rf"(?:{CONTENTS}|results?|tests?|samples?|merged|combined|final|market)"
    rf"|(?:all|my|raw|clean(?:ed)?|final|new|old|full|market|price|stock|test|sample)[ _-]?"
    rf"(?:{CONTENTS})|{YEAR}"
    r"|historical[ _-]?(?:data|prices|quotes)?[ _-]?\d*|history|historic[ _]data"
    r"|prices?|data|dataset|download|table|export|quotes?|output|untitled|unknown|daily"
    r"|stocks?[ _-](?:data|prices?|history)|stocks|closes?|close[ _-]prices?|ohlcv?"
    r"|part[-_.]?\d.*|(?:data|chunk|file|book|sheet)[-_]?\d+|[0-9a-f]{24,}.*"
    r"|\d{4}-\d\d(?:-\d\d)?",
    re.IGNORECASE,
)
LEGAL = re.compile(r"[A-Z0-9^][A-Za-z0-9.=&_-]{0,19}")
PARTITION = re.compile(r"([A-Za-z_]\w*)=(.*)")


def format_of(path: Path) -> FileFormat:
    """How a file of that name is read; "" where the name does not say. A ZIP holds one CSV."""
    name = path.name.lower()
    if name.endswith(PARQUET_SUFFIXES):
        return "parquet"
    is_csv = _without_suffix(name, COMPRESSED_SUFFIXES).endswith(CSV_SUFFIXES) or name.endswith(
        ".zip"
    )
    return "csv" if is_csv else ""


def compression_of(path: Path) -> str:
    """The suffix of a compressed file; "" for others."""
    suffix = path.suffix.lower()
    return suffix if suffix in COMPRESSED_SUFFIXES else ""


def symbol_of(path: Path, symbols: Mapping[str, str]) -> str:
    """The symbol that a file's name says, less what vendors add; "" where it says none.

    `symbols` is `data.symbols`: the name of a file, or the end of its path -> its symbol.
    """
    if said := said_symbol(str(path), symbols):
        return said
    name = stem_of(path)
    if NAMELESS.fullmatch(name):
        return ""
    for pattern, rest in ADDITIONS:
        name = pattern.sub(rest, name)
    name = name.upper() if name.islower() else name
    return name if LEGAL.fullmatch(name) and not NAMELESS.fullmatch(name) else ""


def stem_of(path: Path) -> str:
    """The name less the endings that say how the file is read."""
    plain = _without_suffix(path.name, COMPRESSED_SUFFIXES)
    return _without_suffix(plain, CSV_SUFFIXES + PARQUET_SUFFIXES)


def partitions_of(path: Path) -> dict[str, str]:
    """What the folders of a file say, as symbol=AAPL/year=2021 (Hive's way): name -> value."""
    matches = (PARTITION.fullmatch(part) for part in path.parts[:-1])
    return {match[1]: unquote(match[2]) for match in matches if match}


def is_partition(folder: Path) -> bool:
    """Whether a folder's name says what its files are of, as symbol=AAPL."""
    return PARTITION.fullmatch(folder.name) is not None


def _without_suffix(name: str, suffixes: tuple[str, ...]) -> str:
    suffix = next((s for s in suffixes if name.lower().endswith(s)), "")
    return name[: len(name) - len(suffix)]
