"""A stage teaches, and goes on from wherever it was as if nothing had stopped it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from nextclose.models.lstm.shape import TAUGHT_HORIZONS
from nextclose.pretraining.course import (
    SIMULATED,
    Stage,
    Standing,
    Weights,
    _orders,
    averaged_weights,
    beginning,
    loss_weights,
    new_weights,
    rounds_of,
    units_of,
    watched_losses,
)
from nextclose.pretraining.lessons import Lessons, simulated_lessons
from nextclose.pretraining.network import Teacher

STAGE = replace(SIMULATED, rounds=4, steps_a_round=3, lessons_a_step=4)
PARTS = ("weights", "average", "first", "second", "best")


@cache
def lessons() -> Lessons:
    return simulated_lessons(24, np.random.default_rng(0))


def block(number: int) -> Lessons:
    """Ten lessons of a round, those of the next are others."""
    return lessons().take(np.arange(2 * number, 2 * number + 10) % 16)


WATCHED = slice(16, 24)


def taught(stage: Stage = STAGE, start: Standing | None = None, seed: int = 5) -> list[Standing]:
    """The standings after each further round."""
    begun = start or beginning(new_weights(units=4, seed=2))
    return list(rounds_of(stage, begun, block=block, watched=lessons().take(WATCHED), seed=seed))


@pytest.fixture(scope="module")
def unbroken():
    return taught()


def assert_same(one: Standing, other: Standing) -> None:
    """To the bit."""
    assert (one.rounds, one.best_round, one.taught) == (
        other.rounds,
        other.best_round,
        other.taught,
    )
    assert one.watched.tobytes() == other.watched.tobytes()
    for part in PARTS:
        for name, value in getattr(one, part).items():
            assert value.tobytes() == getattr(other, part)[name].tobytes(), (part, name)


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_going_on_from_any_round_gives_the_bits_of_an_unbroken_course(unbroken, rounds):
    torch.manual_seed(99)  # the caller's random state plays no part
    rest = taught(start=unbroken[rounds - 1])
    assert [standing.rounds for standing in rest] == list(range(rounds + 1, 5))
    assert_same(rest[-1], unbroken[-1])


def test_the_end_of_a_stage_asks_for_nothing(unbroken):
    assert taught(start=unbroken[-1]) == []


def test_each_round_has_chances_of_its_own():
    still = replace(STAGE, learning_rate=0.0, weight_decay=0.0)
    start = beginning(new_weights(units=4, seed=2))
    rounds = rounds_of(
        still, start, block=lambda _: block(0), watched=lessons().take(WATCHED), seed=5
    )
    *_, last = rounds
    assert len(set(last.taught)) == 4  # other lessons, other horizons


def test_another_seed_takes_other_steps(unbroken):
    assert taught(seed=6)[0].taught != unbroken[0].taught


def loss_of(weights: Weights, of: Lessons) -> float:
    network = Teacher(units=units_of(weights))
    network.load(weights)
    return float(watched_losses(network, of) @ loss_weights())


def test_the_loss_falls_on_markets_that_are_taught_with_and_on_others():
    stage = replace(STAGE, rounds=5, steps_a_round=8, lessons_a_step=8, learning_rate=0.003)
    untaught = new_weights(units=8, seed=2)
    last = taught(stage, beginning(untaught))[-1]
    taught_with, others = lessons().take(slice(16)), lessons().take(WATCHED)
    assert loss_of(last.weights, taught_with) < 0.997 * loss_of(untaught, taught_with)
    curve = [loss_of(untaught, others), *(last.watched @ loss_weights())]
    assert (np.diff(curve) < 0).all()
    assert loss_of(last.average, others) == pytest.approx(curve[-1])


def test_the_best_round_is_that_of_the_lowest_watched_loss(unbroken):
    for n, standing in enumerate(unbroken, 1):
        curve = standing.watched @ loss_weights()
        assert standing.watched.shape == (n, len(TAUGHT_HORIZONS))
        assert standing.best_round - 1 == int(curve.argmin())
        expected = unbroken[standing.best_round - 1].average
        for name, value in standing.best.items():
            assert value.tobytes() == expected[name].tobytes()


def test_a_round_that_is_worse_than_the_best_is_not_kept():
    # steps far too long: what is learnt first is lost again
    wild = replace(STAGE, learning_rate=1.5, gradient_norm=100.0)
    last = taught(wild)[-1]
    curve = last.watched @ loss_weights()
    assert last.best_round - 1 == int(curve.argmin()) < 3


def test_the_average_remembers_steps_and_not_the_beginning():
    still = replace(STAGE, average_decay=0.0)
    first = taught(still)[0]
    for name, value in first.weights.items():
        np.testing.assert_array_equal(first.average[name], value)
    slow = replace(STAGE, average_decay=0.98, rounds=1, steps_a_round=1)
    (after,) = taught(slow)
    for name, value in after.weights.items():  # of one step: that step
        np.testing.assert_array_equal(after.average[name], value)


def test_the_running_average_is_the_one_worked_by_hand():
    # decays 0, 1/11: (0 a + 1 b) / 11 + 10 c / 11
    stage = replace(STAGE, rounds=2, steps_a_round=1)
    one, two = taught(stage)
    for name, value in two.average.items():
        expected = one.weights[name] / 11 + 10 * two.weights[name] / 11
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-7)


def test_the_learning_rate_falls_to_nothing_by_a_cosine():
    stage = replace(STAGE, rounds=4, steps_a_round=1, lessons_a_step=10)
    start = beginning(new_weights(units=4, seed=2))

    def moved(standing: Standing) -> float:
        step = standing.weights["head.bias"] - start.weights["head.bias"]
        return float(np.abs(step).max())

    # AdamW's first step is of the rate; its third, halfway down, if nothing moved before:
    # .1 / (1 - .9**3) / sqrt(.001 / (1 - .999**3)) = .6389 of half the rate
    assert moved(taught(stage, start)[0]) == pytest.approx(stage.learning_rate, rel=1e-3)
    halfway = taught(stage, replace(start, rounds=2))[0]
    assert moved(halfway) == pytest.approx(0.6389 * stage.learning_rate / 2, rel=1e-3)


def test_averaged_weights_are_means_of_each_weight():
    one, other = ({"a": np.array(row, dtype=np.float32)} for row in ([1, 2], [3, -2]))
    mean = averaged_weights([one, other])["a"]
    assert mean.tolist() == [2.0, 0.0]
    assert mean.dtype == np.float32


def test_weights_say_of_how_many_units_they_are():
    assert units_of(new_weights(units=7, seed=0)) == 7


def test_shorter_horizons_count_more_and_all_together_one():
    weights = loss_weights()
    assert weights.sum() == pytest.approx(1)
    # 1, 7 ** -.25 = .6148, 30 ** -.25 = .4273
    np.testing.assert_allclose(weights[[4, 8]] / weights[0], [0.6148, 0.4273], atol=1e-4)


def test_watched_losses_do_not_depend_on_how_many_are_read_at_once():
    network = Teacher(units=4)
    whole, parts = (watched_losses(network, lessons(), at_once=n) for n in (64, 5))
    np.testing.assert_allclose(whole, parts, rtol=1e-5)


def test_every_lesson_is_taught_before_one_is_taught_again():
    order = _orders(10, 25, np.random.default_rng(0))
    assert sorted(order[:10]) == sorted(order[10:20]) == list(range(10))
    assert len(set(order[20:])) == 5
    assert order[:10].tolist() != order[10:20].tolist()
