"""Ranges that contradict their close, or are not there: closes all the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from tests.corpus.shapes import Shape, Write, file, files, history

BARS = history(seed=40)
OTHER = history(seed=41)
INDEX = history(seed=42, price=90.0)
LONDON = history(seed=43, exchange="XLON", price=250.0)
NAMES = {
    "session": "Date",
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "volume": "Volume",
}
Cells = Mapping[str, pl.Expr]


def changed(bars: pl.DataFrame, where: pl.Expr, cells: Cells) -> pl.DataFrame:
    """The bars with cells replaced at some rows, which `where` tells by their place."""
    return bars.with_columns(
        pl.when(where).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in cells.items()
    )


def yahoo(bars: pl.DataFrame, *, name: str = "AAPL.csv") -> Write:
    """One file with the columns of yfinance's `auto_adjust`."""
    return file(name, bars.rename(NAMES).write_csv())


ROW = pl.int_range(pl.len())
LAST, EARLY, RARE = (pl.len() - ROW).eq(1), ROW < 120, ROW % 37 == 5
CLOSE, OPEN, HIGH, LOW = (pl.col(name) for name in ("close", "open", "high", "low"))
BODY_TOP, BODY_BOTTOM = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
ZERO, NOTHING, MINUS = pl.lit(0.0), pl.lit(None, dtype=pl.Float64), pl.lit(-1.0)
NO_RANGE = dict.fromkeys(("open", "high", "low"), NOTHING)

# name, source, rows that differ, how, what is said of them
ROWS: tuple[tuple[str, str, pl.Expr, Cells, str], ...] = (
    (
        "yahoo: the newest close above its high",
        "yfinance, the last row of `history` while the high lags behind the close",
        LAST,
        {"high": CLOSE * 0.998},
        "P55",
    ),
    (
        "yahoo: an open outside its range by a cent",
        "yfinance, auto_adjust=True: open, high and low are rounded apart",
        RARE,
        {"high": BODY_TOP - 0.01, "low": BODY_BOTTOM + 0.01},
        "P55",
    ),
    (
        "backtrader: highs below the open",
        "backtrader, sample files in datas/",
        RARE,
        {"high": BODY_TOP * 0.97},
        "P55",
    ),
    (
        "a high and a low in each other's place",
        "quantmod, getSymbols.google's answers for OTC shares",
        RARE,
        {"high": LOW, "low": HIGH},
        "P55",
    ),
    (
        "an open a hundred times the price",
        "Kaggle, paultimothymooney/stock-market-data: pence amid pounds in one cell",
        RARE,
        {"open": OPEN * 100},
        "W55",
    ),
    (
        "a low above everything by half",
        "Kaggle, borismarjanovic/price-volume-data-for-all-us-stocks-etfs: splits in one column",
        RARE,
        {"low": CLOSE * 1.5},
        "W55",
    ),
    (
        "yahoo: an index whose opens begin in 1982",
        "Yahoo Finance, ^GSPC from 1962-01-02 on: Open 0.0 beside high, low and close",
        EARLY,
        {"open": ZERO},
        "W58",
    ),
    (
        "an index with closes alone at first",
        "stooq.com, ^spx before 1962; FRED, DJIA",
        EARLY,
        {**NO_RANGE, "volume": NOTHING},
        "W58",
    ),
    (
        "a fund's net asset values, the other cells empty",
        "boerse-frankfurt.de and morningstar: NAV in the close alone",
        ROW >= 0,
        {**NO_RANGE, "volume": NOTHING},
        "W58",
    ),
    (
        "a fund's net asset values, the other cells 0",
        "ariva.de, historical prices of funds",
        ROW >= 0,
        dict.fromkeys(("open", "high", "low"), ZERO),
        "W58",
    ),
    (
        "a fund's net asset values, all four alike",
        "Yahoo Finance, VFINX: open, high, low and close of one value, volume 0",
        ROW >= 0,
        {**dict.fromkeys(("open", "high", "low"), CLOSE), "volume": ZERO},
        "",
    ),
    (
        "the newest bar with its close alone",
        "yfinance#2895: NaN beside the close until the evening",
        LAST,
        {**NO_RANGE, "volume": NOTHING},
        "W58",
    ),
    (
        "days without volume",
        "Yahoo Finance, ^FTSE: empty volumes amid others",
        RARE,
        {"volume": NOTHING},
        "W58",
    ),
    (
        "-1 for a price that is not known",
        "Interactive Brokers, reqHistoricalData: -1 means no value",
        RARE,
        dict.fromkeys(("open", "high", "low"), MINUS),
        "W58",
    ),
    (
        "crude oil after the day below zero",
        "CME, CLK20 of 2020-04-21: low -16.74, close 10.01",
        ROW == 200,
        {"open": pl.lit(-14.0), "low": pl.lit(-16.74)},
        "W58",
    ),
    (
        "a low of 0 on some days",
        "Kaggle, camnugent/sandp500: no trade written as 0",
        RARE,
        {"low": ZERO},
        "W58",
    ),
)


def panel(change: Callable[[pl.DataFrame], pl.DataFrame]) -> str:
    """Two symbols one below the other, the second changed."""
    second = change(OTHER.with_columns(pl.col("volume").cast(pl.Float64)))
    parts = [BARS.with_columns(pl.col("volume").cast(pl.Float64)), second]
    named = [
        part.with_columns(pl.lit(name).alias("symbol"))
        for name, part in zip(("AAPL", "SPY"), parts, strict=True)
    ]
    return pl.concat(named, how="diagonal").write_csv()


SHAPES = (
    *(
        Shape(
            name=name,
            source=source,
            write=yahoo(changed(BARS, where, cells)),
            holds={"AAPL": BARS},
            codes=(code,) if code else (),
        )
        for name, source, where, cells, code in ROWS
    ),
    Shape(
        name="london: the auction's close beyond the day's range",
        source="londonstockexchange.com and EODHD, .LSE: high and low of the order book alone",
        write=yahoo(changed(LONDON, RARE, {"high": BODY_TOP * 0.995}), name="VOD.L.csv"),
        holds={"VOD.L": LONDON},
        codes=("P55",),
    ),
    Shape(
        name="shares with ranges beside an index with closes alone",
        source="FRED (SP500) beside Stooq's shares, a folder of files",
        write=files(
            {
                "AAPL.csv": BARS.rename(NAMES).write_csv(),
                "SPX.csv": INDEX.select(Date="session", Close="close").write_csv(),
            }
        ),
        holds={"AAPL": BARS, "SPX": INDEX},
    ),
    Shape(
        name="one table in which a symbol has no volume in any row",
        source="Tiingo's and EODHD's panels: an index amid shares",
        write=file("prices.csv", panel(lambda own: changed(own, ROW >= 0, {"volume": NOTHING}))),
        holds={"AAPL": BARS, "SPY": OTHER},
        codes=("W58",),
    ),
    Shape(
        name="one table in which a symbol has closes alone",
        source="a warehouse's table of shares and funds",
        write=file("prices.csv", panel(lambda own: own.select("session", "close"))),
        holds={"AAPL": BARS, "SPY": OTHER},
        codes=("W58",),
    ),
)
