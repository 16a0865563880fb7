import importlib.resources
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from nextclose.errors import ConfigError
from nextclose.models.editions import newest_edition
from nextclose.models.lstm.editions import (
    Edition,
    edition_bytes,
    edition_of,
    editions_at,
    shipped_editions,
)
from nextclose.models.state import encode_state
from tests.builders import random_edition

STAGE = {"taught": [0.62, 0.61], "watched": [0.64, 0.63], "kept": 1}
EDITION = replace(
    random_edition("2004-12-31"),
    card={"companies": {"teach": 300}, "stages": {"simulated markets": STAGE}},
)
CONTENT = edition_bytes(EDITION)
EDITIONS = [random_edition(f"{year}-12-31", seed=year) for year in (2004, 2009, 2014)]


def parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file, and what follows it."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_card(text: str | None) -> bytes:
    """The file with another card; None: without any."""
    _, weights = parts(CONTENT)
    header, _ = parts(CONTENT)
    if text is None:
        del header["__metadata__"]
    else:
        header["__metadata__"] = {"card": text}
    written = json.dumps(header).encode()
    return len(written).to_bytes(8, "little") + written + weights


WRITTEN = {"until": EDITION.until, "fingerprint": EDITION.fingerprint, **EDITION.card}


def with_facts(**changes: Any) -> bytes:
    """The file with other facts on its card."""
    return with_card(json.dumps({**WRITTEN, **changes}))


def with_arrays(**changes: np.ndarray | None) -> bytes:
    """The file with other weights, of any shape and type; None leaves one out."""
    arrays = {**encode_state(EDITION.network).arrays, **changes}
    kept = {name: np.ascontiguousarray(a) for name, a in arrays.items() if a is not None}
    card = json.dumps(WRITTEN)
    return safetensors.numpy.save(kept, metadata={"card": card})


# --- which one may be used ---


@pytest.mark.parametrize(
    ("before", "until"),
    [
        ("2004-12-31", None),  # the day it ends: not yet
        ("2005-01-01", "2004-12-31"),
        ("2009-12-30", "2004-12-31"),
        ("2009-12-31", "2004-12-31"),
        ("2010-01-01", "2009-12-31"),
        ("2014-12-31", "2009-12-31"),
        ("2026-11-30", "2014-12-31"),
        ("1999-01-01", None),
    ],
)
def test_the_newest_that_ends_before_a_day_is_taken_whatever_their_order(before, until):
    for order in (EDITIONS, EDITIONS[::-1], [EDITIONS[1], EDITIONS[0], EDITIONS[2]]):
        edition = newest_edition(order, before=np.datetime64(before))
        assert (edition.until if edition else None) == until


def test_of_no_edition_none_is_taken():
    assert newest_edition([], before=np.datetime64("2026-11-30")) is None


# --- as a file ---


def test_an_edition_written_down_is_the_same_again():
    again = edition_of(CONTENT)
    assert again.until == EDITION.until
    assert again.card == EDITION.card
    assert again.fingerprint == EDITION.fingerprint
    for name, array in encode_state(EDITION.network).arrays.items():
        assert getattr(again.network, name).tobytes() == array.tobytes()
    assert edition_bytes(again) == CONTENT


def test_equal_editions_give_equal_bytes_whatever_the_order_of_their_cards():
    turned = replace(EDITION, card=dict(reversed([*EDITION.card.items()])))
    assert edition_bytes(turned) == CONTENT


def test_the_fingerprint_is_of_the_weights_to_the_bit():
    head = EDITION.network.head.copy()
    head[0, 0] = np.nextafter(head[0, 0], np.float32(9))
    other = replace(EDITION, network=replace(EDITION.network, head=head))
    assert other.fingerprint != EDITION.fingerprint
    assert replace(EDITION, card={}, until="1999-12-31").fingerprint == EDITION.fingerprint


def test_the_curves_are_those_of_the_card_each_named_by_its_stage():
    (curve,) = EDITION.curves
    assert (curve.train, curve.valid) == ((0.62, 0.61), (0.64, 0.63))
    assert (curve.kept, curve.first_epoch, curve.measure) == (1, 1, "crps")
    assert curve.stage == "Edition until 2004-12-31: simulated markets"
    assert replace(EDITION, card={}).curves == ()


# --- what is none ---

HEAD = EDITION.network.head
FORGERIES: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "a few bytes": lambda: CONTENT[:6],
    "half a header": lambda: CONTENT[:200],
    "the last weight gone": lambda: CONTENT[:-4],
    "a byte too many": lambda: CONTENT + b"\0",
    "another format": lambda: b"PK\x03\x04" + CONTENT,
    "no card": lambda: with_card(None),
    "a card that is no JSON": lambda: with_card("{"),
    "a card that is a list": lambda: with_card("[1, 2]"),
    "a card that is a text": lambda: with_card('"2004-12-31"'),
    "a card nested without end": lambda: with_card("[" * 100_000),
    "no day": lambda: with_card("{}"),
    "a day that there is not": lambda: with_facts(until="2004-02-31"),
    "a day written otherwise": lambda: with_facts(until="20041231"),
    "a week": lambda: with_facts(until="2004-W53-5"),
    "a day with a time": lambda: with_facts(until="2004-12-31T00:00"),
    "a day that is a number": lambda: with_facts(until=20041231),
    "a day that is nothing": lambda: with_facts(until=None),
    "a stage without losses": lambda: with_facts(stages={"one": {"kept": 0}}),
    "a stage that is a number": lambda: with_facts(stages={"one": 3}),
    "stages in a list": lambda: with_facts(stages=[STAGE]),
    "a round that is not there": lambda: with_facts(stages={"one": {**STAGE, "kept": 2}}),
    "a round before the first": lambda: with_facts(stages={"one": {**STAGE, "kept": -1}}),
    "curves of two lengths": lambda: with_facts(stages={"one": {**STAGE, "taught": [0.6]}}),
    "a weight that is no number": lambda: with_arrays(head=np.full_like(HEAD, np.nan)),
    "an infinite weight": lambda: with_arrays(head=np.full_like(HEAD, np.inf)),
    "double precision": lambda: with_arrays(head=HEAD.astype(np.float64)),
    "whole numbers": lambda: with_arrays(head=HEAD.astype(np.int32)),
    "a weight a bit off": lambda: with_arrays(head=np.nextafter(HEAD, np.float32(9))),
    "no fingerprint": lambda: with_facts(fingerprint=None),
    "a missing weight": lambda: with_arrays(head=None),
    "a weight too many": lambda: with_arrays(tail=HEAD),
    "an output too few": lambda: with_arrays(head=HEAD[:-1], head_bias=np.zeros(43, np.float32)),
    "an input too few": lambda: with_arrays(lstm_input=EDITION.network.lstm_input[:, 1:]),
    "a weight without an axis": lambda: with_arrays(lstm_state=np.zeros(4, np.float32)),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_file_that_is_no_edition_is_refused(forgery):
    with pytest.raises(ValueError, match="no edition of the universal network"):
        edition_of(FORGERIES[forgery]())


def test_the_forger_of_these_files_can_write_good_ones():
    for content in (with_facts(), with_arrays()):
        assert edition_bytes(edition_of(content)) == CONTENT


def test_a_file_with_a_byte_of_its_header_flipped_is_an_edition_or_refused_as_none():
    length = 8 + int.from_bytes(CONTENT[:8], "little")
    n_refused = 0
    for place in range(length):
        flipped = bytearray(CONTENT)
        flipped[place] ^= 0x11
        try:
            edition = edition_of(bytes(flipped))
        except ValueError:
            n_refused += 1
        else:
            assert isinstance(edition, Edition)
    assert n_refused > length // 2


@pytest.mark.parametrize("wrong", ["", "soon", "2004-13-01", "2004-12-31 ", "20041231"])
def test_an_edition_ends_on_a_day_written_as_all_are(wrong):
    with pytest.raises(ValueError, match=r"isoformat|month must|expected YYYY-MM-DD"):
        random_edition(wrong)


# --- files of one's own ---


@pytest.fixture
def written(tmp_path) -> Callable[..., list[str]]:
    def write(*editions: Edition) -> list[str]:
        paths = [tmp_path / f"{place}.safetensors" for place in range(len(editions))]
        for path, edition in zip(paths, editions, strict=True):
            path.write_bytes(edition_bytes(edition))
        return [str(path) for path in paths]

    return write


def test_editions_of_one_s_own_come_oldest_first(written):
    editions = editions_at(written(*EDITIONS[::-1]))
    assert [edition.until for edition in editions] == ["2004-12-31", "2009-12-31", "2014-12-31"]
    assert [e.fingerprint for e in editions] == [e.fingerprint for e in EDITIONS]
    assert editions_at([]) == ()


def test_two_that_end_on_one_day_are_refused(written):
    twins = random_edition("2009-12-31", seed=1), random_edition("2009-12-31", seed=2)
    with pytest.raises(ConfigError, match=r"two end on the same day\. Fix: name one") as refused:
        editions_at(written(*twins))
    assert (refused.value.section, refused.value.key) == ("lstm", "editions")


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "No such file"),
    "a folder": (lambda path: path.mkdir(), "Is a directory"),
    "prices": (lambda path: path.write_text("date,close\n"), "no edition of the universal"),
    "longer than any": (
        lambda path: path.write_bytes(CONTENT + bytes(17 << 20)),
        "no edition of the universal",
    ),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_cannot_be_used_is_named_with_the_cure(kind, written, tmp_path):
    path = tmp_path / "mine.safetensors"
    make, reason = BAD_FILES[kind]
    make(path)
    with pytest.raises(ConfigError, match=reason) as refused:
        editions_at([*written(EDITION), str(path)])
    message = str(refused.value)
    assert message.startswith(f"[lstm] editions: cannot use {path}: ")
    assert message.endswith("Fix: name files that `nextclose pretrain` wrote.")
    assert (refused.value.section, refused.value.key) == ("lstm", "editions")


# --- those that come with the package ---


def test_shipped_editions_are_named_by_the_day_they_end_on_and_come_oldest_first():
    editions = shipped_editions()
    days = [edition.until for edition in editions]
    assert days
    assert days == sorted(set(days))
    folder = importlib.resources.files("nextclose.models.lstm").joinpath("weights")
    names = sorted(file.name for file in folder.iterdir())
    assert names == [f"until-{day}.safetensors" for day in days]
    for edition in editions:
        content = folder.joinpath(f"until-{edition.until}.safetensors").read_bytes()
        assert edition_of(content).until == edition.until
        assert edition_bytes(edition) == content


def test_shipped_editions_are_read_once():
    assert shipped_editions() is shipped_editions()
