import gzip
import importlib.resources
import os
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextclose.config import DataConfig
from nextclose.data.sources.loading import load_bars, load_usable_bars, sample_bars
from nextclose.errors import ConfigError, DataError
from nextclose.schema import BAR_COLUMNS, MASK_COLUMNS, Bars

HEADER = "date,open,high,low,close,volume\n"


def lines(first: float = 10.0) -> str:
    """Two days of prices that rise by a tenth."""
    day = "{},{:.2f},{:.2f},{:.2f},{:.2f},{}\n".format
    return HEADER + (
        day("2019-03-04", first, first + 9, first - 1, first + 1, 100)
        + day("2019-03-05", first + 1, first + 9, first, (first + 1) * 1.1, 200)
    )


@pytest.fixture(scope="module")
def sample() -> Bars:
    return sample_bars()


def refusals(*prices, **settings) -> list[tuple[str, str, int | None]]:
    with pytest.raises(DataError) as raised:
        load_bars(*prices, config=DataConfig(**settings))
    return [(f.code, f.found, f.row) for f in raised.value.findings]


def codes(bars: Bars) -> list[str]:
    return [finding.code for finding in bars.findings]


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
    assert codes(sample)[:2] == ["R22", "W26"]


def test_a_real_crash_of_52_percent_in_a_day_survives(sample):
    apple = sample.frame.filter(pl.col("symbol") == "AAPL")
    fall = apple.select("session", change=pl.col("close").pct_change()).sort(
        "change", nulls_last=True
    )
    assert fall["session"][0] == date(2000, 9, 29)
    assert fall["change"][0] == pytest.approx(25.75 / 53.50 - 1, abs=1e-5)  # raw closes, no split


def test_the_sample_is_that_of_bokeh_byte_for_byte():
    theirs = importlib.resources.files("bokeh_sampledata") / "_data" / "stocks.csv.gz"
    ours = importlib.resources.files("nextclose.data.sources") / "sample.csv.gz"
    assert ours.read_bytes() == theirs.read_bytes()


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


def test_the_sample_is_read_its_own_way_whatever_the_settings_of_other_files(sample):
    foreign = DataConfig(separator=";", decimal=",", encoding="utf-16", columns={"Close": "open"})
    assert load_bars("sample", config=foreign).fingerprint == sample.fingerprint


def test_one_file_for_each_symbol_is_named_by_the_file(tmp_path):
    (tmp_path / "MSFT.csv").write_text(lines())
    (tmp_path / "aapl.csv").write_text(lines(20))
    (tmp_path / "notes.md").write_text("not prices")
    (tmp_path / "readme.txt").write_text("not prices")
    bars = load_bars(tmp_path)
    assert bars.symbols == ("AAPL", "MSFT")
    alone = load_bars(tmp_path / "MSFT.csv", str(tmp_path / "aapl.csv"))
    assert bars.fingerprint == alone.fingerprint


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BRK.B.csv", "BRK.B"),
        ("AAPL.CSV", "AAPL"),
        ("^gspc.tsv", "^GSPC"),
        ("7203.T.csv.gz", "7203.T"),
        ("a.txt", "A"),
    ],
)
def test_every_suffix_comes_off_the_name(tmp_path, name, symbol):
    data = lines().encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert load_bars(tmp_path / name).symbols == (symbol,)


def test_a_folder_gives_all_that_it_holds_whatever_the_kind(tmp_path):
    (tmp_path / "A.csv").write_text(lines(10))
    (tmp_path / "B.csv.gz").write_bytes(gzip.compress(lines(20).encode()))
    (tmp_path / "C.tsv").write_text(lines(30).replace(",", "\t"))
    typed = pl.read_csv(lines(40).encode(), try_parse_dates=True)
    typed.write_parquet(tmp_path / "D.parquet")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "E.csv").write_text(lines(50))
    bars = load_bars(tmp_path)
    assert bars.symbols == ("A", "B", "C", "D")
    assert bars.frame["open"].to_list() == [10, 11, 20, 21, 30, 31, 40, 41]
    assert bars.settled == {}  # three of the four are not read by a tab


def test_what_one_file_lacks_is_missing_in_its_rows_alone(tmp_path):
    (tmp_path / "A.csv").write_text(lines())
    (tmp_path / "B.csv").write_text("date,close\n2019-03-04,1\n2019-03-05,1.1\n")
    bars = load_bars(tmp_path)
    assert bars.frame.columns == [*BAR_COLUMNS, "segment", *MASK_COLUMNS]
    assert bars.frame["close"].to_list() == [11.0, 12.1, 1.0, 1.1]
    assert bars.frame["open"].to_list() == [10.0, 11.0, None, None]
    assert bars.frame["volume"].null_count() == 2


def test_the_same_notice_from_many_files_is_one_finding_with_a_count(tmp_path):
    for k, name in enumerate("ABC"):
        (tmp_path / f"{name}.csv").write_text(lines(10 * (k + 1)))
    found = {finding.code: finding for finding in load_bars(tmp_path).findings}
    assert (found["W25"].count, found["W25"].path) == (3, str(tmp_path / "A.csv"))


def test_a_column_that_one_file_leaves_empty_is_missing_in_its_rows_and_said(tmp_path):
    (tmp_path / "A.csv").write_text("date,open,close\n2019-03-04,9,10\n2019-03-05,10,11\n")
    (tmp_path / "B.csv").write_text("date,open,close\n2019-03-04,,20\n2019-03-05,,21\n")
    bars = load_bars(tmp_path)
    assert bars.frame["open"].to_list() == [9.0, 10.0, None, None]
    (note,) = (finding for finding in bars.findings if finding.code == "W58")
    assert (note.symbol, note.column, note.count) == ("B", "open", 2)


def test_two_files_of_one_symbol_that_lack_different_columns_give_each_other_theirs(tmp_path):
    (tmp_path / "closes.csv").write_text("symbol,date,close\nA,2019-03-04,1\nA,2019-03-05,1.1\n")
    (tmp_path / "old.csv").write_text("symbol,date,open,close\nA,2019-03-04,0.9,1\n")
    (tmp_path / "volume.csv").write_text("symbol,date,close,volume\nA,2019-03-04,1,7\n")
    bars = load_bars(tmp_path)
    assert bars.frame.select("open", "close", "volume").rows() == [
        (0.9, 1.0, 7.0),
        (None, 1.1, None),
    ]


def test_rows_of_one_session_that_a_third_lies_between_still_contradict(tmp_path):
    header = "symbol,date,open,close\n"
    for name, cell in (("1", "0.9"), ("2", ""), ("3", "0.8")):
        (tmp_path / f"{name}.csv").write_text(f"{header}A,2019-03-04,{cell},1\n")
    (finding,) = (f for f in load_usable_bars(tmp_path).findings if f.response == "E")
    assert (finding.code, finding.found) == ("E43", "row 2 again with open 0.8 against 0.9")


def test_files_parsed_together_keep_their_own_names_and_rows_in_findings(tmp_path):
    for k, name in enumerate("ABC"):
        text = lines(10 * (k + 1))
        bad = text.replace(text.splitlines()[2].split(",")[4], "-5") if name != "A" else text
        (tmp_path / f"{name}.csv").write_text(bad)
    with pytest.raises(DataError) as raised:
        load_bars(tmp_path)
    assert [(f.code, Path(f.path).name, f.row, f.symbol) for f in raised.value.findings] == [
        ("E54", "B.csv", 3, "B"),
        ("E54", "C.csv", 3, "C"),
    ]


def test_files_after_some_that_were_parsed_together_keep_their_names_too(tmp_path):
    other = HEADER.replace("date", "Date")
    for k, (name, header) in enumerate(zip("ABCD", (HEADER, HEADER, other, other), strict=True)):
        close = -1 if name == "D" else 11 + k
        row = f"2019-03-04,{11 + k},{12 + k},{10 + k},{close},100\n"
        (tmp_path / f"{name}.csv").write_text(header + row)
    (finding,) = (f for f in load_usable_bars(tmp_path).findings if f.code == "E54")
    assert (Path(finding.path).name, finding.symbol) == ("D.csv", "D")


def test_two_files_of_one_symbol_are_joined_where_they_agree(tmp_path):
    (tmp_path / "old.csv").write_text("symbol,date,close\nA,2019-03-04,1\nA,2019-03-05,1.1\n")
    (tmp_path / "new.csv").write_text("symbol,date,close\nA,2019-03-05,1.1\nA,2019-03-06,1.3\n")
    bars = load_bars(tmp_path / "old.csv", tmp_path / "new.csv")
    assert bars.frame["close"].to_list() == [1.0, 1.1, 1.3]
    assert "R42" in codes(bars)


def test_rows_are_numbered_by_the_lines_of_the_file(tmp_path):
    path = tmp_path / "A.csv"
    path.write_text('date,close,note\n2019-03-04,1,"a\nb"\n\n2019-03-05,-2,\n2019-03-06,x,\n')
    assert refusals(path) == [("E54", "-2.0", 5), ("E27", "x", 6)]


def test_parquet_rows_are_numbered_from_1(tmp_path):
    path = tmp_path / "A.parquet"
    pl.DataFrame(
        {"date": [date(2019, 3, 4), date(2019, 3, 5)], "close": [1.0, -2.0]}
    ).write_parquet(path)
    assert refusals(path) == [("E54", "-2.0", 2)]


@pytest.mark.parametrize("symbol", ["NA", "TRUE", "NULL", "NAN", "7203.T"])
def test_symbols_in_a_file_stay_text(tmp_path, symbol):
    path = tmp_path / "long.csv"
    path.write_text(f"symbol,date,close\n{symbol},2019-03-04,1\n{symbol},2019-03-05,1.1\n")
    assert load_bars(path).symbols == (symbol,)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_line_ends_and_a_byte_order_mark_change_nothing(tmp_path, start, end):
    plain, other = tmp_path / "1" / "A.csv", tmp_path / "2" / "A.csv"
    for path, text in ((plain, lines()), (other, start + lines().replace("\n", end))):
        path.parent.mkdir()
        path.write_bytes(text.encode())
    assert load_bars(other).fingerprint == load_bars(plain).fingerprint
    said = [code for code in codes(load_bars(other)) if code in ("R4", "R7")]
    assert said == ["R4"] * bool(start) + ["R7"] * (end != "\n")


def test_a_missing_path_names_itself_and_the_working_directory(tmp_path):
    for name in ("nope.csv", "nope.parquet", "nope"):
        ((code, found, _),) = refusals(tmp_path / name)
        assert code == "E1"
        assert found == (
            f"No such file or directory at {tmp_path / name}, working directory {os.getcwd()}"
        )


def test_a_path_that_the_system_cannot_even_ask_for_is_refused(tmp_path):
    assert [code for code, _, _ in refusals(tmp_path / ("a" * 300))] == ["E1"]
    assert [code for code, _, _ in refusals("a\0b.csv")] == ["E1"]


def test_no_argument_and_a_folder_without_prices_are_refused(tmp_path):
    assert [code for code, _, _ in refusals()] == ["E1"]
    assert refusals(tmp_path) == [("E1", "no price files in this folder", None)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("A.pkl", "a file ending in '.pkl'"),
        ("A.xlsx", "a file ending in '.xlsx'"),
        ("A.h5", "a file ending in '.h5'"),
        ("prices", "a file without ending"),
        ("A.tar.gz", "a file ending in '.gz'"),
    ],
)
def test_a_file_of_another_kind_is_refused_unread(tmp_path, name, kind):
    path = tmp_path / name
    path.write_text(lines())
    with pytest.raises(DataError) as raised:
        load_bars(path)
    (finding,) = raised.value.findings
    assert (finding.code, finding.found) == ("E17", kind)
    assert finding.fix == "export the prices as CSV or Parquet."


def test_the_problems_of_all_files_are_told_together_in_their_order(tmp_path):
    (tmp_path / "A.csv").write_text("date,close\n2019-03-04,-1\n")
    (tmp_path / "B.csv").write_text("")
    (tmp_path / "C.csv").write_text("date,close\n2019-03-04,x\n")
    assert [code for code, _, _ in refusals(tmp_path)] == ["E54", "E2", "E27"]


@pytest.mark.parametrize("ratio", ["2", "2:1", "2/1", " 4 : 2 "])
def test_a_table_of_splits_divides_the_prices_before(tmp_path, ratio):
    splits, prices = tmp_path / "splits.csv", tmp_path / "A.csv"
    splits.write_text(f"Symbol,Date,Ratio\nA,2019-03-05,{ratio}\n")
    prices.write_text("date,close\n2019-03-04,20\n2019-03-05,10.5\n2019-03-06,11\n")
    bars = load_bars(prices, config=DataConfig(splits=str(splits)))
    assert bars.frame["close"].to_list() == [10.0, 10.5, 11.0]


BAD_SPLITS = [
    ("symbol,date,ratio\nA,2019-03-05,x\n", "A, 2019-03-05, x", 2),
    ("symbol,date,ratio\nA,2019-03-05,0\n", "A, 2019-03-05, 0", 2),
    ("symbol,date,ratio\nA,2019-03-05,nan\n", "A, 2019-03-05, nan", 2),
    ("symbol,date,ratio\nA,2019-03-05,2:0\n", "A, 2019-03-05, 2:0", 2),
    ("symbol,date,ratio\nA,2019-03-05,2:1:1\n", "A, 2019-03-05, 2:1:1", 2),
    ("symbol,date,ratio\nA,5 March,2\n", "A, 5 March, 2", 2),
    ("symbol,date,ratio\n,2019-03-05,2\n", "an empty cell, 2019-03-05, 2", 2),
    ("symbol,date,ratio\nA,2019-03-05\n", "2 fields", 2),
    ("symbol,date\nA,2019-03-05\n", "only the columns symbol, date", 1),
    ("", "an empty file", None),
]


@pytest.mark.parametrize(("text", "found", "row"), BAD_SPLITS)
def test_a_faulty_table_of_splits_is_refused_as_such(tmp_path, text, found, row):
    splits, prices = tmp_path / "splits.csv", tmp_path / "A.csv"
    splits.write_text(text)
    prices.write_text("date,close\n2019-03-04,10\n2019-03-05,10.5\n")
    with pytest.raises(DataError) as raised:
        load_bars(prices, config=DataConfig(splits=str(splits)))
    (finding,) = raised.value.findings
    assert (finding.code, finding.found, finding.row) == ("E59", found, row)
    assert finding.path == str(splits)


@settings(max_examples=25, deadline=None)
@given(
    moves=st.lists(st.floats(0.9, 1.1), min_size=2, max_size=12),
    ratio=st.none() | st.floats(0.9, 1.1),
)
def test_bars_through_csv_and_parquet_come_back_equal(tmp_path_factory, moves, ratio):
    folder = tmp_path_factory.mktemp("round")
    closes = [10.0]
    for move in moves:
        closes.append(closes[-1] * move)
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
    from_csv = load_usable_bars(folder / "prices.csv")
    from_csv.frame.write_parquet(folder / "bars.parquet")
    from_parquet = load_usable_bars(folder / "bars.parquet")
    same = ["symbol", "session", "open", "close", "volume"]
    assert from_parquet.frame.select(same).equals(from_csv.frame.select(same))
    assert from_parquet.basis == from_csv.basis
    from_parquet.frame.write_csv(folder / "again.csv")
    assert (
        load_usable_bars(folder / "again.csv")
        .frame.select(same)
        .equals(from_csv.frame.select(same))
    )


def test_the_setting_of_a_symbol_wins_over_a_column(tmp_path):
    rows = "".join(f"2019-03-{day:02},MSFT,1{day}\n" for day in (4, 5, 6))
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("date,symbol,close\n" + rows)
    config = DataConfig(symbols={"a.csv": "AAPL"})
    assert load_bars(tmp_path, config=config).symbols == ("AAPL", "MSFT")


def lake(folder: Path, *parts: str) -> Path:
    """Two days of AAPL in each of the folders, one pair of days after the other."""
    for k, part in enumerate(parts):
        place = folder / part / "symbol=AAPL"
        place.mkdir(parents=True)
        days = ("2019-03-04", "2019-03-05"), ("2019-03-06", "2019-03-07")
        text = lines(10.0 + 20 * k)
        for old, new in zip(days[0], days[k], strict=True):
            text = text.replace(old, new)
        (place / "part-0.csv").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("name", "one", "two"),
    [
        ("exchange", "LSE", "NYSE"),
        ("adjusted", "false", "true"),
        ("isin", "US0378331005", "US4592001014"),
        ("interval", "1d", "1wk"),
    ],
)
def test_a_symbol_in_parts_over_folders_that_tell_series_is_refused(tmp_path, name, one, two):
    folder = lake(tmp_path, f"{name}={one}", f"{name}={two}")
    assert refusals(folder) == [("E67", f"folders of {name} {one}, {two}", None)]
    for value, first in ((one, 11.0), (two, 31.0)):
        bars = load_bars(folder, config=DataConfig(only={name: value}))
        assert (bars.frame["close"][0], bars.frame.height) == (first, 2)
    whole = load_bars(folder, config=DataConfig(columns={name: ""}))
    assert whole.frame["close"].to_list() == pytest.approx([11.0, 12.1, 31.0, 34.1])


@pytest.mark.parametrize("parts", [("year=2018", "year=2019"), ("batch=1", "batch=2")])
def test_folders_of_days_or_of_nothing_known_are_joined(tmp_path, parts):
    assert load_bars(lake(tmp_path, *parts)).frame.height == 4


def test_two_symbols_of_two_exchanges_are_two(tmp_path):
    for exchange, symbol in (("NYSE", "IBM"), ("LSE", "VOD")):
        place = tmp_path / f"exchange={exchange}" / f"symbol={symbol}"
        place.mkdir(parents=True)
        (place / "part-0.csv").write_text(lines())
    assert load_bars(tmp_path).symbols == ("IBM", "VOD")


@pytest.mark.parametrize("prices", ["AAPL.csv", ".", "sample"])
def test_a_day_of_the_past_asked_of_what_keeps_no_revisions_is_refused(prices, tmp_path):
    (tmp_path / "AAPL.csv").write_text(lines())
    source = prices if prices == "sample" else tmp_path / prices
    config = DataConfig(as_of=date(2019, 3, 4))
    with pytest.raises(ConfigError, match="is no store, and only a store keeps how prices stood"):
        load_bars(source, config=config)
