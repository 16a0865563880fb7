"""What bars say of their calendar: how well their days are the sessions of an exchange."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from nextclose.data.calendars.exchanges import CRYPTO, FOREX, UNKNOWN
from nextclose.data.calendars.sessions import SessionTable, kept_table, session_table
from nextclose.schema import Bools, Dates

MAX_SHARE = 1 / 50  # of closed days with a bar, or of sessions without: beyond, it is another's
MIN_ODD = 3  # days that contradict it, below which nothing is said: a slip of the pen
MAX_CLOSURE = 10  # sessions in a row: the longest holidays; beyond, a gap that shows no calendar
MAX_HOLIDAYS = 1 / 8  # of weekdays: more than any exchange keeps
MISSES, LEAST_WEEKS = 1 / 4, 8  # of a weekday's sessions with a bar; that there must be
BETTER = 3  # another calendar has at most one odd day in so many
# Candidates: one of each group that keeps the same sessions, likeliest first.
KNOWN = (
    *("XNYS", "XLON", "XETR", "XPAR", "XTKS", "XSHG", "XHKG", "XBOM", "XTSE", "XASX", "XTAI"),
    *("XSWX", "XMIL", "XMAD", "XSTO", "BVMF", "XSES", "XJSE", "XMEX", "XIDX", "XBKK", "XKLS"),
    *("XCSE", "XHEL", "XOSL", "XWBO", "XDUB", "XWAR", "XPRA", "XBUD", "XIST", "XNZE", "XPHS"),
    *("XICE", "XBUE", "XSGO", "CMES", "XKRX", "XMOS"),
)
# Futures and currencies trade on holidays of stocks, but many vendors have no bar of such a day.
LOOSE = {"CMES": "XNYS", FOREX: "XNYS"}
SUNDAYS = ("XSAU",)  # open from Sunday to Thursday


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Days of a symbol against the sessions of one exchange.

    `n_traded` of `n_closed` days without session have a bar, `n_missing` of `n_sessions` have none.
    """

    n_closed: int
    n_traded: int
    n_sessions: int
    n_missing: int

    @property
    def n_odd(self) -> int:
        """Days that contradict the calendar."""
        return self.n_traded + self.n_missing

    @property
    def has_closed_days(self) -> bool:
        """Whether it trades on more than 1 in 50 days without session."""
        return self.n_odd >= MIN_ODD and self.n_traded > MAX_SHARE * self.n_closed

    @property
    def lacks_sessions(self) -> bool:
        """Whether it misses more than 1 in 50 sessions."""
        return self.n_odd >= MIN_ODD and self.n_missing > MAX_SHARE * self.n_sessions

    @property
    def is_refuted(self) -> bool:
        """Whether the days are not of this exchange, if another's fit better."""
        return self.has_closed_days or self.lacks_sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The days of one symbol's bars, rising and distinct; `is_idle`: a bar that says nothing new.

    Shapes (day,).
    """

    day: Dates
    is_idle: Bools

    def first(self, n: int) -> Days:
        """The earliest n."""
        return Days(day=self.day[:n], is_idle=self.is_idle[:n])

    def last(self, n: int) -> Days:
        """The latest n."""
        return Days(day=self.day[-n:], is_idle=self.is_idle[-n:])

    def between(self, start: int, stop: int) -> Days:
        """Those numbered from `start` to before `stop`."""
        return Days(day=self.day[start:stop], is_idle=self.is_idle[start:stop])

    def moved(self, n_days: int) -> Days:
        """The same bars, each so many days later."""
        return Days(day=self.day + np.timedelta64(n_days, "D"), is_idle=self.is_idle)


def fit_of(days: Days, exchange: str) -> Fit:
    """How the days fit the calendar; gaps of more than ten sessions are passed over.

    An idle bar of a closed day is none. Days outside the years of the calendar are left out.
    """
    return _fit(days, session_table(exchange))


def _fit(days: Days, table: SessionTable) -> Fit:
    ordinal, is_session = table.at(days.day)
    is_bar = (is_session | ~days.is_idle) & (days.day >= table.first) & (days.day <= table.last)
    ordinal, is_session, day = ordinal[is_bar], is_session[is_bar], days.day[is_bar]
    if not len(day):
        return Fit(n_closed=0, n_traded=0, n_sessions=0, n_missing=0)
    between = np.diff(ordinal) - is_session[1:]
    is_known = between <= MAX_CLOSURE
    n_missing = int(between[is_known].sum())
    n_traded = int((~is_session).sum())
    n_days = int(np.diff(day).astype(np.int64)[is_known].sum()) + 1
    n_sessions = int(is_session.sum()) + n_missing
    return Fit(
        n_closed=max(n_days - n_sessions, n_traded),
        n_traded=n_traded,
        n_sessions=n_sessions,
        n_missing=n_missing,
    )


def supposed_fit(days: Days, exchange: str) -> Fit:
    """How the days fit a calendar that is supposed to be theirs, half holidays being optional."""
    names = (exchange, LOOSE.get(exchange, exchange))
    return min((fit_of(days, name) for name in names), key=lambda fit: fit.n_odd)


def most_closed(days: Days, exchange: str, *, n: int) -> Days:
    """Those n bars in a row of which most are of closed days, the newest such; all, if no more."""
    _, is_session = session_table(exchange).at(days.day)
    n_closed = np.concatenate([[0], np.cumsum(~is_session & ~days.is_idle)])
    n_within = n_closed[n:] - n_closed[:-n]
    if not len(n_within):
        return days
    start = len(n_within) - 1 - int(n_within[::-1].argmax())
    return days.between(start, start + n)


def best_calendars(days: Days) -> tuple[str, ...]:
    """Calendars that fit the days and none better, the likeliest first; () where none fits."""
    week, everyday = fit_of(days, UNKNOWN), fit_of(days, CRYPTO)
    fits = {CRYPTO: everyday, FOREX: week}
    if week.has_closed_days:  # bars on weekends: open all days, or from Sunday to Thursday
        fits |= fits_of(days, SUNDAYS)
    elif week.n_missing <= MAX_HOLIDAYS * week.n_sessions:
        fits |= fits_of(days, KNOWN)
    n_odd = {name: fit.n_odd for name, fit in fits.items() if not fit.is_refuted}
    rank = {name: k for k, name in enumerate((*KNOWN, *SUNDAYS, CRYPTO, FOREX))}
    least = min(n_odd.values(), default=0)
    return tuple(sorted((name for name in n_odd if n_odd[name] == least), key=rank.__getitem__))


def fits_of(days: Days, exchanges: Iterable[str]) -> dict[str, Fit]:
    """How the days fit each of the calendars that are published for all of them."""
    tables = {exchange: kept_table(exchange) for exchange in exchanges}
    return {
        exchange: _fit(days, table)
        for exchange, table in tables.items()
        if table.first <= days.day[0] and days.day[-1] <= table.last
    }


def begins_on_sundays(days: Days) -> bool:
    """Whether the bars are of weeks from Sunday to Thursday, but for 1 in 50."""
    weekday = (days.day.astype(np.int64) + 3) % 7  # 1970 began on a Thursday
    n_fridays, n_sundays = (weekday == 4).sum() + (weekday == 5).sum(), (weekday == 6).sum()
    return bool(n_fridays <= MAX_SHARE * len(weekday) and n_sundays > MAX_HOLIDAYS * len(weekday))


def misses_weekdays(days: Days, exchange: str) -> bool:
    """Whether three in four sessions of some weekday have no bar, though most others have.

    As those of Saturdays and Sundays, of a stock under a calendar that never closes.
    """
    span = np.arange(days.day[0], days.day[-1] + 1)
    _, is_session = session_table(exchange).at(span)
    n_sessions, n_bars = (
        np.bincount((day.astype(np.int64) + 3) % 7, minlength=7)  # 1970 began on a Thursday
        for day in (span[is_session], np.intersect1d(span[is_session], days.day))
    )
    share = (n_bars / np.maximum(n_sessions, 1))[n_sessions >= LEAST_WEEKS]
    return bool(len(share) and share.min() < MISSES and np.median(share) > 1 - MISSES)


def is_better(other: Fit, than: Fit) -> bool:
    """Whether a calendar explains the days so much better that a guess must give way."""
    return than.is_refuted and not other.is_refuted and other.n_odd * BETTER <= than.n_odd
