import numpy as np
import pytest

from nextclose.report.figures.axes import MAX_TICKS, date_ticks

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
