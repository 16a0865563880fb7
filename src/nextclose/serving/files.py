"""[I/O] The files of a bundle: regular ones, read once, each with its hash."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from nextclose.errors import BundleError
from nextclose.folders import current_place
from nextclose.serving.manifest import FileEntry

FILE_BYTES = 512 << 20


def verified_content(folder: Path, name: str, entry: FileEntry) -> bytes:
    """The bytes of a file that has the size and the hash of its entry.

    Raises: BundleError.
    """
    content = file_content(folder, name, limit=min(entry.size, FILE_BYTES))
    digest = hashlib.sha256(content).hexdigest()
    if digest != entry.sha256:
        raise BundleError(
            path=str(folder / name), found=f"SHA-256 {digest}", expected=f"SHA-256 {entry.sha256}"
        )
    return content


def file_content(folder: Path, name: str, *, limit: int) -> bytes:
    """The bytes of a regular file that is no link, at most `limit`, read once.

    Raises: BundleError.
    """
    try:
        descriptor = os.open(
            current_place(folder / name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        )
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise BundleError(
                    path=str(folder / name), found="no regular file", expected="a regular file"
                )
            content = file.read(limit + 1)
    except OSError as error:
        is_link = (folder / name).is_symlink()
        raise BundleError(
            path=str(folder / name),
            found="a symbolic link" if is_link else error.strerror or str(error),
            expected="a regular file" if is_link else "a readable file",
            fix="copy what the link points to, as by `cp -rL`." if is_link else "",
        ) from error
    if len(content) > limit:
        raise BundleError(
            path=str(folder / name),
            found=f"more than {limit} bytes",
            expected=f"at most {limit} bytes",
        )
    return content


def stamp(folder: Path, name: str) -> tuple[int, int] | None:
    """What changes when another file takes the place of this one; None if there is none."""
    try:
        facts = current_place(folder / name).stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns
