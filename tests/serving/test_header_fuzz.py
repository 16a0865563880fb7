"""Headers of a bundle's files damaged at any place, under hashes that fit: refused, or the same."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from polars.testing import assert_frame_equal

from nextclose.errors import BundleError
from nextclose.serving.bundle import Bundle, write_bundle
from nextclose.serving.manifest import GOLDEN, MANIFEST, MODEL
from nextclose.serving.predictor import load_bundle, predict
from tests.builders import hybrid_bars, walk_bars
from tests.serving.bundles import bundle_of, forged_content, late_bundle

N_CASES = 400  # of each file
PIECES = (
    b"\x00",
    b"\xff",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"9",
    b"-",
    b"e",
    b"\\",
    b"\xe2",
)


@pytest.fixture(scope="module")
def made(walked) -> Bundle:
    return bundle_of(walked, walk_bars(), model="har")


def damaged(content: bytes, end: int, *, seed: int) -> Iterator[bytes]:
    """The content with bytes before `end` flipped, deleted, inserted, repeated or made larger."""
    noise = np.random.default_rng(seed)
    for _ in range(N_CASES):
        place, kind = int(noise.integers(end)), int(noise.integers(5))
        n = int(noise.integers(1, 9))
        piece = PIECES[int(noise.integers(len(PIECES)))]
        if kind == 0:
            flipped = bytearray(content)
            flipped[place] ^= 1 << int(noise.integers(8))
            yield bytes(flipped)
        elif kind == 1:
            yield content[:place] + content[place + n :]
        elif kind == 2:
            yield content[:place] + piece * n + content[place:]
        elif kind == 3:
            yield content[:place] + content[max(place - 40, 0) : place] + content[place:]
        else:
            yield content[:place] + piece + content[place + 1 :]


def header_end(content: bytes, name: str) -> int:
    return len(content) if name == MANIFEST else 8 + int.from_bytes(content[:8], "little")


@pytest.mark.parametrize("name", [MODEL, GOLDEN, MANIFEST])
def test_a_damaged_header_is_refused_or_changes_no_forecast(made, tmp_path: Path, name):
    folder = tmp_path / "bundle"
    write_bundle(folder, made)
    content, manifest = (folder / name).read_bytes(), (folder / MANIFEST).read_bytes()
    bars = walk_bars()
    expected = predict(load_bundle(folder), bars).frame
    n_refused = 0
    for damage in damaged(content, header_end(content, name), seed=len(name)):
        (folder / MANIFEST).write_bytes(manifest)
        if name == MANIFEST:
            (folder / name).write_bytes(damage)
        else:
            forged_content(folder, name, damage)
        try:
            bundle = load_bundle(folder)
        except BundleError:
            n_refused += 1
            continue
        assert_frame_equal(predict(bundle, bars).frame, expected, check_exact=True)
    assert n_refused > 0.9 * N_CASES


LENGTHS = (0, 1, 7, 2**20, 2**31, 2**40, 2**63 - 1, 2**63, 2**64 - 1)


@pytest.mark.parametrize("name", [MODEL, GOLDEN])
@pytest.mark.parametrize("length", LENGTHS)
def test_a_header_that_says_another_length_is_refused(made, tmp_path: Path, name, length):
    write_bundle(tmp_path, made)
    content = (tmp_path / name).read_bytes()
    forged_content(tmp_path, name, length.to_bytes(8, "little") + content[8:])
    with pytest.raises(BundleError):
        load_bundle(tmp_path)


# --- headers that are whole JSON and say something else ---

DTYPES: tuple[Any, ...] = (
    "BOOL",
    "U8",
    "I16",
    "F16",
    "BF16",
    "U32",
    "F32",
    "F64",
    "I64",
    "U64",
    "F8_E4M3",
    "F4",
    "",
    3,
)
SHAPES: tuple[Any, ...] = (
    [],
    [0],
    [1],
    [2**63 - 1],
    [2**64],
    [-1],
    [1.5],
    "x",
    None,
    [[1]],
    [0, 2**63],
    [2**32] * 2,
)
OFFSETS: tuple[Any, ...] = (
    [0, 0],
    [0, 2**63],
    [2**64 - 1] * 2,
    [8, 0],
    [-8, 0],
    [0],
    [0, 8, 8],
    None,
    [0.0, 8.0],
)
METADATA: tuple[Any, ...] = (
    *(None, 1, [], "x", {}, {"facts": ""}, {"facts": "null"}, {"facts": "[]"}, {"facts": 1}),
    *({"facts": "[" * 5000}, {"facts": '{"a":' * 5000}, {"facts": "\ud800"}, {"facts": "{}"}),
)
ODD_FACTS: tuple[Any, ...] = (2**70, -(2**70), 1e308, 5e-324, "\ud800", "\x00", [], {}, None)
Header = dict[str, Any]


def other_headers(header: Header) -> Iterator[Header]:
    """The header with one thing in it said otherwise."""
    names = [name for name in header if name != "__metadata__"]
    for name in (*names[:2], names[-1]):
        entry = header[name]
        for key, values in (("dtype", DTYPES), ("shape", SHAPES), ("data_offsets", OFFSETS)):
            yield from (header | {name: entry | {key: value}} for value in values)
            yield header | {name: {k: v for k, v in entry.items() if k != key}}
        others: tuple[Any, ...] = (None, 1, [], "x", {})
        yield from (header | {name: value} for value in others)
        yield {k: v for k, v in header.items() if k != name}
        yield header | {name + "2": entry}
        first, stop = entry["data_offsets"]
        for dtype, size in (("I8", 1), ("F16", 2), ("BF16", 2), ("U32", 4), ("F64", 8)):
            yield header | {name: entry | {"dtype": dtype, "shape": [(stop - first) // size]}}
    yield from (header | {"__metadata__": value} for value in METADATA)
    for facts in other_facts(json.loads(header["__metadata__"]["facts"])):
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        yield header | {"__metadata__": {"facts": text}}


def other_facts(facts: Any) -> Iterator[Any]:
    """The facts with one value, or one of the first two items of a list, an odd one."""
    if isinstance(facts, dict):
        for key, value in facts.items():
            yield from (facts | {key: inner} for inner in (*other_facts(value), *ODD_FACTS))
    elif isinstance(facts, list):
        for k, value in enumerate(facts[:2]):
            for inner in (*other_facts(value), *ODD_FACTS):
                yield [*facts[:k], inner, *facts[k + 1 :]]


@pytest.mark.parametrize("model", ["garch", "trees", "hybrid"])
@pytest.mark.parametrize("name", [MODEL, GOLDEN])
def test_a_header_that_says_something_else_is_refused_or_changes_no_forecast(
    tmp_path: Path, name, model
):
    write_bundle(tmp_path, late_bundle(model))
    content = (tmp_path / name).read_bytes()
    stop = header_end(content, name)
    bars = hybrid_bars()
    expected = predict(load_bundle(tmp_path), bars).frame
    headers = list(other_headers(json.loads(content[8:stop])))
    chosen = np.random.default_rng(3).permutation(len(headers))[:90].tolist()
    n_metadata = len(METADATA)  # all of which are among them
    of_metadata = [k for k, h in enumerate(headers) if h.get("__metadata__") in METADATA]
    assert len(of_metadata) >= n_metadata
    for k in {*chosen, *of_metadata}:
        text = json.dumps(headers[k]).encode()
        text += b" " * (-len(text) % 8)
        forged_content(tmp_path, name, len(text).to_bytes(8, "little") + text + content[stop:])
        try:
            bundle = load_bundle(tmp_path)
        except BundleError:
            continue
        # a golden forecast may be off by 1e-6, as on another machine
        made = predict(bundle, bars).frame
        assert_frame_equal(made, expected, check_exact=False, rel_tol=1e-5)


class PanicException(BaseException):
    """As a library written in Rust raises it, which is no Exception."""


def test_a_panic_of_a_library_is_a_refusal_and_an_interrupt_is_not(made, tmp_path, monkeypatch):
    write_bundle(tmp_path, made)

    def load(_content: bytes) -> None:
        raise errors.pop()

    errors: list[BaseException] = [KeyboardInterrupt(), PanicException("index out of range")]
    monkeypatch.setattr("safetensors.numpy.load", load)
    with pytest.raises(BundleError, match="index out of range"):
        load_bundle(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        load_bundle(tmp_path)
