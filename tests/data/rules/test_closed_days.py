from datetime import UTC, date, datetime

import polars as pl
import pytest

from nextclose.config import DataConfig
from tests.data.bar_frames import closes, codes, days, read, the, walk
from tests.frames import collect_bars

FLAT = {"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 0}
SATURDAY, NEW_YEAR = date(2019, 3, 9), date(2019, 1, 1)


def week(*extra: tuple[date, dict[str, float]], symbol: str = "AAPL") -> pl.DataFrame:
    """Four traded sessions, Wednesday 6 to Monday 11 March 2019, and more days."""
    traded = {"open": 9.0, "high": 12.0, "low": 8.0, "close": 10.0, "volume": 100}
    on = [(day, traded) for day in days(4, after="2019-03-05")]
    rows = [{"symbol": symbol, "date": day, **cells} for day, cells in (*on, *extra)]
    rows[1]["close"] = 11.0
    return pl.DataFrame(rows).sort("date")


def test_a_date_after_today_is_refused_with_both():
    frame = closes([10.0, 11.0], on=[date(2019, 3, 4), date(2019, 3, 6)])
    bars = collect_bars(frame, now=datetime(2019, 3, 5, 22, tzinfo=UTC))
    finding = the(bars, "E48")
    assert (finding.session, finding.column) == ("2019-03-06", "date")
    assert finding.found == "a date after 2019-03-05, today at the exchange"
    assert bars.frame["session"].to_list() == [date(2019, 3, 4)]
    assert codes(collect_bars(frame)) == {"W52": 1}  # no clock asked


OVER = [  # New York shuts at 21:00 UTC
    ("2019-03-05T21:29", 1),
    ("2019-03-05T21:30", 2),
]


@pytest.mark.parametrize(("now", "kept"), OVER)
def test_todays_bar_is_kept_half_an_hour_after_the_close(now, kept):
    frame = closes([10.0, 11.0], on=[date(2019, 3, 4), date(2019, 3, 5)])
    clock = datetime.fromisoformat(now).replace(tzinfo=UTC)
    bars = collect_bars(frame, now=clock)
    assert bars.frame.height == kept
    assert codes(bars) == ({} if kept == 2 else {"P50": 1})


def test_an_unfinished_bar_is_kept_and_named_where_the_settings_say_so():
    frame = closes([10.0, 11.0], on=[date(2019, 3, 4), date(2019, 3, 5)])
    clock = datetime(2019, 3, 5, 15, tzinfo=UTC)
    bars = collect_bars(frame, now=clock, config=DataConfig(unfinished="keep"))
    assert codes(bars) == {"W50": 1}
    assert the(bars, "W50").found == "a session that is not over"
    assert bars.frame.height == 2


IDLE = [  # the row of a closed day, settings, codes, whether it is kept
    (SATURDAY, {}, {}, {"P51": 1}, False),
    (NEW_YEAR, {}, {}, {"P51": 1}, False),
    (SATURDAY, {}, {"non_session": "keep"}, {"W51": 1}, True),
    (SATURDAY, {"volume": 5}, {}, {"W51": 1}, True),
    (SATURDAY, {"high": 10.5}, {}, {"W51": 1}, True),
    (SATURDAY, {}, {"calendar": "weekdays"}, {"W51": 1}, True),
    (SATURDAY, {}, {"calendar": "24/7"}, {"W52": 1}, True),  # it is open; Sunday is missing
]


@pytest.mark.parametrize(("day", "cells", "settings", "expected", "is_kept"), IDLE)
def test_a_row_of_a_closed_day_goes_only_if_nothing_traded(day, cells, settings, expected, is_kept):
    frame = week((day, FLAT | cells))
    if day == NEW_YEAR:  # else two months would be missing
        frame = closes([9.0, 10.0, 9.0], on=[date(2018, 12, 31), NEW_YEAR, date(2019, 1, 2)])
        flat = {name: pl.col("close") for name in ("open", "high", "low")}
        frame = frame.with_columns(**flat, volume=pl.Series([5, 0, 5]))
    bars = read(frame, **settings)
    assert codes(bars) == expected
    assert (day in bars.frame["session"].to_list()) == is_kept


def test_without_a_volume_a_close_that_moves_is_a_trade_and_a_copy_is_none():
    on = [date(2019, 3, 8), SATURDAY, date(2019, 3, 11)]
    bars = read(closes([10.0, 10.5, 11.0], on=on))
    assert codes(bars) == {"W51": 1}
    assert the(bars, "W51").found == "trade on a day without session"
    assert codes(read(closes([10.0, 10.0, 11.0], on=on))) == {"P51": 1}


COPIES = [  # what a tool fills in on Saturday beside the close before, calendar, whether it goes
    ({"open": 9.0, "high": 12.0, "low": 8.0, "close": 10.0, "volume": 100}, "XNYS", True),
    ({"open": 9.0, "high": 12.0, "low": 8.0, "close": 10.0, "volume": 100}, "weekdays", True),
    ({"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 0}, "XNYS", True),
    ({"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 0}, "weekdays", False),
    ({"open": 9.0, "high": 12.0, "low": 8.0, "close": 10.1, "volume": 100}, "XNYS", False),
    ({"open": 9.0, "high": 12.0, "low": 8.0, "close": 10.0, "volume": 101}, "XNYS", False),
]


@pytest.mark.parametrize(("cells", "calendar", "goes"), COPIES)
def test_a_bar_that_copies_the_one_before_is_none_on_a_day_without_session(cells, calendar, goes):
    bars = read(week((SATURDAY, cells)), calendar=calendar)
    assert (SATURDAY not in bars.frame["session"].to_list()) == goes
    # on a session the same bar again is a bar
    monday = week().with_columns(
        pl.col(name).last().alias(name) for name in ("open", "high", "low", "close", "volume")
    )
    assert read(monday, calendar=calendar).frame.height == 4


def test_holidays_of_weekly_bars_are_not_told_one_by_one():
    mondays = pl.date_range(date(2018, 1, 1), date(2018, 12, 31), "1w", eager=True).to_list()
    bars = read(closes(walk(53), on=mondays))
    assert codes(bars) == {"E47": 1}
    assert bars.frame.height == 53
