"""Several series in one file: which column tells them apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.columns.chosen_rows import SERIES_NAMES, cell_texts
from nextclose.data.reading.columns.companies import second_company
from nextclose.data.reading.columns.guesses import names_kinds
from nextclose.data.reading.columns.keys import (
    has_lone_ticker,
    holds_symbols,
    is_key,
    symbol_setting,
)
from nextclose.data.reading.columns.spellings import (
    LESSER_SYMBOLS,
    LISTINGS,
    TICKER,
    canonical_name,
)
from nextclose.data.suggestions import toml_value
from nextclose.schema import Finding

MOST = 0.5  # of the dates: what repeats so often are series, not slips ...
MANY, SLIPS = 0.1, 5  # ... and so is what repeats on a tenth of them, and on more than five
FEW = 0.01  # of the rows may still repeat where a column tells series apart
LEAST_SHARED = 4  # rows of shared dates: two dates at least
MOST_LISTINGS = 20  # values of a column that tells a few rows apart
TICKS = ("tickvol", "tick_volume")
FILE_WORDS = {"ALL", "DATA", "STOCK", "TABLE", "PRICE", "DAILY", "BARS", "OHLC", "OHLCV", "TEST"}


def has_lesser_symbols(names: Iterable[str]) -> bool:
    """Whether a column may turn out to hold symbols: its files are read one by one."""
    return any(canonical_name(name) in (*LESSER_SYMBOLS, *SERIES_NAMES) for name in names)


def lesser_symbol(frame: pl.DataFrame, names: Mapping[str, str], symbol: str) -> str | None:
    """The column of companies or keys that holds the symbols of a file without a column of theirs.

    One that tells the rows of each date apart; or one whose only value is a ticker, where the
    file's own name, `symbol`, is none. None if there is no such column.
    """
    date = next((theirs for theirs, ours in names.items() if ours == "session"), None)
    if date is None or "symbol" in names.values():
        return None
    by_key = {canonical_name(name): name for name in frame.columns if name not in names}
    lesser = [by_key[key] for key in LESSER_SYMBOLS if key in by_key and is_key(frame[by_key[key]])]
    if not lesser:
        return None
    if _share_repeated(frame, [date]) > MOST:
        return next((name for name in lesser if _tells_apart(frame, [date], name)), None)
    if symbol and TICKER.match(symbol) and symbol not in FILE_WORDS:
        return None
    return next((name for name in lesser if has_lone_ticker(frame[name])), None)


def one_volume(frame: pl.DataFrame, names: Mapping[str, str]) -> dict[str, str]:
    """The columns with ticks for the volume where the first row of a real one says 0.

    Currencies have no real volume in MetaTrader's files, and 0 in its place. The first row decides,
    so that no later one changes it.
    """
    real = next((theirs for theirs, ours in names.items() if ours == "volume"), None)
    keys = {canonical_name(name): name for name in frame.columns}
    ticks = next((keys[key] for key in TICKS if key in keys and keys[key] != real), None)
    if real is None or ticks is None or not frame.height:
        return dict(names)
    if str(frame[real][0]).strip() not in ("0", "0.0", "None"):
        return dict(names)
    return {ticks if name == real else name: ours for name, ours in names.items()}


def several_series(
    frame: pl.DataFrame,
    typed: pl.DataFrame,
    names: Mapping[str, str],
    *,
    path: str,
    renames: Mapping[str, str],
    is_last_taken: bool = False,
) -> list[Finding]:
    """Rule 43, where most dates of a symbol repeat: several series, and how to tell them apart.

    `typed` has the rows of `frame` with our symbol, session and close. Times of day are another
    matter (rule 46), and so is a company that follows another under its ticker (rule 67), of which
    all may be told only.
    """
    keys = typed.select("symbol", "session", "close")
    settled = {canonical_name(name) for name in renames}
    others = [
        c
        for c in frame.columns
        if names.get(c, "currency") == "currency" and canonical_name(c) not in settled
    ]
    if "second_of_day" in typed.columns:
        return []
    if _rises(keys):
        return second_company(frame, keys, others, names, path=path)
    hits = _repeated_symbols(keys)
    if not hits.height:
        companies = second_company(frame, keys, others, names, path=path)
        if is_last_taken or any(finding.response == "E" for finding in companies):
            return companies
        return [*companies, *_shared_days(frame, keys, others, names, path)]
    symbol, n_dates, n_repeated = hits.row(0)
    return [
        Issue.CONTRADICTING_ROWS.finding(
            f"{n_repeated} of {n_dates} dates more than once",
            rule="one row per symbol and date; these are several series",
            fix=_series_fix(frame, keys, others, names, hits["symbol"]),
            path=path,
            symbol=safe_text(symbol or ""),
            column="date",
            count=int(hits["n_repeated"].sum()),
        )
    ]


def _series_fix(
    frame: pl.DataFrame,
    keys: pl.DataFrame,
    others: Sequence[str],
    names: Mapping[str, str],
    symbols: pl.Series,
) -> str:
    """The setting that reads the series as several, or one of them: by the column that tells."""
    place = {canonical_name(name): k for k, name in enumerate(others)}
    usual = [others[place[key]] for key in (*LESSER_SYMBOLS, *LISTINGS) if key in place]
    is_mixed = keys["symbol"].is_in(symbols.implode())
    mixed, mixed_keys = frame.filter(is_mixed), keys.filter(is_mixed).select("symbol", "session")
    for name in dict.fromkeys([*usual, *others]):
        column = mixed[name]
        if not is_key(column) or not _tells_apart(
            mixed_keys.with_columns(column.alias("key")), ["symbol", "session"], "key"
        ):
            continue
        return _telling_cure(name, column, names)
    return "give a column 'symbol' that tells them apart."


def _shared_days(
    frame: pl.DataFrame,
    keys: pl.DataFrame,
    others: Sequence[str],
    names: Mapping[str, str],
    path: str,
) -> list[Finding]:
    """Rule 43, where few dates repeat and a column tells the rows of each apart: two series."""
    is_again = keys.select(
        (pl.col("close").n_unique().over("symbol", "session") > 1) & pl.col("session").is_not_null()
    ).to_series()
    if int(is_again.sum()) < LEAST_SHARED:
        return []
    again = keys.filter(is_again)
    symbols = again["symbol"].unique()
    is_mixed = keys["symbol"].is_in(symbols.implode())
    for name in others:
        column = frame.filter(is_mixed)[name]
        parted = again.with_columns(frame.filter(is_again)[name].alias("key"))
        is_told = _tells_apart(parted, ["symbol", "session"], "key")
        if not is_key(column) or column.n_unique() > MOST_LISTINGS or not is_told:
            continue
        n_dates = again.select("symbol", "session").n_unique()
        return [
            Issue.CONTRADICTING_ROWS.finding(
                f"{n_dates} dates more than once, told apart by {safe_text(name)}",
                rule="one row per symbol and date; these are several series",
                fix=_telling_cure(name, column, names),
                path=path,
                symbol=safe_text(again["symbol"][0] or ""),
                column="date",
                count=n_dates,
            )
        ]
    return []


def _telling_cure(name: str, column: pl.Series, names: Mapping[str, str]) -> str:
    """The setting that reads series told apart by a column: one of them, or each as a symbol."""
    is_kind = not holds_symbols(column) or names_kinds(cell_texts(column))
    is_listing = canonical_name(name) in LISTINGS or is_kind
    if is_listing or ("symbol" in names.values() and canonical_name(name) not in LESSER_SYMBOLS):
        values = cell_texts(column).drop_nulls().value_counts(sort=True, name="n")
        is_close = pl.first().str.to_lowercase() == "close"
        values = values.sort(is_close, "n", pl.first(), descending=[True, True, False])
        kept = [f"data.only = {toml_value({name: text})}" for text in values.to_series()[:3]]
        return f"read one of them: set {' or '.join(kept)}."
    return f"{name!r} tells them apart: set {symbol_setting(name, column)}."


def _rises(keys: pl.DataFrame) -> bool:
    """Whether each symbol is in one piece whose sessions rise, or fall: nothing repeats."""
    same = keys["symbol"].eq_missing(keys["symbol"].shift())
    if int((~same).sum()) != keys["symbol"].n_unique():
        return False
    step = keys["session"].diff().dt.total_days().filter(same)
    return bool((step > 0).all() or (step < 0).all())


def _repeated_symbols(keys: pl.DataFrame) -> pl.DataFrame:
    """Symbols most of whose sessions come with several closes, and how many do."""
    days = (
        keys.drop_nulls(["session", "close"])
        .group_by("symbol", "session")
        .agg(n_closes=pl.col("close").n_unique())
    )
    counts = days.group_by("symbol").agg(
        n_dates=pl.len(), n_repeated=(pl.col("n_closes") > 1).sum()
    )
    return counts.filter(is_several(pl.col("n_repeated"), pl.col("n_dates"))).sort(
        "n_repeated", "symbol", descending=[True, False]
    )


def is_several(n_repeated: pl.Expr, n_dates: pl.Expr) -> pl.Expr:
    """Whether so many dates with several closes are several series, and no slips; one is none."""
    is_many = (n_repeated > SLIPS) & (n_repeated > MANY * n_dates)
    return is_many | ((n_repeated > MOST * n_dates) & (n_repeated > 1))


def _share_repeated(frame: pl.DataFrame, keys: Sequence[str]) -> float:
    """Share of the dates that stand in more than one row."""
    counts = frame.drop_nulls(keys).group_by(keys).len()["len"]
    return float((counts > 1).mean() or 0.0) if len(counts) else 0.0  # type: ignore[arg-type]


def _tells_apart(frame: pl.DataFrame, keys: Sequence[str], name: str) -> bool:
    """Whether hardly a date repeats once rows are parted by the column."""
    if frame[name].null_count():
        return False
    n_apart = frame.select(pl.struct(*keys, name).n_unique()).item()
    return bool(frame.height - n_apart <= FEW * frame.height)
