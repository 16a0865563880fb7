import json

import numpy as np
import pytest
import safetensors.numpy

from nextclose.models.state import State
from nextclose.serving.states import state_bytes, state_of

STATE = State(
    arrays={
        "b": np.array([[0.1, -0.0], [np.pi, 1e-300]]),
        "a": np.arange(6, dtype=np.float32).reshape(2, 3).T,  # not contiguous
        "c": np.array([-(2**40), 3], dtype=np.int64),
        "none": np.empty((0, 4)),
    },
    facts={"n": None, "names": ["x", "é"], "curves": {"valid": [0.1, 1e-17]}, "k": 3},
)

FOREIGN_FACTS = [
    *("[]", "1", "null", '"x"', '{"a": 1}', '{"b":1,"a":2}'),  # no facts, or not written by us
    *('{"a":1,"a":2}', '{"a":NaN}', '{"a":-Infinity}', "[" * 100_000),
]


def test_a_state_comes_back_bit_for_bit():
    again = state_of(state_bytes(STATE))
    assert again.facts == STATE.facts
    assert again.arrays.keys() == STATE.arrays.keys()
    for name, array in STATE.arrays.items():
        assert again.arrays[name].dtype == array.dtype, name
        assert again.arrays[name].shape == array.shape, name
        assert again.arrays[name].tobytes() == np.ascontiguousarray(array).tobytes(), name


def test_equal_states_give_equal_bytes_whatever_the_order_of_their_parts():
    swapped = State(
        arrays=dict(reversed(list(STATE.arrays.items()))),
        facts=dict(reversed(list(STATE.facts.items()))),
    )
    assert state_bytes(swapped) == state_bytes(STATE)
    assert state_bytes(state_of(state_bytes(STATE))) == state_bytes(STATE)


def test_an_empty_state_is_a_state():
    again = state_of(state_bytes(State()))
    assert (dict(again.arrays), dict(again.facts)) == ({}, {})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused_by_name(value):
    array = np.zeros(5)
    array[3] = value
    with pytest.raises(ValueError, match=r"network\.0\.head is not finite"):
        state_of(state_bytes(State(arrays={"network.0.head": array})))


def test_facts_that_are_no_number_cannot_be_written():
    with pytest.raises(ValueError, match="Out of range"):
        state_bytes(State(facts={"x": float("nan")}))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 7,
        b"\xff" * 8,  # a header of 2**64 - 1 bytes
        b"{}",
        safetensors.numpy.save({"a": np.zeros(3)}),  # no facts
        safetensors.numpy.save({"a": np.zeros(3)}, metadata={"facts": "{"}),
        safetensors.numpy.save({"a": np.zeros(3)}, metadata={"other": "{}"}),
        *(safetensors.numpy.save({}, metadata={"facts": text}) for text in FOREIGN_FACTS),
    ],
)
def test_what_is_no_state_is_refused(content):
    with pytest.raises(ValueError, match="no model state"):
        state_of(content)


def test_a_state_cut_anywhere_is_refused():
    content = state_bytes(STATE)
    for length in range(0, len(content), 7):
        with pytest.raises(ValueError, match="no model state"):
            state_of(content[:length])


def test_the_facts_are_json_in_the_header_and_nothing_else_is_there():
    content = state_bytes(STATE)
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert header["__metadata__"].keys() == {"facts"}
    assert json.loads(header["__metadata__"]["facts"]) == STATE.facts
