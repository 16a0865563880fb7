"""On which sessions of the calendar models are refitted, where no plan names the first."""

from __future__ import annotations

import numpy as np

from nextclose.data.calendars.sessions import session_table
from nextclose.samples.samples import Samples
from nextclose.samples.splits import sessions_of
from nextclose.schema import Dates, Ints

REFITS_COUNT_FROM = np.datetime64("2005-01-03")  # a refit of every plan that names no first session


def refit_session(
    samples: Samples, *, earliest: np.datetime64, latest: np.datetime64, refit_sessions: int
) -> np.datetime64:
    """The last session from `earliest` to `latest` on which the calendar puts a refit.

    There is one every `refit_sessions` sessions of the samples' exchanges together, counted from
    2005-01-03 both ways: bars appended or cut off at either end move none. Where there is none in
    between, refits are taken twice as often, and so on; without any calendar day it is `latest`.
    """
    sessions = sessions_of(samples)
    count = _sessions_since(REFITS_COUNT_FROM, sessions, exchanges=samples.table.exchanges)
    is_allowed = (sessions[1:] >= earliest) & (sessions[1:] <= latest)
    while refit_sessions:
        begins = np.diff(count // refit_sessions) > 0
        if (begins & is_allowed).any():
            return np.datetime64(sessions[1:][begins & is_allowed][-1], "D")
        refit_sessions //= 2
    return latest


def _sessions_since(day: np.datetime64, sessions: Dates, *, exchanges: tuple[str, ...]) -> Ints:
    """Sessions of these exchanges together from `day` (0) to each of `sessions`. Shape (session,).

    Below 0 before `day`. Without exchanges weekdays are counted.
    """
    first, last = min(day, sessions[0]), max(day, sessions[-1])
    days = np.arange(first, last + np.timedelta64(1, "D"))
    tables = [session_table(exchange).at(days)[1] for exchange in sorted({*exchanges} or {""})]
    count = np.cumsum(np.logical_or.reduce(tables))
    return np.asarray(count[np.searchsorted(days, sessions)] - count[np.searchsorted(days, day)])
