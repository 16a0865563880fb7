from datetime import date

import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.reading.inferred_names import (
    inferred_names,
    is_row_of_bars,
    with_date_column,
)

DEFAULTS = DataConfig()
BARS = [  # date, open, high, low, close, volume: each open near the close before
    ["2019-03-04", "10", "12", "9", "11", "900"],
    ["2019-03-05", "11", "14", "10", "13", "800"],
    ["2019-03-06", "13", "15", "12", "14", "950"],
    ["2019-03-07", "14", "16", "11", "12", "990"],
]


def reordered(*order: int) -> list[list[str]]:
    return [[row[k] for k in order] for row in BARS]


ORDERS = [
    (reordered(0, 1, 2, 3, 4, 5), ["date", "open", "high", "low", "close", "volume"]),
    (reordered(0, 4, 2, 3, 1, 5), ["date", "close", "high", "low", "open", "volume"]),
    (reordered(0, 3, 2, 1, 4), ["date", "low", "high", "open", "close"]),
    (reordered(0, 1, 2, 3, 4, 5)[::-1], ["date", "open", "high", "low", "close", "volume"]),
    (reordered(0, 4), ["date", "close"]),
    (
        [["AAPL", *row] for row in BARS],
        ["symbol", "date", "open", "high", "low", "close", "volume"],
    ),
]


@pytest.mark.parametrize(("rows", "names"), ORDERS)
def test_prices_are_told_by_their_order_in_size_and_time(rows, names):
    assert inferred_names(rows) == names


IN_DOUBT = [
    ("a price beyond the four", [[*row[:5], row[4], row[5]] for row in BARS]),
    ("three prices", reordered(0, 1, 2, 3)),
    ("two rows", BARS[:2]),
    ("no day that a close differs from its open", [["2019-03-04", "1", "2", "0", "1"]] * 4),
    ("dates in no order", [BARS[k] for k in (1, 0, 3, 2)]),
    ("two texts before the date", [["AAPL", "US", *row] for row in BARS]),
    ("numbers with commas", [[row[0], *(f"{cell},5" for cell in row[1:])] for row in BARS]),
]


@pytest.mark.parametrize("rows", [c[1] for c in IN_DOUBT], ids=[c[0] for c in IN_DOUBT])
def test_cells_that_leave_a_choice_give_no_names(rows):
    assert is_row_of_bars(rows)
    assert inferred_names(rows) == []


NO_BARS = [
    [["date", "close"], ["2019-03-04", "1"]],
    [["", "7203", "6758"], ["2019-03-04", "1", "2"]],  # numeric symbols side by side
    [["Datum", "Schluss"], ["04.03.2019", "1,5"]],
    [["2019-03-04", "sold"], ["2019-03-05", "bought"]],
]


@pytest.mark.parametrize("rows", NO_BARS)
def test_a_header_is_no_bar(rows):
    assert not is_row_of_bars(rows)


DAY = date(2019, 3, 4)
DATED = [
    ({"": ["2019-03-04"], "noted": ["2019-03-05"], "close": ["1"]}, ""),
    ({"__index_level_0__": [DAY], "close": [1.0]}, "__index_level_0__"),
    ({"Unnamed: 0": ["04.03.2019"], "close": ["1"]}, "Unnamed: 0"),
    ({"valid": ["Mar 04, 2019"], "close": ["1"]}, "valid"),
    (
        {"open_time": ["1551657600000"], "close_time": ["1551743999999"], "close": ["1"]},
        "open_time",
    ),
]


@pytest.mark.parametrize(("columns", "name"), DATED)
def test_a_column_of_dates_is_named_so_and_that_is_said(columns, name):
    frame, notes = with_date_column(pl.DataFrame(columns), DEFAULTS, path="A.csv")
    assert frame.columns == ["date" if column == name else column for column in columns]
    assert [note.code for note in notes] == ["R22"]


ALONE = [
    {"": ["0"], "date": ["2019-03-04"], "close": ["1"]},
    {"first": ["2019-03-04"], "second": ["2019-03-05"], "close": ["1"]},
    {"": ["0"], "close": ["1"]},
    {"note": ["2019-03-04", "x"], "close": ["1", "2"]},
    {"Fecha": [None], "close": ["1"]},
]


@pytest.mark.parametrize("columns", ALONE)
def test_where_a_name_says_it_or_none_can_no_column_is_named(columns):
    frame = pl.DataFrame(columns)
    assert with_date_column(frame, DEFAULTS, path="A.csv") == (frame, [])
