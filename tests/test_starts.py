"""Two workers of a backtest, whatever starts them: a script, a pipe, a thread, another process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORK = """
import nextclose as nc
from tests.builders import walk_bars

def n_forecasts(workers=2):
    run = nc.backtest(walk_bars((420,)), models=["naive", "ewma"], horizons=1, workers=workers)
    return run.forecasts.height
"""
N = "460"  # forecasts: 92 sessions, two models and three yardsticks
PLAIN = f"{WORK}\nprint(n_forecasts())"
THREAD = f"""{WORK}
from threading import Thread
thread = Thread(target=lambda: print(n_forecasts()))
thread.start()
thread.join()
"""
FORK = f"""{WORK}
import os
print(FIRST, flush=True)
if (child := os.fork()) == 0:
    print(n_forecasts(), flush=True)
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""
DAEMON = f"""{WORK}
from multiprocessing import get_context

def send(queue):
    queue.put(n_forecasts())

if __name__ == "__main__":
    queue = get_context("spawn").Queue()
    process = get_context("spawn").Process(target=send, args=(queue,), daemon=True)
    process.start()
    print(queue.get(timeout=60))
    process.join()
"""


def printed(text: str, *, how: str, folder: Path) -> tuple[list[str], str]:
    """What a Python of its own prints and complains of; `how` it gets the program."""
    script = folder / "script.py"
    script.write_text(text)
    arguments = {"script": [str(script)], "pipe": ["-"], "argument": ["-c", text]}[how]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        input=text if how == "pipe" else "",
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
    )
    return done.stdout.split(), done.stderr


@pytest.mark.parametrize(
    ("text", "how"),
    [(PLAIN, "script"), (PLAIN, "pipe"), (PLAIN, "argument"), (THREAD, "script")],
    ids=["script", "pipe", "argument", "thread"],
)
def test_two_workers_need_no_main_guard_whoever_starts_them(text, how, tmp_path):
    assert printed(text, how=how, folder=tmp_path) == ([N], "")


def test_a_process_that_no_other_may_outlive_has_workers_too(tmp_path):
    assert printed(DAEMON, how="script", folder=tmp_path) == ([N], "")


def test_a_process_that_was_forked_before_any_work_does_it(tmp_path):
    text = FORK.replace("FIRST", "0")
    assert printed(text, how="script", folder=tmp_path) == (["0", N, "0"], "")


def test_a_process_that_was_forked_after_some_work_says_so_instead_of_waiting_for_ever(tmp_path):
    text = FORK.replace("FIRST", "n_forecasts(workers=1)")
    shown, complaint = printed(text, how="script", folder=tmp_path)
    assert shown == [N, "256"]
    assert "ResourceError: this process was forked" in complaint
    assert 'Fix: start processes by multiprocessing.get_context("spawn")' in complaint
