"""Windows and chains to forecast from, as row indices of one table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nextclose.samples.samples import Samples
from nextclose.schema import Ints

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
