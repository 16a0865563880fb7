"""Shapes beside the well-known ones: another market, another column, another odd row."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from datetime import timedelta

import pandas as pd
import polars as pl

from tests.corpus.shapes import Shape, file, files, history, midnights

A, B, C = history(seed=21), history(seed=22, price=50.0), history(seed=23, price=20.0)
SHORT = history(120, seed=24)
TOKYO = history(seed=25, exchange="XTKS", price=2000.0)
LONDON = history(seed=26, exchange="XLON", price=500.0)
HONG_KONG = history(seed=27, exchange="XHKG")
FRANKFURT = history(seed=28, exchange="XETR")
SYDNEY = history(seed=29, exchange="XASX")
TORONTO = history(seed=30, exchange="XTSE")
SHANGHAI = history(seed=31, exchange="XSHG")
CRYPTO = history(seed=32, exchange="24/7", price=30_000.0)
MUMBAI, MUMBAI_TOO = (history(60, seed=k, exchange="XBOM", price=500.0) for k in (34, 35))
WEEKDAYS = history(seed=33, exchange="", price=1.2, decimals=5)
NAMES = {"session": "Date", "open": "Open", "high": "High", "low": "Low", "close": "Close"}
NAMES |= {"volume": "Volume"}


def csv(rows: pl.DataFrame, names: Mapping[str, str] = NAMES) -> str:
    """The rows under the usual names."""
    return rows.rename(dict(names)).write_csv()


def long(parts: Mapping[str, pl.DataFrame], name: str, *, by: str = "session") -> str:
    """Several symbols one below the other, `name` telling them apart; sorted by day or symbol."""
    frames = [rows.with_columns(pl.lit(symbol).alias(name)) for symbol, rows in parts.items()]
    return csv(pl.concat(frames).sort(by, maintain_order=True))


def named(rows: pl.DataFrame, ticker: str, name: str) -> pl.DataFrame:
    """The rows with a ticker and a company's name."""
    return rows.with_columns(pl.lit(ticker).alias("Ticker"), pl.lit(name).alias("Name"))


def closes(parts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Closes side by side: Date, and a column a symbol."""
    columns = [rows["close"].alias(symbol) for symbol, rows in parts.items()]
    first = next(iter(parts.values()))
    return pl.DataFrame([first["session"].alias("Date"), *columns])


def fields(parts: Mapping[str, pl.DataFrame], form: str) -> str:
    """All fields of several symbols side by side, each column named by `form`."""
    columns = [
        rows[ours].alias(form.format(field=theirs, symbol=symbol))
        for ours, theirs in list(NAMES.items())[1:]
        for symbol, rows in parts.items()
    ]
    first = next(iter(parts.values()))
    return pl.DataFrame([first["session"].alias("Date"), *columns]).write_csv()


def stamped(rows: pl.DataFrame, exchange: str, form: str) -> str:
    """Days written as the instant in UTC at which they begin at their exchange."""
    instants = midnights(rows["session"], exchange=exchange)
    if form.startswith("epoch"):
        per_second = 1000 if form == "epoch-ms" else 1
        text = (instants.dt.epoch("s") * per_second).cast(pl.String)
    else:
        text = instants.dt.strftime(form)
    return csv(rows.with_columns(text.alias("session")))


def parquet(frame: pd.DataFrame | pl.DataFrame) -> bytes:
    """A frame as a Parquet file; pandas' names of two levels as pandas writes them, as one text."""
    if not isinstance(frame, pl.DataFrame):
        index = pl.Series(frame.index.name, frame.index.to_numpy().astype("datetime64[us]"))
        columns = [pl.Series(str(name), frame[name].to_numpy()) for name in frame.columns]
        frame = pl.DataFrame([index, *columns])
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def bhavcopies(parts: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    """A file a session with a row a symbol, and a block deal of the first at another price."""
    head = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,TOTTRDQTY,TIMESTAMP,ISIN,\n"
    texts = {}
    for rows in zip(*(rows.iter_rows(named=True) for rows in parts.values()), strict=True):
        day = f"{rows[0]['session']:%d-%b-%Y}".upper()
        lines = [head]
        for symbol, row in zip(parts, rows, strict=True):
            prices = ",".join(str(row[name]) for name in ("open", "high", "low", "close", "close"))
            lines.append(f"{symbol},EQ,{prices},{row['volume']},{day},INE002A01018,\n")
        dear = ",".join(["999.5"] * 5)
        lines.insert(2, f"{next(iter(parts))},BL,{dear},1000,{day},INE002A01018,\n")
        texts[f"bhav/cm{rows[0]['session']:%d%b%Y}bhav.csv"] = "".join(lines)
    return texts


def in_parts(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their days in three columns."""
    day = pl.col("session").dt
    return rows.select(
        day.year().alias("Year"),
        day.month().alias("Month"),
        day.day().alias("Day"),
        "open",
        "high",
        "low",
        "close",
        "volume",
    )


def _two_levels(parts: Mapping[str, pl.DataFrame], *, symbol_first: bool) -> pd.DataFrame:
    frames = {
        symbol: pd.DataFrame(rows.rename(NAMES).to_dict(as_series=False)).set_index("Date")
        for symbol, rows in parts.items()
    }
    wide = pd.concat(frames, axis=1)
    wide.index = pd.to_datetime(wide.index)
    return wide if symbol_first else wide.swaplevel(axis=1)


def _filled_days(rows: pl.DataFrame) -> pl.DataFrame:
    """Every day of the calendar, each without a session filled with the bar before."""
    days = pl.date_range(rows["session"][0], rows["session"][-1], "1d", eager=True)
    return pl.DataFrame({"session": days}).join_asof(rows, on="session").drop_nulls()


EVERY_DAY = _filled_days(A)
ETF = {"SPY": A, "QQQ": B, "IWM": C}
DEAD = A.with_columns(pl.lit(None, pl.Float64).alias(name) for name in A.columns[1:])

SHAPES = (
    *(
        Shape(
            name=f"several symbols told apart by {name!r}, sorted by {by}",
            source="kaggle.com datasets; a panel joined in pandas or R",
            write=file("prices.csv", long(ETF, name, by=by)),
            holds=ETF,
        )
        for name, by in (
            ("Symbol", "session"),
            ("tic", "session"),
            ("Stock", "session"),
            ("Ticker", "Ticker"),
            ("Company", "Company"),
            ("instrument", "instrument"),
            ("asset", "session"),
            ("code", "code"),
            ("RIC", "RIC"),
        )
    ),
    Shape(
        name="several symbols, company names beside their tickers",
        source="kaggle.com datasets",
        write=file(
            "prices.csv",
            csv(pl.concat([named(A, "AAPL", "Apple Inc."), named(B, "MSFT", "Microsoft")])),
        ),
        holds={"AAPL": A, "MSFT": B},
    ),
    Shape(
        name="a company's name in a file named after its ticker",
        source="kaggle.com datasets",
        write=file("AAPL.csv", csv(A.with_columns(pl.lit("Apple Inc.").alias("Name")))),
        holds={"AAPL": A},
    ),
    *(
        Shape(
            name=f"closes side by side, {len(parts)} symbols",
            source="github.com/ranaroussi/yfinance, download(...)['Close']",
            write=file("closes.csv", closes(parts).write_csv()),
            holds=parts,
        )
        for parts in ({"AAPL": A, "MSFT": B}, ETF)
    ),
    Shape(
        name="closes side by side, names with suffixes and marks",
        source="github.com/ranaroussi/yfinance, download(...)['Close']",
        write=file("closes.csv", closes({"BRK-B": A, "BF.B": B, "^GSPC": C}).write_csv()),
        holds={"BRK-B": A, "BF.B": B, "^GSPC": C},
    ),
    Shape(
        name="closes side by side as Parquet with pandas' index",
        source="pandas.pydata.org, DataFrame.to_parquet",
        write=file(
            "closes.parquet",
            parquet(closes({"AAPL": A, "MSFT": B})),
        ),
        holds={"AAPL": A, "MSFT": B},
    ),
    *(
        Shape(
            name=f"fields side by side as {form}",
            source="pandas.pydata.org, MultiIndex columns joined to texts",
            write=file("prices.csv", fields({"AAPL": A, "MSFT": B}, form)),
            holds={"AAPL": A, "MSFT": B},
        )
        for form in (
            "{field}_{symbol}",
            "{symbol}_{field}",
            "{symbol}.{field}",
            "{field}.{symbol}",
            "{field} {symbol}",
            "{symbol} {field}",
            "{symbol}-{field}",
            "('{field}', '{symbol}')",
        )
    ),
    Shape(
        name="fields side by side in lower case",
        source="pandas.pydata.org, MultiIndex columns joined to texts",
        write=file("prices.csv", fields({"AAPL": A, "MSFT": B}, "{symbol}_{field}").lower()),
        holds={"AAPL": A, "MSFT": B},
    ),
    *(
        Shape(
            name=f"two levels of names, {'symbols' if symbol_first else 'fields'} first, {kind}",
            source="github.com/ranaroussi/yfinance, download of several tickers",
            write=file(
                f"prices.{kind}",
                parquet(_two_levels({"AAPL": A, "MSFT": B}, symbol_first=symbol_first))
                if kind == "parquet"
                else _two_levels({"AAPL": A, "MSFT": B}, symbol_first=symbol_first).to_csv(),
            ),
            holds={"AAPL": A, "MSFT": B},
        )
        for symbol_first in (False, True)
        for kind in ("csv", "parquet")
    ),
    Shape(
        name="two levels of names, one symbol empty",
        source="github.com/ranaroussi/yfinance, download with a ticker that failed",
        write=file(
            "prices.csv",
            _two_levels({"AAPL": A, "DEAD": DEAD}, symbol_first=False).to_csv(),
        ),
        holds={"AAPL": A},
    ),
    *(
        Shape(
            name=f"midnights of {exchange} in UTC, {form}",
            source="yahoo's chart API; pandas, tz_convert('UTC').tz_localize(None)",
            write=file(f"{symbol}.csv", stamped(rows, exchange, form)),
            holds={symbol: rows},
            exchanges={symbol: exchange},
        )
        for symbol, rows, exchange, form in (
            ("7203.T", TOKYO, "XTKS", "%Y-%m-%d %H:%M:%S"),
            ("7203.T", TOKYO, "XTKS", "%Y-%m-%dT%H:%M:%SZ"),
            ("7203.T", TOKYO, "XTKS", "epoch-s"),
            ("VOD.L", LONDON, "XLON", "%Y-%m-%d %H:%M:%S"),
            ("VOD.L", LONDON, "XLON", "epoch-s"),
            ("0700.HK", HONG_KONG, "XHKG", "%Y-%m-%d %H:%M:%S"),
            ("0700.HK", HONG_KONG, "XHKG", "epoch-ms"),
            ("SAP.DE", FRANKFURT, "XETR", "%Y-%m-%d %H:%M:%S"),
            ("SAP.DE", FRANKFURT, "XETR", "%Y-%m-%d %H:%M:%S+00:00"),
            ("BHP.AX", SYDNEY, "XASX", "epoch-s"),
            ("BHP.AX", SYDNEY, "XASX", "%Y-%m-%d %H:%M:%S"),
            ("RY.TO", TORONTO, "XTSE", "epoch-s"),
            ("AAPL", A, "XNYS", "epoch-ms"),
        )
    ),
    Shape(
        name="days of Tokyo each a day early",
        source="pandas, tz_convert('UTC').dt.date",
        write=file(
            "7203.T.csv",
            csv(TOKYO.with_columns(pl.col("session") - timedelta(days=1))),
        ),
        holds={},
        asks=("E51",),
    ),
    *(
        Shape(
            name=f"a symbol as {symbol}",
            source="names of vendors",
            write=file(f"{symbol}.csv", csv(rows)),
            holds={symbol: rows},
            exchanges={symbol: exchange},
        )
        for symbol, rows, exchange in (
            ("600519.SH", SHANGHAI, "XSHG"),
            ("600519.XSHG", SHANGHAI, "XSHG"),
            ("SZ.000001", SHANGHAI, "XSHG"),
            ("SHOP.TO", TORONTO, "XTSE"),
            ("ABX.V", TORONTO, "XTSE"),
            ("SAP.F", FRANKFURT, "XFRA"),
            ("BRK.B", A, "XNYS"),
            ("JPM.PA", A, "XNYS"),
            ("BTCUSDT", CRYPTO, "24/7"),
            ("ETHUSD", CRYPTO, "24/7"),
            ("BTC-USD", CRYPTO, "24/7"),
            ("EURUSD", WEEKDAYS, "24/5"),
            ("GBPJPY=X", WEEKDAYS, "24/5"),
        )
    ),
    Shape(
        name="every day of the calendar, closed days filled with the bar before",
        source="pandas.pydata.org, asfreq('D').ffill()",
        write=file("AAPL.csv", csv(EVERY_DAY)),
        holds={"AAPL": A},
    ),
    Shape(
        name="closes alone, closed days filled with the close before",
        source="pandas.pydata.org, asfreq('D').ffill()",
        write=file("AAPL.csv", csv(EVERY_DAY.select("session", "close"), {"session": "Date"})),
        holds={"AAPL": A},
    ),
    Shape(
        name="closes before ranges were recorded, zeros for them",
        source="yahoo's ^GSPC before 1982",
        write=file(
            "^GSPC.csv",
            csv(
                A.with_row_index()
                .with_columns(
                    pl.when(pl.col("index") < 100).then(0.0).otherwise(c).alias(c)
                    for c in ("open", "high", "low")
                )
                .drop("index")
            ),
        ),
        holds={"^GSPC": A},
    ),
    Shape(
        name="a high below the close on some days",
        source="yahoo's last bar, whose range is of another moment",
        write=file(
            "AAPL.csv",
            csv(
                A.with_row_index()
                .with_columns(
                    pl.when(pl.col("index") % 50 == 9)
                    .then(pl.col("close") * 0.99)
                    .otherwise("high")
                    .alias("high")
                )
                .drop("index")
            ),
        ),
        holds={"AAPL": A},
    ),
    Shape(
        name="fred: a series under its name, points for holidays",
        source="fred.stlouisfed.org, download of SP500",
        write=file(
            "SP500.csv",
            "observation_date,SP500\n"
            + "".join(
                f"{day},{close if close is not None else '.'}\n"
                for day, close in pl.DataFrame(
                    {"session": pl.date_range(A["session"][0], A["session"][-1], "1d", eager=True)}
                )
                .filter(pl.col("session").dt.weekday() < 6)
                .join(A, on="session", how="left")
                .select("session", "close")
                .iter_rows()
            ),
        ),
        holds={"SP500": A},
    ),
    *(
        Shape(
            name=f"hive partitions by {key}, {kind}",
            source="arrow.apache.org/docs, partitioned datasets",
            write=files(
                {
                    f"lake/{key}=AAPL/part-0.{kind}": parquet(A) if kind == "parquet" else csv(A),
                    f"lake/{key}=MSFT/part-0.{kind}": parquet(B) if kind == "parquet" else csv(B),
                },
                argument="lake",
            ),
            holds={"AAPL": A, "MSFT": B},
        )
        for key in ("symbol", "ticker")
        for kind in ("parquet", "csv")
    ),
    Shape(
        name="a folder with gzip, upper-case endings and notes",
        source="a person's folder",
        write=files(
            {
                "prices/AAPL.CSV": csv(A),
                "prices/MSFT.csv.gz": gzip.compress(csv(B).encode()),
                "prices/IBM.txt": csv(C),
                "prices/README.md": "notes",
                "prices/.DS_Store": b"\0\0\0\1Bud1",
            },
            argument="prices",
        ),
        holds={"AAPL": A, "MSFT": B, "IBM": C},
    ),
    *(
        Shape(
            name=f"a symbol from {name}",
            source=source,
            write=file(name, csv(A)),
            holds={symbol: A},
        )
        for name, symbol, source in (
            ("aapl.us.txt", "AAPL", "kaggle.com, Huge Stock Market Dataset"),
            ("brk-b.us.txt", "BRK-B", "kaggle.com, Huge Stock Market Dataset"),
            ("aapl_us_d.csv", "AAPL", "stooq.com, the download button"),
            ("AAPL_US_D.csv", "AAPL", "stooq.com, the download button"),
            ("NASDAQ_AAPL, 1D.csv", "AAPL", "tradingview.com, export chart data"),
            ("AAPL Historical Data.csv", "AAPL", "investing.com, historical data"),
            ("AAPL (1).csv", "AAPL", "a browser that saved it twice"),
            ("AAPL_2010-01-01_2020-01-01.csv", "AAPL", "scripts that name the span"),
            ("AAPL_daily.csv", "AAPL", "scripts that name the period"),
            ("daily_AAPL.csv", "AAPL", "alphavantage.co, the downloaded CSV"),
        )
    ),
    Shape(
        name="volumes as floats with fractions",
        source="binance.com; adjusted volumes of vendors",
        write=file("AAPL.csv", csv(A.with_columns((pl.col("volume") + 0.25).alias("volume")))),
        holds={"AAPL": A},
    ),
    Shape(
        name="volume -1 throughout",
        source="interactivebrokers.com, forex bars",
        write=file("AAPL.csv", csv(A.with_columns(pl.lit(-1).alias("volume")))),
        holds={"AAPL": A},
    ),
    Shape(
        name="prices in euros with the sign behind",
        source="spreadsheets under German settings",
        write=file(
            "SAP.DE.csv",
            "Datum;Schlusskurs\n"
            + "".join(
                f"{day:%d.%m.%Y};{f'{close:.2f}'.replace('.', ',')} €\n"
                for day, close in FRANKFURT.select("session", "close").iter_rows()
            ),
        ),
        holds={"SAP.DE": FRANKFURT},
    ),
    Shape(
        name="nse: a folder of daily bhavcopies with block deals",
        source="nseindia.com, archives, cmDDMMMYYYYbhav.csv",
        write=files(bhavcopies({"RELIANCE": MUMBAI, "TCS": MUMBAI_TOO}), argument="bhav"),
        holds={"RELIANCE": MUMBAI, "TCS": MUMBAI_TOO},
        codes=("W43",),
        exchanges={"RELIANCE": "XBOM", "TCS": "XBOM"},
    ),
    *(
        Shape(
            name=f"year, month and day in columns of their own, {kind}",
            source="research data of universities; databases with keys of integers",
            write=file(
                f"AAPL.{kind}",
                parquet(in_parts(A)) if kind == "parquet" else in_parts(A).write_csv(),
            ),
            holds={"AAPL": A},
        )
        for kind in ("csv", "parquet")
    ),
    Shape(
        name="hive partitions of a symbol by year, month and day",
        source="arrow.apache.org/docs, partitioned datasets",
        write=files(
            {
                f"lake/symbol=AAPL/year={day.year}/month={day.month:02}/day={day.day:02}/p.csv": (
                    f"open,high,low,close\n{prices}\n"
                )
                for day, prices in zip(
                    SHORT["session"],
                    (",".join(map(str, row[1:5])) for row in SHORT.iter_rows()),
                    strict=True,
                )
            },
            argument="lake",
        ),
        holds={"AAPL": SHORT},
    ),
    Shape(
        name="a live row beside the last close",
        source="github.com/ranaroussi/yfinance, history after a session",
        write=file("AAPL.csv", csv(A) + f"{A['session'][-1]} 15:31:02,1.0,1.0,1.0,1.0,5\n"),
        holds={"AAPL": A},
        codes=("P50",),
    ),
)
