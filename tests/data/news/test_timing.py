"""Which session's close a headline belongs to: dates that a calendar shows."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from nextclose.data.news.timing import first_usable_sessions, items_by_session
from tests.newsfiles import items

CLOSES = [  # exchange, session, its close less 30 minutes in UTC, the session after it
    ("XNYS", "2013-01-03", "2013-01-03T20:30:00", "2013-01-04"),
    ("XNYS", "2012-11-23", "2012-11-23T17:30:00", "2012-11-26"),  # half day after Thanksgiving
    ("XNYS", "2013-03-08", "2013-03-08T20:30:00", "2013-03-11"),  # Friday before summer time ...
    ("XNYS", "2013-03-11", "2013-03-11T19:30:00", "2013-03-12"),  # ... and the Monday in it
    ("XNYS", "2013-11-01", "2013-11-01T19:30:00", "2013-11-04"),  # and back
    ("XNYS", "2013-11-04", "2013-11-04T20:30:00", "2013-11-05"),
    ("XNYS", "2012-10-26", "2012-10-26T19:30:00", "2012-10-31"),  # storm: two days shut
    ("XTKS", "2013-01-04", "2013-01-04T05:30:00", "2013-01-07"),  # Tokyo closed at 15:00, UTC+9
    ("XLON", "2013-03-28", "2013-03-28T16:00:00", "2013-04-02"),  # before Easter
]


def usable(text: str, exchange: str, *, cutoff_minutes: int = 30) -> str:
    return str(
        first_usable_sessions(items(text), exchange=exchange, cutoff_minutes=cutoff_minutes)[0]
    )


@pytest.mark.parametrize(("exchange", "session", "deadline", "after"), CLOSES)
def test_a_second_decides_between_a_session_and_the_next(exchange, session, deadline, after):
    at, second = datetime.fromisoformat(deadline), timedelta(seconds=1)
    sessions = [usable(f"{t.isoformat()}Z", exchange) for t in (at - second, at, at + second)]
    assert sessions == [session, session, after]


@pytest.mark.parametrize(
    ("text", "exchange", "session"),
    [
        ("2013-01-03T15:30:00-05:00", "XNYS", "2013-01-03"),
        ("2013-01-03T15:30:01-05:00", "XNYS", "2013-01-04"),
        ("2013-01-03T15:30:00.000001-05:00", "XNYS", "2013-01-04"),
        ("2013-01-04T05:30:01+09:00", "XNYS", "2013-01-04"),  # an hour of Tokyo's next day
        ("2013-01-05T12:00:00Z", "XNYS", "2013-01-07"),  # a Saturday
        ("2013-01-06T23:59:59Z", "XTKS", "2013-01-07"),  # Sunday in UTC, Monday morning in Tokyo
        ("2013-01-07T06:00:00Z", "XTKS", "2013-01-08"),  # Tokyo has closed, the date is the same
    ],
)
def test_an_instant_is_compared_with_closes_whatever_zone_it_is_written_in(text, exchange, session):
    assert usable(text, exchange) == session


@pytest.mark.parametrize(
    ("day", "exchange", "session"),
    [
        ("2013-01-03", "XNYS", "2013-01-04"),
        ("2013-01-04", "XNYS", "2013-01-07"),  # Friday
        ("2013-01-05", "XNYS", "2013-01-07"),  # Saturday
        ("2012-12-24", "XNYS", "2012-12-26"),
        ("2013-01-04", "XTKS", "2013-01-07"),
        ("2013-01-04", "", "2013-01-07"),
    ],
)
def test_a_date_alone_counts_from_the_session_after_it(day, exchange, session):
    assert usable(day, exchange) == session


def test_the_cut_off_is_a_setting():
    assert usable("2013-01-03T16:00:00-05:00", "XNYS", cutoff_minutes=0) == "2013-01-03"
    assert usable("2013-01-03T16:00:01-05:00", "XNYS", cutoff_minutes=0) == "2013-01-04"
    assert usable("2013-01-03T15:00:01-05:00", "XNYS", cutoff_minutes=60) == "2013-01-04"


def test_where_no_close_is_known_an_item_waits_for_a_date_that_begins_after_it():
    assert usable("2013-01-03T00:00:00Z", "") == "2013-01-03"
    assert usable("2013-01-03T00:00:01Z", "") == "2013-01-04"
    assert usable("2013-01-04T00:00:01Z", "") == "2013-01-07"


def test_each_symbol_is_placed_by_its_own_exchange_and_strangers_are_left_out():
    frame = items(*["2013-01-04T10:00:00Z"] * 3, symbols=("SONY.T", "IBM", "OTHER"))
    dated = items_by_session(frame, {"IBM": "XNYS", "SONY.T": "XTKS"}, cutoff_minutes=30)
    assert dated.columns == ["symbol", "session", "headline"]
    assert dated.rows() == [
        ("IBM", date(2013, 1, 4), "headline 1"),
        ("SONY.T", date(2013, 1, 7), "headline 0"),
    ]


def test_no_items_have_no_sessions():
    none = items("2013-01-04").clear()
    assert items_by_session(none, {"IBM": "XNYS"}, cutoff_minutes=30).height == 0
    assert items_by_session(none, {}, cutoff_minutes=30).schema["session"] == pl.Date
