"""A bundle whose record is moved on forecasts as the backtest that was fitted on the same day."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.schema import Bars, Floats, Ints
from nextclose.serving.bundle import Bundle
from nextclose.serving.predictor import forecasts_of, predict
from nextclose.serving.updating import reasons_unmoved, updated
from tests.builders import hybrid_bars, until, walk_frame
from tests.serving.updates import (
    DAYS,
    ISSUED,
    KEYS,
    N_LATER,
    OWN,
    WORLDS,
    World,
    plain_bundle,
    record_bytes,
    record_of,
    world_of,
)


@pytest.fixture(scope="module", params=WORLDS)
def world(request) -> World:
    return world_of(request.param)


@pytest.fixture(scope="module")
def plain() -> Bundle:
    return plain_bundle()


# --- served = the backtest ---


def test_with_its_record_moved_on_it_has_the_bits_of_the_backtest_without_refit(world):
    n_compared = 0
    for n in (0, 1, 2, 13, 29, 30, 31, 44, N_LATER - 1):
        known = until(world.bars, world.days[n])
        made = predict(updated(world.bundle, known), known).frame.filter(
            pl.col("model") == "hybrid"
        )
        made = made.select(ISSUED).sort(KEYS)
        expected = world.issued.join(made.select(KEYS), on=KEYS).sort(KEYS)
        assert_frame_equal(made, expected, check_exact=True)
        n_compared += made.height
    symbols = set(world.issued["symbol"])
    assert symbols == set(world.bars.symbols)
    assert n_compared >= 9 * 3 * (len(symbols) - 2)


def test_before_its_record_is_moved_on_it_is_the_backtest_on_the_day_of_the_fit_alone(world):
    fit, later = (
        predict(world.bundle, until(world.bars, day)).frame for day in world.days[:: N_LATER - 1]
    )
    for made, is_same in ((fit, True), (later, False)):
        own = made.filter(pl.col("model") == "hybrid").select(ISSUED).sort(KEYS)
        expected = world.issued.join(own.select(KEYS), on=KEYS).sort(KEYS)
        assert own.equals(expected) == is_same


def test_daily_updates_and_one_over_many_sessions_give_the_same_bytes(world):
    daily = world.bundle
    for day in world.days:
        daily = updated(daily, until(world.bars, day))
    weekly = world.bundle
    for day in world.days[3::7]:
        weekly = updated(weekly, until(world.bars, day))
    once = updated(world.bundle, world.bars)
    assert record_bytes(daily) == record_bytes(updated(weekly, world.bars)) == record_bytes(once)
    assert record_bytes(once) != record_bytes(world.bundle)
    assert record_of(once).resolved.min() > 0 or "EEE" in world.bars.symbols
    for name, values in once.golden.arrays.items():
        assert np.array_equal(values, daily.golden.arrays[name]), name


def test_the_rows_of_a_forecast_before_the_record_are_enough(plain):
    """Of a year's bars: as the whole, but for the ten years that members read where there are."""
    known = until(hybrid_bars(), DAYS[30])
    before = updated(plain, until(hybrid_bars(), DAYS[29]))
    short = known.frame.group_by("symbol", maintain_order=True).tail(plain.manifest.min_rows)
    assert updated(before, Bars(frame=short)).recorded == updated(before, known).recorded


# --- what it costs ---


def test_predict_asks_members_for_the_newest_rows_alone(world):
    asked: list[int] = []

    @dataclass(frozen=True)
    class Counting:
        member: Any

        def quantiles(self, samples, rows: Ints) -> Floats:
            asked.append(len(rows))
            newest = dict(zip(samples.table.symbol, range(len(samples.origin)), strict=True))
            assert {*rows.tolist()} <= {*newest.values()}
            return np.asarray(self.member.quantiles(samples, rows))

    fitted = world.bundle.fitted
    assert isinstance(fitted, FittedHybrid)
    members = {name: Counting(member) for name, member in fitted.members.items()}
    expected = forecasts_of(world.bundle, world.bars)
    made = forecasts_of(replace(world.bundle, fitted=replace(fitted, members=members)), world.bars)
    assert_frame_equal(made, expected, check_exact=True)
    assert len(asked) == len(members)
    assert max(asked) <= len(world.bars.symbols)


# --- symbols that come and go ---


def test_a_symbol_that_is_new_is_taken_up_from_the_fit_on(plain):
    new = walk_frame("NEW", seed=9, n=940)
    bars = Bars(frame=pl.concat([hybrid_bars().frame, new]))
    moved = updated(plain, bars)
    known = updated(plain, hybrid_bars())
    assert set(moved.recorded) == {"AAA", "BBB", "CCC", "NEW"}
    assert_frame_equal(
        predict(moved, bars).frame.filter(OWN != "NEW"),
        predict(known, hybrid_bars()).frame,
        check_exact=True,
    )
    place = record_of(moved).symbols.index("NEW")
    n_rows = new.filter(pl.col("session") >= DAYS[0]).height
    waits = record_of(moved).waiting_symbol == place
    for k, horizon in enumerate((1, 7, 30)):
        assert (waits & (record_of(moved).waiting_horizon == k)).sum() == horizon
        assert n_rows - horizon - 1 < record_of(moved).resolved[place, k] <= n_rows - horizon


def test_symbols_that_are_not_given_or_bring_nothing_stay_as_they_were(plain):
    moved = updated(plain, until(hybrid_bars(), DAYS[30]))
    rest = hybrid_bars().frame.filter(OWN != "AAA")
    early = (OWN == "BBB") & (pl.col("session") > DAYS[10])
    bars = Bars(frame=rest.filter(~early))
    again = updated(moved, bars)
    for name in ("AAA", "BBB"):
        place = record_of(moved).symbols.index(name)
        assert again.recorded[name] == moved.recorded[name]
        for values in ("resolved", "misses"):
            assert np.array_equal(
                *(getattr(record_of(bundle), values)[place] for bundle in (moved, again))
            )
    assert again.recorded["CCC"] == DAYS[-1]
    newest = max(bars.frame.filter(OWN == "BBB")["session"])
    assert reasons_unmoved(moved, bars) == {
        "BBB": f"its bars end {newest}, its past forecasts are known up to {moved.recorded['BBB']}"
    }
