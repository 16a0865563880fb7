from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextclose.config import DataConfig
from nextclose.data.reading.dates import date_texts, parse_dates
from nextclose.errors import ConfigError

DAY = date(2019, 3, 5)
PLAIN = DataConfig()


def read(*cells, symbol="AAPL", dtype=None, **settings):
    column = pl.Series("date", list(cells), dtype=dtype)
    symbols = pl.Series([symbol] * len(column), dtype=pl.String)
    return parse_dates(column, symbols, DataConfig(**settings))


def session(*cells, **named):
    return read(*cells, **named).session.to_list()


SPELLINGS = [
    "2019-03-05",
    " 2019-03-05 ",
    "2019-3-5",
    "2019/03/05",
    "2019.03.05",
    "20190305",
    "5-Mar-2019",
    "05-March-2019",
    "5 Mar 2019",
    "Mar 5, 2019",
    "March 5, 2019",
    "2019-03-05 00:00:00",
    "2019-03-05T00:00",
    "2019-03-05 16:00:00.123",
    "2019-03-05 9:30",
    "2019.03.05 16:00",
    "2019-03-05 00:00:00-05:00",  # midnight is the date written, whatever the zone
    "2019-03-05T00:00:00.000Z",
    "2019-03-05 00:00:00+0900",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_spellings_with_one_reading_are_read_beside_iso_dates(text):
    assert session("2019-03-04", text) == [date(2019, 3, 4), DAY]


UNREADABLE = [
    "yesterday",
    "2019-02-30",
    "19-03-05",
    "2019-03-05 24:00",
    "2019-03-05 10:60",
    "12019-03-05",
    "0019-03-05",
    "03/04/2019",
    "",
    None,
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_other_cells_give_no_date(text):
    assert session("2019-03-04", text) == [date(2019, 3, 4), None]


SETTLED = [  # cells, the second date, what was settled
    (["03/04/2019", "13/04/2019"], date(2019, 4, 3), "%d/%m/%Y"),
    (["03/04/2019", "04/15/2019"], date(2019, 3, 4), "%m/%d/%Y"),
    (["3.4.2019", "13.4.2019"], date(2019, 4, 3), "%d.%m.%Y"),
    (["03-04-2019 16:00", "04-15-2019 16:00"], date(2019, 3, 4), "%m-%d-%Y"),
]


@pytest.mark.parametrize(("cells", "first", "form"), SETTLED)
def test_one_day_above_12_settles_the_order_of_the_whole_column(cells, first, form):
    days = read(*cells)
    assert (days.session[0], days.date_format) == (first, form)
    assert session(cells[0], date_format=form) == [first]  # and of later ones


UNSETTLED = [
    ["03/04/2019", "04/05/2019"],  # nothing tells
    ["13/04/2019", "04/15/2019"],  # rows contradict each other
    ["13/04/2019", "14.04.2019"],  # two marks
]


@pytest.mark.parametrize("cells", UNSETTLED)
def test_an_order_that_rows_do_not_settle_is_not_guessed(cells):
    assert (session(*cells), read(*cells).date_format) == ([None, None], "")


FORMATS = [  # setting, cell, date
    ("%d/%m/%Y", "03/04/2019", date(2019, 4, 3)),
    ("%d/%m/%Y", "03/04/2019 16:00", date(2019, 4, 3)),
    ("%d/%m/%y", "03/04/19", date(2019, 4, 3)),
    ("%Y-%d-%m", "2019-04-03", date(2019, 3, 4)),
    ("%d/%m/%Y %I:%M %p", "03/04/2019 04:00 PM", date(2019, 4, 3)),
    ("%d/%m/%Y", "2019-03-05", DAY),  # an ISO date cannot be mistaken for it
    ("%Y-%d-%m", "2019-03-13", None),  # here it can
    ("excel", "43529", DAY),
    ("excel", "43529.9", DAY),
    ("excel", "61", date(1900, 3, 1)),
    ("excel", "60", None),  # 29 February 1900 never was
    ("excel", "2019-03-05", DAY),
    ("excel-1904", "42067", DAY),
    ("yyyymmdd", "20190305", DAY),
    ("yyyymmdd", "20190230", None),
    ("epoch-s", "1551744000", DAY),
    ("epoch-ms", "1551744000000", DAY),
    ("epoch-us", "1551744000000000", DAY),
    ("epoch-ns", "1551744000000000000", DAY),
    ("epoch-s", "-86400", date(1969, 12, 31)),
    ("epoch-s", "1551744000000", None),  # beyond 2100
]


@pytest.mark.parametrize(("form", "text", "day"), FORMATS)
def test_the_format_of_the_settings_is_obeyed(form, text, day):
    assert session(text, date_format=form) == [day]
    assert read(text, date_format=form).date_format == ""  # said, not settled


def test_integers_obey_the_format_as_their_text_does():
    assert session(20190305, date_format="yyyymmdd") == [DAY]
    assert session(20190305, date_format="%Y%m%d") == [DAY]
    assert session(43529, date_format="excel") == [DAY]
    assert session(43529.0, None, date_format="excel") == [DAY, None]


@pytest.mark.parametrize("form", ["dd/mm/yyyy", "", "Excel", "%d/%m/%Y %H", "epoch"])
def test_a_format_that_is_none_is_a_mistake_in_the_settings(form):
    with pytest.raises(ConfigError, match="date_format") as raised:
        read("2019-03-05x", date_format=form)
    assert (raised.value.section, raised.value.key) == ("data", "date_format")


ZONED = [  # symbol, stamp, date at the exchange, seconds after midnight there
    ("AAPL", "2019-03-05T05:00:00Z", DAY, 0),  # midnight in New York, winter
    ("AAPL", "2019-07-05T04:00:00Z", date(2019, 7, 5), 0),  # and summer
    ("AAPL", "2019-03-05T21:00:00Z", DAY, 57_600),  # the close
    ("AAPL", "2019-03-06T02:00:00Z", DAY, 75_600),  # UTC is a day ahead
    ("7203.T", "2019-03-04T15:00:00Z", DAY, 0),  # UTC is a day behind
    ("7203.T", "2019-03-05T06:00:00+00:00", DAY, 54_000),
    ("BHP.AX", "2019-03-04 13:00:00+00:00", DAY, 0),
    ("VOD.L", "2019-06-04T23:00:00Z", date(2019, 6, 5), 0),
    ("AAPL", "2019-03-05 22:00:00+0100", DAY, 57_600),
    ("BTC-USD", "2019-03-05T12:00:00Z", DAY, 43_200),
]


@pytest.mark.parametrize(("symbol", "stamp", "day", "second"), ZONED)
def test_a_stamp_with_a_zone_is_dated_at_the_exchange(symbol, stamp, day, second):
    days = read("2019-01-02 12:00", stamp, symbol=symbol)
    assert (days.session[1], days.second_of_day[1]) == (day, second)
    assert days.is_moved.to_list() == [False, True]


def test_a_column_of_stamps_is_dated_as_its_text_is():
    utc = [datetime(2019, 3, 4, 15), datetime(2019, 3, 5, 6)]
    column = pl.Series(utc).dt.replace_time_zone("UTC")
    symbols = pl.Series(["7203.T", "7203.T"])
    assert parse_dates(column, symbols, PLAIN).session.to_list() == [DAY, DAY]
    tokyo = column.dt.convert_time_zone("Asia/Tokyo")
    days = parse_dates(tokyo, symbols, PLAIN)
    assert days.session.to_list() == [DAY, DAY]
    assert days.is_moved is not None
    assert days.is_moved.to_list() == [False, True]  # the first is midnight as written
    assert session(*utc) == [date(2019, 3, 4), DAY]  # without a zone: the date written


def test_an_exchange_that_is_not_known_gives_no_date_and_the_setting_says_which():
    stamp = "2019-03-04T15:00:00Z"
    assert session(stamp, symbol="ES=F") == [None]
    assert session(stamp, calendar="weekdays") == [None]
    assert session(stamp, symbol="ES=F", calendar="XTKS") == [DAY]
    assert session("2019-03-05T00:00:00Z", symbol="ES=F") == [DAY]  # midnight needs no exchange


def test_several_exchanges_in_one_column_are_told_apart():
    column = pl.Series(["2019-03-05T03:00:00Z"] * 4)
    symbols = pl.Series(["AAPL", "7203.T", "ES=F", None])
    days = parse_dates(column, symbols, PLAIN)
    assert days.session.to_list() == [date(2019, 3, 4), DAY, None, None]


def test_days_without_a_midnight_are_days_like_any_other():
    # clocks in Sao Paulo went from 23:59:59 to 01:00 on 2018-11-04
    column = pl.Series([datetime(2018, 11, 4, 3)]).dt.replace_time_zone("UTC")
    local = column.dt.convert_time_zone("America/Sao_Paulo")
    assert parse_dates(local, pl.Series(["PETR4.SA"]), PLAIN).session.to_list() == [
        date(2018, 11, 4)
    ]
    assert session("2018-11-04 00:00:00", symbol="PETR4.SA") == [date(2018, 11, 4)]


def test_times_of_day_are_told_only_where_there_are_any():
    assert read("2019-03-04 00:00", "2019-03-05").second_of_day is None
    times = read("2019-03-04 00:00", "2019-03-05 16:00:01", "2019-03-06").second_of_day
    assert (times.dtype, times.to_list()) == (pl.Int32, [0, 57_601, None])


def test_dates_that_python_cannot_name_are_no_dates():
    far = pl.Series([4_000_000, 17_960], dtype=pl.Int32).cast(pl.Date)
    symbols = pl.Series(["A", "A"])
    assert parse_dates(far, symbols, PLAIN).session.to_list() == [None, DAY]
    assert parse_dates(far.cast(pl.Datetime("us")), symbols, PLAIN).session.to_list() == [None, DAY]


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
@pytest.mark.parametrize("instant", [2**63 - 1, -(2**63) + 1, 10**17])
def test_stamps_on_which_polars_itself_fails_are_no_dates(instant, zone):
    stamps = pl.Series([instant, 1_551_744_000_000], dtype=pl.Int64).cast(pl.Datetime("ms", zone))
    assert parse_dates(stamps, pl.Series(["AAPL", "AAPL"]), PLAIN).session[0] is None
    assert date_texts(stamps)[0] == str(instant)


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.sampled_from(["%d/%m/%Y", "%m.%d.%Y"]))
def test_any_date_comes_back_from_the_format_it_was_written_in(day, form):
    assert session(day.strftime(form), date_format=form) == [day]
    assert session(f"{day:%Y-%m-%d}", f"{day:%d %B %Y}") == [day, day]
