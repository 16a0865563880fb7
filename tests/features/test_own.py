"""Columns of the user's own: where they stand, what they change, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from nextclose.errors import ConfigError
from nextclose.features.columns import Feature, SymbolBars, check_features
from nextclose.features.table import (
    FAMILIES,
    MAIN,
    OWN,
    lookback_sessions,
    make_table,
    own_names,
    with_own,
)
from nextclose.schema import MASK_COLUMNS, Bars, Floats
from tests.builders import walk_bars
from tests.features.random_bars import N_ROWS, bars_of, random_frame
from tests.plugins import WEEK_RANGE, week_range

FRAME = random_frame(seed=11)
BARS = bars_of(FRAME)
WARMUP = 256
N_MAIN = len(FAMILIES[MAIN].columns)


def level(bars: SymbolBars) -> Floats:
    """The logarithm of the close: no look-back."""
    return np.log(bars.close)


def years_old(n: int) -> Feature:
    """A column that looks back `n` sessions."""

    def values(bars: SymbolBars) -> Floats:
        return np.concatenate([np.full(min(n, len(bars.close)), np.nan), level(bars)[: -n or None]])

    return Feature(values, lookback_sessions=n)


# --- where it stands ---


def test_own_columns_stand_last_in_the_stationary_family_and_are_its_part_own():
    plain = make_table(BARS, market=True)
    table = make_table(
        BARS, own={"week_range": WEEK_RANGE, "level": Feature(level, 0)}, market=True
    )
    family, own = table.families[MAIN], table.families[OWN]
    assert (own.start, own.stop) == (N_MAIN, N_MAIN + 2) == (family.stop - 2, family.stop)
    assert own_names(table) == table.names[own.start : own.stop] == ("week_range", "level")
    assert own.warmup_sessions == family.warmup_sessions == WARMUP
    assert table.families["market"].start == family.stop
    # all others are as they were, to the bit
    rest = [j for j, name in enumerate(table.names) if name not in ("week_range", "level")]
    assert tuple(table.names[j] for j in rest) == plain.names
    assert table.values[:, rest].tobytes() == plain.values.tobytes()


def test_its_values_are_those_of_the_function_from_the_familys_warm_up_on():
    table = make_table(BARS, own={"week_range": WEEK_RANGE})
    found = table.values[:, table.names.index("week_range")]
    expected = week_range(SymbolBars(session=table.session, columns={"close": table.close}))
    assert np.isnan(found[:WARMUP]).all()
    np.testing.assert_array_equal(found[WARMUP:], expected[WARMUP:].astype(np.float32))


def test_each_segment_of_each_symbol_is_given_alone():
    seen: list[tuple[int, float]] = []

    def noting(bars: SymbolBars) -> Floats:
        seen.append((len(bars.close), float(bars.close[0])))
        return np.zeros(len(bars.close))

    frames = [random_frame(seed=k, symbol=name, n_rows=280 + k) for k, name in enumerate("AB")]
    make_table(bars_of(*frames), own={"mine": Feature(noting, 0)})
    assert seen == [(frame.height, frame["close"][0]) for frame in frames]


def test_values_beyond_twenty_are_set_to_it():
    def steep(bars: SymbolBars) -> Floats:
        return 1e6 * np.cos(np.arange(len(bars.close)))

    table = make_table(BARS, own={"steep": Feature(steep, 0)})
    found = table.values[WARMUP:, table.names.index("steep")]
    assert (found.min(), found.max()) == (-20.0, 20.0)


def test_a_table_without_any_has_no_such_names():
    table = make_table(BARS)
    assert own_names(table) == ()
    assert OWN not in table.families


# --- the warm-up ---


def test_a_column_that_looks_further_back_makes_the_warm_up_of_the_family_longer():
    far = years_old(300)
    table = make_table(BARS, own={"far": far, "level": Feature(level, 0)})
    assert table.families[MAIN].warmup_sessions == 300
    span = table.families[MAIN]
    block = table.values[:, span.start : span.stop]
    assert np.isnan(block[:300]).all()
    assert np.isfinite(block[300:]).all()
    assert lookback_sessions(MAIN, {"far": far}) == 300
    assert lookback_sessions(MAIN, {"week_range": WEEK_RANGE}) == lookback_sessions(MAIN) == WARMUP


def test_other_families_look_back_as_far_as_before():
    assert lookback_sessions("classic", {"far": years_old(300)}) == lookback_sessions("classic")
    table = make_table(BARS, families=(MAIN, "classic"), own={"far": years_old(300)})
    assert table.families["classic"].warmup_sessions == 199


# --- what it needs ---


@pytest.mark.parametrize("gone", ["volume", "open"])
def test_a_column_whose_bars_are_missing_is_left_out_and_named(gone):
    def spread(bars: SymbolBars) -> Floats:
        return bars.columns[gone] / bars.close

    own = {"mine": Feature(spread, 0, needs=(gone,)), "level": Feature(level, 0)}
    whole = make_table(BARS, own=own)
    assert own_names(whole) == ("mine", "level")
    table = make_table(bars_of(FRAME.drop(gone)), own=own)
    assert own_names(table) == ("level",)
    assert table.left_out["mine"] == f"stationary: the bars have no {gone}"
    assert table.families[OWN].start == table.families[MAIN].stop - 1


def test_if_all_are_left_out_there_is_no_such_part():
    own = {"mine": Feature(lambda bars: bars.volume, 0, needs=("volume",))}
    table = make_table(bars_of(FRAME.drop("volume")), own=own)
    assert own_names(table) == ()


# --- refusals ---


def refusal(values: Callable[[SymbolBars], Any], lookback: int = 0) -> str:
    with pytest.raises(ConfigError) as caught:
        make_table(BARS, own={"mine": Feature(values, lookback)})
    assert caught.value.section == "features"
    assert "Fix: " in str(caught.value)
    return str(caught.value)


def test_a_function_that_raises_is_refused_saying_how():
    def raising(bars: SymbolBars) -> Floats:
        return bars.columns["adjusted"]

    def talkative(bars: SymbolBars) -> Floats:
        raise RuntimeError("first line\nsecond line")

    assert "feature 'mine' raised KeyError: 'adjusted'" in refusal(raising)
    said = refusal(talkative)
    assert "raised RuntimeError: first line" in said
    assert "second line" not in said


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (lambda bars: bars.close[1:], f"gave shape ({N_ROWS - 1},) for {N_ROWS} sessions"),
        (lambda bars: bars.close[:, None], f"gave shape ({N_ROWS}, 1) for {N_ROWS} sessions"),
        (lambda bars: 1.0, f"gave shape () for {N_ROWS} sessions"),
        (lambda bars: ["x"] * len(bars.close), "raised ValueError"),
        (lambda bars: None, f"gave shape () for {N_ROWS} sessions"),
    ],
)
def test_what_is_not_one_number_a_session_is_refused(values, says):
    assert says in refusal(values)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_behind_the_look_back_is_refused_with_its_session(bad):
    def holed(place: int) -> Callable[[SymbolBars], Floats]:
        def values(bars: SymbolBars) -> Floats:
            return np.where(np.arange(len(bars.close)) == place, bad, 1.0)

        return values

    said = refusal(holed(30), 30)
    assert f"'mine' has no finite value at {FRAME['session'][30]}" in said
    assert "it looks back 30 sessions" in said
    table = make_table(BARS, own={"mine": Feature(holed(29), 30)})
    assert np.isfinite(table.values[WARMUP:, table.names.index("mine")]).all()


def test_a_column_of_a_short_series_is_checked_as_far_as_it_goes():
    short = bars_of(random_frame(seed=1, n_rows=3))
    table = make_table(short, own={"week_range": WEEK_RANGE})
    assert np.isnan(table.values).all()


OURS = tuple(FAMILIES[MAIN].columns[j].name for j in (0, -1))


@pytest.mark.parametrize(
    "name",
    [
        *OURS,
        FAMILIES["classic"].columns[0].name,
        MASK_COLUMNS[0],
        "common_move_5",
        "news_score",
        "two words",
        "7days",
        "",
        "a.b",
        3,
    ],
)
def test_a_name_that_is_taken_or_no_name_is_refused(name: Any):
    with pytest.raises(ConfigError, match="cannot name a feature") as caught:
        make_table(BARS, own={name: WEEK_RANGE})
    assert caught.value.section == "features"


def test_what_is_no_feature_is_refused_saying_how_to_make_one():
    with pytest.raises(ConfigError, match=r"'mine' is a function. Fix: nextclose.Feature\("):
        make_table(BARS, own={"mine": level})  # type: ignore[dict-item]


def test_a_look_back_below_zero_is_refused():
    with pytest.raises(ConfigError, match="looks back -1 sessions"):
        make_table(BARS, own={"mine": Feature(level, -1)})


def test_checked_features_pass_in_silence_and_are_columns_of_the_family():
    check_features({"mine": WEEK_RANGE}, taken={"yours"})
    definition = with_own(FAMILIES[MAIN], {"mine": WEEK_RANGE})
    assert definition.columns[:-1] == FAMILIES[MAIN].columns
    last = definition.columns[-1]
    assert (last.name, last.lookback_sessions, last.needs) == ("mine", 4, ())
    assert definition.cap == FAMILIES[MAIN].cap


def test_a_later_bar_changes_no_earlier_value():
    whole = make_table(BARS, own={"week_range": WEEK_RANGE})
    cut = make_table(bars_of(FRAME.head(FRAME.height - 20)), own={"week_range": WEEK_RANGE})
    np.testing.assert_array_equal(whole.values[: len(cut.values)], cut.values)


def test_a_segment_that_is_no_longer_than_the_look_back_is_not_asked_about():
    """A window of the look-back does not fit there; the rows are warm-up anyway."""

    def strict(bars: SymbolBars) -> Floats:
        windows = np.lib.stride_tricks.sliding_window_view(bars.close, 5)
        return np.concatenate([np.full(4, np.nan), windows.max(axis=1) / bars.close[4:]])

    frame = walk_bars((300,)).frame.with_columns(segment=pl.int_range(pl.len()) // 297)
    table = make_table(Bars(frame=frame), own={"strict": Feature(strict, 4)})
    column = table.values[:, table.names.index("strict")]
    assert np.isnan(column[297:]).all()
    assert np.isfinite(column[290:297]).all()


def test_features_without_names_are_refused():
    with pytest.raises(ConfigError, match=r"features are a list. Fix: give them by name"):
        check_features([Feature(lambda bars: bars.close, 0)], taken=())  # type: ignore[arg-type]


def test_an_error_of_ours_passes_as_it_is_and_a_text_is_no_list_of_columns():
    def licensed(bars: SymbolBars) -> Floats:
        raise ConfigError("no licence. Fix: buy one.")

    with pytest.raises(ConfigError, match=r"^no licence\. Fix: buy one\.$"):
        make_table(walk_bars((300,)), own={"licensed": Feature(licensed, 0)})
    volume: Any = "volume"
    with pytest.raises(ConfigError, match=r"Fix: needs=\('volume',\)"):
        check_features({"v": Feature(licensed, 0, needs=volume)}, taken=())
