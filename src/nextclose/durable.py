"""[I/O] Saves that are whole or not there: what a killed run leaves behind can be trusted."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from nextclose.errors import OutputError


def save(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader finds the old bytes or all of the new ones.

    Temp file in the same folder, written and synced, renamed over, folder synced.
    Raises: OutputError naming the path and the system's reason.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"cannot write {path}: {reason}. Fix: choose another --out or free that place.",
            path=str(path),
        ) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
