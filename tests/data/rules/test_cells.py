import polars as pl
import pytest

from nextclose.config import DataConfig
from tests.data.bar_texts import (
    DAYS,
    bars,
    codes,
    findings_of,
    part,
    refusals,
    rows_of,
    texts,
)
from tests.frames import collect_bars

REFUSED_CELLS = [  # code, row from 0, column, text, session shown, found
    ("E27", 1, "close", "N/A", "2019-03-05", "N/A"),
    ("E27", 1, "close", "-", "2019-03-05", "-"),
    ("E27", 2, "open", "#REF!", "2019-03-06", "#REF!"),
    ("E27", 3, "high", "1.2.3", "2019-03-07", "1.2.3"),
    ("E27", 3, "high", "1,23,4", "2019-03-07", "1,23,4"),
    ("E27", 3, "high", "0x10", "2019-03-07", "0x10"),
    ("E27", 2, "volume", "none", "2019-03-06", "none"),
    ("E31", 1, "volume", "-5", "2019-03-05", "-5"),
    ("E31", 1, "volume", "9223372036854775808", "2019-03-05", "9223372036854775808"),
    ("E31", 1, "volume", "1e300", "2019-03-05", "1e300"),
    ("E31", 1, "volume", "inf", "2019-03-05", "inf"),
    ("E32", 1, "close", "inf", "2019-03-05", "inf"),
    ("E32", 1, "close", "-Infinity", "2019-03-05", "-inf"),
    ("E32", 1, "high", "1e308", "2019-03-05", "1e+308"),
    ("E32", 1, "low", "5e-324", "2019-03-05", "5e-324"),
    ("E35", 1, "date", "yesterday", "", "yesterday"),
    ("E35", 1, "date", "2019-02-30", "", "2019-02-30"),
    ("E35", 1, "date", "2019-03-05 25:00", "", "2019-03-05 25:00"),
    ("E35", 1, "date", "12019-03-05", "", "12019-03-05"),
    ("E35", 1, "date", "", "", "no date"),
    ("E36", 1, "date", "03/04/2019", "", "03/04/2019"),
    ("E36", 1, "date", "03.04.2019 16:00", "", "03.04.2019 16:00"),
    ("E37", 1, "date", "19-03-05", "", "19-03-05"),
    ("E37", 1, "date", "03/04/19", "", "03/04/19"),
    ("E37", 1, "date", "5-Mar-19", "", "5-Mar-19"),
    ("E39", 1, "date", "43528", "", "43528"),
    ("E39", 1, "date", "43528.6667", "", "43528.6667"),
    ("E49", 1, "date", "1899-12-31", "1899-12-31", "1899-12-31"),
    ("E54", 1, "close", "-12.5", "2019-03-05", "-12.5"),
    ("E54", 1, "close", "0", "2019-03-05", "0.0"),
]


@pytest.mark.parametrize(("code", "row", "column", "text", "session", "found"), REFUSED_CELLS)
def test_a_bad_cell_is_refused_where_it_stands(code, row, column, text, session, found):
    (finding,) = refusals(texts([(row, column, text)]), symbol="AAPL")
    assert (finding.code, finding.row, finding.column) == (code, row + 1, column)
    assert (finding.symbol, finding.session, finding.found) == ("AAPL", session, found)
    assert (finding.path, finding.count) == ("prices.csv", 1)
    assert finding.fix


@pytest.mark.parametrize(("code", "row", "column", "text", "session", "found"), REFUSED_CELLS)
def test_collecting_leaves_the_refused_row_out_and_keeps_the_rest(
    code, row, column, text, session, found
):
    kept = collect_bars(texts([(row, column, text)]), symbol="AAPL").frame
    assert kept["session"].to_list() == [day for day in DAYS if day != DAYS[row]]


CURES = [  # column, text, the cure
    (
        "close",
        "N/A",
        'correct the file, or set data.missing = ["", "nan", "NaN", "null", "N/A"]'
        " if it means that there is none.",
    ),
    ("date", "43528", 'set data.date_format = "excel".'),
    ("date", "03/04/2019", 'set data.date_format = "%d/%m/%Y" or data.date_format = "%m/%d/%Y".'),
    (
        "date",
        "03/04/19",
        'set data.date_format = "%d/%m/%y" or data.date_format = "%m/%d/%y" '
        'or data.date_format = "%y/%m/%d".',
    ),
]


@pytest.mark.parametrize(("column", "text", "cure"), CURES)
def test_the_cure_names_the_setting_that_reads_the_cell(column, text, cure):
    (finding,) = refusals(texts([(1, column, text)]), symbol="AAPL")
    assert finding.fix == cure


SETTLED = [  # column, texts of two rows, values, what is said of them
    ("close", ("12,5", "13,5"), (12.5, 13.5), {"R9": 2}),
    ("volume", ("1,200", "1,300,000"), (1200, 1_300_000), {"R10": 2}),
    ("volume", ("1.2M", "15k"), (1_200_000, 15_000), {"R31": 2}),
    ("volume", ("2.5", "3"), (2.5, 3), {"R31": 1}),
]


@pytest.mark.parametrize(("column", "cells", "values", "told"), SETTLED)
def test_numbers_of_one_reading_are_read_and_told_once(column, cells, values, told):
    read = bars(texts([(1, column, cells[0]), (2, column, cells[1])]))
    assert read.frame[column].to_list()[1:3] == list(values)
    assert codes(read) == told


def test_two_decimal_marks_in_one_file_leave_the_odd_cell_to_its_writer():
    (finding,) = refusals(texts([(1, "close", "12,5"), (2, "close", "13.5")]), symbol="AAPL")
    assert (finding.code, finding.row, finding.found) == ("E9", 2, "12,5")
    assert finding.fix == "write all numbers with one decimal mark."


def test_a_file_of_two_readings_is_refused_with_both_and_either_reads_it():
    frame = texts([(1, "close", "12,345"), (2, "close", "13,345")])
    (finding,) = refusals(frame, symbol="AAPL")
    assert (finding.code, finding.row, finding.found, finding.count) == ("E10", 2, "12,345", 2)
    assert finding.fix == (
        'set data.decimal = "." and data.thousands = ",", '
        'or data.decimal = "," and data.thousands = ".".'
    )
    assert part(frame, thousands=",").frame["close"].to_list()[1] == 12345.0
    assert part(frame, decimal=",").frame["close"].to_list()[1] == 12.345


def test_a_setting_that_does_not_fit_the_file_is_refused_with_the_one_that_does():
    (finding,) = refusals(
        texts([(1, "close", "12.5")]), symbol="AAPL", config=DataConfig(decimal=",")
    )
    assert (finding.code, finding.row) == ("E9", 2)
    assert finding.fix == 'set data.decimal = "." and data.thousands = ",".'


def test_control_and_bidirectional_characters_are_escaped_and_long_values_cut():
    (finding,) = refusals(texts([(1, "close", "\x1b[31m\u202e" + "9" * 99 + "x")]), symbol="AAPL")
    assert finding.found.startswith("\\x1b[31m\\u202e999")
    assert len(finding.found) == 60


def test_a_column_without_a_single_readable_cell_is_refused_not_left_out():
    changes = [(row, "volume", "-7") for row in range(5)]
    assert [f.code for f in refusals(texts(changes), symbol="AAPL")] == ["E31"] * 5


def test_minus_one_is_no_volume_where_there_never_was_one():
    none = [(row, "volume", "-1") for row in range(5)]
    assert "E31" not in codes(bars(texts(none)))
    assert codes(bars(texts(none)))["W31"] == 5
    late = bars(texts(none[:2]))  # volumes begin with the third row
    assert late.frame["close"].to_list()[-3:] == [13.0, 14.0, 15.0]
    assert codes(late)["W31"] == 2
    (finding,) = refusals(texts(none[3:]), symbol="AAPL")[:1]
    assert (finding.code, finding.row) == ("E31", 4)


def test_symbols_are_looked_up_in_capitals_and_with_a_hyphen():
    rows = [(name, "2019-03-04", 1.0) for name in ("BF/B", "aapl", "BRK-A")]
    read = bars(rows_of(*rows))
    assert read.symbols == ("AAPL", "BF-B", "BRK-A")
    (repair,) = findings_of(read, "R30")
    assert (repair.found, repair.count) == ("BF/B, aapl", 2)
    both = rows_of(("BF/B", "2019-03-04", 1.0), ("BF-B", "2019-03-04", 1.0))
    assert [f.found for f in refusals(both)] == ["U+002F at position 3 of 'BF/B'"]


def test_volumes_above_2_to_the_53_are_compared_exactly():
    exact = 2**53 + 1  # as a float it would equal 2**53
    rows = texts([(1, "volume", str(2**53))])
    again = pl.concat([rows, texts([(1, "volume", str(exact))])[1:2]])
    (finding,) = refusals(again, symbol="AAPL")
    assert (finding.code, finding.row) == ("E43", 6)
    assert str(exact) in finding.found
    assert codes(bars(pl.concat([rows, rows[1:2]]))) == {"R40": 1, "R42": 1}


@pytest.mark.parametrize(
    "name", ["NA", "NAN", "NULL", "TRUE", "ON", "1E5", "BRK-B", "^GSPC", "7203.T", "MAR", "DEC-A"]
)
def test_symbols_are_text_whatever_they_look_like(name):
    read = bars(rows_of((name, "2019-03-04", 11.0), (name, "2019-03-05", 12.0)))
    assert read.symbols == (name,)
    assert codes(read) == {"W21": 1}


MANGLED = ["5", "7203", "7203.0", "1-Mar", "12-Sep", "Mar-01", "1-Mar-19", "2019-03-01"]


@pytest.mark.parametrize("name", MANGLED)
def test_a_symbol_that_a_spreadsheet_made_is_refused_once(name):
    frame = rows_of((name, "2019-03-04", 11.0), (name, "2019-03-05", 12.0))
    (finding,) = refusals(frame)
    assert (finding.code, finding.column, finding.count) == ("E29", "symbol", 2)
    assert finding.found == name
    assert "repair the symbols" in finding.fix


def test_numeric_symbols_are_accepted_where_the_settings_say_so_but_dates_are_not():
    frame = rows_of(("0005", "2019-03-04", 11.0), ("0005", "2019-03-05", 12.0))
    assert bars(frame, numeric_symbols=True).symbols == ("0005",)
    numbers = frame.with_columns(pl.lit(7203).alias("symbol"))
    assert bars(numbers, numeric_symbols=True).symbols == ("7203",)
    dates = frame.with_columns(pl.lit("1-Mar").alias("symbol"))
    assert "E29" in codes(bars(dates, numeric_symbols=True))


ILLEGAL_SYMBOLS = [
    ("../x", "U+002E at position 1 of '../x'"),
    ("A\\B", "U+005C at position 2 of 'A\\\\B'"),
    ("A\nB", "U+000A at position 2 of 'A\\nB'"),
    ("A\0", "U+0000 at position 2 of 'A\\x00'"),
    ("ÄB", "U+00C4 at position 1 of 'ÄB'"),
    ("A..B", "'A..B'"),
    ("A" * 21, "'AAAAAAAAAAAAAAAAAAAAA', 21 characters"),
    ("", "''"),
    (None, "no symbol"),
]


@pytest.mark.parametrize(("name", "found"), ILLEGAL_SYMBOLS)
def test_an_illegal_symbol_is_refused_once_with_its_odd_character(name, found):
    frame = rows_of(("OK", "2019-03-04", 1.0), (name, "2019-03-04", 1.0), (name, "2019-03-05", 1.1))
    (finding,) = refusals(frame)
    assert (finding.code, finding.row, finding.column, finding.count) == ("E30", 2, "symbol", 2)
    assert finding.found == found


def test_symbols_equal_but_for_case_are_refused():
    (finding,) = refusals(rows_of(("BRKb", "2019-03-04", 1.0), ("BRKB", "2019-03-05", 2.0)))
    assert (finding.code, finding.found, finding.row) == ("E30", "BRKB and BRKb", 1)


def test_several_times_in_a_day_are_not_daily_and_named_once_a_symbol():
    rows = [("A", f"2019-03-0{day} {hour}:00", 11.0) for day in (4, 5) for hour in (10, 11)]
    frame = rows_of(*rows, ("A", "2019-03-06 10:00", 12.0), ("B", "2019-03-04", 11.0))
    read = bars(frame)
    (finding,) = findings_of(read, "E46")
    assert (finding.symbol, finding.row, finding.count) == ("A", 1, 4)
    assert finding.found == "2019-03-04 10:00:00"
    assert "not daily" in finding.rule
    assert read.frame.filter(pl.col("symbol") == "A")["session"].to_list() == [DAYS[2]]


def test_a_plain_date_beside_a_time_of_that_day_is_not_daily_but_beside_midnight_it_is():
    mixed = rows_of(("A", "2019-03-04", 11.0), ("A", "2019-03-04 10:30", 11.5))
    assert "E46" in codes(bars(mixed))
    midnight = rows_of(
        ("A", "2019-03-04", 11.0),
        ("A", "2019-03-04 00:00", 11.0),
        ("A", "2019-03-05 16:00", 12.0),
    )
    assert "E46" not in codes(bars(midnight))
    assert codes(bars(midnight))["R42"] == 1


def test_high_and_low_off_by_rounding_are_widened_in_their_own_row():
    read = bars(texts([(1, "high", "11.999999"), (2, "low", "12.000001")]))
    assert read.frame["high"].to_list() == [12.0, 12.0, 14.0, 15.0, 16.0]
    assert read.frame["low"].to_list() == [9.0, 10.0, 12.0, 12.0, 13.0]
    (repair,) = findings_of(read, "R55")
    assert (repair.row, repair.column, repair.session, repair.count) == (2, "high", "2019-03-05", 2)


CONTRADICTIONS = [  # column, text, found, high and low that enclose
    ("high", "11.9", "11.9 below 12.0", 12.0, 10.0),
    ("low", "11.1", "11.1 above 11.0", 13.0, 11.0),
    ("high", "11.99998", "11.99998 below 12.0", 12.0, 10.0),  # 1.7e-6 below
    ("open", "14.9", "13.0 below 14.9", 14.9, 10.0),
]


@pytest.mark.parametrize(("column", "text", "found", "high", "low"), CONTRADICTIONS)
def test_a_range_is_widened_to_hold_open_and_close_marked_and_told(column, text, found, high, low):
    read = bars(texts([(1, column, text)]))
    assert read.frame["close"].to_list() == [11.0, 12.0, 13.0, 14.0, 15.0]
    row = read.frame.row(1, named=True)
    assert (row["high"], row["low"]) == (high, low)
    assert read.frame["widened"].to_list() == [False, True, False, False, False]
    assert codes(read) == {"P55": 1}
    (note,) = findings_of(read, "P55")
    assert (note.row, note.session, note.found) == (2, "2019-03-05", found)
    assert note.rule == 'high >= open, close >= low; data.ranges = "widen"'


@pytest.mark.parametrize(("column", "text", "found", "high", "low"), CONTRADICTIONS)
def test_where_the_settings_say_so_a_contradicting_range_is_refused(column, text, found, high, low):
    (finding,) = bars(texts([(1, column, text)]), ranges="refuse").findings[:1]
    assert (finding.code, finding.row, finding.found) == ("E55", 2, found)
    assert 'data.ranges = "widen"' in finding.fix
    assert bars(texts([(1, column, text)]), ranges="refuse").frame["close"].to_list() == [
        *(11.0, 13.0, 14.0, 15.0)
    ]


@pytest.mark.parametrize(
    ("changes", "n_rows"),
    [
        ([(1, "open", "1100")], 1),
        ([(1, "low", "15.1"), (1, "high", "8.9")], 1),
        ([(0, "high", "8.2"), (3, "open", "0.13")], 2),
    ],
)
def test_a_range_beyond_a_quarter_of_the_close_is_taken_away_and_the_close_kept(changes, n_rows):
    read = bars(texts(changes))
    assert read.frame["close"].to_list() == [11.0, 12.0, 13.0, 14.0, 15.0]
    hit = sorted({row for row, _, _ in changes})
    for name in ("open", "high", "low"):
        assert [k for k, cell in enumerate(read.frame[name]) if cell is None] == hit
    assert read.frame["volume"].null_count() == 0
    assert [k for k, mark in enumerate(read.frame["widened"]) if mark] == hit
    assert codes(read) == {"W55": n_rows}


def test_just_within_a_quarter_of_the_close_it_is_widened():
    read = bars(texts([(1, "high", "9")]))  # 12 - 9 is a quarter of 12
    assert (codes(read), read.frame["high"][1]) == ({"P55": 1}, 12.0)
    assert codes(bars(texts([(1, "high", "8.999")]))) == {"W55": 1}


def test_a_range_that_is_half_there_is_checked_as_far_as_it_goes():
    read = bars(texts([(1, "high", ""), (1, "open", ""), (1, "low", "12.5")]))
    assert read.frame.row(1, named=True)["low"] == 12.0
    assert read.frame.row(1, named=True)["high"] is None
    assert codes(read) == {"W58": 1, "P55": 1}


@pytest.mark.parametrize(
    ("cells", "is_offered"),
    [
        (("n.v.",), True),
        (("175.5*",), False),  # a close with a footnote
        (("99.76 ¤",), False),
        (("n.v.", "n.v.", "n.v."), True),
        (("n.v.",) * 4, False),  # of five: too many to be days without a close
    ],
)
def test_only_a_rare_text_without_digits_may_be_said_to_be_missing(cells, is_offered):
    frame = texts([(row, "close", cell) for row, cell in enumerate(cells)])
    found = refusals(frame, symbol="AAPL")
    assert [finding.code for finding in found] == ["E27"] * len(cells)
    assert {"data.missing" in finding.fix for finding in found} == {is_offered}
