"""[I/O] How a price store changes: one writer at a time, each update whole or not there."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from nextclose.data.store.index import (
    INDEX,
    VINTAGES,
    StoreIndex,
    Vintage,
    VintageFacts,
    read_index,
    read_rows,
)
from nextclose.durable import LOCK, folder_lock, output_errors, save
from nextclose.errors import OutputError

OURS = re.compile(r"[0-9a-f]{64}\.parquet")
UNFINISHED = re.compile(rf"\.({re.escape(INDEX)}|{OURS.pattern})\.")  # of a save that was killed


class StoreWriter:
    """A store open for writing; made by `open_store` alone."""

    def __init__(self, path: Path, index: StoreIndex) -> None:
        self.path = path
        self._index = index

    def newest(self, symbol: str) -> tuple[VintageFacts, pl.DataFrame] | None:
        """The newest history of a symbol. Raises: DataError if its file is damaged."""
        vintages = self._index.symbols.get(symbol)
        return (vintages[-1].facts, read_rows(self.path, vintages[-1])) if vintages else None

    def keep(
        self, symbol: str, rows: pl.DataFrame, facts: VintageFacts, *, is_revision: bool
    ) -> None:
        """Store `rows` as the symbol's newest history.

        A revision keeps the history before it; else that one is replaced. Rows first, then the
        index: killed between, the store is as it was.
        Raises: OutputError.
        """
        buffer = io.BytesIO()
        rows.write_parquet(buffer)
        content = buffer.getvalue()
        name = hashlib.sha256(content).hexdigest()
        save(self.path / VINTAGES / f"{name}.parquet", content)
        before = self._index.symbols.get(symbol, ())
        older = before if is_revision else before[:-1]
        vintages = (*older, Vintage(file=name, facts=facts))
        symbols = {**self._index.symbols, symbol: vintages}
        self._index = StoreIndex(symbols=dict(sorted(symbols.items())))
        save_index(self.path, self._index)


@contextmanager
def open_store(path: Path) -> Iterator[StoreWriter]:
    """The store at `path` for this process alone, made if there is none.

    Files that no history names, as a killed writer leaves, are removed.
    Raises: LockedError while another process writes; OutputError if the folder holds other things
    or cannot be written; DataError if the index is damaged.
    """
    with folder_lock(path, option="--store"):
        with output_errors(path, option="--store"):
            index = _prepare(path)
        yield StoreWriter(path, index)


def _prepare(path: Path) -> StoreIndex:
    """The index of a folder that is a store from now on, if it was none, and tidy."""
    if not (path / INDEX).exists():
        _check_free(path)
        save_index(path, StoreIndex())
    index = read_index(path)
    _sweep(path, index)
    return index


def save_index(path: Path, index: StoreIndex) -> None:
    """Replace the index in one step."""
    save(path / INDEX, index.model_dump_json(indent=1).encode())


def _check_free(path: Path) -> None:
    """Raise OutputError if the folder holds anything but what a killed first writer leaves."""
    other = sorted(
        f.name
        for f in path.iterdir()
        if f.name not in (LOCK, VINTAGES) and not UNFINISHED.match(f.name)
    )
    if other:
        raise OutputError(
            f"{path} is no store and holds {other[0]}. Fix: choose an empty folder as --store.",
            path=str(path),
        )


def _sweep(path: Path, index: StoreIndex) -> None:
    """Remove what no history names and no save finished; the lock is ours, so nobody owns it."""
    named = {f"{v.file}.parquet" for vintages in index.symbols.values() for v in vintages}
    folder = path / VINTAGES
    for file in [*path.iterdir(), *(folder.iterdir() if folder.is_dir() else ())]:
        is_orphan = file.parent == folder and OURS.fullmatch(file.name) and file.name not in named
        if is_orphan or UNFINISHED.match(file.name):
            file.unlink(missing_ok=True)
