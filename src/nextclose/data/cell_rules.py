"""The input catalogue, first half: single cells and rows. Numbers are permanent."""

from __future__ import annotations

from nextclose.data import cells, series
from nextclose.data.findings import Rule, unchanged
from nextclose.data.repair import widened

AS_ISO = "write dates as YYYY-MM-DD."
CORRECT = "correct the file."

# In the order of the file; each rule sees the rows that the rules above it kept.
CELL_RULES: tuple[Rule, ...] = (
    Rule(
        number=30,
        response="E",
        must="a symbol like AAPL, BRK-B or ^GSPC, up to 20 characters",
        fix="correct the symbol, or name a one-symbol file after it.",
        find=cells.illegal_symbols,
        per="symbol",
    ),
    Rule(
        number=30,
        response="E",
        must="symbols that differ in more than case",
        fix="spell the symbol in one way.",
        find=cells.symbols_equal_but_for_case,
        per="rule",
    ),
    Rule(
        number=36,
        response="E",
        must="an order of day and month that other rows settle",
        fix=AS_ISO,
        find=cells.ambiguous_dates,
    ),
    Rule(
        number=44,
        response="E",
        must="a plain date, or midnight at the exchange",
        fix=AS_ISO,
        find=cells.zoned_stamps,
    ),
    Rule(number=35, response="E", must="a date", fix=AS_ISO, find=cells.unreadable_dates),
    Rule(
        number=37,
        response="E",
        must="a year of four digits",
        fix=AS_ISO,
        find=cells.two_digit_years,
    ),
    Rule(number=49, response="E", must="a date from 1900 on", fix=CORRECT, find=cells.early_dates),
    Rule(
        number=27,
        response="E",
        must="a number, or an empty cell",
        fix=CORRECT,
        find=cells.unreadable_numbers,
    ),
    Rule(
        number=32,
        response="E",
        must="a finite price from 1e-10 to 1e12",
        fix=CORRECT,
        find=cells.outlandish_prices,
    ),
    Rule(
        number=31,
        response="E",
        must="volume >= 0 and below 2^63",
        fix=CORRECT,
        find=cells.impossible_volumes,
    ),
    Rule(
        number=56,
        response="W",
        must="a bar without prices is a missing row",
        find=cells.all_zero_prices,
        per="rule",
    ),
    Rule(number=54, response="E", must="price > 0", fix=CORRECT, find=cells.nonpositive_prices),
    Rule(
        number=55,
        response="E",
        must="high >= open, close >= low",
        fix=CORRECT,
        find=cells.contradicting_ranges,
    ),
    Rule(
        number=55,
        response="R",
        must="high >= open, close >= low; widened, as the gap is below 1e-6",
        find=cells.rounded_ranges,
        mend=widened,
        per="rule",
    ),
    Rule(
        number=41,
        response="R",
        must="oldest first; reversed",
        find=series.descending_rows,
        mend=unchanged,
        per="rule",
    ),
    Rule(
        number=40,
        response="R",
        must="oldest first; sorted",
        find=series.shuffled_rows,
        mend=unchanged,
        per="rule",
    ),
)
