from datetime import UTC, date, datetime

import polars as pl
import pytest

from nextclose.data.rules.alignment import with_sessions
from nextclose.errors import ConfigError

EXCHANGES = {"AAPL": "XNYS", "SONY.T": "XTKS", "X.ZZ": ""}


def rows(symbol: str, *days: str, seconds: list[int | None] | None = None) -> pl.DataFrame:
    frame = pl.DataFrame({"symbol": [symbol] * len(days), "session": list(days)}).with_columns(
        pl.col("session").str.to_date()
    )
    if seconds is None:
        return frame
    return frame.with_columns(pl.Series("second_of_day", seconds, dtype=pl.Int32))


def put(frame: pl.DataFrame, *, now: datetime | None = None, real_moves: tuple[str, ...] = ()):
    symbols = frame["symbol"].unique()
    return with_sessions(frame, {s: EXCHANGES[s] for s in symbols}, now=now, real_moves=real_moves)


def test_places_are_counted_on_each_symbols_own_calendar():
    # Monday 2019-01-14 is a holiday in Tokyo (Coming of Age), Monday the 21st one in New York
    frame = pl.concat(
        rows(symbol, "2019-01-11", "2019-01-14", "2019-01-15", "2019-01-21", "2019-01-22")
        for symbol in ("AAPL", "SONY.T", "X.ZZ")
    )
    placed = put(frame)
    steps = {s: f["ordinal"].diff().to_list()[1:] for (s,), f in placed.group_by("symbol")}
    assert steps == {"AAPL": [1, 1, 3, 1], "SONY.T": [0, 1, 4, 1], "X.ZZ": [1, 1, 4, 1]}
    assert placed["is_session"].to_list() == [
        *(True, True, True, False, True),
        *(True, False, True, True, True),
        *(True, True, True, True, True),
    ]
    assert placed["has_calendar"].to_list() == [True] * 10 + [False] * 5
    assert placed["series"].to_list() == [0] * 5 + [1] * 5 + [2] * 5
    assert not placed["breaks"].any()


def test_without_a_clock_nothing_is_unfinished_and_no_day_is_today():
    placed = put(rows("AAPL", "2019-03-05", "2999-03-05"))
    assert placed["today"].null_count() == 2
    assert not placed["is_unfinished"].any()


CLOCKS = [  # now in UTC, today in New York, whether the bar of 2019-03-05 is unfinished
    ("2019-03-05T20:59", date(2019, 3, 5), True),
    ("2019-03-05T21:29", date(2019, 3, 5), True),  # the close is 21:00 UTC
    ("2019-03-05T21:30", date(2019, 3, 5), False),
    ("2019-03-06T03:00", date(2019, 3, 5), False),  # still Tuesday evening in New York
    ("2019-03-06T14:00", date(2019, 3, 6), False),
    ("2019-03-05T04:59", date(2019, 3, 4), False),  # the bar is of tomorrow
]


@pytest.mark.parametrize(("now", "today", "unfinished"), CLOCKS)
def test_the_clock_of_the_exchange_decides_what_is_unfinished(now, today, unfinished):
    clock = datetime.fromisoformat(now).replace(tzinfo=UTC)
    placed = put(rows("AAPL", "2019-03-04", "2019-03-05"), now=clock)
    assert placed["today"].to_list() == [today] * 2
    if today == date(2019, 3, 4):  # the day before: its bar is the unfinished one
        assert placed["is_unfinished"].to_list() == [False, False]
    else:
        assert placed["is_unfinished"].to_list() == [False, unfinished]


def test_each_exchange_has_its_own_today():
    frame = pl.concat([rows("AAPL", "2019-03-05"), rows("SONY.T", "2019-03-06")])
    placed = put(frame, now=datetime(2019, 3, 5, 22, tzinfo=UTC))  # 7 in the morning in Tokyo
    assert placed["today"].to_list() == [date(2019, 3, 5), date(2019, 3, 6)]
    assert placed["is_unfinished"].to_list() == [False, True]


NOON = 12 * 3600
STAMPS = [  # exchange by symbol, days, seconds of the day, unfinished
    ("AAPL", ["2019-03-04", "2019-03-05", "2019-03-06"], [0, 0, NOON], [False, False, True]),
    ("AAPL", ["2019-03-04", "2019-03-05", "2019-03-06"], [57600, 57600, NOON], [0, 0, 1]),
    # wherever it stands: later rows change nothing
    ("AAPL", ["2019-03-04", "2019-03-05", "2019-03-06"], [57600, NOON, 57600], [0, 1, 0]),
    # another habit from then on: the first such row alone is odd
    ("AAPL", ["2019-03-04", "2019-03-05", "2019-03-06"], [57600, NOON, NOON], [0, 1, 0]),
    # the day after Thanksgiving ends at 13:00
    ("AAPL", ["2019-11-27", "2019-11-29", "2019-12-02"], [57600, 46800, 57600], [0, 0, 0]),
    ("AAPL", ["2019-11-27", "2019-11-29", "2019-12-02"], [57600, 46799, 57600], [0, 1, 0]),
    # stamped at the open every day, or an hour later as clocks change
    ("AAPL", ["2019-03-07", "2019-03-08", "2019-03-11"], [34200, 34200, 34200], [0, 0, 0]),
    ("AAPL", ["2019-03-07", "2019-03-08", "2019-03-11"], [34200, 34200, 37800], [0, 0, 0]),
    # a plain date counts as midnight
    ("AAPL", ["2019-03-04", "2019-03-05"], [None, NOON], [0, 1]),
    ("AAPL", ["2019-03-04", "2019-03-05"], [NOON, None], [0, 0]),
    # nothing before to compare with
    ("AAPL", ["2019-03-04"], [NOON], [0]),
    # no calendar: any odd time is one
    ("X.ZZ", ["2019-03-04", "2019-03-05"], [57600, 64800], [0, 1]),
]


@pytest.mark.parametrize(("symbol", "days", "seconds", "unfinished"), STAMPS)
def test_a_stamp_of_an_odd_time_before_the_close_is_unfinished(symbol, days, seconds, unfinished):
    placed = put(rows(symbol, *days, seconds=seconds))
    assert placed["is_unfinished"].to_list() == list(map(bool, unfinished))


def test_stamps_are_compared_within_a_symbol():
    frame = pl.concat(
        [
            rows("AAPL", "2019-03-04", "2019-03-05", seconds=[0, 0]),
            rows("SONY.T", "2019-03-04", "2019-03-05", seconds=[NOON, NOON]),
        ]
    )
    assert not put(frame)["is_unfinished"].any()


def test_real_moves_are_named_by_symbol_and_date():
    frame = pl.concat([rows("AAPL", "2019-03-04", "2019-03-05"), rows("X.ZZ", "2019-03-05")])
    placed = put(frame, real_moves=("AAPL 2019-03-05", "X.ZZ 2019-03-04"))
    assert placed["is_real_move"].to_list() == [False, True, False]


@pytest.mark.parametrize("entry", ["AAPL", "2019-03-05", "AAPL 5/3/2019", ""])
def test_an_entry_that_names_no_symbol_and_date_is_a_config_error(entry):
    with pytest.raises(ConfigError, match="AAPL 2000-09-29") as raised:
        put(rows("AAPL", "2019-03-04"), real_moves=(entry,))
    assert (raised.value.section, raised.value.key) == ("data", "not_a_split")


def test_an_exchange_without_a_calendar_is_a_config_error():
    with pytest.raises(ConfigError, match="XNYZ"):
        with_sessions(rows("AAPL", "2019-03-04"), {"AAPL": "XNYZ"}, now=None)
