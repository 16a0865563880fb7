"""Names that vendors give to files of one symbol."""

from __future__ import annotations

import polars as pl

from tests.corpus.shapes import Shape, file, files, history

AAPL = history()
# what does not trade in New York: symbol -> its calendar
ELSEWHERE = {
    "VOD.UK": "XLON",
    "SH.600519": "XSHG",
    "BTCUSDT": "24/7",
    "BTC-USD": "24/7",
    "EURUSD": "24/5",
    "EUR_USD": "24/5",
}


def prices(symbol: str) -> pl.DataFrame:
    return history(exchange=ELSEWHERE[symbol]) if symbol in ELSEWHERE else AAPL


def text(frame: pl.DataFrame) -> str:
    names = {name: name.capitalize() for name in frame.columns}
    return frame.rename(names).rename({"Session": "Date"}).write_csv()


TEXT = text(AAPL)

# file name, its symbol, who names files so
NAMED = (
    ("aapl.us.txt", "AAPL", "Stooq bulk data; Huge Stock Market Dataset (Kaggle)"),
    ("brk-b.us.txt", "BRK-B", "Stooq bulk data"),
    ("prn.us.txt", "PRN", "Stooq bulk data: a name that Windows does not allow"),
    ("con.us.txt", "CON", "Stooq bulk data"),
    ("true.us.txt", "TRUE", "Stooq bulk data"),
    ("AAPL.US.csv", "AAPL", "EOD Historical Data"),
    ("aapl_us_d.csv", "AAPL", "stooq.com, the download of one symbol"),
    ("^spx_d.csv", "^SPX", "stooq.com, an index"),
    ("vod_uk_d.csv", "VOD.UK", "stooq.com, a share in London"),
    ("AAPL_US_D.csv", "AAPL", "stooq.com, renamed by a downloader"),
    ("AAPL Historical Data.csv", "AAPL", "investing.com"),
    ("AAPL Historical Data (1).csv", "AAPL", "investing.com, downloaded twice"),
    ("EUR_USD Historical Data.csv", "EUR_USD", "investing.com, a currency"),
    ("aapl_daily_historical-data-06-01-2024.csv", "AAPL", "barchart.com"),
    ("BTCUSDT-1d-2023.csv", "BTCUSDT", "data.binance.vision"),
    ("BTCUSDT-1d-2023-01.csv", "BTCUSDT", "data.binance.vision, a month"),
    ("BTCUSDT-1d-2023-01-31.csv", "BTCUSDT", "data.binance.vision, a day"),
    ("BTCUSDT_1d.csv", "BTCUSDT", "python-binance scripts"),
    ("Binance_BTCUSDT_d.csv", "BTCUSDT", "cryptodatadownload.com"),
    ("daily_AAPL.csv", "AAPL", "alphavantage.co"),
    ("daily_adjusted_AAPL.csv", "AAPL", "alphavantage.co"),
    ("NASDAQ_AAPL, 1D.csv", "AAPL", "tradingview.com"),
    ("NASDAQ_DLY_AAPL, 1D_3f2a1.csv", "AAPL", "tradingview.com, a second export"),
    ("BATS_BRK.B, 1D.csv", "BRK.B", "tradingview.com, a class of shares"),
    ("AAPL_Daily_202106010000_202208080000.csv", "AAPL", "MetaTrader 5, Export Bars"),
    ("EURUSD1440.csv", "EURUSD", "MetaTrader 4, History Center"),
    ("AAPL_210601_220808.csv", "AAPL", "finam.ru"),
    ("AAPL_2006-01-01_to_2018-01-01.csv", "AAPL", "DJIA 30 Stock Time Series (Kaggle)"),
    ("AAPL_20210601_20220808.csv", "AAPL", "download scripts that add the span"),
    ("AAPL_2021-06-01.csv", "AAPL", "download scripts that add the day"),
    ("WTI-DAILY.csv", "WTI", "datahub.io, core datasets"),
    ("wti-daily.csv", "WTI", "datahub.io, core datasets"),
    ("AAPL_daily.csv", "AAPL", "scripts around Alpha Vantage and yfinance"),
    ("AAPL_1D.csv", "AAPL", "trading libraries that add the interval"),
    ("AAPL-1d.csv", "AAPL", "trading libraries that add the interval"),
    ("WIKI-AAPL.csv", "AAPL", "Quandl"),
    ("EURUSD_Candlestick_1_D_BID_01.06.2021-08.08.2022.csv", "EURUSD", "Dukascopy"),
    ("AAPL (1).csv", "AAPL", "a browser, the second time"),
    ("BRK.B.csv", "BRK.B", "Nasdaq and Polygon spelling of a class of shares"),
    ("BF-B.csv", "BF-B", "Yahoo spelling of a class of shares"),
    ("BF_B.csv", "BF_B", "a class of shares, fit for any file system"),
    ("BTC-USD.csv", "BTC-USD", "Yahoo, a coin"),
    ("sh.600519.csv", "SH.600519", "baostock"),
    ("AAPL_2021.csv", "AAPL", "scripts that write a file a year"),
    ("AAPL-2021-06.csv", "AAPL", "scripts that write a file a month"),
    ("AAPL_2019_2022.csv", "AAPL", "scripts that name the years"),
    ("AAPL_data.csv", "AAPL", "kaggle.com, all_stocks_5yr: individual_stocks_5yr"),
    ("AAPL_prices.csv", "AAPL", "anybody's script"),
    ("AAPL_stock.csv", "AAPL", "anybody's script"),
    ("AAPL_stock_data.csv", "AAPL", "anybody's script"),
    ("AAPL_1Day.csv", "AAPL", "alpaca.markets, timeframes as 1Day"),
    ("aapl_history.csv", "AAPL", "anybody's script"),
    ("table_aapl.csv", "AAPL", "quantquote.com, free daily data"),
    ("AAPL.csv.csv", "AAPL", "browsers and systems that hide endings"),
    ("AAPL-US.csv", "AAPL", "factset.com, symbols with a region"),
    ("NASDAQ.AAPL.csv", "AAPL", "vendors that name the exchange first"),
    ("NVDA.CSV", "NVDA", "file systems that shout"),
    ("ALL.csv", "ALL", "Allstate"),
)
NAMELESS = (
    ("HistoricalData_1700000000000.csv", "nasdaq.com"),
    ("HistoricalPrices.csv", "wsj.com and marketwatch.com"),
    ("HistoricalQuotes.csv", "nasdaq.com until 2019"),
    ("prices.csv", "anybody"),
    ("data.csv", "anybody"),
    ("download (3).csv", "a browser"),
    ("US 500 Historical Data.csv", "investing.com, an index: no symbol has spaces"),
    ("2021-06-01.csv", "one file a day, without its symbols"),
    ("part-0.csv", "writers of partitions"),
    *(
        (f"{word}.csv", "anybody")
        for word in (
            *("result", "test", "sample", "merged", "stockdata", "market_data", "bars"),
            *("stock_data", "my_data", "all_prices", "price_history", "data_2021", "daily_2021"),
        )
    ),
)

SHAPES = (
    *(
        Shape(
            name=f"a file called {name}",
            source=source,
            write=file(name, text(prices(symbol))),
            holds={symbol: prices(symbol)},
        )
        for name, symbol, source in NAMED
    ),
    *(
        Shape(
            name=f"a file called {name}, which names no symbol",
            source=source,
            write=file(name, TEXT),
            holds={"AAPL": AAPL},
            asks=("E21",),
            answers={"symbols": {name: "AAPL"}},
        )
        for name, source in NAMELESS
    ),
    Shape(
        name="a file a year, named by its symbol",
        source="scripts that download year by year",
        write=files(
            {
                f"years/AAPL_{year}.csv": text(AAPL.filter(pl.col("session").dt.year() == year))
                for year in (2021, 2022)
            },
            argument="years",
        ),
        holds={"AAPL": AAPL},
    ),
    Shape(
        name="two partitions of one name in folders that are no partitions",
        source="writers of one folder a symbol",
        write=files(
            {
                "AAPL/part-0.csv": TEXT,
                "MSFT/part-0.csv": history(seed=1).rename({"session": "date"}).write_csv(),
            }
        ),
        holds={"AAPL": AAPL, "MSFT": history(seed=1)},
        asks=("E21",),
        answers={"symbols": {"AAPL/part-0.csv": "AAPL", "MSFT/part-0.csv": "MSFT"}},
    ),
)
