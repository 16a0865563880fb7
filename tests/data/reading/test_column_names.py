import polars as pl
import pytest

from nextclose.data.reading.column_names import column_map
from nextclose.errors import ConfigError
from tests.data.bar_texts import bars, codes, findings_of, part, refusals, texts

COLUMN_NAMES = [
    ["Date", "Open", "High", "Low", "Close", "Volume"],
    ["DATE", " OPEN ", "high", "low", " CLOSE ", "VOL"],
    ["timestamp", "open", "high", "low", "close", "volume"],
    ["time", "open", "high", "low", "close", "volume"],
    ["\ufeffdate", "open", "high", "low", "close", "volume"],
]


@pytest.mark.parametrize("header", COLUMN_NAMES)
def test_columns_are_known_by_their_folded_names_and_the_mapping_is_counted(header):
    read = bars(texts(header=header))
    assert read.fingerprint == bars(texts()).fingerprint
    assert codes(read) == {"R22": 1}


ADJUSTED = ["Adj Close", "adj_close", "AdjClose", "ADJ. CLOSE", "Adjusted Close", "adj-close"]


@pytest.mark.parametrize("name", ADJUSTED)
def test_spellings_of_the_adjusted_close_are_one(name):
    assert column_map(["date", name]) == {"date": "session", name: "adj_close"}


@pytest.mark.parametrize("name", ["symbol", "Symbol", "ticker", "Ticker", "tic", "SecuritiesCode"])
def test_the_symbol_column_wins_over_the_name_of_the_file(name):
    assert bars(texts().with_columns(pl.lit("MSFT").alias(name))).symbols == ("MSFT",)


def test_a_company_name_beside_the_ticker_is_left_alone():
    frame = texts().with_columns(pl.lit("MSFT").alias("ticker"), pl.lit("Micro soft").alias("name"))
    assert bars(frame).symbols == ("MSFT",)


def test_a_missing_column_is_refused_with_the_names_found_and_the_nearest():
    findings = refusals(texts().rename({"close": "closing_x", "date": "dates"}))
    assert [(f.code, f.column) for f in findings] == [
        ("E21", "date"),
        ("E21", "symbol"),
        ("E21", "close"),
    ]
    assert findings[0].found == "only dates, open, high, low, closing_x, volume"
    whole = 'data.columns = { "dates" = "date", "closing_x" = "close" }'
    assert findings[0].fix == f"rename 'dates' to 'date', or set {whole}."
    assert findings[1].fix == "add a column 'symbol', or say in data.columns which one it is."
    assert '{ "closing_x" = "close", "dates" = "date" }' in findings[2].fix


def test_names_given_in_the_settings_stand_for_ours_before_any_other():
    frame = texts().rename({"date": "Datum", "close": "Schlusskurs"})
    frame = frame.with_columns(pl.lit("1").alias("Close"))
    read = bars(frame, columns={"datum": "date", "Schlusskurs": "close"})
    assert read.frame["close"].to_list() == [11.0, 12.0, 13.0, 14.0, 15.0]
    (note,) = findings_of(read, "R22")
    assert note.found == "Datum, Schlusskurs"


def test_a_setting_for_no_column_of_ours_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="'cloze' is no column that is read; the nearest is 'clo"):
        part(texts(), columns={"x": "cloze"})


def test_a_setting_for_a_column_that_this_file_lacks_changes_nothing():
    assert bars(texts(), columns={"Kurs": "close"}).fingerprint == bars(texts()).fingerprint


def test_two_columns_of_one_meaning_are_refused_with_both_positions():
    (finding,) = refusals(texts().with_columns(pl.lit("1").alias("Close")), symbol="AAPL")
    assert (finding.code, finding.found) == ("E23", "close in columns 5 and 7")
    assert finding.fix == "delete or rename all but one."
    said = {"open": "close", "high": "close"}
    found = part(texts(), columns=said).findings
    assert ("E23", "close in columns 2 and 3") in [(f.code, f.found) for f in found]


WRONG_TYPES = [
    ("close", pl.lit(value=True), "Boolean", "numbers"),
    ("close", pl.lit(complex(1, 2), dtype=pl.Object), "complex", "numbers"),
    ("volume", pl.lit([1, 2]), "List(Int64)", "numbers"),
    ("date", pl.lit(1.5), "Float64", "dates"),
    ("date", pl.lit(value=True), "Boolean", "dates"),
    ("symbol", pl.lit(1.5), "Float64", "text"),
]


@pytest.mark.parametrize(("column", "cells", "kind", "wanted"), WRONG_TYPES)
def test_a_column_of_the_wrong_type_is_refused(column, cells, kind, wanted):
    (finding,) = refusals(texts().with_columns(cells.alias(column)), symbol="AAPL")
    assert (finding.code, finding.column) == ("E34", column)
    assert (finding.found, finding.rule) == (f"type {kind}", wanted)


def test_a_close_only_file_is_welcome():
    read = bars(texts().select("date", "close"))
    assert "open" not in read.frame.columns
    (note,) = findings_of(read, "W21")
    assert note.found == "no open, high, low, volume"


def test_a_column_is_left_out_when_the_settings_say_so_whatever_its_spelling():
    frame = texts([(row, "volume", "") for row in range(5)]).rename({"volume": "Vol"})
    for name in ("vol", "volume"):
        read = bars(frame, columns={name: ""})
        assert "volume" not in read.frame.columns
        assert findings_of(read, "W21")[0].found == "no volume"
        assert read.frame.height == 5


def test_the_name_of_a_company_is_no_symbol_where_the_file_has_one():
    frame = texts().with_columns(pl.lit("APPLE").alias("Name"))
    assert bars(frame).symbols == ("AAPL",)
    assert bars(frame.with_columns(pl.lit("MSFT").alias("Name")), symbol="ALL").symbols == ("MSFT",)
    assert "E21" in [f.code for f in part(frame.drop("Name"), symbol="").findings]


EQUALS = [("Last", "Settle"), ("adjusted", "closeadj"), ("Close Price", "ClsPric")]


@pytest.mark.parametrize(("first", "second"), EQUALS)
def test_two_names_of_one_meaning_are_a_question_and_either_answer_is_obeyed(first, second):
    ours = "close" if first != "adjusted" else "adj_close"
    frame = texts(header=["date", "open", "high", first, second, "volume"])
    finding = next(f for f in part(frame).findings if f.code == "E23")
    assert (finding.found, finding.column) == (f"{ours} in columns 4 and 5", ours)
    for name in (first, second):
        setting = f'data.columns = {{ "{name}" = "{ours}" }}'
        assert setting in finding.fix
        read = part(frame, columns={name: ours}).frame
        assert read["close"].to_list() == frame[name].cast(pl.Float64).to_list()


def test_an_adjusted_close_under_another_name_is_asked_about():
    frame = texts().with_columns(pl.lit("7").alias("adj_px"), pl.lit("1").alias("adj_factor"))
    (finding,) = refusals(frame, symbol="AAPL")
    assert (finding.code, finding.column) == ("E25", "adj_px")
    assert part(frame, columns={"adj_px": "adj_close"}).basis == "adjusted"
    assert part(frame, columns={"adj_px": ""}).basis == "unknown"


def test_letters_are_columns_only_where_all_four_prices_are_letters():
    letters = texts(header=["t", "o", "h", "l", "c", "v"])
    assert bars(letters).fingerprint == bars(texts()).fingerprint
    assert column_map(["date", "t", "c", "v"]) == {"date": "session"}


def test_a_mapping_is_whole_and_of_the_side_that_it_begins_with():
    sides = ("bid", "ask")
    frame = texts(header=["dt", "bid_open", "ask_open", "bid_px", "ask_px", "qty"])
    fix = next(f for f in part(frame).findings if f.column == "close").fix
    for side in sides:
        mapping = f'"{side}_px" = "close", "dt" = "date", "{side}_open" = "open", "qty" = "volume"'
        assert mapping in fix
