"""Refits hang on the calendar: bars appended or cut off move none."""

from dataclasses import replace

import numpy as np
import pytest

from nextclose.data.calendars.sessions import session_table
from nextclose.samples.refits import refit_session
from tests.builders import bare_samples


def sample_sessions(*exchanges, first="2004-06-01", n=1000):
    """Samples on the sessions of these exchanges together."""
    days = np.arange(np.datetime64(first), np.datetime64(first) + 2 * n)
    is_open = np.logical_or.reduce([session_table(name).at(days)[1] for name in exchanges])
    samples = bare_samples([days[is_open][:n]])
    return replace(samples, table=replace(samples.table, exchanges=exchanges))


def refit_of(samples, earliest, latest, refit_sessions=252):
    found = refit_session(
        samples,
        earliest=np.datetime64(earliest),
        latest=np.datetime64(latest),
        refit_sessions=refit_sessions,
    )
    return str(found)


@pytest.mark.parametrize(
    ("earliest", "latest", "refit_sessions", "day"),
    [
        ("2004-06-01", "2005-12-30", 252, "2005-01-03"),  # New York had 252 sessions in 2005 ...
        ("2004-06-01", "2006-01-03", 252, "2006-01-03"),
        ("2004-06-01", "2007-01-02", 252, "2006-01-03"),
        ("2004-06-01", "2007-01-05", 252, "2007-01-04"),  # ... and 251 in 2006
        ("2004-06-01", "2006-12-29", 504, "2005-01-03"),
        ("2004-06-01", "2005-02-03", 1, "2005-02-03"),
        ("2005-02-01", "2005-12-30", 252, "2005-07-05"),  # none in between: every 126
        ("2005-07-07", "2005-07-07", 252, "2005-07-07"),
        ("2004-06-05", "2004-06-06", 252, "2004-06-06"),  # no session at all
    ],
)
def test_refits_hang_on_the_calendar(earliest, latest, refit_sessions, day):
    assert refit_of(sample_sessions("XNYS"), earliest, latest, refit_sessions) == day


def test_refits_of_several_exchanges_count_the_days_on_which_any_is_open():
    both = sample_sessions("XNYS", "XTKS")
    days = session_table("XNYS"), session_table("XTKS")
    span = np.arange(np.datetime64("2005-01-03"), np.datetime64("2006-02-01"))
    is_open = days[0].at(span)[1] | days[1].at(span)[1]
    assert refit_of(both, "2005-06-01", "2006-01-31") == str(span[is_open][252])
    assert refit_of(sample_sessions("24/7"), "2005-06-01", "2006-01-31") == "2005-09-12"
    assert refit_of(sample_sessions(""), "2005-06-01", "2006-01-31") == "2005-12-21"
    unknown = replace(sample_sessions(""), table=replace(both.table, exchanges=()))
    assert refit_of(unknown, "2005-06-01", "2006-01-31") == "2005-12-21"
