import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from polars.testing import assert_frame_equal

from nextclose.backtest.walk_forward import FitTask, backtest, fit, serial
from nextclose.errors import NotEnoughDataError
from nextclose.execution import THREAD_VARIABLES, Processes, Remembered
from nextclose.serving.states import state_bytes
from tests.builders import walk_frame

MODELS = ("naive", "drift", "hs_250", "hs_expanding", "ewma", "har", "lstm")
N_FITS = 3 * (6 + 2)  # folds x (baselines + seeds of the network)


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


def remembered(mapper, folder, *, data="bars", code="1") -> Remembered:
    return Remembered(mapper, folder, data=data, code=code)


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
            assert state_bytes(one.state()) == state_bytes(other.state()), key
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


@pytest.mark.parametrize("other", [{"data": "other bars"}, {"code": "2"}])
def test_other_bars_or_other_code_find_nothing(walked, tmp_path, other):
    task = FitTask(model="ewma", fold=0, seed_index=0)
    for changed, n_fits in (({}, 1), ({}, 0), (other, 1)):
        counting = Counting()
        mapper = remembered(counting, tmp_path, **changed)
        list(mapper(lambda study, task: walked.fits["ewma", 0][0], walked.study, [task]))
        assert len(counting.fits) == n_fits


def test_each_model_fold_and_seed_is_kept_apart(walked, tmp_path):
    mapper = remembered(serial, tmp_path)
    backtest(walked.study, mapper=mapper)
    for (model, fold), members in walked.fits.items():
        for index, member in enumerate(members):
            task = FitTask(model=model, fold=fold, seed_index=index)
            (found,) = remembered(Counting(most=0), tmp_path)(fit, walked.study, [task])
            assert state_bytes(found.state()) == state_bytes(member.state()), task


def test_a_damaged_memory_is_not_believed(walked, tmp_path):
    task = FitTask(model="lstm", fold=0, seed_index=0)
    (kept,) = remembered(serial, tmp_path)(fit, walked.study, [task])
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    again = Counting()
    (found,) = remembered(again, tmp_path)(fit, walked.study, [task])
    assert again.done == [task]
    assert found.state().arrays.keys() == kept.state().arrays.keys()
    for name, array in kept.state().arrays.items():
        np.testing.assert_array_equal(found.state().arrays[name], array)


def test_ctrl_c_stops_at_once_and_the_next_run_goes_on(command, tmp_path):
    walk_frame("AAA", seed=0, n=800).drop("symbol").write_csv(tmp_path / "AAA.csv")
    (tmp_path / "run.toml").write_text(
        '[backtest]\nmodels = ["naive", "har", "lstm"]\nhorizons = [1]\n'
        "test_sessions = 200\nrefit_sessions = 40\n"
        "[lstm]\nn_seeds = 3\nunits = 16\nmax_epochs = 20\n"
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
    n_missing = 25 - len(kept)  # five folds: naive, har, and three seeds of the lstm
    assert f"fit 0/{n_missing}" in said
