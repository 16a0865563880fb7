"""[I/O] Parquet files, each read by a child process under a cap of memory and time."""

from __future__ import annotations

import atexit
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.reading.columns.said_symbols import partition_fault
from nextclose.data.reading.file_errors import UNNAMED, UnusableFileError, with_symbol_cure
from nextclose.data.reading.inferred_names import with_date_column, with_partitions
from nextclose.data.reading.prices import UncheckedPrices, unchecked_prices
from nextclose.data.sources.filenames import partitions_of, symbol_of
from nextclose.data.sources.files import open_file
from nextclose.data.sources.parquet_child import parquet_error

MAGIC = b"PAR1"
TAIL = len(MAGIC) + 4  # magic, and the length of the footer before it
MAX_BYTES = 2 << 30
CHUNK = 1 << 20
IN_PARTS = "give it in parts: a folder of several files."
BASE_SECONDS, BYTES_PER_SECOND = 30.0, 4 << 20  # a file may take so long


def parquet_prices(paths: Iterable[Path], config: DataConfig) -> Iterator[UncheckedPrices]:
    """The prices of Parquet files in their order; rows count from 1. Raises: ConfigError."""
    for path in paths:
        try:
            with open_file(path, follow_symlinks=config.follow_symlinks) as file:
                frame = _file_frame(file, os.fstat(file.fileno()).st_size)
        except UnusableFileError as error:
            yield error.refusal(str(path))
            continue
        fault = partition_fault(frame, partitions_of(path), config, path=str(path))
        if fault is not None:
            yield UncheckedPrices(path=str(path), frame=None, findings=(fault,))
            continue
        frame = with_partitions(frame, partitions_of(path))
        frame, notes = with_date_column(frame, config, path=str(path))
        rows = pl.int_range(1, frame.height + 1, eager=True)
        prices = unchecked_prices(
            frame,
            path=str(path),
            rows=rows,
            symbol=symbol_of(path, config.symbols) or UNNAMED,
            config=config,
        )
        yield with_symbol_cure(replace(prices, findings=(*notes, *prices.findings)))


def parquet_frame(data: bytes) -> pl.DataFrame:
    """The table of a Parquet file's bytes, read elsewhere. Raises: UnusableFileError (2, 3, 19)."""
    return _file_frame(io.BytesIO(data), len(data))


def _file_frame(file: BinaryIO, n_bytes: int) -> pl.DataFrame:
    """The table of an open file of that size; what it says of itself is looked at first."""
    _refuse_misshapen(file, n_bytes)
    file.seek(0)
    frame = _Child.shared().frame(file, n_bytes)
    if not frame.height:
        raise UnusableFileError(
            Issue.NO_ROWS, "0 data rows", must="at least one row", fix="export the prices again."
        )
    return frame


def _refuse_misshapen(file: BinaryIO, n_bytes: int) -> None:
    """What a look at both ends tells: no bytes, no mark of Parquet, a footer longer than the file.

    A file over the cap is refused after that, and before any of it is read.
    """
    if not n_bytes:
        raise UnusableFileError(Issue.EMPTY_FILE, "an empty file", must="Parquet")
    start = file.read(len(MAGIC))
    file.seek(max(n_bytes - TAIL, 0))
    end = file.read(TAIL)
    if start != MAGIC or not end.endswith(MAGIC) or n_bytes < 2 * TAIL:
        raise parquet_error("no mark of Parquet at both ends")
    n_footer = int.from_bytes(end[: -len(MAGIC)], "little")
    if n_footer > n_bytes - TAIL - len(MAGIC):
        raise parquet_error(f"a footer of {n_footer} bytes in a file of {n_bytes}")
    if n_bytes > MAX_BYTES:
        found = f"{n_bytes} bytes, more than 2 GiB"
        raise UnusableFileError(Issue.OVERSIZED_TABLE, found, must="at most 2 GiB", fix=IN_PARTS)


class _Child:
    """The child process and the pipes to it; one is kept for as long as this process lives."""

    _shared: _Child | None = None

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
    def shared(cls) -> _Child:
        """The child of this process, started anew if it died or belongs to a parent."""
        child = cls._shared
        if child is None or child._owner != os.getpid() or child._process.poll() is not None:
            cls._shared = child = cls()
        return child

    def frame(self, file: BinaryIO, n_bytes: int) -> pl.DataFrame:
        """What the child makes of a file. Raises: UnusableFileError if it refuses or dies."""
        seconds = BASE_SECONDS + n_bytes / BYTES_PER_SECOND
        with self._lock:
            timer = threading.Timer(seconds, self._process.kill)
            timer.start()
            try:
                problem, payload = self._answer(file, n_bytes)
            except (OSError, EOFError):
                self.close()
                signal = -(self._process.returncode or 0)
                reason = f"signal {signal}" if signal > 0 else "too little memory"
                raise parquet_error(f"reading it ended its process ({reason})") from None
            finally:
                timer.cancel()
        if problem:
            issue = Issue(int(problem["number"]))
            raise UnusableFileError(
                issue, problem["found"], must=problem["must"], fix=problem["fix"]
            )
        return pl.read_ipc(io.BytesIO(payload))

    def _answer(self, file: BinaryIO, n_bytes: int) -> tuple[dict[str, str], bytes]:
        """The child's answer to a file that is handed on piece by piece."""
        requests, replies = self._process.stdin, self._process.stdout
        if requests is None or replies is None:
            raise EOFError
        requests.write(n_bytes.to_bytes(8))
        for start in range(0, n_bytes, CHUNK):
            piece = file.read(min(CHUNK, n_bytes - start))
            if len(piece) < min(CHUNK, n_bytes - start):
                raise EOFError  # the file became shorter
            requests.write(piece)
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
