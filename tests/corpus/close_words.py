"""Closes under words that are not in every table, beside money traded under a close's name."""

from __future__ import annotations

import polars as pl

from tests.corpus.columns_text import table
from tests.corpus.shapes import Shape, file, history

AAPL = history().with_columns((pl.col("close") * 1000).round(0).alias("money"))
BARS = {"date": "session", "open": "open", "high": "high", "low": "low"}


def read(name: str, source: str) -> Shape:
    """A close under a name of one meaning, beside the day's turnover under Value."""
    columns = BARS | {name: "close", "volume": "volume", "Value": "money"}
    return Shape(
        name=f"close words: {name}",
        source=source,
        write=file("AAPL.csv", table(AAPL, columns)),
        holds={"AAPL": AAPL},
    )


def asked(name: str, source: str, code: str = "E21") -> Shape:
    """A name that may be the close, and one that may as well: both are named, the first is it."""
    columns = BARS | {name: "close", "volume": "volume", "Value": "money"}
    return Shape(
        name=f"close words: {name}, asked",
        source=source,
        write=file("AAPL.csv", table(AAPL, columns)),
        holds={"AAPL": AAPL},
        asks=(code,),
        answers={"columns": {name: "close"}},
    )


SHAPES = (
    read("closing", "spreadsheets; Dhaka and Lagos exchange pages: Closing, Value"),
    read("Close $", "spreadsheets of one's own"),
    read("Close (Rs.)", "Indian newspapers' tables"),
    read("Close(₹)", "Indian brokers' downloads"),
    read("close_usd", "exports of databases that hold several currencies"),
    read("Kapan\u0131ş", "tr.investing.com and Borsa Istanbul"),
    read("Slot", "Dutch newspapers' tables, beursduivel.be"),
    asked("CLOSE_P", "in-house databases"),
    asked("Last Traded", "brokers' watch lists", "E23"),
    asked("Senast", "se.investing.com, avanza.se", "E23"),
    Shape(
        name="close words: Date,Closing,Value",
        source="pages of exchanges",
        write=file(
            "AAPL.csv", table(AAPL, {"Date": "session", "Closing": "close", "Value": "money"})
        ),
        holds={"AAPL": AAPL},
    ),
    Shape(
        name="close words: a range that contradicts every close",
        source="exports whose column 'value' is the money traded",
        write=file("AAPL.csv", table(AAPL, BARS | {"value": "money"})),
        holds={},
        asks=("E55",),
    ),
)
