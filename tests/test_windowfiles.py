"""Windows in folders: whole or refused, replaced together, and nobody else's files are touched."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import nextclose
from nextclose import folders
from nextclose.durable import folder_lock
from nextclose.errors import ConfigError, LockedError, OutputError, WindowsError
from nextclose.samples.window_codec import npz_bytes
from nextclose.samples.window_sets import SymbolWindows
from nextclose.schema import Bars
from nextclose.windowfiles import (
    FORMAT,
    WindowsManifest,
    file_stems,
    size_on_disk,
    windows_folder,
)
from nextclose.windowing import make_windows
from nextclose.windowsets import Windows, load_windows
from tests.builders import walk_bars, walk_frame
from tests.test_replacing import KilledError, killed_at, refuse_exchange


@pytest.fixture(scope="module")
def windows() -> Windows:
    return make_windows(walk_bars(), form="classic", horizons=(1, 7))


@pytest.fixture
def folder(windows, tmp_path):
    windows.save(tmp_path / "w")
    return tmp_path / "w"


def edited(folder: Path, **changes: object) -> None:
    """The manifest with these keys, its checksum right."""
    path = folder / "windows.json"
    values = json.loads(path.read_text()) | changes
    manifest = WindowsManifest.model_validate_json(json.dumps(values)).sealed()
    path.write_text(manifest.model_dump_json())


@pytest.mark.parametrize("file_format", ["npz", "parquet"])
@pytest.mark.parametrize("form", ["stationary", "classic"])
def test_what_is_read_is_what_was_written(form, file_format, tmp_path):
    made = make_windows(walk_bars(), form=form, horizons=(1, 7))
    made.save(tmp_path, file_format=file_format)
    again = nextclose.load_windows(tmp_path)
    assert {name: getattr(again.facts, name) for name in type(made.facts).model_fields} == dict(
        made.facts
    )
    assert again.counts.equals(made.counts)
    for symbol in made.symbols:
        one, two = made.read(symbol), again.read(symbol)
        for field in fields(SymbolWindows):
            if field.name != "scalers":
                assert getattr(one, field.name).tobytes() == getattr(two, field.name).tobytes()
        x = again.of(symbol, horizon=7).valid.x
        np.testing.assert_array_equal(x, made.of(symbol, horizon=7).valid.x)


def test_a_folder_holds_arrays_and_scalers_a_symbol_and_one_manifest(folder):
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == [
        *("symbols/AAA.npz", "symbols/AAA.scalers.json"),
        *("symbols/BBB.npz", "symbols/BBB.scalers.json"),
        "windows.json",
    ]
    document = json.loads((folder / "windows.json").read_text())
    assert document["format"] == FORMAT
    assert document["columns"][:3] == ["open", "high", "low"]
    assert document["parts"] == ["none", "train", "valid", "test", "purged"]
    assert set(document["folds"][0]) == {"valid_from", "fitted_at", "tested_until"}
    assert document["symbols"]["AAA"]["purged"] == [[0, 12]]
    assert document["data_fingerprint"] == walk_bars().fingerprint


def test_equal_windows_give_equal_bytes(windows, folder, tmp_path):
    windows.save(tmp_path / "again")
    for path in folder.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(folder)).read_bytes()


def test_arrays_are_read_when_they_are_asked_for_and_not_before(folder):
    loaded = load_windows(folder)
    (folder / "symbols" / "BBB.npz").unlink()
    assert len(loaded.of("AAA", horizon=1).train) > 0
    with pytest.raises(WindowsError, match=r"BBB.npz: found No such file"):
        loaded.of("BBB", horizon=1)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def link(path: Path) -> None:
    shutil.copy(path, path.with_suffix(".other"))
    path.unlink()
    path.symlink_to(path.with_suffix(".other"))


@pytest.mark.parametrize("damage", [cut, flip, empty, link])
@pytest.mark.parametrize("name", ["symbols/AAA.npz", "symbols/AAA.scalers.json", "windows.json"])
def test_a_damaged_file_is_refused_with_its_name_and_a_cure(folder, name, damage):
    damage(folder / name)
    with pytest.raises(WindowsError, match=r"Fix: make them again") as caught:
        load_windows(folder).of("AAA", horizon=1)
    assert caught.value.exit_code == 7
    assert caught.value.path == str(folder / name)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": FORMAT + 1}, "upgrade nextclose"),
        ({"window_sessions": 61}, r"x is float32 \(\d+, 60, 41\), not float32 \(\d+, 61, 41\)"),
        ({"horizons": [1]}, r"y is float64"),
        ({"file_format": "parquet"}, "AAA.parquet: found No such file"),
    ],
)
def test_a_manifest_of_another_shape_or_format_is_refused(folder, changes, said):
    edited(folder, **changes)
    with pytest.raises(WindowsError, match=said):
        load_windows(folder).of("AAA", horizon=1)


def test_arrays_that_are_whole_but_others_are_refused(windows, folder):
    own = windows.read("AAA")
    other = npz_bytes(replace(own, y=own.y * 2), windows.facts)
    (folder / "symbols" / "AAA.npz").write_bytes(other)
    with pytest.raises(WindowsError, match=r"AAA.npz: found (SHA-256|more than)"):
        load_windows(folder).of("AAA", horizon=1)


def test_a_manifest_in_which_a_word_was_changed_is_refused(folder):
    path = folder / "windows.json"
    path.write_text(path.read_text().replace('"basis": "unknown"', '"basis": "raw"'))
    with pytest.raises(WindowsError, match="a text that its own checksum does not fit"):
        load_windows(folder)


@pytest.mark.parametrize("stem", ["../AAA", "/etc/passwd", ".lock", "a/b", ""])
def test_a_manifest_names_no_file_elsewhere(folder, stem):
    path = folder / "windows.json"
    values = json.loads(path.read_text())
    values["files"]["AAA"]["stem"] = stem
    path.write_text(json.dumps(values))
    with pytest.raises(WindowsError, match=r"files\.AAA\.stem"):
        load_windows(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', "x"])
def test_what_is_no_manifest_is_refused(tmp_path, text):
    (tmp_path / "windows.json").write_text(text)
    with pytest.raises(WindowsError, match=r"expected a manifest of windows, format 1"):
        load_windows(tmp_path)


def test_a_folder_without_windows_is_refused(tmp_path):
    with pytest.raises(WindowsError, match=r"windows.json: found No such file"):
        load_windows(tmp_path)


def test_windows_that_were_written_anew_meanwhile_are_loaded_again(folder):
    loaded = load_windows(folder)
    make_windows(walk_bars(seed=5), form="classic", horizons=1).save(folder)
    with pytest.raises(WindowsError, match="call load_windows again"):
        loaded.of("AAA", horizon=1)


@pytest.mark.parametrize("is_exchanged", [True, False])
def test_windows_replaced_by_a_run_that_is_killed_at_any_call_are_the_old_or_the_new(
    windows, tmp_path, monkeypatch, is_exchanged
):
    new = make_windows(walk_bars((600,), seed=5), horizons=1)
    if not is_exchanged:
        monkeypatch.setattr(folders, "exchange", refuse_exchange)
    seen = set()
    for n in range(1, 1000):
        folder = tmp_path / str(n)
        windows.save(folder)
        try:
            with killed_at(monkeypatch, n):
                new.save(folder)
        except KilledError:
            found = load_windows(folder)
            for symbol in found.symbols:
                assert len(found.of(symbol, horizon=1).train) > 0
            seen.add(found.facts.form)
            with windows_folder(folder):  # whoever comes next
                pass
            assert {path.name for path in folder.iterdir()} == {"symbols", "windows.json"}
        else:
            break
    assert seen == {"classic", "stationary"}


def test_a_first_run_that_is_killed_leaves_nothing_under_the_final_names(
    windows, tmp_path, monkeypatch
):
    with pytest.raises(KilledError), killed_at(monkeypatch, 12):
        windows.save(tmp_path / "w")
    assert not (tmp_path / "w" / "windows.json").exists()
    assert not (tmp_path / "w" / "symbols").exists()
    windows.save(tmp_path / "w")
    assert load_windows(tmp_path / "w").symbols == ("AAA", "BBB")


def test_files_of_others_stay(windows, folder):
    (folder / "notes.txt").write_text("mine")
    windows.save(folder, file_format="parquet")
    assert (folder / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in (folder / "symbols").glob("A*")) == [
        *("AAA.parquet", "AAA.scalers.json")
    ]


def test_a_file_of_others_where_ours_would_go_is_not_removed(windows, folder):
    (folder / "symbols" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"symbols/notes.txt is not of the windows there.*Fix"):
        windows.save(folder)
    assert (folder / "symbols" / "notes.txt").read_text() == "mine"


def test_a_manifest_that_is_not_ours_is_not_replaced(windows, tmp_path):
    (tmp_path / "windows.json").write_text('{"panes": 2}')
    with pytest.raises(OutputError, match="it is not replaced"):
        windows.save(tmp_path)
    assert (tmp_path / "windows.json").read_text() == '{"panes": 2}'


def test_one_process_writes_at_a_time(windows, folder):
    with folder_lock(folder), pytest.raises(LockedError):
        windows.save(folder)


def test_too_little_room_is_said_before_anything_is_written(windows, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(OutputError, match=r"take about \d+ kB, and .* has 1.0 kB free. Fix"):
        windows.save(tmp_path / "w")
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("file_format", ["npz", "parquet"])
def test_the_size_is_told_to_a_quarter(windows, tmp_path, file_format):
    windows.save(tmp_path, file_format=file_format)
    real = sum(path.stat().st_size for path in (tmp_path / "symbols").iterdir())
    assert size_on_disk(windows.facts, windows.read, file_format=file_format) == pytest.approx(
        real, rel=0.25
    )


def test_one_symbol_is_held_at_a_time_and_the_progress_counts_them(windows, tmp_path):
    told, read = [], []

    def reading(symbol):
        read.append(symbol)
        return windows.read(symbol)

    watched = replace(windows, read=reading)
    watched.save(tmp_path, progress=lambda *step: told.append((*step, len(read))))
    # a first look tells how large all will be
    assert told == [("windows", 0, 2, 1), ("windows", 1, 2, 2), ("windows", 2, 2, 3)]


def test_symbols_make_names_that_any_disk_can_hold():
    symbols = ("BRK.B", "BRK/B", "brk.b", "../x", ".inx", "0700.HK", "Öl", "x" * 300, "x" * 301)
    stems = file_stems(symbols)
    assert stems["BRK.B"] == "BRK.B"
    assert stems["BRK/B"] == "BRK%2FB"
    assert stems["../x"] == "%2E.%2Fx"
    assert stems["0700.HK"] == "0700.HK"
    assert len({stem.casefold() for stem in stems.values()}) == len(symbols)
    for stem in stems.values():
        assert len(stem) < 150
        assert not stem.startswith(".")
        assert "/" not in stem


def test_such_symbols_are_written_and_read(tmp_path):
    frames = [walk_frame(name, seed=1, n=600) for name in ("../A", "BRK/B", "brk/b")]
    made = make_windows(Bars(frame=pl.concat(frames)), horizons=1)
    made.save(tmp_path / "w")
    loaded = load_windows(tmp_path / "w")
    assert loaded.symbols == ("../A", "BRK/B", "brk/b")
    for symbol in loaded.symbols:
        assert len(loaded.of(symbol, horizon=1).test) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


def test_what_cannot_be_saved_or_loaded_is_refused_with_what_can(windows, tmp_path):
    with pytest.raises(ConfigError, match="Fix: give 'npz' or 'parquet'"):
        windows.save(tmp_path / "w", file_format="pickle")
    assert not (tmp_path / "w").exists()
    for call in (windows.save, load_windows):
        with pytest.raises(ConfigError, match="name the folder of the windows"):
            call(None)  # type: ignore[arg-type]
