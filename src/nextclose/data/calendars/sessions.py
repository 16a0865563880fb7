"""Trading sessions of an exchange, from its published calendar; weekdays where there is none.

An exchange is a market identifier code such as XNYS, XLON or XTKS, or "" (or None): not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np

from nextclose.data.calendars.library import FILE, calendar_of, kept_calendar
from nextclose.schema import Bools, Dates, Ints

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2100, 1, 1)  # of the tables; prices lie between


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTable:
    """Sessions of one exchange, looked up by day.

    `count[day]` is how many sessions there were up to and including the day, days counted from
    FIRST_DAY. Outside the years its calendar covers, `first` to `last`, every weekday counts as
    a session.
    """

    count: Ints
    is_session: Bools
    is_published: bool  # false: weekdays alone, no calendar
    first: np.datetime64
    last: np.datetime64

    def at(self, days: Dates) -> tuple[Ints, Bools]:
        """Count of sessions up to each day, and whether it is one. Shapes (day,).

        Expects: days from FIRST_DAY to LAST_DAY; others are taken for the nearest of these.
        """
        place = days.astype("datetime64[D]").astype(np.int64) - _day(FIRST_DAY)
        place = np.clip(place, 0, len(self.count) - 1)
        return self.count[place], self.is_session[place]


@cache
def session_table(exchange: str) -> SessionTable:
    """The sessions of `exchange`; of every weekday for "".

    Limits: holidays are those published today; a closure announced later moves the sessions.
    Raises: ConfigError if the exchange is unknown.
    """
    return _table_of(calendar_of(exchange).sessions if exchange else None)


@cache
def kept_table(exchange: str) -> SessionTable:
    """As `session_table`, of the calendars kept beside the code: many are asked in a moment.

    Expects: an exchange of the file.
    """
    calendar = kept_calendar(exchange)
    assert calendar is not None, f"{FILE} lacks {exchange}"
    return _table_of(calendar.sessions)


def _table_of(sessions: Dates | None) -> SessionTable:
    """The table of these sessions, known from the first to the last; of every weekday for None."""
    days = np.arange(np.datetime64(FIRST_DAY, "D"), np.datetime64(LAST_DAY, "D") + 1)
    is_session = np.is_busday(days)
    first, last = (days[0], days[-1]) if sessions is None else (sessions[0], sessions[-1])
    if sessions is not None:
        is_session[(days >= first) & (days <= last)] = False
        is_session[(sessions - days[0]).astype(np.int64)] = True
    return SessionTable(
        count=np.cumsum(is_session),
        is_session=is_session,
        is_published=sessions is not None,
        first=first,
        last=last,
    )


def zone_of(exchange: str) -> str:
    """The exchange's time zone, as in America/New_York; "UTC" for "".

    Raises: ConfigError if the exchange is unknown.
    """
    return calendar_of(exchange).zone if exchange else "UTC"


def closing_instants(exchange: str, sessions: Dates) -> Dates:
    """When each session closes, in UTC, half days included. datetime64[s], shape (session,).

    NaT: days that are no session, or outside the years of the calendar. Of an exchange that is
    not known ("") every day closes at its own end, midnight UTC: later than any exchange does.
    Raises: ConfigError if the exchange is unknown.
    """
    days = sessions.astype("datetime64[D]")
    if not exchange:
        return (days + np.timedelta64(1, "D")).astype("datetime64[s]")
    calendar = calendar_of(exchange)
    known = calendar.sessions
    place = np.minimum(np.searchsorted(known, days), len(known) - 1)
    return np.where(known[place] == days, calendar.closes[place], np.datetime64("NaT", "s"))


def sessions_after(last: date, n: int, *, exchange: str | None = "XNYS") -> list[date]:
    """The `n` sessions that follow `last`, oldest first; `last` itself need not be a session.

    None or "" counts every weekday, and so does an exchange beyond the years of its calendar.
    Limits: holidays are those published today; a closure announced later moves the sessions.
    Raises: ConfigError if the exchange is unknown.
    """
    table = session_table(exchange or "")
    place = _day(last) - _day(FIRST_DAY)
    wanted = table.count[place] + np.arange(1, n + 1)
    days = _day(FIRST_DAY) + np.searchsorted(table.count, wanted)
    found: list[date] = days.astype("datetime64[D]").tolist()
    return found


def _day(day: date) -> int:
    return int(np.datetime64(day, "D").astype(np.int64))
