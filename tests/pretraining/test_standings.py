"""What is kept of a stage is read again to the bit, and only for what it was kept for."""

from dataclasses import fields

import numpy as np
import pytest

from nextclose.errors import OutputError
from nextclose.models.lstm.shape import TAUGHT_HORIZONS
from nextclose.pretraining import standings
from nextclose.pretraining.course import Standing, new_weights
from nextclose.pretraining.standings import Place, digest_of, kept_standing, key_of, save_standing


def standing(n_rounds: int = 3) -> Standing:
    parts = [new_weights(units=3, seed=seed) for seed in range(5)]
    return Standing(
        rounds=n_rounds,
        weights=parts[0],
        average=parts[1],
        first=parts[2],
        second=parts[3],
        best=parts[4],
        best_round=2,
        watched=np.random.default_rng(0).random((n_rounds, len(TAUGHT_HORIZONS))),
        taught=tuple(0.1 * k for k in range(n_rounds)),
    )


def test_a_standing_is_read_again_to_the_bit(tmp_path):
    place = Place(file=tmp_path / "stage.safetensors", key="k")
    save_standing(place, standing())
    again, before = kept_standing(place), standing()
    assert again is not None
    for each in fields(Standing):
        value, was = getattr(again, each.name), getattr(before, each.name)
        if isinstance(was, dict):
            assert {n: v.tobytes() for n, v in value.items()} == {
                n: v.tobytes() for n, v in was.items()
            }
        elif isinstance(was, np.ndarray):
            assert value.tobytes() == was.tobytes()
        else:
            assert value == was


@pytest.mark.parametrize("content", [None, b"", b"half a fi", b"\xff" * 64])
def test_what_is_no_standing_begins_anew(tmp_path, content):
    place = Place(file=tmp_path / "stage.safetensors", key="k")
    if content is not None:
        place.file.write_bytes(content)
    assert kept_standing(place) is None


def test_a_standing_of_another_course_begins_anew(tmp_path):
    save_standing(Place(file=tmp_path / "stage", key="one"), standing())
    assert kept_standing(Place(file=tmp_path / "stage", key="other")) is None
    assert kept_standing(Place(file=tmp_path / "stage", key="one")) is not None


def test_a_place_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "stage").mkdir()
    with pytest.raises(OutputError, match=r"stage: Is a directory\. Fix: choose another --work"):
        kept_standing(Place(file=tmp_path / "stage", key="k"))


def test_the_key_is_of_all_that_decides_what_is_taught(monkeypatch, tmp_path):
    plain = key_of({"units": 4}, "data")
    assert key_of({"units": 4}, "data") == plain
    assert key_of({"units": 5}, "data") != plain
    assert key_of({"units": 4}, "other data") != plain
    monkeypatch.setattr(standings, "version", lambda name: f"another {name}")
    assert key_of({"units": 4}, "data") != plain
    monkeypatch.undo()
    monkeypatch.setattr(standings, "CODE", ("features",))
    assert key_of({"units": 4}, "data") != plain


def test_the_digest_is_of_every_price_and_of_where_each_history_ends():
    close = np.arange(1.0, 7.0)
    plain = digest_of([{"close": close}])
    assert digest_of([{"close": close.copy()}]) == plain
    changed = close.copy()
    changed[-1] += 1e-12
    others = (
        [{"close": changed}],
        [{"open": close}],
        [{"close": close[:2]}, {"close": close[2:]}],
        [{"close": close[:4]}, {"close": close[4:]}],
    )
    assert len({plain, *(digest_of(each) for each in others)}) == 5
