"""The rules of rows, in the order in which they are applied."""

from __future__ import annotations

from nextclose.data.catalogue import Issue
from nextclose.data.findings import Rule, all_rows, without_rows
from nextclose.data.reading.epochs import READINGS
from nextclose.data.reading.number_formats import MARKED_NUMBER
from nextclose.data.rules import (
    adjusted_closes,
    cells,
    closed_days,
    duplicates,
    gaps,
    halts,
    missing,
    order,
    outliers,
    stock_splits,
)
from nextclose.data.rules.adjustment import (
    DIVIDED,
    with_widened_ranges,
    with_wider_ranges,
    without_ranges,
)

# Single cells and rows, in the order of the file.
CELL_RULES: tuple[Rule, ...] = (
    Rule(Issue.ILLEGAL_SYMBOL.finding(), cells.illegal_symbols, per="symbol"),
    Rule(
        Issue.ILLEGAL_SYMBOL.finding(
            rule="symbols that differ in more than case", fix="spell the symbol in one way."
        ),
        cells.symbols_equal_but_for_case,
        per="rule",
    ),
    Rule(
        Issue.SPREADSHEET_SYMBOL.finding(),
        cells.numeric_symbols,
        per="symbol",
        setting="numeric_symbols",
        policies={True: None},
    ),
    Rule(
        Issue.SPREADSHEET_SYMBOL.finding(
            rule="a symbol that is no date, as spreadsheets make of MAR1", fix="repair the symbols."
        ),
        cells.date_like_symbols,
        per="symbol",
    ),
    Rule(Issue.DAY_OR_MONTH_FIRST.finding(), cells.ambiguous_dates, per="file"),
    Rule(Issue.ZONED_STAMP.finding(), cells.zoned_stamps, per="symbol"),
    Rule(
        Issue.SPREADSHEET_DATE.finding(
            rule="a date rather than a count of days",
            fix='set data.date_format = READING, "epoch-d" for days from 1970, "excel" for a '
            "spreadsheet's.",
        ),
        cells.days_from_1970,
        per="file",
    ),
    Rule(Issue.SPREADSHEET_DATE.finding(), cells.serial_dates, per="file"),
    Rule(
        Issue.INTEGER_DATE.finding(
            rule=f"integers that just one of {', '.join(READINGS)} makes dates one to four days "
            "apart"
        ),
        cells.integer_dates,
        per="file",
    ),
    Rule(Issue.TWO_DIGIT_YEAR.finding(), cells.two_digit_years, per="file"),
    Rule(Issue.NOT_A_DATE.finding(), cells.unreadable_dates),
    Rule(Issue.EARLY_DATE.finding(), cells.early_dates),
    Rule(Issue.DECIMAL_MARK.finding(), cells.unread_numbers(MARKED_NUMBER), per="file"),
    Rule(Issue.ODD_VOLUME.finding(), cells.impossible_volumes),
    Rule(Issue.NOT_A_NUMBER.finding(), cells.unread_words),
    Rule(
        Issue.NOT_A_NUMBER.finding(fix="correct the file: write numbers alone."),
        cells.unread_numbers(),
    ),
    Rule(Issue.PRICE_OUT_OF_RANGE.finding(), cells.prices_out_of_range),
    Rule(Issue.ZERO_BAR.finding(), cells.all_zero_prices, per="rule"),
    Rule(
        Issue.NONPOSITIVE_PRICE.finding(),
        cells.nonpositive_closes,
        setting="nonpositive",
        policies={"drop": ("P", without_rows)},
    ),
    Rule(
        Issue.INCOMPLETE_BAR.finding(
            rule="a close without range or volume is kept; what reads them has no value there"
        ),
        missing.closes_without_range,
        repair=missing.with_missing_cells,
        per="rule",
    ),
    Rule(
        Issue.CONTRADICTING_RANGE.finding(
            response="E",
            rule="a close within 25 % of its range in most rows; this is another column's",
            fix="say which column is the close: data.columns = COLUMNS; or, where only the ranges "
            'are in another unit, data.columns = { open = "", high = "", low = "" }.',
        ),
        cells.closes_outside_ranges,
        repair=all_rows,
        per="whole",
    ),
    Rule(
        Issue.CONTRADICTING_RANGE.finding(
            response="W",
            rule="high >= open, close >= low; beyond 25 % of the close the close alone is kept",
            fix="",
        ),
        cells.absurd_ranges,
        repair=without_ranges,
        per="rule",
        setting="ranges",
        policies={"refuse": None},
    ),
    Rule(
        Issue.CONTRADICTING_RANGE.finding(response="E"),
        cells.contradicting_ranges,
        setting="ranges",
        policies={"widen": ("P", with_widened_ranges)},
    ),
    Rule(
        Issue.CONTRADICTING_RANGE.finding(
            response="R",
            rule="high >= open, close >= low; widened, as the gap is below 1e-6",
            fix="",
        ),
        cells.rounded_ranges,
        repair=with_wider_ranges,
        per="rule",
    ),
    Rule(Issue.INTRADAY_ROWS.finding(), cells.stamps_of_one_day, per="symbol"),
    Rule(Issue.NEWEST_FIRST.finding(), order.descending_rows, repair=all_rows, per="rule"),
    Rule(Issue.SHUFFLED_ROWS.finding(), order.shuffled_rows, repair=all_rows, per="rule"),
)

# Which rows there are: sorted by symbol and session and placed among the sessions of their exchange
# (alignment.py), prices as the file has them.
DAY_RULES: tuple[Rule, ...] = (
    Rule(
        Issue.ODD_VOLUME.finding(
            response="W", rule="a volume of -1 is none, and is missing", fix=""
        ),
        cells.unknown_volumes,
        repair=cells.without_volume,
        per="rule",
    ),
    Rule(
        Issue.ODD_VOLUME.finding(rule="-1 for no volume in every row of a symbol, or in none"),
        cells.lost_volumes,
    ),
    Rule(Issue.FUTURE_DATE.finding(), closed_days.future_bars),
    Rule(
        Issue.UNFINISHED_BAR.finding(),
        closed_days.unfinished_bars,
        setting="unfinished",
        policies={"drop": ("P", without_rows), "keep": ("W", all_rows)},
    ),
    Rule(
        Issue.INCOMPLETE_BAR.finding(
            response="E",
            rule="at least one complete bar of each symbol",
            fix="leave SYMBOL out, or give its prices.",
        ),
        missing.symbols_without_bars,
        repair=missing.without_symbols,
        per="whole",
    ),
    Rule(
        Issue.INCOMPLETE_NEWEST_BAR.finding(),
        missing.incomplete_newest_bar,
        per="rule",
        setting="fill",
        policies=dict.fromkeys(("ffill:1", "ffill:2", "ffill:3")),
    ),
    *(
        Rule(
            Issue.INCOMPLETE_BAR.finding(
                response="P", rule="an incomplete bar takes the close before"
            ),
            missing.fillable_bars(n_most),
            setting="fill",
            policies={
                **dict.fromkeys((None, "ffill:1", "ffill:2", "ffill:3")),
                f"ffill:{n_most}": ("P", missing.with_filled_bars),
            },
        )
        for n_most in (1, 2, 3)
    ),
    Rule(Issue.INCOMPLETE_BAR.finding(), missing.incomplete_bars, per="rule"),
    Rule(Issue.REPEATED_ROW.finding(), order.repeated_rows, repair=order.joined_rows, per="rule"),
    Rule(
        Issue.CONTRADICTING_ROWS.finding(
            rule="one row per symbol and date; these are several series",
            fix="give each series a symbol of its own, or leave all but one out.",
        ),
        order.several_series,
        repair=missing.without_symbols,
        per="whole",
    ),
    Rule(
        Issue.CONTRADICTING_ROWS.finding(),
        order.contradicting_rows,
        setting="duplicates",
        policies={"last": ("P", order.last_rows)},
    ),
    Rule(
        Issue.CLOSED_DAY.finding(),
        closed_days.idle_closed_days,
        setting="non_session",
        policies={"drop": ("P", without_rows), "keep": ("W", all_rows)},
    ),
    Rule(
        Issue.CLOSED_DAY.finding(
            response="W",
            rule="a day on which the exchange is open; kept",
            fix='set data.calendar = EXCHANGE if it trades elsewhere, "24/7" if it never closes.',
        ),
        closed_days.other_closed_days,
        repair=all_rows,
        per="rule",
    ),
    Rule(Issue.MIXED_CURRENCIES.finding(), order.mixed_currencies, repair=all_rows),
)

# What the rows say together: prices adjusted, segments broken at long gaps.
MOVE_RULES: tuple[Rule, ...] = (
    Rule(Issue.NOT_DAILY.finding(), gaps.sparse_symbols, repair=all_rows, per="whole"),
    Rule(
        Issue.MISSING_SESSIONS.finding(
            response="W",
            rule="every session of the exchange; up to 5 missing are passed over",
            fix="",
        ),
        gaps.short_gaps,
        repair=all_rows,
        per="rule",
    ),
    Rule(
        Issue.MISSING_SESSIONS.finding(),
        gaps.long_gaps,
        repair=all_rows,
        setting="gaps",
        policies={"split": ("P", all_rows)},
    ),
    Rule(Issue.REUSED_SYMBOL.finding(), gaps.reused_symbols, repair=all_rows),
    Rule(Issue.CONSTANT_CLOSE.finding(), halts.constant_closes, repair=all_rows, per="whole"),
    Rule(Issue.HALT.finding(), halts.halted_bars, repair=halts.with_halts, per="rule"),
    Rule(
        Issue.SPLIT.finding(response="R", rule=DIVIDED, fix=""),
        adjusted_closes.adjusted_splits,
        repair=all_rows,
        per="rule",
    ),
    Rule(
        Issue.DOUBTFUL_DIVIDEND.finding(
            response="E",
            rule="a split moves the raw close and not the adjusted one",
            fix=adjusted_closes.CURE,
        ),
        adjusted_closes.splits_alone,
        repair=all_rows,
    ),
    Rule(
        Issue.DOUBTFUL_DIVIDEND.finding(
            response="E",
            rule="splits and dividends alone move the ratio; this is of other prices",
            fix=adjusted_closes.CURE,
        ),
        adjusted_closes.unrelated_closes,
        repair=all_rows,
        per="whole",
    ),
    Rule(
        Issue.DOUBTFUL_DIVIDEND.finding(),
        adjusted_closes.doubtful_dividends,
        repair=all_rows,
        per="rule",
    ),
    Rule(Issue.UNIT_FLIP.finding(), outliers.unit_flips, repair=all_rows, per="symbol"),
    Rule(
        Issue.OUTLIER.finding(),
        outliers.spikes,
        repair=outliers.with_spike_mask,
        per="rule",
        setting="spikes",
        policies={"clip": None},
    ),
    Rule(
        Issue.OUTLIER.finding(
            response="P", rule="a move of at most 20 robust standard deviations of the past"
        ),
        outliers.clippable_spikes,
        setting="spikes",
        policies={None: None, "clip": ("P", outliers.with_clipped_prices)},
    ),
)

# What symbols say of each other: read with all of them there.
PANEL_RULES: tuple[Rule, ...] = (
    Rule(
        Issue.OUTLIER.finding(rule="-40 % to +65 %, while the past is short; marked", fix=""),
        outliers.early_moves,
        repair=outliers.with_spike_mask,
        per="rule",
    ),
    Rule(
        Issue.SPLIT.finding(
            response="W",
            rule="a move as of a split that other evidence speaks against; kept and marked",
            fix="",
        ),
        stock_splits.doubtful_splits,
        repair=stock_splits.with_split_mask,
        per="rule",
    ),
    Rule(
        Issue.SPLIT.finding(),
        stock_splits.unadjusted_splits,
        repair=stock_splits.with_split_mask,
    ),
    Rule(Issue.TWIN_SYMBOLS.finding(), duplicates.twin_symbols, repair=all_rows, per="whole"),
)

RULES = (*CELL_RULES, *DAY_RULES, *MOVE_RULES, *PANEL_RULES)
