from datetime import date

import pytest

from nextclose.data.calendars.sessions import sessions_after
from nextclose.errors import ConfigError

RESOLVES = [  # origin, horizon, resolved
    ("2012-10-26", 1, "2012-10-31"),  # storm: New York shut on Monday and Tuesday
    ("2001-09-10", 7, "2001-09-25"),  # four weekdays shut: not sessions, not counted
    ("2024-07-03", 1, "2024-07-05"),  # Independence Day
    ("2024-12-31", 1, "2025-01-02"),
    ("2024-06-15", 1, "2024-06-17"),  # a Saturday is no session, but a date all the same
]


@pytest.mark.parametrize(("origin", "horizon", "resolved"), RESOLVES)
def test_new_york_resolves_on_the_dates_of_its_calendar(origin, horizon, resolved):
    sessions = sessions_after(date.fromisoformat(origin), horizon)
    assert len(sessions) == horizon
    assert sessions[-1] == date.fromisoformat(resolved)


def test_sessions_are_listed_oldest_first_without_the_closed_days_between():
    assert sessions_after(date(2001, 9, 10), 2) == [date(2001, 9, 17), date(2001, 9, 18)]


def test_hong_kong_is_shut_over_lunar_new_year():
    # 9 February 2024 is the eve, a half day; 12 and 13 February are holidays
    expected = [date(2024, 2, 9), date(2024, 2, 14)]
    assert sessions_after(date(2024, 2, 8), 2, exchange="XHKG") == expected


def test_shanghai_golden_week_is_longer_than_any_margin_by_weekdays():
    assert sessions_after(date(2023, 9, 28), 1, exchange="XSHG") == [date(2023, 10, 9)]


def test_without_an_exchange_every_weekday_counts():
    expected = [date(2024, 7, 4), date(2024, 7, 5), date(2024, 7, 8)]
    assert sessions_after(date(2024, 7, 3), 3, exchange=None) == expected
    assert len(sessions_after(date(2024, 7, 6), 250, exchange=None)) == 250


def test_a_request_years_ahead_is_met():
    sessions = sessions_after(date(2024, 1, 2), 500)
    # 2024 had 252 sessions, so 251 after 2 January; 2025 had 250: the first 249 end 30 December
    assert sessions[250] == date(2024, 12, 31)
    assert sessions[499] == date(2025, 12, 30)


def test_an_unknown_exchange_names_the_nearest():
    with pytest.raises(ConfigError, match="'XNYS'") as raised:
        sessions_after(date(2024, 1, 2), 1, exchange="XNYX")
    assert raised.value.key == "calendar"


def test_beyond_the_years_of_a_calendar_every_weekday_counts():
    expected = [date(2060, 1, 2), date(2060, 1, 5), date(2060, 1, 6)]  # a Friday, then Monday
    assert sessions_after(date(2060, 1, 1), 3, exchange="XHKG") == expected
