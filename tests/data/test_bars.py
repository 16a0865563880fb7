from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextclose.data.bars import collected_bars, validated_bars, with_short_symbols_named
from nextclose.data.cell_rules import CELL_RULES
from nextclose.data.series_rules import SERIES_RULES
from nextclose.errors import DataError, NotEnoughDataError
from nextclose.schema import MASK_COLUMNS, Bars

HEADER = ["date", "open", "high", "low", "close", "volume"]
DAYS = [date(2019, 3, 4), date(2019, 3, 5), date(2019, 3, 6), date(2019, 3, 7), date(2019, 3, 8)]
GOOD = [  # open, high, low, close, volume
    ["10", "12", "9", "11", "100"],
    ["11", "13", "10", "12", "200"],
    ["12", "14", "11", "13", "300"],
    ["13", "15", "12", "14", "400"],
    ["14", "16", "13", "15", "500"],
]


def texts(changes=(), *, header=HEADER) -> pl.DataFrame:
    """Five good bars as text, less the changes (row from 0, column, new text)."""
    rows = [[day.isoformat(), *values] for day, values in zip(DAYS, GOOD, strict=True)]
    for row, column, value in changes:
        rows[row][HEADER.index(column)] = value
    return pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")


def rows_of(*rows) -> pl.DataFrame:
    return pl.DataFrame(
        list(rows),
        schema={"symbol": pl.String, "date": pl.String, "close": pl.Float64},
        orient="row",
    )


def refusals(frame, **named):
    with pytest.raises(DataError) as raised:
        validated_bars(frame, path="prices.csv", **named)
    return raised.value.findings


def codes(bars: Bars) -> dict[str, int]:
    return {finding.code: finding.count for finding in bars.findings}


REFUSED_CELLS = [  # code, row from 0, column, text, session shown, found
    ("E27", 1, "close", "N/A", "2019-03-05", "N/A"),
    ("E27", 1, "close", "-", "2019-03-05", "-"),
    ("E27", 2, "open", "#REF!", "2019-03-06", "#REF!"),
    ("E27", 2, "volume", "1.2M", "2019-03-06", "1.2M"),
    ("E27", 3, "high", "1,234.5", "2019-03-07", "1,234.5"),
    ("E27", 3, "high", "1.2.3", "2019-03-07", "1.2.3"),
    ("E31", 1, "volume", "-5", "2019-03-05", "-5.0"),
    ("E31", 1, "volume", "9223372036854775808", "2019-03-05", "9.223372036854776e+18"),
    ("E32", 1, "close", "inf", "2019-03-05", "inf"),
    ("E32", 1, "high", "1e308", "2019-03-05", "1e+308"),
    ("E32", 1, "low", "5e-324", "2019-03-05", "5e-324"),
    ("E35", 1, "date", "yesterday", "", "yesterday"),
    ("E35", 1, "date", "2019-02-30", "", "2019-02-30"),
    ("E35", 1, "date", "", "", "no date"),
    ("E35", 1, "date", "43528", "", "43528"),
    ("E36", 1, "date", "03/04/2019", "", "03/04/2019"),
    ("E37", 1, "date", "19-03-05", "0019-03-05", "19-03-05"),
    ("E44", 1, "date", "2019-03-05T05:00:00Z", "", "2019-03-05T05:00:00Z"),
    ("E49", 1, "date", "1899-12-31", "1899-12-31", "1899-12-31"),
    ("E54", 1, "close", "-12.5", "2019-03-05", "-12.5"),
    ("E54", 1, "low", "0", "2019-03-05", "0.0"),
    ("E55", 1, "high", "11.9", "2019-03-05", "11.9 below 12.0"),
    ("E55", 1, "low", "11.1", "2019-03-05", "11.1 above 11.0"),
    ("E55", 1, "high", "11.99998", "2019-03-05", "11.99998 below 12.0"),  # 1.7e-6 below
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
    kept = collected_bars(texts([(row, column, text)]), symbol="AAPL").frame
    assert kept["session"].to_list() == [day for day in DAYS if day != DAYS[row]]


def test_a_message_names_file_row_column_symbol_session_value_rule_and_cure():
    (finding,) = refusals(texts([(1, "close", "-12.5")]), symbol="AAPL")
    assert finding.line() == (
        "E54 prices.csv row 2, column close, AAPL 2019-03-05: found -12.5; rule: price > 0. "
        "Fix: correct the file."
    )


def test_rows_are_numbered_as_the_caller_says():
    (finding,) = refusals(
        texts([(1, "close", "-1")]), symbol="AAPL", rows=pl.Series([2, 5, 6, 7, 9])
    )
    assert finding.row == 5


def test_all_problems_are_told_in_file_order_and_the_text_stops_after_20():
    frame = rows_of(*(("AAPL", f"2019-01-{day:02}", -1.0) for day in range(2, 32)))
    frame = frame.with_columns(
        pl.when(pl.col("date") == "2019-01-03").then(pl.lit("?")).otherwise("date").alias("date")
    )
    with pytest.raises(DataError) as raised:
        validated_bars(frame)
    assert [finding.row for finding in raised.value.findings] == list(range(1, 31))
    assert [finding.code for finding in raised.value.findings[:3]] == ["E54", "E35", "E54"]
    assert len(str(raised.value).splitlines()) == 21
    assert "10 more" in str(raised.value)


def test_past_the_hundredth_a_rule_counts_instead_of_naming():
    findings = refusals(rows_of(*(("AAPL", f"{1900 + k}-01-02", -1.0) for k in range(150))))
    assert len(findings) == 100
    assert sum(finding.count for finding in findings) == 150


def test_control_and_bidirectional_characters_are_escaped_and_long_values_cut():
    (finding,) = refusals(texts([(1, "close", "\x1b[31m\u202e" + "9" * 99 + "x")]), symbol="AAPL")
    assert finding.found.startswith("\\x1b[31m\\u202e999")
    assert len(finding.found) == 60


ACCEPTED_CELLS = [  # column, text, value
    ("close", " 12.0 ", 12.0),
    ("close", "1.2e1", 12.0),
    ("close", "12.000000000000001", 12.000000000000002),  # 17 digits, rounded correctly
    ("volume", "200.0", 200.0),
    ("volume", "0", 0.0),
    ("volume", "2.5", 2.5),
    ("high", "12.999995", 12.999995),
    ("date", "2019/03/05", DAYS[1]),
    ("date", "20190305", DAYS[1]),
    ("date", "5-Mar-2019", DAYS[1]),
    ("date", "Mar 5, 2019", DAYS[1]),
    ("date", "2019-03-05 00:00:00", DAYS[1]),
    ("date", "2019-03-05 16:00:00", DAYS[1]),
    ("date", "2019-03-05 00:00:00-05:00", DAYS[1]),  # midnight at the exchange
    ("date", "2019-03-05T00:00:00.000Z", DAYS[1]),
]


@pytest.mark.parametrize(("column", "text", "value"), ACCEPTED_CELLS)
def test_other_spellings_of_a_good_cell_are_read(column, text, value):
    bars = validated_bars(texts([(1, column, text)]), symbol="AAPL")
    ours = "session" if column == "date" else column
    assert bars.frame[ours][1] == value
    assert bars.frame.height == 5
    assert codes(bars) == {"W25": 1}


def slashed(*days) -> pl.DataFrame:
    return pl.DataFrame({"date": list(days), "close": [1.0 + k for k in range(len(days))]})


def test_one_day_above_12_settles_the_order_of_the_whole_column():
    first = validated_bars(slashed("03/04/2019", "13/04/2019"), symbol="A").frame["session"]
    assert first.to_list() == [date(2019, 4, 3), date(2019, 4, 13)]
    second = validated_bars(slashed("03.04.2019", "04.15.2019"), symbol="A").frame["session"]
    assert second.to_list() == [date(2019, 3, 4), date(2019, 4, 15)]


def test_an_order_that_nothing_settles_or_that_rows_contradict_is_refused():
    assert [f.code for f in refusals(slashed("03/04/2019", "04/04/2019"), symbol="A")] == [
        "E36"
    ] * 2
    found = refusals(slashed("13/04/2019", "04/15/2019"), symbol="A")
    assert [(f.code, f.row) for f in found] == [("E36", 1), ("E36", 2)]


@pytest.mark.parametrize(
    "name", ["NA", "NAN", "NULL", "TRUE", "ON", "1E5", "BRK-B", "^GSPC", "7203.T"]
)
def test_symbols_are_text_whatever_they_look_like(name):
    bars = validated_bars(rows_of((name, "2019-03-04", 1.0), (name, "2019-03-05", 2.0)))
    assert bars.symbols == (name,)


ILLEGAL_SYMBOLS = [
    ("../x", "U+002E at position 1 of '../x'"),
    ("A/B", "U+002F at position 2 of 'A/B'"),
    ("A\\B", "U+005C at position 2 of 'A\\\\B'"),
    ("A\nB", "U+000A at position 2 of 'A\\nB'"),
    ("A\0", "U+0000 at position 2 of 'A\\x00'"),
    ("ÄB", "U+00C4 at position 1 of 'ÄB'"),
    ("aapl", "U+0061 at position 1 of 'aapl'"),
    ("A..B", "'A..B'"),
    ("A" * 21, "'AAAAAAAAAAAAAAAAAAAAA', 21 characters"),
    ("", "''"),
    (None, "no symbol"),
]


@pytest.mark.parametrize(("name", "found"), ILLEGAL_SYMBOLS)
def test_an_illegal_symbol_is_refused_once_with_its_odd_character(name, found):
    frame = rows_of(("OK", "2019-03-04", 1.0), (name, "2019-03-04", 1.0), (name, "2019-03-05", 2.0))
    (finding,) = refusals(frame)
    assert (finding.code, finding.row, finding.column, finding.count) == ("E30", 2, "symbol", 2)
    assert finding.found == found


def test_symbols_equal_but_for_case_are_refused():
    (finding,) = refusals(rows_of(("BRKb", "2019-03-04", 1.0), ("BRKB", "2019-03-05", 2.0)))
    assert (finding.code, finding.found, finding.row) == ("E30", "BRKB and BRKb", 1)


COLUMN_NAMES = [
    ["Date", "Open", "High", "Low", "Close", "Volume"],
    ["DATE", " OPEN ", "high", "low", " CLOSE ", "VOL"],
    ["timestamp", "open", "high", "low", "close", "volume"],
    ["time", "open", "high", "low", "close", "volume"],
    ["\ufeffdate", "open", "high", "low", "close", "volume"],
]


@pytest.mark.parametrize("header", COLUMN_NAMES)
def test_columns_are_known_by_their_folded_names_and_the_mapping_is_counted(header):
    bars = validated_bars(texts(header=header), symbol="AAPL")
    assert bars.fingerprint == validated_bars(texts(), symbol="AAPL").fingerprint
    assert codes(bars) == {"R22": 1, "W25": 1}


@pytest.mark.parametrize("name", ["symbol", "Symbol", "ticker", "Ticker", "Name"])
def test_the_symbol_column_wins_over_the_name_of_the_file(name):
    frame = texts().with_columns(pl.lit("MSFT").alias(name))
    assert validated_bars(frame, symbol="AAPL").symbols == ("MSFT",)


def test_a_company_name_beside_the_ticker_is_left_alone():
    frame = texts().with_columns(pl.lit("MSFT").alias("ticker"), pl.lit("Micro soft").alias("name"))
    assert validated_bars(frame).symbols == ("MSFT",)


def test_a_missing_column_is_refused_with_the_names_found_and_the_nearest():
    frame = texts().rename({"close": "closing", "date": "dates"})
    findings = refusals(frame)
    assert [(f.code, f.column) for f in findings] == [
        ("E21", "date"),
        ("E21", "symbol"),
        ("E21", "close"),
    ]
    assert findings[0].found == "only dates, open, high, low, closing, volume"
    assert findings[0].fix == "rename 'dates' to 'date'."
    assert findings[1].fix == "add a column named 'symbol'."
    assert findings[2].fix == "rename 'closing' to 'close'."


def test_two_columns_of_one_name_are_refused_with_both_positions():
    frame = texts().with_columns(pl.lit("1").alias("Close"))
    (finding,) = refusals(frame, symbol="AAPL")
    assert (finding.code, finding.found) == ("E23", "close in columns 5 and 7")


def test_a_column_of_the_wrong_type_is_refused():
    frame = texts().with_columns(pl.lit(value=True).alias("close"))
    (finding,) = refusals(frame, symbol="AAPL")
    assert (finding.code, finding.column, finding.found) == ("E34", "close", "type Boolean")


def test_a_close_only_file_is_welcome():
    bars = validated_bars(texts().select("date", "close"), symbol="AAPL")
    assert bars.frame.columns == ["symbol", "session", "close", "segment", *MASK_COLUMNS]
    assert codes(bars) == {"W21": 1, "W25": 1}
    assert bars.findings[0].found == "no open, high, low, volume"


def test_an_empty_optional_column_counts_as_missing():
    bars = validated_bars(texts([(row, "volume", "") for row in range(5)]), symbol="AAPL")
    assert "volume" not in bars.frame.columns
    assert (bars.findings[0].code, bars.findings[0].found) == ("W21", "no volume")
    assert bars.frame.height == 5


def test_the_ratio_of_adjusted_to_raw_close_scales_the_row():
    frame = texts().with_columns(pl.Series("Adj Close", ["5.5", "6", "6.5", "14", "15"]))
    bars = validated_bars(frame, symbol="AAPL")
    assert bars.basis == "adjusted"
    assert codes(bars) == {"R22": 1, "W26": 1}
    # the first three days stand at half: 10, 12, 9, 11 -> 5, 6, 4.5, 5.5 and 100 -> 200 shares
    first, last = bars.frame.row(0, named=True), bars.frame.row(4, named=True)
    assert [first[c] for c in ("open", "high", "low", "close", "close_raw")] == pytest.approx(
        [5.0, 6.0, 4.5, 5.5, 11.0], rel=1e-15
    )
    assert first["volume"] == 200.0
    assert [last[c] for c in ("open", "high", "low", "close", "close_raw", "volume")] == [
        14.0, 16.0, 13.0, 15.0, 15.0, 500.0,
    ]  # fmt: skip


@given(
    close=st.floats(0.01, 1e5),
    ratio=st.floats(1e-3, 1e3),
    up=st.floats(0, 0.5),
    down=st.floats(0, 0.5),
)
def test_adjusting_keeps_high_and_low_around_the_close_to_the_last_bit(close, ratio, up, down):
    frame = pl.DataFrame(
        {
            "date": [DAYS[0]],
            "high": [close * (1 + up)],
            "low": [close * (1 - down)],
            "close": [close],
            "adj_close": [close * ratio],
        }
    )
    row = validated_bars(frame, symbol="A").frame.row(0, named=True)
    assert row["low"] <= row["close"] == close * ratio <= row["high"]


def test_an_adjusted_close_alone_is_the_close():
    bars = validated_bars(pl.DataFrame({"date": DAYS[:2], "Adj Close": [1.0, 2.0]}), symbol="A")
    assert bars.frame["close"].to_list() == [1.0, 2.0]
    assert bars.basis == "adjusted"
    assert "close_raw" not in bars.frame.columns


def test_high_and_low_off_by_rounding_are_widened_in_their_own_row():
    bars = validated_bars(texts([(1, "high", "11.999999"), (2, "low", "12.000001")]), symbol="AAPL")
    assert bars.frame["high"].to_list() == [12.0, 12.0, 14.0, 15.0, 16.0]
    assert bars.frame["low"].to_list() == [9.0, 10.0, 12.0, 12.0, 13.0]
    (repair,) = (f for f in bars.findings if f.code == "R55")
    assert (repair.row, repair.column, repair.session, repair.count) == (2, "high", "2019-03-05", 2)


@pytest.mark.parametrize("text", ["", "nan", "NaN", "null"])
@pytest.mark.parametrize("column", ["open", "close", "volume"])
def test_a_row_with_an_empty_cell_is_a_missing_row_never_filled(column, text):
    bars = validated_bars(texts([(1, column, text), (2, column, text)]), symbol="AAPL")
    assert bars.frame["session"].to_list() == [DAYS[0], DAYS[3], DAYS[4]]
    (note,) = (f for f in bars.findings if f.code == "W58")
    assert (note.row, note.session, note.found, note.count) == (2, "2019-03-05", f"no {column}", 2)


def test_an_incomplete_newest_bar_is_told_apart():
    bars = validated_bars(texts([(4, "close", ""), (4, "high", "")]), symbol="AAPL")
    assert bars.frame["session"].to_list() == DAYS[:4]
    (note,) = (f for f in bars.findings if f.code == "W57")
    assert (note.row, note.session, note.found) == (5, "2019-03-08", "no high, close")


def test_a_bar_of_zeros_is_a_missing_row():
    zeros = [(1, column, "0") for column in ("open", "high", "low", "close")]
    bars = validated_bars(texts(zeros), symbol="AAPL")
    assert bars.frame["session"].to_list() == [DAYS[0], *DAYS[2:]]
    assert codes(bars) == {"W25": 1, "W56": 1}


def test_nothing_left_is_refused_as_no_rows():
    assert [
        f.code for f in refusals(pl.DataFrame({"date": DAYS[:1], "close": [None]}), symbol="A")
    ] == ["E3"]


def test_rows_out_of_order_are_sorted_and_the_moved_ones_counted():
    bars = validated_bars(texts()[[0, 3, 1, 2, 4]], symbol="AAPL")
    assert bars.fingerprint == validated_bars(texts(), symbol="AAPL").fingerprint
    (repair,) = (f for f in bars.findings if f.code == "R40")
    assert (repair.row, repair.session, repair.count) == (3, "2019-03-05", 2)


def test_newest_first_is_reversed():
    bars = validated_bars(texts().reverse(), symbol="AAPL")
    assert bars.fingerprint == validated_bars(texts(), symbol="AAPL").fingerprint
    assert codes(bars) == {"R41": 5, "W25": 1}


def test_symbols_interleaved_by_date_need_no_repair():
    frame = rows_of(
        ("B", "2019-03-04", 1.0),
        ("A", "2019-03-04", 3.0),
        ("B", "2019-03-05", 2.0),
        ("A", "2019-03-05", 4.0),
    )
    bars = validated_bars(frame)
    assert bars.frame["close"].to_list() == [3.0, 4.0, 1.0, 2.0]
    assert codes(bars) == {"W21": 1, "W25": 1}


def test_an_exact_copy_of_a_row_is_dropped_and_counted():
    bars = validated_bars(texts()[[0, 1, 1, 2, 3, 4, 0]], symbol="AAPL")
    assert bars.fingerprint == validated_bars(texts(), symbol="AAPL").fingerprint
    assert codes(bars) == {"W25": 1, "R40": 1, "R42": 2}


def test_two_rows_of_one_date_with_other_values_are_refused_with_both():
    frame = pl.concat([texts(), texts([(1, "close", "12.5"), (1, "volume", "7")])[1:2]])
    (finding,) = refusals(frame, symbol="AAPL")
    assert (finding.code, finding.row, finding.session) == ("E43", 6, "2019-03-05")
    assert finding.found == "row 2 again with close 12.5 against 12.0, volume 7.0 agains…"


def test_a_constant_close_is_refused_by_symbol():
    frame = rows_of(
        *((s, day, 5.0) for s in ("A", "B") for day in map(str, DAYS)), ("B", "2019-03-11", 6.0)
    )
    (finding,) = refusals(frame)
    assert (finding.code, finding.symbol, finding.column) == ("E65", "A", "close")
    assert (finding.found, finding.count) == ("5.0", 5)


def test_date_columns_of_other_types_are_read():
    for values in (
        DAYS,
        [datetime(2019, 3, day) for day in range(4, 9)],
        [20190304, 20190305, 20190306, 20190307, 20190308],
    ):
        frame = pl.DataFrame({"date": values, "close": [1.0, 2.0, 3.0, 4.0, 5.0]})
        assert validated_bars(frame, symbol="A").frame["session"].to_list() == DAYS


def test_stamps_with_a_zone_give_the_local_date_of_midnight_only():
    local = pl.Series("date", [datetime(2019, 3, 11), datetime(2019, 3, 12)])
    tokyo = pl.DataFrame({"date": local.dt.replace_time_zone("Asia/Tokyo"), "close": [1.0, 2.0]})
    assert validated_bars(tokyo, symbol="A").frame["session"].to_list() == local.dt.date().to_list()
    in_utc = tokyo.with_columns(pl.col("date").dt.convert_time_zone("UTC"))
    assert [f.code for f in refusals(in_utc, symbol="A")] == ["E44", "E44"]


@settings(max_examples=60)
@given(st.permutations(range(10)))
def test_shuffled_rows_give_the_same_bars(order):
    frame = pl.concat(
        [texts().with_columns(pl.lit(symbol).alias("symbol")) for symbol in ("MSFT", "AAPL")]
    )
    assert validated_bars(frame[order]).frame.equals(validated_bars(frame).frame)


@given(st.floats(allow_nan=False, min_value=1e-10, max_value=1e12))
def test_price_text_is_read_to_the_last_bit(price):
    frame = pl.DataFrame({"date": DAYS[:1], "close": [repr(price)]})
    assert validated_bars(frame, symbol="A").frame["close"][0] == price


def test_what_happens_later_changes_no_earlier_row():
    later = [(3, "close", "nan"), (4, "high", "1")]
    early = collected_bars(texts()[:3], symbol="A").frame
    assert collected_bars(texts(later), symbol="A").frame[:3].equals(early)


def test_short_symbols_are_named_but_stay_and_none_long_enough_is_refused():
    frame = rows_of(
        *(("A", str(day), float(k + 1)) for k, day in enumerate(DAYS)), ("FB", "2019-03-04", 1.0)
    )
    read = validated_bars(frame)
    bars = with_short_symbols_named(read, needed=5)
    assert bars.frame is read.frame
    assert bars.findings[-1].line() == (
        "W66 FB: found 1 sessions, 5 needed for a forecast; rule: symbols with too little history "
        "get none. Fix: give a longer history."
    )
    assert with_short_symbols_named(read, needed=1) is read
    with pytest.raises(NotEnoughDataError) as raised:
        with_short_symbols_named(read, needed=6)
    assert (raised.value.needed, raised.value.found) == (6, 5)


def test_every_rule_of_the_table_has_a_number_of_the_catalogue_and_refusals_a_cure():
    rules = (*CELL_RULES, *SERIES_RULES)
    assert all(1 <= rule.number <= 79 for rule in rules)
    assert all(rule.fix for rule in rules if rule.response == "E")
