import gzip
import importlib.resources
import os
from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextclose.data.sources.loading import frame_bars, load_bars, sample_bars
from nextclose.errors import DataError
from nextclose.schema import MASK_COLUMNS, Bars

LINES = "date,open,high,low,close,volume\n2019-03-04,10,12,9,11,100\n2019-03-05,11,13,10,12,200\n"


@pytest.fixture(scope="module")
def sample() -> Bars:
    return sample_bars()


def codes_of(*prices) -> list[tuple[str, str, int | None]]:
    with pytest.raises(DataError) as raised:
        load_bars(*prices)
    return [(f.code, f.found, f.row) for f in raised.value.findings]


def test_the_sample_holds_five_symbols_over_their_whole_history(sample):
    facts = sample.frame.group_by("symbol").agg(
        pl.len(), pl.col("session").min().alias("first"), pl.col("session").max().alias("last")
    )
    end = date(2013, 3, 1)
    assert facts.sort("symbol").rows() == [
        ("AAPL", 3270, date(2000, 3, 1), end),
        ("FB", 196, date(2012, 5, 18), end),
        ("GOOG", 2148, date(2004, 8, 19), end),
        ("IBM", 3270, date(2000, 3, 1), end),
        ("MSFT", 3270, date(2000, 3, 1), end),
    ]
    assert sample.basis == "adjusted"
    assert [finding.code for finding in sample.findings] == ["R22", "W26"]


def test_a_real_crash_of_52_percent_in_a_day_survives(sample):
    apple = sample.frame.filter(pl.col("symbol") == "AAPL")
    fall = apple.select("session", change=pl.col("close").pct_change()).sort(
        "change", nulls_last=True
    )
    assert fall["session"][0] == date(2000, 9, 29)
    assert fall["change"][0] == pytest.approx(25.75 / 53.50 - 1, abs=1e-5)  # raw closes, no split


def test_adjusting_the_sample_leaves_the_adjusted_close_to_the_bit(sample):
    source = importlib.resources.files("bokeh_sampledata") / "_data" / "stocks.csv.gz"
    raw = pl.read_csv(gzip.decompress(source.read_bytes())).sort("Ticker", "Date")
    assert sample.frame["close"].equals(raw["Adj Close"], check_names=False)
    assert sample.frame["close_raw"].equals(raw["Close"], check_names=False)


def test_adjusting_the_sample_keeps_every_range_around_its_close_to_the_bit(sample):
    prices = pl.col("open", "close")
    wrong = sample.frame.filter(
        (pl.max_horizontal(prices) > pl.col("high")) | (pl.min_horizontal(prices) < pl.col("low"))
    )
    assert wrong.height == 0


def test_a_split_leaves_no_jump_in_the_adjusted_sample(sample):
    # Microsoft, 2 for 1 on 2003-02-18: raw close 48.30 -> 24.96, adjusted 16.076443 -> 16.615653
    rows = sample.frame.filter(
        (pl.col("symbol") == "MSFT")
        & pl.col("session").is_between(date(2003, 2, 14), date(2003, 2, 18))
    )
    assert rows["close"].to_list() == pytest.approx([16.076443, 16.615653], abs=1e-6)
    assert rows["close_raw"].to_list() == [48.3, 24.96]
    # 45,223,200 and 28,707,750 shares, in shares of today's size
    expected = [45_223_200 * 48.3 / 16.076443, 28_707_750 * 24.96 / 16.615653]
    assert rows["volume"].to_list() == pytest.approx(expected, rel=1e-6)


def test_one_file_for_each_symbol_is_named_by_the_file(tmp_path):
    (tmp_path / "MSFT.csv").write_text(LINES)
    (tmp_path / "aapl.csv").write_text(LINES)
    (tmp_path / "notes.md").write_text("not prices")
    bars = load_bars(tmp_path)
    assert bars.symbols == ("AAPL", "MSFT")
    assert (
        bars.fingerprint == load_bars(tmp_path / "MSFT.csv", str(tmp_path / "aapl.csv")).fingerprint
    )


def test_what_every_file_brings_is_kept_and_what_one_lacks_is_left_out_of_all(tmp_path):
    (tmp_path / "A.csv").write_text(LINES)
    (tmp_path / "B.csv").write_text("date,close\n2019-03-04,1\n2019-03-05,2\n")
    bars = load_bars(tmp_path)
    assert bars.frame.columns == ["symbol", "session", "close", "segment", *MASK_COLUMNS]
    assert bars.frame.height == 4


def test_the_same_notice_from_many_files_is_one_finding_with_a_count(tmp_path):
    for name in "ABC":
        (tmp_path / f"{name}.csv").write_text(LINES)
    (finding,) = load_bars(tmp_path).findings
    assert (finding.code, finding.count, finding.path) == ("W25", 3, str(tmp_path / "A.csv"))


def test_two_files_of_one_symbol_are_joined_where_they_agree(tmp_path):
    (tmp_path / "old.csv").write_text("symbol,date,close\nA,2019-03-04,1\nA,2019-03-05,2\n")
    (tmp_path / "new.csv").write_text("symbol,date,close\nA,2019-03-05,2\nA,2019-03-06,3\n")
    bars = load_bars(tmp_path / "old.csv", tmp_path / "new.csv")
    assert bars.frame["close"].to_list() == [1.0, 2.0, 3.0]


def test_rows_are_numbered_by_the_lines_of_the_file(tmp_path):
    path = tmp_path / "A.csv"
    path.write_text("date,close\n2019-03-04,1\n\n2019-03-05,-2\n2019-03-06,x\n")
    assert codes_of(path) == [("E54", "-2.0", 4), ("E27", "x", 5)]


def test_parquet_rows_are_numbered_from_1(tmp_path):
    path = tmp_path / "A.parquet"
    pl.DataFrame(
        {"date": [date(2019, 3, 4), date(2019, 3, 5)], "close": [1.0, -2.0]}
    ).write_parquet(path)
    assert codes_of(path) == [("E54", "-2.0", 2)]


@pytest.mark.parametrize("symbol", ["NA", "TRUE", "1E5", "null", "7203.T"])
def test_symbols_in_a_file_stay_text(tmp_path, symbol):
    path = tmp_path / "long.csv"
    path.write_text(
        f"symbol,date,close\n{symbol.upper()},2019-03-04,1\n{symbol.upper()},2019-03-05,2\n"
    )
    assert load_bars(path).symbols == (symbol.upper(),)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_line_ends_and_a_byte_order_mark_change_nothing(tmp_path, start, end):
    plain, other = tmp_path / "1" / "A.csv", tmp_path / "2" / "A.csv"
    for path, text in ((plain, LINES), (other, start + LINES.replace("\n", end))):
        path.parent.mkdir()
        path.write_bytes(text.encode())
    assert load_bars(other).fingerprint == load_bars(plain).fingerprint
    assert load_bars(other).findings[0].code == "W25"


def test_a_missing_path_names_itself_and_the_working_directory(tmp_path):
    ((code, found, _),) = codes_of(tmp_path / "nope.csv")
    assert code == "E1"
    assert str(tmp_path / "nope.csv") in found
    assert os.getcwd() in found


def test_no_argument_and_a_folder_without_prices_are_refused(tmp_path):
    assert [code for code, _, _ in codes_of()] == ["E1"]
    assert codes_of(tmp_path) == [("E1", "no price files in this folder", None)]


BAD_FILES = [
    ("A.csv", b"", "E2", "an empty file"),
    ("A.csv", b"\n\n", "E2", "an empty file"),
    ("A.parquet", b"", "E2", "an empty file"),
    ("A.csv", b"date,close\n", "E3", "0 data rows"),
    ("A.csv", b"date,close\n\n\n", "E3", "0 data rows"),
    ("A.csv", b"date,close\n2019-03-04,1\n2019-03-05,\xe9\n", "E5", "byte 0xe9 at offset 35"),
    ("A.csv", b"date,close,close\n2019-03-04,1,2\n", "E23", "close in columns 2 and 3"),
    ("A.csv", b"date,close\n2019-03-04,1,2\0\n", "E6", "a NUL byte at offset 25"),
    ("A.csv", b"date,close\n2019-03-04,1\n2019-03-05,2,3\n", "E12", "3 fields in row 3"),
    ("A.csv", b"PAR1\x15\x04", "E16", "this is Parquet"),
    ("A.csv", b"<!DOCTYPE html><html></html>", "E16", "this is HTML or XML"),
    ("A.csv", b'[{"date": "2019-03-04"}]', "E16", "this is JSON"),
    ("A.csv", b"\x1f\x8b\x08\x00", "E16", "this is gzip"),
    ("A.csv", b"version https://git-lfs.github.com/spec/v1\n", "E16", "this is a Git LFS pointer"),
    ("A.pkl", b"\x80\x04.", "E17", "a file ending in '.pkl'"),
    ("A.xlsx", b"PK\x03\x04", "E17", "a file ending in '.xlsx'"),
    ("A.h5", b"\x89HDF", "E17", "a file ending in '.h5'"),
]


@pytest.mark.parametrize(("name", "data", "code", "found"), BAD_FILES)
def test_a_file_that_is_no_price_table_is_refused_for_what_it_is(tmp_path, name, data, code, found):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DataError) as raised:
        load_bars(path)
    (finding,) = raised.value.findings
    assert (finding.code, finding.found, finding.path) == (code, found, str(path))
    assert finding.fix


def test_a_broken_parquet_file_is_refused(tmp_path):
    path = tmp_path / "A.parquet"
    path.write_bytes(b"PAR1 nothing of the kind")
    assert [code for code, _, _ in codes_of(path)] == ["E19"]


def test_a_pipe_is_refused_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "A.csv")
    assert [code for code, _, _ in codes_of(tmp_path / "A.csv")] == ["E18"]


def test_the_problems_of_all_files_are_told_together(tmp_path):
    (tmp_path / "A.csv").write_text("date,close\n2019-03-04,-1\n")
    (tmp_path / "B.csv").write_text("")
    (tmp_path / "C.csv").write_text("date,close\n2019-03-04,x\n")
    assert [code for code, _, _ in codes_of(tmp_path)] == ["E54", "E2", "E27"]


def pandas_prices() -> pd.DataFrame:
    days = pd.DatetimeIndex(["2019-03-04", "2019-03-05"], name="Date")
    return pd.DataFrame({"Close": [11.0, 12.0], "Volume": [100, 200]}, index=days)


def test_a_pandas_frame_with_dates_in_its_index_is_read():
    bars = frame_bars(pandas_prices(), symbol="A")
    assert bars.frame["session"].to_list() == [date(2019, 3, 4), date(2019, 3, 5)]
    assert bars.frame["volume"].to_list() == [100.0, 200.0]


def test_pandas_columns_and_zoned_index_and_polars_give_the_same_bars():
    expected = frame_bars(pandas_prices(), symbol="A").fingerprint
    flat = pandas_prices().reset_index()
    assert frame_bars(flat, symbol="A").fingerprint == expected
    zoned = pandas_prices().tz_localize("America/New_York")
    assert frame_bars(zoned, symbol="A").fingerprint == expected
    unnamed = pandas_prices().rename_axis(index=None)
    assert frame_bars(unnamed, symbol="A").fingerprint == expected
    columns = {name: flat[name].to_numpy() for name in flat}
    assert frame_bars(pl.DataFrame(columns), symbol="A").fingerprint == expected


@pytest.mark.parametrize("symbol_first", [False, True])
def test_two_level_columns_are_split_by_symbol(symbol_first):
    other = pandas_prices() * 2
    other.iloc[1] = np.nan  # one symbol without the second day
    wide = pd.concat({"A": pandas_prices(), "B": other}, axis=1, names=["Ticker", "Price"])
    bars = frame_bars(wide if symbol_first else wide.swaplevel(axis=1))
    assert bars.frame.select("symbol", "close").rows() == [("A", 11.0), ("A", 12.0), ("B", 22.0)]


def test_a_frame_without_symbols_asks_for_one():
    with pytest.raises(DataError, match="E21 frame, column symbol"):
        frame_bars(pandas_prices())


@settings(max_examples=25, deadline=None)
@given(
    closes=st.lists(st.floats(0.01, 1e6), min_size=2, max_size=12, unique=True),
    ratio=st.none() | st.floats(0.01, 100),
)
def test_bars_through_csv_and_parquet_come_back_equal(tmp_path_factory, closes, ratio):
    folder = tmp_path_factory.mktemp("round")
    frame = pl.DataFrame(
        {
            "symbol": ["A" if k % 3 else "B" for k in range(len(closes))],
            "date": [date(2019, 3, 4) + timedelta(days=k) for k in range(len(closes))],
            "open": closes,
            "close": closes,
            "volume": [100 * k for k in range(len(closes))],
        }
    )
    if ratio is not None:
        frame = frame.with_columns(adj_close=pl.col("close") * ratio)
    frame.write_csv(folder / "prices.csv")
    from_csv = load_bars(folder / "prices.csv")
    from_csv.frame.write_parquet(folder / "bars.parquet")
    from_parquet = load_bars(folder / "bars.parquet")
    assert from_parquet.frame.equals(from_csv.frame)
    assert from_parquet.basis == from_csv.basis
    from_parquet.frame.write_csv(folder / "again.csv")
    assert load_bars(folder / "again.csv").frame.equals(from_csv.frame)
