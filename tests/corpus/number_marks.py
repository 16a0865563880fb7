"""Numbers with signs, marks and short forms, as web pages and spreadsheets write them."""

from __future__ import annotations

import polars as pl

from tests.corpus.columns_text import german, table
from tests.corpus.shapes import Shape, file, history

AAPL = history()
SAP = history(exchange="XETR", price=3000.0)
BIG = history(price=30_000.0)
THOUSAND = history(price=1000.0, decimals=0)
BARS = {"Open": "open", "High": "high", "Low": "low", "Close": "close", "Volume": "volume"}


def us_day(day: object) -> str:
    return f"{day:%m/%d/%Y}"


def german_day(day: object) -> str:
    return f"{day:%d.%m.%Y}"


def dollars(value: float) -> str:
    return f"${value:.2f}"


def quoted(value: float) -> str:
    return f'"{value:,.2f}"'


def millions(value: float) -> str:
    return f"{value / 1e6:.2f}M"


def two(value: float) -> str:
    return f'"{value:.2f}"'


NASDAQ = {
    "Date": "session",
    "Close/Last": "close",
    "Volume": "volume",
    "Open": "open",
    "High": "high",
    "Low": "low",
}
INVESTING = {
    '"Date"': "session",
    '"Price"': "close",
    '"Open"': "open",
    '"High"': "high",
    '"Low"': "low",
    '"Vol."': "volume",
    '"Change %"': '="-1.12%"',
}
ZULETZT = {
    '"Datum"': "session",
    '"Zuletzt"': "close",
    '"Eröffn."': "open",
    '"Hoch"': "high",
    '"Tief"': "low",
    '"Vol."': "volume",
    '"+/- %"': '="0,12%"',
}
WITH_DOTS = table(
    AAPL.select("session", "close").rename({"close": "high"}), {"DATE": "session", "SP500": "high"}
)


def fred(text: str) -> str:
    """The series with FRED's point on a day without a value."""
    return text.replace("\n2021-06-02,", "\n2021-05-31,.\n2021-06-02,", 1)


SHAPES = (
    Shape(
        name="numbers: nasdaq.com, dollars",
        source="nasdaq.com, historical quotes",
        write=file("AAPL.csv", table(AAPL, NASDAQ, price=dollars, day=us_day, newest_first=True)),
        holds={"AAPL": AAPL},
    ),
    Shape(
        name="numbers: nasdaq.com, dollars and thousands",
        source="nasdaq.com, historical quotes of dear shares",
        write=file("NVR.csv", table(BIG, NASDAQ, price=lambda p: f'"${p:,.2f}"', count=lambda n: f'"{n:,}"', day=us_day)),
        holds={"NVR": BIG},
        codes=("R10",),
    ),
    Shape(
        name="numbers: investing.com in English",
        source="investing.com, historical data",
        write=file("AAPL.csv", "\ufeff" + table(AAPL, INVESTING, price=two, count=lambda n: f'"{millions(n)}"', day=lambda d: f'"{us_day(d)}"', newest_first=True)),
        holds={"AAPL": AAPL},
        codes=("R31",),
    ),
    Shape(
        name="numbers: investing.com in German",
        source="de.investing.com, historical data",
        write=file("SAP.DE.csv", "\ufeff" + table(SAP, ZULETZT, price=lambda p: f'"{german(p)}"', count=lambda n: '"' + millions(n).replace(".", ",") + '"', day=lambda d: f'"{german_day(d)}"', newest_first=True)),
        holds={"SAP.DE": SAP},
        codes=("R9", "R31"),
    ),
    *(
        Shape(
            name=f"numbers: {title}",
            source="spreadsheets in that language",
            write=file("SAP.DE.csv", table(SAP, {"Date": "session", **BARS}, separator=";", price=price, count=count)),
            holds={"SAP.DE": SAP},
            codes=("R9",),
        )
        for title, price, count in (
            ("decimal comma", lambda p: f"{p:.2f}".replace(".", ","), str),
            ("decimal comma and points", german, lambda n: f"{n:,}".replace(",", ".")),
            ("decimal comma and spaces", lambda p: f"{p:,.2f}".replace(",", "\u202f").replace(".", ","), str),
            ("decimal comma and euros", lambda p: f"{german(p)} €", str),
        )
    ),
    *(
        Shape(
            name=f"numbers: {title}",
            source="spreadsheets",
            write=file("NVR.csv", table(BIG, {"Date": "session", **BARS}, price=price, count=count)),
            holds={"NVR": BIG},
        )
        for title, price, count in (
            ("thousands in quotes", quoted, lambda n: f'"{n:,}"'),
            ("thousands in volumes alone", repr, lambda n: f'"{n:,}"'),
            ("Swiss apostrophes", lambda p: f"{p:,.2f}".replace(",", "'"), str),
            ("a currency behind each price", lambda p: f"{p:.2f} USD", str),
            ("a currency before each price", lambda p: f"USD {p:.2f}", str),
            ("pence behind each price", lambda p: f"{p}p", str),
            ("yuan behind each price", lambda p: f"{p}元", str),
            ("won behind each price", lambda p: f"{p}원", str),
            ("each price as a formula of a text", lambda p: f'"=""{p}"""', str),
            ("volumes in Mio.", repr, lambda n: f"{n / 1e6:.6f} Mio."),
            ("volumes in mln", repr, lambda n: f"{n / 1e6:.6f} mln"),
            ("volumes in 万", repr, lambda n: f"{n / 1e4:.4f}万"),
            ("volumes in crore", repr, lambda n: f"{n / 1e7:.7f} Cr"),
            ("volumes in shorter words", repr, lambda n: f"{n / 1e3:.3f}K"),
            ("volumes with shares behind a point", repr, lambda n: f"{n + 0.5}"),
        )
    ),
    Shape(
        name="numbers: three decimals or thousands, nothing else to tell",
        source="a spreadsheet with a decimal comma and one without",
        write=file("AAPL.csv", table(history(decimals=3, price=10.0), {"Date": "session", "Close": "close"}, separator=";", price=lambda p: f"{p:.3f}".replace(".", ","))),
        holds={"AAPL": history(decimals=3, price=10.0)},
        asks=("E10",),
        answers={"decimal": ",", "thousands": "."},
    ),
    Shape(
        name="numbers: whole prices with points between thousands",
        source="a German spreadsheet of an index without decimals",
        write=file("SX5E.csv", table(THOUSAND, {"Date": "session", "Close": "close"}, separator=";", price=lambda p: f"{p:,.0f}".replace(",", "."))),
        holds={"SX5E": THOUSAND},
        asks=("E10",),
        answers={"decimal": ",", "thousands": "."},
    ),
    Shape(
        name="numbers: FRED's point for a missing value",
        source="fred.stlouisfed.org, fredgraph.csv before 2025",
        write=file("SP500.csv", fred(WITH_DOTS)),
        holds={"SP500": AAPL},
        codes=("W27",),
    ),
    Shape(
        name="numbers: dashes for a missing close",
        source="spreadsheets",
        write=file("AAPL.csv", table(AAPL.with_columns(pl.when(pl.int_range(pl.len()) == 7).then(None).otherwise("close").alias("close")), {"Date": "session", "Close": "close"}, price=lambda p: "-" if p is None else repr(p))),
        holds={"AAPL": AAPL.filter(pl.int_range(pl.len()) != 7)},
        asks=("E27",),
    ),
    Shape(
        name="numbers: a volume of -1 is none",
        source="Interactive Brokers, ib_insync: reqHistoricalData of currencies and indices",
        write=file("AAPL.csv", table(AAPL, {"date": "session", "open": "open", "high": "high", "low": "low", "close": "close", "volume": "=-1.0", "average": "=-1.0", "barCount": "=-1"})),
        holds={"AAPL": AAPL},
        codes=("W31",),
    ),
    Shape(
        name="numbers: real volume 0 beside ticks",
        source="MetaTrader 5, export of bars",
        write=file("EURUSD.csv", table(AAPL, {"<DATE>": "session", "<OPEN>": "open", "<HIGH>": "high", "<LOW>": "low", "<CLOSE>": "close", "<TICKVOL>": "volume", "<VOL>": "=0", "<SPREAD>": "=2"}, separator="\t", day=lambda d: f"{d:%Y.%m.%d}")),
        holds={"EURUSD": AAPL},
    ),
)  # fmt: skip
