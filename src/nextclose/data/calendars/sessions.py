"""Trading sessions of an exchange, from its published calendar; weekdays where there is none.

An exchange is a market identifier code such as XNYS, XLON or XTKS, or "" (or None): not known.
"""

from __future__ import annotations

import difflib
import warnings
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np

from nextclose.errors import ConfigError
from nextclose.schema import Bools, Dates, Ints

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2100, 1, 1)  # of the tables; prices lie between
KNOWN_FROM, KNOWN_UNTIL = date(1960, 1, 1), date(2045, 1, 1)  # asked of calendars without bounds


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


@lru_cache(maxsize=64)
def session_table(exchange: str) -> SessionTable:
    """The sessions of `exchange`; of every weekday for "".

    Limits: holidays are those published today; a closure announced later moves the sessions.
    Raises: ConfigError if the exchange is unknown.
    """
    if not exchange:
        return _table_of(None, FIRST_DAY, LAST_DAY)
    sessions = _session_days(exchange)
    return _table_of(sessions, sessions[0].item(), sessions[-1].item())


@lru_cache(maxsize=512)
def table_of_years(exchange: str, first: int, last: int) -> SessionTable:
    """As `session_table`, of a few years alone: to ask many calendars takes a third of the time.

    Raises: ConfigError if the exchange is unknown or not published for these years.
    """
    start, end = date(first, 1, 1), date(last, 12, 31)
    sessions = _library_calendar(exchange, first=start, last=end).sessions.to_numpy()
    return _table_of(sessions.astype("datetime64[D]"), start, end)


def _table_of(sessions: Dates | None, first: date, last: date) -> SessionTable:
    """The table of these sessions, known from `first` to `last`; of every weekday for None."""
    days = np.arange(_day(FIRST_DAY), _day(LAST_DAY) + 1)
    is_session = (days + 3) % 7 < 5  # 1970-01-01 was a Thursday
    if sessions is not None:
        is_session[_day(first) - days[0] : _day(last) - days[0] + 1] = False
        is_session[sessions.astype(np.int64) - days[0]] = True
    return SessionTable(
        count=np.cumsum(is_session),
        is_session=is_session,
        is_published=sessions is not None,
        first=np.datetime64(first, "D"),
        last=np.datetime64(last, "D"),
    )


def zone_of(exchange: str) -> str:
    """The exchange's time zone, as in America/New_York; "UTC" for "".

    Raises: ConfigError if the exchange is unknown.
    """
    return str(_calendar(exchange).tz) if exchange else "UTC"


def closing_instants(exchange: str, sessions: Dates) -> Dates:
    """When each session closes, in UTC, half days included. datetime64[s], shape (session,).

    NaT: days that are no session, or outside the years of the calendar. Of an exchange that is
    not known ("") every day closes at its own end, midnight UTC: later than any exchange does.
    Raises: ConfigError if the exchange is unknown.
    """
    days = sessions.astype("datetime64[D]")
    if not exchange:
        return (days + np.timedelta64(1, "D")).astype("datetime64[s]")
    known = _session_days(exchange)
    closes = _calendar(exchange).closes.dt.tz_convert(None).to_numpy().astype("datetime64[s]")
    place = np.minimum(np.searchsorted(known, days), len(known) - 1)
    return np.where(known[place] == days, closes[place], np.datetime64("NaT", "s"))


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


@lru_cache(maxsize=64)
def _session_days(exchange: str) -> Dates:
    """The sessions of `_calendar`, oldest first. datetime64[D], shape (session,)."""
    days: Dates = _calendar(exchange).sessions.to_numpy().astype("datetime64[D]")
    return days


@lru_cache(maxsize=64)
def _calendar(exchange: str) -> Any:
    """The exchange's calendar over all the years it covers, within KNOWN_FROM and KNOWN_UNTIL."""
    bounds = _library_calendar(exchange)  # of its usual years
    earliest, latest = bounds.bound_min(), bounds.bound_max()
    first = KNOWN_FROM if earliest is None else max(KNOWN_FROM, earliest.date())
    last = KNOWN_UNTIL if latest is None else min(KNOWN_UNTIL, latest.date())
    return _library_calendar(exchange, first=first, last=last)


def _library_calendar(exchange: str, *, first: date | None = None, last: date | None = None) -> Any:
    """The library's calendar, of its usual years where none are given. Raises: ConfigError."""
    with warnings.catch_warnings():
        # exchange_calendars 4.13 calls pandas 3.1 in ways pandas has announced to change
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        import exchange_calendars
        from exchange_calendars.errors import InvalidCalendarName

        try:
            years = {"start": first and first.isoformat(), "end": last and last.isoformat()}
            return exchange_calendars.get_calendar(exchange, **years)
        except InvalidCalendarName:
            names = exchange_calendars.get_calendar_names()
            near = difflib.get_close_matches(exchange.upper(), names, n=1)
            cure = f"use {near[0]!r}" if near else "use a market identifier code such as 'XNYS'"
            raise ConfigError(
                f"exchange {exchange!r} has no calendar. Fix: {cure}, or 'weekdays' for none.",
                section="data",
                key="calendar",
            ) from None
        # NotImplementedError: orthodox Easter (Athens, Bucharest) with pandas 3.1
        except (ValueError, NotImplementedError) as error:
            raise ConfigError(
                f"the calendar of {exchange!r} does not cover {first} to {last}: {error} "
                "Fix: ask for fewer sessions, or 'weekdays' for no calendar.",
                section="data",
                key="calendar",
            ) from error


def _day(day: date) -> int:
    return int(np.datetime64(day, "D").astype(np.int64))
