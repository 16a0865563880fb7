"""Several companies below each other in one file, told apart by a column."""

from __future__ import annotations

from tests.corpus.columns_text import table
from tests.corpus.shapes import Shape, file, files, history

TWO = {"AAPL": history(), "MSFT": history(seed=1)}
COIN = history(exchange="24/7")
BARS = {
    "Date": "session",
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Volume": "volume",
}


def long(key: str, names: dict[str, str], *, more: dict[str, dict[str, str]] | None = None) -> str:
    """Blocks below each other: `key` holds the name of each, `more` columns of its own."""
    blocks = []
    for symbol, bars in TWO.items():
        columns = {**BARS, key: f"={names.get(symbol, symbol)}", **((more or {}).get(symbol) or {})}
        blocks.append(table(bars, columns))
    return blocks[0] + "".join(block.split("\n", 1)[1] for block in blocks[1:])


USUAL = {
    "tic": "FinRL, YahooDownloader",
    "ts_code": "tushare.pro, daily()",
    "Company": "Kaggle, collections of a few shares",
    "Name": "Kaggle, all_stocks_5yr.csv",
    "Stock": "Kaggle, stocks below each other",
    "Index": "Kaggle, indexData.csv",
    "code": "baostock and jqdata, several shares",
    "asset": "zipline and alphalens, frames of an asset and a date",
    "instrument": "qlib, frames of an instrument and a datetime",
    "unique_id": "Nixtla's libraries",
    "Stock Symbol": "spreadsheets",
    "SECID": "iss.moex.com",
}
CODES = {"AAPL": "1301", "MSFT": "7203"}
BHAVCOPY = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,ISIN,\n"
INFY = history(40, exchange="XBOM")


def bhavcopy(k: int) -> str:
    """One day: the regular market, and on some days a block deal before or behind it."""
    row = INFY.row(k, named=True)
    day = f"{row['session']:%d-%b-%Y}".upper()

    def line(series: str, shift: float) -> str:
        prices = ",".join(f"{row[c] + shift:.2f}" for c in ("open", "high", "low", "close"))
        return f"INFY,{series},{prices},1.0,1.0,{row['volume']},5.0,{day},12,INE1,\n"

    block = line("BL", 3.0)
    return BHAVCOPY + {0: block, 1: ""}.get(k % 3, "") + line("EQ", 0.0) + {2: block}.get(k % 3, "")


def under(ticker: str, key: str, values: tuple[str, str], *, same_days: bool = True) -> str:
    """Two series under one ticker, told apart by another column."""
    first, second = history(), history(seed=1)
    if not same_days:
        first, second = history(260), history(520, seed=1).slice(260)
    blocks = [
        table(bars, {**BARS, "ticker": f"={ticker}", key: f"={value}"})
        for bars, value in zip((first, second), values, strict=True)
    ]
    return blocks[0] + blocks[1].split("\n", 1)[1]


SHAPES = (
    *(
        Shape(name=f"long: by {key}", source=source, write=file("prices.csv", long(key, {})), holds=TWO)
        for key, source in USUAL.items()
    ),
    Shape(
        name="long: by a column of one's own",
        source="exports of one's own",
        write=file("prices.csv", long("paper", {})),
        holds=TWO,
        asks=("E43",),
    ),
    Shape(
        name="long: by numeric codes",
        source="Kaggle, JPX Tokyo Stock Exchange Prediction: SecuritiesCode",
        write=file("stock_prices.csv", long("SecuritiesCode", CODES)),
        holds={CODES[s]: bars for s, bars in TWO.items()},
        asks=("E29",),
    ),
    Shape(
        name="long: by numbers of one's own",
        source="databases with keys of integers",
        write=file("prices.csv", long("paper_id", CODES)),
        holds={CODES[s]: bars for s, bars in TWO.items()},
        asks=("E43",),
    ),
    Shape(
        name="long: company names beside tickers",
        source="Kaggle, S&P 500 with names",
        write=file("prices.csv", long("Ticker", {}, more={"AAPL": {"Company": "=Apple Inc."}, "MSFT": {"Company": "=Microsoft"}})),
        holds=TWO,
    ),
    Shape(
        name="long: a company name in a file of one ticker",
        source="Kaggle, one file a share with its name",
        write=file("AAPL.csv", table(TWO["AAPL"], {**BARS, "Name": "=APPLE"})),
        holds={"AAPL": TWO["AAPL"]},
    ),
    Shape(
        name="long: one ticker in a file of all",
        source="Kaggle, all_stocks_5yr.csv, cut to one share",
        write=file("all_stocks_5yr.csv", table(TWO["AAPL"], {**BARS, "Name": "=AAPL"})),
        holds={"AAPL": TWO["AAPL"]},
    ),
    Shape(
        name="long: NSE's bhavcopy, block deals beside the regular market",
        source="nseindia.com, cmDDMMMYYYYbhav.csv",
        write=files({f"cm{k:02}bhav.csv": bhavcopy(k) for k in range(40)}),
        holds={"INFY": INFY},
        codes=("W43",),
    ),
    Shape(
        name="long: two exchanges of one ticker",
        source="global vendors: one row a listing",
        write=file("prices.csv", under("BHP", "exchange", ("NYSE", "LSE"))),
        holds={"BHP": history()},
        asks=("E43",),
        answers={"only": {"exchange": "NYSE"}},
    ),
    Shape(
        name="long: two share classes under one ticker",
        source="CRSP daily file: PERMNO",
        write=file("crsp.csv", under("GOOG", "PERMNO", ("14542", "90319"))),
        holds={"14542": history(), "90319": history(seed=1)},
        asks=("E43",),
    ),
    Shape(
        name="long: one ticker, two companies one after the other",
        source="CRSP daily file: PERMNO",
        write=file("crsp.csv", under("MET", "PERMNO", ("10001", "10002"), same_days=False)),
        holds={"10001": history(260), "10002": history(520, seed=1).slice(260)},
        asks=("E67",),
        answers={"columns": {"PERMNO": "symbol"}, "numeric_symbols": True},
    ),
    *(
        Shape(
            name=f"long: classes of shares as {name}",
            source=source,
            write=file("prices.csv", "".join([*["symbol,date,close\n"], *(f"{name},{d},{c}\n" for d, c in TWO["AAPL"].select("session", "close").iter_rows())])),
            holds={symbol: TWO["AAPL"].select("session", "close")},
            codes=codes,
        )
        for name, symbol, codes, source in (
            ("BRK.B", "BRK.B", (), "NYSE, Polygon, Alpaca"),
            ("BF-B", "BF-B", (), "Yahoo Finance, Tiingo"),
            ("BF/B", "BF-B", ("R30",), "CTA tapes, S&P, Bloomberg"),
        )
    ),
    Shape(
        name="long: a coin as BTC/USD",
        source="ccxt, Alpaca crypto",
        write=file("prices.csv", table(COIN, {"symbol": "=BTC/USD", "date": "session", "close": "close"})),
        holds={"BTC-USD": COIN},
        codes=("R30",),
    ),
)  # fmt: skip
