"""Calendars as exchange_calendars publishes them, and all of them in a file beside the code.

To build one takes the library half a second, some seven, and pandas; to read it from the file takes
milliseconds. `make calendars` writes the file anew; it holds for the release that it was made with.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.resources
import warnings
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import numpy as np

from nextclose.errors import ConfigError
from nextclose.schema import Dates

FILE = "published.npz"
KNOWN_FROM, KNOWN_UNTIL = date(1960, 1, 1), date(2045, 1, 1)  # asked of calendars without bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """One exchange's sessions, oldest first, and when each closes in UTC; its time zone.

    Shapes (session,), of datetime64[D] and datetime64[s].
    """

    zone: str
    sessions: Dates
    closes: Dates


@cache
def calendar_of(exchange: str) -> Calendar:
    """The exchange's calendar over all the years it covers, within KNOWN_FROM and KNOWN_UNTIL.

    Raises: ConfigError if the exchange is unknown.
    """
    is_of_release = _release_of_file() == importlib.metadata.version("exchange_calendars")
    calendar = kept_calendar(exchange) if is_of_release else None
    return calendar or library_calendar(exchange)


@cache
def kept_calendar(exchange: str) -> Calendar | None:
    """As the file has it, whatever the library's release is; None if it has no such exchange."""
    arrays = kept_arrays()
    if f"{exchange} zone" not in arrays:
        return None
    is_session = np.unpackbits(arrays[f"{exchange} sessions"])
    sessions = np.datetime64(KNOWN_FROM, "D") + np.flatnonzero(is_session)
    minutes = arrays[f"{exchange} closes"].astype("timedelta64[m]")
    return Calendar(
        zone=str(arrays[f"{exchange} zone"]),
        sessions=sessions,
        closes=sessions.astype("datetime64[s]") + minutes,
    )


def library_calendar(exchange: str) -> Calendar:
    """As the library builds it. Raises: ConfigError if the exchange is unknown."""
    bounds = _built(exchange)  # of its usual years
    earliest, latest = bounds.bound_min(), bounds.bound_max()
    first = KNOWN_FROM if earliest is None else max(KNOWN_FROM, earliest.date())
    last = KNOWN_UNTIL if latest is None else min(KNOWN_UNTIL, latest.date())
    calendar = _built(exchange, first=first, last=last)
    return Calendar(
        zone=str(calendar.tz),
        sessions=calendar.sessions.to_numpy().astype("datetime64[D]"),
        closes=calendar.closes.dt.tz_convert(None).to_numpy().astype("datetime64[s]"),
    )


def _built(exchange: str, *, first: date | None = None, last: date | None = None) -> Any:
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
                f"the calendar of {exchange!r} cannot be built: {error} "
                "Fix: use 'weekdays' for no calendar.",
                section="data",
                key="calendar",
            ) from error


@cache
def kept_arrays() -> dict[str, np.ndarray]:
    """What the file holds: `release`, and of each exchange `zone`, `sessions` and `closes`.

    `sessions`: a bit for each day from KNOWN_FROM to KNOWN_UNTIL; `closes`: minutes after midnight
    UTC of the session's date, shape (session,).
    """
    file = importlib.resources.files(__package__).joinpath(FILE)
    with file.open("rb") as content, np.load(content, allow_pickle=False) as arrays:
        return dict(arrays)


def _release_of_file() -> str:
    return str(kept_arrays()["release"])
