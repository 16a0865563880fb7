"""What bars hold."""

from __future__ import annotations

from datetime import date

import polars as pl

from nextclose.data.inventory import (
    NO_CALENDAR,
    SymbolSummary,
    calendars_text,
    extent_text,
    symbol_summaries,
)
from nextclose.schema import Bars

DAYS = [date(2020, 1, day) for day in (2, 3, 6, 7)]
FRAME = pl.DataFrame(
    {"symbol": ["B", "B", "B", "A"], "session": [*DAYS[:3], DAYS[3]], "segment": [0, 0, 1, 0]}
)
A = SymbolSummary(symbol="A", exchange="", first=DAYS[3], last=DAYS[3], bars=1, segments=1)
B = SymbolSummary(symbol="B", exchange="XNYS", first=DAYS[0], last=DAYS[2], bars=3, segments=2)


def test_each_symbol_is_counted_with_its_sessions_segments_and_calendar():
    assert symbol_summaries(Bars(frame=FRAME, exchanges={"B": "XNYS", "A": ""})) == (A, B)


def test_bars_without_segments_are_one_piece():
    assert {one.segments for one in symbol_summaries(Bars(frame=FRAME.drop("segment")))} == {1}


def test_the_extent_is_from_the_first_to_the_last_session_of_all():
    assert extent_text([A, B]) == "2 symbols, 4 bars, 2020-01-02 to 2020-01-07"
    assert extent_text([A]) == "1 symbol, 1 bar, 2020-01-07 to 2020-01-07"
    assert extent_text([]) == "no bars"


def test_calendars_say_how_many_follow_each_and_where_there_is_none():
    assert calendars_text([A, B, B]) == f"XNYS (2 symbols), {NO_CALENDAR} (1 symbol)"
