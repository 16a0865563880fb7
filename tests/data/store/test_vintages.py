"""What is a revision of a stored history, what only continues it, and which bars are finished."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from nextclose.data.store.vintages import (
    is_finished,
    revised_sessions,
    with_fetch_time,
    with_new_sessions,
)

THEN, NOW = datetime(2024, 1, 5, 22, tzinfo=UTC), datetime(2024, 1, 9, 22, tzinfo=UTC)


def frame(closes: dict[int, float | None], **others: float) -> pl.DataFrame:
    """Bars of January 2024, day -> close."""
    days = [date(2024, 1, day) for day in closes]
    columns = {name: [value] * len(days) for name, value in others.items()}
    close = pl.Series("close", list(closes.values()), dtype=pl.Float64)
    return pl.DataFrame({"session": days, "close": close, **columns})


@pytest.mark.parametrize(
    ("old", "new", "asked", "days"),
    [
        ({2: 10, 3: 11}, {2: 10, 3: 11}, 2, []),
        ({2: 10, 3: 11}, {2: 10, 3: 12}, 2, [3]),
        ({2: 10, 3: 11, 4: 12}, {3: 11.5, 4: 12}, 3, [3]),  # 2 was not asked for
        ({2: 10, 3: 11, 4: 12}, {2: 10, 4: 12}, 2, [3]),  # taken away
        ({2: 10, 4: 12}, {2: 10, 3: 11, 4: 12}, 2, [3]),  # put in between
        ({3: 11}, {2: 10, 3: 11, 4: 12}, 1, []),  # before and after
        ({2: 10, 3: 11}, {3: 11, 4: 12}, 2, [2]),  # asked for, not given
        ({2: 10, 3: None}, {2: 10, 3: None}, 2, []),
        ({2: 10, 3: None, 4: 12}, {2: 10, 4: 12}, 2, [3]),  # an empty bar, taken away
        ({2: 10, 3: None}, {2: 10, 3: 11}, 2, [3]),
        ({2: 10, 3: 11}, {2: 10, 3: None}, 2, [3]),
        ({2: 100.0}, {2: 100.0 + 0.9e-4}, 2, []),  # one part in a million
        ({2: 100.0}, {2: 100.0 + 1.1e-4}, 2, [2]),
        ({2: 0.0}, {2: 0.0}, 2, []),
    ],
)
def test_sessions_told_otherwise(old, new, asked, days):
    found = revised_sessions(frame(old), frame(new), asked=date(2024, 1, asked))
    assert found.to_list() == [date(2024, 1, day) for day in days]


def test_any_column_counts_and_a_new_or_a_lost_column_is_another_history():
    old = frame({2: 10, 3: 11}, volume=5.0)
    assert len(revised_sessions(old, old, asked=date(2024, 1, 2))) == 0
    for new in (frame({2: 10, 3: 11}, volume=6.0), old.drop("volume")):
        for pair in ((old, new), (new, old)):
            assert len(revised_sessions(*pair, asked=date(2024, 1, 2))) == 2


def test_a_grown_history_keeps_stored_rows_and_their_stamps():
    old = with_fetch_time(frame({2: 10, 3: 11}), fetched_at=THEN)
    rows = with_new_sessions(old, frame({1: 9, 3: 11.000001, 4: 12}), fetched_at=NOW)
    assert rows["session"].dt.day().to_list() == [1, 2, 3, 4]
    assert rows["close"].to_list() == [9, 10, 11, 12]
    assert rows["fetched_at"].to_list() == [NOW, THEN, THEN, NOW]


@pytest.mark.parametrize(
    ("symbol", "calendar", "now", "n_finished"),
    [
        ("AAPL", None, "2024-01-03T21:29", 1),  # New York closes at 21:00 UTC
        ("AAPL", None, "2024-01-03T21:30", 2),
        ("7203.T", "XTKS", "2024-01-04T06:29", 2),  # Tokyo at 6:00; its year begins on the 4th
        ("7203.T", "XTKS", "2024-01-03T23:00", 2),
        ("AAPL", "weekdays", "2024-01-03T23:59", 1),
        ("BTC-USD", None, "2024-01-03T23:59", 1),
        ("BTC-USD", None, "2024-01-04T00:30", 2),
    ],
)
def test_a_bar_is_finished_half_an_hour_after_its_session(symbol, calendar, now, n_finished):
    rows = frame({2: 10, 3: 11})
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert is_finished(rows, symbol=symbol, calendar=calendar, now=at).sum() == n_finished
