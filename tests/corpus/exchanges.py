"""Names that vendors give a symbol, and the calendar that its bars prove."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from tests.corpus.shapes import Shape, file, files, history


def plain(frame: pl.DataFrame, **more: pl.Series | pl.Expr) -> str:
    """The history as most tools write it: Date, Open, High, Low, Close, Volume."""
    capitals = {name: name.capitalize() for name in frame.columns if name != "session"}
    return frame.with_columns(**more).rename({"session": "Date", **capitals}).write_csv()


def filled(frame: pl.DataFrame, *, every: str = "1d") -> pl.DataFrame:
    """The history as `asfreq("D").ffill()` leaves it: days without session copy the bar before."""
    days = pl.date_range(frame["session"][0], frame["session"][-1], every, eager=True)
    filled_days = days.to_frame("session").join(frame, on="session", how="left")
    return filled_days.with_columns(pl.all().forward_fill())


def named(
    symbol: str,
    exchange: str,
    *,
    source: str,
    codes: tuple[str, ...] = (),
    as_symbol: str = "",
) -> Shape:
    """One file named by the symbol, its bars on the sessions of an exchange: read with no word."""
    frame = history(400, exchange=exchange)
    return Shape(
        name=f"name: {symbol}.csv",
        source=source,
        write=file(f"{symbol}.csv", plain(frame)),
        holds={as_symbol or symbol: frame},
        exchanges={as_symbol or symbol: exchange},
        codes=codes,
    )


def asked(
    name: str,
    frame: pl.DataFrame,
    exchange: str,
    *,
    source: str,
    holds: pl.DataFrame | None = None,
    answers: Mapping[str, object] | None = None,
) -> Shape:
    """A file whose bars are not of the calendar that its name tells: refused with a proposal."""
    symbol = name.partition(".csv")[0].partition(" ")[0]
    return Shape(
        name=f"calendar: {name}",
        source=source,
        write=file(f"{symbol}.csv", plain(frame)),
        holds={symbol: frame if holds is None else holds},
        asks=("E51",),
        answers=answers or {},
        exchanges={symbol: exchange},
    )


NAMES = (
    named("sh.600519", "XSHG", source="baostock", as_symbol="SH.600519"),
    named("sz.000001", "XSHG", source="baostock", as_symbol="SZ.000001"),
    named("600519.SH", "XSHG", source="tushare, ts_code"),
    named("000001.SZ", "XSHG", source="tushare, ts_code"),
    named("600519.XSHG", "XSHG", source="JoinQuant, rqalpha"),
    named("000001.XSHE", "XSHG", source="JoinQuant, rqalpha"),
    named("SH600519", "XSHG", source="qlib, tencent"),
    named("600519.SS", "XSHG", source="Yahoo Finance"),
    named("7203.T", "XTKS", source="Yahoo Finance"),
    named("RELIANCE.NS", "XBOM", source="Yahoo Finance"),
    named("SHOP.TO", "XTSE", source="Yahoo Finance"),
    named("ABC.V", "XTSE", source="Yahoo Finance, the venture exchange"),
    named("BTC.V", "24/7", source="Stooq", codes=("R51",)),
    named("BMW.F", "XFRA", source="Yahoo Finance"),
    named("MC.PA", "XPAR", source="Yahoo Finance"),
    named("JPM.PA", "XNYS", source="NYSE symbology, series A preferred"),
    named("BAC.PB", "XNYS", source="NYSE symbology, series B preferred"),
    named("BRK.B", "XNYS", source="NYSE symbology"),
    named("BTC-USD", "24/7", source="Yahoo Finance"),
    named("BTCUSDT", "24/7", source="Binance"),
    named("BTCUSD", "24/7", source="Bitstamp, TradingView"),
    named("ETHBTC", "24/7", source="Binance"),
    named("EURUSD", "24/5", source="MetaTrader, Dukascopy"),
    named("EUR-USD", "24/5", source="OANDA"),
    named("EURUSD=X", "24/5", source="Yahoo Finance"),
    named("XAUUSD", "24/5", source="MetaTrader"),
)

# Names that tell nothing: the first year of bars does.
FREE = (
    named("TOYOTA", "XTKS", source="a file named by hand", codes=("R51",)),
    named("MOUTAI", "XSHG", source="a file named by hand", codes=("R51",)),
    named("RELIANCE", "XBOM", source="NSE", codes=("R51",)),
    named("SAMSUNG", "XKRX", source="FinanceDataReader", codes=("R51",)),
    named("BITCOIN", "24/7", source="Kaggle", codes=("R51",)),
    named("GOLD_SPOT", "24/5", source="Kaggle", codes=("R51",)),
    named("SONY.ZZ", "XTKS", source="a suffix nobody knows", codes=("R51",)),
    named("AAPL", "XNYS", source="Yahoo Finance"),
)

TOKYO, SHANGHAI, NEW_YORK = history(exchange="XTKS"), history(exchange="XSHG"), history()
FUTURE = history(400, exchange="CMES", after=date(2022, 12, 30))
SHORT = history(120, exchange="XSHG")
TRUE = history(400)
EARLY = TRUE.with_columns(pl.col("session").dt.offset_by("-1d"))
LATE = TRUE.with_columns(pl.col("session").dt.offset_by("1d"))

CLOSED = ("09-13", "09-14", "09-20", "09-27", "04-25", "05-13", "07-18", "03-17", "04-26")
TEL_AVIV = history(500, exchange="24/7").filter(
    pl.col("session").dt.weekday().is_in([7, 1, 2, 3, 4]),
    ~pl.col("session").dt.strftime("%m-%d").is_in(CLOSED),
)

REFUSED = (
    asked("VOD.L of Tokyo", TOKYO, "XTKS", source="a suffix of the second listing"),
    asked("AAPL.UK of Shanghai", SHANGHAI, "XSHG", source="a bulk export with one suffix for all"),
    asked("ES.F of Stooq", FUTURE, "CMES", source="Stooq, a future"),
    asked("MOUTAI.csv of 120 bars", SHORT, "XSHG", source="akshare, written by hand"),
    asked("BTC-USD of weekdays", history(exchange="24/5"), "24/5", source="a broker's coin"),
    asked("GBTC.csv a day early", EARLY, "XNYS", source="dates cut from UTC stamps", holds=TRUE),
    asked(
        "TEVA.TA from Sunday to Thursday", TEL_AVIV, "", source="Yahoo Finance",
        answers={"calendar": "weekdays"},
    ),
    asked("GBTD.csv a day late", LATE, "XNYS", source="dates cut from UTC+14", holds=TRUE),
)  # fmt: skip

BASE = history(400)
FILLED = (
    Shape(
        name="filled: weekends and holidays copy the bar before",
        source='pandas, frame.asfreq("D").ffill()',
        write=file("AAPL.csv", plain(filled(BASE))),
        holds={"AAPL": BASE},
        codes=("P51",),
        exchanges={"AAPL": "XNYS"},
    ),
    Shape(
        name="filled: holidays alone copy the bar before",
        source='pandas, frame.asfreq("B").ffill()',
        write=file("AAPL.csv", plain(filled(BASE).filter(pl.col("session").dt.weekday() < 6))),
        holds={"AAPL": BASE},
        codes=("P51",),
    ),
    Shape(
        name="filled: closes alone",
        source='pandas, close.resample("D").ffill()',
        write=file("AAPL.csv", plain(filled(BASE).select("session", "close"))),
        holds={"AAPL": BASE},
        codes=("P51",),
    ),
    Shape(
        name="filled: no volume on the days filled in",
        source="a reindex, closes filled, volume fillna(0)",
        write=file(
            "AAPL.csv",
            plain(
                filled(BASE).with_columns(
                    pl.when(pl.col("session").is_in(BASE["session"].implode()))
                    .then("volume")
                    .otherwise(0)
                    .alias("volume")
                )
            ),
        ),
        holds={"AAPL": BASE},
        codes=("P51",),
    ),
)

MIXED = Shape(
    name="calendar: a folder of three exchanges without suffixes",
    source="yfinance downloads renamed by hand",
    write=files(
        {
            "folder/APPLE.csv": plain(history(400)),
            "folder/TOYOTA.csv": plain(history(400, exchange="XTKS", seed=1)),
            "folder/BITCOIN.csv": plain(history(400, exchange="24/7", seed=2)),
        },
        argument="folder",
    ),
    holds={
        "APPLE": history(400),
        "TOYOTA": history(400, exchange="XTKS", seed=1),
        "BITCOIN": history(400, exchange="24/7", seed=2),
    },
    codes=("R51",),
    exchanges={"APPLE": "XNYS", "TOYOTA": "XTKS", "BITCOIN": "24/7"},
)

SHAPES = (*NAMES, *FREE, *REFUSED, *FILLED, MIXED)
