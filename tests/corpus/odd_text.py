"""Tables between other lines: titles above, comments, totals and credits below, commas too many."""

from __future__ import annotations

from typing import Any

import polars as pl

from tests.corpus.shapes import Shape, file, history

AAPL = history()
NAMES = ["Date", "Open", "High", "Low", "Close", "Volume"]
TABLE = AAPL.rename(dict(zip(AAPL.columns, NAMES, strict=True)))
HEADER, *ROWS = TABLE.write_csv().splitlines()
NEWEST_FIRST = ROWS[::-1]


def text(*lines: str) -> str:
    """Lines, each ended."""
    return "".join(line + "\n" for line in lines)


def shape(name: str, source: str, *lines: str, **more: Any) -> Shape:
    """A file AAPL.csv of these lines that holds the history."""
    more.setdefault("codes", ("R12",))
    content = text(*lines)
    return Shape(
        name=name, source=source, write=file("AAPL.csv", content), holds={"AAPL": AAPL}, **more
    )


MACROTRENDS = (
    "Macrotrends Data Download",
    "",
    "AAPL - Historical Price and Volume Data",
    "",
    '"Historical prices are adjusted for both dividends and splits. See our terms."',
    "",
    '"Disclaimer and Terms of Use: Historical stock data is provided ""as is"" and solely for '
    'informational purposes, not for trading purposes or advice."',
    '"MacroTrends LLC expressly disclaims the accuracy, adequacy, or completeness of any data."',
    "",
    "",
)
CRYPTO = AAPL.select(
    pl.col("session").cast(pl.Datetime("ms")).dt.epoch("ms").alias("Unix"),
    (pl.col("session").cast(pl.String) + " 00:00:00").alias("Date"),
    pl.lit("AAPL").alias("Symbol"),
    *(pl.col(name.lower()).alias(name) for name in NAMES[1:]),
).write_csv()
WORDY = AAPL.select("session", "close", "volume").rename({"session": "Fecha"})
TWO_DATES = AAPL.select(
    pl.col("session").alias("Trading Day"), "open", "high", "low", "close", "volume"
)

SHAPES = (
    shape(
        "a row of units below the header",
        "tables of central banks and of EViews",
        HEADER,
        ",USD,USD,USD,USD,shares",
        *ROWS,
    ),
    shape(
        "totals and means below the last bar",
        "spreadsheets; pages of exchanges",
        HEADER,
        *ROWS,
        "Total,,,,,478000",
        "Average,1.0,1.0,1.0,1.0,1.0",
    ),
    shape(
        "yfinance script: lines of comment above the header",
        "scripts around yfinance that write '# Total records: 22' (GitHub)",
        "# Stock data for AAPL from 2021-06-01 to 2022-08-08",
        "# Total records: 300",
        "# Data retrieved on: 2026-07-05 15:12:59",
        "",
        HEADER,
        *ROWS,
    ),
    shape(
        "comment lines with commas, and // ones",
        "exports of trading platforms written in C; gnuplot data files",
        "// AAPL, daily, adjusted",
        "# open, high, low and close in USD",
        HEADER,
        *ROWS[:100],
        "# 2021-10-22: a line from the hand of a reader",
        *ROWS[100:],
    ),
    shape(
        "numpy: a header behind #",
        "numpy.savetxt(header='Date,Open,...'), which comments its header out",
        f"# {HEADER}",
        *ROWS,
        codes=(),
    ),
    shape(
        "Macrotrends: terms of use above the table",
        "macrotrends.net, Download Historical Data",
        *MACROTRENDS,
        HEADER.lower(),
        *ROWS,
    ),
    Shape(
        name="CryptoDataDownload: the address of the site above the table",
        source="cryptodatadownload.com, Binance_..._d.csv",
        write=file("Binance_AAPL_d.csv", "https://www.CryptoDataDownload.com\n" + CRYPTO),
        holds={"AAPL": AAPL},
        codes=("R12",),
    ),
    shape(
        "spreadsheet: a title in the first cell, the others empty",
        "Excel and LibreOffice, Save as CSV of a sheet with a title row",
        "Apple Inc. (NASDAQ: AAPL),,,,,",
        ",,,,,",
        HEADER,
        *ROWS,
    ),
    shape(
        "spreadsheet: the separator named in the first line",
        "CSV made for Excel, 'sep=;' as its first line",
        "sep=;",
        *(line.replace(",", ";") for line in (HEADER, *ROWS)),
        codes=("R8", "R12"),
    ),
    shape(
        "Bloomberg: security and dates above the table",
        "Bloomberg and Refinitiv history exports to CSV",
        "Security,AAPL US Equity",
        "Start Date,2021-06-01",
        "Period,D",
        "",
        HEADER,
        *ROWS,
    ),
    shape(
        "Barchart: when it was downloaded, in the last line",
        "barchart.com, Historical Download",
        HEADER.replace("Date", "Time"),
        *NEWEST_FIRST,
        '"Downloaded from Barchart.com as of 06-01-2024 05:11am CDT"',
    ),
    Shape(
        name="Barchart: the last line without its end",
        source="barchart.com, Historical Download",
        write=file(
            "AAPL.csv",
            text(HEADER, *NEWEST_FIRST) + '"Downloaded from Barchart.com as of 06-01-2024"',
        ),
        holds={"AAPL": AAPL},
        codes=("R12",),
    ),
    shape(
        "Barchart: semicolons and the footer",
        "barchart.com export saved again by a European spreadsheet",
        *(line.replace(",", ";") for line in (HEADER, *NEWEST_FIRST)),
        "Downloaded from Barchart.com as of 06-01-2024 05:11am CDT",
        codes=("R8", "R12"),
    ),
    shape(
        "Investing.com of old: highest and lowest below the table",
        "investing.com downloads of before 2022",
        HEADER,
        *NEWEST_FIRST,
        '"Highest: 112.66","Lowest: 60.10","Difference: 52.56","Average: 88.30","Change %: -38.31"',
    ),
    shape(
        "SQL: how many rows there were",
        "sqlcmd and psql, query results written to a file",
        HEADER,
        ",".join("-" * len(name) for name in NAMES),
        *ROWS,
        "",
        "(300 rows affected)",
    ),
    shape(
        "a comma after each row and the header",
        "NSE bhavcopies, and other writers that end each cell with a comma",
        *(f"{line}," for line in (HEADER, *ROWS)),
        codes=(),
    ),
    shape(
        "a comma after each row, none after the header",
        "loggers that end each value with a comma",
        HEADER,
        *(f"{line}," for line in ROWS),
        codes=(),
    ),
    shape(
        "a comma after the header, none after the rows",
        "hand-edited exports",
        f"{HEADER},",
        *ROWS,
        codes=(),
    ),
    shape(
        "the header again wherever files were put together",
        "cat 2021.csv 2022.csv > AAPL.csv",
        HEADER,
        *ROWS[:150],
        HEADER,
        *ROWS[150:],
    ),
    shape(
        "pandas: an index of dates without a name",
        "DataFrame.to_csv of a frame whose index has no name",
        HEADER.removeprefix("Date"),
        *ROWS,
        codes=(),
    ),
    shape(
        "pandas: an index of dates that was saved twice",
        "read_csv without index_col, then to_csv: 'Unnamed: 0'",
        HEADER.replace("Date", "Unnamed: 0"),
        *ROWS,
        codes=(),
    ),
    shape(
        "pandas: a running index beside the date",
        "DataFrame.to_csv after reset_index",
        f",{HEADER}",
        *(f"{k},{row}" for k, row in enumerate(ROWS)),
        codes=(),
    ),
    shape(
        "R: row names without a name above them",
        "write.table(sep = ','), whose header is one field shorter than its rows",
        ",".join(f'"{name}"' for name in NAMES),
        *(f'"{k}",{row}' for k, row in enumerate(ROWS, 1)),
        codes=(),
    ),
    shape(
        "quantmod: row names that are the dates",
        "write.table(as.data.frame(xts), sep = ','): the dates are the row names",
        ",".join(f'"{name}"' for name in NAMES[1:]),
        *ROWS,
        codes=(),
    ),
    Shape(
        name="a column of dates under a name in another language",
        source="exports of Spanish brokers and banks",
        write=file("AAPL.csv", WORDY.write_csv()),
        holds={"AAPL": AAPL},
    ),
    Shape(
        name="a column of dates under a name of its own",
        source="in-house databases",
        write=file("AAPL.csv", TWO_DATES.write_csv()),
        holds={"AAPL": AAPL},
    ),
)
