"""CSV that runs nothing, JSON without NaN."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import pandas as pd
import polars as pl
import pytest

from nextclose.errors import DataError
from nextclose.report.exports import csv_text, json_text, pandas_frame

LIVE = [
    *("=1+1", '=cmd|"/c calc"!A1', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"),
    *("\uff1d1", "\uff0b1", "\uff0d1", "\uff20A", "-"),
]
INERT = ["AAPL", "^GSPC", "a=b", " =1", "'=1", "1-2", "", "prices/AAPL.csv row 3"]


@pytest.mark.parametrize("text", LIVE)
def test_a_text_that_a_spreadsheet_would_run_gets_a_quote_in_front(text):
    ((_, cell),) = cells(pl.DataFrame({"n": [1], "text": [text]}))
    assert cell == f"'{text}"


@pytest.mark.parametrize("text", INERT)
def test_other_texts_stay_as_they_are(text):
    ((_, cell),) = cells(pl.DataFrame({"n": [1], "text": [text]}))
    assert cell == text


def test_numbers_stay_numbers_and_what_is_missing_stays_empty():
    frame = pl.DataFrame({"a": [-1.5, 0.1, None], "b": ["x", None, "=1"], "c": [-3, 2**53, None]})
    assert csv_text(frame) == f"a,b,c\n-1.5,x,-3\n0.1,,{2**53}\n,'=1,\n"


def cells(frame):
    return list(csv.reader(io.StringIO(csv_text(frame), newline="")))[1:]


def test_finite_values_are_json():
    value = {"rows": [{"symbol": "A", "x": 1.5, "y": None}]}
    assert json.loads(json_text(value, what="w")) == value
    assert json_text({"a": 1}, what="w", indent=1) == '{\n "a": 1\n}'


def test_each_number_that_is_not_finite_is_refused_with_its_place_and_symbol():
    nan, inf = float("nan"), float("inf")
    value = {"rows": [{"symbol": "A", "x": 1.0}, {"symbol": "B", "x": [0.0, nan]}], "top": -inf}
    with pytest.raises(DataError) as raised:
        json_text(value, what="verdict.json")
    assert raised.value.exit_code == 3
    places = [(f.code, f.path, f.symbol, f.found) for f in raised.value.findings]
    assert places == [
        ("E79", "verdict.json", "B", "nan at rows[1].x[1]"),
        ("E79", "verdict.json", "", "-inf at top"),
    ]
    assert all(f.fix for f in raised.value.findings)


def test_a_frame_of_pandas_has_the_same_cells_and_says_what_is_not_known():
    frame = pl.DataFrame(
        {
            "symbol": ["A", None],
            "origin": [date(2012, 3, 1), None],
            "n": pl.Series([1, 2], dtype=pl.Int32),
            "target": [0.5, None],
            "is_odd": [True, False],
        }
    )
    made = pandas_frame(frame)
    assert [kind.kind for kind in made.dtypes if hasattr(kind, "kind")][-4:] == [*"Mifb"]
    assert made["origin"].iloc[0] == pd.Timestamp(2012, 3, 1)
    assert made.isna().to_numpy().tolist() == [[False] * 5, [True, True, False, True, False]]
