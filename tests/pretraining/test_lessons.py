"""Lessons hold what the network reads and what came after, and nothing of what was not known."""

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest

from nextclose.features.columns import LONG_RUN
from nextclose.features.table import make_table
from nextclose.features.universal import INPUTS, WARMUP
from nextclose.models.lstm.shape import TAUGHT_HORIZONS
from nextclose.pretraining import lessons as module
from nextclose.pretraining.blocks import Block, Material, here, lessons_of
from nextclose.pretraining.companies import histories
from nextclose.pretraining.lessons import (
    BURN_IN,
    LESSON_SESSIONS,
    LONGEST,
    Columns,
    Lessons,
    inputs_of,
    real_lessons,
    simulated_lessons,
    targets_of,
)
from nextclose.samples.samples import make_samples
from tests.pretraining.panels import changed_elsewhere, market_bars, names_of, panel, session

HAS_RANGE, HISTORY = INPUTS.index("has_range"), INPUTS.index("history")
LAST = np.datetime64("2100-01-01")
N = 3400  # sessions: a history of ten years, its warm-up and a lesson fit


@cache
def markets() -> tuple[Columns, ...]:
    bars = market_bars(tuple(names_of("teach", 3)), n_sessions=N)
    return tuple(history.columns for history in histories(bars, part="teach", until=LAST))


@cache
def simulated() -> Lessons:
    return simulated_lessons(40, np.random.default_rng(3))


def real(n: int, *, seed: int = 0, of: tuple[Columns, ...] | None = None) -> Lessons:
    return real_lessons(of or markets(), n, np.random.default_rng(seed))


@pytest.mark.parametrize("lessons", [simulated, lambda: real(40)])
def test_a_lesson_is_read_everywhere_and_known_where_outcomes_are(lessons):
    drawn = lessons()
    assert drawn.inputs.shape == (40, LESSON_SESSIONS, len(INPUTS))
    assert drawn.targets.shape == (40, LESSON_SESSIONS, len(TAUGHT_HORIZONS))
    assert drawn.inputs.dtype == drawn.targets.dtype == np.float32
    assert np.isfinite(drawn.inputs).all()
    assert np.isfinite(drawn.targets[:, BURN_IN : LESSON_SESSIONS // 4]).any(axis=(1, 2)).all()


@pytest.mark.parametrize("lessons", [simulated, lambda: real(40)])
def test_outcomes_of_the_burn_in_count_only_where_the_history_begins_with_the_lesson(lessons):
    drawn = lessons()
    is_counted = np.isfinite(drawn.targets[:, :BURN_IN]).any(axis=2)
    is_new = drawn.inputs[:, 0, HISTORY] == np.float32(np.log(WARMUP / LONG_RUN))
    np.testing.assert_array_equal(is_counted.all(axis=1), is_new)
    np.testing.assert_array_equal(is_counted.any(axis=1), is_new)
    assert 0.1 < is_new.mean() < 0.6


def test_inputs_and_targets_are_those_of_the_table_and_of_its_samples():
    bars = market_bars(tuple(names_of("teach", 3)), n_sessions=N)
    table = make_table(bars, families=("universal",))
    samples = make_samples(table, horizons=TAUGHT_HORIZONS)
    for columns, (start, stop) in zip(markets(), table.segments, strict=True):
        rows = slice(start + WARMUP, stop)
        assert inputs_of(columns)[WARMUP:].tobytes() == table.values[rows].tobytes()
        np.testing.assert_array_equal(
            targets_of(columns)[WARMUP:], samples.target[rows].astype(np.float32)
        )


def test_ranges_that_say_nothing_are_hidden_from_those_who_learn_and_from_those_who_forecast():
    bars = market_bars(tuple(names_of("teach", 3)), n_sessions=N)
    last = pl.col("close").shift(1).over("symbol")
    row = pl.int_range(pl.len()).over("symbol")
    middle = (pl.col("high") * pl.col("low")).sqrt()
    idle = bars.frame.with_columns(
        open=pl.when(row % 5 == 1).then(last).otherwise("open"),
        high=pl.when(row % 7 == 2).then(middle).otherwise("high"),
        low=pl.when(row % 7 == 2).then(middle).when(row % 11 == 3).then(None).otherwise("low"),
    )
    table = make_table(replace(bars, frame=idle), families=("universal",))
    taught = histories(replace(bars, frame=idle), part="teach", until=LAST)
    for history, (start, stop) in zip(taught, table.segments, strict=True):
        served = table.values[start:stop]
        n = np.arange(WARMUP, stop - start)
        is_idle = (n % 5 == 1) | (n % 7 == 2) | (n % 11 == 3)
        np.testing.assert_array_equal(served[WARMUP:, HAS_RANGE], 1.0 - is_idle)
        read = inputs_of(history.columns)
        ranges = [k for k, name in enumerate(INPUTS) if name != "overnight"]
        assert served[WARMUP:, ranges].tobytes() == read[WARMUP:, ranges].tobytes()


def place_of(inputs: np.ndarray, columns: Columns) -> int:
    """The session of the first row of a lesson, found by its return alone."""
    returns = inputs_of({"close": columns["close"]})[:, 0]
    size = 5
    windows = np.lib.stride_tricks.sliding_window_view(returns, size)
    (place,) = np.flatnonzero((windows == inputs[:size, 0]).all(axis=1))
    return int(place)


def test_a_lesson_is_a_stretch_of_one_history_with_the_outcomes_that_followed():
    (columns,) = markets()[:1]
    targets = targets_of(columns)
    drawn = real(20, of=(columns,))
    # a short past makes another scale
    settled = np.flatnonzero(drawn.inputs[:, 0, HISTORY] > np.log(300 / LONG_RUN))
    assert len(settled) > 5
    for lesson in settled:
        first = place_of(drawn.inputs[lesson], columns)
        followed = targets[first : first + LESSON_SESSIONS]
        known = np.isfinite(drawn.targets[lesson])
        assert known[BURN_IN:].any(axis=0).all()
        np.testing.assert_array_equal(drawn.targets[lesson][known], followed[known])


def test_no_outcome_lies_beyond_the_end_of_the_history():
    n = WARMUP + BURN_IN + LONGEST + 2
    short = {name: values[:n] for name, values in markets()[0].items()}
    (whole,) = real(1, seed=5, of=(short,)).targets
    known = np.isfinite(whole).any(axis=1)
    assert np.flatnonzero(known).max() < n - WARMUP - 1
    for k, horizon in enumerate(TAUGHT_HORIZONS):
        assert np.isfinite(whole[:, k]).sum() <= n - WARMUP - horizon


def test_what_others_did_and_what_came_later_changes_no_lesson_of_those_who_teach():
    bars = panel(n_teach=3, n_stop=2, n_test=2)

    def taught(other_after: date) -> bytes:
        poisoned = changed_elsewhere(bars, after=other_after)
        teach = histories(poisoned, part="teach", until=np.datetime64(session(500)))
        drawn = real(30, of=tuple(history.columns for history in teach))
        return drawn.inputs.tobytes() + drawn.targets.tobytes()

    assert taught(session(500)) == taught(date(2100, 1, 1))
    assert taught(session(500)) != taught(session(495))  # what is known is read


def test_some_lessons_know_no_ranges_and_say_so_throughout():
    says = np.concatenate([simulated().inputs, real(40).inputs])[:, : BURN_IN + 1, HAS_RANGE]
    assert set(np.unique(says)) == {0.0, 1.0}
    is_rangeless = (says == 0).all(axis=1)
    assert is_rangeless.mean() == pytest.approx(module.RANGELESS_SHARE, abs=0.15)
    ranges = [k for k, name in enumerate(INPUTS) if name.startswith(("log_range", "overnight"))]
    whole = np.concatenate([simulated().inputs, real(40).inputs])
    assert not whole[is_rangeless][:, :, ranges].any()
    assert whole[~is_rangeless][:, :, ranges].any(axis=(1, 2)).all()


def test_the_scale_of_an_outcome_is_capped():
    close = np.concatenate([np.exp(0.001 * np.sin(np.arange(200))), [50.0] * 100])
    assert np.nanmax(targets_of({"close": close})) == module.OUTCOME_CAP


def test_longer_histories_are_taken_more_often():
    long_one, short_one = ({"close": markets()[k]["close"][:n]} for k, n in ((0, 2000), (1, 300)))
    drawn = real(60, of=(long_one, short_one))
    ends = np.isfinite(drawn.targets).any(axis=2).sum(axis=1)
    assert (ends <= 300 - WARMUP).mean() < 0.3


def test_equal_seeds_choose_equal_stretches_and_others_do_not():
    assert real(3, seed=1).inputs.tobytes() == real(3, seed=1).inputs.tobytes()
    assert real(3, seed=1).inputs.tobytes() != real(3, seed=2).inputs.tobytes()


def test_blocks_are_drawn_by_their_numbers_real_lessons_first():
    material = Material(teach=markets())
    blocks = [Block(n_real=3, n_simulated=2, seed=4, number=k) for k in (0, 1, 0)]
    first, second, again = here(lessons_of, material, blocks)
    assert first.inputs.tobytes() == again.inputs.tobytes() != second.inputs.tobytes()
    assert len(first.inputs) == 5
    (alone,) = here(lessons_of, material, [Block(n_real=3, n_simulated=0, seed=4)])
    assert alone.inputs.shape[0] == 3


def test_a_block_is_drawn_when_it_is_asked_for():
    def fail(*_):
        raise AssertionError("drawn")

    waiting = here(fail, Material(teach=()), [Block(n_real=1, n_simulated=0, seed=0)])
    with pytest.raises(AssertionError, match="drawn"):
        next(waiting)
