"""The input catalogue, first half: single cells and rows. Numbers are permanent."""

from __future__ import annotations

from nextclose.data.findings import Rule, unchanged, without_rows
from nextclose.data.reading.epochs import READINGS
from nextclose.data.rules import cells, order
from nextclose.data.rules.adjustment import widened

AS_ISO = "write dates as YYYY-MM-DD, or set data.date_format = FORM."
CORRECT = "correct the file."

POINT = "a decimal mark as data.decimal says"
UNMARKED = "digits without a mark between thousands"
UNCLEAR = "a comma or point that can only be a fraction, or only thousands"
LEAD = r"^[+-]?\d{1,3}"
DOTS, COMMAS, QUOTES, SPACES = (rf"(?:{mark}\d{{3}})" for mark in (r"\.", ",", "['\u2019]", r"\s"))

# Number, form of the cell, what must hold, and the settings that would read it. Rows of rule 9 are
# passed over once the decimal mark is a comma.
MARKED_NUMBERS = (
    (9, rf"{LEAD}{DOTS}+,\d*$", POINT, 'set data.decimal = "," and data.thousands = ".".'),
    (9, rf"{LEAD}{DOTS}{{2,}}$", POINT, 'set data.decimal = "," and data.thousands = ".".'),
    (9, rf"{LEAD}{QUOTES}+,\d*$", POINT, 'set data.decimal = "," and data.thousands = "\'".'),
    (9, rf"{LEAD}{SPACES}+,\d*$", POINT, 'set data.decimal = "," and data.thousands = " ".'),
    (9, r"^[+-]?(?:\d*,\d{0,2}|\d*,\d{4,}|(?:0|\d{4,}),\d{3})$", POINT, 'set data.decimal = ",".'),
    (10, rf"{LEAD}{COMMAS}(?:{COMMAS}*\.\d*|{COMMAS}+)$", UNMARKED, 'set data.thousands = ",".'),
    (10, rf"{LEAD}{DOTS}(?:{DOTS}*,\d*|{DOTS}+)$", UNMARKED, 'set data.thousands = ".".'),
    (10, rf"{LEAD}{QUOTES}+(?:[.,]\d*)?$", UNMARKED, 'set data.thousands = "\'".'),
    (10, rf"{LEAD}{SPACES}+(?:[.,]\d*)?$", UNMARKED, 'set data.thousands = " ".'),
    (10, rf"{LEAD}[.,]\d{{3}}$", UNCLEAR, "set data.decimal = MARK or data.thousands = MARK."),
)

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
        number=29,
        response="E",
        must="a symbol that is no number: spreadsheets lose its letters and zeros",
        fix="repair the symbols; for an exchange with numeric codes data.numeric_symbols = true.",
        find=cells.numeric_symbols,
        per="symbol",
        setting="numeric_symbols",
        policies={True: None},
    ),
    Rule(
        number=29,
        response="E",
        must="a symbol that is no date, as spreadsheets make of MAR1",
        fix="repair the symbols.",
        find=cells.date_like_symbols,
        per="symbol",
    ),
    Rule(
        number=36,
        response="E",
        must="an order of day and month that other rows settle",
        fix='set data.date_format = FORM, "%d/%m/%Y" or "%m/%d/%Y".',
        find=cells.ambiguous_dates,
        per="file",
    ),
    Rule(
        number=44,
        response="E",
        must="a plain date, midnight, or an exchange whose zone is known",
        fix='set data.calendar = EXCHANGE, as "XNYS".',
        find=cells.zoned_stamps,
        per="file",
    ),
    Rule(
        number=39,
        response="E",
        must="a date rather than a spreadsheet's serial number",
        fix='set data.date_format = "excel".',
        find=cells.serial_dates,
        per="file",
    ),
    Rule(
        number=38,
        response="E",
        must=f"integers that just one of {', '.join(READINGS)} makes dates one to four days apart",
        fix='set data.date_format = READING, as "yyyymmdd".',
        find=cells.integer_dates,
        per="file",
    ),
    Rule(
        number=37,
        response="E",
        must="a year of four digits",
        fix='set data.date_format = FORM, as "%d/%m/%y".',
        find=cells.two_digit_years,
        per="file",
    ),
    Rule(number=35, response="E", must="a date", fix=AS_ISO, find=cells.unreadable_dates),
    Rule(number=49, response="E", must="a date from 1900 on", fix=CORRECT, find=cells.early_dates),
    *(
        Rule(
            number=number,
            response="E",
            must=must,
            fix=fix,
            find=cells.unread_numbers(pattern),
            per="file",
            setting="decimal",
            policies={",": None} if number == 9 else {},
        )
        for number, pattern, must, fix in MARKED_NUMBERS
    ),
    Rule(
        number=9,
        response="E",
        must=POINT,
        fix='set data.decimal = ".".',
        find=cells.unread_numbers(r"^[+-]?\d*\.\d*$"),
        per="file",
    ),
    Rule(
        number=31,
        response="E",
        must="a volume written out, from 0 to below 2^63",
        fix="correct the file: write volumes in digits.",
        find=cells.impossible_volumes,
    ),
    Rule(
        number=31,
        response="E",
        must="a whole volume",
        fix='correct the file, or set data.fractional_volume = "round".',
        find=cells.fractional_volumes,
        setting="fractional_volume",
        policies={"round": ("P", unchanged)},
    ),
    Rule(
        number=27,
        response="E",
        must="a number, or an empty cell",
        fix="correct the file, or list the text in data.missing.",
        find=cells.unread_numbers(),
    ),
    Rule(
        number=32,
        response="E",
        must="a finite price from 1e-10 to 1e12",
        fix=CORRECT,
        find=cells.outlandish_prices,
    ),
    Rule(
        number=56,
        response="W",
        must="a bar without prices is a missing row",
        find=cells.all_zero_prices,
        per="rule",
    ),
    Rule(
        number=54,
        response="E",
        must="price > 0",
        fix='correct the file or set data.nonpositive = "drop".',
        find=cells.nonpositive_prices,
        setting="nonpositive",
        policies={"drop": ("P", without_rows)},
    ),
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
        number=46,
        response="E",
        must="daily bars: one row per symbol and date; this is not daily",
        fix="give daily bars alone.",
        find=cells.stamps_of_one_day,
        per="symbol",
    ),
    Rule(
        number=41,
        response="R",
        must="oldest first; reversed",
        find=order.descending_rows,
        mend=unchanged,
        per="rule",
    ),
    Rule(
        number=40,
        response="R",
        must="oldest first; sorted",
        find=order.shuffled_rows,
        mend=unchanged,
        per="rule",
    ),
)
