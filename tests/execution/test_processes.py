"""Processes that work for another: whoever starts them, however they end, whatever they raise."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from nextclose.errors import NotEnoughDataError, ResourceError
from nextclose.execution.processes import THREAD_VARIABLES, Processes
from tests import errands
from tests.errands import Trap, errand
from tests.plugins import Wide

ROOT = Path(__file__).parents[2]
SCRIPT = """
from nextclose.execution.processes import Processes
from tests.errands import doubled, errand

with Processes(2) as pool:
    print(list(pool(doubled, errand(), [1, 2, 3])))
"""


def python(*arguments: str, text: str = "", seconds: float = 30) -> tuple[int, str, str]:
    """A Python of its own, which is given `text` on standard input."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=seconds,
        env={**os.environ, "PYTHONPATH": path},
    )
    return done.returncode, done.stdout, done.stderr


def test_a_script_needs_no_main_guard(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    assert python(str(tmp_path / "script.py")) == (0, "[2, 4, 6]\n", "")


def test_a_script_may_come_from_standard_input():
    assert python("-", text=SCRIPT) == (0, "[2, 4, 6]\n", "")


def test_what_lies_beside_a_script_is_found_by_its_processes(tmp_path):
    (tmp_path / "mine.py").write_text("def tripled(study, task):\n    return 3 * task\n")
    (tmp_path / "script.py").write_text(
        "from mine import tripled\n" + SCRIPT.replace("pool(doubled", "pool(tripled")
    )
    assert python(str(tmp_path / "script.py")) == (0, "[3, 6, 9]\n", "")


def test_a_process_that_is_killed_at_its_start_is_said_to_lack_memory():
    with (
        pytest.raises(ResourceError, match=r"was killed.*memory.*Fix: .*fewer workers") as caught,
        Processes(2) as pool,
    ):
        list(pool(errands.doubled, errand(load=Trap()), [1, 2, 3]))
    assert caught.value.exit_code == 6


def test_a_process_that_is_killed_at_work_ends_all_at_once():
    begun = time.monotonic()
    with pytest.raises(ResourceError, match=r"was killed.*memory"), Processes(2) as pool:
        list(pool(errands.die_or_wait, errand(), [0, 1, 2]))  # the first would take a minute
    assert time.monotonic() - begun < 30


def test_a_process_that_crashes_is_named_by_its_signal():
    with pytest.raises(ResourceError, match=r"SIGSEGV.*Fix: .*one worker"), Processes(1) as pool:
        list(pool(errands.crash, errand(), [1]))


def raised_by(function: Any) -> BaseException:
    with Processes(1) as pool, pytest.raises(Exception, match=r".") as caught:
        list(pool(function, errand(), [3]))
    return caught.value


def test_errors_arrive_as_they_were_raised():
    few = raised_by(errands.raise_too_few)
    assert isinstance(few, NotEnoughDataError)
    assert (str(few), few.needed, few.found) == ("too few", 9, 3)
    own = raised_by(errands.raise_own)
    assert isinstance(own, errands.OwnError)
    assert (str(own), own.place, own.number) == ("Oslo is short of 3", "Oslo", 3)
    mute = raised_by(errands.raise_mute)
    assert isinstance(mute, errands.MuteError)
    assert str(mute) == "one and two"


def test_an_error_that_cannot_travel_arrives_with_its_name_and_words():
    error = raised_by(errands.raise_nested)
    assert "InnerError: deep inside" in str(error)


def test_an_error_shows_where_in_the_other_process_it_was_raised():
    error = raised_by(errands.raise_own)
    assert "in raise_own" in str(error.__cause__)


def test_a_result_that_cannot_travel_is_an_error_with_the_reason():
    assert "cannot pickle" in str(raised_by(errands.give_a_lock))


def test_a_pool_goes_on_after_an_error_of_a_task():
    with Processes(1) as pool:
        with pytest.raises(errands.OwnError):
            list(pool(errands.raise_own, study := errand(), [1]))
        assert list(pool(errands.doubled, study, [4])) == [8]


def test_no_more_processes_are_started_than_there_are_tasks():
    with Processes(5) as pool:
        assert len(set(pool(errands.process_id, errand(), [0, 1]))) == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_with_whoever_started_them(number):
    script = SCRIPT.replace("doubled", "wait_in_c")
    starter = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
    )
    assert starter.stdout
    with starter.stdout as printed:
        children = [int(printed.readline()) for _ in range(2)]
        starter.send_signal(number)
        starter.wait(timeout=30)
        begun = time.monotonic()
        while any(is_running(child) for child in children):
            assert time.monotonic() - begun < 10, "a child outlived its parent"
            time.sleep(0.02)


def is_running(process: int) -> bool:
    """Whether it is there, and no mere entry of a table that nobody has read."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_model_that_holds_a_thing_of_the_script_stays_at_home(monkeypatch):
    thing = type("Thing", (), {"__module__": "__main__"})
    monkeypatch.setattr(sys.modules["__main__"], "Thing", thing, raising=False)
    model = Wide(more={"settings": {"thing": thing}})
    with pytest.warns(UserWarning, match="'wide' runs in this process alone"), Processes(1) as pool:
        assert list(pool(errands.doubled, errand(plugins=(model,)), [1])) == [2]


def test_the_environment_of_this_process_is_left_alone():
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    with Processes(1) as pool:
        list(pool(errands.doubled, errand(), [1]))
        assert {name: os.environ.get(name) for name in THREAD_VARIABLES} == before
