"""The codec of fitted models: what it writes down it builds again, and nothing else passes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np
import pytest

from nextclose.config import ClassicConfig, canonical_json
from nextclose.models.state import (
    UNSAVED,
    State,
    checked_array,
    decode_state,
    encode_state,
    fact,
    names_in,
    refuse_not_above_zero,
    refuse_unlike,
)
from nextclose.schema import Floats, Floats32, Ints, Spread
from nextclose.serving.states import state_bytes, state_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part whose `gains` run along the same inputs as those of the whole."""

    inputs: Annotated[tuple[str, ...], "input"]
    gains: Annotated[Floats, "float64 horizon input"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """One of several: its axes are its own."""

    nodes: Annotated[Ints, "int64 node"]
    leaves: Annotated[Floats, "float64 node"]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One field of each kind that can be written down."""

    spread: Spread
    raw: Floats32
    count: int
    share: float
    title: str
    is_done: bool
    perhaps: int | None
    losses: tuple[float, ...]
    names: tuple[str, ...]
    settings: ClassicConfig = field(metadata={UNSAVED: ("device",)})
    part: Part
    grown: tuple[Grown, ...]
    by_name: Mapping[str, Grown]
    layers: Mapping[str, Floats32]
    cache: Any = field(default=None, metadata={UNSAVED: True})


def grown(n: int) -> Grown:
    return Grown(nodes=np.arange(n), leaves=np.linspace(0.1, 0.3, n), size=n)


def whole() -> Whole:
    return Whole(
        spread=np.random.default_rng(0).standard_normal((2, 23)),
        raw=np.array([[0.1, -0.0], [np.pi, 1e-30]], dtype=np.float32),
        count=3,
        share=0.1 + 0.2,
        title="é",
        is_done=True,
        perhaps=None,
        losses=(1e-17, 2.0),
        names=("b", "a"),
        settings=ClassicConfig(max_epochs=7, device="cuda"),
        part=Part(inputs=("x", "y", "z"), gains=np.arange(6.0).reshape(2, 3)),
        grown=(grown(2), grown(5)),
        by_name={"ZZZ": grown(1), "AAA": grown(3)},
        layers={"two.weight": np.zeros((2, 0), np.float32), "one": np.ones(1, np.float32)},
        cache="what can be made again",
    )


def through_bytes(state: State) -> State:
    return state_of(state_bytes(state))


def again_of(fitted: Whole) -> Whole:
    return decode_state(Whole, through_bytes(encode_state(fitted)))


def refusal(state: State, kind: type = Whole) -> str:
    """What is said against a state."""
    with pytest.raises((ValueError, KeyError, TypeError)) as caught:
        decode_state(kind, state)
    return str(caught.value)


def changed(*path: str | int, value: Any) -> State:
    """The state of `whole()` with another fact."""
    state = encode_state(whole())
    facts: Any = json.loads(canonical_json(dict(state.facts)))
    inner = facts
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return replace(state, facts=facts)


def with_array(name: str, array: np.ndarray | None) -> State:
    """The state of `whole()` with another array, or without it."""
    state = encode_state(whole())
    assert name in state.arrays
    arrays = {**state.arrays, name: array}
    return replace(state, arrays={k: v for k, v in arrays.items() if v is not None})


# --- there and back ---


def test_every_kind_of_field_comes_back_bit_for_bit():
    before, after = whole(), again_of(whole())
    for name in ("spread", "raw"):
        one, two = getattr(before, name), getattr(after, name)
        assert (one.dtype, one.shape, one.tobytes()) == (two.dtype, two.shape, two.tobytes())
    for name in ("count", "share", "title", "is_done", "perhaps", "losses", "names"):
        assert getattr(after, name) == getattr(before, name), name
        assert type(getattr(after, name)) is type(getattr(before, name)), name
    assert after.part.inputs == before.part.inputs
    np.testing.assert_array_equal(after.part.gains, before.part.gains)
    for one, two in zip(
        (*before.grown, *before.by_name.values()),
        (*after.grown, *after.by_name.values()),
        strict=True,
    ):
        assert (one.size, one.nodes.tolist()) == (two.size, two.nodes.tolist())
        assert one.leaves.tobytes() == two.leaves.tobytes()
    assert list(after.by_name) == ["ZZZ", "AAA"]  # in their order, though JSON is sorted
    assert list(after.layers) == ["two.weight", "one"]
    for name, array in before.layers.items():
        assert after.layers[name].dtype == array.dtype
        assert after.layers[name].shape == array.shape
        assert after.layers[name].tobytes() == array.tobytes()
    assert state_bytes(encode_state(after)) == state_bytes(encode_state(before))


def test_empty_tuples_and_mappings_come_back_empty():
    bare = replace(whole(), losses=(), names=(), grown=(), by_name={}, layers={}, perhaps=5)
    after = again_of(bare)
    assert (after.losses, after.names, after.grown) == ((), (), ())
    assert (after.by_name, after.layers, after.perhaps) == ({}, {}, 5)


def test_what_is_unsaved_is_not_written_and_comes_back_as_its_default():
    state = encode_state(whole())
    assert "cache" not in state.facts
    assert "device" not in state.facts["settings"]
    after = decode_state(Whole, through_bytes(state))
    assert after.cache is None
    assert after.settings == ClassicConfig(max_epochs=7)  # on the default device
    other = replace(whole(), cache="another", settings=ClassicConfig(max_epochs=7, device="cpu"))
    assert state_bytes(encode_state(other)) == state_bytes(state)


@pytest.mark.parametrize(
    "forgery",
    [("cache", "x"), ("settings", {**ClassicConfig(max_epochs=7).model_dump(mode="json")})],
)
def test_what_is_unsaved_is_refused_if_it_is_stated(forgery):
    name, value = forgery
    assert "would not state" in refusal(changed(name, value=value))


# --- arrays that are not those of the class ---


@pytest.mark.parametrize(
    "name", sorted(encode_state(whole()).arrays), ids=lambda name: name.replace(".", " ")
)
def test_a_missing_array_is_refused_naming_it(name):
    assert f"no array {name.removeprefix('part.')}" in refusal(with_array(name, None)) or (
        name.startswith(("grown", "by_name")) and "no array" in refusal(with_array(name, None))
    )


@pytest.mark.parametrize(
    ("name", "array", "says"),
    [
        ("spread", np.zeros((2, 23), np.float32), r"spread is float32 (2, 23), expected float64"),
        ("spread", np.zeros((2, 23), np.int64), "spread is int64"),
        ("spread", np.zeros(23), "spread is float64 (23,), expected float64 horizon level"),
        ("spread", np.zeros((2, 22)), "spread has 22 along level, expected 23"),
        ("part.gains", np.zeros((2, 4)), "gains has 4 along input, expected 3"),
        ("part.gains", np.zeros((3, 3)), "gains has 3 along horizon, expected 2"),  # the spread's
        ("grown.1.leaves", np.zeros(4), "leaves has 4 along node, expected 5"),
        ("grown.1.nodes", np.zeros(5), "nodes is float64"),
        ("by_name.AAA.nodes", np.arange(4), "leaves has 3 along node, expected 4"),
    ],
)
def test_an_array_of_another_type_or_shape_is_refused(name, array, says):
    assert says in refusal(with_array(name, array))


def test_an_array_of_any_shape_is_taken_as_it_is():
    other = np.arange(3, dtype=np.int16)
    state = with_array("raw", other)
    np.testing.assert_array_equal(decode_state(Whole, state).raw, other)


@pytest.mark.parametrize(
    "name", ["extra", "part.extra", "grown.2.nodes", "by_name.BBB.nodes", "layers.three", "part"]
)
def test_an_array_that_nothing_reads_is_refused(name):
    state = encode_state(whole())
    more = replace(state, arrays={**state.arrays, name: np.zeros(1)})
    assert f"{name} is not part of this model, or missing" in refusal(more)


# --- facts that are not those of the class ---


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("count",), True, "fact 'count' is True, expected a int"),
        (("count",), 3.0, "expected a int"),
        (("count",), "3", "expected a int"),
        (("count",), None, "expected a int"),
        (("share",), 1, "fact 'share' is 1, expected a float"),
        (("share",), True, "expected a float"),
        (("title",), 3, "expected a str"),
        (("title",), None, "expected a str"),
        (("is_done",), 1, "expected a bool"),
        (("perhaps",), 1.0, "expected a int"),
        (("perhaps",), True, "expected a int"),
        (("perhaps",), "x", "expected a int"),
        (("losses",), [1.0, 2], "expected floats"),
        (("losses",), [True], "expected floats"),
        (("losses",), 1.0, "expected a list"),
        (("losses",), {"0": 1.0}, "expected a list"),
        (("names",), ["a", "a"], "expected distinct names"),
        (("names",), ["a", 1], "expected distinct names"),
        (("names",), "ab", "expected a list"),
        (("settings", "max_epochs"), 0, "greater than or equal to 1"),
        (("settings", "max_epochs"), "7", "valid integer"),
        (("settings", "other"), 1, "not permitted"),
        (("settings",), [], "valid dictionary"),
        (("part",), [], "expected a dict"),
        (("part", "inputs"), ["x", "y"], "gains has 3 along input, expected 2"),
        (("part", "inputs"), ["x", "y", "y"], "expected distinct names"),
        (("part", "extra"), 1, "would not state"),
        (("grown",), {"0": {}}, "expected a list"),
        (("grown", 0), [], "expected a dict"),
        (("grown", 0), None, "expected a dict"),
        (("grown", 1, "size"), False, "expected a int"),
        (("by_name",), {"ZZZ": {}}, "expected a list"),
        (("by_name", 0), ["ZZZ"], "expected pairs"),
        (("by_name", 0), ["ZZZ", {"size": 1}, 3], "expected pairs"),
        (("by_name", 0), "ZZ", "expected pairs"),
        (("by_name", 0, 0), "AAA", "expected distinct names"),
        (("by_name", 0, 0), 1, "expected distinct names"),
        (("by_name", 0, 0), "BBB", "no array"),
        (("by_name", 0, 1), 1, "expected a dict"),
        (("layers",), ["one", "one"], "expected distinct names"),
        (("layers",), ["two.weight", "three"], "no array layers.three"),
        (("layers",), ["one"], "layers.two.weight is not part of this model"),
        (("layers",), [["one"], "two.weight"], "expected distinct names"),
        (("extra",), 1, "would not state"),
    ],
)
def test_a_fact_of_another_kind_is_refused(path, value, says):
    assert says in refusal(changed(*path, value=value))


@pytest.mark.parametrize("name", sorted(encode_state(whole()).facts))
def test_a_missing_fact_is_refused_naming_it(name):
    state = encode_state(whole())
    facts = {key: value for key, value in state.facts.items() if key != name}
    assert name in refusal(replace(state, facts=facts))


def test_a_missing_fact_is_not_replaced_by_the_default_of_its_field():
    @dataclass(frozen=True)
    class WithDefault:
        n: int = 3

    assert decode_state_of(WithDefault, {"n": 3}).n == 3
    with pytest.raises(ValueError, match="no fact 'n'"):
        decode_state_of(WithDefault, {})


def decode_state_of(kind: Any, facts: Mapping[str, Any]) -> Any:
    return decode_state(kind, State(facts=facts))


def test_the_settings_of_a_state_are_all_stated():
    # pydantic would fill them in; what is written down anew then differs
    state = encode_state(whole())
    settings = {k: v for k, v in state.facts["settings"].items() if k != "symbols"}
    assert "would not state" in refusal(changed("settings", value=settings))


# --- what the class itself asks for ---


@dataclass(frozen=True)
class Positive:
    n: int

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError("n is below 1")


def test_a_class_that_refuses_its_values_refuses_the_state():
    assert decode_state(Positive, State(facts={"n": 1})) == Positive(1)
    assert refusal(State(facts={"n": 0}), Positive) == "n is below 1"


# --- models inside models ---


@dataclass(frozen=True)
class Outer:
    inner: Any
    each: tuple[Any, ...]
    named: Mapping[str, Any]


def test_models_inside_are_made_by_who_knows_them_by_their_names():
    outer = Outer(inner=Positive(1), each=(Positive(2), Positive(3)), named={"x": grown(2)})
    state = through_bytes(encode_state(outer))
    asked = []

    def build(name: str, part: State) -> Any:
        asked.append(name)
        return decode_state(Grown if name == "x" else Positive, part)

    again = decode_state(Outer, state, build_part=build)
    assert asked == ["inner", "0", "1", "x"]
    assert (again.inner, again.each) == (outer.inner, outer.each)
    assert again.named["x"].nodes.tolist() == [0, 1]
    with pytest.raises(ValueError, match="inner is a model inside another that nobody builds"):
        decode_state(Outer, state)


# --- what cannot be written down ---


@pytest.mark.parametrize(
    ("value", "kind"),
    [({1, 2}, "set"), (lambda: 0, "function"), ([1, 2], "list"), (b"x", "bytes"), (1j, "complex")],
)
def test_a_field_of_a_kind_that_cannot_be_written_down_is_named(value, kind):
    @dataclass(frozen=True)
    class Odd:
        strange: Any

    with pytest.raises(TypeError, match=f"field 'strange' is a {kind}: it cannot be written down"):
        encode_state(Odd(value))


@pytest.mark.parametrize("value", [object(), 3, {"a": 1}, Positive])
def test_what_is_no_dataclass_cannot_be_written_down(value):
    with pytest.raises(TypeError, match="cannot be written down"):
        encode_state(value)


def test_what_is_no_dataclass_deep_inside_cannot_either():
    with pytest.raises(TypeError, match="object is no dataclass"):
        encode_state(Outer(inner=Positive(1), each=(object(),), named={}))


# --- the pieces ---


def test_a_part_has_the_arrays_and_facts_under_its_name():
    arrays = {"a.x": np.ones(1), "a.b.y": np.ones(2), "ab.x": np.ones(3), "x": np.ones(4)}
    state = State(arrays=arrays, facts={"a": {"n": 1}, "n": 2})
    part = state.part("a")
    assert part.facts == {"n": 1}
    assert {name: len(array) for name, array in part.arrays.items()} == {"x": 1, "b.y": 2}
    with pytest.raises(ValueError, match="fact 'b' is None, expected a dict"):
        state.part("b")


def test_axes_get_their_length_from_the_first_array_that_has_them():
    lengths = {"input": 2}
    arrays = {"w": np.zeros((3, 2)), "v": np.zeros(3), "u": np.zeros(4)}
    assert checked_array(arrays, "w", "float64 horizon input", lengths) is arrays["w"]
    assert lengths == {"input": 2, "horizon": 3}
    checked_array(arrays, "v", "float64 horizon", lengths)
    with pytest.raises(ValueError, match="u has 4 along horizon, expected 3"):
        checked_array(arrays, "u", "float64 horizon", lengths)
    with pytest.raises(ValueError, match="no array t, expected float64 horizon"):
        checked_array(arrays, "t", "float64 horizon", lengths)
    with pytest.raises(ValueError, match="no array t, expected one"):
        checked_array(arrays, "t", "", lengths)


def test_zero_is_not_above_zero():
    refuse_not_above_zero(a=np.array([1e-9, 2.0]), none=np.empty(0))
    for low in (0.0, -1.0):
        with pytest.raises(ValueError, match="b is not above 0"):
            refuse_not_above_zero(a=np.ones(1), b=np.array([1.0, low]))


@pytest.mark.parametrize("value", [True, 1.0, "1", None, [1]])
def test_a_count_is_a_whole_number_and_nothing_else(value):
    assert fact({"n": 1}, "n", kind=int) == 1
    with pytest.raises(ValueError, match=r"fact 'n' is .*, expected a int"):
        fact({"n": value}, "n", kind=int)


@pytest.mark.parametrize("facts", [{}, [], None, "names"])
def test_facts_that_are_none_are_refused(facts):
    with pytest.raises(ValueError, match="fact 'names' is None"):
        names_in(facts, "names")


@pytest.mark.parametrize("values", ["AAA", ["AAA", "AAA"], ["AAA", 1], [["AAA"]], {"AAA": 1}])
def test_names_are_distinct_texts_in_a_list(values):
    assert names_in({"names": ["B", "A"]}, "names") == ("B", "A")
    with pytest.raises(ValueError, match="fact 'names' is"):
        names_in({"names": values}, "names")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda state: replace(state, arrays={}), "is not part of this model, or missing"),
        (lambda state: replace(state, facts={}), "would not state"),
    ],
)
def test_two_states_are_alike_in_names_of_arrays_and_in_all_facts(
    change: Callable[[State], State], says
):
    state = encode_state(grown(2))
    refuse_unlike(state, state)
    with pytest.raises(ValueError, match=says):
        refuse_unlike(state, change(state))
