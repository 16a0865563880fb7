import numpy as np
import polars as pl
import pytest

from tests.data.bar_frames import closes, codes, days, read, the, walk, where


def halt(n_still: int, *, before: int = 40, after: int = 20, price: float | None = None):
    """Trading, then rows without volume at the last close (or `price`), then trading again."""
    head, tail = walk(before), walk(after, seed=1)
    still = np.full(n_still, head[-1] if price is None else price)
    volume = [1000] * before + [0] * n_still + [1000] * after
    return closes(np.concatenate([head, still, tail]), volume=volume)


HALTS = [  # still rows, rows marked (from the start of the halt), rows gone
    (4, range(0), range(0)),
    (5, range(4, 5), range(0)),
    (12, range(4, 12), range(0)),
    (59, range(4, 59), range(0)),
    (60, range(4, 59), range(59, 60)),
    (70, range(4, 59), range(59, 70)),
]


@pytest.mark.parametrize(("n_still", "marked", "gone"), HALTS)
def test_a_halt_is_marked_from_its_fifth_row_and_cut_out_from_its_sixtieth(n_still, marked, gone):
    bars = read(halt(n_still))
    assert codes(bars) == ({"W63": n_still - 4} if n_still > 4 else {})
    assert where(bars, "halted") == [40 + k for k in marked]
    on = days(60 + n_still)
    kept = [day for k, day in enumerate(on) if k - 40 not in gone]
    assert bars.frame["session"].to_list() == kept
    n_first = 40 + n_still - len(gone)
    assert bars.frame["segment"].to_list() == [0] * n_first + [1 if gone else 0] * 20


def test_a_halt_is_told_once_with_its_first_marked_row():
    finding = the(read(halt(12)), "W63")
    assert (finding.symbol, finding.session) == ("AAPL", str(days(45)[44]))
    assert finding.found.endswith("for the 5th time without volume")


def test_rows_with_a_little_volume_or_another_close_are_no_halt():
    frame = halt(12)
    traded = frame.with_columns(volume=pl.when(pl.int_range(72) == 46).then(7).otherwise("volume"))
    assert where(read(traded), "halted") == [44, 45, 51]  # of six still rows, and of five
    moved = frame.with_columns(close=pl.when(pl.int_range(72) == 44).then(9.0).otherwise("close"))
    assert where(read(moved), "halted") == [49, 50, 51]  # 4 still rows, 1 other, then 7 again


def test_two_symbols_side_by_side_make_no_halt_together():
    first = closes([10.0, 11.0, 12.0, 12.0, 12.0], volume=[9, 9, 0, 0, 0])
    second = closes([12.0, 12.0, 12.0, 13.0, 14.0], symbol="IBM", volume=[0, 0, 0, 9, 9])
    assert codes(read(first, second)) == {}


def test_without_a_volume_equal_closes_are_no_halt():
    assert codes(read(closes([10.0, 11.0, *[12.0] * 70]))) == {}


def test_a_close_that_never_moves_is_refused_by_symbol_and_stays_when_collected():
    bars = read(closes([12.5] * 5), closes([1.0, 1.1, 1.1, 1.1, 1.1], symbol="IBM"))
    finding = the(bars, "E65")
    assert (finding.symbol, finding.session, finding.column) == ("AAPL", "", "close")
    assert finding.found == "constant close 12.5: nothing to forecast"
    assert bars.frame.height == 10
    assert codes(read(closes([12.5] * 4))) == {}
