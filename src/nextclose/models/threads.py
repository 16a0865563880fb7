"""One thread for a task; several tasks at a time are the mapper's business."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold every numeric library of this process to one thread while the block runs.

    Two threads in one LSTM step stall each other on a busy machine, and bits may move.
    """
    with threadpool_limits(limits=1):
        yield
