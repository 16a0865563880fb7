"""[shell] A process that works for another: tasks in, results or errors out, until it hangs up.

It is started by `processes.py` with an open connection and an open file. It imports neither the
script nor the notebook of whoever started it, so that these need no main guard, and it ends with
them, however they end: it listens all the time, and what it hears then is the end of the line.
"""

from __future__ import annotations

import mmap
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from queue import SimpleQueue
from threading import Thread
from typing import Any

from nextclose.errors import rebuilt_error

Message = tuple[Callable[[Any, Any], Any], Any]  # a function and the task it is to be given
Answer = tuple[Any, BaseException | None, str]  # result, or error and its traceback


def main(connection: int, study: int) -> None:
    """Do what comes over the connection; `study` is a file that holds what all tasks share.

    Both are descriptors that were inherited.
    """
    line = Connection(connection)
    inbox: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_listen, args=(line, inbox), daemon=True).start()
    shared: list[Any] = []  # the study, once it was asked for
    while True:
        message = inbox.get()
        answer = _answer(message, shared, study)
        for stream in filter(None, (sys.stdout, sys.stderr)):
            with suppress(OSError, ValueError):  # what a task prints is shown, if anybody looks
                stream.flush()
        line.send_bytes(answer)


def _listen(line: Connection, inbox: SimpleQueue[bytes]) -> None:
    while True:
        try:
            inbox.put(line.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)  # at once, whatever the other thread is about


def _answer(message: bytes, shared: list[Any], study: int) -> memoryview:
    """The result of a task as bytes, or what went wrong."""
    try:
        if not shared:
            with mmap.mmap(study, 0, access=mmap.ACCESS_READ) as content:
                shared.append(ForkingPickler.loads(content))
        function, task = ForkingPickler.loads(message)
        return ForkingPickler.dumps((function(shared[0], task), None, ""))
    except BaseException as error:  # noqa: BLE001 -- whatever it is, it is told
        return ForkingPickler.dumps((None, sendable(error), traceback.format_exc()))


def sendable(error: BaseException) -> BaseException | _Rebuilt:
    """What arrives elsewhere as the same error; if nothing does, an error of the same words."""
    for form in (error, _Rebuilt(error)):
        with suppress(Exception):
            copy = ForkingPickler.loads(ForkingPickler.dumps(form))
            if type(copy) is type(error) and str(copy) == str(error):
                return form
    return RuntimeError(traceback.format_exception_only(error)[-1].strip())


class _Rebuilt:
    """Arrives as the error it is made of, without a call of that error's own constructor."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __reduce__(self) -> tuple[Any, ...]:
        error = self._error
        return rebuilt_error, (type(error), error.args, error.__dict__)
