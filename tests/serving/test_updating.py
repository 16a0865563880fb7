"""A bundle whose record is moved on forecasts as the backtest that was fitted on the same day."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import nextclose as nc
from nextclose.backtesting.walk_forward import backtest
from nextclose.config import FeaturesConfig, RunConfig
from nextclose.errors import BundleError, ConfigError, DataError, LockedError, NotEnoughDataError
from nextclose.folders import open_folder
from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.models.state import encode_state
from nextclose.schema import QUANTILE_COLUMNS, Bars, Finding, Floats, Ints, News
from nextclose.serving.bundle import Bundle, fill_bundle, write_bundle
from nextclose.serving.manifest import GOLDEN, MANIFEST, MODEL
from nextclose.serving.predictor import forecasts_of, load_bundle, predict
from nextclose.serving.states import state_bytes
from nextclose.serving.updating import open_bundle, reasons_unmoved, update, updated
from nextclose.studies import Plugins, study_of
from nextclose.training import train
from tests.builders import hybrid_bars, hybrid_config, until, walk_frame
from tests.test_replacing import KilledError, killed_at

OWN = pl.col("symbol")
KEYS = ["symbol", "origin", "horizon_sessions"]
ISSUED = [*KEYS, "close", *QUANTILE_COLUMNS]
N_LATER = 60


def broken(frame: pl.DataFrame, row: int) -> pl.DataFrame:
    """The bars in two segments, of which the later begins at that row."""
    part = (pl.int_range(pl.len()) >= row).cast(pl.Int32)
    return frame.with_columns(part.alias("segment"))


def panel() -> Bars:
    """Symbols that differ in sessions and ends; one is new, one pauses and one has ended."""
    whole = hybrid_bars().frame
    last = whole["session"].unique().sort()[-25]
    ended = walk_frame("DDD", seed=3, n=900, phi=0.85).filter(pl.col("session") <= last)
    frames = [
        *(broken(whole.filter(name == OWN), 9999) for name in ("AAA", "BBB", "CCC")),
        broken(ended, 9999),
        broken(
            walk_frame("EEE", seed=4, n=290, first=620, phi=0.85), 9999
        ),  # ready amid the updates
        broken(walk_frame("FFF", seed=5, n=910, phi=0.85), 625),  # ready again amid them
    ]
    return Bars(frame=pl.concat(frames))


def market() -> Bars:
    """Five symbols that are read together."""
    frames = [
        walk_frame(3 * name, seed=k, n=900 - 20 * k, first=20 * k, missing=0.002 * k, phi=0.6)
        for k, name in enumerate("ABCDE")
    ]
    return Bars(frame=pl.concat(frames))


WORLDS: dict[str, tuple[Bars, tuple[str, ...], bool]] = {
    "own bars": (panel(), ("loghar", "lstm"), False),
    "a member that goes on from the fit": (panel(), ("garch", "loghar"), False),
    "a market": (market(), ("loghar", "lstm"), True),
}


@dataclass(frozen=True, kw_only=True)
class World:
    """Bars, a bundle of some of them, and what a backtest fitted on that day forecasts later."""

    bars: Bars
    bundle: Bundle
    folder: Path
    issued: pl.DataFrame
    days: list[date]  # the sessions of the fit and after it


def config_of(members: tuple[str, ...], *, is_market: bool) -> RunConfig:
    config = hybrid_config(*members, models=("hybrid",), rehearsal_sessions=315)
    return config.model_copy(update={"features": FeaturesConfig(market=is_market)})


def issued_without_refit(bars: Bars, config: RunConfig, fitted_at: date) -> pl.DataFrame:
    """The forecasts of all sessions from the fit on, rehearsed as the bundle was."""
    plan = config.backtest.model_copy(update={"test_from": fitted_at})
    study = study_of(bars, config.model_copy(update={"backtest": plan}), Plugins())
    rehearsals, first = study.folds[: study.n_rehearsals], study.folds[study.n_rehearsals]
    assert len(rehearsals) >= 3
    rows = np.sort(np.concatenate([fold.test_rows for fold in study.folds[study.n_rehearsals :]]))
    whole = replace(study, folds=(*rehearsals, replace(first, test_rows=rows)), yardsticks=())
    return backtest(whole).forecasts.filter(pl.col("model") == "hybrid").select(ISSUED)


@pytest.fixture(scope="module", params=WORLDS)
def world(request, tmp_path_factory) -> World:
    bars, members, is_market = WORLDS[request.param]
    config = config_of(members, is_market=is_market)
    days = bars.frame["session"].unique().sort()[-N_LATER:].to_list()
    folder = tmp_path_factory.mktemp("bundles") / "mine"
    train(until(bars, days[0]), folder, config=config)
    return World(
        bars=bars,
        bundle=load_bundle(folder),
        folder=folder,
        issued=issued_without_refit(bars, config, days[0]),
        days=days,
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Bundle:
    """A bundle of log-HAR and a network, of the last fold but `N_LATER` sessions."""
    bars, folder = hybrid_bars(), tmp_path_factory.mktemp("bundles") / "plain"
    train(until(bars, DAYS[0]), folder, config=config_of(("loghar", "lstm"), is_market=False))
    return load_bundle(folder)


DAYS = hybrid_bars().frame["session"].unique().sort()[-N_LATER:].to_list()


def record_bytes(bundle: Bundle) -> bytes:
    return state_bytes(encode_state(bundle.fitted))


def record_of(bundle: Bundle) -> Any:
    assert isinstance(bundle.fitted, FittedHybrid)
    return bundle.fitted.record


# --- served = the backtest ---


def test_with_its_record_moved_on_it_has_the_bits_of_the_backtest_without_refit(world):
    n_compared = 0
    for n in (0, 1, 2, 13, 29, 30, 31, 44, N_LATER - 1):
        known = until(world.bars, world.days[n])
        made = predict(updated(world.bundle, known), known).filter(pl.col("model") == "hybrid")
        made = made.select(ISSUED).sort(KEYS)
        expected = world.issued.join(made.select(KEYS), on=KEYS).sort(KEYS)
        assert_frame_equal(made, expected, check_exact=True)
        n_compared += made.height
    symbols = set(world.issued["symbol"])
    assert symbols == set(world.bars.symbols)
    assert n_compared >= 9 * 3 * (len(symbols) - 2)


def test_before_its_record_is_moved_on_it_is_the_backtest_on_the_day_of_the_fit_alone(world):
    fit, later = (
        predict(world.bundle, until(world.bars, day)) for day in world.days[:: N_LATER - 1]
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


# --- the folder ---


@pytest.fixture
def folder(plain, tmp_path) -> Path:
    folder: Path = tmp_path / "mine"
    write_bundle(folder, plain)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (MODEL, GOLDEN, MANIFEST)}


def test_the_bundle_is_written_and_says_what_it_said_of_itself(plain, folder):
    before = contents(folder)
    manifest = nc.update(folder, hybrid_bars())
    found = load_bundle(folder)
    assert found.manifest == manifest
    changed = {"files": {}, "checksum": ""}
    assert manifest.model_copy(update=changed) == plain.manifest.model_copy(update=changed)
    assert record_bytes(found) == record_bytes(updated(plain, hybrid_bars()))
    assert found.golden.arrays["session"].tobytes() == plain.golden.arrays["session"].tobytes()
    assert all(before[name] != content for name, content in contents(folder).items())


def test_the_same_bars_a_second_time_change_no_byte(folder):
    update(folder, hybrid_bars())
    once = contents(folder)
    update(folder, hybrid_bars())
    assert contents(folder) == once


def test_bars_of_the_training_change_no_byte(folder):
    before = contents(folder)
    update(folder, until(hybrid_bars(), DAYS[0]))
    assert contents(folder) == before


def test_an_update_that_is_killed_at_any_call_leaves_the_old_or_the_new(
    plain, tmp_path, monkeypatch
):
    later = until(hybrid_bars(), DAYS[20])
    records = {record_bytes(bundle) for bundle in (plain, updated(plain, later))}
    seen = set()
    for n in range(1, 1000):
        folder = tmp_path / str(n)
        write_bundle(folder, plain)
        try:
            with killed_at(monkeypatch, n):
                update(folder, later)
        except KilledError:
            seen.add(record_bytes(load_bundle(folder)))
        else:
            break
    assert n > 10
    assert seen == records


def test_one_process_updates_a_folder_at_a_time(folder):
    with open_folder(folder, parts=(MODEL,)), pytest.raises(LockedError):
        update(folder, hybrid_bars())


def test_where_there_is_no_bundle_none_is_made(tmp_path):
    with pytest.raises(BundleError):
        update(tmp_path / "mine", hybrid_bars())
    assert not (tmp_path / "mine").exists()
    others = tmp_path / "prices" / ".new.0123abcd"  # named as what a killed writer of ours leaves
    others.mkdir(parents=True)
    with pytest.raises(BundleError):
        update(tmp_path / "prices", hybrid_bars())
    assert others.is_dir()


def test_what_is_read_is_what_is_replaced(plain, folder):
    """Whoever else writes waits until it is done."""
    with open_bundle(folder) as (place, bundle):
        with pytest.raises(LockedError):
            update(folder, hybrid_bars())
        fill_bundle(place, updated(bundle, hybrid_bars()))
    assert record_bytes(load_bundle(folder)) == record_bytes(updated(plain, hybrid_bars()))


# --- symbols that come and go ---


def test_a_symbol_that_is_new_is_taken_up_from_the_fit_on(plain):
    new = walk_frame("NEW", seed=9, n=940)
    bars = Bars(frame=pl.concat([hybrid_bars().frame, new]))
    moved = updated(plain, bars)
    known = updated(plain, hybrid_bars())
    assert set(moved.recorded) == {"AAA", "BBB", "CCC", "NEW"}
    assert_frame_equal(
        predict(moved, bars).filter(OWN != "NEW"), predict(known, hybrid_bars()), check_exact=True
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


def test_a_symbol_that_is_not_moved_on_is_told(folder):
    update(folder, until(hybrid_bars(), DAYS[30]))
    early = (OWN == "BBB") & (pl.col("session") > DAYS[10])
    with pytest.warns(nc.ServingWarning, match="BBB: not moved on; its bars end"):
        update(folder, Bars(frame=hybrid_bars().frame.filter(~early)))


# --- refusals ---


def refusal(bundle: Bundle, bars: Bars, kind: type[nc.NextcloseError]) -> str:
    with pytest.raises(kind) as caught:
        updated(bundle, bars)
    return str(caught.value)


def test_another_model_keeps_no_record(tmp_path):
    bars = until(hybrid_bars(), DAYS[0])
    config = config_of(("loghar", "lstm"), is_market=False)
    train(bars, tmp_path / "mine", model="loghar", config=config)
    said = refusal(load_bundle(tmp_path / "mine"), hybrid_bars(), ConfigError)
    assert "a bundle of loghar keeps no record of past forecasts" in said
    assert "Fix: forecast with it as it is" in said


def test_bars_that_all_end_before_the_record_are_refused(plain):
    moved = updated(plain, until(hybrid_bars(), DAYS[30]))
    said = refusal(moved, until(hybrid_bars(), DAYS[20]), NotEnoughDataError)
    assert f"all bars end by {DAYS[20]}" in said
    assert f"known up to {max(moved.recorded.values())}: there is nothing to move on" in said
    assert "Fix: give newer bars" in said


def test_bars_that_do_not_hold_a_forecast_at_the_next_session_are_refused(world):
    needed = world.bundle.manifest.min_rows
    fit = world.days[0]
    day = {"CCC": fit}
    moved = updated(world.bundle, until(world.bars, world.days[20]))
    if not world.bundle.replays:
        own = world.bars.frame.filter(OWN == "CCC")["session"]
        day = {"CCC": own.filter(own > moved.recorded["CCC"]).min()}
    early = (OWN == "CCC") & (pl.col("session") <= day["CCC"])
    others = world.bars.frame.filter(~early)
    for n, is_enough in ((needed, True), (needed - 1, False)):
        tail = world.bars.frame.filter(early).tail(n)
        bars = Bars(frame=pl.concat([others, tail]).sort("symbol", "session"))
        if is_enough:
            assert updated(moved, bars).recorded == updated(moved, world.bars).recorded
        else:
            said = refusal(moved, bars, NotEnoughDataError)
            assert f"each symbol needs {needed} bars" in said
            assert f"CCC ({n} bars up to {day['CCC']})" in said
            assert "Fix: give bars that begin earlier" in said


def test_a_market_is_whole_from_the_earliest_session_to_come_on(tmp_path):
    bars = market()
    days = bars.frame["session"].unique().sort()[-N_LATER:].to_list()
    config = config_of(("loghar", "lstm"), is_market=True)
    train(until(bars, days[0]), tmp_path / "mine", config=config)
    bundle = load_bundle(tmp_path / "mine")
    behind = (OWN == "BBB") & (pl.col("session") > days[10])
    moved = updated(bundle, Bars(frame=until(bars, days[30]).frame.filter(~behind)))
    early = (OWN == "AAA") & (pl.col("session") <= days[31])
    tail = bars.frame.filter(early).tail(bundle.manifest.min_rows)
    short = Bars(frame=pl.concat([tail, bars.frame.filter(~early)]).sort("symbol", "session"))
    assert "AAA (" in refusal(moved, short, NotEnoughDataError)  # BBB goes on much earlier
    part = Bars(frame=bars.frame.filter(OWN != "DDD"))
    assert "5 symbols move together" in refusal(moved, part, NotEnoughDataError)


def test_bars_that_lack_the_session_of_a_forecast_that_waits_are_refused(plain):
    lost = (OWN == "AAA") & (pl.col("session") == DAYS[0])
    bars = Bars(frame=hybrid_bars().frame.filter(~lost))
    said = refusal(plain, bars, NotEnoughDataError)
    assert f"AAA {DAYS[0]}" in said
    assert "Fix: give bars that hold them, or train again" in said
    later = updated(plain, until(hybrid_bars(), DAYS[50]))
    assert (
        updated(later, bars).recorded == updated(plain, hybrid_bars()).recorded
    )  # it has resolved


def test_bars_that_predict_refuses_are_refused(plain):
    note = Finding(number=57, response="W", found="no close", rule="", symbol="AAA")
    assert "E57" in refusal(plain, replace(hybrid_bars(), findings=(note,)), DataError)
    items = pl.DataFrame({"symbol": ["AAA"], "session": [DAYS[3]], "score": [0.5]})
    news = News(frame=items, scorer="mine", cutoff_minutes=30)
    assert "reads no news" in refusal(plain, replace(hybrid_bars(), news=news), ConfigError)
    young = Bars(frame=hybrid_bars().frame.group_by("symbol", maintain_order=True).tail(99))
    assert "found 99 sessions" in refusal(plain, young, NotEnoughDataError)


@pytest.mark.parametrize(("folder", "bars"), [(3, hybrid_bars()), ("mine", hybrid_bars().frame)])
def test_other_arguments_are_refused_with_the_cure(folder, bars):
    with pytest.raises(ConfigError, match="Fix: "):
        update(folder, bars)
