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
from nextclose.schema import Bars
from tests.data.bar_frames import closes, codes, days, read, the, walk, where


def moved(factor: float, *, at: int = 30, n: int = 40, **columns: Any) -> pl.DataFrame:
    """Forty closes that jump by a factor, exactly, at row 30 and go on from there."""
    close = walk(n, sd=0.004)
    close[at:] *= factor * close[at - 1] / close[at]
    return closes(close, **columns)


def bars_of(factor: float, *, gap: float | None = None, traded: float | None = None) -> Bars:
    """The same, with opens and volumes: the gap at night, the volume over that of the days before.

    The gap is the close's move if none is given, the volume what a split of that factor makes.
    """
    frame = moved(factor)
    close = frame["close"].to_numpy()
    opened = np.append(close[0], close[:-1])
    opened[30] *= factor if gap is None else gap
    volume = np.full(40, 1000.0)
    volume[30:] *= max(1.0, 1 / factor) if traded is None else traded
    return read(frame.with_columns(open=opened, volume=volume.round()))


def refused(bars: Bars) -> list[tuple[str, str]]:
    return [(f.symbol, f.session) for f in bars.findings if f.code == "E59"]


DAY = str(days(40)[30])

# factor of the close, name of the split it looks like, whether that is refused: closes alone
SPLITS = [
    (1 / 2, "2:1 split", True),
    (1 / 3, "3:1 split", True),
    (1 / 7, "7:1 split", True),
    (1 / 10, "10:1 split", True),
    (2.0, "1:2 split", True),
    (5.0, "1:5 split", True),
    (np.exp(-np.log(2) - 0.019), "2:1 split", True),
    (np.exp(-np.log(2) + 0.019), "2:1 split", True),
    (np.exp(-np.log(2) - 0.021), None, False),  # told as any early move is
    (np.exp(-np.log(2) + 0.021), None, False),
    (2 / 3, "3:2 split", False),  # a real fall is as likely: open and volume must say so
    (1.5, None, False),  # nobody makes two shares of three
    (1 / 12, "split of about 12:1", True),  # beyond ten-fold, whatever the ratio
    (12.0, "split of about 1:12", True),
    (30.0, "split of about 1:30", True),
    (150.0, "split of about 1:150", True),
    (1000.0, "split of about 1:1000", True),
    (1 / 50, "split of about 50:1", True),
    (11.3, "split of about 1:11", True),
    (1 / 100, None, False),  # pence and pounds: rule 61
]


@pytest.mark.parametrize(("factor", "name", "is_refused"), SPLITS)
def test_a_close_that_moves_as_a_split_would_is_refused_or_told(factor, name, is_refused):
    bars = read(moved(factor))
    told = [finding for finding in bars.findings if finding.number == 59]
    assert [finding.code for finding in told if finding.code == "E59"] == ["E59"] * is_refused
    if name:
        assert told[0].session == DAY
        assert told[0].found.endswith(f"as a {name}")
    else:
        assert told == []
    if is_refused:
        assert "data.splits = FILE" in told[0].fix
        assert f'data.not_a_split = ["AAPL {DAY}"]' in told[0].fix
    is_far = abs(np.log(factor)) > 0.5 and factor != 1 / 100
    assert where(bars, "spiked") == ([30] if name or is_far else [])
    assert bars.frame.height == 40


EVIDENCE = [  # factor of the close, the gap at night, volume over the usual, whether refused
    (0.5, 0.5, 2.0, True),
    (0.5, 0.5, 0.6, True),  # as Microsoft's of 2003-02-18
    (0.5, 0.5, 5.9, True),
    (0.5, 0.5, 6.1, False),  # over three times what a 2:1 split explains
    (0.1, 0.1, 29.0, True),
    (0.1, 0.1, 31.0, False),
    (2.0, 2.0, 1.0, True),
    (2.0, 2.0, 3.1, False),  # a doubling on three times the volume is real
    (0.5, 0.52, 2.0, True),
    (0.5, 0.53, 2.0, False),  # the gap alone is 6 % short of it
    (0.5, 0.98, 2.0, False),  # a fall by day
    (0.54, 0.5, 2.0, True),  # the gap is the split, the day made 8 %
    (0.56, 0.5, 2.0, False),
    (2 / 3, 2 / 3, 1.5, True),
    (2 / 3, 0.66, 4.4, True),
    (2 / 3, 0.65, 1.5, False),  # 2.5 % from 3:2
    (2 / 3, 0.95, 1.5, False),
    (2 / 3, 2 / 3, 4.6, False),
    (0.69, 2 / 3, 1.5, False),
]


@pytest.mark.parametrize(("factor", "gap", "traded", "is_refused"), EVIDENCE)
def test_gap_and_volume_must_agree_with_a_split(factor, gap, traded, is_refused):
    assert bool(refused(bars_of(factor, gap=gap, traded=traded))) == is_refused


@pytest.mark.parametrize("factor", [12.0, 1 / 12, 40.0])
def test_beyond_tenfold_nothing_speaks_against_a_refusal(factor):
    assert refused(bars_of(factor, gap=1.0, traded=50.0)) == [("AAPL", DAY)]


def test_volumes_of_nothing_say_nothing():
    volume = [0, 1] * 15 + [0] * 10
    assert "E59" in codes(read(moved(0.5, volume=volume)))


def test_a_move_that_the_settings_name_is_no_split():
    for factor in (0.5, 12.0):
        left = {"W64": 1} if factor > 10 else {}
        bars = read(moved(factor), not_a_split=(f"AAPL {DAY}",))
        assert codes(bars) == {"W64": 1}
        assert bars.frame["close"].to_list() == moved(factor)["close"].to_list()
        assert (
            codes(read(moved(factor), not_a_split=(f"IBM {DAY}",))) == {"E59": 1, "W59": 1} | left
        )


def test_a_fall_within_the_symbols_own_swings_is_none():
    close = walk(60, sd=0.12)  # a half is six of its deviations
    close[40:] *= 0.5 * close[39] / close[40]
    bars = read(closes(close))
    assert codes(bars) == {"W59": 1}
    assert "2:1" in the(bars, "W59").found


def test_no_share_is_split_to_less_than_two():
    cheap = moved(0.5).with_columns(pl.col("close") / 15)
    assert codes(read(cheap)) == {"W59": 1}
    assert refused(read(moved(2.0).with_columns(pl.col("close") / 100)))  # but put together


# --- a tick that comes back ---

TICKS = [  # factor, rows it lasts, codes; the rows marked
    (10.0, 1, {"W64": 2}, [70, 71]),
    (0.1, 1, {"W64": 2}, [70, 71]),
    (10.4, 1, {"W64": 2}, [70, 71]),
    (40.0, 2, {"W64": 2}, [70, 72]),
    (12.0, 3, {"E59": 2, "W64": 2}, [70, 73]),
    (100.0, 1, {"E61": 1}, []),
    (2.0, 1, {"W64": 2}, [70, 71]),
]


@pytest.mark.parametrize(("factor", "n", "expected", "marked"), TICKS)
def test_a_tick_that_comes_back_is_an_outlier_at_its_own_row_and_no_split(
    factor, n, expected, marked
):
    close = walk(120, sd=0.004)
    close[70 : 70 + n] *= factor
    bars = read(closes(close))
    assert codes(bars) == expected
    assert where(bars, "spiked") == marked


def test_in_a_young_symbol_too_a_tenfold_tick_is_marked():
    close = walk(40, sd=0.004)
    close[7] *= 11.5
    bars = read(closes(close))
    assert codes(bars) == {"W64": 2}
    assert where(bars, "spiked") == [7, 8]


@pytest.mark.parametrize("n_after", [0, 1])
def test_in_the_newest_bars_nobody_can_tell_a_tick_from_a_split(n_after):
    close = walk(90, sd=0.004)
    close[90 - 1 - n_after :] *= 10.4
    bars = read(closes(close))
    assert codes(bars) == {"E59": 1, "W64": 1}
    assert where(bars, "spiked") == [89 - n_after]


def test_ticks_are_clipped_where_that_is_asked_for_and_splits_are_not_hidden_by_it():
    tick, split = walk(120, sd=0.004), walk(120, sd=0.004)
    tick[70] *= 10.4
    split[70:] *= 12
    bars = read(closes(tick), spikes="clip")
    assert codes(bars) == {"P64": 1}
    assert bars.frame["close"].to_numpy() == pytest.approx(walk(120, sd=0.004), rel=0.2)
    assert refused(read(closes(split), spikes="clip")) == [("AAPL", str(days(120)[70]))]


# --- the other symbols ---


def panel(first: np.ndarray, *, n_others: int, fall: float = 0.0, at: int = 30) -> Bars:
    """A symbol with opens and volumes among others, all of which fall on the day of its move."""
    opened = np.append(first[0], first[:-1])
    opened[at] *= first[at] / first[at - 1]
    frames = [closes(first, open=opened, volume=[1000] * len(first))]
    for k in range(n_others):
        close = walk(len(first), seed=k + 1, sd=0.004)
        close[at:] *= np.exp(-fall)
        opened = np.append(close[0], close[:-1])
        volume = [1000] * len(close)
        frames.append(closes(close, symbol=f"S{k:03}", open=opened, volume=volume))
    return read(*frames)


MARKETS = [  # factor, other symbols, their fall, whether refused
    (0.5, 1, 0.0, True),
    (0.5, 30, 0.0, True),
    (0.5, 30, 0.06, True),
    (0.5, 30, 0.08, False),  # more than a tenth of it
    (2 / 3, 30, 0.0, True),
    (2 / 3, 30, 0.05, False),
    (2 / 3, 19, 0.0, False),  # too few to be a market, and a small split
    (2 / 3, 0, 0.0, True),
    (1 / 12, 30, 0.5, True),
]


@pytest.mark.parametrize(("factor", "n_others", "fall", "is_refused"), MARKETS)
def test_on_a_day_that_moves_the_others_a_move_is_no_split(factor, n_others, fall, is_refused):
    close = walk(40, sd=0.004)
    close[30:] *= factor * close[29] / close[30]
    bars = panel(close, n_others=n_others, fall=fall)
    assert refused(bars) == ([("AAPL", DAY)] if is_refused else [])
    assert bars.frame.filter(symbol="AAPL")["spiked"].to_list() == [k == 30 for k in range(40)]


def test_in_a_crash_of_all_none_is_refused():
    """Ninety symbols that fall by a quarter to a half in a day, as in 1987, opens and all."""
    draw = np.random.default_rng(3)
    frames = []
    for k, fall in enumerate(np.linspace(0.25, 0.75, 90)):
        close = np.round(walk(150, seed=k, sd=0.015), 2)
        close[100:] *= np.exp(-fall)
        opened = np.append(close[0], close[:-1])
        opened[100] = close[100] * np.exp(0.02 * draw.standard_normal())
        volume = (1e6 * np.exp(0.3 * draw.standard_normal(150))).round()
        volume[100:110] *= 3
        frames.append(closes(close, symbol=f"S{k:03}", open=opened, volume=volume))
    bars = read(*frames)
    assert refused(bars) == []
    assert codes(bars)["W64"] > 60


def dying(seed: int) -> pl.DataFrame:
    """A company on its way to die: swings that grow, days of -30 to -80 % on news, below 1."""
    draw = np.random.default_rng(seed)
    n, fallen = 400, np.sort(np.random.default_rng(seed).choice(np.arange(100, 395), 5, False))
    steps = draw.standard_t(4, n) * np.linspace(0.02, 0.07, n)
    gaps = 0.3 * steps
    steps[fallen] = np.log(1 - draw.uniform(0.3, 0.8, 5))
    steps[fallen[0]] = np.log(0.5)  # the bankruptcy: to the cent what a 2:1 split would be
    gaps[fallen] = steps[fallen] * draw.uniform(0.7, 1.05, 5)
    volume = 1e6 * np.exp(0.6 * draw.standard_normal(n))
    volume[fallen] = 1.2e6 * draw.uniform(9, 40, 5)
    close = 30 * np.exp(np.cumsum(steps))
    opened = np.append(30.0, close[:-1]) * np.exp(gaps)
    name = f"D{seed:03}"
    return closes(close.round(4), symbol=name, open=opened.round(4), volume=volume.round())


@pytest.mark.parametrize("is_alone", [True, False])
def test_companies_on_their_way_to_die_are_not_refused(is_alone):
    frames = [dying(seed) for seed in range(40)]
    loads = [read(frame) for frame in frames] if is_alone else [read(*frames)]
    assert [name for bars in loads for name in refused(bars)] == []
    assert sum(codes(bars).get("W59", 0) for bars in loads) > 5


@pytest.mark.parametrize("is_alone", [True, False])
def test_falls_on_their_way_to_die_are_told_and_marked(is_alone):
    frame = dying(0)
    bars = read(frame) if is_alone else read(*(dying(seed) for seed in range(5)))
    close = bars.frame.filter(symbol="D000")
    is_half = (close["close"] / close["close"].shift(1) - 0.5).abs() < 1e-3
    assert close.filter(is_half)["spiked"].all()


# --- prices that are adjusted, as their source says ---


def adjusted(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.rename({"close": "adj_close"})


def test_of_adjusted_prices_a_move_is_told_at_most():
    assert codes(read(adjusted(moved(0.5)))) == {"W59": 1}
    assert codes(read(adjusted(moved(1 / 3)))) == {"W59": 1}


def test_but_beyond_tenfold_they_are_refused_and_both_cures_help():
    frame = adjusted(moved(12.0))
    assert codes(read(frame)) == {"E59": 1, "W64": 1}
    assert codes(read(frame, not_a_split=(f"AAPL {DAY}",))) == {"W64": 1}
    pair = moved(12.0).with_columns(adj_close=0.9 * pl.col("close"))
    assert codes(read(pair)) == {"E59": 1, "W64": 1}


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
    assert codes(read(both(crash, 0.9 * crash))) == {"W64": 1}


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
    (SMOOTH, np.where(BEFORE, 0.5 * SMOOTH, SMOOTH), {"E60": 1, "W64": 1}),  # a split, twice in
    (SMOOTH, np.where(BEFORE, SMOOTH, 0.5 * SMOOTH), {"E60": 1, "W64": 1}),  # never in the other
    (SMOOTH, np.where(BEFORE, 0.97 * SMOOTH, SMOOTH), {}),  # too small to tell from a rise
    (SMOOTH, np.round(0.02 * SMOOTH, 2), {}),  # two decimals of a price of 1
]


@pytest.mark.parametrize(("raw", "adjusted", "expected"), DIVIDENDS)
def test_a_ratio_that_cannot_be_right_is_told(raw, adjusted, expected):
    bars = read(both(raw, adjusted))
    assert codes(bars) == expected
    assert all(f.session in map(str, days(40)[30:32]) for f in bars.findings if f.code == "W60")


# --- real prices ---


def raw_sample() -> pl.DataFrame:
    source = importlib.resources.files("bokeh_sampledata").joinpath("_data", "stocks.csv.gz")
    return pl.read_csv(gzip.decompress(source.read_bytes())).drop("Adj Close")


SAMPLE_SPLITS = {
    ("AAPL", "2000-06-21"): "55.63 after 101.25 (-45.1 %), as a 2:1 split",
    ("AAPL", "2005-02-28"): "44.86 after 88.99 (-49.6 %), as a 2:1 split",
    ("MSFT", "2003-02-18"): "24.96 after 48.3 (-48.3 %), as a 2:1 split",
}


def test_of_the_samples_raw_bars_all_three_splits_are_found_and_no_crash():
    bars = read(raw_sample())
    texts = {(f.symbol, f.session): f.found for f in bars.findings if f.code == "E59"}
    assert texts == SAMPLE_SPLITS


@pytest.mark.parametrize("columns", [["Close"], ["Close", "Volume"]])
def test_of_the_closes_alone_that_one_is_whose_day_was_quiet(columns):
    bars = read(raw_sample().select("Ticker", "Date", *columns))
    assert refused(bars) == [("AAPL", "2005-02-28")]
    spiked = bars.frame.filter("spiked")
    assert ("MSFT", date(2003, 2, 18)) in spiked.select("symbol", "session").rows()


def test_the_bundled_sample_is_clean():
    bars = nextclose.sample_bars()
    assert codes(bars) == {"R59": 3}
    assert the(bars, "R59").session == "2000-06-21"
    assert bars.frame["segment"].max() == 0
    assert date(2000, 9, 29) in bars.frame["session"].to_list()
