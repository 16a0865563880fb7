"""[shell] Tasks one after the other in this process, and how far they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from nextclose.backtesting.study import Study
from nextclose.backtesting.walk_forward import Result, Task, serial

Progress = Callable[[str, int, int], None]  # stage, tasks done, tasks in all


def silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""


class InTurn:
    """A mapper in this process, one task after the other, that tells its progress."""

    def __init__(self, *, progress: Progress = silent) -> None:
        self._progress = progress

    def __call__(
        self, function: Callable[[Study, Task], Result], study: Study, tasks: Sequence[Task]
    ) -> Iterator[Result]:
        """Yield `function(study, task)` for each task."""
        stage = function.__name__
        self._progress(stage, 0, len(tasks))
        for done, result in enumerate(serial(function, study, tasks), 1):
            self._progress(stage, done, len(tasks))
            yield result
