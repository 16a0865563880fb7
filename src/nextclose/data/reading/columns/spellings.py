"""What vendors and languages call our columns: one table, and how a name is compared with it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

# Ours -> spellings in order of preference; those of one line are equals: two of them in one file
# are a question. Names that mean a close only where nothing better stands there come last.
SPELLINGS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "symbol": tuple(
        (name,)
        for name in (
            *("symbol", "ticker", "sym", "tic", "ticker_symbol", "stock_symbol", "act_symbol"),
            *("ts_code", "TckrSymb", "SECID", "SecuritiesCode", "unique_id", "ric"),
            *("股票代码", "证券代码", "종목코드"),
        )
    ),
    "session": tuple(
        (name,)
        for name in (
            *("session", "date", "time", "timestamp", "datetime", "day", "trade_date"),
            *("tradedate", "TradDt", "trading_day", "trading_date", "quote_date", "ref_date"),
            *("observation_date", "date_time", "caldt", "dlycaldt", "datadate"),
            *("Datum", "fecha", "data", "日期", "日付", "日付け", "날짜", "일자", "Дата"),
        )
    ),
    "open": (
        ("open", "open_price", "price_open", "openprice", "openprc", "OpnPric", "px_open"),
        ("Eröffnung", "Eröffn.", "Eröffnungskurs", "Erster", "Ouverture", "ouv", "Apertura"),
        ("Abertura", "Otwarcie", "始値", "开盘", "开盘价", "開盤價", "시가"),
    ),
    "high": (
        ("high", "high_price", "price_high", "highprice", "askhi", "HghPric", "px_high"),
        ("Hoch", "Tageshoch", "Plus Haut", "+ haut", "haut", "Máximo", "max", "Massimo"),
        ("Máxima", "Najwyzszy", "高値", "最高", "最高价", "最高價", "고가"),
    ),
    "low": (
        ("low", "low_price", "price_low", "lowprice", "bidlo", "LwPric", "px_low"),
        ("Tief", "Tagestief", "Plus Bas", "+ bas", "bas", "Mínimo", "min", "Minimo"),
        ("Mínima", "Najnizszy", "安値", "最低", "最低价", "最低價", "저가"),
    ),
    "close": (
        ("close",),
        (
            "closing",
            "close_price",
            "closing_price",
            "price_close",
            "closeprice",
            "ClsPric",
            "px_close",
        ),
        ("Close/Last", "closeunadj", "close_unadjusted", "unadjusted_close"),
        ("Schluss", "Schlusskurs", "Clôture", "clot", "Cierre", "Chiusura", "Fechamento"),
        ("Slot", "Slotkoers", "Kapan\u0131ş", "Stängningskurs", "Zamkniecie"),
        ("終値", "收盘", "收盘价", "收盤價", "종가"),
        (
            *("last", "price", "settle", "settlement", "settlement_price", "last_price", "px_last"),
            *("last_traded", "last_traded_price", "Zuletzt", "Dernier", "Último", "Ultimo"),
            *("Senast", "prc", "nav", "value"),
        ),
    ),
    "volume": (
        ("volume",),
        ("vol", "TOTTRDQTY", "TtlTradgVol", "no_of_shares", "number_of_shares", "total_volume"),
        ("shares_traded", "real_volume", "Stuecke", "Stücke", "成交股數"),
        ("Volumen", "Wolumen", "出来高", "成交量", "거래량"),
        ("tick_volume", "tickvol"),
    ),
    "adj_close": (
        ("adj_close",),
        (
            *("adjclose", "adjusted_close", "adjustedclose", "adjusted", "close_adj", "closeadj"),
            *("close_adjusted", "adj_close_price", "adjusted_close_price", "price_adjusted"),
            *("adj_closing_price", "adjusted_closing_price", "adjcloseprice", "closeadjusted"),
            *("adj_price", "adjusted_price", "split_adjusted_close", "ajclose"),
        ),
        ("close_qfq", "qfq_close", "前复权收盘价", "前复权", "前复权价", "前復權", "前復權收盤價"),
        ("close_hfq", "hfq_close", "后复权收盘价", "后复权", "后复权价", "後復權", "後復權收盤價"),
        (
            "調整後終値",
            "調整済み終値",
            "調整済終値",
            "株式分割調整後終値",
            "修正終値",
            "修正後終値",
        ),
        ("수정종가", "复权收盘价", "复权价", "Zamkniecie skorygowane"),
    ),
    "close_raw": (("close_raw",),),
    "currency": (("currency",), ("ccy",)),
}
# Of one letter each, as Polygon's and Finnhub's answers: read where all four prices are there.
LETTERS = {"t": "session", "o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
# Names of companies or keys: a symbol where they tell the rows of one date apart, and only there.
LESSER_SYMBOLS = (
    *("stock", "index", "code", "instrument", "asset", "security", "company", "name"),
    *("stock_code", "security_code", "stock_name", "company_name", "index_name", "item_id"),
    *("scrip", "scrip_code", "coin", "crypto", "pair", "contract", "identifier", "entity"),
    *("permno", "gvkey", "isin", "cusip", "figi", "sedol", "wkn", "sc_code", "sc_name"),
)
# Kinds of listing of one symbol: rows of one kind are to be read.
LISTINGS = (
    *("series", "sctysrs", "exchange", "exch", "exchange_code", "exchange_name", "mic", "market"),
    *("venue", "board", "boardid", "listing", "session_type", "interval", "period", "per"),
    *("currency", "ccy", "source", "vendor", "adjustment", "price_type"),
)
# In the names of columns side by side, where a ticker may be called anything.
PAIR_FIELDS = {
    **{name: name for name in ("open", "high", "low", "close", "volume", "adj_close")},
    "vol": "volume",
    **dict.fromkeys(("adjclose", "adjusted", "adjusted_close", "adj"), "adj_close"),
}

TICKER = re.compile(r"^[A-Z]{1,5}(?:[.-][A-Z]{1,2})?$")  # what hardly any other text looks like


def canonical_name(name: str) -> str:
    """A column name less case, accents, spaces, underscores, dots, <>, asterisks and numbering.

    The mark of a repeated name goes as well.
    """
    plain = re.sub(r"_duplicated_\d+$", "", name.replace("\ufeff", ""))
    plain = re.sub(r"^\s*\d+\.\s+", "", plain).strip().strip("<>*")
    parts = unicodedata.normalize("NFKD", plain.lower())
    plain = unicodedata.normalize("NFC", "".join(c for c in parts if not _is_accent(c)))
    return re.sub(r"[\s_.-]+", "_", plain).strip("_")


def _is_accent(character: str) -> bool:
    return "\u0300" <= character <= "\u036f"


CURRENCY = re.compile(
    r"[\s_.-]*(?:\((?:[$€£¥₹]|rs[._]?|inr|usd|eur|gbp|gbx)\)|[$€£¥₹]|(?<=[\s_])(?:usd|eur|gbp|inr))$"
)


def without_currency(key: str) -> str:
    """A canonical name less the currency behind it: `close_usd` and `close (rs)` are a close."""
    return canonical_name(CURRENCY.sub("", key))


KNOWN = {
    canonical_name(spelling): ours
    for ours, tiers in SPELLINGS.items()
    for tier in tiers
    for spelling in tier
}
TIERS = {
    ours: tuple(tuple(dict.fromkeys(map(canonical_name, tier))) for tier in tiers)
    for ours, tiers in SPELLINGS.items()
}
