from datetime import date

import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.reading.columns.multiindex import long_format
from nextclose.data.reading.delimited import csv_cells
from nextclose.data.suggestions import suggestion_toml
from tests.data.bar_texts import bars, codes, findings_of, part, texts

FIELD_FIRST = """Price,Close,Close,High,High,Volume,Volume
Ticker,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT
Date,,,,,,
2019-03-04,11,21,12,22,100,200
2019-03-05,12,,13,,110,
2019-03-06,13,23,14,24,120,220
"""
SYMBOL_FIRST = """Ticker,AAPL,AAPL,AAPL,MSFT,MSFT,MSFT
Price,Close,High,Volume,Close,High,Volume
Date,,,,,,
2019-03-04,11,12,100,21,22,200
2019-03-05,12,13,110,,,
2019-03-06,13,14,120,23,24,220
"""
FORMS = {
    "fields first": FIELD_FIRST,
    "symbols first": SYMBOL_FIRST,
    "levels without names": FIELD_FIRST.replace("Price", "").replace("Ticker", ""),
    "an index without a name": FIELD_FIRST.replace("Date,,,,,,\n", ""),
}


def sheet(text: str) -> tuple[pl.DataFrame, pl.Series]:
    read = csv_cells(text.encode(), path="prices.csv", config=DataConfig())
    return read.frame, read.rows


@pytest.mark.parametrize("form", FORMS)
def test_the_csv_that_pandas_writes_is_split_by_symbol(form):
    frame, _ = sheet(FORMS[form])
    read = bars(frame, symbol="")
    expected = [("AAPL", 11.0, 12.0), ("AAPL", 12.0, 13.0), ("AAPL", 13.0, 14.0)]
    expected += [("MSFT", 21.0, 22.0), ("MSFT", 23.0, 24.0)]  # no row where it did not trade
    assert read.frame.select("symbol", "close", "high").rows() == expected
    (repair,) = findings_of(read, "R24")
    assert (repair.count, repair.found) == (1, "two-level columns of AAPL, MSFT")


def test_rows_keep_the_lines_of_the_file():
    frame, rows = sheet(FIELD_FIRST)
    long, lines, _ = long_format(frame, rows, path="prices.csv")
    assert list(zip(long["symbol"], lines, strict=True)) == [
        ("AAPL", 4), ("AAPL", 5), ("AAPL", 6), ("MSFT", 4), ("MSFT", 6),
    ]  # fmt: skip


@pytest.mark.parametrize("names", ["('{field}', '{symbol}')", "('{symbol}', '{field}')"])
def test_names_in_pairs_as_parquet_has_them_are_split_too(names):
    days = [date(2019, 3, 4), date(2019, 3, 5)]
    columns = {
        names.format(field=field, symbol=symbol): [value, value + 1]
        for symbol, start in (("AAPL", 10.0), ("MSFT", 20.0))
        for field, value in (("Close", start), ("Adj Close", start))
    }
    frame = pl.DataFrame({"Date": days, **columns})
    read = bars(frame, symbol="")
    assert read.basis == "adjusted"
    assert read.frame.select("symbol", "close").rows() == [
        ("AAPL", 10.0), ("AAPL", 11.0), ("MSFT", 20.0), ("MSFT", 21.0),
    ]  # fmt: skip
    assert codes(bars(frame.rename({"Date": "('Date', '')"}), symbol=""))["R24"] == 1


def test_two_level_columns_of_one_symbol_are_flattened():
    frame, _ = sheet("Price,Close,Volume\nTicker,AAPL,AAPL\nDate,,\n2019-03-04,11,100\n")
    read = part(frame, symbol="OTHER")
    assert read.frame.select("symbol", "close", "volume").rows() == [("AAPL", 11.0, 100)]


def test_a_symbol_without_any_row_is_left_out_by_name_unless_all_are():
    text = "Price,Close,Close\nTicker,AAPL,MSFT\nDate,,\n2019-03-04,11,\n"
    frame, _ = sheet(text)
    (told,) = findings_of(bars(frame, symbol=""), "W3")
    assert (told.symbol, told.found) == ("MSFT", "0 data rows")
    frame, _ = sheet(text.replace(",11,", ",,").replace("2019-03-04", "2019-03-04"))
    assert [f.symbol for f in part(frame, symbol="").findings if f.code == "E3"] == ["AAPL", "MSFT"]


JOINED = ["Close_AAPL", "AAPL_Close", "AAPL.Close", "aapl_close", "close aapl", "Adj Close|AAPL"]


@pytest.mark.parametrize("name", JOINED)
def test_names_that_join_a_field_and_a_symbol_are_split(name):
    other = name.replace("AAPL", "BRK-B").replace("aapl", "brk-b")
    frame = pl.DataFrame(
        {"Date": ["2019-03-04", "2019-03-05"], name: [1.0, 2.0], other: [3.0, 4.0]}
    )
    assert bars(frame, symbol="X").frame.select("symbol", "close").rows() == [
        ("AAPL", 1.0), ("AAPL", 2.0), ("BRK-B", 3.0), ("BRK-B", 4.0),
    ]  # fmt: skip


NO_PAIRS = [
    ["bid_close", "ask_close"],
    ["prev_close"],
    ["PREV_CLOSE"],
    ["aapl_close"],  # of one case, one symbol and one field: any two words
    ["Close_AAPL", "Volume_MSFT"],  # a symbol without a close
    ["Close Rate"],  # one symbol, and no ticker
    ["Close t-1"],
    ["Close_filled"],
    ["Close Auction", "Close Rate"],
    ["Open_filled", "Low_filled", "High_filled", "Close_filled"],
    ["AAPL", "note"],
    ["AAPL", "MSFT", "Total"],
    ["AAPL", "open"],
    ["Total"],
    ["Return"],
]


@pytest.mark.parametrize("names", NO_PAIRS)
def test_other_names_are_no_symbols(names):
    frame = pl.DataFrame({"Date": ["2019-03-04"], **{name: [1.0] for name in names}})
    rows = pl.int_range(1, 2, eager=True)
    assert long_format(frame, rows, path="")[0].equals(frame)
    text = pl.DataFrame({"Date": ["2019-03-04"], "SECTOR": ["Energy"], "AAPL": [1.0]})
    assert long_format(text, rows, path="")[0].equals(text)


def test_what_the_settings_say_of_a_joined_name_is_obeyed():
    frame = pl.DataFrame({"Date": ["2019-03-04"], "Close_AAPL": [1.0], "Close_MSFT": [2.0]})
    read = part(frame, symbol="MSFT", columns={"Close_MSFT": "close"}).frame
    assert read.select("symbol", "close").rows() == [("MSFT", 2.0)]


def test_one_field_twice_for_a_symbol_is_refused_as_a_repeated_column():
    frame, _ = sheet("Price,Close,Close\nTicker,A,A\nDate,,\n2019-03-04,11,12\n")
    assert [f.code for f in part(frame, symbol="").findings] == ["E23"]


@pytest.mark.parametrize("frame", [texts(), texts()[:0], texts()[:1], texts().select("date")])
def test_one_level_is_left_as_it_is(frame):
    rows = pl.int_range(1, frame.height + 1, eager=True)
    same, lines, notes = long_format(frame, rows, path="")
    assert same.equals(frame)
    assert lines.equals(rows)
    assert notes == []


def test_columns_of_one_symbol_in_a_file_named_after_another_are_asked_about():
    for name in ("Close_MSFT", "MSFT"):
        frame = pl.DataFrame({"Date": ["2019-03-04", "2019-03-05"], name: [1.0, 2.0]})
        *_, finding = part(frame, symbol="AAPL").findings
        assert (finding.code, finding.found) == ("E67", "columns of MSFT in a file of AAPL")
        assert suggestion_toml([finding]).splitlines()[1:] == [
            '# symbols = { "prices.csv" = "AAPL" }  # E67',
            '# symbols = { "prices.csv" = "MSFT" }  # E67',
        ]
        for symbol in ("AAPL", "MSFT"):
            read = part(frame, symbol="AAPL", symbols={"prices.csv": symbol}).frame
            assert read.select("symbol", "close").rows() == [(symbol, 1.0), (symbol, 2.0)]
        assert part(frame, symbol="ALL").frame["symbol"].to_list() == ["MSFT", "MSFT"]


@pytest.mark.parametrize("odd", ["Total", "RSI", "SIGNAL", "Return", "Portfolio Value"])
def test_a_column_beside_closes_that_is_no_symbol_is_named_with_the_cure(odd):
    frame = pl.DataFrame({"Date": ["2019-03-04"], "AAPL": [1.0], "MSFT": [2.0], odd: [3.0]})
    (finding,) = part(frame, symbol="?").findings
    cure = f'data.columns = {{ "{odd}" = "" }}'
    assert (finding.code, finding.fix) == ("E21", f"set {cure} to read the others so.")
    read = part(frame, symbol="?", columns={odd: ""}).frame
    assert read.select("symbol", "close").rows() == [("AAPL", 1.0), ("MSFT", 2.0)]
    lone = part(frame.drop("MSFT"), symbol="?").findings
    assert not any(odd in f.fix for f in lone)  # one name in capitals may be anything
