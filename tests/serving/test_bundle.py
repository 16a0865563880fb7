import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nextclose.errors import BundleError, OutputError
from nextclose.models.registry import SERVABLE
from nextclose.models.state import encode_state
from nextclose.serving.bundle import Bundle, agreement, read_bundle, write_bundle
from nextclose.serving.manifest import GOLDEN, MANIFEST, MODEL
from nextclose.serving.predictor import load_bundle
from nextclose.serving.states import state_bytes
from tests.builders import walk_bars
from tests.serving.bundles import MEMBERS, bundle_of, late_bundle, refused

FILES = (MANIFEST, MODEL, GOLDEN)


@pytest.fixture(scope="module")
def made(walked) -> Bundle:
    return bundle_of(walked, walk_bars())


@pytest.fixture
def folder(made, tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bundle", made)
    return tmp_path / "bundle"


# --- the way there and back ---


def test_a_bundle_comes_back_as_it_was_written(made, folder):
    again = read_bundle(folder)
    assert state_bytes(encode_state(again.fitted)) == state_bytes(encode_state(made.fitted))
    assert state_bytes(again.golden) == state_bytes(made.golden)
    filled = {"files": again.manifest.files, "checksum": again.manifest.checksum}
    assert again.manifest == made.manifest.model_copy(update=filled)
    for name in (MODEL, GOLDEN):
        content = (folder / name).read_bytes()
        entry = again.manifest.files[name]
        assert (entry.size, entry.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_what_is_written_is_what_is_read_and_three_files(made, tmp_path):
    written = write_bundle(tmp_path / "b", made)
    assert written == read_bundle(tmp_path / "b").manifest
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == sorted(FILES)


def test_the_same_model_gives_the_same_bytes(made, folder, tmp_path):
    write_bundle(tmp_path / "other", made)
    for name in FILES:
        assert (folder / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_a_bundle_can_be_replaced_by_another(walked, folder):
    other = bundle_of(walked, walk_bars(), model="ewma")
    write_bundle(folder, other)
    assert load_bundle(folder).manifest.model == "ewma"


@pytest.mark.parametrize("model", SERVABLE)
def test_every_model_that_can_be_served_comes_back_from_a_bundle(walked, tmp_path, model):
    is_late = model in (*MEMBERS, "hybrid")
    made = late_bundle(model) if is_late else bundle_of(walked, walk_bars(), model=model)
    write_bundle(tmp_path / "b", made)
    again = load_bundle(tmp_path / "b")
    assert state_bytes(encode_state(again.fitted)) == state_bytes(encode_state(made.fitted))


@pytest.mark.parametrize("model", ["naive", "drift", "hs_250", "hs_expanding", "classic"])
def test_a_model_that_needs_the_whole_past_is_refused(made, tmp_path, model):
    manifest = made.manifest.model_copy(update={"model": model})
    write_bundle(tmp_path / "b", replace(made, manifest=manifest))
    assert f"model {model!r}" in refused(tmp_path / "b", name=MANIFEST).found


def test_a_place_that_cannot_be_written_is_refused(made, tmp_path):
    (tmp_path / "b").write_bytes(b"a file")
    with pytest.raises(OutputError):
        write_bundle(tmp_path / "b", made)


# --- damage ---


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_is_refused(folder, name):
    content = (folder / name).read_bytes()
    noise = np.random.default_rng(len(name))
    places = {0, 1, 7, 8, len(content) - 1, *noise.integers(0, len(content), 60).tolist()}
    for place in sorted(places):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(noise.integers(8))
        (folder / name).write_bytes(bytes(damaged))
        refused(folder, name=name)
    (folder / name).write_bytes(content)
    load_bundle(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_or_grown_is_refused(folder, name):
    content = (folder / name).read_bytes()
    for length in (0, 1, 8, len(content) // 2, len(content) - 1):
        (folder / name).write_bytes(content[:length])
        refused(folder, name=name)
    (folder / name).write_bytes(content + b" ")
    refused(folder, name=name)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(folder, name):
    (folder / name).unlink()
    assert refused(folder, name=name).found == "No such file or directory"


def test_a_folder_without_a_manifest_was_never_finished(tmp_path):
    refused(tmp_path / "nowhere", name=MANIFEST)


@pytest.mark.parametrize("name", FILES)
def test_a_link_is_refused_even_to_the_right_bytes(folder, tmp_path, name):
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    error = refused(folder, name=name)
    assert (error.found, error.expected) == ("a symbolic link", "a regular file")
    assert "cp -rL" in str(error)  # as a cache of downloads has them
    shutil.copytree(folder, tmp_path / "copy")  # which follows links
    load_bundle(tmp_path / "copy")


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_regular_file_is_refused_without_waiting(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert refused(folder, name=name).found == "no regular file"


def test_swapped_files_are_refused(folder):
    model, golden = (folder / MODEL).read_bytes(), (folder / GOLDEN).read_bytes()
    (folder / MODEL).write_bytes(golden)
    (folder / GOLDEN).write_bytes(model)
    refused(folder, name=MODEL)


# --- the golden example ---


def test_agreement_is_exact_or_portable_or_refused():
    expected = np.array([[[-0.02, 0.0, 0.04]], [[-0.2, 0.0, 0.4]]])

    def compare(replayed: np.ndarray, symbols: tuple[str, ...] = ("A", "B")) -> str:
        path = Path("bundle")
        return agreement(path=path, symbols=symbols, expected=expected, replayed=replayed)

    assert compare(expected.copy()) == "exact"
    assert compare(expected * (1 + 9e-7)) == "portable"
    # around zero the size of the symbol's largest quantile counts: 3e-8 of .04 is 7.5e-7
    near = np.array([[[0, 3e-8, 0]], [[0, 0, 0]]])
    assert compare(expected + near) == "portable"
    short = expected[:, :, :2]  # numpy would not even compare them
    for off in (expected * (1 + 2e-6), expected + 2 * near, expected * np.nan, short):
        with pytest.raises(BundleError):
            compare(off)
    with pytest.raises(BundleError, match="shape"):
        compare(expected.copy(), ("A",))
    with pytest.raises(BundleError, match="forecast of B that is off by"):
        compare(expected + np.array([0, 1])[:, None, None])
