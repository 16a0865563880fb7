"""Columns in the words of vendors and languages."""

from __future__ import annotations

from tests.corpus.columns_text import german, table
from tests.corpus.shapes import Shape, file, history

AAPL = history()
ORDER = ("session", "open", "high", "low", "close", "volume")

WORDS = {  # name -> source, the six columns in ORDER
    "polygon: single letters": (
        "polygon.io aggregates, results as a data frame",
        ("t", "o", "h", "l", "c", "v"),
    ),
    "MOEX": ("iss.moex.com history", ("TRADEDATE", "OPEN", "HIGH", "LOW", "CLOSE", "VOLUME")),
    "CRSP": ("CRSP daily file", ("date", "OPENPRC", "ASKHI", "BIDLO", "PRC", "VOL")),
    "BSE": (
        "bseindia.com stock prices",
        ("Date", "Open Price", "High Price", "Low Price", "Close Price", "No.of Shares"),
    ),
    "NSE UDiFF": (
        "nseindia.com BhavCopy_NSE_CM since July 2024",
        ("TradDt", "OpnPric", "HghPric", "LwPric", "ClsPric", "TtlTradgVol"),
    ),
    "barchart": ("barchart.com", ("Time", "Open", "High", "Low", "Last", "Volume")),
    "settlement": (
        "exchange downloads of futures",
        ("Date", "Open", "High", "Low", "Settle", "Volume"),
    ),
    "value": ("FRED before 2016: DATE,VALUE", ("DATE", "", "", "", "VALUE", "")),
    "NAV": ("fund houses", ("Date", "", "", "", "NAV", "")),
    "German": (
        "ariva.de historical prices",
        ("Datum", "Erster", "Hoch", "Tief", "Schlusskurs", "Stuecke"),
    ),
    "German, comdirect": (
        "comdirect.de",
        ("Datum", "Eröffnung", "Hoch", "Tief", "Schluss", "Volumen"),
    ),
    "French": ("boursorama.com", ("date", "ouv", "haut", "bas", "clot", "vol")),
    "French, investing": (
        "fr.investing.com",
        ("Date", "Ouv.", "Plus Haut", "Plus Bas", "Dernier", "Vol."),
    ),
    "Spanish": ("es.investing.com", ("Fecha", "Apertura", "Máximo", "Mínimo", "Último", "Vol.")),
    "Spanish, closing": (
        "bolsa pages",
        ("Fecha", "Apertura", "Máximo", "Mínimo", "Cierre", "Volumen"),
    ),
    "Italian": ("it.investing.com", ("Data", "Apertura", "Massimo", "Minimo", "Ultimo", "Vol.")),
    "Portuguese": ("br.investing.com", ("Data", "Abertura", "Máxima", "Mínima", "Último", "Vol.")),
    "Polish": ("stooq.pl", ("Data", "Otwarcie", "Najwyzszy", "Najnizszy", "Zamkniecie", "Wolumen")),
    "Japanese": ("kabutan, stooq.jp", ("日付", "始値", "高値", "安値", "終値", "出来高")),
    "Chinese": ("akshare stock_zh_a_hist", ("日期", "开盘", "最高", "最低", "收盘", "成交量")),
    "Chinese, prices": ("163.com", ("日期", "开盘价", "最高价", "最低价", "收盘价", "成交量")),
    "Korean": ("pykrx, data.krx.co.kr", ("날짜", "시가", "고가", "저가", "종가", "거래량")),
    "Date/Time without case": (
        "exports of one's own",
        ("DATE TIME", "open", "high", "low", "close", "vol"),
    ),
}


def columns(names: tuple[str, ...]) -> dict[str, str]:
    """The header of the names that are not empty."""
    return {name: ours for name, ours in zip(names, ORDER, strict=True) if name}


def in_words(name: str) -> Shape:
    source, names = WORDS[name]
    stamp = (
        (lambda day: f"{(day.toordinal() - 719_163) * 86_400_000 + 5 * 3_600_000}")
        if names[0] == "t"
        else str
    )
    return Shape(
        name=f"words: {name}",
        source=source,
        write=file("AAPL.csv", table(AAPL, columns(names), day=stamp)),
        holds={"AAPL": AAPL},
    )


ARIVA = dict(zip(("Datum", "Erster", "Hoch", "Tief", "Schlusskurs", "Stuecke"), ORDER, strict=True))
FUTURES = {"Date": "session", "Open": "open", "High": "high", "Low": "low", "Last": "close"}

SHAPES = (
    *map(in_words, WORDS),
    Shape(
        name="words: ariva, whose Volumen is money beside Stuecke",
        source="ariva.de historical prices",
        write=file(
            "SAP.DE.csv",
            table(
                history(exchange="XETR"),
                ARIVA | {"Volumen": "=1234567"},
                separator=";",
                price=german,
                count=lambda n: f"{n:,}".replace(",", "."),
            ),
        ),
        holds={"SAP.DE": history(exchange="XETR")},
    ),
    Shape(
        name="words: Last beside Settle",
        source="CHRIS futures of Nasdaq Data Link",
        write=file("AAPL.csv", table(AAPL, FUTURES | {"Settle": "open"})),
        holds={"AAPL": AAPL},
        asks=("E23",),
        answers={"columns": {"Last": "close"}},
    ),
    Shape(
        name="words: closes of a name that nobody knows",
        source="exports of one's own",
        write=file(
            "AAPL.csv",
            table(
                AAPL,
                dict(
                    zip(
                        ("dt", "px_open", "px_high", "px_low", "px_close_eod", "qty"),
                        ORDER,
                        strict=True,
                    )
                ),
            ),
        ),
        holds={"AAPL": AAPL},
        asks=("E21",),
    ),
    Shape(
        name="words: Prev Close beside Close",
        source="nseindia.com quote pages",
        write=file(
            "AAPL.csv",
            table(AAPL, {"Date": "session", "Prev Close": "open", "ltp": "open", "Close": "close"}),
        ),
        holds={"AAPL": AAPL},
    ),
)
