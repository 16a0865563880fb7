"""The course: one stage on simulated markets, then light tuning on real stocks among them.

Several tunings start from the end of the first stage and their weights are averaged into one
network. Source: Wortsman et al. (2022), Model soups, ICML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from nextclose.models.lstm.shape import TAUGHT_HORIZONS
from nextclose.pretraining.lessons import Lessons
from nextclose.pretraining.network import (
    HORIZONS_A_STEP,
    WEIGHT_POWER,
    Teacher,
    horizon_losses,
    mean_loss,
)
from nextclose.schema import Floats, Floats32

Weights = Mapping[str, Floats32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How the network is stepped through one part of the course. One block of lessons a round."""

    name: str
    rounds: int
    steps_a_round: int
    lessons_a_step: int = 64
    learning_rate: float  # at the start; falls to 0 by a cosine
    weight_decay: float
    gradient_norm: float
    average_decay: float  # of a step, of the running average of weights; 0: the weights themselves


SIMULATED = Stage(
    name="simulated",
    rounds=48,
    steps_a_round=32,
    learning_rate=2e-3,
    weight_decay=0.01,
    gradient_norm=1.0,
    average_decay=0.98,
)
TUNING = Stage(
    name="tuning",
    rounds=36,
    steps_a_round=20,
    learning_rate=6e-4,
    weight_decay=0.01,
    gradient_norm=0.5,
    average_decay=0.98,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a stage stands after so many rounds: all that going on needs. Losses (round, horizon).

    `average` is what would be kept; `first` and `second` are the moments of AdamW.
    """

    rounds: int
    weights: Weights
    average: Weights
    first: Weights
    second: Weights
    best: Weights
    best_round: int
    watched: Floats  # losses of the average on the lessons that are watched
    taught: tuple[float, ...] = field(default=())  # mean loss of each round's steps


def beginning(weights: Weights) -> Standing:
    """A stage that has not begun."""
    nothing = {name: np.zeros_like(value) for name, value in weights.items()}
    return Standing(
        rounds=0,
        weights=weights,
        average=weights,
        first=nothing,
        second=nothing,
        best=weights,
        best_round=0,
        watched=np.empty((0, len(TAUGHT_HORIZONS))),
    )


def new_weights(*, units: int, seed: int) -> Weights:
    """Weights of a network that has learnt nothing."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Teacher(units=units).weights()


def units_of(weights: Weights) -> int:
    """Units of the network that has these weights."""
    return int(weights["lstm.weight_hh_l0"].shape[1])


def rounds_of(
    stage: Stage,
    standing: Standing,
    *,
    block: Callable[[int], Lessons],
    watched: Lessons,
    seed: int,
) -> Iterator[Standing]:
    """The standing after each further round of the stage, to its end.

    `block` gives the lessons of a round. Going on from a standing gives what an unbroken course
    would have: all chance is drawn anew each round, from the seed and its number.
    """
    network = Teacher(units=units_of(standing.weights))
    for number in range(standing.rounds, stage.rounds):
        standing = _after_round(stage, standing, network, block(number), (seed, number))
        network.load(standing.average)
        losses = watched_losses(network, watched)
        curve = np.vstack([standing.watched, losses])
        overall = curve @ loss_weights()
        if int(overall.argmin()) == number:
            standing = replace(standing, best=standing.average, best_round=number + 1)
        standing = replace(standing, watched=curve)
        yield standing


def _after_round(
    stage: Stage,
    standing: Standing,
    network: Teacher,
    lessons: Lessons,
    seed: tuple[int, int],
) -> Standing:
    """Step through one block of lessons, each as often as the steps ask, in random order."""
    rng = np.random.default_rng(seed)
    network.load(standing.weights)
    named = dict(network.named_parameters())
    optimizer = torch.optim.AdamW(
        named.values(), lr=stage.learning_rate, weight_decay=stage.weight_decay
    )
    done = standing.rounds * stage.steps_a_round
    for name, value in named.items():
        optimizer.state[value] = {
            "step": torch.tensor(float(done)),
            "exp_avg": torch.from_numpy(standing.first[name].copy()),
            "exp_avg_sq": torch.from_numpy(standing.second[name].copy()),
        }
    average = {name: torch.from_numpy(v.copy()) for name, v in standing.average.items()}
    order = _orders(len(lessons.inputs), stage.steps_a_round * stage.lessons_a_step, rng)
    total = 0.0
    for step in range(stage.steps_a_round):
        chosen = order[step * stage.lessons_a_step : (step + 1) * stage.lessons_a_step]
        x, targets = _tensors(lessons.take(chosen))
        horizons = sorted(rng.choice(len(TAUGHT_HORIZONS), HORIZONS_A_STEP, replace=False).tolist())
        part = (done + step) / (stage.rounds * stage.steps_a_round)
        optimizer.param_groups[0]["lr"] = stage.learning_rate * (1 + np.cos(np.pi * part)) / 2
        loss = mean_loss(network, x, targets, horizons=horizons)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own is untyped
        torch.nn.utils.clip_grad_norm_(named.values(), stage.gradient_norm)
        optimizer.step()
        total += float(loss.detach())
        # the average of few steps is young: it must not remember where it began
        decay = min(stage.average_decay, (done + step) / (done + step + 10))
        for name, value in named.items():
            average[name].mul_(decay).add_(value.detach(), alpha=1 - decay)
    return replace(
        standing,
        rounds=standing.rounds + 1,
        weights=network.weights(),
        average={name: value.numpy() for name, value in average.items()},
        first={name: optimizer.state[value]["exp_avg"].numpy() for name, value in named.items()},
        second={
            name: optimizer.state[value]["exp_avg_sq"].numpy() for name, value in named.items()
        },
        taught=(*standing.taught, total / stage.steps_a_round),
    )


def watched_losses(network: Teacher, lessons: Lessons, *, at_once: int = 64) -> Floats:
    """Mean CRPS over what is known, in target units, of each taught horizon. Shape (horizon,)."""
    total, n = np.zeros(len(TAUGHT_HORIZONS)), np.zeros(len(TAUGHT_HORIZONS))
    for start in range(0, len(lessons.inputs), at_once):
        sums, counts = horizon_losses(
            network, *_tensors(lessons.take(slice(start, start + at_once)))
        )
        total, n = total + sums.double().numpy(), n + counts.numpy()
    return np.asarray(total / np.maximum(n, 1))


def loss_weights() -> Floats:
    """How much each taught horizon counts; they sum to 1. Shape (horizon,)."""
    weights = np.array(TAUGHT_HORIZONS, dtype=np.float64) ** WEIGHT_POWER
    return np.asarray(weights / weights.sum())


def averaged_weights(members: Sequence[Weights]) -> Weights:
    """The mean of each weight over networks that were tuned from one start."""
    return {
        name: np.stack([member[name] for member in members])
        .mean(axis=0, dtype=np.float64)
        .astype(np.float32)
        for name in members[0]
    }


def _orders(n: int, needed: int, rng: np.random.Generator) -> np.ndarray:
    """`needed` places of n lessons: all once, then all again, each time in another order."""
    passes = -(-needed // n)
    return np.concatenate([rng.permutation(n) for _ in range(passes)])[:needed]


def _tensors(lessons: Lessons) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets as (session, lesson, ...)."""
    x, targets = (
        torch.from_numpy(np.ascontiguousarray(array.swapaxes(0, 1)))
        for array in (lessons.inputs, lessons.targets)
    )
    return x, targets
