"""Bars that lack a range or a volume: what is not known there, and nowhere else."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from nextclose.errors import ConfigError
from nextclose.features.columns import Feature, SymbolBars
from nextclose.features.rolling import known_mean, known_std, rolling_mean, rolling_std
from nextclose.features.table import FAMILIES, make_table
from nextclose.schema import Floats, Table
from tests.features.random_bars import bars_of, random_frame

WARMUP = 256
FRAME = random_frame(seed=11, n_rows=600)
CLOSES = {c.name for c in FAMILIES["stationary"].columns if not c.needs}
RANGES = {c.name for c in FAMILIES["stationary"].columns if {"high", "open"} & {*c.needs}}
VOLUMES = {c.name for c in FAMILIES["stationary"].columns if "volume" in c.needs}
# what speaks of the session's own range or volume, not of a window's
OF_THE_DAY = {"gap", "open_to_close", "range", "range_ratio_22", "close_location"} | {
    "range_volatility_ratio_1"
}


def lacking(frame: pl.DataFrame, start: int, stop: int, *names: str) -> pl.DataFrame:
    is_hit = pl.int_range(pl.len()).is_between(start, stop, closed="left")
    return frame.with_columns(pl.when(~is_hit).then(name).alias(name) for name in names)


def unknown(table: Table, name: str) -> list[int]:
    """Rows behind the warm-up at which a column is not known."""
    column = table.values[WARMUP:, table.names.index(name)]
    return (WARMUP + np.flatnonzero(~np.isfinite(column))).tolist()


def holed(seed: int, share: float, n: int = 300) -> Floats:
    noise = np.random.default_rng(seed)
    return np.where(noise.random(n) < share, np.nan, 40 + noise.standard_normal(n).cumsum())


def of_known(x: Floats, sessions: int, of) -> Floats:
    """The slow and obvious way: of the known values, if three of four are."""
    values = np.full(len(x), np.nan)
    for t in range(sessions - 1, len(x)):
        window = x[t - sessions + 1 : t + 1]
        window = window[~np.isnan(window)]
        if 4 * len(window) >= 3 * sessions:
            values[t] = of(window)
    return values


@pytest.mark.parametrize("sessions", [1, 3, 4, 5, 22, 66, 127])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.6])
def test_statistics_of_what_is_known_agree_with_plain_loops(sessions, share):
    x = holed(1, share)
    for known, of in ((known_mean, np.mean), (known_std, np.std)):
        expected = of_known(x, sessions, of)
        np.testing.assert_allclose(known(x, sessions=sessions), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("sessions", [1, 5, 22, 66])
def test_windows_without_a_hole_have_the_bits_they_have_in_a_file_without_any(sessions):
    x = holed(2, 0.0)
    with_hole = np.where(np.arange(300) == 100, np.nan, x)
    untouched = np.r_[0:100, 100 + sessions : 300]
    for known, plain in ((known_mean, rolling_mean), (known_std, rolling_std)):
        one, two = known(with_hole, sessions=sessions), plain(x, sessions=sessions)
        assert one[untouched].tobytes() == two[untouched].tobytes()
        assert known(x, sessions=sessions).tobytes() == two.tobytes()


def test_a_session_without_a_range_has_no_range_features_there_and_windows_pass_over_it():
    table = make_table(bars_of(lacking(FRAME, 400, 401, "open", "high", "low")))
    for name in table.names:
        assert unknown(table, name) == ([400] if name in OF_THE_DAY else []), name


def test_a_session_without_a_volume_has_no_volume_features_there():
    table = make_table(bars_of(lacking(FRAME, 400, 401, "volume")))
    expected = {
        "volume_ratio_22": [400],
        "volume_surprise_66": [400],
        "volume_change": [400, 401],
    }
    for name in table.names:
        assert unknown(table, name) == expected.get(name, []), name


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("open", {"gap", "open_to_close", "range_volatility_ratio_1"}),
        ("high", OF_THE_DAY - {"gap", "open_to_close"}),
        ("low", OF_THE_DAY - {"gap", "open_to_close"}),
    ],
)
def test_a_single_cell_takes_only_what_reads_it(cell, names):
    table = make_table(bars_of(lacking(FRAME, 400, 401, cell)))
    assert {name for name in table.names if unknown(table, name)} == names


def test_what_the_close_alone_gives_has_the_same_bits_whatever_ranges_lack():
    plain = make_table(bars_of(FRAME))
    holes = lacking(lacking(FRAME, 100, 390, "open"), 300, 450, "high", "low", "volume")
    table = make_table(bars_of(holes))
    for name in CLOSES:
        k = table.names.index(name)
        assert table.values[:, k].tobytes() == plain.values[:, k].tobytes(), name


def test_a_long_stretch_takes_a_window_until_three_quarters_of_it_are_known():
    table = make_table(bars_of(lacking(FRAME, 300, 400, "open", "high", "low")))
    # 17 of 66 sessions lack theirs at 316; of 250 at most 62 do from 649 - 62 = 587 on
    assert unknown(table, "range_volatility_ratio_66") == [*range(316, 587)]
    assert unknown(table, "range_ratio_22") == [*range(300, 416)]
    assert unknown(table, "stochastic_k") == [*range(303, 412)]


def test_a_symbol_without_ranges_beside_one_with_them_has_none():
    other = FRAME.with_columns(pl.lit("BBB").alias("symbol"))
    frame = pl.concat([FRAME, other.select("symbol", "session", "close")], how="diagonal")
    both, alone = make_table(bars_of(frame)), make_table(bars_of(FRAME))
    assert both.values[:600].tobytes() == alone.values.tobytes()
    known = np.isfinite(both.values[600 + WARMUP :])
    for k, name in enumerate(both.names):
        assert known[:, k].all() if name in CLOSES else not known[:, k].any(), name
    assert {*both.names} == RANGES | VOLUMES | CLOSES


@pytest.mark.parametrize("dropped", [1, 60, 200, 330])
def test_where_the_file_starts_changes_no_bit_with_holes_either(dropped):
    holes = lacking(lacking(FRAME, 310, 312, "high"), 350, 380, "open", "high", "low", "volume")
    full, late = make_table(bars_of(holes)), make_table(bars_of(holes[dropped:]))
    assert full.values[dropped + WARMUP :].tobytes() == late.values[WARMUP:].tobytes()


def test_the_tutorials_columns_read_bars_without_holes():
    holes = lacking(lacking(FRAME, 310, 312, "high", "volume"), 350, 380, "open", "low")
    table = make_table(bars_of(holes), families=("classic",))
    assert np.isfinite(table.values[199:]).all()
    k = table.names.index("high")
    assert table.values[310, k] == np.float32(FRAME["close"][310])


# --- columns of the user's own ---


def week_high(bars: SymbolBars) -> Floats:
    """Highest high of five sessions over the close."""
    highs = np.lib.stride_tricks.sliding_window_view(bars.high, 5)
    return np.append(np.full(4, np.nan), highs.max(axis=1)) / bars.close


def test_an_own_column_may_be_unknown_where_what_it_needs_is_missing_within_its_reach():
    own = {"week_high": Feature(week_high, 4, needs=("high",))}
    table = make_table(bars_of(lacking(FRAME, 400, 401, "high")), own=own)
    assert unknown(table, "week_high") == [400, 401, 402, 403, 404]


def misplaced(at: int, value: float) -> Feature:
    def values(bars: SymbolBars) -> Floats:
        return np.where(np.arange(len(bars.close)) == at, value, 1.0)

    return Feature(values, 4, needs=("high",))


@pytest.mark.parametrize(("at", "value"), [(399, np.nan), (405, np.nan), (402, np.inf)])
def test_elsewhere_and_never_as_infinity(at, value):
    bars = bars_of(lacking(FRAME, 400, 401, "high"))
    with pytest.raises(ConfigError, match="no finite value"):
        make_table(bars, own={"mine": misplaced(at, value)})
    make_table(bars, own={"mine": misplaced(404, np.nan)})
