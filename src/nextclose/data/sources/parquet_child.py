"""[I/O] The process that reads Parquet for the loader, so that a hostile file kills it alone.

Run by `sources/parquet.py`. A request is eight bytes of length and a whole file; the answer is one
line of JSON, empty or saying why not, eight bytes of length and the table as Arrow IPC.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import polars as pl

from nextclose.data.catalogue import Issue
from nextclose.data.reading.file_errors import UnusableFileError

MAX_RATIO = 1000
MAX_TABLE = 2 << 30  # 16 bytes a cell: 19 million rows of seven columns
FREE_BYTES = 16 << 20  # below, any ratio is fine
SPARE_BYTES = 256 << 20  # of address space, beside what the table needs
THREAD_BYTES = 64 << 20  # reserved, not used, by each thread of the library
COPIES = 4  # of the table at once: pages, columns, the answer
CELL_BYTES = 16  # the widest cell: a text's view


def frame_of(data: bytes) -> pl.DataFrame:
    """The table of a Parquet file's bytes. Raises: UnusableFileError (19)."""
    try:
        schema = pl.read_parquet_schema(io.BytesIO(data))
        _refuse_odd_types(schema)
        n_rows = int(pl.scan_parquet(io.BytesIO(data)).select(pl.len()).collect().item())
        _limit_memory(data, n_rows * len(schema) * CELL_BYTES)
        return pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, MemoryError) as error:
        raise parquet_error(str(error)) from None
    except (OSError, ValueError, TypeError, OverflowError) as error:
        raise parquet_error(str(error)) from None


def _refuse_odd_types(schema: Mapping[str, pl.DataType]) -> None:
    for name, kind in schema.items():
        if kind.is_nested() or isinstance(kind, pl.Object | pl.BaseExtension):
            raise UnusableFileError(
                Issue.DAMAGED_FILE,
                f"column {name!r} of type {kind}",
                must="columns of plain values",
                fix="export the prices without that column.",
            )


def _limit_memory(data: bytes, n_declared: int) -> None:
    """Refuse a table that the file cannot hold; cap the process at what a sound one needs."""
    if n_declared > max(MAX_RATIO * len(data), FREE_BYTES):
        found = f"a declared size of {n_declared} bytes in a file of {len(data)}"
        must = f"past 16 MiB at most {MAX_RATIO} times the file"
        raise UnusableFileError(Issue.DAMAGED_FILE, found, must=must)
    if n_declared > MAX_TABLE:
        found = f"a table of {n_declared} bytes, more than 2 GiB"
        fix = "give it in parts, or only the columns that are read."
        raise UnusableFileError(Issue.OVERSIZED_TABLE, found, must="at most 2 GiB", fix=fix)
    size = Path("/proc/self/statm")
    if not size.exists():  # no Linux: the parent's life is protected, the machine's memory is not
        return
    n_now = int(size.read_text().split()[0]) * resource.getpagesize()
    spare = SPARE_BYTES + THREAD_BYTES * pl.thread_pool_size()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (n_now + spare + COPIES * n_declared, hard))


def parquet_error(reason: str) -> UnusableFileError:
    """Rule 19, for the first line of what the library says."""
    first = (reason.splitlines() or ["it does not read"])[0]
    return UnusableFileError(Issue.DAMAGED_FILE, first)


def main(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer until nobody asks any more."""
    while head := requests.read(8):
        problem: dict[str, object] = {}
        payload = io.BytesIO()
        try:
            frame_of(requests.read(int.from_bytes(head))).write_ipc(payload)
        except UnusableFileError as error:
            facts = {"found": error.found, "must": error.must, "fix": error.fix}
            problem = {"number": int(error.number), **facts}
        replies.write(json.dumps(problem).encode() + b"\n")
        replies.write(payload.getbuffer().nbytes.to_bytes(8))
        replies.write(payload.getbuffer())
        replies.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
