import polars as pl
import pytest

from tests.data.bar_frames import codes, days, read, the, where

DAYS = days(8)


def rows(*empty: tuple[int, str], copies: tuple[int, ...] = ()) -> pl.DataFrame:
    """Eight bars, close 10 to 17, with some cells empty; some rows again behind themselves."""
    close = [10.0 + k for k in range(8)]
    frame = pl.DataFrame(
        {
            "symbol": ["AAPL"] * 8,
            "date": DAYS,
            "open": [c - 0.5 for c in close],
            "high": [c + 1 for c in close],
            "low": [c - 1 for c in close],
            "close": close,
            "volume": [100 + k for k in range(8)],
        }
    )
    for row, column in empty:
        is_it = pl.int_range(pl.len()) == row
        frame = frame.with_columns(pl.when(~is_it).then(pl.col(column)).alias(column))
    order = sorted([*range(8), *copies])
    return frame[order]


def test_a_row_without_a_close_is_a_missing_row_and_one_without_a_range_is_a_close():
    bars = read(rows((3, "close"), (4, "volume"), (4, "open")))
    assert codes(bars) == {"W58": 2, "W52": 1}
    kept, missing = (finding for finding in bars.findings if finding.code == "W58")
    assert (kept.found, kept.column, missing.found) == ("no open, volume", "open", "no close")
    assert bars.frame["close"].to_list() == [10.0, 11.0, 12.0, 14.0, 15.0, 16.0, 17.0]
    assert bars.frame.row(3, named=True) | {"open": None, "high": 15.0, "volume": None} == (
        bars.frame.row(3, named=True)
    )


def test_a_price_of_zero_or_less_beside_a_close_is_missing_and_a_volume_of_zero_is_not():
    frame = rows().with_columns(
        pl.Series("open", [0.0, 10.5, -1.0, 12.5, 13.5, 14.5, 15.5, 16.5]),
        pl.Series("low", [9.0, 0.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0]),
        pl.Series("volume", [0] * 8),
    )
    bars = read(frame)
    assert bars.frame["open"].to_list() == [None, 10.5, None, 12.5, 13.5, 14.5, 15.5, 16.5]
    assert bars.frame["low"].to_list() == [9.0, None, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0]
    assert bars.frame["volume"].to_list() == [0.0] * 8
    assert (the(bars, "W58").found, the(bars, "W58").count) == ("no open above 0", 3)


def test_the_newest_row_without_a_close_says_which_is_the_last_complete_one():
    bars = read(rows((6, "close"), (7, "close"), (7, "volume")))
    assert codes(bars) == {"W57": 1, "W58": 1}
    finding = the(bars, "W57")
    assert (finding.session, finding.symbol) == (str(DAYS[7]), "AAPL")
    assert finding.found == f"no close; the last complete bar is of {DAYS[5]}"


def test_a_newest_row_with_its_close_alone_is_a_bar():
    bars = read(rows(*((7, name) for name in ("open", "high", "low", "volume"))))
    assert codes(bars) == {"W58": 1}
    assert bars.frame["close"][-1] == 17.0


def test_a_symbol_without_any_complete_row_is_refused():
    nothing = rows(*((k, "close") for k in range(8)))
    assert the(read(nothing), "E58").found == "no complete bar"
    assert read(nothing).frame.height == 0


def test_values_that_come_later_change_no_earlier_row():
    late = rows(*((k, "volume") for k in range(5)))
    whole, early = read(late), read(late.head(4))
    assert early.frame.equals(whole.frame.head(4))
    assert early.frame["volume"].null_count() == 4


FILLS = [  # rows without close, policy, rows filled, rows gone
    ([3], "ffill:1", [3], []),
    ([3, 4], "ffill:1", [3], [4]),
    ([3, 4], "ffill:2", [3, 4], []),
    ([3, 4, 5, 6], "ffill:3", [3, 4, 5], [6]),
    ([3, 5], "ffill:1", [3, 5], []),
    ([0, 1], "ffill:3", [], [0, 1]),  # nothing to take a close from
    ([7], "ffill:1", [7], []),  # the newest too: whether it is the newest is not known later
]


@pytest.mark.parametrize(("empty", "policy", "filled", "gone"), FILLS)
def test_so_many_incomplete_rows_in_a_row_take_the_last_close(empty, policy, filled, gone):
    bars = read(rows(*((k, "close") for k in empty)), fill=policy)
    kept = [k for k in range(8) if k not in gone]
    assert [kept[k] for k in where(bars, "filled")] == filled
    assert bars.frame["session"].to_list() == [DAYS[k] for k in kept]
    counts = codes(bars)
    assert counts.get("P58", 0) == len(filled)
    assert counts.get("W58", 0) == len(gone)
    last = 10.0
    for k, row in zip(kept, bars.frame.iter_rows(named=True), strict=True):
        if k in filled:
            assert [row[c] for c in ("open", "high", "low", "close", "volume")] == [last] * 4 + [
                0.0
            ]
        else:
            last = row["close"]
            assert (row["close"], row["volume"]) == (10.0 + k, 100.0 + k)


def test_no_symbol_is_filled_from_another():
    other = rows((0, "close")).with_columns(pl.lit("IBM").alias("symbol"))
    bars = read(rows(), other, fill="ffill:3")
    assert codes(bars) == {"W58": 1}
    assert bars.frame.filter(symbol="IBM")["close"][0] == 11.0


def test_an_incomplete_row_beside_a_complete_one_of_the_same_session_is_dropped():
    frame = pl.concat([rows(), rows((3, "close"))[3:4]])
    bars = read(frame, fill="ffill:1")
    assert codes(bars) == {"R40": 1, "W58": 1}
    assert bars.frame["close"].to_list() == [10.0 + k for k in range(8)]
    assert not bars.frame["filled"].any()


def test_a_filled_row_keeps_the_ratio_of_its_adjusted_close():
    adjusted = pl.Series("adj_close", [5.0, 5.5, 6.0, None, *[14.0 + k for k in range(4)]])
    bars = read(rows((3, "close")).with_columns(adjusted), fill="ffill:1")
    filled = bars.frame.row(3, named=True)
    assert [filled[c] for c in ("open", "close", "close_raw", "volume")] == [6.0, 6.0, 12.0, 0.0]
    assert the(bars, "P58").found == "no close, adj_close"
