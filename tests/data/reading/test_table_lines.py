import json

import pytest

from nextclose.config import DataConfig
from nextclose.data.reading.delimited import csv_cells
from nextclose.data.reading.file_errors import UnusableFileError

HEADER = "date,close,volume\n"
ROWS = "2019-03-04,1.5,10\n2019-03-05,2.5,20\n2019-03-06,3.5,30\n"
CELLS = [("2019-03-04", "1.5", "10"), ("2019-03-05", "2.5", "20"), ("2019-03-06", "3.5", "30")]


def read(text, **settings):
    return csv_cells(text.encode(), path="A.csv", config=DataConfig(**settings))


# text, lines passed over, the first of them, its row
PASSED_OVER = [
    ("a title", "Prices of A\n\n" + HEADER + ROWS, 1, "Prices of A", 1),
    (
        "a title of two cells",
        "Symbol,A\n" + HEADER.replace("volume", "volume,x") + ROWS.replace("0\n", "0,1\n"),
        1,
        "Symbol A",
        1,
    ),
    ("comments", "# a, b\n" + HEADER + ROWS.replace("\n", "\n// checked\n"), 4, "# a  b", 1),
    ("a note below", HEADER + ROWS + "Downloaded on a Monday\n", 1, "Downloaded on a Monday", 5),
    ("a mark of the end", HEADER + ROWS + "EOF\n", 1, "EOF", 5),
    ("a tag of a page", HEADER + ROWS + "</pre>\n", 1, "</pre>", 5),
    (
        "a note without an end",
        HEADER + ROWS + "Downloaded on a Monday",
        1,
        "Downloaded on a Monday",
        5,
    ),
    (
        "notes below",
        HEADER + ROWS + "Highest: 3.5,Lowest: 1.5\nsource: the exchange\n",
        2,
        "Highest: 3.5 Lowest: 1.5",
        5,
    ),
    ("how many", HEADER + ROWS + "(3 rows affected)\n", 1, "(3 rows affected)", 5),
    (
        "the header again",
        HEADER + ROWS.replace("2019-03-05", HEADER + "2019-03-05"),
        1,
        "date close volume",
        3,
    ),
    ("a rule", HEADER + "----,-----,------\n" + ROWS, 1, "---- ----- ------", 2),
]


@pytest.mark.parametrize(
    ("text", "n", "first", "row"), [c[1:] for c in PASSED_OVER], ids=[c[0] for c in PASSED_OVER]
)
def test_a_line_that_is_no_row_is_passed_over_and_counted(text, n, first, row):
    cells = read(text)
    assert [tuple(cells[:3]) for cells in cells.frame.rows()] == CELLS
    (note,) = cells.findings
    assert (note.code, note.count, note.found, note.row) == ("R12", n, first, row)


# what may be a row, and is refused as one
KEPT = [
    (
        "a sentence amid the rows",
        HEADER + ROWS.replace("\n2019-03-06", "\nsee below\n2019-03-06"),
        "E12",
        4,
    ),
    ("a word below", HEADER + ROWS + "end\n", "E12", 5),
    ("a date cut short", HEADER + ROWS[:-8], "E11", 4),
    ("a date in words cut short", HEADER + ROWS + "4 Mar", "E11", 5),
    (
        "a company cut short",
        HEADER + ROWS.replace("2019-03-0", "Kraft Heinz Co ") + "Kraft Hei",
        "E11",
        5,
    ),
    ("a total", HEADER + ROWS + "Total of all,60\n", "E12", 5),
    ("too many notes", HEADER + ROWS + "a line of words\n" * 11, "E12", 5),
]


@pytest.mark.parametrize(("text", "code", "row"), [c[1:] for c in KEPT], ids=[c[0] for c in KEPT])
def test_a_line_that_may_be_a_row_is_refused_as_an_uneven_one(text, code, row):
    findings = read(text).findings
    assert (findings[0].code, findings[0].row) == (code, row)


def test_a_name_with_a_mark_in_front_is_a_symbol_not_a_comment():
    cells = read("symbol,date,close\n#AAPL,2019-03-04,1\n#AAPL,2019-03-05,2\n")
    assert cells.frame.height == 2
    assert cells.findings == ()


@pytest.mark.parametrize("header", [HEADER, HEADER.replace("\n", ",\n")])
@pytest.mark.parametrize("rows", [ROWS, ROWS.replace("\n", ",\n"), ROWS.replace("\n", ",,,\n")])
def test_commas_at_the_end_of_a_line_hold_nothing(header, rows):
    cells = read(header + rows)
    assert [row[:3] for row in cells.frame.rows()] == CELLS
    assert cells.findings == ()


def test_something_in_a_column_beyond_the_names_is_uneven():
    findings = read(HEADER + ROWS.replace("20\n", "20,x\n")).findings
    assert [(f.code, f.row, f.found) for f in findings] == [("E12", 3, "4 fields")]


BARS = "20190304,1,3,1,2,900\n20190305,2,4,1,3,800\n20190306,3,5,2,4,700\n20190307,4,6,3,5,600\n"


def test_a_file_without_a_header_row_says_so_with_the_names_that_read_it():
    with pytest.raises(UnusableFileError) as raised:
        read(BARS)
    error = raised.value
    assert (error.number, error.row) == (21, 1)
    assert error.found == "no header row but 20190304, 1, 3, 1, 2, 900"
    names = ("date", "open", "high", "low", "close", "volume")
    assert error.fix == f"set data.header = {json.dumps(names)}."
    cells = read(BARS, header=names)
    assert cells.frame.columns == list(names)
    assert (cells.frame.height, cells.rows.to_list()) == (4, [1, 2, 3, 4])


def test_names_for_files_without_a_header_leave_others_alone():
    cells = read(HEADER + ROWS, header=("date", "open", "high"))
    assert (cells.frame.columns, cells.frame.rows()) == (["date", "close", "volume"], CELLS)


def test_another_number_of_names_than_of_cells_is_refused():
    with pytest.raises(UnusableFileError, match=r"6 fields, but 2 names in data\.header"):
        read(BARS, header=("date", "close"))


def test_a_preamble_does_not_shift_the_rows_of_a_file_without_header():
    cells = read("# klines\n" + BARS, header=("date", "open", "high", "low", "close", "volume"))
    assert cells.rows.to_list() == [2, 3, 4, 5]


def test_the_names_of_klines_stand_whole_in_the_line_that_is_printed():
    row = "1622505600000,29786.34,30997.40,29784.28,30972.20,429.5,1622591999999,13305.0,1,1,1,0\n"
    path = "/a/long/path/to/spot/monthly/klines/BTCUSDT/1d/BTCUSDT-1d-2023.csv"
    with pytest.raises(UnusableFileError) as raised:
        read(row * 3)
    (finding,) = raised.value.refusal(path).findings
    assert finding.fix in finding.line()
    assert finding.fix.startswith('set data.header = ["open_time", "open", "high", "low", "close"')


@pytest.mark.parametrize(
    "row",
    [
        "2019-03-03,,USD",  # a day without a price
        ",AAPL,MSFT",  # symbols of the columns
        ",1,USD",
    ],
)
def test_a_first_row_that_is_not_units_alone_stays(row):
    cells = read(f"date,close,currency\n{row}\n2019-03-04,2,USD\n2019-03-05,3,USD\n")
    assert (cells.frame.height, cells.rows.to_list()) == (3, [2, 3, 4])


def test_totals_stay_where_bars_follow_them():
    cells = read(HEADER + "Total,1,2\n" + ROWS)
    assert cells.frame.height == len(CELLS) + 1
