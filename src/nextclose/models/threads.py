"""One thread for a task: two threads in an LSTM step stall each other, and bits may move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold every numeric library of this process to one thread while the block runs."""
    with threadpool_limits(limits=1):
        yield
