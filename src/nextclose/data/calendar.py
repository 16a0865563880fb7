"""Trading sessions ahead of a date, from an exchange's published calendar."""

from __future__ import annotations

import difflib
import warnings
from datetime import date, timedelta

from nextclose.errors import ConfigError

N_MARGIN_DAYS = 14  # beyond 7/5 calendar days a session: the longest usual closures


def sessions_after(last: date, n: int, *, exchange: str | None = "XNYS") -> list[date]:
    """The `n` sessions that follow `last`, oldest first; `last` itself need not be a session.

    `exchange` is a market identifier code such as XNYS, XLON or XTKS; None counts every weekday.
    Limits: holidays are those published today; a closure announced later moves the sessions.
    Raises: ConfigError if the exchange is unknown or its calendar does not reach so far.
    """
    if exchange is None:
        return _weekdays_after(last, n)
    n_days = n * 7 // 5 + N_MARGIN_DAYS
    while True:
        found = _sessions_between(last, last + timedelta(days=n_days), exchange)
        if len(found) >= n:
            return found[:n]
        n_days += n_days // 4 + N_MARGIN_DAYS


def _weekdays_after(last: date, n: int) -> list[date]:
    days = (last + timedelta(days=k) for k in range(1, n * 7 // 5 + 4))
    return [day for day in days if day.weekday() < 5][:n]


def _sessions_between(last: date, end: date, exchange: str) -> list[date]:
    """Sessions after `last` up to `end`."""
    with warnings.catch_warnings():
        # exchange_calendars 4.13 calls pandas 3.1 in ways pandas has announced to change
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        import exchange_calendars
        from exchange_calendars.errors import InvalidCalendarName

        try:
            calendar = exchange_calendars.get_calendar(
                exchange, start=last.isoformat(), end=end.isoformat()
            )
        except InvalidCalendarName:
            names = exchange_calendars.get_calendar_names()
            near = difflib.get_close_matches(exchange.upper(), names, n=1)
            cure = f"use {near[0]!r}" if near else "use a market identifier code such as 'XNYS'"
            raise ConfigError(
                f"exchange {exchange!r} has no calendar. Fix: {cure}, or none for weekdays.",
                key="exchange",
            ) from None
        except ValueError as error:
            raise ConfigError(
                f"the calendar of {exchange!r} does not cover {last} to {end}: {error} "
                "Fix: ask for fewer sessions, or no exchange for weekdays.",
                key="exchange",
            ) from error
        return [stamp.date() for stamp in calendar.sessions if stamp.date() > last]
