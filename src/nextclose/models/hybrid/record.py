"""What a symbol's past forecasts say of its ranges, and how wide the next ones therefore are.

Of every symbol and horizon it is counted how many forecasts have resolved and how many outcomes
lay outside the 90 % range, older ones for less. Ten in a hundred are supposed beforehand, as firmly
as if seen in `PRIOR_FORECASTS` a session of horizon, as overlapping outcomes tell little. The
quantiles of the next forecast are stretched about their median by one factor: that by which a
normal's 90 % range would have to grow to hold nine in ten.

What is counted are the ranges before they were stretched, so nothing feeds back. Everything that
waits for its outcome is kept in log returns, as the tail of a file has them before it has a scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from statistics import NormalDist
from typing import Annotated

import numpy as np

from nextclose.samples.samples import Samples
from nextclose.schema import MEDIAN, Dates, Floats, Ints

LOW, HIGH = 2, 20  # on the grid: 0.05 and 0.95
OUTSIDE = 0.1  # nominal
PRIOR_FORECASTS = 50
FADE = 0.5 ** (1 / 2000)  # of what a forecast counts, with each that resolves after it
MISS_BOUNDS = (0.02, 0.35)  # of the rate that a factor is made of: factors of 0.71 to 1.76
KNOTS: Floats = np.linspace(*MISS_BOUNDS, 331)
WIDTHS: Floats = np.array(
    [NormalDist().inv_cdf(1 - OUTSIDE / 2) / NormalDist().inv_cdf(1 - p / 2) for p in KNOTS]
)
NEVER = np.iinfo(np.int64).max
CALENDAR = tuple(day.toordinal() - date(1970, 1, 1).toordinal() for day in (date.min, date.max))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row a symbol: `resolved` forecasts and `misses` among them, (symbol, horizon), faded.

    A waiting forecast is known by the position of its symbol and horizon and its origin, a day
    number, each (waiting,); `ranges` (waiting, 2) are its ends, log returns. `last` (symbol,) is
    the day of each symbol's newest forecast.
    """

    symbols: Annotated[tuple[str, ...], "recorded"]
    last: Annotated[Ints, "int64 recorded"]
    resolved: Annotated[Floats, "float64 recorded horizon"]
    misses: Annotated[Floats, "float64 recorded horizon"]
    waiting_symbol: Annotated[Ints, "int64 waiting"]
    waiting_horizon: Annotated[Ints, "int64 waiting"]
    waiting_origin: Annotated[Ints, "int64 waiting"]
    ranges: Annotated[Floats, "float64 waiting range_end"]

    def __post_init__(self) -> None:
        """Raise ValueError for counts or days that cannot be, who waits twice or is not there."""
        if not ((self.misses >= 0) & (self.misses <= self.resolved)).all():
            raise ValueError("misses are below 0, or more than there are forecasts")
        if self.ranges.shape[1] != 2 or (self.ranges[:, 0] > self.ranges[:, 1]).any():
            raise ValueError("a range that waits has not two rising ends")
        n_symbols, n_horizons = self.resolved.shape
        places = {"waiting_symbol": n_symbols, "waiting_horizon": n_horizons}
        for name, n in places.items():
            if not ((getattr(self, name) >= 0) & (getattr(self, name) < n)).all():
                raise ValueError(f"{name} names one beyond the {n} there are")
        for days in (self.last, self.waiting_origin):
            if ((days < CALENDAR[0]) | (days > CALENDAR[1])).any():
                raise ValueError("a forecast of a day that no calendar has")
        waiting = (self.waiting_symbol, self.waiting_horizon, self.waiting_origin)
        if len(np.unique(np.column_stack(waiting), axis=0)) < len(self.waiting_symbol):
            raise ValueError("a forecast waits twice for its outcome")
        if (self.waiting_origin > self.last[self.waiting_symbol]).any():
            raise ValueError("a forecast waits that is newer than its symbol's newest")

    def factors(self, samples: Samples, rows: Ints) -> Floats:
        """How wide ranges at `rows` are by what is counted now; 1 for unknown symbols.

        Shape (row, horizon).
        """
        widths = width_factors(self.resolved, self.misses, horizons=samples.horizons)
        known = dict(zip(self.symbols, widths, strict=True))
        usual = np.ones(len(samples.horizons))
        names = samples.table.symbols
        by_symbol = np.stack([known.get(name, usual) for name in names])
        return np.asarray(by_symbol[samples.table.symbol[rows]])

    def moved(self, samples: Samples, rows: Ints, raw: Floats) -> tuple[Floats, Record]:
        """Factors (row, horizon) at `rows`, and the record after the last of them.

        Each row's count what had resolved by its own origin. `raw` (row, horizon, level): the
        forecasts there before they are stretched, target units; NaN where there is none.
        Expects: rows sorted, newer than their symbol's `last`, all that are forecast; `samples`
            that hold what waits: what they do not hold is dropped uncounted.
        """
        ends = raw[:, :, (LOW, HIGH)] * samples.unit(rows)[:, :, None]
        names, symbol = samples.table.symbols, samples.table.symbol[rows]
        forecast = {names[i] for i in symbol}
        factors = np.ones(raw.shape[:2])
        entries = [_no_entry(name, len(samples.horizons)) for name in forecast - {*self.symbols}]
        entries += [self._entry(place) for place in range(len(self.symbols))]
        moved = []
        for entry in sorted(entries, key=lambda entry: entry.symbol):
            if entry.symbol in forecast:
                own = np.flatnonzero(symbol == names.index(entry.symbol))
                factors[own], entry = _moved(entry, samples, rows[own], ends[own])
            moved.append(entry)
        return factors, _record_of(moved, n_horizons=len(samples.horizons))

    def _entry(self, place: int) -> _Entry:
        waits = self.waiting_symbol == place
        by_horizon = []
        for k in range(self.resolved.shape[1]):
            own = waits & (self.waiting_horizon == k)
            by_horizon.append((self.waiting_origin[own], self.ranges[own]))
        return _Entry(
            symbol=self.symbols[place],
            last=int(self.last[place]),
            counts=np.stack([self.resolved[place], self.misses[place]], axis=1),
            waiting=tuple(by_horizon),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One symbol of a record: `counts` (horizon, 2), `waiting` origins and ranges by horizon."""

    symbol: str
    last: int
    counts: Floats
    waiting: tuple[tuple[Ints, Floats], ...]


def _no_entry(symbol: str, n_horizons: int) -> _Entry:
    nobody = (np.empty(0, dtype=np.int64), np.empty((0, 2)))
    return _Entry(
        symbol=symbol, last=-NEVER, counts=np.zeros((n_horizons, 2)), waiting=(nobody,) * n_horizons
    )


def _moved(entry: _Entry, samples: Samples, rows: Ints, ends: Floats) -> tuple[Floats, _Entry]:
    """Factors at `rows` (row, horizon), all of this symbol, and its entry after the last of them.

    `ends` (row, horizon, 2), log returns; NaN where no forecast was made.
    """
    factors = np.empty(ends.shape[:2])
    counts, waiting = np.empty_like(entry.counts), []
    now = _days(samples.origin[rows])
    for k, (old_origin, old_ranges) in enumerate(entry.waiting):
        is_made = np.isfinite(ends[:, k]).all(axis=1)
        origin = np.concatenate([old_origin, now[is_made]])
        ranges = np.concatenate([old_ranges, ends[is_made, k]])
        row = np.concatenate([_rows_at(samples, rows[0], old_origin), rows[is_made]])
        outcome = np.where(row >= 0, samples.outcome[row, k], np.nan)
        resolved = np.where(row >= 0, _days(samples.resolved[row, k]), NEVER)
        # one that never resolves, its segment having ended, waits no longer than the one behind it
        resolved = np.minimum.accumulate(resolved[::-1])[::-1]
        path = _count_path(outcome, ranges, start=entry.counts[k])
        n_resolved = np.searchsorted(resolved, now, side="right")
        seen = path[n_resolved, :, None]
        factors[:, k, None] = width_factors(
            seen[:, 0], seen[:, 1], horizons=samples.horizons[k : k + 1]
        )
        n_done = int(n_resolved[-1])
        counts[k] = path[n_done]
        waiting.append((origin[n_done:], ranges[n_done:]))
    last = int(now[-1])
    return factors, _Entry(symbol=entry.symbol, last=last, counts=counts, waiting=tuple(waiting))


def _count_path(outcome: Floats, ranges: Floats, *, start: Floats) -> Floats:
    """Resolved forecasts and misses among them after each outcome, from `start`. (outcome + 1, 2).

    An outcome that will never be known, NaN, counts for nothing.
    """
    is_known = np.isfinite(outcome)
    is_miss = (outcome < ranges[:, 0]) | (outcome > ranges[:, 1])
    path = np.empty((len(outcome) + 1, 2))
    for column, seen in enumerate((is_known, is_known & is_miss)):
        steps = zip(is_known.tolist(), seen.tolist(), strict=True)
        walked = accumulate(
            steps, lambda n, step: FADE * n + step[1] if step[0] else n, initial=start[column]
        )
        path[:, column] = list(walked)
    return path


def width_factors(resolved: Floats, misses: Floats, *, horizons: Sequence[int]) -> Floats:
    """By how much ranges are stretched, given counts (..., horizon)."""
    prior = PRIOR_FORECASTS * np.asarray(horizons, dtype=np.float64)
    rate = (misses + OUTSIDE * prior) / (resolved + prior)
    return np.asarray(np.interp(rate, KNOTS, WIDTHS))


def stretched(raw: Floats, factors: Floats) -> Floats:
    """Quantiles (row, horizon, level) stretched about their median by `factors` (row, horizon)."""
    median = raw[:, :, MEDIAN : MEDIAN + 1]
    return np.asarray(median + factors[:, :, None] * (raw - median))


def no_record(n_horizons: int) -> Record:
    """Nobody has forecast anything yet."""
    return _record_of([], n_horizons=n_horizons)


def _record_of(entries: Sequence[_Entry], *, n_horizons: int) -> Record:
    waiting = [
        (place, k, origins, ranges)
        for place, entry in enumerate(entries)
        for k, (origins, ranges) in enumerate(entry.waiting)
    ]
    counts = np.array([entry.counts for entry in entries]).reshape(-1, n_horizons, 2)
    nothing = np.empty(0, dtype=np.int64)
    return Record(
        symbols=tuple(entry.symbol for entry in entries),
        last=np.array([entry.last for entry in entries], dtype=np.int64),
        resolved=counts[:, :, 0],
        misses=counts[:, :, 1],
        waiting_symbol=np.concatenate([nothing, *(np.full(len(o), p) for p, _, o, _ in waiting)]),
        waiting_horizon=np.concatenate([nothing, *(np.full(len(o), k) for _, k, o, _ in waiting)]),
        waiting_origin=np.concatenate([nothing, *(o for _, _, o, _ in waiting)]),
        ranges=np.concatenate([np.empty((0, 2)), *(r for *_, r in waiting)]),
    )


def _rows_at(samples: Samples, row: int, origins: Ints) -> Ints:
    """Table rows of the symbol of `row` at these origins; -1 where the samples do not hold them."""
    symbol = samples.table.symbol
    start, stop = np.searchsorted(symbol, [symbol[row], symbol[row] + 1])
    days = _days(samples.origin[start:stop])
    nearest = np.minimum(np.searchsorted(days, origins), len(days) - 1)
    return np.asarray(np.where(days[nearest] == origins, start + nearest, -1))


def _days(dates: Dates) -> Ints:
    """Day numbers; NEVER for a date that is not known."""
    days = np.where(np.isnat(dates), NEVER, dates.astype("datetime64[D]").astype(np.int64))
    return np.asarray(days, dtype=np.int64)
