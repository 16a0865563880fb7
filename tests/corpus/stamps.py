"""Stamps of a session as vendors write them: midnights in UTC, evenings before, hours, quotes."""

from __future__ import annotations

import polars as pl

from nextclose.data.calendars.sessions import zone_of
from tests.corpus.shapes import Shape, file, history, midnights


def stamped(frame: pl.DataFrame, stamps: pl.Series, *, header: str = "time") -> str:
    """The history with its sessions written as these stamps."""
    rest = frame.drop("session")
    return pl.DataFrame([stamps.alias(header), *rest.get_columns()]).write_csv()


def naive(instants: pl.Series) -> pl.Series:
    """Instants as text without their zone."""
    return instants.dt.strftime("%Y-%m-%d %H:%M:%S")


def seconds(instants: pl.Series) -> pl.Series:
    return instants.dt.epoch("s")


def later(sessions: pl.Series, exchange: str, hours: int) -> pl.Series:
    """Instants so many hours after each session's midnight at its exchange, by its clock."""
    local = sessions.cast(pl.Datetime("us")).dt.offset_by(f"{hours}h")
    return local.dt.replace_time_zone(zone_of(exchange)).dt.convert_time_zone("UTC")


def midnight(symbol: str, exchange: str, *, as_text: bool, source: str) -> Shape:
    """The exchange's midnight in UTC: as text that lost its zone, or as seconds since 1970."""
    frame = history(exchange=exchange)
    instants = midnights(frame["session"], exchange=exchange)
    kind = "text" if as_text else "seconds"
    return Shape(
        name=f"midnight in UTC, {kind}: {symbol}",
        source=source,
        write=file(
            f"{symbol}.csv", stamped(frame, naive(instants) if as_text else seconds(instants))
        ),
        holds={symbol: frame},
        exchanges={symbol: exchange},
    )


PANDAS = 'pandas, index.tz_convert("UTC").tz_localize(None)'
MIDNIGHTS = tuple(
    midnight(symbol, exchange, as_text=as_text, source=PANDAS if as_text else "chart APIs")
    for symbol, exchange in (
        ("7203.T", "XTKS"),
        ("0700.HK", "XHKG"),
        ("VOD.L", "XLON"),
        ("SAP.DE", "XETR"),
        ("BHP.AX", "XASX"),
        ("AIR.NZ", "XNZE"),
        ("RELIANCE.NS", "XBOM"),
        ("600519.SS", "XSHG"),
        ("AAPL", "XNYS"),
        ("PETR4.SA", "BVMF"),
    )
    for as_text in (True, False)
)

SYDNEY, FOREX, FUTURES = (history(exchange=name) for name in ("XASX", "24/5", "CMES"))
TOKYO, APPLE, COIN = history(exchange="XTKS"), history(), history(exchange="24/7")


def evenings(frame: pl.DataFrame, zone: str, hour: int) -> pl.Series:
    """The hour of a zone's clock on the evening before each session, as an instant in UTC."""
    before = frame["session"].cast(pl.Datetime("us")).dt.offset_by(f"{hour - 24}h")
    return before.dt.replace_time_zone(zone).dt.convert_time_zone("UTC")


FX_EVENINGS = evenings(FOREX, "America/New_York", 17)
CME_EVENINGS = evenings(FUTURES, "America/Chicago", 17)
OPENS = (
    Shape(
        name="opening in seconds: ten o'clock in Sydney",
        source="TradingView, chart export",
        write=file("BHP.AX.csv", stamped(SYDNEY, seconds(later(SYDNEY["session"], "XASX", 10)))),
        holds={"BHP.AX": SYDNEY},
    ),
    Shape(
        name="opening in seconds: nine o'clock in Tokyo",
        source="TradingView, chart export",
        write=file("7203.T.csv", stamped(TOKYO, seconds(later(TOKYO["session"], "XTKS", 9)))),
        holds={"7203.T": TOKYO},
    ),
    Shape(
        name="close in text: three o'clock in Tokyo is not the evening before",
        source="a broker's export of local times",
        write=file("7203.T.csv", stamped(TOKYO, TOKYO["session"].dt.strftime("%Y-%m-%d 15:00:00"))),
        holds={"7203.T": TOKYO},
    ),
    Shape(
        name="close in text: four o'clock in New York",
        source="GOOGLEFINANCE in a sheet, exported",
        write=file("AAPL.csv", stamped(APPLE, APPLE["session"].dt.strftime("%Y-%m-%d 16:00:00"))),
        holds={"AAPL": APPLE},
    ),
    Shape(
        name="evening before in seconds: currencies from five in New York",
        source="TradingView, chart export of a currency",
        write=file("EURUSD=X.csv", stamped(FOREX, seconds(FX_EVENINGS))),
        holds={"EURUSD=X": FOREX},
    ),
    Shape(
        name="evening before in text: currencies from five in New York",
        source="OANDA, dailyAlignment 17 in New York, shown in UTC",
        write=file("EURUSD.csv", stamped(FOREX, naive(FX_EVENINGS))),
        holds={"EURUSD": FOREX},
    ),
    Shape(
        name="evening before in seconds: futures",
        source="TradingView, chart export of a future",
        write=file("ES=F.csv", stamped(FUTURES, seconds(CME_EVENINGS))),
        holds={"ES=F": FUTURES},
        asks=("E44",),  # of Chicago, New York or London, its name does not say
        answers={"calendar": "CMES"},
        exchanges={"ES=F": "CMES"},
    ),
    Shape(
        name="midnight in milliseconds: a coin",
        source="Binance, klines",
        write=file(
            "BTCUSDT.csv", stamped(COIN, COIN["session"].cast(pl.Datetime("ms")).dt.epoch("ms"))
        ),
        holds={"BTCUSDT": COIN},
        exchanges={"BTCUSDT": "24/7"},
    ),
    Shape(
        name="days a day early: midnights of Tokyo cut to their date",
        source="pandas, index.tz_convert('UTC').date",
        write=file("7203.T.csv", stamped(TOKYO, TOKYO["session"].dt.offset_by("-1d"))),
        holds={"7203.T": TOKYO},
        asks=("E51",),
    ),
    Shape(
        name="days a day early, of no known exchange",
        source="pandas, index.tz_convert('UTC').date, a file named by hand",
        write=file("TOYOTA.csv", stamped(TOKYO, TOKYO["session"].dt.offset_by("-1d"))),
        holds={"TOYOTA": TOKYO},
        asks=("E51",),
        exchanges={"TOYOTA": "XTKS"},
    ),
)

AFTER_HOURS = Shape(
    name="stamps at eight in the evening of New York, in UTC",
    source="feeds that stamp the end of after-hours trading",
    write=file(
        "AAPL.csv",
        stamped(
            APPLE, later(APPLE["session"], "XNYS", 20).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        ),
    ),
    holds={"AAPL": APPLE},
)  # fmt: skip

LONDON = history(exchange="XLON")
FREE_NAMES = tuple(
    Shape(
        name=f"midnight in seconds, of no known exchange: {symbol}",
        source="chart APIs, a file named by hand",
        write=file(
            f"{symbol}.csv", stamped(rows, seconds(midnights(rows["session"], exchange=at)))
        ),
        holds={symbol: rows},
        asks=("E51",),
        answers=answers,
        exchanges={symbol: at},
    )
    for symbol, rows, at, answers in (
        ("TOYOTA", TOKYO, "XTKS", {}),
        ("VODAFONE", LONDON, "XLON", {"calendar": "XLON"}),  # in winter midnights are of UTC too
    )
)

LAST = APPLE["session"][-1]
PLAIN = stamped(APPLE, APPLE["session"].dt.strftime("%Y-%m-%d 00:00:00"), header="Date")
QUOTES = (
    Shape(
        name="a quote beside the day's bar",
        source="yfinance, history() while or after the exchange is open",
        write=file("AAPL.csv", PLAIN + f"{LAST} 16:00:01,99,101,98,100.5,12345\n"),
        holds={"AAPL": APPLE},
        codes=("P50",),
    ),
    Shape(
        name="a quote beside the day's bar, dates without a time",
        source="yfinance, history() to a spreadsheet and back",
        write=file(
            "AAPL.csv", PLAIN.replace(" 00:00:00", "") + f"{LAST} 11:32:10,99,101,98,100.5,12345\n"
        ),
        holds={"AAPL": APPLE},
        codes=("P50",),
    ),
)


def dated(form: str, *, source: str) -> Shape:
    """Dates in a form of which there is one reading."""
    return Shape(
        name=f"date written {form}",
        source=source,
        write=file("AAPL.csv", dated_text(form)),
        holds={"AAPL": APPLE},
    )


def dated_text(form: str) -> str:
    texts = APPLE["session"].dt.strftime(form.replace("upper ", ""))
    texts = texts.str.to_uppercase() if form.startswith("upper ") else texts
    return stamped(APPLE, texts.str.strip_chars(), header="Date")


FORMS = (
    dated("upper %d-%b-%Y", source="NSE, bhavcopy"),
    dated("%b %d, %Y", source="Investing.com, Yahoo's page"),
    dated("%Y%m%d", source="Stooq, Tushare"),
    dated("%d %b %Y", source="Moneycontrol, LSE"),
    dated("%Y年%m月%d日", source="Sina, Yahoo Japan"),
    dated("%Y年%-m月%-d日", source="Yahoo Japan"),
    dated("%a, %d %b %Y", source="ASX tables"),
    dated("%A, %B %-d, %Y", source="MarketWatch"),
)

GERMAN = [
    "Jan.",
    "Feb.",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "Aug.",
    "Sept.",
    "Okt.",
    "Nov.",
    "Dez.",
]
FRENCH = [
    "janv.",
    "févr.",
    "mars",
    "avr.",
    "mai",
    "juin",
    "juil.",
    "août",
    "sept.",
    "oct.",
    "nov.",
    "déc.",
]
SPANISH = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
]


def worded(language: str, form: str, months: list[str], *, source: str) -> Shape:
    """Dates with months in the words of a language."""
    days = APPLE["session"].to_list()
    texts = [form.format(day.day, months[day.month - 1], day.year) for day in days]
    return Shape(
        name=f"date in {language}",
        source=source,
        write=file("AAPL.csv", stamped(APPLE, pl.Series(texts), header="Date")),
        holds={"AAPL": APPLE},
    )


WORDS = (
    worded("German", "{}. {} {}", GERMAN, source="Boerse Frankfurt, tables"),
    worded("French", "{} {} {}", FRENCH, source="Boursorama, tables"),
    worded("Spanish", "{} de {} de {}", SPANISH, source="Bolsa de Madrid, tables"),
)

SHAPES = (*WORDS, *MIDNIGHTS, *OPENS, *QUOTES, *FORMS, *FREE_NAMES, AFTER_HOURS)
