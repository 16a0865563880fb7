"""[shell] The whole course of an edition, kept round by round so that a killed one goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nextclose.config import canonical_json
from nextclose.durable import save
from nextclose.errors import NotEnoughDataError
from nextclose.execution.in_turn import Progress, silent
from nextclose.models.lstm.editions import Edition
from nextclose.models.lstm.network import Network
from nextclose.models.lstm.shape import TAUGHT_HORIZONS
from nextclose.models.state import State
from nextclose.models.threads import one_thread
from nextclose.pretraining.companies import histories
from nextclose.pretraining.course import (
    SIMULATED,
    TUNING,
    Stage,
    Standing,
    Weights,
    averaged_weights,
    beginning,
    loss_weights,
    new_weights,
    rounds_of,
    watched_losses,
)
from nextclose.pretraining.lessons import Columns, Lessons, real_lessons, simulated_lessons
from nextclose.pretraining.network import Teacher
from nextclose.schema import Bars, Floats
from nextclose.serving.states import state_bytes, state_of

SIMULATED_A_BLOCK = 1024
WATCHED_MARKETS, WATCHED_STRETCHES = 192, 512
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
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """What came of a course: weights, and how each stage went, by name."""

    weights: Weights
    standings: Mapping[str, Standing]
    average_losses: Floats  # of the averaged network on stop companies, (horizon,)
    companies: Mapping[str, int]  # how many symbols taught, and said when to stop


def pretrain(
    bars: Bars,
    *,
    until: np.datetime64,
    work: Path,
    course: Course | None = None,
    progress: Progress = silent,
) -> Taught:
    """The network that this course makes of markets and of bars up to `until`.

    Rounds that are done are kept in the folder `work` and not done again.
    Raises: NotEnoughDataError with fewer than ten companies that teach.
    """
    course = course or Course()
    teach = list(histories(bars, part="teach", until=until).values())
    stop = list(histories(bars, part="stop", until=until).values())
    if len(teach) < LEAST_COMPANIES or len(stop) < LEAST_COMPANIES // 2:
        raise NotEnoughDataError(
            f"{len(teach)} histories up to {until} may teach and {len(stop)} say when to stop; "
            f"{LEAST_COMPANIES} and {LEAST_COMPANIES // 2} are needed. Fix: give more symbols.",
            needed=LEAST_COMPANIES,
            found=len(teach),
        )
    work.mkdir(parents=True, exist_ok=True)
    begun = simulated_stage(course, work, progress=progress)
    data = _digest(teach)
    n_real = round(course.tuning.steps_a_round * course.tuning.lessons_a_step * course.real_share)
    n_simulated = course.tuning.steps_a_round * course.tuning.lessons_a_step - n_real
    watched = real_lessons(stop, WATCHED_STRETCHES, np.random.default_rng(WATCHED_SEED))
    standings = {"simulated": begun}
    with one_thread(), _blocks(teach) as submit:
        for k in range(course.tunings):
            seed = course.seed + k
            place = _Place(
                file=work / f"tuning-{until}-{k}.safetensors",
                key=_key(course, data, str(until), str(seed)),
                seed=seed,
            )
            standings[f"tuning_{k}"] = _taught(
                course.tuning,
                begun.best,
                place,
                block=partial(submit, n_real, n_simulated, seed),
                watched=watched,
                progress=progress,
            )
    tuned = [standings[f"tuning_{k}"].best for k in range(course.tunings)]
    weights = averaged_weights(tuned)
    network = Teacher(units=course.units)
    network.load(weights)
    return Taught(
        weights=weights,
        standings=standings,
        average_losses=watched_losses(network, watched),
        companies={"teach": len(teach), "stop": len(stop)},
    )


def edition_of(
    taught: Taught, *, until: np.datetime64, course: Course, facts: Mapping[str, Any]
) -> Edition:
    """What was taught as an edition, its card with it; `facts` say what only the caller knows."""
    card = {
        "companies": dict(taught.companies),
        "course": asdict(course),
        "horizons": list(TAUGHT_HORIZONS),
        "stop_crps": [round(float(loss), 5) for loss in taught.average_losses],
        "stages": {title: _stage_card(standing) for title, standing in taught.standings.items()},
    }
    return Edition(until=str(until), network=network_of(taught.weights), card=card | dict(facts))


def network_of(weights: Weights) -> Network:
    """Torch's weights as NumPy runs them: its two biases of a gate are one."""
    return Network(
        lstm_input=weights["lstm.weight_ih_l0"],
        lstm_state=weights["lstm.weight_hh_l0"],
        lstm_bias=weights["lstm.bias_ih_l0"] + weights["lstm.bias_hh_l0"],
        layer=weights["layer.weight"],
        layer_bias=weights["layer.bias"],
        head=weights["head.weight"],
        head_bias=weights["head.bias"],
    )


def _stage_card(standing: Standing) -> dict[str, Any]:
    """How a stage went: losses by round, weighed over horizons, and the round that was kept."""
    watched = standing.watched @ loss_weights()
    return {
        "taught": [round(loss, 5) for loss in standing.taught],
        "watched": [round(float(loss), 5) for loss in watched],
        "kept": standing.best_round - 1,
    }


def simulated_stage(course: Course, work: Path, *, progress: Progress = silent) -> Standing:
    """The end of the first stage, which all editions share."""
    work.mkdir(parents=True, exist_ok=True)
    watched = simulated_lessons(WATCHED_MARKETS, np.random.default_rng(WATCHED_SEED))
    with one_thread(), _blocks(()) as submit:
        return _taught(
            course.simulated,
            new_weights(units=course.units, seed=course.seed),
            _Place(
                file=work / "simulated.safetensors",
                key=_key(course, "", "", ""),
                seed=course.seed,
            ),
            block=partial(submit, 0, SIMULATED_A_BLOCK, course.seed),
            watched=watched,
            progress=progress,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a stage is kept, by the key of what it depends on, and its seed."""

    file: Path
    key: str
    seed: int


def _taught(
    stage: Stage,
    start: Weights,
    place: _Place,
    *,
    block: Callable[[int], Future[Lessons]],
    watched: Lessons,
    progress: Progress,
) -> Standing:
    """The stage's end, from where its file stands; the next block is made while one is taught."""
    torch.set_num_threads(1)
    standing = _read(place) or beginning(start)
    ahead: dict[int, Future[Lessons]] = {}

    def lessons(number: int) -> Lessons:
        for wanted in (number, number + 1):
            if wanted < stage.rounds and wanted not in ahead:
                ahead[wanted] = block(wanted)
        return ahead.pop(number).result()

    progress(place.file.stem, standing.rounds, stage.rounds)
    for after in rounds_of(stage, standing, block=lessons, watched=watched, seed=place.seed):
        standing = after
        save(place.file, state_bytes(_state(standing, place.key)))
        progress(place.file.stem, standing.rounds, stage.rounds)
    return standing


@contextmanager
def _blocks(teach: Sequence[Columns]) -> Iterator[Callable[..., Future[Lessons]]]:
    """What makes blocks of lessons in a process of its own."""
    with ProcessPoolExecutor(
        max_workers=1, mp_context=get_context("spawn"), initializer=_remember, initargs=(teach,)
    ) as pool:

        def submit(n_real: int, n_simulated: int, seed: int, number: int) -> Future[Lessons]:
            return pool.submit(_block, n_real, n_simulated, seed, number)

        yield submit


_TEACH: list[Columns] = []  # of the process that makes lessons


def _remember(teach: Sequence[Columns]) -> None:
    _TEACH[:] = teach


def _block(n_real: int, n_simulated: int, seed: int, number: int) -> Lessons:
    """The lessons of one round: of real stocks, and of simulated markets behind them."""
    # another stream than the steps have, and than the watched lessons
    rng = np.random.default_rng((seed, number, n_real + 2))
    with one_thread():
        simulated = simulated_lessons(n_simulated, rng)
        if not n_real:
            return simulated
        return real_lessons(_TEACH, n_real, rng).with_others(simulated)


def _key(course: Course, *parts: str) -> str:
    text = canonical_json([asdict(course), *parts])
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(teach: Sequence[Columns]) -> str:
    digest = hashlib.sha256()
    for columns in teach:
        for name, values in columns.items():
            digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


WEIGHT_PARTS = ("weights", "average", "first", "second", "best")


def _state(standing: Standing, key: str) -> State:
    """A standing as arrays and facts."""
    arrays = {
        f"{part}.{name}": value
        for part in WEIGHT_PARTS
        for name, value in getattr(standing, part).items()
    }
    facts: dict[str, Any] = {
        "key": key,
        "rounds": standing.rounds,
        "best_round": standing.best_round,
        "taught": list(standing.taught),
    }
    return State(arrays={**arrays, "watched": standing.watched}, facts=facts)


def _read(place: _Place) -> Standing | None:
    """The standing in the file; None if there is none, or one of another course."""
    try:
        state = state_of(place.file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if state.facts.get("key") != place.key:
        return None
    parts = {
        part: {
            name.removeprefix(f"{part}."): value
            for name, value in state.arrays.items()
            if name.startswith(f"{part}.")
        }
        for part in WEIGHT_PARTS
    }
    return Standing(
        rounds=state.facts["rounds"],
        best_round=state.facts["best_round"],
        taught=tuple(state.facts["taught"]),
        watched=state.arrays["watched"],
        **parts,
    )
