"""What columns under unknown names may be: for the cures that name them, never read by itself."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

import polars as pl

from nextclose.data.findings import safe_text
from nextclose.data.reading.columns.spellings import PAIR_FIELDS, TIERS, canonical_name
from nextclose.data.suggestions import columns_setting

WORDS = {  # word in a name -> the column of ours that it may be
    "session": {"date", "dates", "dt", "day", "datetime", "timestamp", "time", "datum", "asof"},
    "open": {"open", "opening", "opn", "o"},
    "high": {"high", "hi", "hgh", "h"},
    "low": {"low", "lo", "lw", "l"},
    "close": {"close", "closing", "cls", "last", "settle", "price", "px", "nav", "c"},
    "volume": {"volume", "vol", "qty", "quantity", "shares", "turnover"},
    "symbol": {"symbol", "ticker", "stock", "code", "instrument", "security", "asset", "name"},
}
PUBLIC = {"session": "date", **{name: name for name in WORDS if name != "session"}}
NEVER = {  # a name with one of these is something else
    *("prev", "previous", "prior", "change", "chg", "pct", "percent", "avg", "average", "target"),
    *("return", "returns", "ret", "diff", "52", "52w", "52wk", "ytd", "ma", "sma", "ema", "vwap"),
    *("adj", "adjusted", "adjustment", "factor", "flag", "ratio", "number", "count", "id", "value"),
    *("next", "future", "fwd", "forward", "tomorrow", "following", "lead", "yesterday", "lag"),
    *("lagged", "shift", "shifted", "t", "lookback", "rolling", "cum", "cumulative", "log", "ln"),
    *("pred", "predicted", "prediction", "predictions", "forecast", "forecasted", "model", "yhat"),
    *("hat", "label", "signal", "estimate", "estimated", "expected", "implied", "fair", "residual"),
    *("z", "zscore", "norm", "normalized", "normalised", "scaled", "standardized", "smoothed"),
    *("rank", "std", "var", "vol", "vwap", "wma", "rsi", "macd", "atr", "bb", "mean", "median"),
    *("closed", "update", "updated", "strike", "entry", "exit", "stop", "limit", "cost", "base"),
    *("dividend", "div", "split", "book", "earnings", "sales", "yield", "spread", "error"),
}
NOT_A_CLOSE = {  # beside "adj" in a name
    *("factor", "flag", "ratio", "vol", "volume", "open", "high", "low", "dividend", "div"),
    *("split", "change", "return", "coef", "coefficient", "type", "date", "amount", "shares"),
}
CLOSE_WORDS = {"close", "closing", "cls"}  # a close for certain; the others may be any price
MONEY = {"nav", "value"}  # names of a close that are often something else's
BASES = {"raw", "unadjusted", "unadj", "none", "split", "splits", "dividend", "all", "total"}
ADJUSTED = (
    r"adj|bereinigt|angepasst|aj$|ajust|korrigi|rettif|gecorrigeerd|aangepast|corrig|skoryg"
    r"|justert|justerad|justeret|upraven|duzelt|\u0441\u043a\u043e\u0440\u0440"
)
FOR = {  # what a price is adjusted for, or how, before the word for it: split_adj, ratio adjusted
    *("split", "splits", "div", "divs", "dividend", "dividends", "ratio", "back", "fwd", "forward"),
    *("total", "return", "panama", "proportional"),
}
GLUED = rf"(?i)(?<![^\W_])({'|'.join(sorted(FOR, key=len, reverse=True))})(?=adj)"
ADJUSTED_SIGNS = "复权|復權|複權|復権|調整後|調整済|修正後|수정"  # words without marks between them
OTHER_SIGNS = "因子|系数|係数|比率|开|開|高|低|始|安|量|額|额|시가|고가|저가|거래|类型|類型|日"
TOTAL_RETURN = {"tr", "tri", "totret"}
SYMBOL_FREE = {"div", "dividend", "split", "tr", "eod", "eur", "gbp", "usd", "daily", "final"}
SIDES = {"bid", "ask", "mid", "trade"}


def looks_adjusted(name: str) -> bool:
    """Whether a name that is not known speaks of an adjusted close.

    What it is adjusted for comes first: `split_adj` is a price, `adj_split` a split.
    """
    if re.search(ADJUSTED_SIGNS, name):
        return not re.search(OTHER_SIGNS, name)
    in_order = [canonical_name(word) for word in _words_in_order(name)]
    words = {*in_order}
    is_close = bool(words & {*CLOSE_WORDS, "schluss", "schlusskurs", "cours", "cloture", "cierre"})
    places = [k for k, word in enumerate(in_order) if re.match(ADJUSTED, word)]
    is_adjusted = bool(places or words & {"qfq", "hfq"})
    kinds = {"div", "dividend", "split"} if is_close else set()  # a close adjusted for them
    if places and not in_order[places[0]].startswith("adjustment"):
        kinds |= FOR & {*in_order[: places[0]]}
    if _is_total_return(words):
        is_adjusted, kinds = True, kinds | {"return"}
    others = any(part in word for word in words - kinds for part in NOT_A_CLOSE)
    return is_adjusted and not others and not {"un", "unadj", "non"} & words


def _is_total_return(words: set[str]) -> bool:
    """Whether a name speaks of a price with its dividends: PX_LAST_TR, total return index."""
    is_price = bool(words & (CLOSE_WORDS | WORDS["close"] - {"c"} | {"index", "level"}))
    is_total = bool(words & {"total", "tot"}) and "return" in words
    return is_price and (is_total or bool(words & TOTAL_RETURN))


def is_of_another(name: str, symbol: str) -> bool:
    """Whether an adjusted close has a word in its name that may be another symbol, or a number."""
    words = {word for word in _words(name) if not re.match(ADJUSTED, word)}
    words -= {*WORDS["close"], *symbol.lower().split("."), *SYMBOL_FREE}
    return any(word.isdigit() or (len(words) == 1 and _is_upper(word, name)) for word in words)


def _is_upper(word: str, name: str) -> bool:
    """Whether a word of a name stands there in capitals, and not every other one does."""
    return word.upper() in name and not name.isupper()


def may_be_close(names: Sequence[str], rivals: Sequence[str]) -> bool:
    """Whether one of the names may be the close rather than `rivals`, canonical names of one."""
    if not rivals:
        return False
    words = CLOSE_WORDS | (WORDS["close"] - {"c"} if MONEY & {*rivals} else set())
    return any(_words(name) & words for name in _candidates(names, "close"))


def names_kinds(values: pl.Series) -> bool:
    """Whether texts are fields of a bar, or say what prices are adjusted for: no symbols."""
    kinds = {canonical_name(text) for text in values.drop_nulls().unique()}
    return kinds <= PAIR_FIELDS.keys() | BASES


def mapping_fix(names: Sequence[str], *, present: set[str], missing: str) -> str:
    """How to give a column that is missing: a whole mapping of names to ours, where they tell.

    Of several columns that may be it, each with what goes with it by name: a choice.
    """
    public = PUBLIC[missing]
    wanted = [ours for ours in ("session", "open", "high", "low", "close", "volume")]
    wanted = [ours for ours in wanted if ours not in present]
    leads = _candidates(names, missing) or _nearest(names, public)
    if len(leads) == 1 and _words(leads[0]) & {"bid", "ask"}:
        leads = []  # one side of a quote: only who knows it can say that it will do
    if missing == "close":
        weak = [name for name in names if canonical_name(name) in TIERS["close"][-1]]
        leads = list(dict.fromkeys([*leads, *weak]))
    if not leads:
        return f"add a column {public!r}, or say in data.columns which one it is."
    choices = []
    for lead in leads[:3]:
        mapping = {lead: public}
        for ours in wanted if missing != "symbol" else ():
            partner = _partner(names, ours, lead)
            if ours != missing and partner is not None and partner not in mapping:
                mapping[partner] = PUBLIC[ours]
        choices.append(columns_setting(mapping))
    return f"rename {safe_text(leads[0])!r} to {public!r}, or set {' or '.join(choices)}."


def _candidates(names: Iterable[str], ours: str) -> list[str]:
    """Names with a word for the column, the plainest first."""
    hits = [
        (len(_words(name) & SIDES), len(_words(name)), k, name)
        for k, name in enumerate(names)
        if _words(name) & WORDS[ours] and not _is_never(name)
        if not any(_words(name) & WORDS[other] for other in WORDS if _is_other(other, ours))
    ]
    fewest = min((hit[:1] for hit in hits), default=(0,))
    return [name for *_, name in sorted(hit for hit in hits if hit[:1] == fewest)]


def _is_never(name: str) -> bool:
    """Whether a word of a name, less digits behind it (ma20), says that it is something else."""
    words = _words(name)
    return bool((words | {word.rstrip("0123456789") for word in words}) & NEVER)


def _is_other(other: str, ours: str) -> bool:
    """Whether a word for `other` says that a name is not `ours`: px_open is no close."""
    return ours == "close" and other in ("open", "high", "low", "volume", "session")


def _partner(names: Sequence[str], ours: str, lead: str) -> str | None:
    """The column that goes with `lead`: the most words in common beside those for what it is."""
    shared = _words(lead)
    fitting = _candidates(names, ours)
    return max(fitting, key=lambda name: len(_words(name) & shared), default=None)


def _nearest(names: Sequence[str], public: str) -> list[str]:
    """The name that is the nearest in letters; one that holds all of `close` is no slip of it."""
    keys = {canonical_name(name): name for name in names if not _is_never(name)}
    keys = {key: name for key, name in keys.items() if public != "close" or public not in key}
    near = difflib.get_close_matches(public, list(keys), n=1, cutoff=0.6)
    return [keys[key] for key in near]


def _words(name: str) -> set[str]:
    """The words of a name, told by marks, case and digits."""
    return {*_words_in_order(name)}


def _words_in_order(name: str) -> list[str]:
    parted = re.sub(GLUED, r"\1 ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    return [word.lower() for word in re.findall(r"[^\W_]+", parted)]
