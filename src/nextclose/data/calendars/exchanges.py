"""Which exchange a symbol is of, told by its name: a table, and what it leaves open.

Suffixes are those of Yahoo Finance, of Stooq and of Chinese vendors, or ISO 10383 market
identifiers, as `exchange_calendars` names them. "" stands for "not known": then every weekday
counts as a session. Athens and Tel Aviv are left out: their calendars cannot be built by the
versions pinned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

WEEKDAYS = "weekdays"  # the setting that asks for no exchange
UNKNOWN = ""
DEFAULT = "XNYS"  # names without a suffix: New York, Nasdaq keeps the same sessions
CRYPTO, FOREX = "24/7", "24/5"
# names that have no calendar of their own -> the one whose sessions they keep
ALIASES: Mapping[str, str] = {"NSE": "XBOM", "XNSE": "XBOM", "XSHE": "XSHG"}

SUFFIXES: Mapping[str, str] = {
    "US": "XNYS",
    "XNAS": "XNYS",
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
    "SH": "XSHG",
    "SZ": "XSHG",
    "BJ": "XSHG",
    "XSHE": "XSHG",  # Shenzhen and Beijing keep the sessions of Shanghai
    "TW": "XTAI",
    "TWO": "XTAI",
    "KS": "XKRX",
    "KQ": "XKRX",
    "NS": "XBOM",
    "BO": "XBOM",
    "NSE": "XBOM",
    "BSE": "XBOM",
    "IN": "XBOM",
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
    # as Bloomberg and EOD Historical Data write them
    "FP": "XPAR",
    "LN": "XLON",
    "GY": "XETR",
    "GR": "XETR",
    "FOREX": FOREX,
    "CC": CRYPTO,
}
INDICES: Mapping[str, str] = {
    **dict.fromkeys(("^GSPC", "^DJI", "^IXIC", "^NDX", "^RUT", "^VIX", "^NYA"), "XNYS"),
    "^SPX": "XNYS",  # as Stooq writes them
    "^UKX": "XLON",
    "^DAX": "XETR",
    "^CAC": "XPAR",
    "^NKX": "XTKS",
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
# Suffixes that mean something else to another vendor, or are a class of share.
OTHER_READINGS: Mapping[str, tuple[str, ...]] = {
    "F": ("CMES",),  # a future at Stooq
    "V": (CRYPTO,),  # a coin at Stooq
    "SG": ("XSES",),
    "PL": ("XNYS",),
    "PR": ("XNYS",),
}
MIC = re.compile(r"X[A-Z]{3}|BVMF|CMES")
CHINESE = re.compile(r"(?:SH|SZ|BJ)[._]?\d{6}")
PREFERRED = re.compile(r"[A-Z]{1,5}\.P[A-Z]")  # JPM.PA: series A of JPMorgan, or a share of Paris
MONEY = (
    "USD|EUR|GBP|JPY|CHF|AUD|NZD|CAD|SEK|NOK|DKK|PLN|CZK|HUF|RON|TRY|ZAR|MXN|BRL|CLP|COP|PEN|ARS|"
    "CNY|CNH|HKD|SGD|KRW|TWD|INR|IDR|THB|MYR|PHP|VND|ILS|SAR|AED|RUB|UAH|KZT|PKR|EGP|NGN|KES"
)
COIN = (
    "BTC|XBT|ETH|LTC|XRP|BCH|ADA|DOT|DOGE|SOL|BNB|LINK|XLM|TRX|AVAX|MATIC|UNI|ATOM|ETC|XMR|EOS|"
    "DASH|ZEC|SHIB|TON|ALGO|FIL|NEAR|APT|ARB|SUI|AAVE|NEO|IOTA|XTZ"
)
FOREX_PAIR = re.compile(
    rf"(?:{MONEY}|XAU|XAG|XPT|XPD)[/_-]?(?:{MONEY})|[A-Z]{{3}}(?:[A-Z]{{3}})?=X"
)
CRYPTO_PAIR = re.compile(
    rf"[A-Z0-9]{{2,10}}[/_-]?(?:USDT|USDC|BUSD|TUSD|FDUSD)|[A-Z0-9]{{1,10}}[/-](?:USD|EUR|GBP|BTC|ETH)"
    rf"|(?:{COIN})[/_-]?(?:{MONEY}|BTC|ETH|BNB)"
)


def exchange_of(symbol: str) -> str:
    """The calendar of a symbol as its name tells it; "" where the name does not tell.

    A single letter after the dot that is no exchange is a class of share: BRK.B is of New York.
    """
    name = symbol.upper()
    if name.startswith("^"):
        return INDICES.get(name, UNKNOWN)
    if FOREX_PAIR.fullmatch(name):
        return FOREX
    if CRYPTO_PAIR.fullmatch(name):
        return CRYPTO
    if CHINESE.fullmatch(name):
        return SUFFIXES["SH"]
    _, dot, suffix = name.rpartition(".")
    if not dot:  # digits alone are of Tokyo, Hong Kong, Taipei, ...
        return UNKNOWN if "=" in name or name.isdigit() else DEFAULT
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if MIC.fullmatch(suffix) and suffix in SUFFIXES.values():
        return suffix
    is_class = (len(suffix) == 1 and suffix.isalpha()) or PREFERRED.fullmatch(name)
    return DEFAULT if is_class else UNKNOWN


def other_readings(symbol: str) -> tuple[str, ...]:
    """What else the name may mean, the likeliest first: JPM.PA is of Paris, or of New York."""
    name = symbol.upper()
    suffix = name.rpartition(".")[2] if "." in name else ""
    is_class = len(suffix) == 1 or PREFERRED.fullmatch(name)
    others = (*OTHER_READINGS.get(suffix, ()), *((DEFAULT,) if is_class else ()))
    return tuple(dict.fromkeys(other for other in others if other != exchange_of(name)))


def is_guess(symbol: str) -> bool:
    """Whether the name says nothing of an exchange, so that its bars may: AAPL, 7203, XYZ.QQ."""
    exchange = exchange_of(symbol)
    if exchange not in (UNKNOWN, DEFAULT):
        return False
    return not symbol.startswith("^") and symbol.upper().rpartition(".")[2] not in ("US", DEFAULT)


def exchanges_of(
    symbols: Iterable[str], *, calendar: str | Mapping[str, str] | None
) -> dict[str, str]:
    """Each symbol's calendar: what `calendar` says for it or for all, else as its name tells."""
    names = calendar if isinstance(calendar, Mapping) else {}
    of_all = calendar if isinstance(calendar, str) else None
    said = {symbol: names.get(symbol, of_all) for symbol in symbols}
    return {
        symbol: exchange_of(symbol) if name is None else calendar_code(name)
        for symbol, name in said.items()
    }


def calendar_code(setting: str) -> str:
    """The calendar that a setting names: "weekdays" is none, NSE keeps the sessions of XBOM."""
    return UNKNOWN if setting == WEEKDAYS else ALIASES.get(setting.upper(), setting)
