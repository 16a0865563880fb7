"""The input catalogue: every kind of bad or doubtful input by its permanent number.

Where an issue is looked for: the rules of rows in `data/rules/sequence.py`, what concerns whole
files in `data/reading` and `data/sources`, downloads in `data/store`.
"""

from __future__ import annotations

from enum import IntEnum, unique
from typing import Self, TypedDict, Unpack, cast

from nextclose.errors import Finding, Response


class Place(TypedDict, total=False):
    """Where a finding was made; what does not apply stays away."""

    path: str
    row: int | None
    column: str
    symbol: str
    session: str
    count: int


# fmt: off
@unique
class Issue(IntEnum):
    """One number of the catalogue: responses, what it is about; the rule and the cure.

    Of several responses the first is the usual one; none: such input is as good as any other.
    Rule and cure are those of the usual response, "" where they depend on what was found.
    """

    # the file
    NO_FILE = (1, "E", "a path that cannot be read, a folder without price files",
        "a readable file or folder", "correct the path.")
    EMPTY_FILE = (2, "E", "0 bytes", "", "export the prices again.")
    NO_ROWS = (3, "EW", "a header without rows", "at least one complete bar",
        "give a file with prices.")
    BYTE_ORDER_MARK = (4, "R", "UTF-8 with a byte-order mark",
        "UTF-8 without a byte-order mark; removed")
    NOT_UTF8 = (5, "E", "UTF-16, Latin-1 or another encoding", "UTF-8")
    NUL_BYTE = (6, "E", "NUL amid the text", "text without NUL bytes", "export the prices again.")
    LINE_ENDS = (7, "R", "CR or CRLF line ends", "LF line ends; read alike")
    SEPARATOR = (8, "ER", "cells separated by another mark than a comma",
        "one separator that gives every row as many fields as the header")
    DECIMAL_MARK = (9, "ER", "two decimal marks, or another than is set",
        "one decimal mark in all numbers, data.decimal if that is set",
        "write all numbers with one decimal mark.")
    THOUSANDS_MARK = (10, "ER", "marks that stand for thousands or for fractions",
        "marks that can only be read in one way")
    CUT_LAST_LINE = (11, "E", "a last line that was cut short", "",
        "get the whole file: its end is missing.")
    UNEVEN_ROW = (12, "ER", "a row of another length than the header, or a line that is none", "",
        "correct the row.")
    OPEN_QUOTE = (13, "E", "a quote that does not close",
        "quotes in pairs around a cell of at most 64 KiB", "close the quote in that row.")
    OVERSIZED_TABLE = (14, "E", "a line of over 1 MiB, over 16,384 columns, a table too large",
        "lines of at most 1 MiB", "export the prices again, one bar a line.")
    UNSAFE_ARCHIVE = (15, "E", "an archive that is damaged, has several files or grows too much")
    OTHER_FORMAT = (16, "E", "Parquet, a web page, JSON or a pointer under the name of a CSV",
        "CSV", "export the prices as CSV or Parquet.")
    UNKNOWN_FORMAT = (17, "EW", "a spreadsheet, a pickle, HDF5 or any other ending",
        "CSV or Parquet", "export the prices as CSV or Parquet.")
    NOT_REGULAR_FILE = (18, "E", "a symbolic link, pipe, socket or device",
        "a regular file", "copy the prices to a file.")
    DAMAGED_FILE = (19, "E", "Parquet or a stored file that is damaged or dangerous to read",
        "a whole Parquet file", "export the prices again.")
    CHANGED_DURING_READ = (20, "E", "a file that changes while it is read",
        "a file at rest", "load again when nothing writes there.")

    # its columns, and what their cells say
    MISSING_COLUMN = (21, "EW", "a column that is not there")
    COLUMN_SPELLING = (22, "R", "a column under another spelling of its name",
        "names as symbol, date, open, high, low, close, volume, adj_close; mapped")
    REPEATED_COLUMN = (23, "E", "a column that is there twice",
        "each column once", "delete or rename all but one.")
    TWO_LEVEL_COLUMNS = (24, "R", "columns of several symbols side by side",
        "one row per symbol and date; split by symbol")
    NO_ADJUSTED_CLOSE = (25, "WRE", "a close alone",
        "whether close is adjusted for splits and dividends is unknown",
        "add a column 'adj_close'.")
    TWO_CLOSES = (26, "WE", "a close and an adjusted close",
        "close is the adjusted one, open, high, low and volume in proportion")
    NOT_A_NUMBER = (27, "ERW", "text in place of a number", "a number, or an empty cell",
        "correct the file, or set data.missing = [\"TEXT\"] if it means that there is none.")
    SYMBOL_LIKE_A_VALUE = (28, "", "a symbol such as NA, TRUE or 1E5: text, as any other")
    SPREADSHEET_SYMBOL = (29, "E", "a symbol that a spreadsheet took for a number or a date",
        "a symbol that is no number: spreadsheets lose its letters and zeros",
        "repair the symbols; for an exchange with numeric codes data.numeric_symbols = true.")
    ILLEGAL_SYMBOL = (30, "ER", "a symbol with odd characters, or too long",
        "a symbol like AAPL, BRK-B or ^GSPC, up to 20 characters",
        "correct the symbol, or name a one-symbol file after it.")
    ODD_VOLUME = (31, "ERW", "a volume that is negative, too large, short for another or no whole",
        "a volume written out, from 0 to below 2^63", "correct the file: write volumes in digits.")
    PRICE_OUT_OF_RANGE = (32, "E", "a price that is infinite, or of a size that no price has",
        "a finite price from 1e-10 to 1e12", "correct the file.")
    LONG_PRICE = (33, "", "a price of 17 digits: read to the last bit")
    COLUMN_TYPE = (34, "E", "a column whose type cannot hold what it should", "",
        "convert the column.")

    # when a row was
    NOT_A_DATE = (35, "E", "text in place of a date", "a date",
        "write dates as YYYY-MM-DD, or set data.date_format = FORM.")
    DAY_OR_MONTH_FIRST = (36, "E", "03/04/2019 in a file that does not settle which is the month",
        "an order of day and month that other rows settle",
        'set data.date_format = FORM, "%d/%m/%Y" or "%m/%d/%Y".')
    TWO_DIGIT_YEAR = (37, "E", "a year of two digits", "a year of four digits",
        'set data.date_format = FORM, as "%d/%m/%y".')
    INTEGER_DATE = (38, "ER", "an integer in place of a date", "",
        'set data.date_format = READING, as "yyyymmdd".')
    SPREADSHEET_DATE = (39, "E", "a date as a spreadsheet counts days",
        "a date rather than a spreadsheet's serial number", 'set data.date_format = "excel".')
    SHUFFLED_ROWS = (40, "R", "rows out of order", "oldest first; sorted")
    NEWEST_FIRST = (41, "R", "rows from the newest to the oldest", "oldest first; reversed")
    REPEATED_ROW = (42, "R", "a row that is there twice", "each row once; one kept")
    CONTRADICTING_ROWS = (43, "EPW", "a second row of one symbol and date, with other values",
        "one row per symbol and date; this is a duplicate date",
        'keep one row of each, or set data.duplicates = "last".')
    ZONED_STAMP = (44, "ER", "a time with its zone",
        "a plain date, midnight, or an exchange whose zone is known",
        'set data.calendar = {"SYMBOL" = EXCHANGE}, as "XNYS".')
    CLOCK_CHANGE = (45, "", "a midnight that a clock change skips or repeats: dates are plain")
    INTRADAY_ROWS = (46, "E", "several rows of one day",
        "daily bars: one row per symbol and date; this is not daily", "give daily bars alone.")
    NOT_DAILY = (47, "E", "weekly or monthly bars",
        "daily bars: one in four at most 4 days after the one before", "give daily bars.")
    FUTURE_DATE = (48, "E", "a date after today",
        "no date after today", "correct the date, or the computer's clock.")
    EARLY_DATE = (49, "E", "a year before 1900", "a date from 1900 on", "correct the file.")
    UNFINISHED_BAR = (50, "PW", "a bar of a session that is not over",
        "a bar whose session is over")
    CLOSED_DAY = (51, "PWER", "rows of days on which the exchange is closed",
        "a bar that says nothing new on a closed day is none")
    MISSING_SESSIONS = (52, "EPW", "sessions without a row",
        "at most 5 sessions missing in a row", 'add them, or set data.gaps = "split".')
    UNSCHEDULED_CLOSURE = (53, "", "a day closed by a storm or an attack: in the calendar")

    # what the numbers say
    NONPOSITIVE_PRICE = (54, "EP", "a close of 0 or less",
        "price > 0", 'correct the file or set data.nonpositive = "drop".')
    CONTRADICTING_RANGE = (55, "PRWE", "a high below open or close, or a low above",
        "high >= open, close >= low", 'correct the file, or set data.ranges = "widen".')
    ZERO_BAR = (56, "W", "a bar whose four prices are 0", "a bar without prices is a missing row")
    INCOMPLETE_NEWEST_BAR = (57, "WE", "a newest bar without a close",
        "an incomplete newest bar is a missing row")
    INCOMPLETE_BAR = (58, "WEP", "a bar without a close, or a close without range or volume",
        "an incomplete bar is a missing row, never filled in")
    SPLIT = (59, "ERW", "a split that the prices show, or that a table gives",
        "adjusted prices; this looks like an unadjusted split",
        'set data.splits = FILE, or data.not_a_split = ["SYMBOL DATE"].')
    DOUBTFUL_DIVIDEND = (60, "WE", "a dividend or split not in the adjusted close, or twice",
        "the ratio of adjusted to raw close moves by splits and dividends, once")
    UNIT_FLIP = (61, "E", "prices in pence amid prices in pounds",
        "one unit; this looks like pence and pounds, a factor of 100",
        "bring all prices to one unit; if it is a split, set data.splits = FILE.")
    MIXED_CURRENCIES = (62, "E", "several currencies of one symbol",
        "one currency per symbol", "convert the prices to one currency.")
    HALT = (63, "W", "five equal closes without volume, or more",
        "a halt: marked from the fifth row on, a segment's end at the sixtieth")
    OUTLIER = (64, "WP", "a move out of all proportion to the past",
        "a move of at most 20 robust standard deviations of the past; marked",
        'set data.spikes = "clip" to cut such moves to that.')
    CONSTANT_CLOSE = (65, "E", "a close that never moves",
        "a close that moves", "leave the symbol out.")
    SHORT_HISTORY = (66, "WE", "fewer sessions than a forecast reads",
        "a symbol with too little history is forecast only by models that read less",
        "give a longer history.")
    REUSED_SYMBOL = (67, "WE", "a symbol that another company took over",
        "one company under one name; a new segment begins",
        'if it is another company, set data.since = {"SYMBOL" = DATE}.')
    SURVIVORSHIP = (68, "W", "no symbol that ends before the others",
        "symbols that died are there too; without them results look better than they were",
        "add the symbols that were delisted.")
    TWIN_SYMBOLS = (69, "W", "one series under two symbols",
        "one symbol per series; a twin counts twice in what is pooled",
        "leave one of them out.")
    SEVERAL_CALENDARS = (70, "", "symbols of several exchanges: each by its own calendar")

    # downloads, stores and databases
    NO_ANSWER = (71, "EW", "a provider that does not answer",
        "an answer within 5 tries in 120 s", "wait, then run the same command again.")
    NO_BARS = (72, "EW", "an answer without rows",
        "at least one finished bar", "correct the symbol or leave it out.")
    OTHER_ANSWER = (73, "EW", "an answer of another shape: a page, a column that is missing",
        "each day's date, open, high, low, close, volume and adjusted close, from first to last",
        "update the client library, or try again later.")
    FAILED_SYMBOLS = (74, "EW", "symbols of which there is nothing", "a history of each symbol")
    REVISED_HISTORY = (75, "PW", "a history that its provider tells otherwise than before")
    DATABASE = (76, "EW", "a table that a database does not give, or not safely")

    # what goes out
    FORMULA_TEXT = (77, "R", "text that a spreadsheet would run: quoted in a CSV")
    MARKUP_TEXT = (78, "R", "markup in a symbol, a path or a setting: escaped in a report")
    NOT_FINITE = (79, "E", "NaN or infinity among the numbers given on",
        "finite numbers in what is given on",
        "see what `nextclose check` says of these prices, and leave out what it names.")

    # what a setting leaves out
    LEFT_OUT = (80, "P", "a symbol or file with refusals",
        'nothing refused of a symbol; left out, with hindsight, by data.bad_symbols = "leave out"')

    # what a bundle is served with
    STALE_BARS = (81, "W", "bars that end before the last finished session",
        "bars up to the last finished session of the exchange",
        "give newer bars: a forecast counts from the newest one.")
    EARLY_END = (82, "W", "a symbol that ends before others of its exchange",
        "symbols of one exchange end together", "give their newer bars, or leave them out.")
    NEVER_LEARNT = (83, "W", "a symbol that a bundle has not learnt from",
        "symbols of the bundle's training; others go by what all have in common",
        "train with them.")
    MISSING_SYMBOLS = (84, "W", "symbols of a bundle's training that are not given",
        "each symbol of the bundle's training, under its name then",
        "give them under that name, or train again.")
    OTHER_VERSIONS = (85, "W", "a bundle made with other versions of libraries",
        "the versions that it was made with; its golden forecasts agree",
        "train again to be rid of this.")
    CALENDAR_END = (86, "W", "dates beyond the years of a calendar",
        "forecasts that resolve within the published years; beyond, each weekday is a session",
        "expect later dates around holidays, or install a newer exchange_calendars.")
    OTHER_MOVES = (87, "W", "a symbol whose moves are not those of its training",
        "the moves of each symbol up to the fit as in the bundle's training",
        "give the prices of that company, or train again.")
    OTHER_BASIS = (88, "W", "prices on another basis than those of a bundle's training",
        "closes adjusted for splits and dividends, or not, as in the bundle's training",
        "give prices of that kind, or train again with these.")
    OLD_RECORD = (89, "W", "bars that are newer than a bundle's record of past forecasts",
        "ranges follow what became of past forecasts, known up to 21 sessions ago at the most",
        "`nextclose update BUNDLE PRICES` moves them on.")
    TAUGHT_LATER = (90, "W", "a bundle that was fitted before what it was taught beforehand ends",
        "prices that nothing was taught by; these forecasts may know what came after",
        "take them for no test, or train with later prices.")
    SILENT_MEMBER = (91, "W", "a member of a bundle's hybrid that makes no forecast",
        "an edition of lstm that had ended by the fit; the others forecast alone",
        "train with later prices, or name an older edition in [lstm] editions.")
    # fmt: on

    about: str
    responses: tuple[Response, ...]
    rule: str
    fix: str

    def __new__(
        cls, number: int, responses: str = "", about: str = "", rule: str = "", fix: str = ""
    ) -> Self:
        """One row of the table."""
        issue = int.__new__(cls, number)
        issue._value_ = number
        issue.responses = cast(tuple[Response, ...], tuple(responses))
        issue.about, issue.rule, issue.fix = about, rule, fix
        return issue

    def finding(
        self,
        found: str = "",
        *,
        response: Response | None = None,
        rule: str = "",
        fix: str | None = None,
        **place: Unpack[Place],
    ) -> Finding:
        """What was found of this issue; response, rule and cure are the usual ones unless given."""
        response = response or self.responses[0]
        assert response in self.responses, f"{response}{self.value}: {self.responses}"
        return Finding(
            number=self.value,
            response=response,
            found=found,
            rule=rule or self.rule,
            fix=self.fix if fix is None else fix,
            **place,
        )
