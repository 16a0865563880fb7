from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextclose.errors import ConfigError
from nextclose.features.columns import Column, FamilyDefinition
from nextclose.features.indicators import recent_volatility, volatility
from nextclose.features.table import FAMILIES, make_table
from nextclose.schema import BAR_COLUMNS, PRICE_COLUMNS, Table
from tests.features.random_bars import N_ROWS, bars_of, flat_frame, random_frame

BOTH = ("stationary", "classic")
ALL = (*BOTH, "universal")
FRAME = random_frame(seed=11)
WARMUP = 256


def scaled(frame: pl.DataFrame, factor: float) -> pl.DataFrame:
    """Prices times `factor`, volume divided by it, as after a split."""
    return frame.with_columns(
        *(pl.col(name) * factor for name in PRICE_COLUMNS), pl.col("volume") / factor
    )


def test_rows_stand_in_the_order_of_the_bars():
    frames = [random_frame(seed=k, symbol=name, n_rows=280 + k) for k, name in enumerate("ABC")]
    table = make_table(bars_of(*frames))
    assert table.symbols == ("A", "B", "C")
    assert table.segments.tolist() == [[0, 280], [280, 561], [561, 843]]
    assert table.symbol.tolist() == [0] * 280 + [1] * 281 + [2] * 282
    assert table.close.tolist() == pl.concat(frames)["close"].to_list()
    assert table.session.tolist() == pl.concat(frames)["session"].to_list()


def test_each_symbol_is_computed_by_itself():
    frames = [random_frame(seed=k, symbol=name) for k, name in enumerate("AB")]
    together, alone = make_table(bars_of(*frames)), make_table(bars_of(frames[1]))
    assert together.values[N_ROWS:].tobytes() == alone.values.tobytes()
    assert together.scale[N_ROWS:].tobytes() == alone.scale.tobytes()


def test_families_stand_side_by_side_with_their_own_warmup():
    table = make_table(bars_of(FRAME), families=ALL)
    assert table.values.dtype == np.float32
    assert table.values.flags.c_contiguous
    assert len(table.names) == len(set(table.names)) == table.values.shape[1] == 107
    for name, warmup in (("stationary", WARMUP), ("classic", 199), ("universal", 59)):
        family = table.families[name]
        block = table.values[:, family.start : family.stop]
        definition = FAMILIES[name]
        columns = tuple(column.name for column in definition.columns)
        assert table.names[family.start : family.stop] == columns
        assert family.warmup_sessions == warmup
        assert np.isnan(block[:warmup]).all()
        assert np.isfinite(block[warmup:]).all()


def test_values_are_those_of_the_columns():
    table = make_table(bars_of(FRAME), families=("classic",))
    close = table.values[:, table.names.index("close")]
    assert close[199:].tolist() == FRAME["close"].to_numpy()[199:].astype(np.float32).tolist()


def test_scale_is_the_causal_volatility_from_the_60th_session_on():
    scale, close = make_table(bars_of(FRAME)).scale, FRAME["close"].to_numpy()
    assert np.isnan(scale[:59]).all()
    assert scale[59:].tobytes() == recent_volatility(close)[59:].tobytes()
    assert scale[256:].tobytes() == volatility(close)[256:].tobytes()


def test_the_long_run_is_known_where_the_scale_is_and_is_of_a_segment_alone():
    frames = [random_frame(seed=k, symbol=name) for k, name in enumerate("AB")]
    frames[1] = frames[1].with_columns(segment=(pl.int_range(pl.len()) >= 200).cast(pl.Int32))
    table = make_table(
        bars_of(frames[0].with_columns(segment=pl.lit(0, dtype=pl.Int32)), frames[1])
    )
    assert table.segments.tolist() == [[0, 330], [330, 530], [530, 660]]
    np.testing.assert_array_equal(np.isnan(table.long_run), np.isnan(table.scale))
    for start, stop in table.segments:
        moves = np.abs(np.diff(np.log(table.close[start:stop])))
        expected = np.cumsum(moves) / np.arange(1, stop - start)
        np.testing.assert_allclose(table.long_run[start + 59 : stop], expected[58:], rtol=1e-12)


def test_close_only_bars_lose_the_columns_that_need_more():
    table = make_table(bars_of(FRAME.select("symbol", "session", "close")), families=BOTH)
    assert tuple(table.families) == ("stationary",)
    assert table.values.shape == (N_ROWS, 27)
    assert np.isfinite(table.values[WARMUP:]).all()
    assert table.left_out["gap"] == "stationary: the bars have no open"
    assert table.left_out["rsi_14"] == "classic: the bars have no open, high, low, volume"
    assert len(table.left_out) == 82 - 27


def test_bars_without_volume_keep_the_ranges():
    table = make_table(bars_of(FRAME.drop("volume")))
    assert sorted(table.left_out) == ["volume_change", "volume_ratio_22", "volume_surprise_66"]
    assert table.values.shape == (N_ROWS, 38)


def test_whole_number_volume_is_the_same_volume():
    whole = FRAME.with_columns(pl.col("volume").cast(pl.Int64))
    assert (
        make_table(bars_of(whole)).values.tobytes() == make_table(bars_of(FRAME)).values.tobytes()
    )


def test_flat_prices_nobody_trades_are_finite():
    table = make_table(bars_of(flat_frame()), families=ALL)
    assert np.isfinite(table.values[WARMUP:]).all()


def test_too_few_bars_give_rows_without_values():
    table = make_table(bars_of(random_frame(seed=1, n_rows=20)), families=BOTH)
    assert np.isnan(table.values).all()
    assert table.values.shape == (20, 82)


def test_no_bars_give_no_rows():
    table = make_table(bars_of(FRAME.clear()))
    assert table.values.shape == (0, 41)
    assert table.segments.shape == (0, 2)


def test_an_unknown_family_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match=r"'clasic' is not .* the nearest is 'classic'"):
        make_table(bars_of(FRAME), families=("clasic",))


def test_a_move_beyond_all_reason_is_capped():
    wild = FRAME.with_columns(
        pl.when(pl.int_range(pl.len()) >= N_ROWS - 5)
        .then(pl.col(name) * 1e6)
        .otherwise(pl.col(name))
        .alias(name)
        for name in (*PRICE_COLUMNS, "volume")
    )
    values = make_table(bars_of(wild)).values[WARMUP:]
    assert np.isfinite(values).all()
    assert np.abs(values).max() == 20


def test_a_family_of_your_own_stands_beside_ours_without_negative_zeros():
    columns = (Column("nothing", 2, lambda bars: -0.0 * bars.close),)
    mine = {**FAMILIES, "mine": FamilyDefinition(columns=columns, cap=1.0)}
    table = make_table(bars_of(FRAME), families=("stationary", "mine"), definitions=mine)
    assert table.names[-1] == "nothing"
    assert table.families["mine"].warmup_sessions == 2
    assert np.isnan(table.values[:2, -1]).all()
    assert not np.signbit(table.values[2:, -1]).any()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 99), dropped=st.integers(1, N_ROWS - 1))
def test_where_the_file_starts_changes_no_bit(seed, dropped):
    frame = random_frame(seed=seed)
    full, late = make_table(bars_of(frame)), make_table(bars_of(frame[dropped:]))
    assert full.values[dropped + WARMUP :].tobytes() == late.values[WARMUP:].tobytes()
    assert full.scale[dropped + WARMUP :].tobytes() == late.scale[WARMUP:].tobytes()


def test_one_row_more_than_the_warmup_is_enough_for_the_last_row():
    full, last = make_table(bars_of(FRAME)), make_table(bars_of(FRAME[-WARMUP - 1 :]))
    assert full.values[-1].tobytes() == last.values[-1].tobytes()


def test_the_start_of_the_file_moves_the_classic_family():
    # The control: OBV and the recursive means remember their first bar.
    full, late = (make_table(bars_of(f), families=("classic",)) for f in (FRAME, FRAME[40:]))
    changed = (full.values[-1] != late.values[-1]).nonzero()[0]
    assert {"obv", "accumulation_distribution"} <= {full.names[k] for k in changed}


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 99), factor=st.sampled_from([0.25, 0.5, 2.0, 8.0]))
def test_price_and_volume_levels_change_no_bit(seed, factor):
    frame, families = random_frame(seed=seed), ("stationary", "universal")
    table, other = (
        make_table(bars_of(f), families=families) for f in (frame, scaled(frame, factor))
    )
    assert table.values.tobytes() == other.values.tobytes()
    assert table.scale.tobytes() == other.scale.tobytes()


@settings(deadline=None, max_examples=30)
@given(factor=st.sampled_from([0.25, 0.5, 2.0, 8.0]), split=st.integers(WARMUP + 1, N_ROWS))
def test_a_later_split_leaves_what_was_known_before_it(factor, split):
    adjusted = pl.concat([scaled(FRAME[:split], factor), FRAME[split:]])
    table, other = make_table(bars_of(FRAME)), make_table(bars_of(adjusted))
    assert table.values[:split].tobytes() == other.values[:split].tobytes()
    if split < N_ROWS:  # the control: a split that was not adjusted is a move
        assert table.values[split].tobytes() != other.values[split].tobytes()


def test_a_dividend_adjustment_changes_nothing_that_matters():
    table, other = make_table(bars_of(FRAME)), make_table(bars_of(scaled(FRAME, 0.9731)))
    np.testing.assert_allclose(other.values, table.values, rtol=1e-6, atol=1e-6)


FLOATS = (*PRICE_COLUMNS, "volume")
WORLDS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "cut": lambda later: later.clear(),
    "up": lambda later: later.with_columns(pl.col(name) * 1e6 for name in FLOATS),
    "down": lambda later: later.with_columns(pl.col(name) * 1e-6 for name in FLOATS),
    "NaN": lambda later: later.with_columns(pl.lit(np.nan).alias(name) for name in FLOATS),
    "reversed": lambda later: later.with_columns(pl.col(name).reverse() for name in FLOATS),
    "flat": lambda later: later.with_columns(
        *(pl.lit(7.3).alias(name) for name in PRICE_COLUMNS), volume=pl.lit(0.0)
    ),
    "thinned": lambda later: later.gather_every(2),
    "a week later": lambda later: later.with_columns(pl.col("session") + pl.duration(days=7)),
}


def known(table: Table, n_rows: int) -> tuple[bytes, bytes]:
    return table.values[:n_rows].tobytes(), table.scale[:n_rows].tobytes()


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("cut", [1, 60, 100, 200, 257, 300, N_ROWS - 1])
def test_what_happens_later_leaves_earlier_rows_alone(world, cut):
    perturbed = pl.concat([FRAME[:cut], WORLDS[world](FRAME[cut:])])
    table = make_table(bars_of(FRAME), families=ALL)
    other = make_table(bars_of(perturbed), families=ALL)
    assert known(table, cut) == known(other, cut)


@pytest.mark.parametrize("name", BAR_COLUMNS[1:])
def test_the_newest_bar_moves_the_newest_row(name):
    # The control: the table is not blind to the bars it is protected from.
    newest = pl.int_range(pl.len()) == N_ROWS - 1
    moved = pl.col(name) + (pl.duration(days=1) if name == "session" else 0.5)
    changed = FRAME.with_columns(pl.when(newest).then(moved).otherwise(pl.col(name)).alias(name))
    table, other = (make_table(bars_of(f), families=ALL) for f in (FRAME, changed))
    assert known(table, N_ROWS - 1) == known(other, N_ROWS - 1)
    moved_families = {
        title
        for title, family in table.families.items()
        if (table.values[-1] != other.values[-1])[family.start : family.stop].any()
    }
    blind = {"session": {"classic", "universal"}, "volume": {"universal"}}
    assert moved_families == {*ALL} - blind.get(name, set())
