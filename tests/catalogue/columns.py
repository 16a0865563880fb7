"""Catalogue 9, 10 and 21-34: columns and what their cells say."""

import polars as pl

from tests.catalogue.cases import (
    CLOSES,
    DAYS,
    Case,
    Row,
    Write,
    base,
    cells,
    close_rows,
    csv,
    text_of,
    with_symbol,
)
from tests.catalogue.files import parquet, typed

SAME = base()


def renamed(**names: str) -> Write:
    return csv(text_of(SAME, header=[names.get(name, name) for name in SAME[0]]))


def without(*names: str) -> Write:
    return csv(text_of([{k: v for k, v in row.items() if k not in names} for row in SAME]))


def decimal_comma(row: Row) -> Row:
    return {name: text.replace(".", ",") for name, text in row.items()}


def of_symbol(symbol: str) -> Write:
    return csv(text_of(with_symbol(SAME, symbol)), name="prices.csv")


def big(row: Row) -> Row:
    """The row with prices a thousand times as large, written with a mark."""
    prices = ("open", "high", "low", "close")
    return row | {name: f'"{float(row[name]) * 1000:,.1f}"' for name in prices}


def adjusted(ratio: float) -> list[Row]:
    return [row | {"Adj Close": f"{float(row['close']) * ratio:.10g}"} for row in SAME]


PRICE_HEADER = "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n"
YFINANCE = PRICE_HEADER + "".join(
    ",".join(row[name] for name in ("date", "close", "high", "low", "open", "volume")) + "\n"
    for row in SAME
)
TWO = "Price,Close,Close,Volume,Volume\nTicker,AAPL,MSFT,AAPL,MSFT\nDate,,,,\n" + "".join(
    f"{row['date']},{row['close']},{row['close']}1,{row['volume']},{row['volume']}\n"
    for row in SAME
)
WIDE = "Date,AAPL,MSFT\n" + "".join(
    f"{row['date']},{row['close']},{row['close']}1\n" for row in SAME
)
ISO = [day.isoformat() for day in DAYS]
THREE = [close + 0.123 for close in CLOSES]
TWO_CLOSES = CLOSES + tuple(round(close + 0.01, 2) for close in CLOSES)
BOOLEAN = typed().with_columns(close=pl.col("close") > 10.3)
PAIRS = typed().with_columns(close=pl.struct("open", "close"))
NUMERIC_DATES = typed().with_columns(date=pl.Series([float(k) for k in range(len(DAYS))]))

REFUSED_SYMBOLS = (  # symbol in a long file, what the message holds
    ("A\\B", "U+005C at position 2"),
    ("../x", "U+002E at position 1"),
    ("A..B", "A..B"),
    ("ÄPL", "U+00C4 at position 1"),
    ("A PL", "U+0020 at position 2"),
    ("A\tB", "U+0009 at position 2"),
    ("A\u202eB", "U+202E at position 2"),
    ("A" * 21, "21 characters"),
    ("=SUM", "U+003D at position 1"),
)

COLUMN_CASES = (
    Case(number=9, title="decimal comma", write=csv(text_of([decimal_comma(row) for row in SAME], separator=";")), codes={"R9": 40, "R8": 1}, row=2, column="open", found="9,9"),
    Case(number=9, title="decimal comma, said", write=csv(text_of([decimal_comma(row) for row in SAME], separator=";")), data={"decimal": ","}, codes={"R9": 40, "R8": 1}),
    Case(number=9, title="one decimal comma", write=cells((3, "close", '"10,4"')), codes={"E9": 1, "W52": 1}, row=5, column="close", session="2019-03-07", kept=(0, 1, 2, 4, 5, 6, 7, 8, 9)),
    Case(number=9, title="a decimal point, another said", write=csv(text_of(SAME)), data={"decimal": ","}, codes={"E9": 40}, row=2, column="open", found="9.9", fix='data.decimal = "."', kept=()),
    Case(number=10, title="thousands mark", write=csv(text_of([big(row) for row in SAME])), codes={"R10": 40}, row=2, column="open", found="9,900.0", closes=[1000 * close for close in CLOSES]),
    Case(number=10, title="thousands mark, said", write=csv(text_of([big(row) for row in SAME])), data={"thousands": ","}, codes={"R10": 40}, closes=[1000 * close for close in CLOSES]),
    Case(number=10, title="thousands mark in volume", write=cells((2, "volume", '"1,020"')), codes={"R10": 1}, row=4, column="volume"),
    Case(number=10, title="thousands or fractions", write=csv(text_of(close_rows(ISO, THREE), separator=";").replace(".", ",")), codes={"E10": 10, "R8": 1}, row=2, column="close", found="10,123", fix='data.thousands = ","', kept=(), closes=THREE),
    Case(number=21, title="no date", write=without("date"), codes={"E21": 1}, column="date", fix="date", kept=()),
    Case(number=21, title="no close", write=without("close"), codes={"E21": 1}, column="close", kept=()),
    Case(number=21, title="closing", write=renamed(close="closing_x"), codes={"E21": 1}, column="close", fix='rename \'closing_x\' to \'close\', or set data.columns = { "closing_x" = "close" }', kept=()),
    Case(number=21, title="closing, said", write=renamed(close="closing_x"), data={"columns": {"closing_x": "close"}}),
    Case(number=21, title="Datum and Schluss, said", write=renamed(date="Datum", close="Schluss"), data={"columns": {"Datum": "date", "Schluss": "close"}}),
    Case(number=21, title="no volume", write=without("volume"), codes={"W21": 1}, found="no volume"),
    Case(number=21, title="close alone", write=without("open", "high", "low", "volume"), codes={"W21": 1}, found="no open, high, low, volume"),
    Case(number=21, title="two date columns missing at once", write=without("date", "close"), codes={"E21": 2}, column="date", kept=()),
    Case(number=22, title="capitals", write=renamed(**{name: name.title() for name in SAME[0]}), codes={"R22": 1}),
    Case(number=22, title="spaces", write=renamed(**{name: f" {name.upper()} " for name in SAME[0]}), codes={"R22": 1}),
    Case(number=22, title="adj_close", write=csv(text_of([row | {"adj_close": row["close"]} for row in SAME])), codes={"W26": 1}),
    Case(number=22, title="Adj Close", write=csv(text_of([row | {"Adj Close": row["close"]} for row in SAME])), codes={"W26": 1, "R22": 1}),
    Case(number=23, title="close twice", write=csv(text_of([row | {"Close": row["close"]} for row in SAME])), codes={"E23": 1}, found="columns 5 and 7", kept=()),
    Case(number=23, title="close and close", write=csv(text_of(SAME, header=["date", "open", "high", "close", "close", "volume"])), codes={"E23": 1}, found="columns 4 and 5", kept=()),
    Case(number=24, title="two levels, one symbol", write=csv(YFINANCE, name="download.csv"), codes={"R24": 1}),
    Case(number=24, title="two levels, two symbols", write=csv(TWO, name="download.csv"), codes={"R24": 1, "W21": 1}, symbols=("AAPL", "MSFT"), closes=TWO_CLOSES),
    Case(number=23, title="Last and Settle", write=csv(text_of([{name: text for name, text in row.items() if name != "close"} | {"Last": row["close"], "Settle": row["close"]} for row in SAME])), codes={"E23": 1}, found="close in columns 6 and 7", fix='data.columns = { "Last" = "close" }', kept=()),
    Case(number=24, title="a column a symbol", write=csv(WIDE, name="closes.csv"), codes={"R24": 1, "W21": 1}, symbols=("AAPL", "MSFT"), closes=TWO_CLOSES),
    Case(number=24, title="a column a field and symbol", write=csv(WIDE.replace("AAPL,MSFT", "Close_AAPL,Close_MSFT"), name="closes.csv"), codes={"R24": 1, "W21": 1}, symbols=("AAPL", "MSFT"), closes=TWO_CLOSES),
    Case(number=24, title="a symbol without a row", write=csv(WIDE.replace("MSFT", "MSFT,DEAD").replace("1\n", "1,\n"), name="closes.csv"), codes={"W3": 1, "R24": 1, "W21": 1}, symbol="DEAD", symbols=("AAPL", "MSFT"), closes=TWO_CLOSES),
    Case(number=25, title="adjusted by another name", write=csv(text_of([row | {"adj_px": row["close"]} for row in SAME])), codes={"E25": 1}, column="adj_px", fix='data.columns = { "adj_px" = "adj_close" }', kept=()),
    Case(number=25, title="no adjusted close", write=csv(text_of(SAME)), codes={"W25": 1}),
    Case(number=26, title="adjusted close at half", write=csv(text_of(adjusted(0.5))), codes={"W26": 1, "R22": 1}, closes=[close / 2 for close in CLOSES]),
    Case(number=26, title="adjusted close, raw wanted", write=csv(text_of(adjusted(0.5))), data={"price_basis": "raw"}, codes={"W26": 1, "R22": 1}),
    *(
        Case(number=27, title=text, write=cells((4, "close", text)), codes={"E27": 1, "W52": 1}, row=6, column="close", symbol="AAPL", session="2019-03-08", found=text, kept=(0, 1, 2, 3, 5, 6, 7, 8, 9))
        for text in ("N/A", "-", "#REF!", "1.2.3", "ten", "10.4 USD", "--")
    ),
    *(
        Case(number=27, title=f"{text!r} is missing", write=cells((4, "close", text)), codes={"W58": 1, "W52": 1}, kept=(0, 1, 2, 3, 5, 6, 7, 8, 9))
        for text in ("", "nan", "NaN", "null")
    ),
    Case(number=27, title="a point alone", write=cells((4, "close", ".")), codes={"W27": 1, "W58": 1, "W52": 1}, row=6, column="close", kept=(0, 1, 2, 3, 5, 6, 7, 8, 9)),
    Case(number=27, title="dollars", write=csv(text_of([row | {"close": f"${row['close']}"} for row in SAME])), codes={"R27": 10}, row=2, column="close", found="$10.0"),
    Case(number=27, title="N/A, said to be missing", write=cells((4, "close", "N/A")), data={"missing": ("", "N/A")}, codes={"W58": 1, "W52": 1}, kept=(0, 1, 2, 3, 5, 6, 7, 8, 9)),
    *(
        Case(number=28, title=symbol, write=of_symbol(symbol), symbols=(symbol,))
        for symbol in ("NA", "NAN", "NULL", "TRUE", "ON", "1E5", "BRK-B", "^GSPC")
    ),
    Case(number=28, title="a file named NA", write=csv(text_of(SAME), name="NA.csv"), symbols=("NA",)),
    Case(number=29, title="5", write=of_symbol("5"), codes={"E29": 10}, symbol="5", fix="data.numeric_symbols = true", kept=()),
    Case(number=29, title="7203", write=of_symbol("7203"), codes={"E29": 10}, fix="data.numeric_symbols = true", kept=()),
    Case(number=29, title="7203, said", write=of_symbol("7203"), data={"numeric_symbols": True}, symbols=("7203",)),
    Case(number=29, title="1-Mar", write=of_symbol("1-Mar"), codes={"E29": 10}, kept=()),
    Case(number=29, title="MAR1", write=of_symbol("MAR1"), symbols=("MAR1",)),
    *(
        Case(number=30, title=repr(symbol), write=of_symbol(symbol), codes={"E30": 10}, column="symbol", row=2, found=found, kept=())
        for symbol, found in REFUSED_SYMBOLS
    ),
    Case(number=30, title="a class behind a slash", write=of_symbol("BF/B"), codes={"R30": 1}, column="symbol", found="BF/B", symbols=("BF-B",)),
    Case(number=30, title="small letters", write=of_symbol("aapl"), codes={"R30": 1}, column="symbol", found="aapl"),
    Case(number=30, title="equal but for case", write=csv(text_of(with_symbol(SAME[:5], "BRKb") + with_symbol(SAME[5:], "BRKB")), name="prices.csv"), codes={"E30": 10}, found="BRKB and BRKb", kept=None),
    Case(number=31, title="whole floats", write=csv(text_of([row | {"volume": row["volume"] + ".0"} for row in SAME])), codes={"R31": 10}),
    *(
        Case(number=31, title=f"volume {text}", write=cells((4, "volume", text)), codes={"E31": 1, "W52": 1}, row=6, column="volume", session="2019-03-08", kept=(0, 1, 2, 3, 5, 6, 7, 8, 9))
        for text in ("-5", "-1", "9223372036854775808", "1e30")
    ),
    *(
        Case(number=31, title=f"volume {text}", write=cells((4, "volume", text)), codes={"R31": 1}, row=6, column="volume", session="2019-03-08", found=text)
        for text in ("1.2M", "3K", "2.5", "1040.4")
    ),
    Case(number=31, title="volume above 2^53", write=cells((4, "volume", "9007199254740993"))),
    *(
        Case(number=32, title=text, write=cells((4, "close", text)), codes={"E32": 1, "W52": 1}, row=6, column="close", session="2019-03-08", kept=(0, 1, 2, 3, 5, 6, 7, 8, 9))
        for text in ("inf", "-inf", "Infinity", "1e308", "5e-324", "1e13", "1e-11")
    ),
    Case(number=33, title="17 digits", write=cells((4, "close", "10.300000000000001")), closes=[*CLOSES[:4], float("10.300000000000001"), *CLOSES[5:]]),
    Case(number=33, title="an exponent", write=cells((4, "close", "1.03e1"))),
    Case(number=34, title="boolean close", write=parquet(BOOLEAN), codes={"E34": 1}, column="close", found="Boolean", kept=()),
    Case(number=34, title="struct close", write=parquet(PAIRS), codes={"E19": 1}, kept=()),
    Case(number=35, title="fractional dates", write=parquet(NUMERIC_DATES), codes={"E35": 10}, column="date", found="0.0", kept=()),
)  # fmt: skip
