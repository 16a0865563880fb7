"""Files whose first line is a bar: the names are asked for, and offered where the cells tell."""

from __future__ import annotations

import polars as pl

from tests.corpus.shapes import Shape, file, files, history

AAPL = history()
COINS = history(exchange="24/7", price=30_000.0)
DAY = pl.col("session")
PRICES = ("open", "high", "low", "close")


def lines(frame: pl.DataFrame, *columns: pl.Expr | str, separator: str = ",") -> str:
    """Rows of these columns without a header."""
    return frame.select(*columns).write_csv(include_header=False, separator=separator)


def shape(name: str, source: str, text: str, *, path: str = "AAPL.csv", **more: object) -> Shape:
    """A file without header row: asks once, by one E21."""
    more = {"holds": {"AAPL": AAPL}, "asks": ("E21",), **more}
    return Shape(name=name, source=source, write=file(path, text), **more)  # type: ignore[arg-type]


def klines(unit: str) -> str:
    """Binance's twelve columns; `unit` of its two stamps."""
    start = DAY.cast(pl.Datetime("us")).dt.epoch(unit)  # type: ignore[arg-type]
    n_day = {"ms": 86_400_000, "us": 86_400_000_000}[unit]
    quote = (pl.col("close") * pl.col("volume")).round(4)
    return lines(
        COINS,
        start.alias("open_time"),
        *PRICES,
        "volume",
        (start + n_day - 1).alias("close_time"),
        quote.alias("quote"),
        pl.lit(1234).alias("count"),
        pl.lit(1.0).alias("taker"),
        pl.lit(1.0).alias("taker_quote"),
        pl.lit(0).alias("ignore"),
    )


def slashed(form: str) -> pl.Expr:
    return DAY.dt.to_string(form).alias("day")


SHAPES = (
    shape(
        "Binance: klines of 2023",
        "data.binance.vision, spot/monthly/klines/BTCUSDT/1d",
        klines("ms"),
        path="BTCUSDT-1d-2023.csv",
        holds={"BTCUSDT": COINS},
    ),
    shape(
        "Binance: klines since 2025, in microseconds",
        "data.binance.vision, spot klines from 2025-01-01 on",
        klines("us"),
        path="BTCUSDT-1d-2025-01.csv",
        holds={"BTCUSDT": COINS},
    ),
    shape(
        "MetaTrader 4: date, time and five numbers",
        "MetaTrader 4 History Center, Export",
        lines(AAPL, slashed("%Y.%m.%d"), pl.lit("00:00").alias("time"), *PRICES, "volume"),
    ),
    shape(
        "MetaTrader 4: compact dates and times",
        "MetaTrader history by other tools, as 20210601,000000,1.1",
        lines(AAPL, slashed("%Y%m%d"), pl.lit("000000").alias("time"), *PRICES, "volume"),
    ),
    shape(
        "MetaTrader 5: tabs",
        "copy and paste from the symbol window of MetaTrader 5",
        lines(AAPL, slashed("%Y.%m.%d"), *PRICES, "volume", separator="\t"),
    ),
    shape(
        "Kibot: American dates",
        "kibot.com, daily stock data in ASCII",
        lines(AAPL, slashed("%m/%d/%Y"), *PRICES, "volume"),
        path="AAPL.txt",
    ),
    shape(
        "Finam: ticker, period, date and time in front",
        "finam.ru export without its header",
        lines(
            AAPL,
            pl.lit("AAPL").alias("ticker"),
            pl.lit("D").alias("per"),
            slashed("%Y%m%d"),
            pl.lit("000000").alias("time"),
            *PRICES,
            "volume",
        ),
        path="history.csv",
    ),
    shape(
        "ticker, date and prices",
        "EODData and others: one exchange a file, no header",
        lines(AAPL, pl.lit("AAPL").alias("ticker"), slashed("%Y%m%d"), *PRICES, "volume"),
        path="NYSE.txt",
    ),
    shape(
        "date and close alone",
        "spreadsheets of two columns",
        lines(AAPL, "session", "close"),
    ),
    shape(
        "open and close before high and low",
        "eastmoney and akshare: date, open, close, high, low, volume",
        lines(AAPL, "session", "open", "close", "high", "low", "volume"),
    ),
    shape(
        "low and high before open and close",
        "Coinbase candles: time, low, high, open, close, volume",
        lines(AAPL, "session", "low", "high", "open", "close", "volume"),
    ),
    shape(
        "the newest first, close before open",
        "Tiingo without its header: date, close, high, low, open, volume",
        lines(AAPL.reverse(), "session", "close", "high", "low", "open", "volume"),
    ),
    shape(
        "semicolons",
        "NinjaTrader: yyyyMMdd;open;high;low;close;volume",
        lines(AAPL, slashed("%Y%m%d"), *PRICES, "volume", separator=";"),
        path="AAPL.Last.txt",
    ),
    shape(
        "adjusted close or volume: only a person knows",
        "hand-cut Yahoo files: date, four prices, adjusted close, volume",
        lines(AAPL, "session", *PRICES, pl.col("close").alias("adjusted"), "volume"),
        answers={"header": ("date", *PRICES, "adj_close", "volume")},
    ),
    Shape(
        name="files with and without a header row side by side",
        source="data.binance.vision: futures klines have a header, spot klines none",
        write=files(
            {
                "AAPL.csv": lines(AAPL, slashed("%Y%m%d"), *PRICES, "volume"),
                "MSFT.csv": history(seed=1).rename({"session": "date"}).write_csv(),
            }
        ),
        holds={"AAPL": AAPL, "MSFT": history(seed=1)},
        asks=("E21",),
    ),
)
