"""[shell] What runs tasks in this process, and a memory of finished fits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from nextclose.backtesting.study import Study
from nextclose.backtesting.walk_forward import FitTask, Mapper, Result, Task, serial
from nextclose.config import canonical_json
from nextclose.durable import save
from nextclose.models.mixture import restore_fit
from nextclose.models.protocol import Fitted, Model
from nextclose.models.registry import OURS
from nextclose.serving.states import state_of, written_fit

SUFFIX = ".safetensors"

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


def code_fingerprint() -> str:
    """SHA-256 over the source of this package: other code, another fit."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Finished fits on disk, found by the hash of all that determines them.

    Another configuration, other bars (`data`) or other code (`code`) never meet a fit; a file whose
    bytes are not those that were saved is not believed.
    """

    folder: Path
    data: str
    code: str

    def keep(self, study: Study, task: FitTask, fitted: Fitted) -> None:
        """Save the fit, whole or not at all."""
        content = written_fit(study.model(task.model), fitted)
        digest = hashlib.sha256(content).hexdigest()
        save(self.folder / f"{self._name(study, task)}.{digest}{SUFFIX}", content)

    def recalled(self, study: Study, task: FitTask) -> Fitted | None:
        """The fit of this task, or None if there is none to be believed."""
        for path in sorted(self.folder.glob(f"{self._name(study, task)}.*{SUFFIX}")):
            content = path.read_bytes()
            if path.name.split(".")[1] == hashlib.sha256(content).hexdigest():
                with suppress(ValueError, LookupError, TypeError, AttributeError):
                    return restore_fit(study.model(task.model), state_of(content))
        return None

    def _name(self, study: Study, task: FitTask) -> str:
        traits, fold = study.model(task.model).traits, study.folds[task.fold]
        what = {
            **asdict(task),
            "config": dict(traits.settings),
            "version": traits.version,
            "horizons": list(study.samples.horizons),
            "valid_from": str(fold.valid_from),
            "fitted_at": str(fold.fitted_at),
            "data": self.data,
            "code": self.code,
        }
        return hashlib.sha256(canonical_json(what).encode()).hexdigest()


def is_kept(model: Model) -> bool:
    """Whether fits are remembered: ours always, a plug-in's if it says its version and class."""
    return model.name in OURS or (model.traits.version != "" and model.traits.fitted is not None)


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """`function`, with each result saved where it was computed, before anybody waits for it."""

    function: Callable[[Study, Any], Any]
    memory: Memory

    @property
    def __name__(self) -> str:
        return self.function.__name__

    def __call__(self, study: Study, task: FitTask) -> Any:
        """Run the task and keep what it gives."""
        fitted = self.function(study, task)
        if is_kept(study.model(task.model)):
            self.memory.keep(study, task, fitted)
        return fitted


class Remembered:
    """A mapper that keeps every finished fit and does none of them twice.

    Each is saved as soon as it is done, so a killed run loses only what was under way. Forecasts
    are cheap and made anew.
    """

    def __init__(self, mapper: Mapper, folder: Path, *, data: str, code: str) -> None:
        self._mapper = mapper
        self._memory = Memory(folder=folder, data=data, code=code)

    def __call__(
        self, function: Callable[[Study, Task], Result], study: Study, tasks: Sequence[Task]
    ) -> Iterator[Result]:
        """Yield results in task order; only fits that are not on file are run."""
        fits = [task for task in tasks if isinstance(task, FitTask)]
        if len(fits) < len(tasks):
            yield from self._mapper(function, study, tasks)
            return
        kept = [task for task in fits if is_kept(study.model(task.model))]
        recalled = {task: self._memory.recalled(study, task) for task in kept}
        missing = [task for task in fits if recalled.get(task) is None]
        keeping = Keeping(function=function, memory=self._memory)
        fresh = iter(self._mapper(keeping, study, missing))
        for task in fits:
            yield cast(Result, next(fresh) if recalled.get(task) is None else recalled[task])
