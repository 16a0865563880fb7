from math import exp, log, sqrt

import numpy as np
import polars as pl
import pytest

from nextclose.features.columns import SymbolBars
from nextclose.features.table import make_table
from nextclose.features.universal import (
    INPUTS,
    UNIVERSAL,
    fall_share,
    has_range,
    history,
    log_move,
    log_range,
    log_scale,
    momentum,
    overnight,
    scaled_return,
    season,
)
from nextclose.schema import MASK_COLUMNS, Floats, Table
from tests.features.random_bars import bars_of, flat_frame, random_frame, symbol_bars

WARMUP = 59
LONG_RUN = 2520
LEAST = log(0.05)
OF_RANGES = ("log_range_1", "log_range_5", "log_range_22", "log_range_66", "overnight", "has_range")
RETURNS = (0.02, -0.01, 0.0, 0.03)
# squares fade by .94 a session; there are four
SCALE = sqrt((0.94**3 * 0.02**2 + 0.94**2 * 0.01**2 + 0.03**2) / (0.94**3 + 0.94**2 + 0.94 + 1))


def bars_with(returns: tuple[float, ...] = RETURNS, **columns: list[float]) -> SymbolBars:
    """Bars that close with these log returns, after one that closes at 50."""
    close = 50 * np.exp(np.append(0.0, np.cumsum(returns)))
    others = {name: np.array(values) for name, values in columns.items()}
    session = np.busday_offset("2020-01-06", np.arange(len(close)), roll="forward")
    return SymbolBars(session=session, columns={"close": close, **others})


def ranging(sizes: list[float]) -> SymbolBars:
    """Bars that close where they open, so that Garman-Klass of them is `sizes`, NaN: no range."""
    returns = (0.02, -0.01, 0.005, 0.03)
    close = bars_with(returns).close
    reach = np.exp(np.array(sizes) * sqrt(2))
    return bars_with(returns, open=list(close), high=list(close * reach), low=list(close))


def universal(frame: pl.DataFrame) -> Table:
    return make_table(bars_of(frame), families=("universal",))


def last(table: Table) -> dict[str, float]:
    return dict(zip(table.names, table.values[-1].tolist(), strict=True))


# --- by hand: returns of 2, -1, 0 and 3 % ---


def test_the_last_return_and_the_volatility_are_measured_with_what_there_is():
    assert scaled_return(bars_with())[-1] == pytest.approx(0.03 / SCALE)
    assert log_scale(bars_with())[-1] == pytest.approx(log(SCALE / 0.02))
    np.testing.assert_allclose(scaled_return(bars_with())[:2], [np.nan, 1.0])


@pytest.mark.parametrize(
    ("sessions", "mean"), [(1, 0.03), (2, 0.015), (3, 0.04 / 3), (4, 0.015), (2520, 0.015)]
)
def test_the_mean_move_is_of_a_window_or_of_what_there_is(sessions, mean):
    assert log_move(bars_with(), sessions=sessions)[-1] == pytest.approx(log(mean / SCALE))


def test_a_session_without_a_move_counts_as_a_twentieth_of_the_volatility():
    assert log_move(bars_with(), sessions=1)[3] == LEAST


def test_the_share_of_falls_is_less_a_half():
    bars = bars_with()
    # falls .01 of moves .06; of the last three .01 of .04; of the last two nothing
    shares = [fall_share(bars, sessions=n)[-1] for n in (5, 3, 2)]
    assert shares == pytest.approx([1 / 6 - 0.5, 1 / 4 - 0.5, -0.5])
    assert fall_share(bars, sessions=1)[2:4].tolist() == [0.5, 0.0]  # only a fall; no move at all
    assert np.isnan(fall_share(bars, sessions=5)[0])


def test_momentum_is_in_volatilities_of_as_many_sessions_as_there_are():
    bars = bars_with()
    # .04 over the root of 4 sessions; .02 over that of 3; .03 over that of 2
    values = [momentum(bars, sessions=n)[-1] * SCALE for n in (250, 3, 2)]
    assert values == pytest.approx([0.04 / 2, 0.02 / sqrt(3), 0.03 / sqrt(2)])


def test_history_counts_returns_against_ten_years():
    np.testing.assert_allclose(history(bars_with()), np.log([1 / 2520, *np.arange(1, 5) / 2520]))


def test_ranges_are_means_over_the_volatility():
    bars = ranging([0.01, 0.02, 0.03, 0.04, 0.05])
    for sessions, mean in ((1, 0.05), (2, 0.045), (5, 0.03), (66, 0.03)):
        expected = log(mean / bars.recent_scale[-1])
        assert log_range(bars, sessions=sessions)[-1] == pytest.approx(expected)
    assert has_range(bars).tolist() == [1.0] * 5


def test_a_session_without_a_range_is_passed_over_and_alone_it_says_nothing():
    bars = ranging([0.01, 0.02, 0.03, 0.04, np.nan])
    assert log_range(bars, sessions=3)[-1] == pytest.approx(log(0.035 / bars.recent_scale[-1]))
    assert log_range(bars, sessions=1)[-1] == 0.0
    assert has_range(bars).tolist() == [1.0, 1.0, 1.0, 1.0, 0.0]


def test_the_overnight_move_is_from_the_close_before():
    closes = bars_with().close
    opens = [50.0, 50.0, 50.0, np.nan, closes[3] * exp(0.01)]
    high, low = list(closes * 2), list(closes / 2)
    values = overnight(bars_with(open=opens, high=high, low=low))
    assert values[-1] == pytest.approx(0.01 / SCALE)
    assert values[1:4].tolist() == [0.0, pytest.approx(-0.02 / bars_with().recent_scale[2]), 0.0]


def test_the_overnight_move_is_0_where_a_session_has_no_range():
    closes = bars_with().close
    opens, flat = [50.0, 50.0, 50.0, np.nan, 51.0], list(closes)
    assert not overnight(bars_with(open=opens))[1:].any()
    assert not overnight(bars_with(open=opens, high=flat, low=flat))[1:].any()


def test_a_season_is_the_largest_of_five_moves_the_last_of_them_lag_sessions_ago():
    bars = bars_with((0.05, 0.02, -0.04, 0.01, 0.01, 0.03, 0.01, 0.01, 0.01))
    # two sessions before session 9 is session 7: its window is the moves of 3 .. 7
    expected = {2: 0.04, 3: 0.04, 4: 0.05, 0: 0.03}
    for lag, largest in expected.items():
        value = season(bars, lag=lag)[-1]
        assert value == pytest.approx(log(largest / bars.recent_scale[-1])), lag
    assert season(bars, lag=5)[-1] == 0.0  # sessions 0 .. 4, of which the first has no move
    assert season(bars, lag=30).tolist() == [0.0] * 10


# --- the table's columns ---


def of_loops(frame: pl.DataFrame) -> dict[str, float]:
    """All columns at the last row the slow and obvious way."""
    bars = symbol_bars(frame)
    moves, scale, t = bars.moves, bars.recent_scale[-1], frame.height - 1

    def ln(size: float) -> float:
        return log(max(size / scale, 0.05))

    def falls(n: int) -> float:
        falls = [-r for r in bars.returns[-n:] if r < 0]
        return float(sum(falls) / sum(moves[-n:]) - 0.5)

    values = {"universal_return": bars.returns[-1] / scale}
    for n in (1, 5, 22, 66, 250, 2520):
        values[f"log_move_{n}"] = ln(float(np.mean(moves[1:][-n:])))
    values |= {f"fall_share_{n}": falls(n) for n in (5, 22, 66)}
    for n in (5, 22, 250):
        values[f"momentum_{n}"] = sum(bars.returns[-n:]) / sqrt(n) / scale
    values |= {"universal_log_scale": log(scale / 0.02), "history": log(t / LONG_RUN)}
    for n in (1, 5, 22, 66):
        values[f"log_range_{n}"] = ln(float(np.mean(bars.range_volatility[-n:])))
    values["overnight"] = log(bars.open[-1] / bars.close[-2]) / scale
    values["has_range"] = 1.0
    for lag in (60, 55, 249, 244):
        values[f"season_{lag}"] = ln(max(moves[t - lag - 4 : t - lag + 1]))
    return values


@pytest.mark.parametrize("seed", [1, 2])
def test_all_25_columns_agree_with_plain_loops_and_stand_in_the_order_of_the_inputs(seed):
    # every session has a span, no open repeats a close, and no bar is marked
    frame = random_frame(seed=seed).with_columns(pl.col("open") * 1.001, pl.col("high") * 1.01)
    frame = frame.drop(MASK_COLUMNS, strict=False)
    expected = of_loops(frame)
    assert INPUTS == tuple(expected) == universal(frame).names
    assert len(INPUTS) == len(UNIVERSAL.columns) == 25
    assert last(universal(frame)) == pytest.approx(expected, rel=1e-6)


def test_sixty_sessions_are_enough_and_the_first_59_say_nothing():
    frame = random_frame(seed=3)
    for n_rows in (59, 60, 61):
        values = universal(frame[:n_rows]).values
        assert np.isfinite(values).all(axis=1).tolist() == [False] * 59 + [True] * (n_rows - 59)
        assert np.isnan(values[:59]).all()
    assert universal(frame).families["universal"].warmup_sessions == WARMUP


def test_a_tail_of_2521_rows_has_the_bits_of_the_file_and_one_row_less_does_not():
    frame = random_frame(seed=4, n_rows=LONG_RUN + 400)
    full = universal(frame).values
    for dropped in (1, 399):
        late = universal(frame[dropped:]).values
        assert full[dropped + LONG_RUN :].tobytes() == late[LONG_RUN:].tobytes()
    assert full[-1].tobytes() == universal(frame[-LONG_RUN - 1 :]).values[-1].tobytes()
    less = universal(frame[-LONG_RUN:])
    assert last(less)["history"] < last(universal(frame))["history"] == 0.0


def test_flat_prices_say_that_nothing_moves():
    values = last(universal(flat_frame()))
    assert all(values[f"log_move_{n}"] == np.float32(LEAST) for n in (1, 5, 22, 66, 250, 2520))
    assert all(values[f"season_{lag}"] == np.float32(LEAST) for lag in (60, 55, 249, 244))
    assert [values[f"fall_share_{n}"] for n in (5, 22, 66)] == [0.0] * 3
    assert values["universal_log_scale"] == np.float32(log(1e-4 / 0.02))
    assert values["log_range_66"] == 0.0


def test_bars_of_closes_alone_say_so_and_nothing_of_ranges():
    frame = random_frame(seed=5)
    full, bare = universal(frame), universal(frame.select("symbol", "session", "close"))
    assert bare.names == INPUTS
    assert not bare.left_out
    for k, name in enumerate(INPUTS):
        if name in OF_RANGES:
            assert not bare.values[WARMUP:, k].any(), name
        else:
            assert bare.values[:, k].tobytes() == full.values[:, k].tobytes(), name
    empty = frame.with_columns(pl.lit(np.nan).alias(name) for name in ("open", "high", "low"))
    assert universal(empty).values.tobytes() == bare.values.tobytes()


def test_what_is_beyond_all_reason_is_set_to_six():
    newest = pl.int_range(pl.len()) == pl.len() - 1
    wild = pl.when(newest).then(pl.col("open") * 1e6).otherwise(pl.col("open")).alias("open")
    frame = random_frame(seed=7).with_columns(wild)
    assert last(universal(frame))["overnight"] == 6.0


def test_a_gap_in_a_symbol_begins_a_history_of_its_own():
    frame = random_frame(seed=8)
    parted = frame.with_columns((pl.int_range(pl.len()) >= 200).cast(pl.Int64).alias("segment"))
    values: Floats = universal(parted).values.astype(np.float64)
    assert values[200:].tobytes() == universal(frame[200:]).values.astype(np.float64).tobytes()
