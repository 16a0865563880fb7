"""One thread for a task; several tasks at a time are the mapper's business."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController

BRING_THREADS = ("scipy", "torch", "xgboost")  # imported later, they bring libraries of their own


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold every numeric library of this process to one thread while the block runs.

    Two threads in one LSTM step stall each other on a busy machine, and bits may move.
    """
    loaded = tuple(name for name in BRING_THREADS if name in sys.modules)
    with _controller(loaded).limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _controller(loaded: tuple[str, ...]) -> ThreadpoolController:
    """What holds the libraries there are while `loaded` are imported.

    To look for them takes longer than a forecast.
    """
    return ThreadpoolController()
