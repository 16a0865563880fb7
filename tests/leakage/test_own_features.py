"""A feature of the user's own looks back, or it is caught: `--feature MODULE:NAME` adds yours."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextclose.features.columns import Feature, SymbolBars
from nextclose.schema import Floats
from tests.leakage.artefacts import Pipeline, leaks
from tests.leakage.worlds import FAULTS, day, every_world, perturbed, ragged_panel

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
CUTS = [day(row) for row in FAULTS]


def feature_leaks(features: Mapping[str, Feature]) -> dict[str, str]:
    """What differs though it was known, and where that first showed: which row, after which date.

    In any of the futures; empty if nothing does.
    """
    assert features, "no features given"
    pipeline, base = Pipeline(models=(), own=features), ragged_panel()
    made = pipeline.artefacts(base)
    for name in features:  # one that is not there, or never past its look-back, proves nothing
        column = made.get(f"feature {name}")
        assert column is not None, f"{name}: the panel lacks a column that it needs"
        assert np.isfinite(column.value).any(), f"{name}: the panel is shorter than its look-back"
    found: dict[str, str] = {}
    for cut, world, scope in every_world(CUTS, step=2):
        for line in leaks(made, pipeline.artefacts(perturbed(base, cut, world, scope)), at=cut):
            name, _, row = line.partition(", ")
            found.setdefault(name, f"{row} moves with what comes after {cut} ({world}, {scope})")
    return found


@cache
def features_of_the_page() -> Mapping[str, Feature]:
    """`features` as docs/extending.md defines them."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = (block for block in blocks if "features = {" in block)
    names: dict[str, Any] = {}
    exec(compile("import numpy as np\nimport nextclose as nc\n" + block, PAGE.name, "exec"), names)  # noqa: S102 -- our own page
    features: Mapping[str, Feature] = names["features"]
    return features


def looking_ahead(feature: Feature) -> Feature:
    """Its twin that leaks: centred on the session instead of ending there."""

    def centred(bars: SymbolBars) -> Floats:
        values = feature.values(bars)
        ahead = np.concatenate([values[2:], values[-2:]])
        return np.asarray(
            np.nan_to_num(ahead)
        )  # unknown before its range is missing, it would be refused

    return Feature(centred, lookback_sessions=feature.lookback_sessions, needs=feature.needs)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "place" in metafunc.fixturenames:
        asked = metafunc.config.getoption("--feature", default=[])
        metafunc.parametrize("place", [PAGE.name, *asked])


def test_a_feature_looks_back(place):
    if place == PAGE.name:
        features = features_of_the_page()
    else:
        module, colon, name = place.partition(":")
        assert colon, f"--feature {place}: expected MODULE:NAME"
        features = getattr(import_module(module), name)
    assert feature_leaks(features) == {}


def test_its_twin_that_looks_two_sessions_ahead_is_caught_and_named():
    twins = {name: looking_ahead(own) for name, own in features_of_the_page().items()}
    assert set(feature_leaks(twins)) == {f"feature {name}" for name in twins}


def test_what_a_model_makes_of_an_own_feature_is_caught_too():
    """Trees read it: fits and forecasts of before the cut move with what comes after it."""
    (name, own), *_ = features_of_the_page().items()
    pipelines = {
        is_leaky: Pipeline(models=("naive", "trees"), own={name: feature})
        for is_leaky, feature in ((False, own), (True, looking_ahead(own)))
    }
    cut, base = CUTS[-1], ragged_panel()
    for is_leaky, pipeline in pipelines.items():
        made, other = (pipeline.artefacts(frame) for frame in (base, perturbed(base, cut, "x1e6")))
        assert bool(leaks(made, other, at=cut)) is is_leaky


def test_what_would_prove_nothing_is_not_passed():
    too_long = Feature(lambda bars: bars.close, lookback_sessions=1500)
    absent = Feature(lambda bars: bars.close, lookback_sessions=0, needs=("vwap",))
    for features in ({}, {"too_long": too_long}, {"absent": absent}):
        with pytest.raises(AssertionError):
            feature_leaks(features)
