"""Blocks of lessons, one a round of a stage: a task for this process or for another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nextclose.pretraining.lessons import Columns, Lessons, real_lessons, simulated_lessons


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What all blocks are drawn from: prices of the companies that teach.

    `plugins` is empty: `execution.processes` asks whether others could import what it is sent.
    """

    teach: tuple[Columns, ...]
    plugins: tuple[()] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """How many lessons of real stocks, how many of simulated markets behind them, and which."""

    n_real: int
    n_simulated: int
    seed: int
    number: int = 0


DrawBlock = Callable[[Material, Block], Lessons]
# begins the tasks at once, or when their results are asked for
Mapper = Callable[[DrawBlock, Material, Sequence[Block]], Iterator[Lessons]]


def lessons_of(material: Material, block: Block) -> Lessons:
    """The lessons of a block; the same each time."""
    # another stream than the steps have, and than the watched lessons
    rng = np.random.default_rng((block.seed, block.number, block.n_real + 2))
    if not block.n_simulated:
        return real_lessons(material.teach, block.n_real, rng)
    simulated = simulated_lessons(block.n_simulated, rng)
    if not block.n_real:
        return simulated
    return real_lessons(material.teach, block.n_real, rng).with_others(simulated)


def here(draw: DrawBlock, material: Material, blocks: Sequence[Block]) -> Iterator[Lessons]:
    """A mapper: in this process, when a result is asked for."""
    return (draw(material, block) for block in blocks)
