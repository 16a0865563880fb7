import gzip
import importlib.resources
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

import nextclose
from nextclose.config import DataConfig
from nextclose.data.bars import assemble_bars
from nextclose.data.reading.prices import unchecked_prices
from tests.data.bar_frames import closes, codes, days, read, the, walk


def moved(factor: float, *, at: int = 30, n: int = 40, **columns: Any) -> pl.DataFrame:
    """Forty closes that jump by a factor, exactly, at row 30 and go on from there."""
    close = walk(n, sd=0.004)
    close[at:] *= factor * close[at - 1] / close[at]
    return closes(close, **columns)


# factor of the close, name of the split it looks like; ln 1.5 = 0.4055, tolerance 0.035
SPLITS = [
    (1 / 2, "2:1"),
    (2 / 3, "3:2"),
    (1 / 3, "3:1"),
    (1 / 7, "7:1"),
    (1 / 15, "15:1"),
    (1 / 50, "50:1"),
    (2.0, "1:2"),
    (1.5, "2:3"),
    (20.0, "1:20"),
    (np.exp(-np.log(2) - 0.034), "2:1"),
    (np.exp(-np.log(2) + 0.034), "2:1"),
    (np.exp(-np.log(2) - 0.036), None),
    (np.exp(-np.log(2) + 0.036), None),
    (np.exp(-np.log(1.5) - 0.034), "3:2"),
    (np.exp(-np.log(1.5) - 0.036), None),
    (np.exp(-0.3), None),
    (np.exp(-1.05 * np.log(50)), "50:1"),  # 5 % of ln 50 = 0.196
    (np.exp(-1.06 * np.log(50)), None),
    (1 / 100, None),  # pence and pounds: rule 61
]


@pytest.mark.parametrize(("factor", "name"), SPLITS)
def test_a_close_that_moves_as_a_split_would_is_refused(factor, name):
    bars = read(moved(factor))
    refused = [finding for finding in bars.findings if finding.code == "E59"]
    assert len(refused) == (name is not None)
    if name:
        assert refused[0].session == str(days(40)[30])
        assert refused[0].found.endswith(f"as a {name} split")
        assert f'data.not_a_split = ["AAPL {days(40)[30]}"]' in refused[0].fix
    assert bars.frame.height == 40


VOLUMES = [  # factor of the close, volume of the day over that before, whether refused
    (0.5, 2.0, True),
    (0.5, 0.6, True),  # as Microsoft's of 2003-02-18
    (0.5, 7.9, True),
    (0.5, 8.1, False),  # over four times what a 2:1 split explains
    (0.1, 39.0, True),
    (0.1, 41.0, False),
    (2.0, 0.5, True),
    (2.0, 1.0, True),
    (2.0, 4.1, False),  # a doubling on four times the volume is real
]


@pytest.mark.parametrize(("factor", "traded", "is_refused"), VOLUMES)
def test_a_volume_that_no_split_explains_makes_the_move_real(factor, traded, is_refused):
    volume = [1000] * 30 + [round(1000 * traded)] * 10
    assert ("E59" in codes(read(moved(factor, volume=volume)))) == is_refused


def test_volumes_of_nothing_say_nothing():
    volume = [0, 1] * 15 + [0] * 10
    assert "E59" in codes(read(moved(0.5, volume=volume)))


def test_a_move_that_the_settings_name_is_no_split():
    day = days(40)[30]
    assert codes(read(moved(0.5), not_a_split=(f"AAPL {day}",))) == {}
    assert codes(read(moved(0.5), not_a_split=(f"IBM {day}",))) == {"E59": 1, "W59": 1}


def test_across_a_gap_that_ends_the_segment_nothing_is_asked():
    close = walk(40, sd=0.004)
    close[30:] /= 2
    on = days(60)
    bars = read(closes(close, on=on[:30] + on[50:]), gaps="split")
    assert codes(bars) == {"P52": 1}


# --- where the file has both closes ---


def both(raw: np.ndarray, adjusted: np.ndarray) -> pl.DataFrame:
    return closes(raw, adj_close=adjusted)


SMOOTH = walk(40, sd=0.004)
BEFORE = np.arange(40) < 30


def test_a_split_that_the_adjusted_close_knows_is_counted():
    bars = read(both(np.where(BEFORE, 2 * SMOOTH, SMOOTH), SMOOTH))
    assert codes(bars) == {"R59": 1}
    assert the(bars, "R59").session == str(days(40)[30])
    assert the(bars, "R59").found == "a 2:1 split, in the adjusted close"


def test_a_reverse_split_that_the_adjusted_close_knows_is_counted():
    assert codes(read(both(np.where(BEFORE, SMOOTH / 10, SMOOTH), SMOOTH))) == {"R59": 1}


def test_where_the_ratio_does_not_move_a_crash_is_real():
    crash = np.where(BEFORE, 2 * SMOOTH, SMOOTH)
    assert codes(read(both(crash, 0.9 * crash))) == {}


def test_a_file_with_one_close_beside_one_with_both_is_still_asked():
    known = both(np.where(BEFORE, 2 * SMOOTH, SMOOTH), SMOOTH).with_columns(symbol=pl.lit("IBM"))
    rows = pl.int_range(1, 41, eager=True)
    parts = [
        unchecked_prices(frame, path=path, rows=rows, config=DataConfig())
        for path, frame in (("ibm.csv", known), ("aapl.csv", moved(0.5)))
    ]
    bars = assemble_bars(parts)
    assert codes(bars) == {"R59": 1, "E59": 1}
    assert the(bars, "E59").path == "aapl.csv"
    aapl = bars.frame.filter(symbol="AAPL")
    assert aapl["close_raw"].equals(aapl["close"].alias("close_raw"))


DIVIDENDS = [  # raw close, adjusted close, codes
    (np.where(BEFORE, SMOOTH / 0.97, SMOOTH), SMOOTH, {}),  # 3 %, in once
    (np.where(BEFORE, SMOOTH / 0.8, SMOOTH), SMOOTH, {}),  # a special one of 20 %
    (SMOOTH, np.where(np.arange(40) == 30, 0.97 * SMOOTH, SMOOTH), {"W60": 1}),  # down and up
    (SMOOTH, np.where(BEFORE, SMOOTH, 0.9 * SMOOTH), {"W60": 1}),  # the ratio falls
    (SMOOTH, np.where(BEFORE, 0.9 * SMOOTH, SMOOTH), {"W60": 1}),  # the adjusted close takes it
    (SMOOTH, np.where(BEFORE, 0.5 * SMOOTH, SMOOTH), {"W60": 1}),  # a split, twice in
    (SMOOTH, np.where(BEFORE, 0.97 * SMOOTH, SMOOTH), {}),  # too small to tell from a rise
    (SMOOTH, np.round(0.02 * SMOOTH, 2), {}),  # two decimals of a price of 1
]


@pytest.mark.parametrize(("raw", "adjusted", "expected"), DIVIDENDS)
def test_a_ratio_that_cannot_be_right_is_told(raw, adjusted, expected):
    bars = read(both(raw, adjusted))
    assert codes(bars) == expected
    assert all(f.session in map(str, days(40)[30:32]) for f in bars.findings if f.code == "W60")


# --- pence and pounds ---

UNITS = [  # rows whose closes are multiplied, by what, rows told
    (range(30, 33), 100.0, [30]),
    (range(30, 40), 100.0, [30]),
    (range(30, 40), 0.01, [30]),
    (range(30, 31), 0.01, [30]),
    (range(30, 40), 75.0, [30]),
    (range(30, 40), 70.0, []),
    (range(5, 40), 100.0, [5]),
    (range(4, 40), 100.0, []),  # four closes are too few to know the unit by
]


@pytest.mark.parametrize(("rows", "factor", "told"), UNITS)
def test_a_hundredfold_of_the_closes_before_is_a_change_of_unit(rows, factor, told):
    close = walk(40, sd=0.004)
    close[list(rows)] *= factor
    bars = read(closes(close))
    flips = [finding for finding in bars.findings if finding.code == "E61"]
    assert [finding.session for finding in flips] == [str(days(40)[k]) for k in told]
    assert bars.frame["close"].to_list() == close.tolist()


def test_the_first_change_of_unit_is_told_and_the_others_counted():
    close = walk(80, sd=0.004)
    close[30] *= 100
    close[60] *= 100
    finding = the(read(closes(close)), "E61")
    assert (finding.session, finding.count) == (str(days(80)[30]), 2)
    assert "about 100 times the median" in finding.found


def test_the_unit_is_that_of_the_twenty_closes_before_not_of_all():
    close = np.concatenate([np.full(60, 10.0), np.full(20, 20.0), np.full(20, 2000.0)])
    close *= 1 + 0.001 * (np.arange(100) % 2)
    sessions = [f.session for f in read(closes(close)).findings if f.code == "E61"]
    assert sessions == [str(days(100)[80])]  # 200 times the median of all


# --- real prices ---


def raw_sample() -> pl.DataFrame:
    source = importlib.resources.files("bokeh_sampledata").joinpath("_data", "stocks.csv.gz")
    return pl.read_csv(gzip.decompress(source.read_bytes())).drop("Adj Close")


@pytest.mark.parametrize("columns", [["Close"], ["Close", "Volume"]])
def test_of_the_samples_raw_closes_two_of_three_splits_are_found_and_no_crash(columns):
    bars = read(raw_sample().select("Ticker", "Date", *columns))
    texts = {(f.symbol, f.session): f.found for f in bars.findings if f.code == "E59"}
    assert texts == {
        ("AAPL", "2005-02-28"): "44.86 after 88.99 (-49.6 %), as a 2:1 split",
        ("MSFT", "2003-02-18"): "24.96 after 48.3 (-48.3 %), as a 2:1 split",
    }


def test_the_bundled_sample_is_clean():
    bars = nextclose.sample_bars()
    assert codes(bars) == {"R59": 3}
    assert the(bars, "R59").session == "2000-06-21"
    assert bars.frame["segment"].max() == 0
    assert date(2000, 9, 29) in bars.frame["session"].to_list()
