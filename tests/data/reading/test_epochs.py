from datetime import UTC, date, datetime

import polars as pl
import pytest

from nextclose.data.reading.epochs import compact_dates, instants, integer_date_format

MONDAY = int(datetime(2019, 3, 4, tzinfo=UTC).timestamp())
DAY = 86_400


def reading(*numbers: int | None, symbols=None) -> str:
    column = pl.Series(list(numbers), dtype=pl.Int64)
    return integer_date_format(column, pl.Series(symbols or ["A"] * len(numbers)))


@pytest.mark.parametrize(("unit", "name"), [(1, "s"), (10**3, "ms"), (10**6, "us"), (10**9, "ns")])
@pytest.mark.parametrize("start", [MONDAY, MONDAY + 52_200, 0, -50 * 365 * DAY])
def test_daily_integers_are_read_in_the_one_unit_that_makes_them_days(unit, name, start):
    week = [(start + k * DAY) * unit for k in (0, 1, 2, 3, 4, 7, 8)]
    assert reading(*week) == f"epoch-{name}"


def test_digits_of_dates_are_read_as_dates():
    assert reading(20190304, 20190305, 20190306, 20190401) == "yyyymmdd"


UNDECIDED = [
    (1, 2, 3),  # one day in every unit
    (MONDAY,),  # no gap to judge by
    (MONDAY, MONDAY),
    (MONDAY, MONDAY + 7 * DAY, MONDAY + 14 * DAY),  # weekly
    (MONDAY, MONDAY + 3600, MONDAY + 7200, MONDAY + DAY),  # hourly: days repeat
    (MONDAY, MONDAY + 3600, *(MONDAY + k * DAY for k in range(1, 6))),  # one day twice
    (1_468_760_000, 1_468_846_400),  # days of 2016 in seconds, either side of a midnight in ms
    (20190230, 20190231, 20190301),  # no days
    (MONDAY, MONDAY + DAY, 10**17),  # one out of range
    (None, None),
]


@pytest.mark.parametrize("numbers", UNDECIDED)
def test_integers_that_no_reading_makes_into_days_stay_undecided(numbers):
    assert reading(*numbers) == ""


def test_gaps_are_judged_within_each_symbol_and_copies_do_not_count():
    days = [MONDAY, MONDAY + DAY, MONDAY + 2 * DAY]
    assert reading(*days, *days, symbols=["A"] * 3 + ["B"] * 3) == "epoch-s"
    assert reading(*days, *days, symbols=["A"] * 6) == "epoch-s"
    assert reading(*reversed(days)) == "epoch-s"
    assert reading(*days, None) == "epoch-s"


def test_integers_beyond_the_range_give_nothing():
    far = pl.Series([2**62, -(2**62), MONDAY])
    assert instants(far, "epoch-s").dt.date().to_list() == [None, None, date(2019, 3, 4)]
    numbers = pl.Series([20190304, 18991231, 21010101, 20190230, -1, 2**62])
    assert compact_dates(numbers).to_list() == [date(2019, 3, 4), *[None] * 5]
