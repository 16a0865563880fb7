import decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextclose.config import DataConfig
from nextclose.data.reading.numeric import parse_prices, parse_volumes

US = DataConfig()
GERMAN = DataConfig(decimal=",", thousands=".")
SWISS = DataConfig(thousands="'")
FRENCH = DataConfig(decimal=",", thousands=" ")
GROUPED = DataConfig(thousands=",")


def cells(column):
    return None if column is None else column.to_list()


READ = [  # settings, text, value
    (US, " 12.0 ", 12.0),
    (US, "1.2e1", 12.0),
    (US, "+12", 12.0),
    (US, "12.000000000000001", 12.000000000000002),  # 17 digits, rounded correctly
    (US, "0.1", 0.1),
    (GERMAN, "12,5", 12.5),
    (GERMAN, "1.234,5", 1234.5),
    (GERMAN, "-1.234.567,25", -1234567.25),
    (GERMAN, "1.234", 1234.0),
    (GERMAN, "12", 12.0),
    (GERMAN, "1,5e2", 150.0),
    (SWISS, "1'234.5", 1234.5),
    (SWISS, "1\u2019234.5", 1234.5),
    (SWISS, "12.5", 12.5),
    (FRENCH, "1\u202f234,5", 1234.5),
    (FRENCH, "1 234 567,5", 1234567.5),
    (GROUPED, "1,234.5", 1234.5),
    (GROUPED, "12.5", 12.5),
]


@pytest.mark.parametrize(("config", "text", "value"), READ)
def test_prices_are_read_with_the_marks_of_the_settings(config, text, value):
    read = parse_prices(pl.Series([text, "1"]), config)
    assert (read.value.to_list(), read.text) == ([value, 1.0], None)


UNREAD = [  # settings, text
    (US, "1,5"),
    (US, "1,234.5"),
    (US, "N/A"),
    (US, "1_000"),
    (GERMAN, "12.5"),
    (GERMAN, "1.23,5"),
    (GERMAN, "1,234.5"),
    (GERMAN, "1,2,3"),
    (GROUPED, "1,23"),
    (GROUPED, "12,34.5"),
    (SWISS, "1'23"),
]


@pytest.mark.parametrize(("config", "text"), UNREAD)
def test_text_with_other_marks_is_left_for_the_rules_to_see(config, text):
    read = parse_prices(pl.Series([text, "1"]), config)
    assert (cells(read.value), cells(read.text)) == ([None, 1.0], [text, None])


@pytest.mark.parametrize("text", ["", "nan", "NaN", "null", "  "])
def test_missing_numbers_are_null_and_nothing_to_see(text):
    for read in (
        parse_prices(pl.Series([text, "1"]), US),
        parse_volumes(pl.Series([text, "1"]), US),
    ):
        assert (read.value.to_list(), read.text) == ([None, 1], None)


def test_only_the_texts_of_the_settings_are_missing():
    config = DataConfig(missing=("", "N/A"))
    read = parse_prices(pl.Series(["N/A", "nan", "null", "1"]), config)
    assert read.value.to_list() == [None, None, None, 1.0]
    assert cells(read.text) == [None, "nan", "null", None]


def test_numbers_of_any_type_are_read_and_nan_is_missing():
    assert parse_prices(pl.Series([1.5, float("nan")]), US).value.to_list() == [1.5, None]
    assert parse_prices(pl.Series([1, 2], dtype=pl.UInt8), US).value.to_list() == [1.0, 2.0]
    exact = pl.Series([decimal.Decimal("0.1"), None])
    assert parse_prices(exact, US).value.to_list() == [0.1, None]
    assert parse_prices(pl.Series(["1.5"], dtype=pl.Categorical), US).value.to_list() == [1.5]


VOLUMES = [  # cells, values, cells to see, whole numbers respelt
    (["9007199254740993", "1"], [2**53 + 1, 1], None, None),
    ([" 200 ", "0"], [200, 0], None, None),
    (["200.0", "1"], [200, 1], None, [True, False]),
    (["2e2", "1"], [200, 1], None, [True, False]),
    (["-5", "1"], [-5, 1], None, None),
    (["2.5", "1"], [2, 1], ["2.5", None], None),
    (["1.2M", "1"], [None, 1], ["1.2M", None], None),
    (["9223372036854775808", "1"], [None, 1], ["9223372036854775808", None], None),
    ([200.0, None], [200, None], None, [True, False]),
    ([float("nan"), 2.5], [None, 2], [None, "2.5"], None),
    ([float("inf"), 1e18], [None, 10**18], ["inf", None], [False, True]),
]


@pytest.mark.parametrize(("given", "values", "seen", "respelt"), VOLUMES)
def test_volumes_are_whole_and_exact(given, values, seen, respelt):
    read = parse_volumes(pl.Series(given), US)
    assert read.value.dtype == pl.Int64
    assert read.value.to_list() == values
    assert cells(read.text) == seen
    assert cells(read.is_respelt) == respelt


def test_integers_too_large_for_a_volume_are_left_to_see():
    read = parse_volumes(pl.Series([2**63 + 1, 7, None], dtype=pl.UInt64), US)
    assert read.value.to_list() == [None, 7, None]
    assert cells(read.text) == [str(2**63 + 1), None, None]


def test_volumes_obey_the_marks_too():
    read = parse_volumes(pl.Series(["1.234.567", "1.000,0", "12"]), GERMAN)
    assert (read.value.to_list(), read.text) == ([1234567, 1000, 12], None)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_price_text_is_read_to_the_last_bit(price):
    text = repr(price)
    assert parse_prices(pl.Series([text]), US).value[0] == price
    assert parse_prices(pl.Series([f" {text}"]), US).value[0] == price
    assert parse_prices(pl.Series([text.replace(".", ",")]), GERMAN).value[0] == price
