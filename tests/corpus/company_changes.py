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
            ("permco", "50906", "37138", "wrds-www.wharton.upenn.edu, CRSP"),
            ("isin_code", "US59156R1086", "GB0031348658", "exports of databases"),
            ("isinCode", "US59156R1086", "GB0031348658", "JSON of exchanges' pages"),
            ("kdcode", "MET.N", "OMC.L", "datasets of Chinese research"),
            ("contract", "ESH1", "ESM1", "front months of futures below each other"),
            ("tradingsymbol", "NIFTY21JUN", "NIFTY21JUL", "kite.trade, histories of futures"),
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
        for key in ("Company", "Name", "Issuer", "Company Name", "Security Name", "CompanyName")
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
    *(
        Shape(
            name=f"two series under one ticker, told by {key}",
            source=source,
            write=file("prices.csv", text(key, first, second)),
            holds={"MET": SECOND},
            asks=("E67",),
            answers={"only": {key: second}},
        )
        for key, first, second, source in (
            ("share_class", "A", "B", "terminals' exports"),
            ("expiry", "2022-06-17", "2022-09-16", "brokers' histories of futures"),
            ("strike", "100.0", "110.0", "brokers' histories of options"),
            ("units", "pounds", "pence", "London's prices from two vendors"),
            ("interval", "1h", "1d", "downloads of several intervals"),
            ("adj_flag", "hfq", "none", "akshare's parts below each other"),
        )
    ),
    Shape(
        name="two series under one ticker, adjusted in one part",
        source="parts of an aggregates API asked with and without adjusted=true",
        write=file("prices.csv", text("adjusted", "true", "false")),
        holds={"MET": FIRST},
        asks=("E26",),
        answers={"only": {"adjusted": "true"}},
    ),
    *(
        Shape(
            name=f"one company that moves to another {key}",
            source="CRSP and terminals: the listing of each day",
            write=file("prices.csv", text(key, first, second, bars=ONE)),
            holds={"MET": ONE},
            codes=("W67",),
        )
        for key, first, second in (("exchange", "NYSE", "NASDAQ"), ("Country", "US", "IE"))
    ),
    Shape(
        name="one company under another name and CUSIP, its PERMNO kept",
        source="wrds-www.wharton.upenn.edu, CRSP",
        write=file(
            "prices.csv",
            text("NCUSIP", "59156R10", "59156R20", bars=ONE.with_columns(permno=pl.lit(88405))),
        ),
        holds={"MET": ONE},
        codes=("W67",),
    ),
    Shape(
        name="one company, a type of some rows",
        source="exchanges' pages that name half days",
        write=file(
            "prices.csv",
            ONE.rename(NAMES)
            .with_columns(
                Symbol=pl.lit("MET"),
                type=pl.Series(["half" if k % 125 == 60 else "full" for k in range(520)]),
            )
            .write_csv(),
        ),
        holds={"MET": ONE},
    ),
    Shape(
        name="one company, its name written in two ways",
        source="kaggle.com datasets",
        write=file("prices.csv", text("Company", "MetLife Inc", "METLIFE, INC.", bars=ONE)),
        holds={"MET": ONE},
    ),
)
