"""Checks of single cells and rows: symbols, dates, numbers, and the range of a bar."""

from __future__ import annotations

import polars as pl

from nextclose.data.columns import EARLIEST, NUMBERS
from nextclose.data.dates import DAY_OR_MONTH_FIRST, STAMP
from nextclose.data.findings import cell_hits, hits_at, no_hits
from nextclose.data.repair import body
from nextclose.schema import PRICE_COLUMNS

LEGAL_SYMBOL = r"^[A-Z0-9^][A-Za-z0-9.=&_-]{0,19}$"
SMALLEST_PRICE, LARGEST_PRICE = 1e-10, 1e12
ENCLOSE_TOLERANCE = 1e-6  # relative; rounding of two feeds, no more
PRICES = (*PRICE_COLUMNS, "adj_close", "close_raw")

Frame = pl.DataFrame


def illegal_symbols(frame: Frame) -> Frame:
    """Rows whose symbol has an odd character, two dots, or too many characters."""
    names = frame["symbol"].unique()
    bad = names.filter(~names.str.contains(LEGAL_SYMBOL) | names.str.contains("..", literal=True))
    if not len(bad) and not names.null_count():
        return no_hits()
    is_bad = pl.col("symbol").is_in(bad.to_list()) | pl.col("symbol").is_null()
    reasons = {name: _symbol_fault(name) for name in bad if name is not None}
    found = pl.col("symbol").replace_strict(reasons, default="no symbol", return_dtype=pl.String)
    return hits_at(frame, is_bad, found=found, column="symbol")


def _symbol_fault(symbol: str) -> str:
    """What is wrong with a symbol: the first odd character with its code point and position."""
    tail = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz.-=&_"
    for position, character in enumerate(symbol, start=1):
        if character not in (tail if position > 1 else tail[:36] + "^"):
            return f"U+{ord(character):04X} at position {position} of {symbol[:20]!r}"
    return f"{symbol[:24]!r}, {len(symbol)} characters" if len(symbol) > 20 else repr(symbol)


def symbols_equal_but_for_case(frame: Frame) -> Frame:
    """Rows of symbols that another symbol equals when case is ignored."""
    names = frame.select(pl.col("symbol").unique().drop_nulls().sort())
    names = names.filter(pl.col("symbol").str.to_uppercase().is_duplicated())
    is_twin = pl.col("symbol").is_in(names["symbol"].to_list())
    found = pl.lit(" and ".join(names["symbol"].head(4)))
    return hits_at(frame, is_twin, found=found, column="symbol") if names.height else no_hits()


def _unread_date(frame: Frame, pattern: str | None, *, unless: tuple[str, ...] = ()) -> Frame:
    """Cells of the date column that gave no date, of one form and not of others."""
    if "session_text" not in frame.columns:
        is_empty = pl.col("session").is_null() if pattern is None else pl.lit(value=False)
        return hits_at(frame, is_empty, found=pl.lit("no date"), column="date")
    text = pl.col("session_text").fill_null("")
    is_form = pl.lit(value=True) if pattern is None else text.str.contains(pattern)
    for other in unless:
        is_form = is_form & ~text.str.contains(other)
    found = pl.col("session_text").fill_null("no date")
    return hits_at(frame, pl.col("session").is_null() & is_form, found=found, column="date")


def unreadable_dates(frame: Frame) -> Frame:
    """Dates in no form we know, and none at all."""
    return _unread_date(frame, None, unless=(DAY_OR_MONTH_FIRST, STAMP))


def ambiguous_dates(frame: Frame) -> Frame:
    """Dates like 03/04/2019 in a file that does not settle which number is the month."""
    return _unread_date(frame, DAY_OR_MONTH_FIRST)


def zoned_stamps(frame: Frame) -> Frame:
    """Stamps with a zone and a time of day: the exchange's date is not known from them."""
    return _unread_date(frame, STAMP)


def two_digit_years(frame: Frame) -> Frame:
    """Dates whose year has two digits, as read."""
    return hits_at(frame, pl.col("session").dt.year() < 100, found=_date_text(frame), column="date")


def early_dates(frame: Frame) -> Frame:
    """Dates before 1900."""
    return hits_at(frame, pl.col("session") < EARLIEST, found=_date_text(frame), column="date")


def _date_text(frame: Frame) -> pl.Expr:
    text = [pl.col("session_text")] if "session_text" in frame.columns else []
    return pl.coalesce(*text, pl.col("session").cast(pl.String))


def unreadable_numbers(frame: Frame) -> Frame:
    """Cells with text that is no number."""
    hits = [
        hits_at(
            frame,
            pl.col(name).is_null() & pl.col(f"{name}_text").is_not_null(),
            found=pl.col(f"{name}_text"),
            column=name,
        )
        for name in NUMBERS
        if f"{name}_text" in frame.columns
    ]
    return pl.concat([no_hits(), *hits]).sort("at", maintain_order=True)


def outlandish_prices(frame: Frame) -> Frame:
    """Prices that are infinite, or of a size no price has."""
    return cell_hits(
        frame,
        PRICES,
        lambda c: (c.abs() > LARGEST_PRICE) | ((c > 0) & (c < SMALLEST_PRICE)),
    )


def impossible_volumes(frame: Frame) -> Frame:
    """Volumes below zero, or infinite, or too large to count."""
    return cell_hits(frame, ("volume",), lambda c: (c < 0) | (c >= 2.0**63))


def all_zero_prices(frame: Frame) -> Frame:
    """Rows where every price is 0: a bar that a source wrote without data."""
    prices = [name for name in PRICE_COLUMNS if name in frame.columns]
    if len(prices) < len(PRICE_COLUMNS):
        return no_hits()
    return hits_at(frame, pl.all_horizontal(pl.col(prices) == 0), found=pl.lit("all four prices 0"))


def nonpositive_prices(frame: Frame) -> Frame:
    """Prices of 0 or less."""
    return cell_hits(frame, PRICES, lambda c: c <= 0)


def _not_enclosing(frame: Frame, *, tolerance: float) -> Frame:
    hits = [no_hits()]
    top, bottom = pl.max_horizontal(body(frame)), pl.min_horizontal(body(frame))
    for name, is_wrong, verb, bound in (
        ("high", pl.col("high") < top * (1 - tolerance), "below", top),
        ("low", pl.col("low") > bottom * (1 + tolerance), "above", bottom),
    ):
        if name in frame.columns:
            found = pl.format(f"{{}} {verb} {{}}", pl.col(name), bound)
            hits.append(hits_at(frame, is_wrong, found=found, column=name))
    return pl.concat(hits).sort("at", maintain_order=True)


def contradicting_ranges(frame: Frame) -> Frame:
    """High below open or close, or low above, by more than rounding."""
    return _not_enclosing(frame, tolerance=ENCLOSE_TOLERANCE)


def rounded_ranges(frame: Frame) -> Frame:
    """High below open or close, or low above, by no more than rounding."""
    return _not_enclosing(frame, tolerance=0.0)
