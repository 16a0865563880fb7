"""[I/O] Asking a provider again when it does not answer, with growing waits and an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from nextclose.data.catalogue import Issue
from nextclose.data.store.providers import History, NoHistoryError

N_TRIES = 5
MAX_SECONDS = 120.0  # from the first try to the start of the last
FIRST_WAIT_SECONDS = 4.0  # doubled after each try: 4, 8, 16, 32


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What time it is (`now`, aware of its zone), how long something took, and how to wait."""

    now: Callable[[], datetime] = _now
    seconds: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def with_retries(ask: Callable[[], History], clock: Clock) -> History:
    """What `ask` gives, tried up to 5 times in 120 s while there is no answer.

    Waits double, and are never shorter than the provider asks for; a wait that would not end in
    time is not begun.
    Raises: NoHistoryError of the last try.
    """
    began, wait, n = clock.seconds(), FIRST_WAIT_SECONDS, 1
    while True:
        try:
            return ask()
        except NoHistoryError as error:
            if error.number != Issue.NO_ANSWER:
                raise
            pause, elapsed = max(wait, error.wait_seconds or 0.0), clock.seconds() - began
            if n == N_TRIES or elapsed + pause > MAX_SECONDS:
                raise _last_error(error, n=n, seconds=elapsed) from error
        clock.sleep(pause)
        wait, n = 2 * wait, n + 1


def _last_error(error: NoHistoryError, *, n: int, seconds: float) -> NoHistoryError:
    asks = f" and asks to wait {error.wait_seconds:.0f} s" if error.wait_seconds else ""
    tries = f"{n} {'try' if n == 1 else 'tries'} in {seconds:.0f} s"
    return NoHistoryError(f"{error.found}{asks}, {tries}", number=error.number)
