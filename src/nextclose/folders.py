"""[I/O] Folders whose results are replaced together: all of the old ones or all of the new.

The new results are written into a folder of their own, then take the place of the old:

1. The whole folder is exchanged with one that holds the new results and everything else of the old
   (as hard links), in one step of the system: killed before, it is as it was; after, it is new.
2. Where that cannot be (a file system without it, a mount, a folder that holds other things, or
   that somebody stands in), the new results become `.ready` in one step and are then moved to
   their places; the next start carries on from there, and `current_place` looks there first.

A symbolic link that is pointed elsewhere would be one step too, but results are files that people
copy, mail and serve; links to them are not.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nextclose.durable import LOCK, folder_lock, output_errors, save, sweep, sync_folder
from nextclose.errors import OutputError, printable

READY = ".ready"  # finished results on their way to their places
GONE = ".gone."  # in there, before the name of a result that the new ones lack
STAGE = re.compile(r"\.new\.[0-9a-f]{8}")  # results that are being written
SWAP = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS
HERE = -100  # AT_FDCWD of Linux


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFolder:
    """A folder that this process alone may write; made by `open_folder`.

    `parts` are the names of its results, files or folders, the most telling last; `beside` names
    what else is ours.
    """

    path: Path
    parts: tuple[str, ...]
    beside: tuple[str, ...] = ()

    def replace(self, contents: Iterable[tuple[str, bytes]]) -> None:
        """Put these files, by path below the folder, in the place of all results.

        Results that are not among them are removed.
        Raises: OutputError, and all results are the old or all are the new ones.
        """
        with output_errors(self.path):
            stage = self.path / f".new.{secrets.token_hex(4)}"
            stage.mkdir()
            try:
                for name, content in contents:
                    save(stage / name, content)
                sync_folder(stage)
                if self._exchanged(stage):
                    return
                self._make_ready(stage)
            except BaseException:
                if stage.exists():
                    shutil.rmtree(stage, ignore_errors=True)
                raise
            try:
                self.settle()
            except BaseException:  # Ctrl-C, say: what counts already is brought to its places
                self.settle()
                raise

    def settle(self) -> None:
        """Move what is ready to its places; does nothing if nothing is."""
        ready = self.path / READY
        if ready.is_symlink() or not ready.is_dir():
            return
        for name in self.parts:
            new, old = ready / name, self.path / name
            if os.path.lexists(new):
                if old.is_dir() or new.is_dir():
                    _remove(old)
                os.replace(new, old)
            elif os.path.lexists(ready / f"{GONE}{name}"):
                _remove(old)
        sync_folder(self.path)
        shutil.rmtree(ready)
        sync_folder(self.path)

    def tidy(self) -> None:
        """Finish or remove what a killed writer has left."""
        self.settle()
        for folder in (self.path, *(self.path / name for name in (*self.parts, *self.beside))):
            if not folder.is_symlink():
                sweep(folder)
        for place in self.path.iterdir():
            if STAGE.fullmatch(place.name):
                _remove(place)
        path = self.path.resolve()
        aside = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}\.aside")
        for place in path.parent.iterdir() if os.access(path.parent, os.R_OK | os.W_OK) else ():
            if aside.fullmatch(place.name):
                _remove(place)

    def _make_ready(self, stage: Path) -> None:
        """From here on the new results are the ones that count."""
        for name in self.parts:
            if not (stage / name).exists():
                (stage / f"{GONE}{name}").touch()
        sync_folder(stage)
        os.rename(stage, self.path / READY)
        sync_folder(self.path)

    def _exchanged(self, stage: Path) -> bool:
        """Whether the folder is now one that holds the new results and what else the old one held.

        If not, nothing has changed.
        """
        path = self.path.resolve()
        if not self._is_ours_alone(path, stage):
            return False
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.aside")
        try:
            os.rename(path / stage.name, aside)
        except OSError:  # another file system, or no right to write there
            return False
        try:
            _link_rest(path, aside, without=self.parts)
            shutil.copymode(path, aside)
            sync_folder(aside)
            exchange(aside, path)
        except OSError:
            for place in aside.iterdir():
                if place.name not in self.parts:
                    _remove(place)
            os.rename(aside, path / stage.name)
            return False
        sync_folder(path.parent)
        for place in aside.iterdir():  # what came while we were at it
            if place.name not in self.parts and not os.path.lexists(path / place.name):
                os.rename(place, path / place.name)
        _remove(aside)
        return True

    def _is_ours_alone(self, path: Path, stage: Path) -> bool:
        """Whether nobody would miss the folder itself if another took its name."""
        known = {*self.parts, *self.beside, LOCK, stage.name}
        is_in_use = any(os.path.lexists(path / name / LOCK) for name in self.beside)
        is_foreign = any(place.name not in known for place in path.iterdir())
        owners = {(facts.st_uid, facts.st_gid) for facts in (path.stat(), stage.stat())}
        is_movable = not path.is_mount() and len(owners) == 1
        return is_movable and not (is_in_use or is_foreign or _is_here(path))


@contextmanager
def open_folder(
    path: Path, *, parts: tuple[str, ...], keys: Collection[str], beside: tuple[str, ...] = ()
) -> Iterator[OpenFolder]:
    """The folder at `path` for this process alone, made if there is none, and tidy.

    The last of `parts` is a JSON object with `keys` where the results there are ours.
    Raises: LockedError while another process has it; OutputError if it cannot be written, or if
    something of somebody else's has the name of a result.
    """
    with folder_lock(path):
        folder = OpenFolder(path=path, parts=parts, beside=beside)
        with output_errors(path):
            folder.tidy()
            _refuse_foreign(folder, keys)
        yield folder


def _refuse_foreign(folder: OpenFolder, keys: Collection[str]) -> None:
    """Raise OutputError where files that are not ours would be replaced."""
    present = [name for name in folder.parts if os.path.lexists(folder.path / name)]
    if present and not _is_object_with(folder.path / folder.parts[-1], keys):
        foreign = str(folder.path / present[0])
        raise OutputError(
            f"{printable(foreign)} is there and no result of nextclose; it is not replaced. "
            "Fix: choose another --out, or move it away.",
            path=foreign,
        )


def _is_object_with(path: Path, keys: Collection[str]) -> bool:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.keys() >= {*keys}


def current_place(path: Path) -> Path:
    """Where a result is to be read: at its place, or where it waits to be moved there."""
    waiting = path.parent / READY / path.name
    return waiting if os.path.lexists(waiting) else path


def exchange(one: Path, other: Path) -> None:
    """Let two folders change their names, in one step. Raises: OSError if that cannot be."""
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "darwin":
            failed = library.renamex_np(*names, SWAP)
        else:
            failed = library.renameat2(HERE, names[0], HERE, names[1], SWAP)
    except AttributeError as error:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from error
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one), None, str(other))


def _is_here(path: Path) -> bool:
    """Whether this process, and so the shell that started it, stands in that folder."""
    try:
        return Path.cwd().resolve().is_relative_to(path)
    except FileNotFoundError:  # of a folder that is no more
        return False


def _link_rest(source: Path, target: Path, *, without: Collection[str]) -> None:
    """Hard links in `target` to every file of `source`, folders made anew."""
    for place in source.iterdir():
        twin = target / place.name
        if place.name in without:
            continue
        if place.is_dir() and not place.is_symlink():
            twin.mkdir()
            _link_rest(place, twin, without=())
            shutil.copymode(place, twin)
        else:
            os.link(place, twin, follow_symlinks=False)


def _remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all it holds, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
