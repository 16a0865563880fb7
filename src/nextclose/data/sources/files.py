"""[I/O] Files opened with care: regular ones alone, and refused if they change while read."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nextclose.data.catalogue import Issue
from nextclose.data.reading.file_errors import UnusableFileError

NO_REGULAR_FILE = {errno.ENXIO: "a socket or a device", errno.EISDIR: "a folder"}


@contextmanager
def open_file(path: Path, *, follow_symlinks: bool) -> Iterator[BinaryIO]:
    """The file, open for reading from its start; a pipe is not waited for.

    Raises: UnusableFileError: it is not there (1), not a regular file (18), or not the same at the
        end as it was at the beginning (20).
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_symlinks else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise _open_error(path, error) from None
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise _file_type_error(_file_type(before.st_mode))
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            yield file
        _refuse_change(path, before, follow_symlinks=follow_symlinks)
    except OSError as error:  # the disk fails, or the network it is on
        raise path_error(path, error) from None
    finally:
        os.close(descriptor)


def path_error(path: Path, error: OSError | ValueError) -> UnusableFileError:
    """Rule 1: what the system says against reading that path."""
    reason = getattr(error, "strerror", None) or str(error)
    found = f"{reason} at {path.absolute()}, working directory {os.getcwd()}"
    return UnusableFileError(Issue.NO_FILE, found)


def _open_error(path: Path, error: OSError | ValueError) -> UnusableFileError:
    number = getattr(error, "errno", None)
    if number == errno.ELOOP and path.is_symlink():
        return _file_type_error("a symbolic link")
    if number in NO_REGULAR_FILE:
        return _file_type_error(NO_REGULAR_FILE[number])
    return path_error(path, error)


def _file_type_error(kind: str) -> UnusableFileError:
    is_link = kind == "a symbolic link"
    cure = "give the file it points to, or set data.follow_symlinks = true." if is_link else None
    return UnusableFileError(Issue.NOT_REGULAR_FILE, f"{kind}, not a regular file", fix=cure)


def _file_type(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISDIR, "a folder"), (stat.S_ISSOCK, "a socket"))
    return next((name for is_kind, name in kinds if is_kind(mode)), "a device")


def _refuse_change(path: Path, before: os.stat_result, *, follow_symlinks: bool) -> None:
    """Rule 20."""
    try:
        after = os.stat(path, follow_symlinks=follow_symlinks)
    except OSError:
        raise _change_error("it is no longer there") from None
    names = {"st_size": "size", "st_mtime_ns": "time", "st_ino": "inode", "st_dev": "device"}
    moved = [
        name for field, name in names.items() if getattr(before, field) != getattr(after, field)
    ]
    if moved:
        raise _change_error(f"another {' and '.join(moved)}")


def _change_error(how: str) -> UnusableFileError:
    return UnusableFileError(Issue.CHANGED_DURING_READ, f"changed during read: {how}")
