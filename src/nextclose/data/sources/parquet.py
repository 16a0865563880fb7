"""[I/O] Parquet files as parts, each read by a child process under a cap of memory and time."""

from __future__ import annotations

import atexit
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.reading.part import Part, part_of
from nextclose.data.reading.unusable import UnusableError
from nextclose.data.sources.filenames import symbol_of
from nextclose.data.sources.files import opened

MAGIC = b"PAR1"
TAIL = len(MAGIC) + 4  # magic, and the length of the footer before it
BASE_SECONDS, BYTES_PER_SECOND = 30.0, 4 << 20  # a file may take so long
AGAIN = "export the prices again."


def parquet_parts(paths: Iterable[Path], config: DataConfig) -> Iterator[Part]:
    """The parts of Parquet files in their order; rows count from 1. Raises: ConfigError."""
    for path in paths:
        try:
            with opened(path, follow_symlinks=config.follow_symlinks) as file:
                data = file.read()
            frame = table(data)
        except UnusableError as error:
            yield error.part(str(path))
            continue
        rows = pl.int_range(1, frame.height + 1, eager=True)
        yield part_of(frame, path=str(path), rows=rows, symbol=symbol_of(path), config=config)


def table(data: bytes) -> pl.DataFrame:
    """The table of a Parquet file's bytes, read elsewhere. Raises: UnusableError (2, 3, 19)."""
    _refuse_misshapen(data)
    frame = _Reader.shared().table(data)
    if not frame.height:
        raise UnusableError(Issue.NO_ROWS, "0 data rows", must="at least one row", fix=AGAIN)
    return frame


def _refuse_misshapen(data: bytes) -> None:
    """What needs no reading: no bytes, no mark at both ends, a footer longer than the file."""
    if not data:
        raise UnusableError(Issue.EMPTY_FILE, "an empty file", must="Parquet")
    if not (data.startswith(MAGIC) and data.endswith(MAGIC)) or len(data) < 2 * TAIL:
        raise _broken("no mark of Parquet at both ends")
    n_footer = int.from_bytes(data[-TAIL : -len(MAGIC)], "little")
    if n_footer > len(data) - TAIL - len(MAGIC):
        raise _broken(f"a footer of {n_footer} bytes in a file of {len(data)}")


def _broken(found: str) -> UnusableError:
    return UnusableError(Issue.DAMAGED_FILE, found)


class _Reader:
    """The child process and the pipes to it; one is kept for as long as this process lives."""

    _kept: _Reader | None = None

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nextclose.data.sources.parquet_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        atexit.register(self.close)

    @classmethod
    def shared(cls) -> _Reader:
        """The child of this process, begun anew if it died or belongs to a parent."""
        kept = cls._kept
        if kept is None or kept._owner != os.getpid() or kept._process.poll() is not None:
            cls._kept = kept = cls()
        return kept

    def table(self, data: bytes) -> pl.DataFrame:
        """What the child makes of the bytes. Raises: UnusableError if it refuses or dies."""
        seconds = BASE_SECONDS + len(data) / BYTES_PER_SECOND
        with self._lock:
            timer = threading.Timer(seconds, self._process.kill)
            timer.start()
            try:
                problem, payload = self._asked(data)
            except (OSError, EOFError):
                self.close()
                signal = -(self._process.returncode or 0)
                reason = f"signal {signal}" if signal > 0 else "too little memory"
                raise _broken(f"reading it ended its process ({reason})") from None
            finally:
                timer.cancel()
        if problem:
            raise UnusableError(
                Issue.DAMAGED_FILE, problem["found"], must=problem["must"], fix=problem["fix"]
            )
        return pl.read_ipc(io.BytesIO(payload))

    def _asked(self, data: bytes) -> tuple[dict[str, str], bytes]:
        requests, replies = self._process.stdin, self._process.stdout
        if requests is None or replies is None:
            raise EOFError
        requests.write(len(data).to_bytes(8))
        requests.write(data)
        requests.flush()
        line, head = replies.readline(), replies.read(8)
        payload = replies.read(int.from_bytes(head)) if len(head) == 8 else b""
        if len(head) < 8 or len(payload) < int.from_bytes(head):
            raise EOFError
        return json.loads(line), payload

    def close(self) -> None:
        """End the child, if it is ours, and forget it."""
        atexit.unregister(self.close)
        if self._owner != os.getpid():
            return
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:  # what it was never asked
                    continue
        self._process.wait()
