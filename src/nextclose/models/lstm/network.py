"""The universal network in NumPy: one LSTM layer, a layer of its state and the inputs, outputs.

Everything is float32 in arrays of fixed size, unused places padded with zeros, so that the bits of
a forecast never depend on what is computed beside it. Nor on its place: matrices are multiplied by
eight rows at a time, as many as the kernels of every processor compute alike. Of sixteen, those of
Haswell and Zen add up the last four in another order than the first six.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from nextclose.features.universal import INPUTS
from nextclose.models.lstm.shape import OUTPUTS, TAUGHT_HORIZONS
from nextclose.schema import Floats32, Ints

CHAINS = 16  # run beside each other
READ_ROWS = 64  # rows of outputs computed at once
BLOCK = 8  # rows that are multiplied at once
GATES = 4  # in, forget, cell, out: the order of torch
SIGMOIDS = (0, 1, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Weights as torch names and shapes them: `nn.LSTM`, `nn.Linear`, `nn.Linear`."""

    lstm_input: Annotated[Floats32, "float32 gate input"]
    lstm_state: Annotated[Floats32, "float32 gate unit"]
    lstm_bias: Annotated[Floats32, "float32 gate"]
    layer: Annotated[Floats32, "float32 unit read"]
    layer_bias: Annotated[Floats32, "float32 unit"]
    head: Annotated[Floats32, "float32 output unit"]
    head_bias: Annotated[Floats32, "float32 output"]

    def __post_init__(self) -> None:
        """Raise ValueError unless all sizes fit together."""
        units, n_outputs = self.lstm_state.shape[1], len(TAUGHT_HORIZONS) * OUTPUTS
        expected = {
            "lstm_input": (GATES * units, len(INPUTS)),
            "lstm_state": (GATES * units, units),
            "lstm_bias": (GATES * units,),
            "layer": (units, units + len(INPUTS)),
            "layer_bias": (units,),
            "head": (n_outputs, units),
            "head_bias": (n_outputs,),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} of shape {getattr(self, name).shape}, expected {shape}")

    @property
    def units(self) -> int:
        """Units of the layers."""
        return int(self.lstm_state.shape[1])


def hidden_at(network: Network, inputs: Floats32, rows: Ints, *, starts: Ints) -> Floats32:
    """The last hidden layer at `rows` of `inputs` (row, input). Shape (row, unit).

    Each row's is reached from a zero state before `starts` (row,). Rows of one start are read off
    one chain, so they cost what the last of them does.
    """
    chains, chain = np.unique(starts, return_inverse=True)
    states = np.empty((len(rows), network.units), dtype=np.float32)
    step = rows - starts
    gates = _gate_weights(network)
    length = np.zeros(len(chains), dtype=np.int64)
    np.maximum.at(length, chain, step + 1)
    # chains of like length side by side: none waits long for another
    order = np.argsort(length, kind="stable")
    asked = [np.flatnonzero(chain == k) for k in range(len(chains))]
    for first in range(0, len(chains), CHAINS):
        group = order[first : first + CHAINS]
        wanted = [(place, asked[k]) for place, k in enumerate(group)]
        _run(gates, network.units, inputs, chains[group], length[group], (wanted, step, states))
    return _hidden(network, states, inputs, rows)


def outputs_of(network: Network, hidden: Floats32) -> Floats32:
    """What the network says of its last hidden layer. Shape (row, taught horizon, output)."""
    outputs = np.empty((len(hidden), len(network.head_bias)), dtype=np.float32)
    head = np.ascontiguousarray(network.head.T)
    some = np.zeros((READ_ROWS, network.units), dtype=np.float32)
    for first in range(0, len(hidden), READ_ROWS):
        part = hidden[first : first + READ_ROWS]
        some[: len(part)] = part
        outputs[first : first + READ_ROWS] = (_product(some, head) + network.head_bias)[: len(part)]
    return outputs.reshape(len(hidden), len(TAUGHT_HORIZONS), OUTPUTS)


def _gate_weights(network: Network) -> Floats32:
    """All that the gates read, (unit + input + 1, gate): halved where tanh stands for a sigmoid."""
    columns = [network.lstm_state, network.lstm_input, network.lstm_bias[:, None]]
    weights = np.concatenate(columns, axis=1)
    units = network.units
    for gate in SIGMOIDS:
        weights[gate * units : (gate + 1) * units] *= np.float32(0.5)
    return np.ascontiguousarray(weights.T)


def _run(
    gates: Floats32,
    units: int,
    inputs: Floats32,
    starts: Ints,
    lengths: Ints,
    out: tuple[Sequence[tuple[int, Ints]], Ints, Floats32],
) -> None:
    """Run up to `CHAINS` chains and write the states that are asked for.

    sigmoid(x) is (tanh(x/2) + 1) / 2, so one call serves all gates.
    """
    wanted, step, states = out
    n_steps = int(lengths.max())
    read = np.zeros((n_steps, CHAINS, inputs.shape[1] + 1), dtype=np.float32)
    read[:, :, -1] = 1.0
    for place, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        read[:length, place, :-1] = inputs[start : start + length]
    history = np.empty((n_steps, CHAINS, units), dtype=np.float32)
    both = np.zeros((CHAINS, len(gates)), dtype=np.float32)
    z = np.empty((CHAINS, GATES * units), dtype=np.float32)
    half = np.float32(0.5)
    cell = np.zeros((CHAINS, units), dtype=np.float32)
    enter, keep, new, show = (z[:, k * units : (k + 1) * units] for k in range(GATES))
    for t in range(n_steps):
        both[:, units:] = read[t]
        np.matmul(both.reshape(-1, BLOCK, len(gates)), gates, out=z.reshape(-1, BLOCK, z.shape[1]))
        np.tanh(z, out=z)
        # (keep + 1) / 2 * cell + (enter + 1) / 2 * new
        keep += 1
        enter += 1
        cell *= keep
        enter *= new
        cell += enter
        cell *= half
        show += 1
        hidden = np.tanh(cell)
        hidden *= show
        hidden *= half
        both[:, :units] = hidden
        history[t] = hidden
    for place, positions in wanted:
        states[positions] = history[step[positions], place]


def _product(rows: Floats32, weights: Floats32) -> Floats32:
    """`rows` (row, k) times `weights` (k, column), each row as if it stood alone."""
    blocks = rows.reshape(-1, BLOCK, rows.shape[1])
    return np.asarray((blocks @ weights).reshape(len(rows), weights.shape[1]))


def _hidden(network: Network, states: Floats32, inputs: Floats32, rows: Ints) -> Floats32:
    """The layer that reads states and the inputs beside them. Shape (row, unit)."""
    hidden = np.empty((len(rows), network.units), dtype=np.float32)
    layer = np.ascontiguousarray(network.layer.T)
    both = np.zeros((READ_ROWS, len(layer)), dtype=np.float32)
    for first in range(0, len(rows), READ_ROWS):
        some = slice(first, first + READ_ROWS)
        n = len(rows[some])
        both[:n, : network.units] = states[some]
        both[:n, network.units :] = inputs[rows[some]]
        linear = _product(both, layer) + network.layer_bias
        hidden[some] = (linear / (1 + np.exp(-linear)))[:n]  # SiLU
    return hidden
