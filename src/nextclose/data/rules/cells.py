"""Checks of single cells and rows: symbols, dates, numbers, and the range of a bar."""

from __future__ import annotations

from functools import partial

import polars as pl

from nextclose.data.findings import (
    Find,
    cell_hits,
    hit_mask,
    hits_by_block,
    hits_where,
    no_hits,
)
from nextclose.data.reading.column_names import NUMBERS
from nextclose.data.reading.date_forms import with_date_cure
from nextclose.data.reading.dates import DAY_OR_MONTH_FIRST, DIGITS, ZONED
from nextclose.data.reading.epochs import EARLIEST
from nextclose.data.reading.prices import distinct_symbols
from nextclose.data.rules.adjustment import body_prices
from nextclose.schema import PRICE_COLUMNS

LEGAL_SYMBOL = r"^[A-Z0-9^][A-Za-z0-9.=&_-]{0,19}$"
DIGITS_ONLY = r"^\d+(?:\.0+)?$"  # 7203, or 7203.0 once a spreadsheet took it for a number
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DATE_LIKE = rf"(?i)^(?:\d{{1,2}}-{MONTH}(?:-\d{{2,4}})?|{MONTH}-\d{{1,4}}|\d{{4}}-\d{{2}}-\d{{2}})$"
EARLY_SERIAL = r"^(?:[12]\d{4}|3[0-2]\d{3})(?:\.0+)?$"  # before 1990 in a spreadsheet
SERIAL = r"^\d{5}(?:\.\d+)?$"
COUNT = r"(?i)^[+-]?(?:[\d.,]+(?:e[+-]?\d+)?\s*[kmbt]?|inf(?:inity)?)$"
TWO_DIGIT_YEAR = r"^\d{1,2}[ /.-]+(?:\d{1,2}|[A-Za-z]{3,9})[ /.,-]+\d{2}(?:[T ].*)?$"
NO_VOLUME = -1  # of Interactive Brokers, for what has none
SMALLEST_PRICE, LARGEST_PRICE = 1e-10, 1e12
ENCLOSE_TOLERANCE = 1e-6  # relative; rounding of two feeds, no more
MIN_ROWS, MOST_CONTRADICTIONS = 20, 1 / 3  # of a symbol: beyond it another column is its close
LARGEST_CONTRADICTION = 0.25  # of the close: beyond it a range says nothing of its session
PRICES = (*PRICE_COLUMNS, "adj_close", "close_raw")
CLOSES = ("close", "adj_close", "close_raw")

Frame = pl.DataFrame


def illegal_symbols(frame: Frame) -> Frame:
    """Rows whose symbol has an odd character, two dots, or too many characters."""
    names = distinct_symbols(frame["symbol"])
    bad = names.filter(~names.str.contains(LEGAL_SYMBOL) | names.str.contains("..", literal=True))
    if not len(bad) and not names.null_count():
        return no_hits()
    is_bad = pl.col("symbol").is_in(bad.to_list()) | pl.col("symbol").is_null()
    reasons = {name: _symbol_fault(name) for name in bad if name is not None}
    text = pl.col("symbol").replace_strict(reasons, default="no symbol", return_dtype=pl.String)
    return hits_where(frame, is_bad, text=text, column="symbol")


def _symbol_fault(symbol: str) -> str:
    """What is wrong with a symbol: the first odd character with its code point and position."""
    tail = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz.-=&_"
    for position, character in enumerate(symbol, start=1):
        if character not in (tail if position > 1 else tail[:36] + "^"):
            return f"U+{ord(character):04X} at position {position} of {symbol[:20]!r}"
    return f"{symbol[:24]!r}, {len(symbol)} characters" if len(symbol) > 20 else repr(symbol)


def symbols_equal_but_for_case(frame: Frame) -> Frame:
    """Rows of symbols that another symbol equals when case is ignored."""
    names = distinct_symbols(frame["symbol"]).drop_nulls().sort()
    twins = names.filter(names.str.to_uppercase().is_duplicated())
    if not len(twins):
        return no_hits()
    text = pl.lit(" and ".join(twins.head(4)))
    return hits_where(frame, pl.col("symbol").is_in(twins.to_list()), text=text, column="symbol")


def _odd_symbols(frame: Frame, pattern: str) -> Frame:
    """Rows whose symbol is of a form that spreadsheets make of others."""
    names = distinct_symbols(frame["symbol"])
    odd = names.filter(names.str.contains(pattern).fill_null(value=False)).to_list()
    if not odd:
        return no_hits()
    return hits_where(frame, pl.col("symbol").is_in(odd), text=pl.col("symbol"), column="symbol")


def numeric_symbols(frame: Frame) -> Frame:
    """Rows whose symbol is a number."""
    return _odd_symbols(frame, DIGITS_ONLY)


def date_like_symbols(frame: Frame) -> Frame:
    """Rows whose symbol is a date: MAR1 comes back from a spreadsheet as 1-Mar."""
    return _odd_symbols(frame, DATE_LIKE)


def _odd_dates(frame: Frame, is_odd: pl.Expr) -> Frame:
    """Rows with an odd date; `session_text` is there only in frames that have any."""
    if "session_text" not in frame.columns:
        return no_hits()
    text = pl.col("session_text").fill_null("no date")
    return hits_where(frame, is_odd, text=text, column="date")


def _unread_dates(frame: Frame, pattern: str) -> Frame:
    """Cells of the date column that gave no date, of one form."""
    return _odd_dates(
        frame, pl.col("session").is_null() & pl.col("session_text").str.contains(pattern)
    )


def unreadable_dates(frame: Frame) -> Frame:
    """Dates in no form we know, and none at all."""
    return _odd_dates(frame, pl.col("session").is_null())


def ambiguous_dates(frame: Frame) -> Frame:
    """Dates like 03/04/2019 in a file that does not settle which number is the month."""
    return with_date_cure(_unread_dates(frame, DAY_OR_MONTH_FIRST))


def zoned_stamps(frame: Frame) -> Frame:
    """Stamps with a zone and a time of day, of an exchange whose own zone is not known."""
    return _unread_dates(frame, ZONED)


def serial_dates(frame: Frame) -> Frame:
    """Dates like 43528: days as a spreadsheet counts them."""
    return _unread_dates(frame, SERIAL)


def days_from_1970(frame: Frame) -> Frame:
    """Dates like 17959: days from 1970, or of a spreadsheet that goes back before 1990."""
    return _unread_dates(frame, EARLY_SERIAL)


def integer_dates(frame: Frame) -> Frame:
    """Integers that no reading, or more than one, makes into days of trading."""
    return _unread_dates(frame, DIGITS)


def two_digit_years(frame: Frame) -> Frame:
    """Dates whose year has two digits."""
    is_unsound = pl.col("session").is_null() | (pl.col("session") < EARLIEST)
    is_short = pl.col("session_text").str.contains(TWO_DIGIT_YEAR)
    return with_date_cure(_odd_dates(frame, is_unsound & is_short))


def early_dates(frame: Frame) -> Frame:
    """Dates before 1900."""
    return _odd_dates(frame, pl.col("session") < EARLIEST)


def stamps_of_one_day(frame: Frame) -> Frame:
    """Rows of days that have several times of day, or one beside a plain date.

    Not those of a day of three or 1 in 50 that have the symbol's usual time among them: what
    stands beside that is a price of the moment, which `closed_days.unfinished_bars` finds.
    """
    if "second_of_day" not in frame.columns:
        return no_hits()
    second = pl.col("second_of_day").fill_null(0)
    day = ("symbol", "session")
    is_mixed = second.min().over(day) != second.max().over(day)
    if not frame.select(is_mixed.fill_null(value=False).any()).item():
        return no_hits()
    usual = second.mode().min().over("symbol")
    is_own = (second == usual).sum().over(day) == 1
    n_mixed = pl.col("session").filter(is_mixed).n_unique().over("symbol")
    n_days = pl.col("session").n_unique().over("symbol")
    is_few = ((n_mixed <= 1) & (n_days >= 3)) | (n_mixed * 50 <= n_days)
    clock = pl.from_epoch(second, "s").dt.strftime("%H:%M:%S")
    text = pl.format("{} {}", pl.col("session"), clock)
    return hits_where(frame, is_mixed & ~(is_own & is_few), text=text, column="date")


def unread_numbers(pattern: str = "") -> Find:
    """The check for cells with text that is no number, of one form or of any."""

    def find(frame: Frame) -> Frame:
        hits = [
            hits_where(
                frame,
                pl.col(name).is_null() & pl.col(f"{name}_text").str.contains(pattern),
                text=pl.col(f"{name}_text"),
                column=name,
            )
            for name in NUMBERS
            if f"{name}_text" in frame.columns
        ]
        return pl.concat([no_hits(), *hits]).sort("at", maintain_order=True) if hits else no_hits()

    return find


def unread_words(frame: Frame) -> Frame:
    """Cells with text that may say that there is no number: it has no digit, and is rare.

    Rare is 1 cell in 20 of the symbol's column, or three.
    """
    hits = []
    for name in NUMBERS:
        if f"{name}_text" in frame.columns:
            text = pl.col(f"{name}_text")
            n_most = pl.max_horizontal(pl.len().over("symbol") / 20, 3)
            is_rare = pl.len().over("symbol", text) <= n_most
            is_word = pl.col(name).is_null() & ~text.str.contains(r"\d")
            hits.append(hits_where(frame, is_word & is_rare, text=text, column=name))
    return pl.concat([no_hits(), *hits]).sort("at", maintain_order=True) if hits else no_hits()


def prices_out_of_range(frame: Frame) -> Frame:
    """Prices that are infinite, or of a size no price has."""
    return cell_hits(
        frame,
        PRICES,
        lambda c: ~c.is_between(SMALLEST_PRICE, LARGEST_PRICE) & ~c.is_between(-LARGEST_PRICE, 0),
    )


def impossible_volumes(frame: Frame) -> Frame:
    """Volumes below zero, or too large to count; -1 is no volume (`unknown_volumes`)."""
    hits = [cell_hits(frame, ("volume",), lambda c: ((c < 0) & (c != NO_VOLUME)) | (c >= 2.0**63))]
    if "volume_text" in frame.columns:
        is_unread = pl.col("volume").is_null() & pl.col("volume_text").str.contains(COUNT)
        hits.append(hits_where(frame, is_unread, text=pl.col("volume_text"), column="volume"))
    return pl.concat(hits).sort("at", maintain_order=True)


def unknown_volumes(frame: Frame) -> Frame:
    """Rows with -1 for the volume of a symbol that never had one up to then."""
    return _without_volume(frame, has_any=False)


def lost_volumes(frame: Frame) -> Frame:
    """Rows with -1 for the volume of a symbol that had one before."""
    return _without_volume(frame, has_any=True)


def _without_volume(frame: Frame, *, has_any: bool) -> Frame:
    if "volume" not in frame.columns or not (frame["volume"] == NO_VOLUME).any():
        return no_hits()
    volume = pl.col("volume")
    is_some = (volume >= 0).fill_null(value=False).cast(pl.Int32).cum_sum().over("series") > 0
    is_hit = (volume == NO_VOLUME) & (is_some if has_any else ~is_some)
    return hits_where(frame, is_hit, text=volume, column="volume")


def without_volume(frame: Frame, hits: Frame) -> Frame:
    """The frame, the volume of the hit rows null."""
    is_hit = pl.lit(hit_mask(frame, hits))
    return frame.with_columns(pl.when(is_hit).then(None).otherwise("volume").alias("volume"))


def all_zero_prices(frame: Frame) -> Frame:
    """Rows where every price is 0: a bar that a source wrote without data."""
    prices = [name for name in PRICE_COLUMNS if name in frame.columns]
    if len(prices) < len(PRICE_COLUMNS):
        return no_hits()
    return hits_where(
        frame, pl.all_horizontal(pl.col(prices) == 0), text=pl.lit("all four prices 0")
    )


def nonpositive_closes(frame: Frame) -> Frame:
    """Closes of 0 or less."""
    return cell_hits(frame, CLOSES, lambda c: c <= 0)


def _not_enclosing(frame: Frame, *, tolerance: float) -> Frame:
    hits, has_close = [no_hits()], pl.col("close").is_not_null()
    top, bottom = pl.max_horizontal(body_prices(frame)), pl.min_horizontal(body_prices(frame))
    for name, is_wrong, verb, bound in (
        ("high", pl.col("high") < top * (1 - tolerance), "below", top),
        ("low", pl.col("low") > bottom * (1 + tolerance), "above", bottom),
    ):
        if name in frame.columns:
            # not pl.format: polars 2.1 panics in it where open or close is null throughout
            text = pl.concat_str(pl.col(name), pl.lit(f" {verb} "), bound)
            hits.append(hits_where(frame, is_wrong & has_close, text=text, column=name))
    return pl.concat(hits).sort("at", maintain_order=True)


def contradicting_ranges(frame: Frame) -> Frame:
    """High below open or close, or low above, by more than rounding."""
    return hits_by_block(frame, partial(_not_enclosing, tolerance=ENCLOSE_TOLERANCE))


def absurd_ranges(frame: Frame) -> Frame:
    """High below open or close, or low above, by more than a quarter of the close."""

    def find(rows: Frame) -> Frame:
        body = body_prices(rows)
        hits = [no_hits()]
        for name, size in (
            ("high", pl.max_horizontal(body) - pl.col("high")),
            ("low", pl.col("low") - pl.min_horizontal(body)),
        ):
            if name in rows.columns:
                shown = pl.concat_str(pl.col(name), pl.lit(" beside a close of "), pl.col("close"))
                is_far = size > LARGEST_CONTRADICTION * pl.col("close")
                hits.append(hits_where(rows, is_far, text=shown, column=name))
        return pl.concat(hits).unique("at", keep="first").sort("at")

    return hits_by_block(frame, find)


def closes_outside_ranges(frame: Frame) -> Frame:
    """The first row of each symbol whose range is absurd in a third of its rows: of 20 or more."""
    hits = absurd_ranges(frame)
    if not hits.height:
        return no_hits()
    rows = frame.select("symbol").with_row_index("at").join(hits, on="at", how="left")
    counts = rows.group_by("symbol", maintain_order=True).agg(
        pl.len(),
        pl.col("at").first(),
        pl.col("column").drop_nulls().first(),
        pl.col("text").drop_nulls().first(),
        n_hits=pl.col("text").count(),
    )
    counts = counts.filter(
        (pl.col("len") >= MIN_ROWS) & (pl.col("n_hits") > MOST_CONTRADICTIONS * pl.col("len"))
    )
    text = pl.format("{}, and so in {} of {} rows", "text", "n_hits", "len").alias("text")
    return counts.select("at", "column", text)


def rounded_ranges(frame: Frame) -> Frame:
    """High below open or close, or low above, by no more than rounding."""
    return hits_by_block(frame, partial(_not_enclosing, tolerance=0.0))
