"""Two series under one symbol that share a few days only, told apart by another column."""

from __future__ import annotations

import polars as pl

from tests.corpus.shapes import Shape, file, history

# the second history begins three sessions before the first one ends
FIRST, SECOND = history(300), history(600, seed=1).slice(297)
NAMES = {name: name.capitalize() for name in FIRST.columns} | {"session": "Date"}


def text(key: str, first: str, second: str) -> str:
    parts = [
        rows.rename(NAMES).with_columns(pl.lit("BHP").alias("Symbol"), pl.lit(value).alias(key))
        for rows, value in ((FIRST, first), (SECOND, second))
    ]
    return pl.concat(parts).sort("Date", maintain_order=True).write_csv()


def apart(key: str, first: str, second: str) -> str:
    """Two histories of the same days without a symbol, `key` telling them apart."""
    parts = [
        rows.rename(NAMES).with_columns(pl.lit(value).alias(key))
        for rows, value in ((FIRST, first), (history(300, seed=1), second))
    ]
    return pl.concat(parts).sort("Date", maintain_order=True).write_csv()


SHAPES = (
    *(
        Shape(
            name=f"three days in common, told apart by {key}",
            source="global vendors: a row a listing",
            write=file("prices.csv", text(key, first, second)),
            holds={"BHP": FIRST},
            asks=("E43",),
            answers={"only": {key: first}},
        )
        for key, first, second in (("Exchange", "NYSE", "LSE"), ("desk", "one", "two"))
    ),
    Shape(
        name="three days in common, told apart by ISIN",
        source="global vendors: a row a listing",
        write=file("prices.csv", text("ISIN", "US0886061086", "GB00BH0P3Z91")),
        holds={"US0886061086": FIRST, "GB00BH0P3Z91": SECOND},
        asks=("E67",),
        answers={"columns": {"ISIN": "symbol"}},
    ),
    *(
        Shape(
            name=f"two rows a date under one symbol, told apart by {key}",
            source=source,
            write=file("AAPL.csv", apart(key, *values)),
            holds={"AAPL": FIRST},
            asks=("E43",),
            answers={"only": {key: values[0]}},
        )
        for key, source, *values in (
            ("currency", "global vendors: a row a currency", "USD", "EUR"),
            ("Expiry", "exchanges of futures: a row a contract", "2021-06-18", "2021-09-17"),
            ("expiration", "exchanges of futures", "20210618", "20210917"),
        )
    ),
)
