"""Panels of simulated markets under names that play the parts asked for, and tiny courses."""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import polars as pl

from nextclose.pretraining.blocks import Block, DrawBlock, Material
from nextclose.pretraining.companies import Part, company_part
from nextclose.pretraining.course import SIMULATED, TUNING
from nextclose.pretraining.lessons import Lessons
from nextclose.pretraining.pretrain import Course
from nextclose.schema import PRICE_COLUMNS, Bars
from nextclose.simulation.markets import draw_markets
from nextclose.simulation.paths import simulate
from tests.builders import DAY_ZERO

# a course of seconds; rounds, steps and lessons are few, nothing else is unlike the real one
TINY = Course(
    units=4,
    tunings=2,
    real_share=1.0,
    simulated=replace(SIMULATED, rounds=2, steps_a_round=2, lessons_a_step=2),
    tuning=replace(TUNING, rounds=2, steps_a_round=2, lessons_a_step=2),
    markets_a_round=2,
    watched_markets=2,
    watched_stretches=4,
)


def names_of(part: Part, n: int) -> list[str]:
    """n symbols of companies that play that part."""
    letters = itertools.product(string.ascii_uppercase, repeat=3)
    names = ("".join(triple) for triple in letters)
    return list(itertools.islice((name for name in names if company_part(name) == part), n))


@cache
def market_bars(symbols: Sequence[str], *, n_sessions: int = 700, seed: int = 0) -> Bars:
    """Bars of a simulated market for each symbol, all on the same weekdays."""
    rng = np.random.default_rng(seed)
    paths = simulate(draw_markets(len(symbols), rng), n_sessions, rng)
    before = np.cumsum(paths.close, axis=1) - paths.close
    sessions = np.busday_offset(DAY_ZERO, np.arange(n_sessions), roll="forward")
    frames = [
        pl.DataFrame(
            {"symbol": [symbol] * n_sessions, "session": sessions}
            | {name: 50 * np.exp(before[k] + getattr(paths, name)[k]) for name in PRICE_COLUMNS}
        )
        for k, symbol in enumerate(symbols)
    ]
    return Bars(frame=pl.concat(frames).sort("symbol", "session"))


def panel(n_teach: int = 10, n_stop: int = 5, n_test: int = 2) -> Bars:
    """Companies enough for a course, a part each."""
    parts: Sequence[tuple[Part, int]] = (("teach", n_teach), ("stop", n_stop), ("test", n_test))
    return market_bars(tuple(name for part, n in parts for name in names_of(part, n)))


def session(n: int) -> date:
    """The n-th session of a panel, from 1."""
    day: date = np.busday_offset(DAY_ZERO, n - 1, roll="forward").astype(object)
    return day


def changed_elsewhere(bars: Bars, *, after: date) -> Bars:
    """All prices of others than the teaching companies, and all later ones, are other prices."""
    teachers = [symbol for symbol in bars.symbols if company_part(symbol) == "teach"]
    is_other = ~pl.col("symbol").is_in(teachers) | (pl.col("session") > after)
    poison = [
        pl.when(is_other).then(7.0).otherwise(pl.col(name)).alias(name) for name in PRICE_COLUMNS
    ]
    return replace(bars, frame=bars.frame.with_columns(poison))


def forbidden(draw: DrawBlock, material: Material, blocks: Sequence[Block]) -> Iterator[Lessons]:
    """A mapper that must not be asked."""
    raise AssertionError(f"asked for {blocks}")
