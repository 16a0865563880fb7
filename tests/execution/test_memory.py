import os
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from nextclose.backtesting.study import Study
from nextclose.backtesting.walk_forward import Backtest, FitTask, backtest, fit, serial
from nextclose.config import LstmConfig
from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.breakdowns.training import fits_of, learning_curves
from nextclose.execution.memory import Remembered, code_fingerprint
from nextclose.execution.processes import THREAD_VARIABLES, Processes, can_travel
from nextclose.models.lstm.editions import edition_bytes
from nextclose.models.protocol import Model
from nextclose.models.state import encode_state
from nextclose.serving.states import state_bytes
from tests.builders import (
    random_edition,
    samples_of,
    study_of_last,
    tiny_config,
    walk_bars,
    walk_frame,
)
from tests.plugins import Chancy, FittedWide, Wide

MODELS = ("naive", "drift", "hs_250", "hs_expanding", "ewma", "har", "lstm")
N_FITS = 3 * 7  # folds x models


class Counting:
    """The serial mapper, noting what it is given and stopping after `most` tasks of a kind."""

    def __init__(self, *, most: int | None = None) -> None:
        self.done: list[object] = []
        self._most = most

    def __call__(self, function, study, tasks):
        for task in tasks:
            if self._most is not None and len(self.done) == self._most:
                raise KeyboardInterrupt
            self.done.append(task)
            yield function(study, task)

    @property
    def fits(self) -> list[FitTask]:
        return [task for task in self.done if isinstance(task, FitTask)]


def remembered(mapper, folder, *, code="1") -> Remembered:
    return Remembered(mapper, folder, code=code)


# functions for the processes: at the top of a module, where a spawned process finds them


def environment_of(study, task):
    return {name: os.environ.get(name) for name in THREAD_VARIABLES}


def doubled(study, task):
    return 2 * task


def failing(study, task):
    if task == 1:
        raise NotEnoughDataError("too few", needed=9, found=task)
    return task


def test_two_processes_give_the_frames_of_one_and_tell_their_progress(walked):
    told = []

    def note(stage, done, total):
        told.append((stage, done, total))

    before = dict(os.environ)
    with Processes(2, progress=note) as mapper:
        spread = backtest(walked.study, mapper=mapper)
        # the same processes serve any function of the study, in task order
        assert list(mapper(doubled, walked.study, list(range(7)))) == [0, 2, 4, 6, 8, 10, 12]
        threads = list(mapper(environment_of, walked.study, [0]))
        assert threads == [dict.fromkeys(THREAD_VARIABLES, "1")]
        # an error comes out as it was raised, and ends nothing
        results = mapper(failing, walked.study, [0, 1, 2])
        assert next(results) == 0
        with pytest.raises(NotEnoughDataError, match="too few") as caught:
            next(results)
        assert (caught.value.needed, caught.value.found) == (9, 1)
        assert list(mapper(doubled, walked.study, [5])) == [10]
        with pytest.raises(AssertionError, match="one study"):
            mapper(doubled, replace(walked.study), [1])
    assert dict(os.environ) == before
    assert_frame_equal(spread.forecasts, walked.forecasts, check_exact=True)
    assert spread.crossings == walked.crossings
    assert spread.fits.keys() == walked.fits.keys()
    for key, members in walked.fits.items():
        for one, other in zip(members, spread.fits[key], strict=True):
            assert state_bytes(encode_state(one)) == state_bytes(encode_state(other)), key
    assert [t for t in told if t[0] == "fit"] == [("fit", k, N_FITS) for k in range(N_FITS + 1)]
    assert ("forecast", 21, 21) in told


def test_a_second_run_fits_nothing_and_forecasts_the_same(walked, tmp_path):
    first, second = Counting(), Counting()
    one = backtest(walked.study, mapper=remembered(first, tmp_path))
    two = backtest(walked.study, mapper=remembered(second, tmp_path))
    assert len(first.fits) == N_FITS
    assert second.fits == []
    assert len(second.done) == 21  # forecasts are made anew
    for run in (one, two):
        assert_frame_equal(run.forecasts, walked.forecasts, check_exact=True)
    assert len(list(tmp_path.iterdir())) == N_FITS


@pytest.mark.parametrize("n_done", [1, 7, N_FITS - 1])
def test_a_killed_run_goes_on_where_it_was(walked, tmp_path, n_done):
    with pytest.raises(KeyboardInterrupt):
        backtest(walked.study, mapper=remembered(Counting(most=n_done), tmp_path))
    assert len(list(tmp_path.iterdir())) == n_done
    rest = Counting()
    resumed = backtest(walked.study, mapper=remembered(rest, tmp_path))
    assert len(rest.fits) == N_FITS - n_done
    assert_frame_equal(resumed.forecasts, walked.forecasts, check_exact=True)


def test_other_code_finds_nothing(walked, tmp_path):
    task = FitTask(model="ewma", fold=0, seed_index=0)
    for changed, n_fits in (({}, 1), ({}, 0), ({"code": "2"}, 1)):
        counting = Counting()
        mapper = remembered(counting, tmp_path, **changed)
        list(mapper(lambda study, task: walked.fits["ewma", 0][0], walked.study, [task]))
        assert len(counting.fits) == n_fits


def test_code_is_another_when_its_source_or_a_prior_is(tmp_path):
    (tmp_path / "priors").mkdir()
    source, prior = tmp_path / "model.py", tmp_path / "priors" / "until-2004-12-31.json"
    source.write_text("x = 1\n")
    prior.write_text('{"until": "2004-12-31"}\n')
    seen = [code_fingerprint(tmp_path)]
    for path, text in ((prior, "{}\n"), (source, "x = 2\n"), (tmp_path / "new.json", "{}\n")):
        path.write_text(text)
        seen.append(code_fingerprint(tmp_path))
    (tmp_path / "notes.txt").write_text("no code")
    assert len({*seen}) == len(seen) == 4
    assert code_fingerprint(tmp_path) == seen[-1]


def test_each_model_fold_and_seed_is_kept_apart(tmp_path):
    config = tiny_config(models=("ewma", "har", "chancy"))
    study = study_of_last(samples_of(walk_bars()), config, plugins=(Chancy(),))
    run = backtest(study, mapper=remembered(serial, tmp_path))
    assert len(list(tmp_path.iterdir())) == 3 * (1 + 1 + 2)
    for (model, fold), members in run.fits.items():
        for index, member in enumerate(members):
            task = FitTask(model=model, fold=fold, seed_index=index)
            (found,) = remembered(Counting(most=0), tmp_path)(fit, study, [task])
            assert state_bytes(encode_state(found)) == state_bytes(encode_state(member)), task


def test_a_remembered_network_says_how_it_was_taught(tmp_path):
    stages = {"tuning": {"taught": [2.0, 1.0], "watched": [2.5, 1.5], "kept": 1}}
    edition = replace(random_edition("2000-12-31"), card={"stages": stages})
    file = tmp_path / "edition.safetensors"
    file.write_bytes(edition_bytes(edition))
    config = tiny_config(models=("lstm",), test_sessions=40)
    config = config.model_copy(update={"lstm": LstmConfig(editions=(str(file),))})
    study = study_of_last(samples_of(walk_bars()), config)
    first, again = (
        backtest(study, mapper=remembered(mapper, tmp_path / "tasks"))
        for mapper in (Counting(), Counting(most=1))  # a forecast, and no fit
    )
    assert learning_curves(first)["valid"].to_list() == [2.5, 1.5]
    assert_frame_equal(learning_curves(again), learning_curves(first))


def test_an_edition_that_is_written_anew_while_a_backtest_runs_is_not_in_it(tmp_path):
    file = tmp_path / "mine.safetensors"
    kept, late = (edition_bytes(random_edition("2000-12-31", seed=seed)) for seed in (1, 2))
    config = tiny_config(models=("lstm",)).model_copy(
        update={"lstm": LstmConfig(editions=(str(file),))}
    )

    def rewriting(function, study, tasks):
        for task in tasks:
            file.write_bytes(late)
            yield function(study, task)

    def forecasts(mapper):
        file.write_bytes(kept)
        study = study_of_last(samples_of(walk_bars()), config)
        return backtest(study, mapper=mapper).forecasts

    undisturbed = forecasts(serial)
    for mapper in (rewriting, Counting(), serial):  # the memory is filled, and asked
        made = forecasts(remembered(mapper, tmp_path / "tasks"))
        assert_frame_equal(made, undisturbed, check_exact=True)


def flipped(path: Path, other: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut_short(path: Path, other: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def emptied(path: Path, other: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path, other: Path) -> None:
    path.write_bytes(b"\x00garbage" * 999)


def renamed(path: Path, other: Path) -> None:
    """Another fit under the key of this one, with the hash that its own name had."""
    (key, *_), (_, digest, suffix) = path.name.split("."), other.name.split(".")
    path.unlink()
    other.rename(path.with_name(f"{key}.{digest}.{suffix}"))


def other_content(path: Path, other: Path) -> None:
    path.write_bytes(other.read_bytes())


def folder(path: Path, other: Path) -> None:
    path.unlink()
    path.mkdir()


def link(path: Path, other: Path) -> None:
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


def link_loop(path: Path, other: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def pipe(path: Path, other: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES = (
    *(flipped, cut_short, emptied, garbage, renamed, other_content),
    *(folder, link, link_loop, pipe),
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_memory_is_not_believed_and_that_is_said_once(walked, tmp_path, damage):
    tasks = [FitTask(model="har", fold=fold, seed_index=0) for fold in (0, 1, 2)]
    first = remembered(serial, tmp_path)
    kept = [next(iter(first(fit, walked.study, [task]))) for task in tasks]
    paths = sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    damage(paths[0], paths[2])
    if damage is not renamed:
        damage(paths[1], paths[2])
    again = Counting()
    with pytest.warns(UserWarning, match="is not the fit that was saved") as warned:
        results = list(remembered(again, tmp_path)(fit, walked.study, tasks))
    assert len(warned) == 1
    assert again.done == [tasks[0], tasks[2]] if damage is renamed else again.done == tasks[:2]
    for one, other in zip(results, kept, strict=True):
        assert state_bytes(encode_state(one)) == state_bytes(encode_state(other))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if damage in (folder, renamed) else "error")
        once_more = Counting()
        results = list(remembered(once_more, tmp_path)(fit, walked.study, tasks))
    assert once_more.done == (tasks[:2] if damage is folder else [])  # what is there stays there


# --- models that are not ours ---


def plugin_study(*plugins: Model) -> Study:
    """The EWMA and these, three folds."""
    config = tiny_config(models=("ewma", *(plugin.name for plugin in plugins)))
    return study_of_last(samples_of(walk_bars((560, 540))), config, plugins=plugins)


def n_fits_of(study: Study, folder: Path, name: str = "wide") -> int:
    """How many fits of a model a run with this memory still has to do."""
    counting = Counting()
    backtest(study, mapper=remembered(counting, folder))
    return sum(task.model == name for task in counting.fits)


def test_a_model_that_says_no_version_is_never_remembered(tmp_path):
    study = plugin_study(Wide())
    assert [n_fits_of(study, tmp_path) for _ in range(2)] == [3, 3]
    assert len(list(tmp_path.iterdir())) == 3  # those of the EWMA
    assert n_fits_of(study, tmp_path, "ewma") == 0


def test_a_model_that_says_no_class_of_its_fits_is_never_remembered(tmp_path):
    study = plugin_study(Wide(version="1", fitted=None))
    assert [n_fits_of(study, tmp_path) for _ in range(2)] == [3, 3]


def test_a_model_with_a_version_is_remembered_and_another_version_or_setting_is_not(tmp_path):
    first = plugin_study(Wide(version="1"))
    assert [n_fits_of(first, tmp_path) for _ in range(2)] == [3, 0]
    kept = backtest(first, mapper=remembered(Counting(), tmp_path))
    fresh = backtest(first)
    assert_frame_equal(kept.forecasts, fresh.forecasts, check_exact=True)
    for other in (Wide(version="2"), Wide(version="1", factor=3.0)):
        study = plugin_study(other)
        assert [n_fits_of(study, tmp_path) for _ in range(2)] == [3, 0]
    assert n_fits_of(first, tmp_path) == 0  # still there


def processes_of(run: Backtest, name: str) -> set[int]:
    """Processes in which a plug-in was fitted."""
    return {fit.pid for fit in fits_of(run, name) if isinstance(fit, FittedWide)}


def test_a_model_that_can_be_imported_runs_in_other_processes_and_a_local_one_in_this(tmp_path):
    class Local(Wide):
        """Other processes cannot import it."""

    study = plugin_study(Wide(), Local(name="local", factor=3.0, version="1"))
    told: list[tuple[str, int, int]] = []
    with (
        Processes(2, progress=lambda *progress: told.append(progress)) as pool,
        pytest.warns(UserWarning, match="model 'local' runs in this process alone") as warned,
    ):
        spread = backtest(study, mapper=remembered(pool, tmp_path))
    assert len(warned) == 1
    assert "Fix: " in str(warned[0].message)
    assert processes_of(spread, "local") == {os.getpid()}
    assert os.getpid() not in processes_of(spread, "wide")
    assert processes_of(spread, "wide")
    plain = backtest(study)
    assert_frame_equal(spread.forecasts, plain.forecasts, check_exact=True)
    assert spread.crossings == plain.crossings
    assert sorted(told[:10]) == [("fit", k, 9) for k in range(10)]
    assert n_fits_of(study, tmp_path, "local") == 0  # what was done at home is kept as well


def test_models_that_can_be_imported_give_no_warning(walked):
    with warnings.catch_warnings(), Processes(1) as pool:
        warnings.simplefilter("error")
        study = plugin_study(Wide())
        assert list(pool(models_known, study, [0])) == [("wide",)]


def models_known(study: Study, task: object) -> tuple[str, ...]:
    return tuple(plugin.name for plugin in study.plugins)


class Unsendable(Wide):
    """A model that keeps something no other process can have."""

    def __reduce__(self) -> Any:
        raise RuntimeError("holds a connection")


def test_only_what_can_be_imported_and_sent_can_travel():
    class Local(Wide):
        pass

    interactive = type("Interactive", (Wide,), {"__module__": "__main__"})
    nowhere = type("Nowhere", (Wide,), {"__module__": "no_such_module"})
    assert can_travel(Wide())
    for model in (Local(), interactive(), nowhere(), Unsendable()):
        assert not can_travel(model), type(model).__name__


def test_ctrl_c_stops_at_once_and_the_next_run_goes_on(command, tmp_path):
    walk_frame("AAA", seed=0, n=800).drop("symbol").write_csv(tmp_path / "AAA.csv")
    (tmp_path / "run.toml").write_text(
        '[backtest]\nmodels = ["naive", "har", "trees"]\nhorizons = [1]\n'
        "test_from = 2003-04-21\nrefit_sessions = 40\n"
        "[trees]\nrounds = 100\npatience_rounds = 100\nmin_child_weight = 5.0\n"
    )
    out = tmp_path / "run"
    arguments = ("backtest", tmp_path / "AAA.csv", "--config", tmp_path / "run.toml", "--out", out)
    running = subprocess.Popen(
        [sys.executable, "-m", "nextclose", *map(str, arguments), "--workers", "2"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell in the background hands on that Ctrl-C is to be ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    begun = time.monotonic()
    while len(list(out.glob("tasks/*.safetensors"))) < 3:
        assert running.poll() is None, "it ended before three fits were kept"
        assert time.monotonic() - begun < 120, "no fit was kept"
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to every process of the command
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "go on where it was" in said
    assert "Traceback" not in said
    kept = {path.name for path in out.glob("tasks/*.safetensors")}
    assert not (out / "verdict.json").exists()
    code, _, said = command(*arguments, "--workers", 1)
    assert code == 0
    assert (out / "verdict.json").exists()
    assert kept < {path.name for path in out.glob("tasks/*.safetensors")}
    # five folds: naive, har, trees, and the four yardsticks that always run
    n_missing = 35 - len(kept)
    assert f"fit {n_missing}/{n_missing}" in said
