from datetime import date

import numpy as np
import polars as pl
import pytest

from nextclose.errors import DataError
from nextclose.features.table import make_table
from nextclose.samples.samples import Samples, make_samples
from nextclose.schema import Bars, Finding
from nextclose.serving.latest_bars import (
    latest_rows,
    refuse_incomplete,
    segment_lengths,
    with_resolved,
)
from tests.builders import walk_frame


def noted(number: int, symbol: str) -> Finding:
    return Finding(
        number=number, response="W", found="no volume", rule="complete bars", symbol=symbol
    )


def test_only_an_incomplete_newest_bar_is_refused_and_each_is_named():
    bars = Bars(frame=walk_frame("AAA", seed=1, n=5))
    refuse_incomplete(bars)
    refuse_incomplete(Bars(frame=bars.frame, findings=(noted(66, "AAA"),)))
    findings = (noted(66, "AAA"), noted(57, "BBB"), noted(57, "CCC"))
    with pytest.raises(DataError) as caught:
        refuse_incomplete(Bars(frame=bars.frame, findings=findings))
    assert [(finding.code, finding.symbol) for finding in caught.value.findings] == [
        ("E57", "BBB"),
        ("E57", "CCC"),
    ]
    assert "Fix: complete that bar or end the file before it." in str(caught.value)


@pytest.fixture
def pieces() -> Samples:
    """AAA in pieces of 5 and 3 rows, BBB in one of 4."""
    first = walk_frame("AAA", seed=1, n=8).with_columns(segment=pl.Series([0] * 5 + [1] * 3))
    second = walk_frame("BBB", seed=2, n=4).with_columns(segment=pl.lit(0, dtype=pl.Int64))
    frame = pl.concat([first, second]).with_columns(pl.col("segment").cast(pl.Int32))
    return make_samples(make_table(Bars(frame=frame)))


def test_the_newest_row_of_a_symbol_ends_its_last_piece(pieces):
    np.testing.assert_array_equal(latest_rows(pieces), [7, 11])


def test_the_length_of_a_piece_counts_up_to_the_row_that_is_asked_for(pieces):
    rows = np.array([7, 11, 4, 0, 5])
    np.testing.assert_array_equal(segment_lengths(pieces, rows), [3, 4, 5, 1, 1])


RESOLVES = [  # symbol, exchange, origin, horizon, resolved
    ("IBM", "XNYS", "2012-10-26", 1, "2012-10-31"),  # a storm: New York shut, London open
    ("IBM", "XNYS", "2012-10-26", 2, "2012-11-01"),
    ("VOD.L", "XLON", "2012-10-26", 1, "2012-10-29"),
    ("VOD.L", "XLON", "2012-12-24", 1, "2012-12-27"),  # Christmas and Boxing Day
    ("odd", "", "2012-12-24", 1, "2012-12-25"),  # every weekday
]


def test_outcomes_are_fixed_by_sessions_of_the_exchange_of_each_symbol():
    keys = [(name, date.fromisoformat(day), ahead) for name, _, day, ahead, _ in RESOLVES]
    columns = ("symbol", "origin", "horizon_sessions")
    frame = pl.DataFrame(keys, schema=columns, orient="row")
    made = with_resolved(frame, {name: code for name, code, *_ in RESOLVES})
    assert [str(day) for day in made["resolved"]] == [row[-1] for row in RESOLVES]
    assert made.select(columns).equals(frame)


def test_of_no_forecast_no_date_is_asked():
    frame = pl.DataFrame(
        schema={"symbol": pl.String, "origin": pl.Date, "horizon_sessions": pl.Int32}
    )
    made = with_resolved(frame, {})
    assert made.is_empty()
    assert made.schema["resolved"] == pl.Date
