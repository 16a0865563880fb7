"""Several symbols side by side: one column a symbol, or one a field and symbol."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from tests.corpus.columns_text import wide
from tests.corpus.shapes import Shape, Write, file, history

TWO = {"AAPL": history(), "MSFT": history(seed=1)}
FIELDS = ("Close", "High", "Low", "Open", "Volume")
YFINANCE = """Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume
Ticker,AAPL,DEAD,AAPL,DEAD,AAPL,DEAD,AAPL,DEAD,AAPL,DEAD
Date,,,,,,,,,,
"""


def closes(symbols: dict[str, pl.DataFrame], name: Callable[[str], str] = str) -> str:
    return wide(symbols, {name(symbol): ("close", symbol) for symbol in symbols})


def pairs(name: str, *, fields: tuple[str, ...] = FIELDS) -> str:
    """Columns named by field and symbol, as `name` writes them."""
    names = {
        name.format(field=field, symbol=symbol, lower=symbol.lower(), small=field.lower()): (
            field.lower(),
            symbol,
        )
        for field in fields
        for symbol in TWO
    }
    return wide(TWO, names)


def parquet(name: str, frame: pl.DataFrame) -> Write:
    def write(folder):
        frame.write_parquet(folder / name)
        return [folder / name]

    return write


PAIRS = {
    "Close_AAPL": ("yfinance, columns joined by '_'", "{field}_{symbol}"),
    "AAPL_Close": ("pandas, columns joined the other way", "{symbol}_{field}"),
    "AAPL.Close": ("R's quantmod, merged xts", "{symbol}.{field}"),
    "aapl_close": ("pandas, names made small", "{lower}_{small}"),
    "close_aapl": ("pandas, names made small", "{small}_{lower}"),
    "Close AAPL": ("yfinance, columns joined by ' '", "{field} {symbol}"),
    "('Close', 'AAPL')": (
        "pandas, reset_index and to_csv of tuples",
        "\"('{field}', '{symbol}')\"",
    ),
    "Close|AAPL": ("pandas, columns joined by '|'", "{field}|{symbol}"),
    "AAPL - Close": ("LSEG and FactSet add-ins", "{symbol} - {field}"),
}
DEAD = YFINANCE + "".join(
    f"{row['session']},{row['close']},,{row['high']},,{row['low']},,{row['open']},,{row['volume']},\n"
    for row in TWO["AAPL"].iter_rows(named=True)
)

SHAPES = (
    *(
        Shape(
            name=f"wide: {title}",
            source=source,
            write=file("all.csv", pairs(name)),
            holds=TWO,
        )
        for title, (source, name) in PAIRS.items()
    ),
    *(
        Shape(
            name=f"wide: {title}, closes alone",
            source=source,
            write=file("all.csv", pairs(name, fields=("Close",))),
            holds=TWO,
        )
        for title, (source, name) in PAIRS.items()
    ),
    Shape(
        name="wide: one column a symbol",
        source='yfinance.download(...)["Close"].to_csv()',
        write=file("close.csv", closes(TWO)),
        holds=TWO,
    ),
    Shape(
        name="wide: one column a symbol, small letters",
        source="pandas, names made small",
        write=file("close.csv", closes(TWO, str.lower)),
        holds=TWO,
    ),
    Shape(
        name="wide: indices and pairs as columns",
        source='yfinance.download(["^GSPC", "BTC-USD"])["Close"]',
        write=file("close.csv", closes({"^GSPC": history(), "BRK-B": history(seed=1)})),
        holds={"^GSPC": history(), "BRK-B": history(seed=1)},
    ),
    Shape(
        name="wide: one column of Parquet a symbol",
        source='yfinance.download(...)["Close"].to_parquet()',
        write=parquet("close.parquet", pl.DataFrame({"Date": TWO["AAPL"]["session"], **{s: h["close"] for s, h in TWO.items()}})),
        holds=TWO,
    ),
    Shape(
        name="wide: one series of FRED",
        source="fred.stlouisfed.org, fredgraph.csv",
        write=file("fredgraph.csv", closes({"SP500": history()}).replace("Date,", "observation_date,")),
        holds={"SP500": history()},
    ),
    Shape(
        name="wide: a symbol that the download lacks",
        source="yfinance.download of a delisted symbol beside another",
        write=file("all.csv", DEAD),
        holds={"AAPL": TWO["AAPL"]},
        codes=("W3",),
    ),
    Shape(
        name="wide: a column of closes that is empty",
        source='yfinance.download(...)["Close"] of a delisted symbol beside others',
        write=file("close.csv", "".join(line + (",DEAD\n" if k == 0 else ",\n") for k, line in enumerate(closes(TWO).splitlines()))),
        holds=TWO,
        codes=("W3",),
    ),
    *(
        Shape(
            name=f"wide: {odd} beside the closes",
            source="spreadsheets of a portfolio",
            write=file("closes.csv", wide({**TWO, odd: TWO["AAPL"]}, {s: ("close", s) for s in (*TWO, odd)})),
            holds=TWO,
            asks=("E21",),
            answers={"columns": {odd: ""}},
        )
        for odd in ("Total", "RSI", "Return")
    ),
    Shape(
        name="wide: the close of one symbol in another's file",
        source="a file saved under the name of another",
        write=file("AAPL.csv", closes({"MSFT": TWO["MSFT"]}, "Close_{}".format)),
        holds={"MSFT": TWO["MSFT"]},
        asks=("E67",),
        answers={"symbols": {"AAPL.csv": "MSFT"}},
    ),
    Shape(
        name="wide: Close Rate is no symbol",
        source="spreadsheets of currencies",
        write=file("AAPL.csv", closes({"AAPL": TWO["AAPL"]}, lambda _: "Close Rate")),
        holds={"AAPL": TWO["AAPL"]},
        asks=("E21",),
    ),
    Shape(
        name="wide: bid and ask are no symbols",
        source="Dukascopy, OANDA candles of one pair",
        write=file("EURUSD.csv", closes({"bid_close": history(), "ask_close": history(seed=1)})),
        holds={"EURUSD": history()},
        asks=("E21",),
        answers={"columns": {"bid_close": "close"}},
    ),
)  # fmt: skip
