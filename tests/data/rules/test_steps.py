from datetime import date

import numpy as np
import polars as pl

from nextclose.data.rules.alignment import with_sessions
from nextclose.data.rules.steps import (
    close_ratios,
    is_first,
    is_segment_start,
    missing_sessions,
    segment_numbers,
    session_dates,
)

# New York: Friday, Monday (Martin Luther King's day is the 21st), Tuesday, then a week less a day
DAYS = [date(2019, 1, day) for day in (18, 22, 23, 25)]
EXCHANGES = {"A": "XNYS", "B": "XNYS"}


def rows() -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "symbol": ["A"] * 4 + ["B"] * 2,
            "session": [*DAYS, DAYS[0], DAYS[3]],
            "close": [10.0, 5.0, None, 8.0, 2.0, 3.0],
        }
    )
    return with_sessions(frame, EXCHANGES, now=None)


def test_missing_sessions_are_counted_on_the_exchanges_calendar_and_not_before_a_first_row():
    # the 21st is no session; the 24th is one; of B 22, 23 and 24 are missing
    assert missing_sessions(rows()).tolist() == [0, 0, 0, 1, 0, 3]


def test_between_the_last_row_of_a_symbol_and_the_first_of_the_next_nothing_is_missing():
    later = pl.DataFrame(
        {"symbol": ["A", "B"], "session": [DAYS[0], date(2019, 3, 1)], "close": [1.0, 2.0]}
    )
    assert missing_sessions(with_sessions(later, EXCHANGES, now=None)).tolist() == [0, 0]


def test_a_row_on_a_closed_day_misses_nothing_and_lets_nothing_be_missed():
    saturday = pl.DataFrame(
        {
            "symbol": ["A"] * 3,
            "session": [date(2019, 1, d) for d in (18, 19, 22)],
            "close": [1.0] * 3,
        }
    )
    assert missing_sessions(with_sessions(saturday, {"A": "XNYS"}, now=None)).tolist() == [0, 0, 0]


def test_a_second_row_of_one_session_misses_nothing():
    twice = pl.DataFrame({"symbol": ["A"] * 2, "session": [DAYS[0]] * 2, "close": [1.0, 2.0]})
    assert missing_sessions(with_sessions(twice, {"A": "XNYS"}, now=None)).tolist() == [0, 0]


def test_ratios_stop_at_symbols_segments_and_unknown_closes():
    frame = rows().with_columns(pl.Series("breaks", [False, False, False, False, False, True]))
    np.testing.assert_array_equal(
        close_ratios(frame), [np.nan, 0.5, np.nan, np.nan, np.nan, np.nan]
    )
    np.testing.assert_array_equal(close_ratios(rows())[4:], [np.nan, 1.5])


def test_segments_are_numbered_within_each_symbol():
    frame = rows().with_columns(pl.Series("breaks", [False, True, False, True, False, True]))
    assert segment_numbers(frame).tolist() == [0, 1, 1, 2, 0, 1]
    assert is_segment_start(frame).tolist() == [True, True, False, True, True, True]
    assert is_first(frame).tolist() == [True, False, False, False, True, False]
    assert segment_numbers(rows()).tolist() == [0] * 6


def test_no_rows_have_no_steps():
    nothing = rows().clear()
    for of in (
        missing_sessions,
        close_ratios,
        segment_numbers,
        is_segment_start,
        is_first,
        session_dates,
    ):
        assert of(nothing).tolist() == []


def test_days_are_dates():
    assert session_dates(rows())[1] == np.datetime64("2019-01-22")
