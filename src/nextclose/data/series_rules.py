"""The input catalogue, second half: a symbol's rows together. Numbers are permanent."""

from __future__ import annotations

from nextclose.data import series
from nextclose.data.findings import Rule, unchanged

SPLIT_DAY = "keep one row per symbol and date."

# On rows sorted by symbol and session, placed among the sessions of their exchange (placing.py).
SERIES_RULES: tuple[Rule, ...] = (
    Rule(
        number=57,
        response="W",
        must="an incomplete newest bar is a missing row",
        find=series.incomplete_newest_bar,
        per="rule",
    ),
    Rule(
        number=58,
        response="W",
        must="an incomplete bar is a missing row, never filled in",
        find=series.incomplete_bars,
        per="rule",
    ),
    Rule(
        number=42,
        response="R",
        must="each row once; one kept",
        find=series.repeated_rows,
        per="rule",
    ),
    Rule(
        number=43,
        response="E",
        must="one row per symbol and date",
        fix=SPLIT_DAY,
        find=series.contradicting_rows,
    ),
    Rule(
        number=65,
        response="E",
        must="a close that moves; constant, there is nothing to forecast",
        fix="leave the symbol out.",
        find=series.constant_closes,
        mend=unchanged,
        per="symbol",
    ),
)
