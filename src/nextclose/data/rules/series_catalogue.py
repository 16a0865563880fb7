"""The input catalogue, second half: a symbol's rows together. Numbers are permanent."""

from __future__ import annotations

from nextclose.data.findings import Rule, unchanged, without_rows
from nextclose.data.rules import (
    closed_days,
    duplicates,
    gaps,
    halts,
    missing,
    order,
    outliers,
    stock_splits,
)

# Which rows there are: sorted by symbol and session and placed among the sessions of their exchange
# (alignment.py), prices as the file has them.
DAY_RULES: tuple[Rule, ...] = (
    Rule(
        number=48,
        response="E",
        must="no date after today",
        fix="correct the date, or the computer's clock.",
        find=closed_days.future_bars,
    ),
    Rule(
        number=50,
        response="P",
        must="a bar whose session is over",
        find=closed_days.unfinished_bars,
        setting="unfinished",
        policies={"drop": ("P", without_rows), "keep": ("W", unchanged)},
    ),
    Rule(
        number=58,
        response="E",
        must="a column that is there has values for every symbol",
        fix='leave SYMBOL out, or the column: data.columns = {"COLUMN" = ""}.',
        find=missing.symbols_without_a_column,
        mend=missing.without_symbols,
        per="whole",
    ),
    Rule(
        number=58,
        response="E",
        must="at least one complete bar of each symbol",
        fix="leave SYMBOL out, or give its prices.",
        find=missing.bare_symbols,
        mend=missing.without_symbols,
        per="whole",
    ),
    Rule(
        number=57,
        response="W",
        must="an incomplete newest bar is a missing row",
        find=missing.incomplete_newest_bar,
        per="rule",
        setting="fill",
        policies=dict.fromkeys(("ffill:1", "ffill:2", "ffill:3")),
    ),
    *(
        Rule(
            number=58,
            response="P",
            must="an incomplete bar takes the close before",
            find=missing.fillable_bars(n_most),
            setting="fill",
            policies={
                **dict.fromkeys((None, "ffill:1", "ffill:2", "ffill:3")),
                f"ffill:{n_most}": ("P", missing.filled),
            },
        )
        for n_most in (1, 2, 3)
    ),
    Rule(
        number=58,
        response="W",
        must="an incomplete bar is a missing row, never filled in",
        find=missing.incomplete_bars,
        per="rule",
    ),
    Rule(
        number=42,
        response="R",
        must="each row once; one kept",
        find=order.repeated_rows,
        per="rule",
    ),
    Rule(
        number=43,
        response="E",
        must="one row per symbol and date; this is a duplicate date",
        fix='keep one row of each, or set data.duplicates = "last".',
        find=order.contradicting_rows,
        setting="duplicates",
        policies={"last": ("P", order.last_rows)},
    ),
    Rule(
        number=51,
        response="P",
        must="a flat bar without volume on a closed day is none",
        find=closed_days.idle_closed_days,
        setting="non_session",
        policies={"drop": ("P", without_rows), "keep": ("W", unchanged)},
    ),
    Rule(
        number=51,
        response="W",
        must="a day on which the exchange is open; kept",
        fix='set data.calendar = EXCHANGE if it trades elsewhere, "24/7" if it never closes.',
        find=closed_days.other_closed_days,
        mend=unchanged,
        per="rule",
    ),
    Rule(
        number=62,
        response="E",
        must="one currency per symbol",
        fix="convert the prices to one currency.",
        find=order.mixed_currencies,
        mend=unchanged,
    ),
)

# What the rows say together: prices adjusted, segments broken at long gaps.
MOVE_RULES: tuple[Rule, ...] = (
    Rule(
        number=47,
        response="E",
        must="daily bars, a median of at most 4 days between them",
        fix="give daily bars.",
        find=gaps.not_daily,
        mend=unchanged,
        per="whole",
    ),
    Rule(
        number=52,
        response="W",
        must="every session of the exchange; up to 5 missing are passed over",
        find=gaps.short_gaps,
        mend=unchanged,
        per="rule",
    ),
    Rule(
        number=52,
        response="E",
        must="at most 5 sessions missing in a row",
        fix='add them, or set data.gaps = "split".',
        find=gaps.long_gaps,
        mend=unchanged,
        setting="gaps",
        policies={"split": ("P", unchanged)},
    ),
    Rule(
        number=67,
        response="W",
        must="one company under one name; a new segment begins",
        fix='if it is another company, set data.since = {"SYMBOL" = DATE}.',
        find=gaps.reused_names,
        mend=unchanged,
    ),
    Rule(
        number=65,
        response="E",
        must="a close that moves",
        fix="leave the symbol out.",
        find=halts.constant_closes,
        mend=unchanged,
        per="whole",
    ),
    Rule(
        number=63,
        response="W",
        must="a halt: marked from the fifth row on, a segment's end at the sixtieth",
        find=halts.halted_bars,
        mend=halts.halts_marked,
        per="rule",
    ),
    Rule(
        number=59,
        response="R",
        must="prices before a split are divided by its ratio",
        find=stock_splits.adjusted_splits,
        mend=unchanged,
        per="rule",
    ),
    Rule(
        number=59,
        response="E",
        must="adjusted prices; this looks like an unadjusted split",
        fix='set data.splits = FILE, or data.not_a_split = ["SYMBOL DATE"].',
        find=stock_splits.unadjusted_splits,
        mend=unchanged,
    ),
    Rule(
        number=60,
        response="W",
        must="the ratio of adjusted to raw close moves by splits and dividends, once",
        find=stock_splits.doubtful_dividends,
        mend=unchanged,
        per="rule",
    ),
    Rule(
        number=61,
        response="E",
        must="one unit; this looks like pence and pounds, a factor of 100",
        fix="bring all prices to one unit.",
        find=stock_splits.unit_flips,
        mend=unchanged,
        per="symbol",
    ),
    Rule(
        number=64,
        response="W",
        must="a move of at most 20 robust standard deviations of the past; marked",
        find=outliers.spikes,
        mend=outliers.marked,
        per="rule",
        setting="spikes",
        policies={"clip": None},
    ),
    Rule(
        number=64,
        response="P",
        must="a move of at most 20 robust standard deviations of the past",
        find=outliers.clippable,
        setting="spikes",
        policies={None: None, "clip": ("P", outliers.clipped)},
    ),
)

# What symbols say of each other: read with all of them there.
PANEL_RULES: tuple[Rule, ...] = (
    Rule(
        number=69,
        response="E",
        must="one symbol per series; a twin leaks from training into the test",
        fix="leave one of them out.",
        find=duplicates.twins,
        mend=unchanged,
        per="whole",
    ),
)
SERIES_RULES = (*DAY_RULES, *MOVE_RULES, *PANEL_RULES)
