"""The course of adaptive tails: what resolved is counted, then the next forecast is issued.

Symbols walk side by side, each in order of its own origins; what still waits for its outcome goes
on to the next fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from nextclose.samples.samples import Samples
from nextclose.schema import LEVELS, MEDIAN, Bools, Dates, Floats, Ints

TAILS: Ints = np.array([0, 1, 2, 20, 21, 22])  # on the grid: 0.01, 0.025, 0.05 and their mirrors
TAIL_LEVELS: Floats = LEVELS[TAILS]
IS_LOWER: Bools = TAIL_LEVELS < 0.5
NOMINAL: Floats = np.where(IS_LOWER, TAIL_LEVELS, 1.0 - TAIL_LEVELS)  # distance from the end
LOW, HIGH = 4, 18  # on the grid: 0.15 and 0.85
REACH = (0.1, 3.0)  # of its nominal value, how far a level may go
KNOTS: Floats = np.linspace(0.001, 0.15, 150)  # levels at which quantiles of scores are kept
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Trackers:
    """Where each symbol's adaptive levels stand, and the forecasts they still wait for.

    `levels` are distances from the nearer end, shape (symbol, horizon, tail). A waiting forecast is
    known by the position of its symbol and horizon and its origin, a day number, each (waiting,);
    `thresholds` are the tail quantiles it was issued with, log returns, (waiting, tail).
    """

    symbols: Annotated[tuple[str, ...], "tracked"]
    levels: Annotated[Floats, "float64 tracked horizon tail"]
    waiting_symbol: Annotated[Ints, "int64 waiting"]
    waiting_horizon: Annotated[Ints, "int64 waiting"]
    waiting_origin: Annotated[Ints, "int64 waiting"]
    thresholds: Annotated[Floats, "float64 waiting tail"]

    def __post_init__(self) -> None:
        """Raise ValueError for another number of tails, or who waits twice or is not there."""
        n_symbols, n_horizons, n_tails = self.levels.shape
        if (n_tails, self.thresholds.shape[1]) != (len(TAILS), len(TAILS)):
            raise ValueError(f"levels of {n_tails} tails, expected {len(TAILS)}")
        places = {"waiting_symbol": n_symbols, "waiting_horizon": n_horizons}
        for name, n in places.items():
            if not ((getattr(self, name) >= 0) & (getattr(self, name) < n)).all():
                raise ValueError(f"{name} names one beyond the {n} there are")
        waiting = (self.waiting_symbol, self.waiting_horizon, self.waiting_origin)
        if len(np.unique(np.column_stack(waiting), axis=0)) < len(self.waiting_symbol):
            raise ValueError("a forecast waits twice for its outcome")


def no_trackers(n_horizons: int) -> Trackers:
    """Nobody tracked yet."""
    none = np.empty(0, dtype=np.int64)
    return Trackers(
        symbols=(),
        levels=np.empty((0, n_horizons, len(TAILS))),
        waiting_symbol=none,
        waiting_horizon=none,
        waiting_origin=none,
        thresholds=np.empty((0, len(TAILS))),
    )


def half_width(grid: Floats) -> Floats:
    """Half the width of the middle 70 %. (..., level) -> (...)."""
    return np.asarray((grid[..., HIGH] - grid[..., LOW]) / 2.0)


@dataclass(slots=True, kw_only=True)
class Course:
    """One horizon's forecasts, symbol by symbol in order of origin, waiting ones first.

    Arrays are (symbol, position), ragged symbols padded behind their last; `row` is the position
    among the rows forecast now, -1 for waiting forecasts and padding. Outcomes and thresholds are
    in units of `unit`, a log return: 1 for waiting forecasts, that of the target for new ones.
    """

    symbols: tuple[str, ...]
    horizon: int  # position
    n_waiting: Ints  # (symbol,)
    n: Ints  # (symbol,) waiting and new
    row: Ints
    origin: Ints  # day number
    resolved: Ints  # day number from which on it need not be waited for, NEVER: not known
    unit: Floats
    target: Floats  # NaN: never to be known
    median: Floats
    half: Floats
    thresholds: Floats  # (symbol, position, tail): raw, then as issued
    levels: Floats  # (symbol, tail): at the start, then where they stand
    done: Ints  # (symbol,) forecasts whose outcome has been counted


def new_course(trackers: Trackers, samples: Samples, rows: Ints, raw: Floats, k: int) -> Course:
    """The course of horizon `k` before its first step: thresholds raw, levels as tracked."""
    table = samples.table
    new_symbols = [table.symbols[i] for i in np.unique(table.symbol[rows])]
    symbols = tuple(sorted({*trackers.symbols, *new_symbols}))
    position = {name: index for index, name in enumerate(symbols)}
    levels = np.tile(NOMINAL, (len(symbols), 1))
    for index, name in enumerate(trackers.symbols):
        levels[position[name]] = trackers.levels[index, k]

    waiting = np.flatnonzero(trackers.waiting_horizon == k)
    old_symbol = np.array(
        [position[trackers.symbols[i]] for i in trackers.waiting_symbol[waiting]], dtype=np.int64
    )
    old_row = _row_of(samples, symbols, old_symbol, trackers.waiting_origin[waiting])
    new_symbol = np.array([position[table.symbols[i]] for i in table.symbol[rows]], dtype=np.int64)
    symbol = np.concatenate([old_symbol, new_symbol])
    origin = np.concatenate([trackers.waiting_origin[waiting], _days(samples.origin[rows])])
    order = np.lexsort((origin, symbol))
    n_waiting = np.bincount(old_symbol, minlength=len(symbols))
    n = np.bincount(symbol, minlength=len(symbols))
    first = np.cumsum(n) - n
    cells = (symbol[order], np.arange(len(order)) - first[symbol[order]])

    def placed(values: Any, empty: Any) -> Any:
        whole = np.full((len(symbols), int(n.max(initial=0)), *values.shape[1:]), empty)
        whole[cells] = values[order]
        return whole

    is_held = old_row >= 0
    old_resolved = np.where(is_held, _days(samples.resolved[old_row, k]), NEVER)
    old_target = np.where(is_held, samples.outcome[old_row, k], np.nan)
    resolved = placed(np.concatenate([old_resolved, _days(samples.resolved[rows, k])]), NEVER)
    n_old = len(waiting)
    grid = raw[:, k]
    return Course(
        symbols=symbols,
        horizon=k,
        n_waiting=n_waiting,
        n=n,
        row=placed(np.concatenate([np.full(n_old, -1), np.arange(len(rows))]), -1),
        origin=placed(origin, NEVER),
        # one that never resolves, its segment having ended, waits no longer than the one behind it
        resolved=np.minimum.accumulate(resolved[:, ::-1], axis=1)[:, ::-1],
        unit=placed(np.concatenate([np.ones(n_old), samples.unit(rows)[:, k]]), np.nan),
        target=placed(np.concatenate([old_target, samples.target[rows, k]]), np.nan),
        median=placed(np.concatenate([np.zeros(n_old), grid[:, MEDIAN]]), np.nan),
        half=placed(np.concatenate([np.zeros(n_old), half_width(grid)]), np.nan),
        thresholds=placed(np.concatenate([trackers.thresholds[waiting], grid[:, TAILS]]), np.nan),
        levels=levels,
        done=np.zeros(len(symbols), dtype=np.int64),
    )


def advance(course: Course, tails: Floats, *, step: float) -> None:
    """Walk the course: count what has resolved, then issue, origin by origin, all symbols at once.

    `tails`: (side, knot). Changes the course's thresholds, levels and `done`.
    """
    low, high = REACH[0] * NOMINAL, REACH[1] * NOMINAL
    every = np.arange(len(course.symbols))
    last = np.maximum(course.n - 1, 0)
    for i in range(int((course.n - course.n_waiting).max(initial=0))):
        here = course.n_waiting + i
        has_forecast = here < course.n
        place = np.minimum(here, last)
        now = np.where(has_forecast, course.origin[every, place], -1)
        while True:
            next_ = np.minimum(course.done, last)
            due = (course.done < here) & (course.resolved[every, next_] <= now)
            if not due.any():
                break
            target = course.target[every, next_]
            beyond = _beyond(target, course.thresholds[every, next_])
            moved = np.clip(course.levels + step * (NOMINAL - beyond), low, high)
            course.levels = np.where((due & np.isfinite(target))[:, None], moved, course.levels)
            course.done = course.done + due
        issued = course.median[every, place][:, None] + course.half[every, place][
            :, None
        ] * _at_levels(tails, course.levels)
        course.thresholds[every[has_forecast], place[has_forecast]] = issued[has_forecast]


def _beyond(target: Floats, thresholds: Floats) -> Floats:
    """1 where an outcome lies beyond its threshold. (symbol,), (symbol, tail) -> (symbol, tail)."""
    below = target[:, None] <= thresholds
    return np.asarray(np.where(IS_LOWER, below, ~below), dtype=np.float64)


def _at_levels(tails: Floats, levels: Floats) -> Floats:
    """Score quantiles at distances `levels` from their ends. (symbol, tail)."""
    lower = np.interp(levels, KNOTS, tails[0])
    upper = np.interp(levels, KNOTS, tails[1])
    return np.asarray(np.where(IS_LOWER, lower, upper))


def trackers_after(courses: Sequence[Course]) -> Trackers:
    """Trackers after the last step of every horizon's course."""
    symbols = courses[0].symbols
    waiting = [
        (s, course.horizon, int(course.origin[s, i]), course.thresholds[s, i] * course.unit[s, i])
        for course in courses
        for s in range(len(symbols))
        for i in range(int(course.done[s]), int(course.n[s]))
    ]
    return Trackers(
        symbols=symbols,
        levels=np.stack([course.levels for course in courses], axis=1),
        waiting_symbol=np.array([forecast[0] for forecast in waiting], dtype=np.int64),
        waiting_horizon=np.array([forecast[1] for forecast in waiting], dtype=np.int64),
        waiting_origin=np.array([forecast[2] for forecast in waiting], dtype=np.int64),
        thresholds=np.array([forecast[3] for forecast in waiting]).reshape(
            len(waiting), len(TAILS)
        ),
    )


def _row_of(samples: Samples, symbols: tuple[str, ...], symbol: Ints, origin: Ints) -> Ints:
    """Table row of each (symbol, origin); -1 where the samples do not hold it."""
    rows = np.full(len(symbol), -1, dtype=np.int64)
    position = {name: index for index, name in enumerate(symbols)}
    for start, stop in samples.segments:
        index = position.get(samples.table.symbols[samples.table.symbol[start]])
        asked = np.flatnonzero(symbol == index) if index is not None else np.empty(0, np.int64)
        days = _days(samples.origin[start:stop])
        if len(asked) and len(days):
            nearest = np.minimum(np.searchsorted(days, origin[asked]), len(days) - 1)
            hit = days[nearest] == origin[asked]
            rows[asked[hit]] = start + nearest[hit]
    return rows


def _days(dates: Dates) -> Ints:
    """Day numbers; NEVER for a date that is not known."""
    days = np.where(np.isnat(dates), NEVER, dates.astype("datetime64[D]").astype(np.int64))
    return np.asarray(days, dtype=np.int64)
