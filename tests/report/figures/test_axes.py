import numpy as np
import pytest
from matplotlib.figure import Figure

from nextclose.report.figures.axes import (
    MAX_TICKS,
    date_ticks,
    set_date_ticks,
    set_session_ticks,
)

SPANS = [*range(2, 120), *range(120, 800, 7), *range(800, 7400, 97)]  # days; up to 20 years


@pytest.mark.parametrize("start", ["1969-12-30", "2011-01-31", "2012-02-29"])
def test_every_range_of_dates_has_two_to_six_ticks_inside_it(start):
    first = np.datetime64(start).astype(int)
    for n_days in SPANS:
        ticks = date_ticks(first, first + n_days - 1)
        assert 2 <= len(ticks) <= MAX_TICKS, n_days
        assert first <= ticks[0] < ticks[-1] < first + n_days


@pytest.mark.parametrize(
    ("first", "last", "ticks"),
    [
        ("2020-02-28", "2020-03-01", ["2020-02-28", "2020-02-29", "2020-03-01"]),
        ("2020-01-02", "2020-04-30", ["2020-02-01", "2020-03-01", "2020-04-01"]),
        ("2003-06-01", "2013-06-01", ["2004", "2006", "2008", "2010", "2012"]),
    ],
)
def test_ticks_are_on_days_firsts_of_a_month_or_new_years_days(first, last, ticks):
    low, high = (np.datetime64(day).astype(int) for day in (first, last))
    expected = [np.datetime64(day, "D") for day in ticks]
    assert date_ticks(low, high).astype("M8[D]").tolist() == [d.item() for d in expected]


def test_an_axis_of_sessions_has_its_ticks_at_the_first_session_of_a_month():
    days = np.arange(np.datetime64("2012-11-26"), np.datetime64("2013-04-12"))
    # December begins on a weekend, the year with a holiday
    sessions = days[np.is_busday(days, holidays=["2013-01-01"])]
    panel = Figure().subplots()
    panel.plot(np.arange(len(sessions)), np.zeros(len(sessions)))
    set_session_ticks(panel, sessions)
    at = [str(sessions[int(tick)]) for tick in panel.get_xticks()]
    assert at == ["2012-12-03", "2013-01-02", "2013-02-01", "2013-03-01", "2013-04-01"]
    labels = [label.get_text() for label in panel.get_xticklabels()]
    assert labels == ["Dec", "2013", "Feb", "Mar", "Apr"]


@pytest.mark.parametrize("set_ticks", [set_date_ticks, set_session_ticks])
def test_a_day_at_a_tick_names_its_month(set_ticks):
    days = np.arange(np.datetime64("2012-07-02"), np.datetime64("2012-08-20"))
    figure = Figure()
    panel = figure.subplots()
    if set_ticks is set_session_ticks:
        panel.plot(np.arange(len(days)), np.zeros(len(days)))
        set_session_ticks(panel, days)
    else:
        panel.plot(days, np.zeros(len(days)))
        set_date_ticks(panel)
    figure.canvas.draw()
    labels = [label.get_text() for label in panel.get_xticklabels()]
    assert all(label.endswith((" Jun", " Jul", " Aug")) for label in labels)
