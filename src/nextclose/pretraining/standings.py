"""[I/O] Where the stages of a course stand, kept as files so that a killed course goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from nextclose.config import canonical_json
from nextclose.durable import content_of, output_errors, save
from nextclose.models.state import State
from nextclose.pretraining.course import Standing
from nextclose.pretraining.lessons import Columns
from nextclose.serving.states import state_bytes, state_of

STANDING_BYTES = 1 << 26  # more than any has
WEIGHT_PARTS = ("weights", "average", "first", "second", "best")
CODE = ("features", "models/lstm", "pretraining", "simulation")  # whose code decides what is taught
LIBRARIES = ("numpy", "torch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a stage is kept; `key` stands for all that it depends on."""

    file: Path
    key: str


def key_of(*parts: Any) -> str:
    """SHA-256 of JSON values, of the code that teaches and of the libraries that it runs on."""
    libraries = [version(name) for name in LIBRARIES]
    return hashlib.sha256(canonical_json([*parts, _code(), libraries]).encode()).hexdigest()


def digest_of(histories: Sequence[Columns]) -> str:
    """SHA-256 of the names and exact bytes of all columns."""
    digest = hashlib.sha256()
    for columns in histories:
        for name, values in columns.items():
            digest.update(
                f"{name}:{len(values)};".encode() + np.ascontiguousarray(values).tobytes()
            )
    return digest.hexdigest()


def save_standing(place: Place, standing: Standing) -> None:
    """Keep it in the place of the one before. Raises: OutputError."""
    arrays = {
        f"{part}.{name}": value
        for part in WEIGHT_PARTS
        for name, value in getattr(standing, part).items()
    }
    facts: dict[str, Any] = {
        "key": place.key,
        "rounds": standing.rounds,
        "best_round": standing.best_round,
        "taught": list(standing.taught),
    }
    state = State(arrays={**arrays, "watched": standing.watched}, facts=facts)
    save(place.file, state_bytes(state))


def kept_standing(place: Place) -> Standing | None:
    """The standing in the file; None if there is none, or one of another key.

    Raises: OutputError if there is something that cannot be read.
    """
    try:
        with output_errors(place.file, option="--work"):
            content = content_of(place.file, limit=STANDING_BYTES) if place.file.exists() else b""
        state = state_of(content)
    except ValueError:
        return None
    if state.facts.get("key") != place.key:
        return None
    parts = {
        part: {
            name.removeprefix(f"{part}."): value
            for name, value in state.arrays.items()
            if name.startswith(f"{part}.")
        }
        for part in WEIGHT_PARTS
    }
    return Standing(
        rounds=state.facts["rounds"],
        best_round=state.facts["best_round"],
        taught=tuple(state.facts["taught"]),
        watched=state.arrays["watched"],
        **parts,
    )


def _code() -> str:
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for path in sorted(path for folder in CODE for path in (root / folder).rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
