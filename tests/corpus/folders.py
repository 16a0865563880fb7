"""Folders: of text files, of partitions, with files of other kinds among them."""

from __future__ import annotations

import bz2
import io
from collections.abc import Mapping

import polars as pl

from tests.corpus.shapes import Shape, Write, files, history

AAPL, MSFT, NVDA = history(), history(seed=1), history(seed=2)
BOTH = {"AAPL": AAPL, "MSFT": MSFT}


def csv(frame: pl.DataFrame, **renames: str) -> str:
    return frame.rename({"session": "Date", **renames}).write_csv()


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.rename({"session": "date"}).write_parquet(buffer)
    return buffer.getvalue()


def folder(contents: Mapping[str, str | bytes]) -> Write:
    return files({f"lake/{name}": content for name, content in contents.items()}, argument="lake")


def by_year(frame: pl.DataFrame, prefix: str) -> dict[str, bytes]:
    """One Parquet file a year below `prefix`, as year=2021/data_0.parquet."""
    year = pl.col("session").dt.year()
    return {
        f"{prefix}year={value}/data_0.parquet": parquet(frame.filter(year == value))
        for value in frame.select(year.unique().sort()).to_series()
    }


def by_day(names: Mapping[str, pl.DataFrame]) -> dict[str, bytes]:
    """All symbols of a day in one file below date=2021-06-01."""
    long = pl.concat([frame.with_columns(symbol=pl.lit(name)) for name, frame in names.items()])
    contents = {}
    for (day,), rows in long.group_by("session", maintain_order=True):
        buffer = io.BytesIO()
        rows.drop("session").write_parquet(buffer)
        contents[f"date={day}/part-0.parquet"] = buffer.getvalue()
    return contents


def indexed(frame: pl.DataFrame) -> bytes:
    """Parquet as pandas writes a frame whose index of dates has no name."""
    buffer = io.BytesIO()
    order = ["open", "high", "low", "close", "volume", "session"]
    frame.select(order).rename({"session": "__index_level_0__"}).write_parquet(buffer)
    return buffer.getvalue()


BULK = AAPL.select(
    pl.lit("AAPL.US").alias("<TICKER>"),
    pl.lit("D").alias("<PER>"),
    pl.col("session").dt.to_string("%Y%m%d").alias("<DATE>"),
    pl.lit("000000").alias("<TIME>"),
    *(pl.col(name).alias(f"<{name.upper()}>") for name in ("open", "high", "low", "close")),
    pl.col("volume").alias("<VOL>"),
    pl.lit(0).alias("<OPENINT>"),
).write_csv()

SHAPES = (
    Shape(
        name="Huge Stock Market Dataset: .us.txt files",
        source="Kaggle, borismarjanovic: Stocks/aapl.us.txt",
        write=folder({"aapl.us.txt": csv(AAPL), "msft.us.txt": csv(MSFT)}),
        holds=BOTH,
    ),
    Shape(
        name="Stooq: the bulk file of a symbol",
        source="stooq.com/db/h, d_us_txt.zip: data/daily/us/nasdaq stocks/aapl.us.txt",
        write=folder({"aapl.us.txt": BULK}),
        holds={"AAPL.US": AAPL},
    ),
    Shape(
        name="endings in capitals",
        source="old Windows software",
        write=folder({"AAPL.CSV": csv(AAPL), "MSFT.TXT": csv(MSFT)}),
        holds=BOTH,
    ),
    Shape(
        name="notes and scripts among the prices",
        source="any folder of a person who works in it",
        write=folder(
            {
                "AAPL.csv": csv(AAPL),
                "README": "Prices of June.",
                "readme.txt": "Date, Close: as downloaded",
                "LICENSE.txt": "MIT",
                "notes.md": "Date,Close\n",
                "fetch.py": "import yfinance",
                ".DS_Store": b"\0\0\0\1Bud1",
                "_SUCCESS": "",
                "Thumbs.db": b"\xd0\xcf\x11\xe0",
            }
        ),
        holds={"AAPL": AAPL},
    ),
    Shape(
        name="prices in formats that are not read, among others",
        source="a folder that several tools wrote to",
        write=folder(
            {
                "AAPL.csv": csv(AAPL),
                "MSFT.txt": csv(MSFT),
                "NVDA.CSV": csv(NVDA),
                "AMZN.json": '{"Date": {"0": 1622505600000}}',
                "GOOG.xlsx": b"PK\x03\x04",
                "META.feather": b"ARROW1",
                "TSLA.csv.bz2": bz2.compress(csv(AAPL).encode()),
                "notes.csv.bak": csv(NVDA),
                "remarks.txt": "bought in June, sold in July",
            }
        ),
        holds={**BOTH, "NVDA": NVDA},
        codes=("W17",),
    ),
    Shape(
        name="DuckDB: a folder a symbol",
        source="COPY ... TO 'lake' (FORMAT parquet, PARTITION_BY (symbol))",
        write=folder(
            {
                "symbol=AAPL/data_0.parquet": parquet(AAPL),
                "symbol=MSFT/data_0.parquet": parquet(MSFT),
            }
        ),
        holds=BOTH,
    ),
    Shape(
        name="Spark: a folder a ticker, marks of success beside",
        source="df.write.partitionBy('ticker').parquet('lake')",
        write=folder(
            {
                "_SUCCESS": "",
                "ticker=AAPL/part-00000-1d2c.c000.snappy.parquet": parquet(AAPL),
                "ticker=MSFT/part-00001-1d2c.c000.snappy.parquet": parquet(MSFT),
                "ticker=MSFT/.part-00001-1d2c.c000.snappy.parquet.crc": b"crc",
            }
        ),
        holds=BOTH,
    ),
    Shape(
        name="pyarrow: symbol, then year",
        source="pyarrow.dataset.write_dataset(partitioning=['symbol', 'year'], flavor hive)",
        write=folder({**by_year(AAPL, "symbol=AAPL/"), **by_year(MSFT, "symbol=MSFT/")}),
        holds=BOTH,
    ),
    Shape(
        name="polars: year, symbols inside",
        source="DataFrame.write_parquet(partition_by='year')",
        write=folder(by_year(AAPL.with_columns(symbol=pl.lit("AAPL")), "")),
        holds={"AAPL": AAPL},
    ),
    Shape(
        name="a folder a day, symbols inside",
        source="lakes that grow by the day: date=2021-06-01/part-0.parquet",
        write=folder(by_day({"AAPL": AAPL[:40], "MSFT": MSFT[:40]})),
        holds={"AAPL": AAPL[:40], "MSFT": MSFT[:40]},
    ),
    Shape(
        name="CSV in folders of symbols",
        source="DuckDB, COPY ... (FORMAT csv, PARTITION_BY (symbol))",
        write=folder({"symbol=BRK%2EB/data_0.csv": csv(AAPL), "symbol=MSFT/data_0.csv": csv(MSFT)}),
        holds={"BRK.B": AAPL, "MSFT": MSFT},
    ),
    Shape(
        name="pandas: Parquet whose index of dates has no name",
        source="DataFrame.to_parquet: __index_level_0__",
        write=folder({"AAPL.parquet": indexed(AAPL)}),
        holds={"AAPL": AAPL},
    ),
)
