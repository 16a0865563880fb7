import decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextclose.config import DataConfig
from nextclose.data.reading.number_formats import NumberFormat
from nextclose.data.reading.numeric import (
    UnsettledMarks,
    number_format,
    parse_numbers,
)

US = NumberFormat()
GERMAN = NumberFormat(decimal=",", thousands=".")
SWISS = NumberFormat(thousands="'")
FRENCH = NumberFormat(decimal=",", thousands=" ")
GROUPED = NumberFormat(thousands=",")
DOLLARS = NumberFormat(currency="$", thousands=",")
EUROS = NumberFormat(currency="€", decimal=",", thousands=".")


def parse_prices(column, form):
    return parse_numbers("close", column, form)


def parse_volumes(column, form):
    return parse_numbers("volume", column, form)


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
    (GROUPED, "1,00,234.5", 100234.5),  # a lakh
    (DOLLARS, "$1,234.5", 1234.5),
    (DOLLARS, "1.5", 1.5),
    (EUROS, "1.234,5 €", 1234.5),
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
    config = NumberFormat(missing=("", "N/A"))
    read = parse_prices(pl.Series(["N/A", "nan", "null", "1"]), config)
    assert read.value.to_list() == [None, None, None, 1.0]
    assert cells(read.text) == [None, "nan", "null", None]


def test_numbers_of_any_type_are_read_and_nan_is_missing():
    assert parse_prices(pl.Series([1.5, float("nan")]), US).value.to_list() == [1.5, None]
    assert parse_prices(pl.Series([1, 2], dtype=pl.UInt8), US).value.to_list() == [1.0, 2.0]
    exact = pl.Series([decimal.Decimal("0.1"), None])
    assert parse_prices(exact, US).value.to_list() == [0.1, None]
    assert parse_prices(pl.Series(["1.5"], dtype=pl.Categorical), US).value.to_list() == [1.5]


VOLUMES = [  # cells, values, cells to see, why they were respelt
    (["9007199254740993", "1"], [2**53 + 1, 1], None, {}),
    ([" 200 ", "0"], [200, 0], None, {}),
    (["200.0", "1"], [200, 1], None, {"whole": [True, False]}),
    (["2e2", "1"], [200, 1], None, {"whole": [True, False]}),
    (["-5", "1"], [-5, 1], None, {}),
    (["9223372036854775808", "1"], [None, 1], ["9223372036854775808", None], {}),
    (["2.22M", "1.2k"], [2_220_000, 1200], None, {"short": [True, True]}),
    (["1B", "0.5T"], [10**9, 5 * 10**11], None, {"short": [True, True]}),
    (["1.2Q", "1"], [None, 1], ["1.2Q", None], {}),
    ([200.0, None], [200, None], None, {"whole": [True, False]}),
    ([float("inf"), 1e18], [None, 10**18], ["inf", None], {"whole": [False, True]}),
]


@pytest.mark.parametrize(("given", "values", "seen", "respelt"), VOLUMES)
def test_volumes_are_whole_and_exact(given, values, seen, respelt):
    read = parse_volumes(pl.Series(given), US)
    assert read.value.dtype == pl.Int64
    assert read.value.to_list() == values
    assert cells(read.text) == seen
    assert {why: mask.to_list() for why, mask in read.respelt.items()} == respelt


@pytest.mark.parametrize("given", [["2.5", "1"], [2.5, 1.0], ["1.0025K", "1"]])
def test_a_volume_with_a_fraction_keeps_it(given):
    read = parse_volumes(pl.Series(given), US)
    assert read.value.dtype == pl.Float64
    assert read.value.to_list() == [1002.5 if given[0] == "1.0025K" else 2.5, 1.0]
    assert read.text is None
    assert read.respelt["fraction"].to_list() == [True, False]


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


FORMATS = [  # prices, volumes, the format that reads them all
    (["10.5", "11"], ["100"], US),
    (["10,5", "11"], ["100"], NumberFormat(decimal=",")),
    (["1.234,5"], ["100"], GERMAN),
    (["1234,50"], ["1.234.567"], GERMAN),
    (["12,345"], ["1.234.567"], GERMAN),
    (["12,345"], ["1,234,567"], GROUPED),
    (["12.5"], ["1,234"], GROUPED),
    (["1,234.5", "N/A"], ["100"], GROUPED),
    (["1,23,456.5"], ["1"], GROUPED),
    (["$1.5", "$2"], ["1"], NumberFormat(currency="$")),
    (["1,5 €", "2 €"], ["1"], NumberFormat(currency="€", decimal=",")),
    (["1.5 USD", "USD 2"], ["1"], NumberFormat(currency="USD")),
    (["1.5 USD", "2"], ["1"], US),  # on one price alone: who knows what the other is
    (["$1.5", "€2"], ["1"], US),
    (["10,4", "10.3"], ["1"], US),  # no reading fits both: the odd one is left to see
    (["1'234.5"], ["2,22M"], US),
    (["61,91"], ["2,22M"], NumberFormat(decimal=",")),
    (["1.2.3", "10.5"], ["1"], US),
]


@pytest.mark.parametrize(("prices", "volumes", "form"), FORMATS)
def test_the_marks_are_those_of_the_whole_file(prices, volumes, form):
    columns = {"close": pl.Series(prices), "volume": pl.Series(volumes)}
    assert number_format(columns, DataConfig()) == form


SETTLED = [  # settings, prices, the format or the formats that the cure offers
    ({"decimal": ","}, ["12,345"], [NumberFormat(decimal=",")]),
    ({"thousands": ","}, ["12,345"], [GROUPED]),
    ({}, ["12,345"], [GROUPED, NumberFormat(decimal=",")]),
    ({"decimal": ","}, ["12.5"], [US]),
    ({"decimal": "."}, ["12,5"], [NumberFormat(decimal=",")]),
    ({"decimal": ","}, ["12"], [NumberFormat(decimal=",")]),
]


@pytest.mark.parametrize(("settings", "prices", "forms"), SETTLED)
def test_settings_decide_and_what_they_do_not_fit_is_told_with_the_reading_that_does(
    settings, prices, forms
):
    found = number_format({"close": pl.Series(prices)}, DataConfig(**settings))
    fitting = found.fitting if isinstance(found, UnsettledMarks) else (found,)
    assert [(form.decimal, form.thousands) for form in fitting] == [
        (form.decimal, form.thousands) for form in forms
    ]
    is_open = len(forms) > 1 or forms[0].decimal != settings.get("decimal", forms[0].decimal)
    assert isinstance(found, UnsettledMarks) == is_open


def test_a_point_alone_is_a_price_that_is_not_there():
    read = parse_prices(pl.Series([".", "1"]), US)
    assert (read.value.to_list(), read.text) == ([None, 1.0], None)
    assert read.respelt["point"].to_list() == [True, False]


@pytest.mark.parametrize(
    ("texts", "is_open"),
    [
        (("991", "1.011", "987"), True),
        (("991", "1.011.250"), True),
        (("101", "101.125", "102"), False),  # eighths: no ten-fold move between them
        (("1.180", "1.195"), False),  # nothing whole beside them
        (("991", "1.01"), False),
    ],
)
def test_points_of_thousands_beside_whole_prices_are_asked_about(texts, is_open):
    form = number_format({"close": pl.Series(texts)}, DataConfig())
    assert isinstance(form, UnsettledMarks) == is_open
    if isinstance(form, UnsettledMarks):
        assert [reading.decimal for reading in form.fitting] == [".", ","]
        assert form.at == 1


def test_a_mark_of_thousands_that_the_file_has_for_fractions_is_refused_with_what_fits():
    config = DataConfig(thousands=".")
    unsettled = number_format({"close": pl.Series(["50.28", "51.1"])}, config)
    assert isinstance(unsettled, UnsettledMarks)
    assert (unsettled.column, unsettled.at, unsettled.n_cells) == ("close", 0, 2)
    assert [form.decimal for form in unsettled.fitting] == ["."]
    german = number_format({"close": pl.Series(["1.234,5", "1.250"])}, config)
    assert german == GERMAN
