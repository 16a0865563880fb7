"""Adjusted closes under the names that tools give them: what counts is the adjusted one."""

from __future__ import annotations

import polars as pl

from tests.corpus.columns_text import adjusted, table
from tests.corpus.shapes import Shape, file, history

AAPL = adjusted(history())
BARS = {"open": "open", "high": "high", "low": "low", "close": "raw", "volume": "volume"}


def shape(name: str, source: str, columns: dict[str, str], *, broken: str = "", **more) -> Shape:
    """One symbol's file with an adjusted close under some name."""
    text = table(AAPL, columns)
    return Shape(
        name=f"adjusted close: {name}",
        source=source,
        write=file("AAPL.csv", text),
        holds={"AAPL": AAPL},
        codes=("W26",),
        broken=broken,
        **more,
    )


def beside(name: str) -> dict[str, str]:
    """Raw bars, and the adjusted close under that name."""
    return {"date": "session", **BARS, name: "close"}


NUMBERED = {
    "timestamp": "session",
    "1. open": "open",
    "2. high": "high",
    "3. low": "low",
    "4. close": "raw",
    "5. adjusted close": "close",
    "6. volume": "volume",
}
QUANTMOD = {
    "date": "session",
    "AAPL.Open": "open",
    "AAPL.High": "high",
    "AAPL.Low": "low",
    "AAPL.Close": "raw",
    "AAPL.Volume": "volume",
    "AAPL.Adjusted": "close",
}
RAW_ALONE = history()
RAW_BARS = {name: name for name in ("open", "high", "low", "close", "volume")}
GAPPED_EARLY = [""] * 150 + [repr(close) for close in RAW_ALONE["close"][150:]]
GAPPED_LATE = [repr(close) for close in RAW_ALONE["close"][:-5]] + [""] * 5


def gapped(cells: list[str]) -> str:
    """Raw bars, and those cells under Adj Close."""
    lines = table(RAW_ALONE, {"Date": "session", **RAW_BARS}).splitlines()
    return "\n".join(f"{a},{b}" for a, b in zip(lines, ["Adj Close", *cells], strict=True))


def unread(name: str, value: str, source: str) -> Shape:
    """A column called as an adjusted close that holds none: the close is read."""
    return Shape(
        name=f"adjusted close: {name} = {value!r} is none",
        source=source,
        write=file(
            "AAPL.csv", table(RAW_ALONE, {"Date": "session", **RAW_BARS, name: f"={value}"})
        ),
        holds={"AAPL": RAW_ALONE},
        codes=("W25",),
    )


SHAPES = (
    shape(
        "adjusted",
        "R's tidyquant, tq_get(); business-science.github.io/tidyquant",
        beside("adjusted"),
    ),
    shape(
        "closeadj, closeunadj",
        "Sharadar SEP by Nasdaq Data Link, data.nasdaq.com/databases/SFA",
        {
            "ticker": "=AAPL",
            **beside("closeadj"),
            "closeunadj": "raw",
            "lastupdated": "=2024-08-01",
        },
    ),
    shape("AdjustedClose", "Microsoft SQL exports, C# clients of Yahoo", beside("AdjustedClose")),
    shape("Adjusted_close", "eodhd.com, /api/eod, CSV", beside("Adjusted_close")),
    shape("Adj. Close", "Quandl WIKI and its notebooks", beside("Adj. Close")),
    shape("Adj Close**", "copied from the page of finance.yahoo.com", beside("Adj Close**")),
    shape("adj close price", "spreadsheets kept by hand", beside("adj close price")),
    shape("5. adjusted close", "alpha_vantage for Python, output_format='pandas'", NUMBERED),
    shape("AAPL.Adjusted", "R's quantmod, getSymbols() and write.zoo()", QUANTMOD),
    shape("adjClose", "financialmodelingprep.com and Tiingo", beside("adjClose")),
    shape(
        "price_adjusted",
        "R's yfR and BatchGetSymbols: price_close, price_adjusted",
        {
            "ticker": "=AAPL",
            "ref_date": "session",
            **{f"price_{name}": source for name, source in BARS.items() if name != "volume"},
            "volume": "volume",
            "price_adjusted": "close",
        },
    ),
    shape(
        "調整後終値",
        "finance.yahoo.co.jp, copied",
        {
            "日付": "session",
            "始値": "open",
            "高値": "high",
            "安値": "low",
            "終値": "raw",
            "出来高": "volume",
            "調整後終値*": "close",
        },
    ),
    Shape(
        name="adjusted close: adj_px, a name that is not known",
        source="in-house databases",
        write=file("AAPL.csv", table(AAPL, beside("adj_px"))),
        holds={"AAPL": AAPL},
        asks=("E25",),
        answers={"columns": {"adj_px": "adj_close"}},
    ),
    Shape(
        name="adjusted close: a factor is none",
        source="JPX's stock_prices.csv on Kaggle: AdjustmentFactor",
        write=file(
            "AAPL.csv",
            table(RAW_ALONE, {"Date": "session", "Close": "close", "AdjustmentFactor": "=1.0"}),
        ),
        holds={"AAPL": RAW_ALONE},
        codes=("W25",),
    ),
    Shape(
        name="adjusted close: alone under close_adj",
        source="exports of one's own",
        write=file(
            "AAPL.csv", table(AAPL.select(pl.all()), {"date": "session", "close_adj": "close"})
        ),
        holds={"AAPL": AAPL},
    ),
    *(
        unread(name, value, source)
        for name, value, source in (
            ("adjusted", "1", "Polygon aggregates: adjusted, a flag of the request"),
            ("Adjusted", "True", "pandas frames with the request's options as columns"),
            ("Adj Close", "", "yfinance with auto_adjust: the column left empty"),
        )
    ),
    *(
        Shape(
            name=f"adjusted close: empty {name}",
            source="downloads that break off, columns joined by hand",
            write=file("AAPL.csv", gapped(cells)),
            holds={"AAPL": RAW_ALONE},
            asks=("E26",),
        )
        for name, cells in (
            ("in the first half", GAPPED_EARLY),
            ("in the newest five rows", GAPPED_LATE),
            ("as zeros in the first half", ["0.0"] * 150 + GAPPED_EARLY[150:]),
        )
    ),
    *(
        Shape(
            name=f"adjusted close: {name} is another's",
            source="frames of two symbols merged by date",
            write=file(
                "AAPL.csv",
                table(RAW_ALONE, {"date": "session", "close": "close", name: "open"}),
            ),
            holds={"AAPL": RAW_ALONE},
            asks=("E25",),
        )
        for name in ("SPY Adj Close", "Adj_Close_SPY", "AdjClose.1")
    ),
    *(
        shape(name, "akshare and tushare, forward and backward adjusted", beside(name))
        for name in ("close_qfq", "close_hfq", "前复权收盘价", "后复权", "後復權收盤價")
    ),
    *(
        shape(name, source, beside(name))
        for name, source in (
            ("調整済み終値", "Japanese brokers' downloads"),
            ("Zamkniecie skorygowane", "Polish portals"),
            ("ajClose", "clients in French and Spanish"),
        )
    ),
    *(
        shape(
            f"{name}, asked",
            "vendors' own words",
            beside(name),
            asks=("E25",),
            answers={"columns": {name: "adj_close"}},
        )
        for name in (
            *("Split Adj Close", "Div Adj Close", "Close_div_adj", "close_tr"),
            *("Schluss bereinigt", "Cours ajusté", "Split Adjusted", "backadjusted", "hfq"),
            *("TOT_RETURN_INDEX", "PX_LAST_TR"),
        )
    ),
)
