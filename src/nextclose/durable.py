"""[I/O] Saves that are whole or not there, and folders with one writer at a time.

What a killed run leaves behind can be trusted, and the next one tidies up.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from nextclose.errors import LockedError, OutputError

LOCK = ".lock"  # in a folder that is being written; holds the process id of who does
UNFINISHED = re.compile(r"\..+\.[0-9a-f]{8}\.part")  # a save that is under way, or was killed
N_DIGITS = 20  # of a process id, and more


def content_of(path: str | Path, *, limit: int) -> bytes:
    """At most `limit` bytes of a file. Raises: OSError."""
    with open(path, "rb") as file:
        return file.read(limit)


def save(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader finds the old bytes or all of the new ones.

    Temp file in the same folder, written and synced, renamed over, folder synced. Who may read it
    is the umask's to say.
    Raises: OutputError naming the path and the system's reason.
    """
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file, temporary = _temporary(path)
        try:
            with file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                os.replace(temporary, path)  # still open, so still held: nobody sweeps it
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def sweep(folder: Path) -> None:
    """Remove what saves into `folder` have left that were killed; one that is under way stays."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if UNFINISHED.fullmatch(path.name) and not _is_held(path):
            path.unlink(missing_ok=True)


@contextmanager
def folder_lock(folder: Path, *, option: str = "--out") -> Iterator[None]:
    """Within, no other process writes into `folder`, which is made if there is none.

    The lock is the kernel's, which frees it when the process ends, however it ends; a lock file
    of the dead holds nobody up. What was made and is empty at the end is removed.
    Raises: LockedError while another process has it; OutputError if the folder cannot be written.
    """
    with output_errors(folder, option=option):
        made = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
        folder.mkdir(parents=True, exist_ok=True)
        handle = _take_lock(folder)
    try:
        yield
    finally:
        try:
            with suppress(OSError):
                if _is_same(handle, folder / LOCK):
                    (folder / LOCK).unlink()
                for place in made:
                    place.rmdir()  # refused unless it is empty
        finally:
            os.close(handle)


@contextmanager
def output_errors(path: Path, *, option: str = "--out") -> Iterator[None]:
    """Within, what the system refuses is an OutputError about `path`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"cannot write {path}: {reason}. Fix: choose another {option} or free that place.",
            path=str(path),
        ) from error


def sync_folder(folder: Path) -> None:
    """Have the system write down which files a folder holds."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> tuple[IO[bytes], Path]:
    """A new file beside `path`, open, and held for as long as it is open."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with suppress(OSError):  # a file system without locks has no sweeper either
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_same(handle, temporary):
            return os.fdopen(handle, "wb"), temporary
        os.close(handle)  # swept before it was held


def _is_held(path: Path) -> bool:
    """Whether a live process is writing this file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return True  # none of ours
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _take_lock(folder: Path) -> int:
    """The descriptor of the folder's lock, taken. Raises: LockedError; OSError."""
    path = folder / LOCK
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        handle = os.open(path, flags, 0o666)
        try:
            text = _text_of_lock(handle, path)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                holder = int(text) if text else None
                raise LockedError(path=str(folder), holder=holder) from error
            if _is_same(handle, path):  # else whoever had it has just removed it
                os.ftruncate(handle, 0)
                os.pwrite(handle, str(os.getpid()).encode(), 0)
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _text_of_lock(handle: int, path: Path) -> str:
    """The process id in a lock file, or nothing. Raises: OutputError for any other file."""
    text = b"?"
    if stat.S_ISREG(os.fstat(handle).st_mode):
        text = os.read(handle, N_DIGITS + 1)
    if not re.fullmatch(rb"[0-9]{0,%d}" % N_DIGITS, text):
        raise OutputError(
            f"{path} is no lock of nextclose. Fix: remove it, or choose another folder.",
            path=str(path),
        )
    return text.decode()


def _is_same(handle: int, path: Path) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False
