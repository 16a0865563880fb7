import re
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nextclose.config import DataConfig
from nextclose.data.reading.column_names import unique_names
from nextclose.data.reading.delimited import CsvCells, csv_cells
from nextclose.data.reading.encoding import BLOCK, MAX_LINE, has_line_over, line_blocks
from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.reading.plain_csv import parse_plain_rows, plain_lines
from nextclose.data.reading.prices import unchecked_prices
from nextclose.errors import ConfigError

TABLE = "date,close,volume\n2019-03-04,1.5,10\n2019-03-05,2.5,20\n2019-03-06,3.5,30\n"
ROWS = [("2019-03-04", "1.5", "10"), ("2019-03-05", "2.5", "20"), ("2019-03-06", "3.5", "30")]
DEFAULTS = DataConfig()


def sheet(text: str | bytes, **settings) -> CsvCells:
    data = text.encode() if isinstance(text, str) else text
    return csv_cells(data, path="A.csv", config=DataConfig(**settings))


def refusal(text: str | bytes, **settings) -> UnusableFileError:
    with pytest.raises(UnusableFileError) as raised:
        sheet(text, **settings)
    return raised.value


# what is read although it is written otherwise: the same rows, and this said
REPAIRED = [
    ("plain", TABLE, [], {}),
    ("no last line end", TABLE[:-1], [], {}),
    ("mark", "\ufeff" + TABLE, [("R4", "a byte-order mark")], {}),
    ("CRLF", TABLE.replace("\n", "\r\n"), [("R7", "CRLF line ends")], {}),
    ("CR", TABLE.replace("\n", "\r"), [("R7", "CR line ends")], {}),
    ("mixed", TABLE.replace("\n", "\r\n", 2), [("R7", "CRLF and LF line ends")], {}),
    (
        "all three",
        TABLE.replace("\n", "\r\n", 1).replace("5,10\n", "5,10\r"),
        [("R7", "CRLF and CR and LF line ends")],
        {},
    ),
    ("semicolon", TABLE.replace(",", ";"), [("R8", "';' between cells")], {"separator": ";"}),
    ("tab", TABLE.replace(",", "\t"), [("R8", "TAB between cells")], {"separator": "\t"}),
    ("pipe", TABLE.replace(",", "|"), [("R8", "'|' between cells")], {"separator": "|"}),
    ("quoted", '"' + TABLE[:-1].replace(",", '","').replace("\n", '"\n"') + '"\n', [], {}),
    ("blank rows", TABLE.replace("\n2", "\n\n,,\n2"), [], {}),
    ("blank lines around", "\n \n" + TABLE + "\n\n", [], {}),
]


@pytest.mark.parametrize(
    ("text", "said", "settled"), [case[1:] for case in REPAIRED], ids=[case[0] for case in REPAIRED]
)
def test_a_table_written_otherwise_is_read_alike_and_that_is_said(text, said, settled):
    read = sheet(text)
    assert read.frame.columns == ["date", "close", "volume"]
    assert read.frame.rows() == ROWS
    assert [(finding.code, finding.found) for finding in read.findings] == said
    assert read.settled == settled


def test_the_settings_say_encoding_and_separator_where_the_file_does_not():
    odd = TABLE.replace(",", "|").replace("date", "día")
    for encoding in ("latin-1", "utf-16", "utf-16-le", "utf-32", "cp1252"):
        read = sheet(odd.encode(encoding), encoding=encoding, separator="|")
        assert read.frame.columns[0] == "día"
        assert read.frame.rows() == ROWS
        assert read.findings == ()


@pytest.mark.parametrize("encoding", ["utf-9", "hex", "junk\0", "\udc80"])
def test_an_encoding_that_is_none_is_a_wrong_setting(encoding):
    with pytest.raises(ConfigError, match=re.escape(f"encoding = {encoding!r}")):
        sheet(TABLE, encoding=encoding)


LONG = "x" * (MAX_LINE + 1)
# text, number, found, row, part of the fix
REFUSED = [
    ("nothing", b"", 2, "an empty file", None, "export"),
    ("blank lines", b"\n \r\n", 2, "an empty file", None, "export"),
    ("only separators", b",,\n,,\n", 2, "an empty file", None, "export"),
    ("header only", b"date,close\n", 3, "0 data rows", None, "export"),
    ("empty rows", b"date,close\n,\n\n", 3, "0 data rows", None, "export"),
    ("Latin-1", b"date,close\n\xe9,1\n", 5, "byte 0xe9 at offset 11", 2, "--encoding NAME"),
    (
        "UTF-16",
        TABLE.encode("utf-16"),
        5,
        "byte 0xff at offset 0",
        1,
        '--encoding utf-16 (data.encoding = "utf-16")',
    ),
    ("UTF-16-LE", TABLE.encode("utf-16-le"), 5, "byte 0x00 at offset 1", None, "utf-16-le"),
    ("UTF-16-BE", TABLE.encode("utf-16-be"), 5, "byte 0x00 at offset 0", None, "utf-16-be"),
    ("UTF-32", TABLE.encode("utf-32"), 5, "byte 0xff at offset 0", 1, "--encoding utf-32"),
    ("UTF-32-LE", TABLE.encode("utf-32-le"), 5, "byte 0x00 at offset 1", None, "utf-32-le"),
    ("UTF-32-BE", TABLE.encode("utf-32-be"), 5, "byte 0x00 at offset 0", None, "utf-32-be"),
    ("NUL", b"date,close\r\n1,\0\n", 6, "byte 0x00 at offset 14", 2, "export"),
    (
        "two separators",
        b"a,b;c\n1,2;3\n",
        8,
        "',' with 0 uneven rows, ';' with 0 uneven rows",
        None,
        'data.separator = ","',
    ),
    (
        "no separator",
        b"date close\n2019-03-04 1\n",
        8,
        "none of , ; TAB | in the header 'date close'",
        None,
        "data.separator",
    ),
    (
        "uneven by two separators",
        b"a;b|c\n1;2|3\n4;5\n6|7|8;9;9\n",
        8,
        "';' with 1 uneven rows, '|' with 2 uneven rows",
        None,
        'data.separator = ";"',
    ),
    (
        "open quote",
        b'date,close\n2019-03-04,1\n"2019-03-05,2\n2019-03-06,3\n',
        13,
        "a quote that opens and does not close",
        3,
        "close the quote",
    ),
    (
        "quote closed too late",
        b'date,close\n"2019-03-04,1\n"2019-03-05",2\n',
        13,
        "a quote that opens and does not close",
        2,
        "close the quote",
    ),
    (
        "long field",
        b'date,close\n2019-03-04,"' + b"x" * 70_000 + b'"\n',
        13,
        "a field of more than 64 KiB",
        2,
        "close the quote",
    ),
    (
        "long field, no quote",
        b"date,close\n2019-03-04," + b"x" * 70_000 + b"\n",
        13,
        "a field of more than 64 KiB",
        2,
        "close the quote",
    ),
    ("long line", f"date,close\n{LONG}\n".encode(), 14, "a line of more than 1 MiB", 2, "a line"),
    (
        "many columns",
        (",".join(f"c{k}" for k in range(16_385)) + "\n").encode(),
        14,
        "16385 columns, more than 16384",
        1,
        "only the columns",
    ),
    ("Parquet", b"PAR1\x15\x04", 16, "this is Parquet, not CSV", None, "name it .parquet"),
    ("HTML", b"\n<!DOCTYPE html>", 16, "this is HTML or XML, not CSV", None, "CSV or Parquet"),
    ("JSON", b'{"a": 1}', 16, "this is JSON, not CSV", None, "CSV or Parquet"),
    ("JSON list", b"[1]", 16, "this is JSON, not CSV", None, "CSV or Parquet"),
    ("gzip", b"\x1f\x8b\x08", 16, "this is gzip, not CSV", None, "name it .csv.gz"),
    ("zstd", b"\x28\xb5\x2f\xfd", 16, "this is zstd, not CSV", None, "name it .csv.zst"),
    ("HDF5", b"\x89HDF\r\n", 16, "this is HDF5, not CSV", None, "CSV or Parquet"),
    ("pickle", b"\x80\x04K\x01.", 16, "this is a pickle, not CSV", None, "CSV or Parquet"),
    (
        "Git LFS",
        b"version https://git-lfs.github.com/spec/v1\n",
        16,
        "this is a Git LFS pointer, not CSV",
        None,
        "git lfs pull",
    ),
]


@pytest.mark.parametrize(
    ("text", "number", "found", "row", "fix"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_text_that_is_no_table_is_refused_for_what_it_is(text, number, found, row, fix):
    error = refusal(text)
    assert (error.number, error.found, error.row) == (number, found, row)
    assert fix in error.fix
    assert error.must


RAGGED = [
    ("too many", TABLE.replace("2.5", "2,5"), ("E12", "4 fields", 3)),
    ("too few", TABLE.replace(",2.5", ""), ("E12", "2 fields", 3)),
    ("a sentence", TABLE.replace("2019-03-05,2.5,20", "see below"), ("E12", "1 field", 3)),
    ("cut short", TABLE[:-5], ("E11", "2 fields and no line end", 4)),
    ("cut in the date", TABLE[:-10], ("E11", "1 field and no line end", 4)),
    ("one separator", TABLE.replace(",", ";").replace(";2.5", ""), ("E12", "2 fields", 3)),
    ("last line too long", TABLE[:-1] + ",7", ("E12", "4 fields", 4)),
    ("after a blank line", TABLE.replace("\n2019-03-05", "\n\n5"), None),
    ("after a quoted line end", TABLE.replace("1.5", '"1\n.5"') + "x\n", ("E12", "1 field", 6)),
]


@pytest.mark.parametrize(("text", "expected"), [c[1:] for c in RAGGED], ids=[c[0] for c in RAGGED])
def test_a_row_of_another_length_is_named_with_its_line(text, expected):
    findings = [f for f in sheet(text).findings if f.number in (11, 12)]
    assert [(f.code, f.found, f.row) for f in findings] == ([expected] if expected else [])
    assert all(f.rule == "3 fields as in the header" for f in findings)


def test_of_many_uneven_rows_a_hundred_are_named_and_the_rest_counted():
    findings = sheet("date,close\n" + "2019-03-04\n" * 1000).findings
    assert len(findings) == 100
    assert (findings[0].row, findings[-1].row, findings[-1].count) == (2, 101, 901)


def test_rows_are_physical_lines_also_past_quoted_line_ends_and_blank_lines():
    read = sheet('date,close\n"2019\n-03",1\r\n\n,\n2019-03-05,2\n')
    assert read.frame["date"].to_list() == ["2019\n-03", "2019-03-05"]
    assert read.rows.to_list() == [2, 6]


@pytest.mark.parametrize("cell", ["1", '"1"'])
def test_a_column_without_a_name_stays_one(cell):
    read = sheet(f",date,close,\n0,2019-03-04,{cell},\n")
    assert read.frame.columns == ["", "date", "close", "_duplicated_0"]
    assert read.frame.rows() == [("0", "2019-03-04", "1", None)]


def test_repeated_names_are_told_apart():
    assert unique_names(["a", "b", "a", "a"]) == ["a", "b", "a_duplicated_0", "a_duplicated_1"]
    assert unique_names(["a", "a_duplicated_0", "a"]) == ["a", "a_duplicated_0", "a_duplicated_1"]


def test_a_comma_in_one_name_of_a_semicolon_file_misleads_nobody():
    read = sheet("date;close, adjusted\n2019-03-04;1,5\n2019-03-05;2\n")
    assert read.frame.columns == ["date", "close, adjusted"]


def test_long_lines_are_found_at_the_limit_and_not_before():
    assert not has_line_over(b"x" * 8, 8)
    assert has_line_over(b"x" * 9, 8)
    assert not has_line_over(b"x" * 8 + b"\n" + b"x" * 8 + b"\r" + b"x" * 8, 8)
    assert has_line_over(b"xx\n" + b"x" * 9 + b"\n", 8)


def test_blocks_hold_whole_lines_and_all_of_them():
    line = b"2019-03-04,1\n"
    text = line * (3 * BLOCK // len(line))
    chunks = (text[k : k + 1_000_003] for k in range(0, len(text), 1_000_003))
    blocks = list(line_blocks(chunks))
    assert len(blocks) == 3
    assert all(block.endswith(b"\n") for block in blocks)
    assert b"".join(blocks) == text


def test_a_line_without_end_is_refused_after_one_block_of_it():
    n_read = 0

    def endless():
        nonlocal n_read
        yield b"date,close\n2019-03-04,"
        while True:
            n_read += 1 << 20
            yield b"1" * (1 << 20)

    with pytest.raises(UnusableFileError, match="a line of more than 1 MiB") as raised:
        list(line_blocks(endless()))
    assert raised.value.row == 2
    assert n_read <= BLOCK


CELLS = st.one_of(
    st.just("2019-03-04"),
    st.floats(width=32).map(repr),
    st.floats(0.01, 1e6).map(repr),
    st.integers(-10, 2**64).map(str),
    st.sampled_from(
        ("", "nan", "NAN", "null", "inf", "-", "+1", " 1", "1 ", "1.", ".5", "1e400", "007")
    ),
    st.sampled_from(("0x1", "1_0", "-0", "19-03-04", "0019-03-04", "2101-01-01", "\t1", "\x0b1")),
    st.text("0123456789-+.eE nainfNI/", max_size=6),
)


@st.composite
def tables(draw: Callable[..., object]) -> bytes:
    header = "symbol,date,open,close,volume"
    dates = st.sampled_from(("2019-03-04", "2019-03-05", "1999-12-31", "", "03/04/2019"))
    likely = (
        *(st.sampled_from(("A", "B", " A", "")), dates),
        *(st.floats(0.01, 1e6).map(repr),) * 2,
        st.integers(0, 2**63).map(str),
    )
    rows = []
    for _ in range(int(draw(st.integers(1, 4)))):  # type: ignore[call-overload]
        cells = [str(draw(cell)) for cell in likely]
        if draw(st.integers(0, 3)) == 0:
            cells[int(draw(st.integers(0, 4)))] = str(draw(CELLS))  # type: ignore[call-overload]
        rows.append(",".join(cells[: int(draw(st.integers(4, 5)))]))  # type: ignore[call-overload]
    end = str(draw(st.sampled_from(("\n", "\r\n", "\n\n"))))
    return end.join([header, *rows, *draw(st.sampled_from(([], [""])))]).encode()  # type: ignore[misc]


@settings(max_examples=400, deadline=None)
@given(tables())
@example(b"symbol,date,open,close,volume\nA,2019-03-04,1,2,3\n")
@example(b"symbol,date,open,close,volume\nA,2019-03-04,NAN,2,3\n")
@example(b"symbol,date,open,close,volume\nA,19-03-04,1,2,3\n")
@example(b"symbol,date,open,close,volume\nA,2101-03-04,1,2,3\n")
@example(b"symbol,date,open,close,volume\nA,2019-03-04,1,2,3,4\nA,2019-03-04,1,2\n")
@example(b"symbol,date,open,close,volume\nA,2019-03-04,1,2\nA,2019-03-04,1,2,3,4\n")
@example(b"symbol,date,close\nA,2019-03-04,1\nA,2019-03-05\nA,2019-03-06,2,\n")
def test_plain_lines_read_at_once_and_text_read_with_care_give_equal_parts(data: bytes):
    lines = plain_lines(data)
    frame = None if lines is None else parse_plain_rows(bytes(lines.body), lines.header, DEFAULTS)
    if lines is None or frame is None:
        return
    careful = csv_cells(data, path="A.csv", config=DEFAULTS)
    rows = pl.int_range(2, frame.height + 2, eager=True)
    fast = unchecked_prices(frame, path="A.csv", rows=rows)
    slow = unchecked_prices(careful.frame, path="A.csv", rows=careful.rows)
    assert lines.n_rows == frame.height
    assert fast.findings == slow.findings
    if fast.frame is None or slow.frame is None:  # two series of one symbol
        assert fast.frame is slow.frame is None
        return
    assert fast.frame.equals(slow.frame)
    assert fast.frame.schema == slow.frame.schema


PLAIN = st.lists(st.lists(st.text('ab," \t', max_size=4), min_size=1, max_size=4), max_size=4)


@settings(max_examples=300, deadline=None)
@given(PLAIN)
@example([["", ""], ["a"], ["b", "", ""]])
def test_lines_parsed_at_once_and_record_by_record_give_equal_cells(records):
    text = "date,close\n" + "\n".join(",".join(cells) for cells in records)
    quoted = text.replace("date", '"date"')  # sends the same cells the careful way
    at_once, careful = answer(text), answer(quoted)
    assert isinstance(at_once, CsvCells) == isinstance(careful, CsvCells)
    if isinstance(at_once, CsvCells) and isinstance(careful, CsvCells):
        assert at_once.frame.equals(careful.frame)
        assert at_once.rows.to_list() == careful.rows.to_list()
        assert at_once.findings == careful.findings
    else:
        assert at_once == careful


def answer(text: str) -> CsvCells | str:
    """The table, or why there is none."""
    try:
        return sheet(text, separator=",")
    except UnusableFileError as error:
        return f"{error.number} {error.found} {error.row}"
