"""Suffixes, fields and quantities that look like symbols of columns side by side."""

from __future__ import annotations

import polars as pl

from tests.corpus.columns_text import table, wide
from tests.corpus.shapes import Shape, file, history

AAPL, IBM = history(), history(seed=2, price=50.0)
WIDE = AAPL.with_columns(
    IBM["close"].alias("close_y"),
    *(pl.col("close").rolling_mean(5, min_samples=1).round(2).alias(f"ma{n}") for n in (5, 20)),
)
BARS = ("open", "high", "low", "close", "volume")
MERGED = {"date": "session", **{f"{n}_x": n for n in BARS}, **{f"{n}_y": n for n in BARS}}
TWICE = {"Date": "session", **{n.title(): n for n in BARS}}


def refused(name: str, source: str, columns: dict[str, str], code: str = "E21") -> Shape:
    """A file of one symbol whose columns a person must tell."""
    return Shape(
        name=f"suffixes: {name}",
        source=source,
        write=file("AAPL.csv", table(WIDE, columns)),
        holds={},
        asks=(code,),
    )


def twice(mark: str) -> Shape:
    """All columns of a second company behind those of the first."""
    text = wide({"AAPL": AAPL, "IBM": IBM}, {n.title(): (n, "AAPL") for n in BARS})
    lines = [line.split(",") for line in text.splitlines()]
    both = table(IBM, TWICE).splitlines()[1:]
    head = [*lines[0], *(f"{name}{mark}" for name in lines[0])]
    rows = [",".join([*a, b]) for a, b in zip(lines[1:], both, strict=True)]
    return Shape(
        name=f"suffixes: every column again with {mark}",
        source="pandas: two downloads side by side, read again",
        write=file("AAPL.csv", "\n".join([",".join(head), *rows])),
        holds={},
        asks=("E23",),
    )


FIELDS = ("close", "high", "low", "open", "volume")
DEDUPED = {
    f"{n.title()}{mark}": (n, symbol)
    for n in FIELDS
    for symbol, mark in (("AAPL", ""), ("IBM", ".1"))
}
HEADED = wide({"AAPL": AAPL, "IBM": IBM}, DEDUPED).splitlines()
TICKERS = ",".join(["Ticker", *(symbol for _, symbol in DEDUPED.values())])

SHAPES = (
    Shape(
        name="suffixes: Close, Close.1 over a line of tickers",
        source="yfinance of two symbols, its CSV read and written again by pandas",
        write=file(
            "AAPL.csv",
            "\n".join(
                [
                    HEADED[0].replace("Date", "Price"),
                    TICKERS,
                    "Date" + "," * len(DEDUPED),
                    *HEADED[1:],
                ]
            ),
        ),
        holds={"AAPL": AAPL, "IBM": IBM},
    ),
    refused(
        "close_x, close_y",
        "pandas merge()",
        {"date": "session", "close_x": "close", "close_y": "close_y"},
    ),
    refused("all of _x and _y", "pandas merge()", MERGED),
    refused(
        "Close_x, Close_y beside a range",
        "pandas merge()",
        {
            "Date": "session",
            "Open": "open",
            "High": "high",
            "Low": "low",
            "Close_x": "close",
            "Close_y": "close_y",
        },
    ),
    refused(
        "O, H, L without a close",
        "cut downloads",
        {"date": "session", "O": "open", "H": "high", "L": "low"},
    ),
    refused(
        "averages of the close",
        "tables of indicators",
        {"date": "session", "close_ma5": "ma5", "close_ma20": "ma20"},
    ),
    refused(
        "open_close, high_close",
        "tables of features",
        {"date": "session", "open_close": "open", "high_close": "high"},
    ),
    refused(
        "px, qty",
        "databases of ticks and days",
        {"date": "session", "px": "close", "qty": "volume"},
    ),
    refused(
        "AAPL beside MA20",
        "tables of indicators",
        {"Date": "session", "AAPL": "close", "MA20": "ma20"},
    ),
    *map(twice, (".1", "_1")),
    *(
        Shape(
            name=f"suffixes: volumes of several symbols in {name}",
            source="pandas: yf.download(...)['Volume'].to_csv()",
            write=file(
                name,
                wide({"AAPL": AAPL, "IBM": IBM}, {s: ("volume", s) for s in ("AAPL", "IBM")}),
            ),
            holds={},
            asks=("E21",),
        )
        for name in ("volume.csv", "prices.csv")
    ),
    *(
        Shape(
            name=f"suffixes: {name} is no symbol",
            source="R's reshape2 melt(); databases that keep both kinds of prices",
            write=file("AAPL.csv", text),
            holds={"AAPL": AAPL},
            asks=("E43",),
            answers={"only": only},
        )
        for name, only, text in (
            (
                "a melted variable",
                {"variable": "close"},
                "date,variable,value\n"
                + "\n".join(
                    f"{day},{kind},{value}"
                    for kind in ("close", "open", "high", "low")
                    for day, value in zip(AAPL["session"], AAPL[kind], strict=True)
                ),
            ),
            (
                "type = adjusted, raw",
                {"type": "adjusted"},
                "date,type,close\n"
                + "\n".join(
                    f"{day},{kind},{value * factor!r}"
                    for kind, factor in (("adjusted", 1.0), ("raw", 2.0))
                    for day, value in zip(AAPL["session"], AAPL["close"], strict=True)
                ),
            ),
        )
    ),
)
