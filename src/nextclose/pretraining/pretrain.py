"""[shell] The whole course of an edition, kept round by round so that a killed one goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import torch

from nextclose.errors import NotEnoughDataError
from nextclose.execution.in_turn import Progress, silent
from nextclose.models.threads import one_thread
from nextclose.pretraining.blocks import Block, Mapper, Material, here, lessons_of
from nextclose.pretraining.companies import LEAST_SESSIONS, History, histories, n_symbols
from nextclose.pretraining.course import (
    SIMULATED,
    TUNING,
    Stage,
    Standing,
    Weights,
    averaged_weights,
    beginning,
    new_weights,
    rounds_of,
    units_of,
    watched_losses,
)
from nextclose.pretraining.lessons import Lessons, real_lessons, simulated_lessons
from nextclose.pretraining.network import Teacher
from nextclose.pretraining.standings import (
    Place,
    digest_of,
    kept_standing,
    key_of,
    save_standing,
)
from nextclose.schema import Bars, Floats

WATCHED_SEED = 1  # of the lessons that are watched; teaching has others
LEAST_COMPANIES = 10  # that teach, and half as many that say when to stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What an edition is taught by."""

    units: int = 64
    tunings: int = 3
    real_share: float = 0.5  # of the lessons of a tuning
    simulated: Stage = SIMULATED
    tuning: Stage = TUNING
    markets_a_round: int = 1024  # of the stage on simulated markets
    watched_markets: int = 192
    watched_stretches: int = 512  # of stop companies
    seed: int = 0

    def block(self, seed: int) -> Block:
        """The lessons of a round of a tuning: as many as it takes, each once."""
        n = self.tuning.steps_a_round * self.tuning.lessons_a_step
        n_real = round(n * self.real_share)
        return Block(n_real=n_real, n_simulated=n - n_real, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much was read of companies: symbols, rows, first and last session as YYYY-MM-DD."""

    symbols: int
    rows: int
    first: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """What came of a course: weights, how each stage went by name, and what it was taught with.

    Losses (horizon,) on stop companies: of the network that all tunings start from, and of the
    average of what they made of it.
    """

    until: str
    course: Course
    weights: Weights
    standings: Mapping[str, Standing]
    untuned_losses: Floats
    average_losses: Floats
    teach: Extent
    stop: Extent
    data_fingerprint: str  # of the bars up to that day


def pretrain(
    bars: Bars,
    *,
    until: np.datetime64,
    work: Path,
    course: Course | None = None,
    mapper: Mapper = here,
    progress: Progress = silent,
) -> Taught:
    """The network that this course makes of markets and of bars up to `until`.

    Rounds that are done are kept in the folder `work` and not done again; the stage on simulated
    markets is the same whatever the bars.
    Raises: NotEnoughDataError with fewer than ten companies that teach, or five that say when to
        stop.
    """
    course = course or Course()
    known = replace(
        bars, frame=bars.frame.filter(pl.col("session") <= pl.lit(until.astype(object)))
    )
    teach = histories(known, part="teach", until=until)
    stop = histories(known, part="stop", until=until)
    _refuse_few(teach, stop, until)
    material = Material(teach=tuple(history.columns for history in teach))
    judges = [history.columns for history in stop]
    rng = np.random.default_rng(WATCHED_SEED)
    watched = real_lessons(judges, course.watched_stretches, rng)
    data = [str(until), digest_of(material.teach), digest_of(judges)]
    with one_thread():
        torch.set_num_threads(1)
        kept = _Kept(course=course, material=material, work=work, mapper=mapper, progress=progress)
        begun = kept.simulated_stage()
        tunings = {
            f"tuning_{k + 1}": kept.tuning(begun.best, watched, k, data)
            for k in range(course.tunings)
        }
        weights = averaged_weights([tuning.best for tuning in tunings.values()])
        return Taught(
            until=str(until),
            course=course,
            weights=weights,
            standings={"simulated": begun, **tunings},
            untuned_losses=_losses(begun.best, watched),
            average_losses=_losses(weights, watched),
            teach=_extent(teach),
            stop=_extent(stop),
            data_fingerprint=known.fingerprint,
        )


def _refuse_few(teach: Sequence[History], stop: Sequence[History], until: np.datetime64) -> None:
    for part, least, task in (
        (teach, LEAST_COMPANIES, "may teach"),
        (stop, LEAST_COMPANIES // 2, "may say when to stop"),
    ):
        if n_symbols(part) < least:
            raise NotEnoughDataError(
                f"{n_symbols(part)} symbols of {LEAST_SESSIONS} sessions or more up to {until} "
                f"{task}, by their names; {least} are needed. Fix: give more symbols; of 100 some "
                "62 teach and 15 say when to stop.",
                needed=least,
                found=n_symbols(part),
            )


def _extent(part: Sequence[History]) -> Extent:
    return Extent(
        symbols=n_symbols(part),
        rows=sum(len(history.columns["close"]) for history in part),
        first=str(min(history.first for history in part)),
        last=str(max(history.last for history in part)),
    )


def _losses(weights: Weights, watched: Lessons) -> Floats:
    """What a network of these weights loses on lessons. Shape (horizon,)."""
    network = Teacher(units=units_of(weights))
    network.load(weights)
    return watched_losses(network, watched)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A course whose stages are kept in a folder."""

    course: Course
    material: Material
    work: Path
    mapper: Mapper
    progress: Progress

    def simulated_stage(self) -> Standing:
        """The end of the first stage, which all editions share."""
        course = self.course
        key = key_of(
            asdict(course.simulated),
            [course.units, course.markets_a_round, course.watched_markets, course.seed],
        )
        place = Place(file=self.work / "simulated.safetensors", key=key)
        start = new_weights(units=course.units, seed=course.seed)
        block = Block(n_real=0, n_simulated=course.markets_a_round, seed=course.seed)

        def watched() -> Lessons:
            return simulated_lessons(course.watched_markets, np.random.default_rng(WATCHED_SEED))

        return self._end(course.simulated, start, place, block=block, watched=watched)

    def tuning(self, start: Weights, watched: Lessons, k: int, data: Sequence[str]) -> Standing:
        """The end of the k-th tuning; `data` says with what."""
        course, name = self.course, f"tuning-{data[0]}-{k + 1}"
        seed = course.seed + k
        place = Place(
            file=self.work / f"{name}.safetensors", key=key_of(asdict(course), seed, *data)
        )
        block = course.block(seed)
        return self._end(course.tuning, start, place, block=block, watched=lambda: watched)

    def _end(
        self,
        stage: Stage,
        start: Weights,
        place: Place,
        *,
        block: Block,
        watched: Callable[[], Lessons],
    ) -> Standing:
        """A stage's end, from where its file stands; one that has ended draws nothing."""
        title = place.file.stem
        standing = kept_standing(place) or beginning(start)
        self.progress(title, standing.rounds, stage.rounds)
        if standing.rounds == stage.rounds:
            return standing
        ahead: dict[int, Iterator[Lessons]] = {}

        def lessons(number: int) -> Lessons:
            """Those of a round; a mapper may draw the next ones meanwhile."""
            for wanted in (number, number + 1):
                if wanted < stage.rounds and wanted not in ahead:
                    task = replace(block, number=wanted)
                    ahead[wanted] = self.mapper(lessons_of, self.material, [task])
            return next(ahead.pop(number))

        rounds = rounds_of(stage, standing, block=lessons, watched=watched(), seed=block.seed)
        for after in rounds:
            standing = after
            save_standing(place, standing)
            self.progress(title, standing.rounds, stage.rounds)
        return standing
