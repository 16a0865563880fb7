from datetime import date

import numpy as np
import polars as pl
import pytest

from nextclose.data.calendars.exchanges import exchange_of
from nextclose.features.market import (
    MARKET_LOOKBACK,
    MARKET_NAMES,
    market_columns,
    markets,
)
from nextclose.features.table import make_table
from tests.builders import walk_bars
from tests.features.random_bars import bars_of, random_frame

EVERY = np.ones(3, dtype=np.bool_)  # segments of the panel


def panel() -> list[pl.DataFrame]:
    """Three symbols; the second begins 40 sessions later, the third misses every seventh one."""
    frames = [random_frame(seed=k, symbol=name, n_rows=420) for k, name in enumerate("ABC")]
    gappy = frames[2].with_row_index().filter(pl.col("index") % 7 != 3).drop("index")
    return [frames[0], frames[1][40:], gappy]


def slow_market(frames: list[pl.DataFrame]) -> dict[date, dict[str, float]]:
    """The columns by date, from their definition."""
    returns: dict[date, list[float]] = {}
    for frame in frames:
        log = np.log(frame["close"].to_numpy())
        for session, r in zip(frame["session"][1:], np.diff(log), strict=True):
            returns.setdefault(session, []).append(float(r))
    days = sorted(returns)
    mean = np.array([np.mean(returns[day]) for day in days])
    found = {}
    for t, day in enumerate(days):
        if t < MARKET_LOOKBACK - 1:
            continue
        past = mean[: t + 1]
        year = np.abs(past[-250:]).mean()
        row = {f"market_move_ratio_{n}": np.abs(past[-n:]).mean() / year for n in (1, 5, 22, 66)}
        row |= {
            f"market_fall_ratio_{n}": np.maximum(-past[-n:], 0).mean() / year for n in (1, 5, 22)
        }
        found[day] = row
    return found


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
            np.testing.assert_allclose(
                table.values[row, start:], [wanted[name] for name in MARKET_NAMES], rtol=2e-5
            )


def test_the_other_columns_do_not_change():
    plain, with_market = (make_table(walk_bars(), market=market) for market in (False, True))
    n = len(plain.names)
    assert with_market.names[:n] == plain.names
    np.testing.assert_array_equal(with_market.values[:, :n], plain.values)
    assert "market" not in plain.families


def test_a_symbol_alone_is_its_own_market():
    table = make_table(bars_of(random_frame(seed=3)), market=True)
    names, past = table.names.index, slice(300, None)
    for n in (1, 5, 22, 66):
        np.testing.assert_allclose(
            table.values[past, names(f"market_move_ratio_{n}")],
            table.values[past, names(f"move_ratio_{n}")],
            rtol=1e-6,
        )


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
def test_no_row_reads_a_later_close_of_anybody(cut):
    frames = panel()
    table = make_table(bars_of(*frames), market=True)
    last = frames[0]["session"][cut]
    changed = [
        frame.with_columns(
            close=pl.when(pl.col("session") > last)
            .then(7 * pl.col("close"))
            .otherwise(pl.col("close"))
        )
        for frame in frames
    ]
    closes = np.concatenate([frame["close"].to_numpy() for frame in changed])
    one = market_columns(table.session, table.close, table.segments, EVERY)
    two = market_columns(table.session, closes, table.segments, EVERY)
    then = table.session <= np.datetime64(last)
    np.testing.assert_array_equal(one[then], two[then])
    assert (one[~then] != two[~then]).any()


def test_closes_of_the_same_date_are_read_of_all_symbols():
    frames = panel()
    table = make_table(bars_of(*frames), market=True)
    row = int(table.segments[0, 0]) + 330
    closes = table.close.copy()
    other = np.flatnonzero((table.session == table.session[row]) & (table.symbol == 1))
    closes[other] *= 1.5
    one = market_columns(table.session, table.close, table.segments, EVERY)
    two = market_columns(table.session, closes, table.segments, EVERY)
    assert (one[row] != two[row]).any()
    np.testing.assert_array_equal(one[row - 1], two[row - 1])


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


def test_the_last_rows_alone_give_the_same_bits():
    frames = [random_frame(seed=k, symbol=name, n_rows=600) for k, name in enumerate("AB")]
    whole = make_table(bars_of(*frames), market=True)
    tail = make_table(bars_of(*(frame[-300:] for frame in frames)), market=True)
    for full, late in zip(whole.segments, tail.segments, strict=True):
        np.testing.assert_array_equal(
            whole.values[full[1] - 40 : full[1]], tail.values[late[1] - 40 : late[1]]
        )


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
