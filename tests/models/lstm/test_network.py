import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from math import exp, tanh

import numpy as np
import pytest
import torch

from nextclose.features.universal import INPUTS
from nextclose.models.lstm.network import CHAINS, READ_ROWS, Network
from nextclose.models.lstm.shape import OUTPUTS, TAUGHT_HORIZONS
from nextclose.pretraining import card
from nextclose.pretraining.network import Teacher
from nextclose.schema import Floats32, Ints
from tests.builders import outputs_at

N_OUTPUTS = len(TAUGHT_HORIZONS) * OUTPUTS


def random_teacher(seed: int, *, units: int) -> Teacher:
    """The network as torch teaches it, with a head that says something."""
    torch.manual_seed(seed)
    teacher = Teacher(units=units)
    torch.nn.init.normal_(teacher.head.weight, std=units**-0.5)
    torch.nn.init.normal_(teacher.head.bias)
    return teacher


def network_of(teacher: Teacher) -> Network:
    return card.network_of(teacher.weights())


def random_inputs(n_rows: int, *, seed: int = 0) -> Floats32:
    drawn = np.random.default_rng(seed).standard_normal((n_rows, len(INPUTS)))
    return drawn.astype(np.float32)


def network(units: int = 4, *, seed: int = 0) -> Network:
    return network_of(random_teacher(seed, units=units))


def scattered(n: int, *, n_rows: int, seed: int = 1) -> tuple[Ints, Ints]:
    """Rows, and for each one of 40 places at or before it to begin at."""
    noise = np.random.default_rng(seed)
    places = np.sort(noise.choice(n_rows - 1, 39, replace=False)) + 1
    places = np.append(0, places)
    rows = noise.integers(0, n_rows, n)
    latest = np.searchsorted(places, rows, side="right") - 1
    return rows, places[np.maximum(latest - noise.integers(0, 3, n), 0)]


# --- what it computes ---


@pytest.mark.parametrize("units", [4, 64])
@pytest.mark.parametrize("n_rows", [1, 70, 260])
def test_numpy_computes_what_torch_teaches(units, n_rows):
    teacher = random_teacher(7, units=units)
    x = random_inputs(n_rows)
    with torch.no_grad():
        expected = teacher(torch.from_numpy(x)[:, None])[:, 0].numpy()
    rows = np.arange(n_rows)
    outputs = outputs_at(network_of(teacher), x, rows, starts=np.zeros_like(rows))
    assert outputs.shape == (n_rows, len(TAUGHT_HORIZONS), OUTPUTS)
    assert outputs.dtype == np.float32
    assert np.abs(outputs - expected).max() <= 1e-6
    assert np.abs(outputs).max() > 1


def test_one_session_of_one_unit_worked_by_hand():
    # from zero: c = sigmoid(0) tanh(1) = tanh(1) / 2, h = sigmoid(ln 3) tanh(c) = 3/4 tanh(c);
    # then SiLU(2 h) and an output of 5 times that and 1
    gates = np.array([0.0, -9.0, 0.0, np.log(3)], dtype=np.float32)
    told = np.zeros((4, len(INPUTS)), dtype=np.float32)
    told[2, 0] = 1.0
    single = Network(
        lstm_input=told,
        lstm_state=np.zeros((4, 1), dtype=np.float32),
        lstm_bias=gates,
        layer=np.append(2.0, np.zeros(len(INPUTS))).astype(np.float32)[None],
        layer_bias=np.zeros(1, dtype=np.float32),
        head=np.full((N_OUTPUTS, 1), 5.0, dtype=np.float32),
        head_bias=np.ones(N_OUTPUTS, dtype=np.float32),
    )
    x = np.zeros((1, len(INPUTS)), dtype=np.float32)
    x[0, 0] = 1.0
    linear = 2 * 0.75 * tanh(tanh(1) / 2)
    outputs = outputs_at(single, x, np.array([0]), starts=np.array([0]))
    assert outputs == pytest.approx(5 * linear / (1 + exp(-linear)) + 1, abs=1e-6)


def test_the_layer_reads_the_inputs_beside_the_state():
    silent = network()
    silent = replace(silent, lstm_input=0 * silent.lstm_input, lstm_bias=0 * silent.lstm_bias)
    x = random_inputs(2)
    ends = outputs_at(silent, x, np.array([0, 1]), starts=np.array([0, 0]))
    assert (ends[0] != ends[1]).any()


# --- one row at a time ---


@pytest.mark.parametrize("units", [4, 6, 64])
def test_the_bits_of_a_row_do_not_depend_on_how_many_are_asked_with_it_or_their_order(units):
    net, x = network(units), random_inputs(300)
    rows, starts = scattered(150, n_rows=300)
    assert len(np.unique(starts)) > 2 * CHAINS
    assert len(rows) > 2 * READ_ROWS
    together = outputs_at(net, x, rows, starts=starts)
    shuffled = np.random.default_rng(2).permutation(len(rows))
    assert (
        outputs_at(net, x, rows[shuffled], starts=starts[shuffled]).tobytes()
        == together[shuffled].tobytes()
    )
    for place in range(0, len(rows), 13):
        one = slice(place, place + 1)
        assert outputs_at(net, x, rows[one], starts=starts[one])[0].tobytes() == (
            together[place].tobytes()
        )
    for n in (2, CHAINS, CHAINS + 1, READ_ROWS, READ_ROWS + 1):
        few = outputs_at(net, x, rows[:n], starts=starts[:n])
        assert few.tobytes() == together[:n].tobytes()


KERNEL = """
import numpy as np
from nextclose.models.lstm.network import READ_ROWS, _product
rng = np.random.default_rng(0)
for k, n in ((90, 256), (89, 64), (64, 44)):
    row, weights = rng.standard_normal(k), rng.standard_normal((k, n)).astype(np.float32)
    places = np.repeat(row[None].astype(np.float32), READ_ROWS, axis=0)
    found = _product(places, weights)
    assert (found == found[0]).all(), (k, n)
"""


@pytest.mark.parametrize("kernel", ["Prescott", "Nehalem", "Sandybridge", "Haswell", "Zen"])
def test_a_row_has_the_same_bits_at_every_place_whatever_the_processor(kernel):
    # with sixteen rows at once those of Haswell and Zen differ by place
    environment = {**os.environ, "OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", KERNEL], env=environment, check=True)


def test_a_row_asked_twice_is_answered_twice():
    x, rows = random_inputs(50), np.array([30, 30, 7])
    twice = outputs_at(network(), x, rows, starts=np.array([3, 3, 3]))
    assert twice[0].tobytes() == twice[1].tobytes() != twice[2].tobytes()


def test_no_row_is_no_output():
    nothing = np.array([], dtype=np.int64)
    assert outputs_at(network(), random_inputs(5), nothing, starts=nothing).shape == (0, 11, 4)


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30])
def test_a_row_reads_its_chain_and_nothing_before_or_after(poison):
    x, rows, starts = random_inputs(60), np.array([40, 25]), np.array([11, 11])
    outputs = outputs_at(network(), x, rows, starts=starts)
    outside = np.full_like(x, poison)
    outside[11:41] = x[11:41]
    assert outputs_at(network(), outside, rows, starts=starts).tobytes() == outputs.tobytes()


@pytest.mark.parametrize("row", [36, 38, 40])
def test_each_row_of_a_chain_counts(row):
    x, rows, starts = random_inputs(60), np.array([40]), np.array([36])
    other = x.copy()
    other[row] += 1
    one, two = (outputs_at(network(), inputs, rows, starts=starts) for inputs in (x, other))
    assert (one != two).any()


def test_where_a_chain_begins_counts():
    x, row = random_inputs(60), np.array([40])
    ends = [outputs_at(network(), x, row, starts=np.array([start])) for start in (38, 39, 40)]
    assert all((one != two).any() for one, two in pairwise(ends))


def test_rows_of_other_chains_may_hold_what_is_no_number():
    # fixed places in a matrix: what stands in another row of it must not spread
    x, rows, starts = random_inputs(60), np.array([10, 40, 50]), np.array([0, 30, 45])
    outputs = outputs_at(network(), x, rows, starts=starts)
    sick = x.copy()
    sick[30:35] = np.nan
    beside = outputs_at(network(), sick, rows, starts=starts)
    assert beside[[0, 2]].tobytes() == outputs[[0, 2]].tobytes()
    assert np.isnan(beside[1]).all()


# --- shapes ---


@pytest.mark.parametrize(
    "name",
    ["lstm_input", "lstm_state", "lstm_bias", "layer", "layer_bias", "head", "head_bias"],
)
def test_a_weight_of_another_shape_is_refused_by_name(name):
    good = network()
    weight = getattr(good, name)
    for bad in (weight[:-1], np.concatenate([weight, weight[:1]]), weight[..., None]):
        with pytest.raises(ValueError, match=rf"{name} of shape \(.*\), expected"):
            replace(good, **{name: bad})


def test_a_network_of_other_inputs_is_refused():
    good = network()
    with pytest.raises(ValueError, match=r"lstm_input of shape \(16, 24\), expected \(16, 25\)"):
        replace(good, lstm_input=good.lstm_input[:, :-1])
