"""What an update refuses, and what it leaves in the folder of the bundle, wherever it is killed."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import nextclose as nc
from nextclose.errors import BundleError, ConfigError, DataError, LockedError, NotEnoughDataError
from nextclose.schema import Bars, Finding, News
from nextclose.serving.bundle import Bundle, bundle_folder, fill_bundle, write_bundle
from nextclose.serving.manifest import GOLDEN, MANIFEST, MODEL
from nextclose.serving.predictor import load_bundle
from nextclose.serving.updating import open_bundle, update, updated
from nextclose.training import train
from tests.builders import hybrid_bars, until, walk_frame
from tests.serving.updates import (
    DAYS,
    N_LATER,
    OWN,
    WIDE,
    WORLDS,
    World,
    config_of,
    market,
    plain_bundle,
    record_bytes,
    world_of,
)
from tests.test_replacing import KilledError, killed_at

KEYS = ["symbol", "session"]


@pytest.fixture(scope="module", params=WORLDS)
def world(request) -> World:
    return world_of(request.param)


@pytest.fixture(scope="module")
def plain() -> Bundle:
    return plain_bundle()


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
    with bundle_folder(folder), pytest.raises(LockedError):
        update(folder, hybrid_bars())


def test_who_updates_a_bundle_hands_models_of_their_own_over_again(tmp_path):
    bars, config = hybrid_bars(), config_of(("loghar", WIDE.name), is_market=False)
    train(until(bars, DAYS[0]), tmp_path / "mine", config=config, members=[WIDE])
    with pytest.raises(BundleError, match="with its members"):
        update(tmp_path / "mine", bars)
    update(tmp_path / "mine", bars, models=[WIDE])
    assert max(load_bundle(tmp_path / "mine", models=[WIDE]).recorded.values()) == DAYS[-1]


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


def test_a_symbol_that_is_not_moved_on_is_told(folder):
    update(folder, until(hybrid_bars(), DAYS[30]))
    early = (OWN == "BBB") & (pl.col("session") > DAYS[10])
    with pytest.warns(nc.ServingWarning, match="BBB: not moved on; its bars end"):
        update(folder, Bars(frame=hybrid_bars().frame.filter(~early)))


def test_bars_of_another_company_are_not_counted(plain, folder):
    """AAA and BBB under each other's names: CCC alone goes on, and the two are told."""
    names = {"AAA": "BBB", "BBB": "AAA"}
    swapped = Bars(frame=hybrid_bars().frame.with_columns(OWN.replace(names)).sort(KEYS))
    with pytest.warns(nc.ServingWarning) as told:
        update(folder, swapped)
    texts = sorted(str(each.message) for each in told)
    assert texts == [
        f"{name}: not moved on; its moves up to the fit are {other}'s"
        for name, other in names.items()
    ]
    moved = load_bundle(folder)
    before, after = plain.recorded, updated(plain, hybrid_bars()).recorded
    assert moved.recorded == {**before, "CCC": after["CCC"]}
    assert updated(moved, hybrid_bars()).recorded == after


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


def test_a_market_is_whole_from_the_first_forecast_of_a_new_symbol_on():
    bars, world = market(), world_of("a market")
    moved = updated(world.bundle, until(bars, world.days[40]))
    needed = world.bundle.manifest.min_rows
    tails = bars.frame.group_by("symbol", maintain_order=True).tail(needed + N_LATER - 41)
    for n, is_old in ((905, True), (needed + 9, False)):  # the younger is ready in the last days
        new = walk_frame("NEW", seed=77, n=n, first=905 - n, phi=0.6)
        short = Bars(frame=pl.concat([tails, new]))
        if is_old:
            assert f"bars up to {world.days[0]}" in refusal(moved, short, NotEnoughDataError)
        else:
            assert updated(moved, short).recorded["NEW"] == new["session"].max()


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


@pytest.mark.parametrize(("folder", "bars"), [(3, hybrid_bars()), ("mine", 3), ("mine", "prices/")])
def test_other_arguments_are_refused_with_the_cure(folder, bars):
    with pytest.raises(ConfigError, match="Fix: "):
        update(folder, bars)
