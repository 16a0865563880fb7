"""One company after another under one ticker, told by what else a file says of them."""

from __future__ import annotations

import polars as pl

from tests.corpus.shapes import Shape, file, history

FIRST, SECOND = history(260), history(520, seed=1).slice(260)
ONE = history(520)
BOTH = pl.concat([FIRST, SECOND])
NAMES = {name: name.capitalize() for name in FIRST.columns} | {"session": "Date"}


def text(
    key: str, first: str, second: str, *, symbol: str = "MET", bars: pl.DataFrame = BOTH
) -> str:
    """Both histories below each other, `key` naming the company of each row."""
    ids = [first] * FIRST.height + [second] * SECOND.height
    rows = bars.rename(NAMES).with_columns(pl.Series(key, ids))
    return (rows.with_columns(Symbol=pl.lit(symbol)) if symbol else rows).write_csv()


SHAPES = (
    *(
        Shape(
            name=f"two companies under one ticker, told by {key}",
            source=source,
            write=file("prices.csv", text(key, first, second)),
            holds={first: FIRST, second: SECOND},
            asks=("E67",),
            answers={"columns": {key: "symbol"}}
            | ({"numeric_symbols": True} if first.isdigit() else {}),
        )
        for key, first, second, source in (
            ("ISIN", "US59156R1086", "GB0031348658", "refinitiv.com, histories by RIC"),
            ("CUSIP", "59156R108", "G3134865K", "wrds-www.wharton.upenn.edu, Compustat"),
            ("SEDOL", "2573209", "3134865", "LSEG Datastream"),
            ("FIGI", "BBG000BB6KF5", "BBG000BB6XX1", "openfigi.com"),
            ("GVKEY", "133768", "009999", "wrds-www.wharton.upenn.edu, Compustat"),
        )
    ),
    *(
        Shape(
            name=f"two companies under one ticker, told by the name in {key}",
            source="kaggle.com datasets; exports of terminals",
            write=file("prices.csv", text(key, "Old Metals Corp.", "MetLife, Inc.")),
            holds={"MET": SECOND},
            asks=("E67",),
            answers={"only": {key: "MetLife, Inc."}},
        )
        for key in ("Company", "Name", "Issuer", "Company Name", "Security Name")
    ),
    *(
        Shape(
            name=f"two companies in one ticker's file, told by {key}",
            source="exports of terminals",
            write=file("MET.csv", text(key, "Old Metals Corp.", "MetLife, Inc.", symbol="")),
            holds={"MET": SECOND},
            asks=("E67",),
            answers={"only": {key: "MetLife, Inc."}},
        )
        for key in ("Issuer", "Description")
    ),
    Shape(
        name="one company, its name written in two ways",
        source="kaggle.com datasets",
        write=file("prices.csv", text("Company", "MetLife Inc", "METLIFE, INC.", bars=ONE)),
        holds={"MET": ONE},
    ),
)
