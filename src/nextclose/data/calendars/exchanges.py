"""Which exchange a symbol is of, told by its suffix: a table.

Suffixes are those of Yahoo Finance, and of Stooq; codes are ISO 10383 market identifiers, as
`exchange_calendars` names them. "" stands for "not known": then every weekday counts as a session.
Athens and Tel Aviv are left out: their calendars cannot be built by the versions pinned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

WEEKDAYS = "weekdays"  # the setting that asks for no exchange
UNKNOWN = ""
DEFAULT = "XNYS"  # names without a suffix: New York, Nasdaq keeps the same sessions

SUFFIXES: Mapping[str, str] = {
    "US": "XNYS",
    "UK": "XLON",
    "JP": "XTKS",
    "PL": "XWAR",  # as Stooq writes them
    "L": "XLON",
    "IL": "XLON",
    "IR": "XDUB",
    "PA": "XPAR",
    "AS": "XAMS",
    "BR": "XBRU",
    "LS": "XLIS",
    "MI": "XMIL",
    "MC": "XMAD",
    "DE": "XETR",
    "F": "XFRA",
    "DU": "XDUS",
    "HM": "XHAM",
    "SG": "XSTU",
    "SW": "XSWX",
    "VI": "XWBO",
    "ST": "XSTO",
    "CO": "XCSE",
    "HE": "XHEL",
    "OL": "XOSL",
    "IC": "XICE",
    "WA": "XWAR",
    "PR": "XPRA",
    "BD": "XBUD",
    "IS": "XIST",
    "TL": "XTAL",
    "RG": "XRIS",
    "VS": "XLIT",
    "ME": "XMOS",
    "JO": "XJSE",
    "T": "XTKS",
    "HK": "XHKG",
    "SS": "XSHG",
    "SZ": "XSHG",
    "TW": "XTAI",
    "TWO": "XTAI",
    "KS": "XKRX",
    "KQ": "XKRX",
    "NS": "XBOM",
    "BO": "XBOM",
    "SI": "XSES",
    "KL": "XKLS",
    "BK": "XBKK",
    "JK": "XIDX",
    "AX": "XASX",
    "NZ": "XNZE",
    "SR": "XSAU",
    "TO": "XTSE",
    "V": "XTSE",
    "NE": "XTSE",
    "CN": "XTSE",
    "MX": "XMEX",
    "SA": "BVMF",
    "BA": "XBUE",
    "SN": "XSGO",
}
INDICES: Mapping[str, str] = {
    **dict.fromkeys(("^GSPC", "^DJI", "^IXIC", "^NDX", "^RUT", "^VIX", "^NYA"), "XNYS"),
    "^FTSE": "XLON",
    "^FTMC": "XLON",
    "^GDAXI": "XETR",
    "^FCHI": "XPAR",
    "^AEX": "XAMS",
    "^IBEX": "XMAD",
    "^SSMI": "XSWX",
    "^N225": "XTKS",
    "^HSI": "XHKG",
    "^BVSP": "BVMF",
    "^GSPTSE": "XTSE",
    "^AXJO": "XASX",
    "^KS11": "XKRX",
    "^TWII": "XTAI",
    "^NSEI": "XBOM",
    "^BSESN": "XBOM",
    "^STI": "XSES",
    "^MXX": "XMEX",
    "^JKSE": "XIDX",
}
CRYPTO = ("-USD", "-EUR", "-GBP", "-BTC", "-USDT")


def exchange_of(symbol: str) -> str:
    """The calendar of a symbol told by its name; "" where the name does not tell.

    A single letter after the dot that is no exchange is a class of share: BRK.B is of New York.
    """
    if symbol.startswith("^"):
        return INDICES.get(symbol, UNKNOWN)
    if symbol.endswith(CRYPTO):
        return "24/7"
    if symbol.endswith("=X"):
        return "24/5"
    _, dot, suffix = symbol.rpartition(".")
    if not dot:  # digits alone are of Tokyo, Hong Kong, Taipei, ...
        return UNKNOWN if "=" in symbol or symbol.isdigit() else DEFAULT
    is_class = len(suffix) == 1 and suffix.isalpha() and suffix not in SUFFIXES
    return DEFAULT if is_class else SUFFIXES.get(suffix, UNKNOWN)


def exchanges_of(symbols: Iterable[str], *, calendar: str | None) -> dict[str, str]:
    """Each symbol's calendar: `calendar` if it names one, else by suffix."""
    if calendar == WEEKDAYS:
        return dict.fromkeys(symbols, UNKNOWN)
    return {symbol: calendar or exchange_of(symbol) for symbol in symbols}
