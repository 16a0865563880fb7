import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextclose.config import DataConfig
from nextclose.errors import DataError
from tests.data.bar_texts import DAYS, codes, findings_of, refusals, rows_of, texts
from tests.frames import collect_bars, validate_bars


def test_a_message_names_file_row_column_symbol_session_value_rule_and_cure():
    (finding,) = refusals(texts([(1, "close", "-12.5")]), symbol="AAPL")
    assert finding.line() == (
        "E54 prices.csv row 2, column close, AAPL 2019-03-05: found -12.5; rule: price > 0. "
        'Fix: correct the file or set data.nonpositive = "drop".'
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
        validate_bars(frame)
    assert [finding.row for finding in raised.value.findings] == list(range(1, 31))
    assert [finding.code for finding in raised.value.findings[:3]] == ["E54", "E35", "E54"]
    assert len(str(raised.value).splitlines()) == 21
    assert "10 more" in str(raised.value)


def test_past_the_hundredth_a_rule_counts_instead_of_naming():
    findings = refusals(rows_of(*(("AAPL", f"{1900 + k}-01-02", -1.0) for k in range(150))))
    assert len(findings) == 100
    assert sum(finding.count for finding in findings) == 150


def test_the_ratio_of_adjusted_to_raw_close_scales_the_row():
    frame = texts().with_columns(pl.Series("Adj Close", ["5.5", "6", "6.5", "14", "15"]))
    bars = collect_bars(frame, symbol="AAPL")
    assert bars.basis == "adjusted"
    assert codes(bars) == {"E60": 1, "R22": 1, "W26": 1, "W64": 1}  # no raw close has that split
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
    row = validate_bars(frame, symbol="A").frame.row(0, named=True)
    assert row["low"] <= row["close"] == close * ratio <= row["high"]


@pytest.mark.parametrize("text", ["", "nan", "NaN", "null"])
@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_an_empty_cell_stays_empty_and_a_row_without_a_close_is_a_missing_row(column, text):
    bars = validate_bars(texts([(1, column, text), (2, column, text)]), symbol="AAPL")
    kept = [DAYS[0], DAYS[3], DAYS[4]] if column == "close" else DAYS
    assert bars.frame["session"].to_list() == kept
    assert [k for k, cell in enumerate(bars.frame[column]) if cell is None] == (
        [] if column == "close" else [1, 2]
    )
    (note,) = findings_of(bars, "W58")
    assert (note.row, note.session, note.found, note.count) == (2, "2019-03-05", f"no {column}", 2)


def test_a_bar_of_zeros_is_a_missing_row():
    zeros = [(1, column, "0") for column in ("open", "high", "low", "close")]
    bars = validate_bars(texts(zeros), symbol="AAPL")
    assert bars.frame["session"].to_list() == [DAYS[0], *DAYS[2:]]
    assert codes(bars) == {"W52": 1, "W56": 1}


def test_a_symbol_without_a_complete_bar_is_refused():
    (finding,) = refusals(pl.DataFrame({"date": DAYS[:1], "close": [None]}), symbol="A")
    assert (finding.code, finding.found) == ("E58", "no complete bar")
    assert finding.fix == "leave A out, or give its prices."


def test_rows_out_of_order_are_sorted_and_the_moved_ones_counted():
    bars = validate_bars(texts()[[0, 3, 1, 2, 4]], symbol="AAPL")
    assert bars.fingerprint == validate_bars(texts(), symbol="AAPL").fingerprint
    (repair,) = findings_of(bars, "R40")
    assert (repair.row, repair.session, repair.count) == (3, "2019-03-05", 2)


def test_newest_first_is_reversed():
    bars = validate_bars(texts().reverse(), symbol="AAPL")
    assert bars.fingerprint == validate_bars(texts(), symbol="AAPL").fingerprint
    assert codes(bars) == {"R41": 5}


def test_symbols_interleaved_by_date_need_no_repair():
    frame = rows_of(
        ("B", "2019-03-04", 21.0),
        ("A", "2019-03-04", 11.0),
        ("B", "2019-03-05", 22.0),
        ("A", "2019-03-05", 12.0),
    )
    bars = validate_bars(frame)
    assert bars.frame["close"].to_list() == [11.0, 12.0, 21.0, 22.0]
    assert codes(bars) == {"W21": 1}


def test_an_exact_copy_of_a_row_is_dropped_and_counted():
    bars = validate_bars(texts()[[0, 1, 1, 2, 3, 4, 0]], symbol="AAPL")
    assert bars.fingerprint == validate_bars(texts(), symbol="AAPL").fingerprint
    assert codes(bars) == {"R40": 1, "R42": 2}


@settings(max_examples=60)
@given(st.permutations(range(10)))
def test_shuffled_rows_give_the_same_bars(order):
    frame = pl.concat(
        [texts().with_columns(pl.lit(symbol).alias("symbol")) for symbol in ("MSFT", "AAPL")]
    )
    assert validate_bars(frame[order]).frame.equals(validate_bars(frame).frame)


def test_what_happens_later_changes_no_earlier_row():
    later = [(3, "close", "nan"), (4, "high", "1")]
    early = collect_bars(texts()[:3], symbol="A").frame
    assert collect_bars(texts(later), symbol="A").frame[:3].equals(early)


def test_settings_that_speak_of_no_symbol_are_told():
    config = DataConfig(since={"APPL": DAYS[0]}, not_a_split=("APPL 2019-03-05",))
    read = validate_bars(texts(), symbol="AAPL", config=config)
    told = [f for f in read.findings if "no symbol" in f.found]
    assert [(f.code, f.found, f.rule.split(" ")[0]) for f in told] == [
        ("W67", "no symbol APPL", "data.since"),
        ("W59", "no symbol APPL", "data.not_a_split"),
    ]
    assert read.frame.height == 5
