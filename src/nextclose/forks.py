"""[shell] Processes that were forked once work had begun: refused, for they would wait for ever."""

from __future__ import annotations

import os

from nextclose.errors import ResourceError

_workers: list[int] = []  # the process in which the first call was made


def refuse_fork() -> None:
    """Raise ResourceError in a process that was forked after a call like this.

    A fork has none of the threads of its parent, and libraries that had started some wait for them.
    One that was forked before is as good as any.
    """
    process = os.getpid()
    if not _workers:
        _workers.append(process)
    if _workers[0] != process:
        raise ResourceError(
            "this process was forked from one in which nextclose had been at work: the threads of "
            "its libraries are missing, and it would wait for ever. Fix: start processes by "
            'multiprocessing.get_context("spawn"), or use workers=2 instead of processes of your '
            "own; of a web server, load bundles after the fork (no --preload)."
        )
