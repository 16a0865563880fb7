"""Models whose files are whole and sealed, and whose states are not those of any fit."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import cycle, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from nextclose.errors import BundleError
from nextclose.models.state import State, encode_state
from nextclose.serving.bundle import Bundle, write_bundle
from nextclose.serving.manifest import MODEL
from nextclose.serving.predictor import load_bundle
from tests.serving.bundles import MEMBERS, forged, forged_content, late_bundle, refused

MODELS = (*MEMBERS, "hybrid")
# Only a replay shows for how many horizons the one array of garch that has any should be.
MODEL_OR_WHOLE = r"model\.safetensors|do not fit together"
Facts = dict[str, Any]
Place = tuple[str | int, ...]  # keys and positions

made = cache(late_bundle)


@pytest.fixture(params=MODELS)
def model(request) -> Bundle:
    return made(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bundle"


def refusal(folder: Path, bundle: Bundle, state: State) -> str:
    """What is said against the bundle with another state; it must be refused before a forecast."""
    if not folder.exists():
        write_bundle(folder, bundle)
    forged(folder, MODEL, state)
    return refused(folder, name=MODEL).found


# --- every array ---


def wrong(array: np.ndarray) -> Iterator[np.ndarray]:
    """The array of another type, with one row more or less, and with another number of axes."""
    other = {"float64": np.float32, "float32": np.float64, "int64": np.int32, "int32": np.int64}
    yield array.astype(other.get(str(array.dtype), np.int16))
    yield array[..., None]
    yield np.concatenate([array, np.zeros_like(array, shape=(1, *array.shape[1:]))])
    if len(array):
        yield array[:-1]


def test_a_model_with_an_array_missing_or_of_another_shape_or_type_is_refused(model, folder):
    state = encode_state(model.fitted)
    for name, array in state.arrays.items():
        others = {key: value for key, value in state.arrays.items() if key != name}
        assert refusal(folder, model, replace(state, arrays=others)), name
        for forgery in wrong(array):
            forged(folder, MODEL, replace(state, arrays={**others, name: forgery}))
            with pytest.raises(BundleError, match=MODEL_OR_WHOLE):
                load_bundle(folder)
    write_bundle(folder, model)
    load_bundle(folder)


def test_an_array_that_no_part_of_the_model_reads_is_refused(model, folder):
    state = encode_state(model.fitted)
    arrays = {**state.arrays, "forests.9.arrays.left": np.zeros(1, dtype=np.int32)}
    assert "forests.9.arrays.left" in refusal(folder, model, replace(state, arrays=arrays))


# --- every fact ---


def places(facts: Facts, path: Place = ()) -> Iterator[Place]:
    """Where every fact stands, those of parts in lists and pairs too; how a training went is no
    fact that a forecast needs.
    """
    for key, value in facts.items():
        yield (*path, key)
        for step, own in parts(value) if key != "curves" else ():
            yield from places(own, (*path, key, *step))


def parts(value: Any) -> Iterator[tuple[Place, Facts]]:
    """The parts in a fact: itself, the items of a list, the second items of pairs."""
    if isinstance(value, dict):
        yield (), value
    for i, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield (i,), item
        elif isinstance(item, list) and len(item) == 2 and isinstance(item[1], dict):
            yield (i, 1), item[1]


def with_fact(facts: Facts, path: Place, change: Callable[[Any, Any], Any]) -> Facts:
    changed = copy.deepcopy(facts)
    inner: Any = changed
    for key in path[:-1]:
        inner = inner[key]
    change(inner, path[-1])
    return changed


WRONG_FACTS: tuple[Any, ...] = (None, "x", -1, True, {"x": 1}, [[]], ["x"], [1.5, "x"])


def test_the_facts_that_are_forged_are_those_of_all_parts():
    found = {
        (path[0], path[-1]) for path in places(dict(encode_state(made("hybrid").fitted).facts))
    }
    assert {
        *(("members", name) for name in ("nu", "variance", "edition", "symbols", "names")),
        *(("record", "symbols"), ("fitted_at", "fitted_at")),
    } <= found


def assert_refused(model, folder, path, value) -> None:
    if path[-1] == "session" and value == -1 and value is not True:
        return  # the last day of 1969 is a day
    state = encode_state(model.fitted)
    assert refusal(folder, model, said(*path, value=value)(state)), (path, value)


def test_a_model_with_a_fact_missing_or_of_another_kind_is_refused(model, folder):
    state = encode_state(model.fitted)
    for path, value in zip(places(dict(state.facts)), cycle(WRONG_FACTS), strict=False):
        without = with_fact(dict(state.facts), path, lambda inner, key: inner.pop(key))
        assert refusal(folder, model, replace(state, facts=without)), path
        assert_refused(model, folder, path, value)


@pytest.mark.slow
def test_a_model_with_a_fact_of_any_other_kind_is_refused(model, folder):
    for path, value in product(places(dict(encode_state(model.fitted).facts)), WRONG_FACTS):
        assert_refused(model, folder, path, value)


def test_a_number_that_is_not_finite_is_no_fact(model, folder):
    state = encode_state(model.fitted)
    write_bundle(folder, model)
    n_forged = 0
    for path in places(dict(state.facts)):
        for number in ("NaN", "Infinity", "-Infinity", "1e999"):
            facts = json.dumps(said(*path, value="HERE")(state).facts).replace('"HERE"', number)
            content = safetensors.numpy.save(dict(state.arrays), metadata={"facts": facts})
            forged_content(folder, MODEL, content)
            assert "no model state" in refused(folder, name=MODEL).found, path
            n_forged += 1
    assert n_forged or not state.facts


def test_a_fact_that_no_part_of_the_model_states_is_refused(model, folder):
    state = encode_state(model.fitted)
    found = refusal(folder, model, replace(state, facts={**state.facts, "extra": 1}))
    assert "would not state" in found
    for path in places(dict(state.facts)):
        inner: Any = state.facts
        for key in path:
            inner = inner[key]
        if isinstance(inner, dict):
            forgery = said(*path, "extra", value=1)(state)
            assert refusal(folder, model, forgery), path


# --- parts that contradict each other ---


def put(name: str, index: Any, value: Any) -> Callable[[State], State]:
    def changed(state: State) -> State:
        array = state.arrays[name].copy()
        array[index] = value
        return replace(state, arrays={**state.arrays, name: array})

    return changed


def said(*path: str | int, value: Any) -> Callable[[State], State]:
    def change(inner: Any, key: Any) -> None:
        inner[key] = value

    return lambda state: replace(state, facts=with_fact(dict(state.facts), path, change))


def more(*path: str | int, value: Any) -> Callable[[State], State]:
    """One item more at the end of a list of facts."""
    return lambda state: replace(
        state,
        facts=with_fact(dict(state.facts), path, lambda inner, key: inner[key].append(value)),
    )


def fewer(*path: str | int) -> Callable[[State], State]:
    """One item less at the end of a list of facts."""
    return lambda state: replace(
        state, facts=with_fact(dict(state.facts), path, lambda inner, key: inner[key].pop())
    )


def of_member(name: str, *path: str | int) -> Place:
    """Where a fact of a member stands in the hybrid's."""
    return ("members", MEMBERS.index(name), 1, *path)


def of_filter(symbol: int, *path: str) -> Place:
    """Where a fact of a symbol's filter stands in garch's."""
    return ("filters", symbol, 1, *path)


def waiting_twice(state: State) -> State:
    names = ("waiting_symbol", "waiting_horizon", "waiting_origin", "ranges")
    keys = [f"record.{name}" for name in names]
    doubled = {key: np.concatenate([state.arrays[key], state.arrays[key][:1]]) for key in keys}
    return replace(state, arrays={**state.arrays, **doubled})


def narrower(name: str) -> Callable[[State], State]:
    """An array without its last column."""
    return lambda state: replace(
        state,
        arrays={**state.arrays, name: np.ascontiguousarray(state.arrays[name][:, :-1])},
    )


AFTER = 60_000  # a day number of 2134
CONTRADICTIONS: list[tuple[str, Callable[[State], State], str]] = [
    ("hybrid", more("members", value=["naive", {}]), "'naive' cannot take part"),
    ("hybrid", more("members", value=["hybrid", {}]), "'hybrid' cannot take part"),
    ("hybrid", more("members", value=["ewma", {}]), "no array spread"),
    ("hybrid", more("members", value=["garch", {}]), "distinct names"),
    ("hybrid", more("members", value=["garch"]), ""),
    ("hybrid", fewer("members"), "members.lstm.networks.0.head is not part"),
    ("hybrid", said("fitted_at", value=AFTER), "a hybrid of 2134-04-11"),
    ("hybrid", said("members", value=[]), ""),
    ("hybrid", said("context_sessions", value=69), "not the 6 of its members"),
    ("hybrid", said("family", value="classic"), "of its members"),
    ("hybrid", said("record", "symbols", value=["AAA", "AAA", "CCC"]), "distinct names"),
    ("hybrid", said("record", "symbols", value=["AAA", "BBB"]), "last has 3 along recorded"),
    ("hybrid", narrower("record.resolved"), "along horizon"),
    ("hybrid", narrower("record.ranges"), "two rising ends"),
    ("hybrid", put("record.misses", (0, 0), -0.1), "misses are below 0"),
    ("hybrid", put("record.misses", (1, 2), 1e9), "more than there are forecasts"),
    ("hybrid", put("record.resolved", (1, 1), -1.0), "more than there are forecasts"),
    ("hybrid", put("record.waiting_symbol", 0, 3), "beyond the 3"),
    ("hybrid", put("record.waiting_symbol", 0, -1), "beyond the 3"),
    ("hybrid", put("record.waiting_horizon", 0, 3), "beyond the 3"),
    ("hybrid", put("record.waiting_origin", 0, AFTER), "newer than its symbol's newest"),
    ("hybrid", put("record.last", 0, 0), "newer than its symbol's newest"),
    ("hybrid", put("record.ranges", (0, 0), 9.0), "two rising ends"),
    ("hybrid", waiting_twice, "waits twice"),
    ("hybrid", put("members.loghar.scale.widths", (0, 0), 0.0), "widths is not above 0"),
    ("hybrid", said(*of_member("lstm", "edition"), value=""), "an edition has one network"),
    (
        "hybrid",
        said(*of_member("garch", *of_filter(1, "parameters", "nu")), value=2.0),
        "variance is infinite",
    ),
    ("loghar", put("scale.widths", (1, 0), -0.01), "widths is not above 0"),
    ("loghar", said("scale", "names", value=["move_ratio_1"]), "weights for 2 inputs"),
    ("loghar", said("scale", "symbols", value=["AAA", "BBB"]), "widths has 3 along"),
    ("trees", said("scale", "symbols", value=["AAA", "BBB"]), "widths has 3 along"),
    ("trees", narrower("shares"), "shares of shape"),
    ("trees", fewer("names"), "shares of shape"),
    ("trees", fewer("forests"), "2 forests for 3 horizons"),
    ("trees", said("forests", 0, "n_features", value=10**9), "features"),
    ("trees", put("forests.0.arrays.offsets", 0, 1), "offsets"),
    ("lstm", said("edition", value=""), "an edition has one network"),
    ("lstm", said("edition", value="2004"), "Invalid isoformat string"),
    ("lstm", fewer("networks"), "an edition has one network"),
    ("lstm", more("networks", value={}), "no array lstm_input"),
    ("lstm", narrower("networks.0.lstm_state"), "along unit"),
    ("lstm", narrower("networks.0.lstm_input"), "lstm_input of shape"),
    ("lstm", narrower("networks.0.layer"), "layer of shape"),
    ("garch", said(*of_filter(0, "parameters", "nu"), value=2.0), "variance is infinite"),
    ("garch", said(*of_filter(1, "parameters", "nu"), value=1.0), "variance is infinite"),
    ("garch", said(*of_filter(2, "parameters", "omega"), value=-1e-6), "variance is infinite"),
    ("garch", said(*of_filter(0, "variance"), value=0.0), "variance is infinite, 0 or below"),
    ("garch", said(*of_filter(2, "variance"), value=-1e-4), "variance is infinite, 0 or below"),
    ("garch", said(*of_filter(1, "variance"), value="0.0001"), "expected a float"),
    ("garch", said(*of_filter(1, "variance"), value=1), "expected a float"),
    ("garch", said(*of_filter(1, "parameters", "alpha"), value=0), "expected a float"),
    ("garch", said(*of_filter(1, "session"), value=12_000.0), "expected a int"),
    ("garch", said(*of_filter(1, "session"), value=10**30), "no day"),
    ("garch", said("filters", 2, 0, value="BBB"), "distinct names"),
    ("garch", said("filters", 2, 0, value=3), "distinct names"),
    ("garch", said("filters", 2, value=["CCC"]), "expected pairs"),
    ("garch", said("filters", value={"AAA": {}}), "expected a list"),
    ("garch", said("failed", value=["ZZZ"]), "not all of them have a filter"),
]


@pytest.mark.parametrize(("name", "forgery", "says"), CONTRADICTIONS)
def test_parts_that_contradict_each_other_are_refused_saying_which(folder, name, forgery, says):
    assert says in refusal(folder, made(name), forgery(encode_state(made(name).fitted)))


# --- what no file reaches ---


@pytest.mark.parametrize("name", ["trees", "hybrid"])
def test_a_bundle_is_loaded_and_forecasts_without_xgboost(folder, name):
    write_bundle(folder, made(name))
    code = (
        "import sys; from pathlib import Path; from nextclose.serving.predictor import load_bundle;"
        "load_bundle(Path(sys.argv[1])); print('xgboost' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(folder)]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True)
    assert loaded.stdout == "False\n"
