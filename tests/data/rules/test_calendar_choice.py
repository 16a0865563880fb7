from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from nextclose.data.suggestions import suggestion_toml
from tests.data.bar_frames import closes, codes, days, read, the, walk


def sundays_to_thursdays(n: int, *, after: date = date(2012, 1, 1)) -> list[date]:
    all_days = (after + timedelta(days=k) for k in range(2 * n))
    return [day for day in all_days if day.weekday() not in (4, 5)][:n]


WEEK = sundays_to_thursdays(300)
SAUDI = days(300, after="2022-12-31", exchange="XSAU")
SUNDAYS = [  # symbol, days of its bars, the calendar that is right beside a shift of days
    ("TEVA.TA", WEEK, "weekdays"),
    ("TEVA", WEEK, "weekdays"),
    ("2222.QQ", SAUDI, "XSAU"),
]


@pytest.mark.parametrize(("symbol", "on", "calendar"), SUNDAYS)
def test_a_week_from_sunday_to_thursday_is_never_shifted_unasked(symbol, on, calendar):
    rows = closes(walk(300), on=on, symbol=symbol)
    suggestion = suggestion_toml(read(rows).findings)
    lines = suggestion.splitlines()[1:]
    assert f'calendar = "{calendar}"' in suggestion
    assert not any(line.startswith("day_shift") for line in lines)
    bars = read(rows, calendar=calendar)
    assert "E51" not in codes(bars)
    assert bars.frame["session"].to_list() == on


@pytest.mark.parametrize("exchange", ["XNYS", "XTKS"])
def test_days_a_day_early_that_keep_holidays_once_shifted_are_shifted(exchange):
    early = [day - timedelta(days=1) for day in days(300, exchange=exchange)]
    suggestion = suggestion_toml(read(closes(walk(300), on=early)).findings)
    assert "\nday_shift = 1" in suggestion


def test_the_calendar_in_force_is_no_cure():
    on = days(160)
    stamps = [datetime(day.year, day.month, day.day, 6) + timedelta(days=1) for day in on]
    rows = closes(walk(160), on=on).with_columns(date=pl.Series(stamps))
    assert "set data.day_shift = -1." in the(read(rows), "E51").fix
    assert read(rows, day_shift=-1).frame["session"].to_list() == on


SATURDAYS = [date(2019, 1, 5) + timedelta(weeks=k) for k in range(14)]


def test_a_calendar_that_is_said_is_refused_where_it_misses_days_of_every_week():
    on = sorted([*days(700), *SATURDAYS])
    assert codes(read(closes(walk(714), on=on), calendar="24/7"))["E51"] == 1


def test_a_thinly_traded_stock_keeps_the_calendar_that_is_said():
    rng = np.random.default_rng(0)
    on = [day for day in days(700) if rng.random() > 0.3]
    assert "E51" not in codes(read(closes(walk(len(on)), on=on), calendar="XNYS"))


def test_closes_that_rise_evenly_are_not_filled_in():
    steps = 50 + 0.1 * np.arange(300)
    on = days(300, after="2011-12-31", exchange="XETR")
    assert 'data.calendar = "XETR"' in the(read(closes(steps, on=on)), "E51").fix


@pytest.mark.parametrize("close", [walk(300), 50 + 0.1 * np.arange(300)])
def test_weekends_on_a_line_between_their_neighbours_are(close):
    rows = closes(close).upsample("date", every="1d").with_columns(pl.col("close").interpolate())
    rows = rows.with_columns(symbol=pl.lit("AAPL"))
    assert "filled in" in the(read(rows), "E51").fix


def test_serials_from_1904_read_as_from_1900_are_told_by_their_week():
    on = days(60)
    serials = [str((day - date(1904, 1, 1)).days) for day in on]
    rows = closes(walk(60), on=on).with_columns(date=pl.Series(serials))
    fix = the(read(rows, date_format="excel"), "E51").fix
    assert fix == 'set data.date_format = "excel-1904".'
    assert read(rows, date_format="excel-1904").frame["session"].to_list() == on
