"""Bundles whose checksums fit and whose contents do not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nextclose.errors import BundleError
from nextclose.models.state import encode_state
from nextclose.serving.bundle import Bundle, write_bundle
from nextclose.serving.manifest import GOLDEN, MANIFEST, MODEL
from nextclose.serving.predictor import load_bundle
from nextclose.serving.states import state_of
from tests.builders import walk_bars
from tests.serving.bundles import bundle_of, forged, refused, rewritten


@pytest.fixture(scope="module")
def made(walked) -> Bundle:
    return bundle_of(walked, walk_bars())


@pytest.fixture
def folder(made, tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bundle", made)
    return tmp_path / "bundle"


# --- manifests that say something else ---


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5.0, 2.5, "5", True, [1], None])
def test_another_format_is_refused_naming_both(folder, number):
    rewritten(folder, format=number)
    error = refused(folder, name=MANIFEST)
    assert (error.found, error.expected) == (f"format {number!r}", "format 5")
    assert "Fix: train again" in str(error)


@pytest.mark.parametrize("number", [6, 7, 10**30])
def test_a_later_format_asks_for_a_later_nextclose_and_not_for_another_training(folder, number):
    rewritten(folder, format=number, more={"of": "the future"})
    assert "Fix: upgrade nextclose" in str(refused(folder, name=MANIFEST))
    assert "train" not in str(refused(folder, name=MANIFEST))


@pytest.mark.parametrize(
    "setting",
    [
        {"splits": "/etc/passwd"},
        {"splits": "splits.csv"},
        {"follow_symlinks": True},
        {"as_of": "2020-01-01"},
    ],
)
def test_a_setting_about_files_of_another_computer_is_refused(folder, setting):
    data = json.loads((folder / MANIFEST).read_bytes())["data"]
    rewritten(folder, data=data | setting)
    (name,) = setting
    assert refused(folder, name=MANIFEST).found == f"a setting data.{name}"


@pytest.mark.parametrize("exchanges", [{"AAA": "nonsense"}, {"AAA": "../x"}, {"AAA": 3}, ["AAA"]])
def test_a_calendar_that_nobody_publishes_is_refused(folder, exchanges):
    rewritten(folder, exchanges=exchanges)
    refused(folder, name=MANIFEST)


def test_features_that_the_golden_bars_do_not_give_are_refused(folder):
    names = json.loads((folder / MANIFEST).read_bytes())["features"]
    for others in (names[:-1], [*names, "more"], names[::-1]):
        rewritten(folder, features=others)
        with pytest.raises(BundleError, match=r"features that its golden bars do not give"):
            load_bundle(folder)


def test_other_versions_are_named_where_a_forecast_is_off(made, folder):
    state = encode_state(made.fitted)
    spread = state.arrays["spread"] * (1 + 1e-5)
    forged(folder, MODEL, replace(state, arrays={**state.arrays, "spread": spread}))
    rewritten(folder, versions=made.manifest.versions | {"numpy": "1.0"})
    assert "numpy 1.0, here" in refused(folder, name=GOLDEN).expected


def test_a_golden_forecast_is_there_for_each_symbol_and_compared(made, folder):
    assert made.golden.facts["symbols"] == ["AAA", "BBB"]
    quantiles = made.golden.arrays["quantiles"].copy()
    quantiles[1, 0, 0] -= 1e-3
    forged(
        folder, GOLDEN, replace(made.golden, arrays={**made.golden.arrays, "quantiles": quantiles})
    )
    assert "forecast of BBB that is off" in refused(folder, name=GOLDEN).found


def test_a_key_that_stands_twice_is_refused(folder):
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace("{", '{"format":2,', 1))
    assert "a key stands twice" in refused(folder, name=MANIFEST).found


def test_a_key_that_stands_twice_deep_inside_is_refused(folder):
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace('"size":', '"size":1,"size":', 1))
    assert "a key stands twice" in refused(folder, name=MANIFEST).found


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"min_rows": None},
        {"min_rows": "330"},
        {"min_rows": 330.0},
        {"horizons": [1, "7"]},
        {"model": "pickle"},
        {"min_rows": 0},
        {"fitted_at": "soon"},
        {"fitted_at": "20120101"},
        {"valid_from": ""},
        {"files": {}},
        {"files": {"model.safetensors": {"size": 1, "sha256": ""}}},
    ],
)
def test_a_sealed_manifest_with_wrong_keys_or_types_is_refused(folder, change):
    rewritten(folder, **change)
    refused(folder, name=MANIFEST)


def test_a_third_file_in_the_manifest_is_refused(folder):
    files = json.loads((folder / MANIFEST).read_bytes())["files"]
    rewritten(folder, files=files | {"../other": files[MODEL]})
    refused(folder, name=MANIFEST)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"1", b"null", b"\xff", b'{"format":2}', b"[" * 100_000, b'{"format":NaN}'],
)
def test_what_is_no_manifest_is_refused(folder, content):
    (folder / MANIFEST).write_bytes(content)
    refused(folder, name=MANIFEST)


def test_a_manifest_of_more_than_a_mebibyte_is_not_read(folder):
    (folder / MANIFEST).write_bytes(b" " * (1 << 20) + (folder / MANIFEST).read_bytes())
    assert refused(folder, name=MANIFEST).found == f"more than {1 << 20} bytes"


# --- states that are whole but wrong ---


@pytest.mark.parametrize("name", [MODEL, GOLDEN])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_not_finite_is_refused(folder, name, value):
    state = state_of((folder / name).read_bytes())
    for array in list(state.arrays):
        if not state.arrays[array].size or state.arrays[array].dtype.kind != "f":
            continue
        ill = state.arrays[array].copy()
        ill.flat[-1] = value
        forged(folder, name, replace(state, arrays={**state.arrays, array: ill}))
        assert f"{array} is not finite" in refused(folder, name=name).found


@pytest.mark.parametrize("missing", ["close", "session", "quantiles", "volume"])
def test_a_golden_example_without_one_of_its_arrays_is_refused(made, folder, missing):
    arrays = {name: array for name, array in made.golden.arrays.items() if name != missing}
    forged(folder, GOLDEN, replace(made.golden, arrays=arrays))
    with pytest.raises(BundleError, match="do not fit together"):
        load_bundle(folder)


@pytest.mark.parametrize(
    "change", [{"min_rows": 325}, {"min_rows": 319}, {"fitted_at": "2003-01-01"}]
)
def test_a_manifest_that_the_golden_bars_do_not_bear_out_is_refused(folder, change):
    rewritten(folder, **change)
    with pytest.raises(BundleError, match=r"do not fit together .*golden bars"):
        load_bundle(folder)


@pytest.mark.parametrize(("rows", "levels"), [(1, 23), (3, 23), (2, 22), (2, 1)])
def test_a_golden_forecast_of_another_shape_is_refused(made, folder, rows, levels):
    arrays = {**made.golden.arrays, "quantiles": np.zeros((rows, 3, levels))}
    forged(folder, GOLDEN, replace(made.golden, arrays=arrays))
    assert f"shape ({rows}, 3, {levels})" in refused(folder, name=GOLDEN).found


def test_another_models_state_is_refused(walked, folder):
    other = bundle_of(walked, walk_bars(), model="ewma")
    forged(folder, MODEL, encode_state(other.fitted))
    refused(folder, name=MODEL)


def test_a_model_that_forecasts_something_else_is_refused(made, folder):
    state = encode_state(made.fitted)
    spread = state.arrays["spread"] * (1 + 1e-5)
    forged(folder, MODEL, replace(state, arrays={**state.arrays, "spread": spread}))
    assert "off by 1.0e-05" in refused(folder, name=GOLDEN).found
