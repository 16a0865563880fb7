import numpy as np
import polars as pl
import pytest

from nextclose.data.rules import outliers
from tests.data.bar_frames import closes, codes, days, read, the, walk, where


def zigzag(n: int, *, size: float = 0.01) -> np.ndarray:
    """Closes that go up and down by a log return of 1 %: its robust s.d. is 1.4826 %."""
    return np.asarray(50 * np.exp(size * (np.arange(n) % 2)))


def jumped(log_return: float, *, at: int, n: int = 120, stays: bool = True) -> np.ndarray:
    close = zigzag(n)
    stop = n if stays else at + 1
    close[at:stop] *= np.exp(log_return - np.log(close[at] / close[at - 1]))
    return close


BOUND = 20 * 1.4826 * 0.01  # 0.29652
JUMPS = [  # log return at a row, the row, whether a spike
    (BOUND + 1e-6, 100, True),
    (-BOUND - 1e-6, 100, True),
    (BOUND - 1e-6, 100, False),
    (-BOUND + 1e-6, 100, False),
    (BOUND + 1e-6, 61, True),  # 60 returns before
    (BOUND + 1e-6, 60, False),
]


@pytest.mark.parametrize(("size", "at", "is_spike"), JUMPS)
def test_a_move_of_twenty_robust_deviations_of_the_past_is_marked(size, at, is_spike):
    bars = read(closes(jumped(size, at=at)))
    assert codes(bars) == ({"W64": 1} if is_spike else {})
    assert where(bars, "spiked") == ([at] if is_spike else [])
    if is_spike:
        assert the(bars, "W64").session == str(days(120)[at])


EARLY = [  # a factor that closes move by from a row on, the row, whether told
    (0.3, 30, True),
    (3.5, 30, True),
    (0.4, 60, True),  # 5:2
    (0.6, 60, True),  # 5:3
    (0.6, 1, True),
    (0.65, 30, False),  # as small companies fall
    (1.6, 30, False),
    (0.6, 61, True),  # by the past
]


@pytest.mark.parametrize(("factor", "at", "is_spike"), EARLY)
def test_a_huge_move_early_in_a_life_is_told_and_marked(factor, at, is_spike):
    bars = read(closes(jumped(np.log(factor), at=at)))
    assert codes(bars) == ({"W64": 1} if is_spike else {})
    assert where(bars, "spiked") == ([at] if is_spike else [])


def test_a_huge_move_is_written_out():
    close = zigzag(120)
    close[100:] *= 979
    assert the(bars := read(closes(close)), "W64").found.startswith("a move of +9")
    assert "e+" not in the(bars, "W64").found


def test_the_way_back_is_a_spike_too_for_on_the_day_itself_nobody_knows():
    bars = read(closes(jumped(0.32, at=100, stays=False)))
    assert where(bars, "spiked") == [100, 101]


def test_the_past_is_that_of_the_segment():
    on = days(200)
    close = np.concatenate([zigzag(80), jumped(0.32, at=40, n=80)])
    assert codes(read(closes(close, on=on[:80] + on[100:180]), gaps="split")) == {"P52": 1}


def test_only_the_last_250_returns_count():
    close = zigzag(400, size=0.001)
    close[100:] = close[100:] * np.exp(0.009 * (np.arange(300) % 2))  # ten times as wild since
    quiet_mixed = close.copy()
    quiet_mixed[345:] *= np.exp(0.1)  # 5 % of what 250 wild returns allow, most of quiet ones
    assert where(read(closes(quiet_mixed)), "spiked") == []
    early = close.copy()
    early[150:] *= np.exp(0.1)  # 100 quiet returns before, 50 wild ones: the median is quiet
    assert where(read(closes(early)), "spiked") == [150]


def test_a_price_that_mostly_stands_still_has_no_scale():
    close = np.full(120, 50.0)
    close[::10] = 50.01
    close[100] = 60.0
    assert codes(read(closes(close))) == {}


def test_a_split_is_a_spike_too_and_a_change_of_unit_is_not():
    halved = jumped(-np.log(2), at=100)
    assert codes(read(closes(halved))) == {"E59": 1, "W64": 1}
    real_move = (f"AAPL {days(120)[100]}",)
    assert codes(read(closes(halved), not_a_split=real_move)) == {"W64": 1}
    assert codes(read(closes(jumped(np.log(100), at=100, stays=False)))) == {"E61": 1}


def test_beyond_tenfold_a_move_is_a_spike_whatever_the_past():
    for at, size in ((5, 2.4), (100, -2.4)):
        bars = read(closes(jumped(size, at=at, stays=False)))
        assert where(bars, "spiked") == [at, at + 1]
        clipped = read(closes(jumped(size, at=at, stays=False)), spikes="clip")
        assert abs(np.log(clipped.frame["close"][at] / 50)) < 2.33
    wild = zigzag(120, size=0.2)  # twenty deviations would be a factor of 376
    wild[100:] *= 12
    assert where(read(closes(wild)), "spiked") == [100]


def test_clipping_brings_the_close_to_the_bound_and_the_row_with_it():
    close = jumped(0.6, at=100, stays=False)
    before, usual = close[99], close[101]
    frame = closes(
        close, open=close, high=close * 1.01, low=np.minimum(close, before) * 0.99, volume=[9] * 120
    )
    bars = read(frame, spikes="clip")
    row = bars.frame.row(100, named=True)
    bound = before * np.exp(BOUND)
    assert row["close"] == pytest.approx(bound, rel=1e-12)
    assert row["open"] == row["high"] == pytest.approx(bound, rel=1e-12)
    assert row["low"] == pytest.approx(before * 0.99, rel=1e-12)
    assert row["low"] <= min(row["open"], row["close"]) <= row["high"]
    # the next close, 0.3 below the clipped one, is judged against it: that is 3e-3 too much
    assert bars.frame["close"][101] == pytest.approx(usual, rel=5e-3)
    assert where(bars, "spiked")[0] == 100
    assert the(bars, "P64").session == str(days(120)[100])
    assert bars.frame["close"][102:].to_list() == close[102:].tolist()


def test_a_move_that_stays_is_reached_in_steps():
    close = jumped(-0.8, at=100)
    bars = read(closes(close), spikes="clip")
    assert where(bars, "spiked") == [100, 101]
    log_closes = np.log(bars.frame["close"].to_numpy())
    assert log_closes[100] - log_closes[99] == pytest.approx(-BOUND, rel=1e-9)
    assert bars.frame["close"][102:].to_list() == close[102:].tolist()


def test_clipping_keeps_the_ratio_to_the_raw_close():
    close = jumped(0.6, at=100, stays=False)
    bars = read(closes(2 * close, adj_close=close), spikes="clip")
    row = bars.frame.row(100, named=True)
    assert row["close_raw"] == pytest.approx(2 * row["close"], rel=1e-12)


def stood(sizes: np.ndarray) -> pl.DataFrame:
    """Rows of one segment with these absolute log returns, up and down in turn."""
    n = len(sizes)
    close = 50 * np.exp(np.cumsum(sizes * (1 - 2 * (np.arange(n) % 2))))
    return pl.DataFrame({"series": [0] * n, "close": close, "breaks": [False] * n}).with_columns(
        is_real_move=pl.lit(value=True)
    )


def test_small_returns_spread_as_thinly_as_can_be_are_seen():
    """Of 250 returns 126 are small, 21 in each block of 50 that they touch: half and one more."""
    sizes = np.full(300, 0.02)
    for start in (29, 50, 100, 150, 200, 250):
        sizes[start : start + 21] = 0.001
    sizes[275] = 20 * 1.4826 * 0.001 + 1e-6
    assert outliers.spikes(stood(sizes))["at"].to_list() == [275]
    sizes[275] -= 2e-6
    assert outliers.spikes(stood(sizes))["at"].to_list() == []


def test_of_sixty_returns_in_three_blocks_the_small_half_is_seen():
    sizes = np.full(160, 0.02)
    sizes[:46] = np.nan  # the segment's first return is that of row 46
    for start, n in ((46, 4), (50, 23), (100, 4)):
        sizes[start : start + n] = 0.001
    sizes[106] = 20 * 1.4826 * 0.001 + 1e-6
    frame = stood(np.nan_to_num(sizes)).with_columns(breaks=pl.int_range(pl.len()) <= 45)
    assert outliers.spikes(frame)["at"].to_list() == [106]


def test_with_an_even_number_the_median_lies_between_the_middle_two():
    sizes = np.where(np.arange(300) % 2, 0.0005, 0.0015)
    sizes[275] = 20 * 1.4826 * 0.001 + 1e-6
    assert outliers.spikes(stood(sizes))["at"].to_list() == [275]


def test_no_spike_is_missed_by_looking_at_likely_rows_alone():
    """Against the definition, row by row, on wild and on illiquid returns."""
    noise = np.random.default_rng(0)
    sizes = np.abs(0.01 * noise.standard_t(2, 3000))
    sizes[1000:1600] *= np.where(noise.random(600) < 0.45, 0, 1)
    sizes[::97] *= 30
    is_start = np.zeros(3000, dtype=bool)
    is_start[[0, 700, 731, 1900]] = True
    sizes[is_start] = np.nan
    starts = np.flatnonzero(is_start)
    expected = []
    for row in range(3000):
        first = starts[starts <= row][-1] + 1
        past = sizes[max(first, row - 250) : row]
        if len(past) >= 60 and np.median(past) > 0:
            expected += [row] if sizes[row] > 20 * 1.4826 * np.median(past) else []
    close = 50 * np.exp(np.cumsum(np.nan_to_num(sizes) * np.where(noise.random(3000) < 0.5, -1, 1)))
    frame = pl.DataFrame({"series": [0] * 3000, "close": close, "breaks": is_start}).with_columns(
        is_real_move=pl.lit(value=True)  # a move that looks like a split is real
    )
    rows = outliers.spikes(frame)["at"].to_list()
    assert len(expected) > 20
    assert rows == [row for row in expected if abs(sizes[row] - np.log(100)) >= 0.3]


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
