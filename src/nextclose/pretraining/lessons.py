"""Lessons: stretches of one market each, what the network reads there and what came after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nextclose.features.columns import LONG_RUN, SymbolBars
from nextclose.features.universal import CAP, UNIVERSAL, WARMUP
from nextclose.models.lstm.shape import TAUGHT_HORIZONS
from nextclose.schema import Bools, Floats, Floats32, Ints
from nextclose.simulation.markets import draw_markets
from nextclose.simulation.paths import Paths, simulate

LESSON_SESSIONS = 600
BURN_IN = 64  # sessions read before outcomes count, unless the history begins with the lesson
LONGEST = max(TAUGHT_HORIZONS)
NEW_SHARE = 0.3  # of lessons that begin where the history does
RANGELESS_SHARE = 0.4  # of lessons whose open, high and low are hidden
OUTCOME_CAP = 30.0  # in target units
RANGES = ("open", "high", "low")

Columns = Mapping[str, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """Inputs (lesson, session, input) and targets (lesson, session, horizon), float32.

    Targets are log returns over scale x sqrt(horizon); NaN: not known, or not to be counted.
    """

    inputs: Floats32
    targets: Floats32

    def take(self, places: Ints | slice) -> Lessons:
        """The lessons at these places."""
        return Lessons(inputs=self.inputs[places], targets=self.targets[places])

    def with_others(self, others: Lessons) -> Lessons:
        """These lessons and others behind them."""
        return Lessons(
            inputs=np.concatenate([self.inputs, others.inputs]),
            targets=np.concatenate([self.targets, others.targets]),
        )


def simulated_lessons(n: int, rng: np.random.Generator) -> Lessons:
    """A lesson of each of n freshly drawn markets, after a history of random length."""
    longest = WARMUP + LONG_RUN + LESSON_SESSIONS + LONGEST
    paths = simulate(draw_markets(n, rng), longest, rng)
    return _lessons(n, lambda k: (_prices(paths, k), longest), rng)


def real_lessons(histories: Sequence[Columns], n: int, rng: np.random.Generator) -> Lessons:
    """Lessons at random places of random symbols, the longer ones more often.

    `histories`: columns close and, where known, open, high, low (session,), NaN where not known.
    Nothing beyond the arrays is read: what has resolved is for the caller to cut.
    """
    lengths = np.array([len(columns["close"]) for columns in histories])
    room = np.maximum(lengths - WARMUP - BURN_IN - LONGEST, 0)
    chosen = rng.choice(len(histories), size=n, p=room / room.sum())

    def stretch(k: int) -> tuple[Columns, int]:
        least = WARMUP + BURN_IN + LONGEST
        return histories[chosen[k]], int(rng.integers(least, lengths[chosen[k]])) + 1

    return _lessons(n, stretch, rng)


def inputs_of(columns: Columns) -> Floats32:
    """What the network reads of one history, (session, input); NaN in the warm-up."""
    n = len(columns["close"])
    bars = SymbolBars(session=np.arange(n).astype("datetime64[D]"), columns=columns)
    values = np.empty((n, len(UNIVERSAL.columns)), dtype=np.float32)
    for place, column in enumerate(UNIVERSAL.columns):
        values[:, place] = np.clip(column.values(bars), -CAP, CAP) + 0.0
    values[:WARMUP] = np.nan
    return values


def targets_of(columns: Columns) -> Floats32:
    """Log returns over each taught horizon, over the scale of their origin. (session, horizon)."""
    close = columns["close"]
    bars = SymbolBars(session=np.arange(len(close)).astype("datetime64[D]"), columns=columns)
    targets = np.full((len(close), len(TAUGHT_HORIZONS)), np.nan, dtype=np.float32)
    with np.errstate(invalid="ignore"):
        for k, horizon in enumerate(TAUGHT_HORIZONS):
            n = max(len(close) - horizon, 0)
            move = np.log(close[horizon:] / close[:n])
            targets[:n, k] = move / (bars.recent_scale[:n] * np.sqrt(horizon))
    return np.clip(targets, -OUTCOME_CAP, OUTCOME_CAP)


def _lessons(
    n: int, stretch: Callable[[int], tuple[Columns, int]], rng: np.random.Generator
) -> Lessons:
    """n lessons, each at the end of a stretch: columns, and the session before which it ends."""
    inputs = np.zeros((n, LESSON_SESSIONS, len(UNIVERSAL.columns)), dtype=np.float32)
    targets = np.full((n, LESSON_SESSIONS, len(TAUGHT_HORIZONS)), np.nan, dtype=np.float32)
    for k in range(n):
        columns, stop = stretch(k)
        history = 0
        if rng.random() >= NEW_SHARE:
            history = int(np.exp(rng.uniform(np.log(BURN_IN), np.log(LONG_RUN))))
        start = max(stop - (WARMUP + history + LESSON_SESSIONS + LONGEST), 0)
        names = ("close",) if rng.random() < RANGELESS_SHARE else tuple(columns)
        part = {name: columns[name][start:stop] for name in names}
        last = min(WARMUP + history + LESSON_SESSIONS, stop - start)
        rows = slice(max(last - LESSON_SESSIONS, WARMUP), last)
        size = rows.stop - rows.start
        inputs[k, :size] = inputs_of(part)[rows]
        targets[k, :size] = targets_of(part)[rows]
        if rows.start > WARMUP:
            targets[k, :BURN_IN] = np.nan
    return Lessons(inputs=inputs, targets=targets)


def _prices(paths: Paths, k: int) -> Columns:
    """The k-th path as prices; its first close is 1."""
    before = np.cumsum(paths.close[k]) - paths.close[k]
    return {
        name: np.exp(before + getattr(paths, name)[k]) for name in ("open", "high", "low", "close")
    }


def has_outcomes(lessons: Lessons) -> Bools:
    """Whether any outcome of a session is known. Shape (lesson, session)."""
    return np.asarray(np.isfinite(lessons.targets).any(axis=2))
