"""Calendars proven by days: right ones never refused, others found, at each length of history."""

from __future__ import annotations

import numpy as np
import pytest

from nextclose.data.calendars.evidence import Days, best_calendars, fit_of, supposed_fit
from nextclose.data.calendars.sessions import session_table

EXCHANGES = (
    *("XNYS", "XTSE", "XLON", "XETR", "XPAR", "XSWX", "XSTO", "XTKS", "XSHG", "XHKG", "XBOM"),
    *("XASX", "XTAI", "XSES", "BVMF", "XJSE", "24/5", "24/7"),
)
LENGTHS = (60, 120, 250, 1000, 3000)
START = np.datetime64("2006-03-01")


def days_of(exchange: str, n: int, *, skip: int = 0) -> Days:
    """n sessions of an exchange, from the one numbered `skip` after the start on."""
    days = np.arange(START, np.datetime64("2026-11-01"))
    sessions = days[session_table(exchange).at(days)[1]][skip : skip + n]
    return Days(day=sessions, is_idle=np.zeros(len(sessions), dtype=np.bool_))


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_history_is_never_refused_its_own_calendar(exchange):
    for n in LENGTHS:
        for skip in (0, 400, 1100, 1900):
            assert fit_of(days_of(exchange, n, skip=skip), exchange).n_odd == 0


def test_five_of_a_hundred_odd_days_are_told_from_two():
    sessions = days_of("XNYS", 200).day
    gone = Days(day=np.delete(sessions, [20, 60, 100]), is_idle=np.zeros(197, dtype=np.bool_))
    fit = fit_of(gone, "XNYS")
    assert (fit.n_missing, fit.n_sessions, fit.is_refuted) == (3, 200, False)
    gone = Days(day=np.delete(sessions, range(20, 120, 10)), is_idle=np.zeros(190, dtype=np.bool_))
    assert fit_of(gone, "XNYS").is_refuted


def test_a_long_gap_says_nothing_of_a_calendar():
    sessions = np.delete(days_of("XNYS", 200).day, range(50, 90))
    fit = fit_of(Days(day=sessions, is_idle=np.zeros(160, dtype=np.bool_)), "XNYS")
    assert (fit.n_missing, fit.n_sessions) == (0, 160)


def test_idle_bars_of_closed_days_are_no_trades():
    days = np.arange(START, START + np.timedelta64(100, "D"))
    is_session = session_table("XNYS").at(days)[1]
    assert fit_of(Days(day=days, is_idle=~is_session), "XNYS").n_odd == 0
    # 14 weekends, Good Friday and Memorial Day
    assert fit_of(Days(day=days, is_idle=np.zeros(100, dtype=np.bool_)), "XNYS").n_traded == 30


def test_currencies_and_futures_may_keep_the_holidays_of_new_york():
    days = days_of("XNYS", 300)
    assert fit_of(days, "24/5").is_refuted
    assert not supposed_fit(days, "24/5").is_refuted
    assert not supposed_fit(days, "CMES").is_refuted
    assert supposed_fit(days_of("XTKS", 300), "24/5").is_refuted


def test_the_best_calendar_is_the_one_whose_days_they_are():
    for exchange in ("XTKS", "XSHG", "XNYS", "XBOM", "24/7", "24/5"):
        assert best_calendars(days_of(exchange, 250))[0] == exchange
