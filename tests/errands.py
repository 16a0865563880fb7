"""Work for other processes, in a module that they can import; a study that weighs nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from typing import Any

from nextclose.errors import NotEnoughDataError


@dataclass(frozen=True)
class Errand:
    """Stands for a study: what pools look at, and `load`, which travels with it."""

    plugins: tuple[Any, ...] = ()
    load: Any = None


def errand(*, plugins: tuple[Any, ...] = (), load: Any = None) -> Any:
    """One, for whoever wants a Study."""
    return Errand(plugins=plugins, load=load)


class Trap:
    """Whoever unpacks it is killed."""

    def __reduce__(self) -> Any:
        return spring, (b"x" * 1_000_000,)  # more than a pipe holds


def spring(_: bytes) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class OwnError(Exception):
    """Cannot be made from its text alone."""

    def __init__(self, place: str, *, number: int) -> None:
        super().__init__(f"{place} is short of {number}")
        self.place = place
        self.number = number


class MuteError(Exception):
    """Its words are in its attributes, and its constructor wants two of them."""

    def __init__(self, one: str, two: str) -> None:
        self.words = f"{one} and {two}"

    def __str__(self) -> str:
        return self.words


def doubled(study, task):
    return 2 * task


def process_id(study, task):
    time.sleep(0.05)
    return os.getpid()


def raise_too_few(study, task):
    raise NotEnoughDataError("too few", needed=9, found=task)


def raise_own(study, task):
    raise OwnError("Oslo", number=task)


def raise_mute(study, task):
    raise MuteError("one", "two")


def raise_nested(study, task):
    class InnerError(Exception):
        """Known nowhere else."""

    raise InnerError("deep inside")


def give_a_lock(study, task):
    return threading.Lock()


def die(study, task):
    os.kill(os.getpid(), signal.SIGKILL)


def die_or_wait(study, task):
    if task == 1:
        die(study, task)
    time.sleep(60)


def crash(study, task):
    os.kill(os.getpid(), signal.SIGSEGV)


def wait_in_c(study, task):
    os.write(1, f"{os.getpid()}\n".encode())
    time.sleep(60)
