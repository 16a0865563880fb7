"""What symbols have in common, against its definition and by hand."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from nextclose.data.calendars.exchanges import exchange_of
from nextclose.features.columns import Feature
from nextclose.features.market import (
    MARKET_LOOKBACK,
    MARKET_NAMES,
    SIZE_NAMES,
    MarketBars,
    market_columns,
    markets,
    own_sizes,
)
from nextclose.features.table import make_table
from nextclose.schema import Floats
from tests.builders import walk_bars
from tests.features.random_bars import bars_of, flat_frame, random_frame, symbol_bars

REACH = 2521  # rows: ten years of returns


def panel() -> list[pl.DataFrame]:
    """Three symbols; the second begins 40 sessions later, the third misses every seventh one."""
    frames = [random_frame(seed=k, symbol=name, n_rows=420) for k, name in enumerate("ABC")]
    gappy = frames[2].with_row_index().filter(pl.col("index") % 7 != 3).drop("index")
    return [frames[0], frames[1][40:], gappy]


def slow_sizes(frame: pl.DataFrame) -> dict[date, list[float]]:
    """What one symbol's own moves say, by date, from their definition."""
    moves = np.abs(np.diff(np.log(frame["close"].to_numpy())))
    found = {}
    for t in range(250, frame.height):
        past = moves[:t]
        year = past[-250:].mean()
        spans = [past[-n:].mean() / year for n in (5, 22, 66)]
        ratios = [*spans, year / past[-2520:].mean()]
        found[frame["session"][t]] = [past[-1] / year - 1, *np.log(np.maximum(ratios, 0.02))]
    return found


def slow_market(frames: list[pl.DataFrame]) -> dict[date, list[float]]:
    """The columns by date, from their definition."""
    returns: dict[date, list[float]] = {}
    sizes: dict[date, list[list[float]]] = {}
    for frame in frames:
        log = np.log(frame["close"].to_numpy())
        for session, r in zip(frame["session"][1:], np.diff(log), strict=True):
            returns.setdefault(session, []).append(float(r))
        for session, row in slow_sizes(frame).items():
            sizes.setdefault(session, []).append(row)
    days = sorted(returns)
    mean = np.array([np.mean(returns[day]) for day in days])
    found = {}
    for t, day in enumerate(days):
        if day in sizes:
            year = np.abs(mean[t - 249 : t + 1]).mean()
            moves = [mean[t - n + 1 : t + 1].mean() / year for n in (5, 22)]
            found[day] = [*np.mean(sizes[day], axis=0), *moves]
    return found


# --- one symbol's own part ---


def test_own_sizes_of_moves_that_repeat_worked_by_hand():
    # 1 % a session but 3 % on the last two: a year of (248 * .01 + 2 * .03) / 250 = .01016,
    # of 5 (.03 + .09 - .03) / 5 = .018, of 22 .26 / 22, of 66 .70 / 66; 300 in all, .0304 / 3
    frame = random_frame(seed=0, n_rows=301)
    returns = np.append(np.full(298, 0.01), [0.03, -0.03])
    bars = symbol_bars(frame.with_columns(close=np.exp(np.append(0.0, np.cumsum(returns)))))
    found = own_sizes(bars)
    year = 0.01016
    expected = [
        0.03 / year - 1,
        np.log(0.018 / year),
        np.log(0.26 / 22 / year),
        np.log(0.70 / 66 / year),
        np.log(year / (3.04 / 300)),
    ]
    np.testing.assert_allclose(found[-1], expected, rtol=1e-9)
    assert np.isnan(found[:250]).all()
    np.testing.assert_allclose(found[250:298], 0.0, atol=1e-12)  # the same move every session


def test_own_sizes_have_bounds():
    still = own_sizes(symbol_bars(flat_frame()))[250:]
    np.testing.assert_allclose(still, np.tile([-1, *[np.log(0.02)] * 3, 0.0], (len(still), 1)))
    close = np.full(330, 7.0)
    close[300:] = 70.0
    once = own_sizes(symbol_bars(flat_frame().with_columns(close=pl.Series(close))))
    # one move in 250, and in 300: 250 times, 50 times, 250/22, 250/66 and 300/250 the usual
    expected = [20.0 - 1, *np.log([20.0, 250 / 22, 250 / 66, 300 / 250])]
    np.testing.assert_allclose(once[300], expected, rtol=1e-12)


# --- the columns ---


def test_the_columns_against_their_definition():
    frames = panel()
    table = make_table(bars_of(*frames), market=True)
    start = table.families["market"].start
    assert table.names[start:] == MARKET_NAMES
    expected = slow_market(frames)
    for first, stop in table.segments:
        assert np.isnan(table.values[first : first + MARKET_LOOKBACK, start:]).all()
        for row in range(first + MARKET_LOOKBACK, stop):
            wanted = expected[table.session[row].astype(object)]
            np.testing.assert_allclose(table.values[row, start:], wanted, rtol=2e-5, atol=2e-6)


def test_the_other_columns_do_not_change():
    plain, with_market = (make_table(walk_bars(), market=market) for market in (False, True))
    n = len(plain.names)
    assert with_market.names[:n] == plain.names
    np.testing.assert_array_equal(with_market.values[:, :n], plain.values)
    assert "market" not in plain.families


def test_the_columns_of_two_members_and_a_reader_worked_by_hand():
    # sessions 0..251; the sizes are known of both members on the last two, on the one before of A
    days = np.datetime64("2001-01-01") + np.arange(252)
    session = np.concatenate([days, days[1:], days[-2:]])
    a = np.append(0.0, np.cumsum(np.full(251, 0.01)))  # 1 % a session
    b = np.append(0.0, np.cumsum(np.full(250, 0.03)))  # 3 %, listed a day later
    close = np.exp(np.concatenate([a, b, [0.0, 9.0]]))  # the reader moves nobody
    sizes = np.full((len(session), 5), np.nan)
    sizes[249:252] = np.array([1.0, 2.0, 3.0])[:, None] * np.arange(1, 6)
    sizes[501:503] = np.array([10.0, 20.0])[:, None] * np.arange(1, 6)
    sizes[503:] = 777.0
    segments = np.array([[0, 252], [252, 503], [503, 505]])
    bars = MarketBars(session=session, close=close, sizes=sizes, segments=segments)
    found = market_columns(bars, np.array([True, True, False]))
    assert np.isnan(found[:249]).all()
    both = np.array([[1.0], [(2 + 10) / 2], [(3 + 20) / 2]]) * np.arange(1, 6)
    for rows in ((250, 251), (501, 502), (503, 504)):  # whoever reads them
        np.testing.assert_allclose(found[list(rows), :5], both[1:])
    np.testing.assert_allclose(found[249, :5], both[0])
    # the market went up 1 % on its first day and 2 % on every other; a year is 250 of its days
    assert np.isnan(found[249, 5:]).all()
    np.testing.assert_allclose(found[250, 5:], 0.02 / ((0.01 + 249 * 0.02) / 250))
    np.testing.assert_allclose(found[251, 5:], 1.0)


def test_a_symbol_alone_is_its_own_market():
    frame = random_frame(seed=3)
    table = make_table(bars_of(frame), market=True)
    names, past = table.names.index, slice(MARKET_LOOKBACK, None)
    own = own_sizes(symbol_bars(frame))[past]
    for j, name in enumerate(SIZE_NAMES):
        np.testing.assert_array_equal(table.values[past, names(name)], own[:, j].astype("f4"))
    returns = np.diff(np.log(frame["close"].to_numpy()))
    expected = returns[-22:].mean() / np.abs(returns[-250:]).mean()
    assert table.values[-1, names("market_return_22")] == pytest.approx(expected, rel=1e-5)


def test_the_columns_are_known_from_a_symbols_250th_return_on_whatever_else_is_asked_for():
    def of_400(bars) -> Floats:
        return np.asarray(np.append(np.full(400, np.nan), np.ones(len(bars.close) - 400)))

    plain, own = (
        make_table(bars_of(*panel()), market=True, own=own)
        for own in ({}, {"slow": Feature(of_400, lookback_sessions=400)})
    )
    start = plain.families["market"].start
    for first, stop in plain.segments:
        assert np.isfinite(plain.values[first + MARKET_LOOKBACK : stop, start:]).all()
    np.testing.assert_array_equal(own.values[:, start + 1 :], plain.values[:, start:])


def test_a_date_on_which_only_a_new_symbol_trades_is_no_session_of_the_market():
    old = random_frame(seed=1, symbol="OLD", n_rows=420)
    new = random_frame(seed=2, symbol="NEW", n_rows=420)
    day = old["session"][350]
    old = old.filter(pl.col("session") != day)
    new = new.filter(pl.col("session") >= day)
    table = make_table(bars_of(new, old), market=True)
    start = table.families["market"].start
    _, (first, stop) = table.segments
    assert np.isfinite(table.values[first + MARKET_LOOKBACK : stop, start:]).all()


@pytest.mark.parametrize("cut", [300, 371, 400])
@pytest.mark.parametrize("of", [("A",), ("C",), ("A", "B", "C")])
def test_no_row_reads_a_later_close_of_anybody(cut, of):
    frames = panel()
    table = make_table(bars_of(*frames), market=True)
    last = frames[0]["session"][cut]
    is_later = (pl.col("session") > last) & pl.col("symbol").is_in(of)
    doubled = pl.int_range(pl.len()) % 2 + 1  # another move every session
    close = pl.when(is_later).then(doubled * pl.col("close")).otherwise(pl.col("close"))
    other = make_table(bars_of(*(frame.with_columns(close=close) for frame in frames)), market=True)
    start = table.families["market"].start
    then = table.session <= np.datetime64(last)
    one, two = table.values[:, start:], other.values[:, start:]
    assert one[then].tobytes() == two[then].tobytes()
    is_known = ~then & np.isfinite(one).all(axis=1)
    assert (one[is_known] != two[is_known]).any(axis=0).all()


def test_closes_of_the_same_date_are_read_of_all_symbols():
    frames = panel()
    table = make_table(bars_of(*frames), market=True)
    row = int(table.segments[0, 0]) + 330
    nudged = pl.when(pl.col("session") == table.session[row]).then(1.5 * pl.col("close"))
    frames[1] = frames[1].with_columns(close=nudged.otherwise(pl.col("close")))
    other = make_table(bars_of(*frames), market=True)
    start = table.families["market"].start
    assert (table.values[row, start:] != other.values[row, start:]).all()
    np.testing.assert_array_equal(table.values[row - 1, start:], other.values[row - 1, start:])


def test_a_market_of_some_symbols_is_read_by_all_and_moved_by_no_other():
    frames = panel()
    own = make_table(bars_of(*frames[:2]), market=True)
    start = own.families["market"].start
    other = frames[2].with_columns(close=9 * pl.col("close"))
    for third in (frames[2], other):
        table = make_table(bars_of(*frames[:2], third), market=("A", "B"))
        of_own = table.symbol < 2
        np.testing.assert_array_equal(table.values[of_own, start:], own.values[:, start:])
        by_date = dict(zip(table.session[of_own], table.values[of_own, start:], strict=True))
        first, stop = table.segments[2]
        for row in range(first + MARKET_LOOKBACK, stop):
            np.testing.assert_array_equal(table.values[row, start:], by_date[table.session[row]])


def test_where_nobody_is_of_the_market_each_reads_its_own_moves():
    frames = panel()
    table = make_table(bars_of(*frames), market=("Z",))
    start = table.families["market"].start
    for k, frame in enumerate(frames):
        alone = make_table(bars_of(frame), market=True)
        rows = table.symbol == k
        np.testing.assert_array_equal(table.values[rows, start:], alone.values[:, start:])


@pytest.mark.parametrize("n_sessions", [1, 250])
def test_a_tail_that_holds_ten_years_before_gives_the_bits_of_the_file(n_sessions):
    # listed on different days, one of them silent since five sessions
    frames = [random_frame(seed=k, symbol=name, n_rows=REACH + 600) for k, name in enumerate("ABC")]
    frames = [frames[0], frames[1][37:], frames[2][:-5]]
    whole = make_table(bars_of(*frames), market=True)
    tails = (frame[-(REACH + n_sessions - 1) :] for frame in frames)
    tail = make_table(bars_of(*tails), market=True)
    late = np.unique(whole.session)[-n_sessions:]
    kept, again = (np.isin(table.session, late) for table in (whole, tail))
    assert kept.sum() == again.sum() >= 2 * n_sessions
    start = whole.families["market"].start
    assert whole.values[kept, start:].tobytes() == tail.values[again, start:].tobytes()


def test_a_tail_one_row_shorter_does_not():
    frame = random_frame(seed=1, n_rows=REACH + 1)
    whole, less = (make_table(bars_of(part), market=True) for part in (frame, frame[-REACH + 1 :]))
    level = whole.names.index("common_level")
    assert less.values[-1, level] != whole.values[-1, level]


def test_symbols_of_other_exchanges_are_another_market():
    some = ["A", "7203.T", "B.B", "6758.T", "^N225", "C", "X.ZZ", "Y.ZZ", "^ODD"]
    known = [exchange_of(name) for name in some]
    assert markets(some, known).tolist() == [1, 2, 1, 2, 2, 1, 0, 0, 3]
    assert markets(["A", "B.T", "C"], ()).tolist() == [0, 1, 0]
    names = ("AAA", "BBB", "CCC.T", "DDD.T")
    frames = [random_frame(seed=k, symbol=name, n_rows=420) for k, name in enumerate(names)]
    together = make_table(bars_of(*frames), market=True)
    apart = [make_table(bars_of(*pair), market=True) for pair in (frames[:2], frames[2:])]
    np.testing.assert_array_equal(
        together.values, np.concatenate([table.values for table in apart])
    )


def test_no_bars_no_market():
    assert make_table(bars_of(random_frame(seed=1).clear()), market=True).values.shape[0] == 0
