"""Chunks to train on densely, windows and chains to forecast from, as row indices of one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nextclose.samples.samples import Samples
from nextclose.schema import Bools, Ints

CHAIN_DAYS = 91  # a quarter of 13 whole weeks; a chain is begun anew at the start of each
MONDAY = 3  # days since 1970-01-01, a Thursday, are whole weeks from a Monday on when it is added


def chain_starts(samples: Samples, rows: Ints, *, family: str) -> Ints:
    """Where a recurrent network that forecasts at `rows` begins to read. Shape (row,).

    At the first ready row of the quarter before the row's own, so that neighbours read one chain:
    65 to 130 sessions before a row, where its segment has them. Quarters are of the calendar, so a
    later start of the file moves no chain that it leaves whole.
    Expects: rows ready for `family`.
    """
    warmup = samples.table.families[family].warmup_sessions
    quarter = (samples.origin.astype("datetime64[D]").astype(np.int64) + MONDAY) // CHAIN_DAYS
    starts = np.empty(len(rows), dtype=np.int64)
    for start, stop in samples.table.segments:
        inside = np.flatnonzero((rows >= start) & (rows < stop))
        own = quarter[start:stop]
        first = start + np.searchsorted(own, own[rows[inside] - start] - 1)
        starts[inside] = np.maximum(first, start + warmup)
    return starts


def window_rows(rows: Ints, *, sessions: int) -> Ints:
    """The `sessions` consecutive rows that end at each row, oldest first. Shape (sample, session).

    Expects: rows at least `sessions - 1` into their segment (`Samples.ready` with that context).
    """
    return rows[:, None] + np.arange(1 - sessions, 1)


def windows(columns: npt.NDArray[Any], rows: Ints, *, sessions: int) -> npt.NDArray[Any]:
    """The windows themselves, copied out. Shape (sample, session, feature)."""
    return columns[window_rows(rows, sessions=sessions)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunks:
    """Row ranges for dense training: one pass of a recurrent network, a target at most rows.

    `rows` are table rows, `keep` marks those whose targets count. Shapes (chunk, session).
    """

    rows: Ints
    keep: Bools

    def chosen(self, which: Ints) -> Chunks:
        """Only the chunks at these positions, in this order."""
        return Chunks(rows=self.rows[which], keep=self.keep[which])

    def cut(self, start: int, stop: int) -> Chunks:
        """Only the sessions [start, stop) of every chunk."""
        return Chunks(rows=self.rows[:, start:stop], keep=self.keep[:, start:stop])


def training_chunks(
    samples: Samples,
    *,
    family: str,
    chunk_sessions: int,
    burn_in_sessions: int,
    offset_sessions: int,
) -> Chunks:
    """Chunks that tile each segment's ready part; each row past its burn-in counts once.

    Neighbours overlap by the burn-in, so the network has always read `burn_in_sessions` real rows
    before a target counts. `offset_sessions` shifts the tiling back; a new offset every epoch shows
    each target at another position. Rows past an end repeat the edge row and do not count.
    Expects: 0 <= offset < chunk_sessions - burn_in_sessions. Limits: rows only; unknown targets are
        NaN in the samples and are the caller's to mask, per horizon.
    """
    stride = chunk_sessions - burn_in_sessions
    position = np.arange(chunk_sessions)
    rows, keep = [], []
    warmup = samples.table.families[family].warmup_sessions
    for start, stop in samples.segments:
        ready = start + warmup
        if stop <= ready + burn_in_sessions:
            continue  # no row of this segment would count
        for first in range(ready - offset_sessions, stop - burn_in_sessions, stride):
            chunk = first + position
            counts = (chunk >= ready + burn_in_sessions) & (chunk < stop)
            rows.append(np.clip(chunk, ready, stop - 1))
            keep.append(counts & (position >= burn_in_sessions))
    if not rows:
        empty = np.empty((0, chunk_sessions), dtype=np.int64)
        return Chunks(rows=empty, keep=empty.astype(np.bool_))
    return Chunks(rows=np.stack(rows), keep=np.stack(keep))
