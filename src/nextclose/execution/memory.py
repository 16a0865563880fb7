"""[shell] A memory of finished fits: none is computed twice."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from nextclose.backtesting.fit_key import fit_keys
from nextclose.backtesting.study import Study
from nextclose.backtesting.walk_forward import (
    FitTask,
    Mapper,
    NotFitted,
    Result,
    Task,
)
from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.sources.files import open_file
from nextclose.durable import save
from nextclose.models.mixture import restore_fit
from nextclose.models.protocol import Fitted, Model
from nextclose.models.registry import OURS
from nextclose.serving.states import state_of, written_fit

SUFFIX = ".safetensors"
LARGEST_FIT = 1 << 29  # bytes, as of a bundle


def code_fingerprint(root: Path = Path(__file__).parents[1]) -> str:
    """SHA-256 over the source of a package, ours, and its JSON: other code, another fit."""
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.suffix in {".py", ".json"}):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Finished fits on disk, each found by the key of all that determines it.

    A file is believed if its name holds the hash of that key and its own bytes: not another fit's
    under this name, not what was damaged, no link, pipe or folder.
    """

    folder: Path

    def keep(self, key: str, model: Model, fitted: Fitted) -> None:
        """Save the fit, whole or not at all."""
        content = written_fit(model, fitted)
        path = self.folder / f"{key}.{_bound(key, content)}{SUFFIX}"
        if path.is_symlink() or not path.is_dir():  # a folder in its place stays there
            save(path, content)

    def recalled(self, key: str, model: Model) -> tuple[Fitted | None, list[Path]]:
        """The fit of this key, None if there is none to be believed; and what was not believed."""
        disbelieved: list[Path] = []
        for path in sorted(self.folder.glob(f"{key}.*{SUFFIX}")):
            with suppress(UnusableFileError, ValueError, LookupError, TypeError, AttributeError):
                with open_file(path, follow_symlinks=False) as file:
                    content = file.read(LARGEST_FIT)
                if path.name.split(".")[1] == _bound(key, content):
                    return restore_fit(model, state_of(content)), disbelieved
            disbelieved.append(path)
        return None, disbelieved


def _bound(key: str, content: bytes) -> str:
    """What only this content under this key has."""
    return hashlib.sha256(key.encode() + content).hexdigest()


def is_kept(model: Model) -> bool:
    """Whether fits are remembered: ours always, a plug-in's if it says its version and class."""
    return model.name in OURS or (model.traits.version != "" and model.traits.fitted is not None)


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """`function`, with each result saved where it was computed, before anybody waits for it."""

    function: Callable[[Study, Any], Any]
    memory: Memory
    keys: Mapping[FitTask, str]  # of the fits that are kept

    @property
    def __name__(self) -> str:
        return self.function.__name__

    def __call__(self, study: Study, task: FitTask) -> Any:
        """Run the task and keep what it gives."""
        fitted = self.function(study, task)
        if task in self.keys and not isinstance(fitted, NotFitted):
            self.memory.keep(self.keys[task], study.model(task.model), fitted)
        return fitted


class Remembered:
    """A mapper that keeps every finished fit and does none of them twice.

    Each is saved as soon as it is done, so a killed run loses only what was under way. Forecasts
    are cheap and made anew.
    """

    def __init__(self, mapper: Mapper, folder: Path, *, code: str) -> None:
        self._mapper = mapper
        self._memory = Memory(folder=folder)
        self._code = code
        self._has_warned = False

    def __call__(
        self, function: Callable[[Study, Task], Result], study: Study, tasks: Sequence[Task]
    ) -> Iterator[Result]:
        """Yield results in task order; only fits that are not on file are run."""
        fits = [task for task in tasks if isinstance(task, FitTask)]
        if len(fits) < len(tasks):
            yield from self._mapper(function, study, tasks)
            return
        kept = [task for task in fits if is_kept(study.model(task.model))]
        keys = fit_keys(study, kept, code=self._code)
        recalled = {}
        for task, key in keys.items():
            recalled[task], disbelieved = self._memory.recalled(key, study.model(task.model))
            self._warn_once(disbelieved)
        missing = [task for task in fits if recalled.get(task) is None]
        keeping = Keeping(function=function, memory=self._memory, keys=keys)
        fresh = iter(self._mapper(keeping, study, missing))
        for task in fits:
            yield cast(Result, next(fresh) if recalled.get(task) is None else recalled[task])

    def _warn_once(self, disbelieved: Sequence[Path]) -> None:
        """Say that a file is not the fit that its name says; once, for there may be many."""
        if disbelieved and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"{disbelieved[0].name} in {self._memory.folder} is not the fit that was saved "
                "there; it is not used, nor are others like it. Fix: none needed: what is missing "
                "is fitted again.",
                stacklevel=2,
            )
