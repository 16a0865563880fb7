"""[shell] Processes of one thread each that share the tasks of a study."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from importlib.util import find_spec
from multiprocessing import Pipe
from multiprocessing.reduction import ForkingPickler
from multiprocessing.spawn import get_executable
from subprocess import DEVNULL, Popen, TimeoutExpired
from threading import Lock, local
from types import TracebackType
from typing import IO, Any

from nextclose.backtesting.study import Study
from nextclose.backtesting.walk_forward import FitTask, ForecastTask, Result, Task
from nextclose.errors import ResourceError
from nextclose.execution.in_turn import Progress, silent
from nextclose.models.protocol import Model

# Two threads in one step of a network stall on a busy machine; parallelism comes from tasks alone.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
ENTRY = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from nextclose.execution.worker import main; main(int(sys.argv[2]), int(sys.argv[3]))"
)
SECONDS_TO_END = 10.0  # between the end of a line and the end of its process


class Processes(AbstractContextManager["Processes"]):
    """A mapper over `n_workers` processes, each of one thread; results in task order.

    All calls inside one `with` share the processes and must be about the same study, which each
    process reads once, out of one file. A thread of this process speaks to each of them.
    Raises: ResourceError, in the place of a result, if a process is killed or cannot be started;
        the others are then stopped.
    """

    def __init__(self, n_workers: int, *, progress: Progress = silent) -> None:
        self._n_workers = n_workers
        self._progress = progress
        self._study: Study | None = None
        self._file: IO[bytes] | None = None  # the study, as the processes read it
        self._pool: ThreadPoolExecutor | None = None
        self._own = local()  # each thread's process
        self._all: list[_Process] = []
        self._failure: ResourceError | None = None  # of the first process that went
        self._lock = Lock()
        self._at_home: set[str] = set()  # models whose tasks this process runs itself

    def __call__(
        self, function: Callable[[Study, Task], Result], study: Study, tasks: Sequence[Task]
    ) -> Iterator[Result]:
        """`function(study, task)` of each task, begun at once; exceptions come out in their place.

        Tasks of a model that other processes cannot import are run in this one, and that is said.
        """
        pool = self._started(study)
        counter = _Counter(self._progress, stage=function.__name__, total=len(tasks))
        futures = [
            None if _model_of(task) in self._at_home else pool.submit(self._run, function, task)
            for task in tasks
        ]
        for sent in filter(None, futures):
            sent.add_done_callback(counter)

        def results() -> Iterator[Result]:
            for task, future in zip(tasks, futures, strict=True):
                if future is None:
                    yield function(study, task)
                    counter(future)
                else:
                    yield future.result()

        return results()

    def _started(self, study: Study) -> ThreadPoolExecutor:
        if self._pool is None:
            self._study = study
            self._at_home = {own.name for own in study.plugins if not can_travel(own)}
            for name in sorted(self._at_home):
                warnings.warn(
                    f"model {name!r} runs in this process alone: others cannot import it. "
                    "Fix: define it in a module of its own.",
                    stacklevel=2,
                )
            travelling = tuple(own for own in study.plugins if own.name not in self._at_home)
            self._file = _shared_file(ForkingPickler.dumps(replace(study, plugins=travelling)))
            self._pool = ThreadPoolExecutor(self._n_workers)  # starts as many as there is work for
        assert self._study is study, "one pool of processes serves one study"
        return self._pool

    def _run(self, function: Callable[[Study, Task], Result], task: Task) -> Result:
        """What the process of this thread gives; it is started if there is none."""
        try:
            if not hasattr(self._own, "process"):
                self._own.process = self._new_process()
            process: _Process = self._own.process
            return process.result(function, task)
        except ResourceError as error:
            with self._lock:
                self._failure = self._failure or error
                self._kill_all()
            raise self._failure from None

    def _new_process(self) -> _Process:
        assert self._file is not None, "the study is written before any task"
        with self._lock:
            if self._failure is not None:
                raise self._failure
            process = _Process(study=self._file.fileno())
            self._all.append(process)
        return process

    def _kill_all(self) -> None:
        for process in self._all:
            process.kill()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the processes: after an error or Ctrl-C at once, whatever they are doing."""
        if kind is not None:
            with self._lock:
                self._failure = self._failure or ResourceError("the work was stopped")
                self._kill_all()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        for process in self._all:
            process.end()
        if self._file is not None:
            self._file.close()


class _Process:
    """One process at the other end of a line; it ends when the line does."""

    def __init__(self, *, study: int) -> None:
        self._line, theirs = Pipe()
        path = json.dumps(sys.path)
        descriptors = (theirs.fileno(), study)
        # Ctrl-C reaches every process of a terminal and is this one's to handle: others inherit
        # that it is blocked
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._child = Popen(
                [get_executable(), "-c", ENTRY, path, *map(str, descriptors)],
                pass_fds=descriptors,
                stdin=DEVNULL,
                env=os.environ | dict.fromkeys(THREAD_VARIABLES, "1"),
            )
        except OSError as error:
            self._line.close()
            raise ResourceError(
                f"cannot start a process: {error.strerror}. {FEWER}",
            ) from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()  # else the end of the other process would not be heard

    def result(self, function: Callable[[Study, Task], Result], task: Task) -> Result:
        """`function(study, task)`, done there. Raises: what it raises; ResourceError if it ends."""
        message = ForkingPickler.dumps((function, task))
        try:
            self._line.send_bytes(message)
            answer = self._line.recv_bytes()
        except (EOFError, OSError) as error:
            raise ResourceError(_ending(self._code(), stage=function.__name__)) from error
        result: Result
        result, raised, trace = ForkingPickler.loads(answer)
        if raised is not None:
            raise raised from _ElsewhereError(trace)
        return result

    def kill(self) -> None:
        """Stop it, whatever it is doing."""
        self._child.kill()

    def end(self) -> None:
        """Hang up, and wait for its end."""
        self._line.close()
        self._code()

    def _code(self) -> int:
        """What it ended with; one that will not end is stopped."""
        try:
            return self._child.wait(SECONDS_TO_END)
        except TimeoutExpired:
            self.kill()
            return self._child.wait()


FEWER = "Fix: run fewer workers (workers=, --workers), or give fewer symbols or a shorter history."


def _ending(code: int, *, stage: str) -> str:
    """Why a process that was busy with `stage` is no more."""
    if code == -signal.SIGKILL:
        return (
            f"a process at work ({stage}) was killed (SIGKILL); most often memory has run out. "
            f"{FEWER}"
        )
    with suppress(ValueError):
        name = signal.Signals(-code).name
        return (
            f"a process at work ({stage}) was ended by {name}. Fix: run with one worker "
            "(workers=1, --workers 1) to see where; if it was not stopped by hand, tell who "
            "maintains the model or library it was in."
        )
    return (
        f"a process for {stage} ended with code {code}; what it printed says why. Fix: run with "
        "one worker (workers=1, --workers 1)."
    )


class _ElsewhereError(Exception):
    """The traceback of an error that was raised in another process."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


class _Counter:
    """Counts finished futures and tells the progress callback, one at a time."""

    def __init__(self, progress: Progress, *, stage: str, total: int) -> None:
        self._progress, self._stage, self._total, self._done = progress, stage, total, 0
        self._lock = Lock()
        progress(stage, 0, total)

    def __call__(self, _: Future[Any] | None) -> None:
        with self._lock:
            self._done += 1
            self._progress(self._stage, self._done, self._total)


def _shared_file(content: memoryview) -> IO[bytes]:
    """A file without a name that holds `content`; in memory where the system has such files.

    Raises: ResourceError if there is no room for it.
    """
    try:
        file: IO[bytes]
        if sys.platform == "linux":
            file = open(os.memfd_create("nextclose-study"), "w+b")  # noqa: SIM115 -- outlives this
        else:
            file = tempfile.TemporaryFile()  # noqa: SIM115 -- outlives this
        file.write(content)
        file.flush()
    except OSError as error:
        raise ResourceError(
            f"cannot hand the data to other processes: {error.strerror}. Fix: free room for "
            "temporary files, name another place in TMPDIR, or run with one worker (workers=1, "
            "--workers 1)."
        ) from error
    return file


def _model_of(task: object) -> str:
    """The model that a task is about."""
    return task.model if isinstance(task, FitTask | ForecastTask) else ""


def can_travel(model: Model) -> bool:
    """Whether another process could import the class of this model, and be sent the object.

    What lies in the script or notebook itself, `__main__`, no other process has.
    """
    module = type(model).__module__
    try:
        is_known = module != "__main__" and find_spec(module) is not None
        content = bytes(ForkingPickler.dumps(model))
    except Exception:  # noqa: BLE001 -- a foreign object may refuse to be sent in any way
        return False
    return is_known and b"__main__" not in content
