"""Models whose files are whole and sealed, and whose states are not those of any fit."""

import copy
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextclose.errors import BundleError
from nextclose.models.protocol import State
from nextclose.serving.bundle import MODEL, Bundle, write_bundle
from nextclose.serving.predictor import load_bundle
from tests.serving.bundles import MEMBERS, forged, late_bundle, refused

MODELS = (*MEMBERS, "hybrid")
# Only a replay shows for how many horizons the one array of garch that has any should be.
MODEL_OR_WHOLE = r"model\.safetensors|do not fit together"
Facts = dict[str, Any]

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
    state = model.fitted.state()
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
    state = model.fitted.state()
    arrays = {**state.arrays, "forest.9.left": np.zeros(1, dtype=np.int32)}
    assert "forest.9.left" in refusal(folder, model, replace(state, arrays=arrays))


# --- every fact ---


def places(facts: Facts, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Keys of all facts, nested ones too; which curves there are is no fact a forecast needs."""
    for key, value in facts.items():
        yield (*path, key)
        if isinstance(value, dict) and key != "curves":
            yield from places(value, (*path, key))


def with_fact(facts: Facts, path: tuple[str, ...], change: Callable[[Facts, str], Any]) -> Facts:
    changed = copy.deepcopy(facts)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    change(inner, path[-1])
    return changed


WRONG_FACTS: tuple[Any, ...] = (None, "x", -1, True, {"x": 1}, [[]], ["x"], [1.5, "x"])


def test_a_model_with_a_fact_missing_or_of_another_kind_is_refused(model, folder):
    state = model.fitted.state()
    for path in places(dict(state.facts)):
        without = with_fact(dict(state.facts), path, lambda inner, key: inner.pop(key))
        assert refusal(folder, model, replace(state, facts=without)), path
        for value in WRONG_FACTS:
            assert refusal(folder, model, said(*path, value=value)(state)), (path, value)


def test_a_fact_that_no_part_of_the_model_states_is_refused(model, folder):
    state = model.fitted.state()
    found = refusal(folder, model, replace(state, facts={**state.facts, "extra": 1}))
    assert "would not state" in found


# --- parts that contradict each other ---


def put(name: str, index: Any, value: Any) -> Callable[[State], State]:
    def changed(state: State) -> State:
        array = state.arrays[name].copy()
        array[index] = value
        return replace(state, arrays={**state.arrays, name: array})

    return changed


def said(*path: str, value: Any) -> Callable[[State], State]:
    return lambda state: replace(
        state,
        facts=with_fact(dict(state.facts), path, lambda inner, key: inner.update({key: value})),
    )


def waiting_twice(state: State) -> State:
    names = ("waiting_symbol", "waiting_horizon", "waiting_origin", "thresholds")
    arrays = {f"calibration.{name}": state.arrays[f"calibration.{name}"] for name in names}
    doubled = {name: np.concatenate([a, a[:1]]) for name, a in arrays.items()}
    return replace(state, arrays={**state.arrays, **doubled})


AFTER = 60_000  # a day number of 2134
CONTRADICTIONS: list[tuple[str, Callable[[State], State], str]] = [
    ("hybrid", said("order", value=[*MEMBERS, "naive"]), "'naive' cannot take part"),
    ("hybrid", said("order", value=[*MEMBERS, "hybrid"]), "'hybrid' cannot take part"),
    ("hybrid", said("order", value=[*MEMBERS, "ewma"]), "'ewma'"),
    ("hybrid", said("order", value=[*MEMBERS, "garch"]), "distinct names"),
    ("hybrid", said("order", value=list(MEMBERS[:3])), "along member"),
    ("hybrid", said("order", value=[]), ""),
    ("hybrid", said("context_sessions", value=69), "not the 70 of its members"),
    ("hybrid", said("calibration", "symbols", value=["AAA", "AAA", "CCC"]), "distinct names"),
    ("hybrid", said("calibration", "symbols", value=["AAA", "BBB"]), "levels has 3 along symbol"),
    ("hybrid", put("weights", (0, 0), -0.1), "a weight is below 0"),
    ("hybrid", put("calibration.adapts", 0, 2), "adapts is neither 0 nor 1"),
    ("hybrid", put("calibration.waiting_symbol", 0, 3), "beyond the 3"),
    ("hybrid", put("calibration.waiting_symbol", 0, -1), "beyond the 3"),
    ("hybrid", put("calibration.waiting_horizon", 0, 3), "beyond the 3"),
    ("hybrid", put("calibration.waiting_origin", 0, AFTER), "issued after the fit"),
    ("hybrid", waiting_twice, "waits twice"),
    ("hybrid", put("loghar.widths", (0, 0), 0.0), "widths is not above 0"),
    ("hybrid", said("members", "lstm", "settings", "context_sessions", value=71), "not the 71"),
    ("loghar", put("levels", 1, -0.01), "levels is not above 0"),
    ("loghar", said("names", value=["move_ratio_1"]), "along weight"),
    ("loghar", said("symbols", value=["AAA", "BBB"]), "levels has 3 along symbol"),
    ("trees", said("scale", "symbols", value=["AAA", "BBB"]), "levels has 3 along symbol"),
    ("trees", said("importance", value=[[0.5]]), "importance of shape (1, 1)"),
    ("trees", put("forest.0.offsets", 0, 1), "offsets"),
    ("lstm", put("scaler.width", 0, 0.0), "scaler.width is not above 0"),
    ("lstm", said("own", value=[[]]), "shares has 2 along seed"),
    ("lstm", said("own", value=[["AAA"], []]), "no array head.weight"),
    ("lstm", said("settings", "units", value=10**9), "along gate"),  # nothing is allocated
    ("lstm", said("settings", "units", value=0), "greater than or equal to 1"),
    ("garch", put("parameters", (0, 5), 2.0), "infinite or below 0"),
    ("garch", put("parameters", (0, 1), -1e-6), "infinite or below 0"),
    ("garch", put("variance", 0, 0.0), "variance is not above 0"),
    ("garch", said("symbols", value=["AAA", "BBB", "BBB"]), "distinct names"),
    ("garch", said("failed", value=["ZZZ"]), "not all of them have a filter"),
]


@pytest.mark.parametrize(("name", "forgery", "says"), CONTRADICTIONS)
def test_parts_that_contradict_each_other_are_refused_saying_which(folder, name, forgery, says):
    assert says in refusal(folder, made(name), forgery(made(name).fitted.state()))


def test_a_hybrid_that_begins_after_its_golden_forecast_is_refused(folder):
    write_bundle(folder, made("hybrid"))
    forged(folder, MODEL, said("fitted_at", value=AFTER)(made("hybrid").fitted.state()))
    with pytest.raises(BundleError, match="this hybrid is known from 2134"):
        load_bundle(folder)


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
