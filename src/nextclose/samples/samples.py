"""Samples: a table's rows as origins, their targets, and when each target becomes known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nextclose.schema import HORIZONS, Bools, Dates, Floats, Ints, Table


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Samples:
    """Every row of a table as an origin: what may be learnt from it, and from when on.

    `outcome[row, k]` is the log return from the origin's close to the close `horizons[k]` sessions
    later; NaN where it is not known (yet). `target` is the same over `scale[row] *
    sqrt(horizons[k])`; NaN too while the scale warms up. `movement[row, k]` is the mean absolute
    one-session log return from the origin to there, over `scale[row]`. `resolved[row, k]` is the
    session whose close fixes all three; NaT where the outcome is NaN.
    `segments` are the row ranges [start, stop) that may be read: `known_at` cuts their ends off.
    """

    table: Table
    horizons: tuple[int, ...]
    origin: Dates  # (row,)
    scale: Floats  # (row,) causal volatility of one session's log return
    outcome: Floats  # (row, horizon)
    target: Floats  # (row, horizon)
    movement: Floats  # (row, horizon)
    resolved: Dates  # (row, horizon)
    segments: Ints  # (segment, 2)

    def __repr__(self) -> str:
        ahead = ", ".join(map(str, self.horizons))
        return f"Samples: {len(self.origin):,} origins, {ahead} sessions ahead; {self.table!r}"

    def unit(self, rows: Ints) -> Floats:
        """Log return per target unit, scale * sqrt(horizon). Shape (row, horizon)."""
        return self.scale[rows, None] * np.sqrt(np.asarray(self.horizons, dtype=np.float64))

    def readable(self) -> Bools:
        """Rows inside a segment, that is not after the cut-off. Shape (row,)."""
        inside = np.zeros(len(self.origin), dtype=np.bool_)
        for start, stop in self.segments:
            inside[start:stop] = True
        return inside

    def ready(self, family: str, *, context_sessions: int = 1) -> Bools:
        """Readable rows whose last `context_sessions` rows are past the warm-up. Shape (row,)."""
        first = self.table.families[family].warmup_sessions + context_sessions - 1
        past = np.zeros(len(self.origin), dtype=np.bool_)
        for start, stop in self.segments:
            past[start + first : stop] = True
        return past & np.isfinite(self.scale)

    def learnable(self, family: str) -> Ints:
        """Ready rows with at least one known target, in row order: what a scaler may see."""
        return np.flatnonzero(self.ready(family) & np.isfinite(self.target).any(axis=1))


def make_samples(table: Table, *, horizons: tuple[int, ...] = HORIZONS) -> Samples:
    """All rows of `table` as samples that know everything the table's own bars resolve.

    Causal: a target reads the close of its `resolved` session, never of another segment.
    NaN: outcomes past the end of a segment; targets also where the scale is still warming up.
    """
    n_rows = len(table.close)
    outcome = np.full((n_rows, len(horizons)), np.nan)
    movement = np.full((n_rows, len(horizons)), np.nan)
    resolved = np.full((n_rows, len(horizons)), np.datetime64("NaT"), dtype="datetime64[D]")
    for start, stop in table.segments:
        close, session = table.close[start:stop], table.session[start:stop]
        walked = np.concatenate([[0.0], np.cumsum(np.abs(np.log(close[1:] / close[:-1])))])
        for k, h in enumerate(horizons):
            n = max(stop - start - h, 0)
            outcome[start : start + n, k] = np.log(close[h:] / close[:n])
            movement[start : start + n, k] = (walked[h:] - walked[:n]) / h
            resolved[start : start + n, k] = session[h:]
    unit = table.scale[:, None] * np.sqrt(np.asarray(horizons, dtype=np.float64))
    return Samples(
        table=table,
        horizons=horizons,
        origin=table.session,
        scale=table.scale,
        outcome=outcome,
        target=outcome / unit,
        movement=movement / table.scale[:, None],
        resolved=resolved,
        segments=table.segments,
    )


def without_last_family(samples: Samples, family: str) -> Samples:
    """The same samples of a table without that family, its last; nothing is copied."""
    table = samples.table
    span = table.families[family]
    assert span.stop == len(table.names), f"{family} stands last, not up to {span.stop}"
    bare = replace(
        table,
        values=table.values[:, : span.start],
        names=table.names[: span.start],
        families={name: part for name, part in table.families.items() if name != family},
    )
    return replace(samples, table=bare)


def with_targets(samples: Samples, keep: Bools) -> Samples:
    """The same samples knowing only the targets marked in `keep`, shape (row, horizon)."""
    return replace(
        samples,
        outcome=np.where(keep, samples.outcome, np.nan),
        target=np.where(keep, samples.target, np.nan),
        movement=np.where(keep, samples.movement, np.nan),
        resolved=np.where(keep, samples.resolved, np.datetime64("NaT")),
    )
