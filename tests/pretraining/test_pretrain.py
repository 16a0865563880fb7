"""A whole course: what it reads, how it goes on, and the edition that comes of it."""

import shutil
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from nextclose.errors import NotEnoughDataError
from nextclose.execution.processes import Processes
from nextclose.features.table import make_table
from nextclose.models.lstm.editions import edition_bytes, edition_of, editions_at
from nextclose.models.lstm.lstm import Lstm
from nextclose.pretraining import card
from nextclose.pretraining.blocks import here
from nextclose.pretraining.companies import histories
from nextclose.pretraining.pretrain import Taught, pretrain
from nextclose.samples.samples import make_samples
from nextclose.samples.splits import walk_forward
from nextclose.schema import Bars
from tests.pretraining.panels import TINY, changed_elsewhere, forbidden, names_of, panel, session

N_KNOWN = 500  # sessions of the panel up to the day of the edition
STAGES = ("simulated", "tuning-{}-1", "tuning-{}-2")


DAY = session(N_KNOWN)
UNTIL = np.datetime64(DAY)
SHARED = "simulated.safetensors"


def taught_in(work, bars: Bars | None = None, **more) -> Taught:
    """The tiny course in that folder."""
    arguments = {"until": UNTIL, "work": work, "course": TINY} | more
    return pretrain(bars or panel(), **arguments)


def written(taught: Taught) -> bytes:
    return edition_bytes(card.edition_of(taught))


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def unbroken(work):
    return taught_in(work)


@pytest.fixture
def begun(work, unbroken, tmp_path):
    """A folder that holds the stage on simulated markets alone."""
    shutil.copy(work / SHARED, tmp_path / SHARED)
    return tmp_path


class Killed(Exception):
    """The process was killed right after a round was kept."""


def kill_after(stage: str, rounds: int):
    def progress(title: str, done: int, total: int) -> None:
        if (title, done) == (stage.format(UNTIL), rounds):
            raise Killed

    return progress


@pytest.mark.parametrize(("stage", "rounds"), [(STAGES[1], 1), (STAGES[1], 2), (STAGES[2], 1)])
def test_a_killed_course_goes_on_to_the_bytes_of_an_unbroken_one(begun, unbroken, stage, rounds):
    with pytest.raises(Killed):
        taught_in(begun, progress=kill_after(stage, rounds))
    assert written(taught_in(begun)) == written(unbroken)


def test_a_course_killed_on_simulated_markets_goes_on_there(unbroken, tmp_path):
    with pytest.raises(Killed):
        taught_in(tmp_path, progress=kill_after("simulated", 1))
    told = []
    again = taught_in(tmp_path, progress=lambda *step: told.append(step))
    assert told[:2] == [("simulated", 1, 2), ("simulated", 2, 2)]
    assert written(again) == written(unbroken)


def test_what_is_done_is_not_done_again(work, unbroken):
    assert written(taught_in(work, mapper=forbidden)) == written(unbroken)


def test_each_round_has_lessons_of_its_own_and_those_of_the_next_are_begun_meanwhile(begun):
    asked: list[tuple[int, int, int]] = []

    def mapper(draw, material, blocks):
        asked.extend((block.seed, block.number, block.n_real) for block in blocks)
        return here(draw, material, blocks)

    def progress(title: str, done: int, total: int) -> None:
        if (title, done) == (STAGES[1].format(UNTIL), 1):
            assert asked == [(0, 0, 4), (0, 1, 4)]

    taught_in(begun, mapper=mapper, progress=progress)
    assert asked == [(0, 0, 4), (0, 1, 4), (1, 0, 4), (1, 1, 4)]


def test_another_process_that_draws_lessons_changes_no_bit(begun, unbroken):
    with Processes(1) as processes:
        assert written(taught_in(begun, mapper=processes)) == written(unbroken)


@pytest.mark.parametrize("change", ["course", "later", "teach", "stop"])
def test_another_course_day_or_company_begins_its_tunings_anew(work, unbroken, begun, change):
    shutil.copytree(work, begun, dirs_exist_ok=True)
    (first_stop,) = names_of("stop", 1)
    (first_teach,) = names_of("teach", 1)
    more: Any = {
        "course": {"course": replace(TINY, tuning=replace(TINY.tuning, learning_rate=1e-3))},
        "later": {"until": np.datetime64(session(N_KNOWN + 1))},
        "teach": {"bars": without_last_day_of(first_teach)},
        "stop": {"bars": without_last_day_of(first_stop)},
    }[change]
    told = []
    other = taught_in(begun, progress=lambda *step: told.append(step), **more)
    assert [done for _, done, _ in told] == [2, 0, 1, 2, 0, 1, 2]  # the first stage is shared
    assert written(other) != written(unbroken)


def without_last_day_of(symbol: str) -> Bars:
    is_left_out = (pl.col("symbol") == symbol) & (pl.col("session") == DAY)
    return replace(panel(), frame=panel().frame.filter(~is_left_out))


def test_bars_after_the_day_and_companies_that_are_kept_aside_change_nothing(begun, unbroken):
    aside = names_of("test", 2)
    later = changed_elsewhere(panel(), after=DAY).frame.filter(pl.col("session") > DAY)
    known = panel().frame.filter(pl.col("session") <= DAY)
    poisoned = replace(panel(), frame=pl.concat([known, later]).sort("symbol", "session"))
    assert written(taught_in(begun, poisoned)) == written(unbroken)
    is_aside = pl.col("symbol").is_in(aside)
    without = replace(panel(), frame=panel().frame.filter(~is_aside))
    other = taught_in(begun, without)
    for name, value in other.weights.items():
        assert value.tobytes() == unbroken.weights[name].tobytes()
    assert other.data_fingerprint != unbroken.data_fingerprint


@pytest.mark.parametrize(
    ("n_teach", "n_stop", "said"),
    [
        (9, 5, "9 symbols of 250 sessions or more up to .* may teach, by their names; 10 are"),
        (10, 4, "4 symbols of 250 .* may say when to stop, by their names; 5 are needed. Fix: "),
    ],
)
def test_too_few_companies_are_refused_before_any_work(tmp_path, n_teach, n_stop, said):
    with pytest.raises(NotEnoughDataError, match=said) as caught:
        taught_in(tmp_path, panel(n_teach, n_stop), mapper=forbidden)
    assert (caught.value.needed, caught.value.found) == (
        (10, n_teach) if n_teach < 10 else (5, n_stop)
    )
    assert list(tmp_path.iterdir()) == []


def test_segments_of_one_symbol_are_one_company(tmp_path):
    bars = panel(n_teach=9)
    half = pl.int_range(pl.len()).over("symbol") // (N_KNOWN // 2)
    parted = replace(bars, frame=bars.frame.with_columns(segment=half.cast(pl.Int32)))
    assert len(histories(parted, part="teach", until=UNTIL)) == 18
    with pytest.raises(NotEnoughDataError, match="9 symbols"):
        taught_in(tmp_path, parted)


def test_the_weights_are_the_mean_of_the_tunings_that_all_start_from_the_first_stage(unbroken):
    simulated, *tunings = unbroken.standings.values()
    assert list(unbroken.standings) == ["simulated", "tuning_1", "tuning_2"]
    for name, value in unbroken.weights.items():
        expected = (tunings[0].best[name].astype(float) + tunings[1].best[name]) / 2
        np.testing.assert_allclose(value, expected, rtol=1e-6)
        for tuning in tunings:  # four short steps away
            assert np.abs(tuning.weights[name] - simulated.best[name]).max() < 0.01
    name = "layer.weight"
    assert not np.array_equal(tunings[0].best[name], tunings[1].best[name])


def test_the_card_says_what_it_was_taught_with(unbroken):
    edition = edition_of(written(unbroken))
    teach = histories(panel(), part="teach", until=UNTIL)
    assert edition.until == str(UNTIL)
    assert edition.card["note"] == ""
    assert card.edition_of(unbroken, note="ten of a kind").card["note"] == "ten of a kind"
    assert edition.card["teach"] == {
        "symbols": 10,
        "rows": 10 * N_KNOWN,
        "first": str(teach[0].first),
        "last": str(UNTIL),
    }
    assert edition.card["stop"]["symbols"] == 5
    assert edition.card["course"]["tuning"]["rounds"] == 2
    known = panel().frame.filter(pl.col("session") <= DAY)
    assert edition.card["data_fingerprint"] == replace(panel(), frame=known).fingerprint
    assert {"nextclose", "numpy", "torch"} <= edition.card["versions"].keys()
    assert len(edition.card["stop_crps"]) == len(edition.card["horizons"])
    assert edition.card["stop_crps_untuned"] != edition.card["stop_crps"]
    assert [curve.stage for curve in edition.curves] == [
        f"Edition until {UNTIL}: {stage}" for stage in ("simulated", "tuning 1", "tuning 2")
    ]


def test_an_edition_forecasts_after_its_day_and_not_before(unbroken, tmp_path):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(written(unbroken))
    model = Lstm(editions=editions_at([str(path)]))
    samples = make_samples(make_table(panel(), families=("universal", "stationary")))
    folds = walk_forward(
        samples, test_from=np.datetime64(session(400)), refit_sessions=50, n_rehearsals=0
    )
    for fold in folds:
        fitted = model.fit(fold.train, fold.valid, 0)
        grid = fitted.quantiles(samples, fold.test_rows)
        is_usable = fold.fitted_at > UNTIL
        assert np.isfinite(grid).all() == is_usable
        assert np.isnan(grid).all() != is_usable
        if is_usable:
            assert (np.diff(grid, axis=2) > 0).all()
    assert {bool(fold.fitted_at > UNTIL) for fold in folds} == {True, False}
