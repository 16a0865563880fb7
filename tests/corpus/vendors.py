"""Tables of vendors, libraries and exchanges with a name for each column.

A row of `TABLES` is a header as its tool writes it: their name -> our column, a text to repeat
(in quotes), or a multiple of the close. What else differs, dates, separators and marks, follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from tests.corpus.shapes import Shape, file, history

NEW_YORK, SHANGHAI, FRANKFURT = (
    history(seed=1),
    history(seed=2, exchange="XSHG"),
    history(seed=3, exchange="XETR"),
)
OHLCV = "Date=session,Open=open,High=high,Low=low,Close=close,Volume=volume"


@dataclass(frozen=True, kw_only=True)
class Marks:
    """How cells are written."""

    date: str = "%Y-%m-%d"
    separator: str = ","
    decimal: str = "."
    newest_first: bool = False
    quoted: bool = False
    volume: str = "{}"
    price: str = "{}"


PLAIN = Marks()


@dataclass(frozen=True, kw_only=True)
class Table:
    """One tool's table: its columns as `theirs=ours,...`, and the file it comes in."""

    name: str
    source: str
    columns: str
    marks: Marks = PLAIN
    path: str = "AAPL.csv"
    symbol: str = "AAPL"
    rows: pl.DataFrame = field(default_factory=lambda: NEW_YORK)
    adjusted: float | None = None  # close that counts over the raw one
    asks: tuple[str, ...] = ()
    answers: Mapping[str, object] = field(default_factory=dict)
    before: str = ""  # lines above the header
    after: str = ""  # lines below the rows

    def shape(self) -> Shape:
        """The table as a shape of the corpus."""
        holds = self.rows
        if self.adjusted is not None:
            holds = holds.with_columns((pl.col("close") * self.adjusted).round(4))
        text = self.before + rendered(self.rows, self) + self.after
        return Shape(
            name=self.name,
            source=self.source,
            write=file(self.path, text),
            holds={self.symbol: holds},
            asks=self.asks,
            answers=self.answers,
        )


def rendered(rows: pl.DataFrame, table: Table) -> str:
    """The rows as the table's text."""
    marks = table.marks
    pairs = [pair.rpartition("=") for pair in table.columns.split(",")]
    columns = [_cells(rows, ours, table) for _, _, ours in pairs]
    lines = list(zip(*columns, strict=True))
    lines = lines[::-1] if marks.newest_first else lines
    quote = '"{}"' if marks.quoted else "{}"
    named = [[name for name, _, _ in pairs], *lines]
    return "".join(marks.separator.join(map(quote.format, line)) + "\n" for line in named)


def _cells(rows: pl.DataFrame, ours: str, table: Table) -> list[str]:
    marks = table.marks
    if ours.startswith("'"):
        text = ours.strip("'").replace(";", ",")  # a comma would end the pair
        return [text] * rows.height
    if ours == "session":
        return rows["session"].dt.strftime(marks.date).to_list()
    if ours == "volume":
        return [marks.volume.format(volume) for volume in rows["volume"]]
    if ours == "adjusted":
        values = (rows["close"] * (table.adjusted or 1.0)).round(4)
    else:
        values = rows[ours]
    return [marks.price.format(value).replace(".", marks.decimal) for value in values]


TABLES = (
    Table(
        name="yahoo: the website's download",
        source="finance.yahoo.com, historical data",
        columns="Date=session,Open=open,High=high,Low=low,Close=close,Adj Close=adjusted,"
        "Volume=volume",
        adjusted=0.8,
    ),
    Table(
        name="yfinance: Ticker.history to_csv",
        source="github.com/ranaroussi/yfinance, Ticker.history",
        columns=OHLCV + ",Dividends='0.0',Stock Splits='0.0'",
        marks=Marks(date="%Y-%m-%d 00:00:00-04:00"),
        rows=history(90, seed=1),  # of one offset, summer time
    ),
    Table(
        name="yahooquery: Ticker.history to_csv",
        source="github.com/dpguthrie/yahooquery, Ticker.history",
        columns="symbol='AAPL',date=session,open=open,high=high,low=low,close=close,"
        "volume=volume,adjclose=adjusted,dividends='0.0'",
        path="prices.csv",
        adjusted=0.8,
    ),
    Table(
        name="alpha vantage: TIME_SERIES_DAILY as CSV",
        source="alphavantage.co/documentation, datatype=csv",
        columns="timestamp=session,open=open,high=high,low=low,close=close,volume=volume",
        marks=Marks(newest_first=True),
    ),
    Table(
        name="alpha vantage: JSON keys as columns",
        source="alphavantage.co/documentation, TIME_SERIES_DAILY in pandas",
        columns="date=session,1. open=open,2. high=high,3. low=low,4. close=close,5. volume=volume",
        marks=Marks(newest_first=True),
    ),
    Table(
        name="alpha vantage: adjusted JSON keys as columns",
        source="alphavantage.co/documentation, TIME_SERIES_DAILY_ADJUSTED in pandas",
        columns="date=session,1. open=open,2. high=high,3. low=low,4. close=close,"
        "5. adjusted close=adjusted,6. volume=volume,7. dividend amount='0.0',"
        "8. split coefficient='1.0'",
        marks=Marks(newest_first=True),
        adjusted=0.8,
    ),
    Table(
        name="tiingo: daily prices as CSV",
        source="tiingo.com/documentation/end-of-day, format=csv",
        columns="date=session,close=close,high=high,low=low,open=open,volume=volume,"
        "adjClose=adjusted,adjHigh=high,adjLow=low,adjOpen=open,adjVolume=volume,divCash='0.0',"
        "splitFactor='1.0'",
        marks=Marks(date="%Y-%m-%dT00:00:00+00:00"),
        adjusted=0.8,
    ),
    Table(
        name="eodhd: api/eod as CSV",
        source="eodhd.com/financial-apis/api-for-historical-data-and-volumes",
        columns="Date=session,Open=open,High=high,Low=low,Close=close,Adjusted_close=adjusted,"
        "Volume=volume",
        adjusted=0.8,
    ),
    Table(
        name="iex cloud: chart",
        source="iexcloud.io/docs, historical prices",
        columns="date=session,close=close,high=high,low=low,open=open,symbol='AAPL',"
        "volume=volume,change='0.1',changePercent='0.001',label='Jun 1',changeOverTime='0'",
        path="chart.csv",
    ),
    Table(
        name="fmp: historical-price-full",
        source="site.financialmodelingprep.com, historical-price-full",
        columns="date=session,open=open,high=high,low=low,close=close,adjClose=adjusted,"
        "volume=volume,unadjustedVolume=volume,change='0.1',changePercent='0.1',vwap=close,"
        "label='June 01',changeOverTime='0.001'",
        marks=Marks(newest_first=True),
        adjusted=0.8,
    ),
    Table(
        name="twelve data: time_series as CSV",
        source="twelvedata.com/docs, format=CSV",
        columns="datetime=session,open=open,high=high,low=low,close=close,volume=volume",
        marks=Marks(separator=";", newest_first=True),
    ),
    Table(
        name="alpaca: bars of several symbols",
        source="github.com/alpacahq/alpaca-py, BarSet.df",
        columns="symbol='AAPL',timestamp=session,open=open,high=high,low=low,close=close,"
        "volume=volume,trade_count='1000',vwap=close",
        marks=Marks(date="%Y-%m-%d 04:00:00+00:00"),
        path="bars.csv",
        rows=history(90, seed=1),
    ),
    Table(
        name="quandl: WIKI/PRICES table",
        source="data.nasdaq.com, WIKI/PRICES",
        columns="ticker='AAPL',date=session,open=open,high=high,low=low,close=close,"
        "volume=volume,ex-dividend='0.0',split_ratio='1.0',adj_open=open,adj_high=high,"
        "adj_low=low,adj_close=adjusted,adj_volume=volume",
        path="WIKI_PRICES.csv",
        adjusted=0.8,
    ),
    Table(
        name="quandl: WIKI time series",
        source="data.nasdaq.com, WIKI/AAPL",
        columns="Date=session,Open=open,High=high,Low=low,Close=close,Volume=volume,"
        "Ex-Dividend='0.0',Split Ratio='1.0',Adj. Open=open,Adj. High=high,Adj. Low=low,"
        "Adj. Close=adjusted,Adj. Volume=volume",
        marks=Marks(newest_first=True),
        adjusted=0.8,
    ),
    Table(
        name="sharadar: SEP",
        source="data.nasdaq.com/databases/SFA, SEP",
        columns="ticker='AAPL',date=session,open=open,high=high,low=low,close=close,"
        "volume=volume,closeadj=adjusted,closeunadj=close,lastupdated='2024-08-01'",
        path="SHARADAR_SEP.csv",
        adjusted=0.8,
    ),
    Table(
        name="tidyquant: tq_get",
        source="github.com/business-science/tidyquant, tq_get",
        columns="symbol='AAPL',date=session,open=open,high=high,low=low,close=close,"
        "volume=volume,adjusted=adjusted",
        path="prices.csv",
        adjusted=0.8,
    ),
    Table(
        name="quantmod: getSymbols and write.zoo",
        source="github.com/joshuaulrich/quantmod, getSymbols; zoo::write.zoo",
        columns="Index=session,AAPL.Open=open,AAPL.High=high,AAPL.Low=low,AAPL.Close=close,"
        "AAPL.Volume=volume,AAPL.Adjusted=adjusted",
        adjusted=0.8,
    ),
    Table(
        name="quantmod: as data.frame and write.csv",
        source="github.com/joshuaulrich/quantmod, getSymbols; utils::write.csv",
        columns="=session,AAPL.Open=open,AAPL.High=high,AAPL.Low=low,AAPL.Close=close,"
        "AAPL.Volume=volume,AAPL.Adjusted=adjusted",
        adjusted=0.8,
    ),
    Table(
        name="finrl: a processed panel",
        source="github.com/AI4Finance-Foundation/FinRL, YahooDownloader",
        columns="date=session,open=open,high=high,low=low,close=close,volume=volume,tic='AAPL',"
        "day='1'",
        path="train_data.csv",
    ),
    Table(
        name="qlib: csv of dump_bin",
        source="github.com/microsoft/qlib, scripts/data_collector",
        columns="symbol='AAPL',date=session,open=open,high=high,low=low,close=close,"
        "volume=volume,factor='1.0'",
        path="features.csv",
    ),
    Table(
        name="tushare: daily",
        source="tushare.pro/document/2?doc_id=27",
        columns="ts_code='600519.SH',trade_date=session,open=open,high=high,low=low,close=close,"
        "pre_close=close,change='0.1',pct_chg='0.1',vol=volume,amount='1.0'",
        marks=Marks(date="%Y%m%d", newest_first=True),
        path="daily.csv",
        symbol="600519.SH",
        rows=SHANGHAI,
    ),
    Table(
        name="akshare: stock_zh_a_hist",
        source="github.com/akfamily/akshare, stock_zh_a_hist",
        columns="日期=session,开盘=open,收盘=close,最高=high,最低=low,成交量=volume,成交额='1.0',"
        "振幅='1.0',涨跌幅='0.1',涨跌额='0.1',换手率='0.1'",
        path="600519.SS.csv",
        symbol="600519.SS",
        rows=SHANGHAI,
    ),
    Table(
        name="baostock: query_history_k_data_plus",
        source="baostock.com, query_history_k_data_plus",
        columns="date=session,code='sh.600519',open=open,high=high,low=low,close=close,"
        "preclose=close,volume=volume,amount='1.0',adjustflag='3',turn='0.1',tradestatus='1',"
        "pctChg='0.1',isST='0'",
        path="sh.600519.csv",
        symbol="SH.600519",
        rows=SHANGHAI,
    ),
    Table(
        name="pykrx: get_market_ohlcv",
        source="github.com/sharebook-kr/pykrx",
        columns="날짜=session,시가=open,고가=high,저가=low,종가=close,거래량=volume,등락률='0.1'",
        path="005930.KS.csv",
        symbol="005930.KS",
        rows=history(seed=5, exchange="XKRX"),
    ),
    Table(
        name="FinanceDataReader: DataReader",
        source="github.com/FinanceData/FinanceDataReader",
        columns=OHLCV + ",Change='0.001'",
        path="005930.KS.csv",
        symbol="005930.KS",
        rows=history(seed=5, exchange="XKRX"),
    ),
    Table(
        name="nseindia: historical equity download",
        source="nseindia.com, security-wise archives",
        columns="Date =session,series ='EQ',OPEN =open,HIGH =high,LOW =low,PREV. CLOSE =close,"
        "ltp =close,close =close,vwap =close,52W H ='200.5',52W L ='50.5',VOLUME =volume,"
        "VALUE ='1.0',No of trades ='1000'",
        marks=Marks(date="%d-%b-%Y", quoted=True, newest_first=True, volume="{:,}"),
        path="RELIANCE.NS.csv",
        symbol="RELIANCE.NS",
        rows=history(seed=6, exchange="XBOM"),
    ),
    Table(
        name="bseindia: stock price download",
        source="bseindia.com, historical prices",
        columns="Date=session,Open Price=open,High Price=high,Low Price=low,Close Price=close,"
        "WAP=close,No.of Shares=volume,No. of Trades='1000',Total Turnover (Rs.)='1.0'",
        marks=Marks(date="%-d-%B-%Y", newest_first=True),
        path="RELIANCE.BO.csv",
        symbol="RELIANCE.BO",
        rows=history(seed=6, exchange="XBOM"),
    ),
    Table(
        name="investing.com: English",
        source="investing.com, historical data",
        columns="Date=session,Price=close,Open=open,High=high,Low=low,Vol.='1.54M',"
        "Change %='-1.12%'",
        marks=Marks(date="%m/%d/%Y", quoted=True, newest_first=True),
        path="AAPL Historical Data.csv",
    ),
    Table(
        name="investing.com: German",
        source="de.investing.com, historische Daten",
        columns="Datum=session,Zuletzt=close,Eröffn.=open,Hoch=high,Tief=low,Vol.='1;54M',"
        "+/- %='-1;12%'",
        marks=Marks(date="%d.%m.%Y", quoted=True, newest_first=True, decimal=","),
        path="SAP.DE.csv",
        symbol="SAP.DE",
        rows=FRANKFURT,
    ),
    Table(
        name="investing.com: Spanish",
        source="es.investing.com, datos históricos",
        columns="Fecha=session,Último=close,Apertura=open,Máximo=high,Mínimo=low,Vol.='1;54M',"
        "% var.='-1;12%'",
        marks=Marks(date="%d.%m.%Y", quoted=True, newest_first=True, decimal=","),
        path="SAN.MC.csv",
        symbol="SAN.MC",
        rows=history(seed=7, exchange="XMAD"),
    ),
    Table(
        name="investing.com: Portuguese",
        source="br.investing.com, dados históricos",
        columns="Data=session,Último=close,Abertura=open,Máxima=high,Mínima=low,Vol.='1;54M',"
        "Var%='-1;12%'",
        marks=Marks(date="%d.%m.%Y", quoted=True, newest_first=True, decimal=","),
        path="PETR4.SA.csv",
        symbol="PETR4.SA",
        rows=history(seed=8, exchange="BVMF"),
    ),
    Table(
        name="investing.com: French",
        source="fr.investing.com, données historiques",
        columns="Date=session,Dernier=close,Ouv.=open,Plus Haut=high,Plus Bas=low,Vol.='1;54M',"
        "Variation %='-1;12%'",
        marks=Marks(date="%d/%m/%Y", quoted=True, newest_first=True, decimal=","),
        path="MC.PA.csv",
        symbol="MC.PA",
        rows=history(seed=9, exchange="XPAR"),
    ),
    Table(
        name="boursorama: télécharger les cotations",
        source="boursorama.com, historique",
        columns="date=session,ouv=open,haut=high,bas=low,clot=close,vol=volume,devise='EUR'",
        marks=Marks(date="%d/%m/%Y 00:00", separator="\t"),
        path="MC.PA.txt",
        symbol="MC.PA",
        rows=history(seed=9, exchange="XPAR"),
    ),
    Table(
        name="börse frankfurt: Kurshistorie",
        source="boerse-frankfurt.de, Kurshistorie",
        columns="Datum=session,Eröffnung=open,Schluss=close,Tageshoch=high,Tagestief=low,"
        "Umsatz in Euro='1000',Umsatz in Stück=volume",
        marks=Marks(date="%d.%m.%y", separator=";", decimal=",", newest_first=True),
        path="SAP.DE.csv",
        symbol="SAP.DE",
        rows=FRANKFURT,
        asks=("E37",),
        answers={"date_format": "%d.%m.%y"},
    ),
    Table(
        name="ariva: Kurse als CSV",
        source="ariva.de, historische Kurse",
        columns="Datum=session,Erster=open,Hoch=high,Tief=low,Schlusskurs=close,Stuecke=volume,"
        "Volumen='1000'",
        marks=Marks(separator=";", decimal=",", newest_first=True),
        path="SAP.DE.csv",
        symbol="SAP.DE",
        rows=FRANKFURT,
    ),
    Table(
        name="finanzen.net: historische Kurse",
        source="finanzen.net, historische Kurse",
        columns="Datum=session,Eröffnung=open,Schluss=close,Tageshoch=high,Tagestief=low,"
        "Volumen=volume",
        marks=Marks(date="%d.%m.%Y", separator=";", decimal=",", newest_first=True),
        path="SAP.DE.csv",
        symbol="SAP.DE",
        rows=FRANKFURT,
    ),
    Table(
        name="euronext: historical price with a preamble",
        source="live.euronext.com, historical price, CSV",
        columns="Date=session,Open=open,High=high,Low=low,Last=close,Close=close,"
        "Number of Shares=volume,Number of Trades='1000',Turnover='1000',vwap=close",
        marks=Marks(date="%d/%m/%Y", separator=";", newest_first=True),
        before='"Historical Data"\n"From 2021-06-01 to 2022-08-01"\nNL0010273215\n',
        path="ASML.AS.csv",
        symbol="ASML.AS",
        rows=history(seed=10, exchange="XAMS"),
    ),
    Table(
        name="nasdaq nordic: sep line, trailing mark",
        source="nasdaqomxnordic.com, historical prices",
        columns="Date=session,Bid=close,Ask=close,Opening price=open,High price=high,"
        "Low price=low,Closing price=close,Average price=close,Total volume=volume,"
        "Turnover='1000',Trades='1000'",
        marks=Marks(separator=";", decimal=",", newest_first=True),
        before="sep=;\n",
        path="ERIC-B.ST.csv",
        symbol="ERIC-B.ST",
        rows=history(seed=11, exchange="XSTO"),
    ),
    Table(
        name="finam: export with a header",
        source="finam.ru/profile, export",
        columns="<TICKER>='AAPL',<PER>='D',<DATE>=session,<TIME>='000000',<OPEN>=open,"
        "<HIGH>=high,<LOW>=low,<CLOSE>=close,<VOL>=volume",
        marks=Marks(date="%Y%m%d"),
        path="AAPL_210601_220801.txt",
    ),
    Table(
        name="stooq.pl: Polish header",
        source="stooq.pl/q/d, CSV",
        columns="Data=session,Otwarcie=open,Najwyzszy=high,Najnizszy=low,Zamkniecie=close,"
        "Wolumen=volume",
        path="PKO.WA.csv",
        symbol="PKO.WA",
        rows=history(seed=12, exchange="XWAR"),
    ),
    Table(
        name="metastock: ASCII of seven columns",
        source="metastock.com, ASCII text format of The Downloader",
        columns="<TICKER>='AAPL',<DTYYYYMMDD>=session,<OPEN>=open,<HIGH>=high,<LOW>=low,"
        "<CLOSE>=close,<VOL>=volume",
        marks=Marks(date="%Y%m%d"),
        path="AAPL.txt",
    ),
    Table(
        name="amibroker: ASCII export",
        source="amibroker.com/guide, ASCII importer",
        columns="Ticker='AAPL',Date_YMD=session,Open=open,High=high,Low=low,Close=close,"
        "Volume=volume",
        marks=Marks(date="%Y%m%d"),
        path="export.csv",
    ),
    Table(
        name="metatrader 5: daily bars exported",
        source="metatrader5.com/en/terminal/help, export bars",
        columns="<DATE>=session,<OPEN>=open,<HIGH>=high,<LOW>=low,<CLOSE>=close,"
        "<TICKVOL>=volume,<VOL>='0',<SPREAD>='2'",
        marks=Marks(date="%Y.%m.%d", separator="\t"),
    ),
    Table(
        name="tradingview: chart export, ISO",
        source="tradingview.com, export chart data",
        columns="time=session,open=open,high=high,low=low,close=close,Volume=volume,"
        "Volume MA=volume",
        marks=Marks(date="%Y-%m-%dT09:30:00-04:00"),
        rows=history(90, seed=1),
    ),
    Table(
        name="sierra chart: spaces after commas",
        source="sierrachart.com, text data format",
        columns="Date=session, Time=' 00:00:00', Open=open, High=high, Low=low, Last=close,"
        " Volume=volume, NumberOfTrades='1000', BidVolume='500', AskVolume='500'",
        marks=Marks(date="%Y/%-m/%-d"),
    ),
    Table(
        name="marketwatch: volumes in groups",
        source="marketwatch.com, download historical quotes",
        columns=OHLCV,
        marks=Marks(date="%m/%d/%Y", quoted=True, newest_first=True, volume="{:,}"),
    ),
    Table(
        name="wsj: two-digit years",
        source="wsj.com/market-data, historical prices",
        columns="Date=session, Open=open, High=high, Low=low, Close=close, Volume=volume",
        marks=Marks(date="%m/%d/%y", newest_first=True),
        asks=("E37",),
        answers={"date_format": "%m/%d/%y"},
    ),
    Table(
        name="google sheets: GOOGLEFINANCE",
        source="support.google.com/docs, GOOGLEFINANCE, downloaded as CSV",
        columns=OHLCV,
        marks=Marks(date="%-m/%-d/%Y 16:00:00"),
    ),
    Table(
        name="macrotrends: preamble",
        source="macrotrends.net, download historical data",
        columns="date=session,open=open,high=high,low=low,close=close,volume=volume",
        before="Macrotrends Data Download\n\nAAPL - Historical Price and Volume Data\n\n"
        "Disclaimer and Terms of Use: Historical stock data is provided 'as is'.\n\n\n",
    ),
    Table(
        name="barchart: footer",
        source="barchart.com, historical download",
        columns="Time=session,Open=open,High=high,Low=low,Last=close,Change='0.1',"
        "%Chg='+0.10%',Volume=volume",
        marks=Marks(date="%m/%d/%Y", newest_first=True),
        after='"Downloaded from Barchart.com as of 08-05-2024 04:00pm CDT"\n',
    ),
    Table(
        name="nasdaq.com: dollar signs",
        source="nasdaq.com, historical quotes",
        columns="Date=session,Close/Last=close,Volume=volume,Open=open,High=high,Low=low",
        marks=Marks(date="%m/%d/%Y", newest_first=True, price="${}"),
    ),
    Table(
        name="dukascopy: JForex export",
        source="dukascopy.com, historical data export",
        columns="Gmt time=session,Open=open,High=high,Low=low,Close=close,Volume='1000.5'",
        marks=Marks(date="%d.%m.%Y 00:00:00.000"),
        path="EURUSD.csv",
        symbol="EURUSD",
        rows=history(seed=13, exchange="", price=1.1, decimals=5),
    ),
    Table(
        name="coinbase: candles",
        source="docs.cdp.coinbase.com, product candles in pandas",
        columns="time=session,low=low,high=high,open=open,close=close,volume='10.5'",
        path="BTC-USD.csv",
        symbol="BTC-USD",
        rows=history(seed=14, exchange="24/7"),
    ),
    Table(
        name="cryptodatadownload: preamble, newest first",
        source="cryptodatadownload.com, daily CSV",
        columns="date=session,symbol='BTC-USD',open=open,high=high,low=low,close=close,"
        "Volume BTC='10.5',Volume USD='1000.5'",
        marks=Marks(date="%Y-%m-%d 00:00:00", newest_first=True),
        before="https://www.CryptoDataDownload.com\n",
        path="Bitstamp_BTCUSD_d.csv",
        symbol="BTC-USD",
        rows=history(seed=14, exchange="24/7"),
    ),
    Table(
        name="coingecko: market data",
        source="coingecko.com, historical data CSV",
        columns="snapped_at=session,price=close,market_cap='1000.0',total_volume='1000.5'",
        marks=Marks(date="%Y-%m-%d 00:00:00 UTC"),
        path="BTC-USD.csv",
        symbol="BTC-USD",
        rows=history(seed=14, exchange="24/7"),
    ),
    Table(
        name="zipline: csvdir",
        source="github.com/stefan-jansen/zipline-reloaded, csvdir bundle",
        columns="date=session,open=open,high=high,low=low,close=close,volume=volume,"
        "dividend='0.0',split='1.0'",
    ),
    Table(
        name="backtrader: GenericCSVData",
        source="backtrader.com/docu/datafeed",
        columns=OHLCV + ",OpenInterest='0'",
    ),
    Table(
        name="norgate: CSV export",
        source="norgatedata.com, Norgate Data Updater export",
        columns=OHLCV + ",Turnover='1000.5',Unadjusted Close=close,Dividend='0'",
        marks=Marks(date="%Y%m%d"),
    ),
    Table(
        name="kaggle: NYSE prices.csv",
        source="kaggle.com/datasets/dgawlik/nyse",
        columns="date=session,symbol='AAPL',open=open,close=close,low=low,high=high,volume=volume",
        marks=Marks(date="%Y-%m-%d 00:00:00", volume="{}.0"),
        path="prices.csv",
    ),
    Table(
        name="kaggle: world stock prices",
        source="kaggle.com/datasets/nelgiriyewithana/world-stock-prices-daily-updating",
        columns=OHLCV + ",Brand_Name='apple',Ticker='AAPL',Industry_Tag='technology',"
        "Country='usa',Dividends='0.0',Stock Splits='0.0'",
        marks=Marks(date="%Y-%m-%d 00:00:00-04:00"),
        path="World-Stock-Prices-Dataset.csv",
        rows=history(90, seed=1),
    ),
    Table(
        name="kaggle: nifty50",
        source="kaggle.com/datasets/rohanrao/nifty50-stock-market-data",
        columns="Date=session,Symbol='INFY.NS',Series='EQ',Prev Close=close,Open=open,High=high,"
        "Low=low,Last=close,Close=close,VWAP=close,Volume=volume,Turnover='1e13',Trades='1000',"
        "Deliverable Volume=volume,%Deliverble='0.5'",
        path="INFY.csv",
        symbol="INFY.NS",
        rows=history(seed=6, exchange="XBOM"),
    ),
    Table(
        name="investpy: get_stock_historical_data",
        source="github.com/alvarobartt/investpy",
        columns=OHLCV + ",Currency='USD'",
    ),
    Table(
        name="refinitiv: get_timeseries",
        source="developers.lseg.com, Eikon Data API",
        columns="Date=session,HIGH=high,LOW=low,OPEN=open,CLOSE=close,VOLUME=volume",
        marks=Marks(volume="{}.0"),
    ),
    Table(
        name="bloomberg: bdh fields",
        source="bloomberg.com/professional, BDH; github.com/alpha-xone/xbbg",
        columns="Date=session,PX_OPEN=open,PX_HIGH=high,PX_LOW=low,PX_LAST=close,PX_VOLUME=volume",
    ),
    Table(
        name="interactive brokers: ib_insync util.df",
        source="github.com/erdewit/ib_insync, util.df(bars).to_csv",
        columns="='0',date=session,open=open,high=high,low=low,close=close,volume='15425.5',"
        "average=close,barCount='123'",
    ),
    Table(
        name="excel: a sheet saved as CSV in Germany",
        source="support.microsoft.com, save as CSV (semicolon) under German settings",
        columns="Date=session,Open=open,High=high,Low=low,Close=close,Volume=volume",
        marks=Marks(date="%d.%m.%Y", separator=";", decimal=","),
    ),
    Table(
        name="excel: a sheet saved as CSV in the United States",
        source="support.microsoft.com, save as CSV under United States settings",
        columns=OHLCV,
        marks=Marks(date="%-m/%-d/%Y"),
    ),
    Table(
        name="pandas: reset index kept",
        source="pandas.pydata.org, DataFrame.to_csv after reset_index",
        columns="=volume,Date=session,Open=open,High=high,Low=low,Close=close,Volume=volume",
    ),
    Table(
        name="polars: write_csv",
        source="docs.pola.rs, DataFrame.write_csv",
        columns="session=session,open=open,high=high,low=low,close=close,volume=volume",
    ),
    Table(
        name="date words: Jun 01, 2021",
        source="investing.com before 2022; coinmarketcap.com tables",
        columns=OHLCV,
        marks=Marks(date="%b %d, %Y", quoted=True, newest_first=True),
    ),
    Table(
        name="date words: 1-Jun-21",
        source="google.com/finance before 2018, historical CSV",
        columns=OHLCV,
        marks=Marks(date="%-d-%b-%y", newest_first=True),
        asks=("E37",),
        answers={"date_format": "%d-%b-%y"},
    ),
)

SHAPES = tuple(table.shape() for table in TABLES)
