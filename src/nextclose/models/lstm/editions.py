"""Editions of the universal network: what has been taught with prices up to which day.

An edition may forecast from the session after that day on. The file of one is safetensors, with its
card as JSON in the header: years, companies, markets, seeds, learning curves.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from nextclose.config import canonical_json
from nextclose.durable import content_of
from nextclose.errors import ConfigError
from nextclose.models.lstm.network import Network
from nextclose.models.protocol import LearningCurve
from nextclose.models.state import State, decode_state, encode_state

FOLDER = "weights"
CARD = "card"
EDITION_BYTES = 16 << 20  # more than any has


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A network, and the last session whose prices it has been taught with, as YYYY-MM-DD.

    `card` says of JSON values what it was taught with and how that went.
    """

    until: str
    network: Network
    card: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Raise ValueError unless `until` is a date, written as all of them are."""
        if date.fromisoformat(self.until).isoformat() != self.until:
            raise ValueError(f"it ends on {self.until!r}, expected YYYY-MM-DD")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its weights."""
        digest = hashlib.sha256()
        for each in fields(self.network):
            digest.update(np.ascontiguousarray(getattr(self.network, each.name)).tobytes())
        return digest.hexdigest()

    @property
    def curves(self) -> tuple[LearningCurve, ...]:
        """How each stage of its teaching went, as its card says: CRPS in target units, by round."""
        return tuple(
            LearningCurve(
                train=tuple(stage["taught"]),
                valid=tuple(stage["watched"]),
                kept=stage["kept"],
                first_epoch=1,
                measure="crps",
                stage=f"Edition until {self.until}: {title.replace('_', ' ')}",
            )
            for title, stage in self.card.get("stages", {}).items()
        )


@cache
def shipped_editions() -> tuple[Edition, ...]:
    """The editions that come with this package, oldest first."""
    folder = importlib.resources.files(__package__).joinpath(FOLDER)
    files = [file for file in folder.iterdir() if file.name.endswith(".safetensors")]
    return tuple(sorted((edition_of(file.read_bytes()) for file in files), key=lambda e: e.until))


def editions_at(paths: Sequence[str]) -> tuple[Edition, ...]:
    """The editions in files of one's own, oldest first.

    Raises: ConfigError for one that cannot be read or is no edition, or two that end on one day.
    """
    editions = sorted((_edition_at(path) for path in paths), key=lambda edition: edition.until)
    days = [edition.until for edition in editions]
    if len(set(days)) < len(days):
        raise ConfigError(
            "[lstm] editions: two end on the same day. Fix: name one of them.",
            section="lstm",
            key="editions",
        )
    return tuple(editions)


def _edition_at(path: str) -> Edition:
    try:
        return edition_of(content_of(path, limit=EDITION_BYTES))
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ConfigError(
            f"[lstm] editions: cannot use {path}: {reason}. "
            "Fix: name files that `nextclose pretrain` wrote.",
            section="lstm",
            key="editions",
        ) from error


def edition_bytes(edition: Edition) -> bytes:
    """The edition as a file; equal editions give equal bytes. Its weights' fingerprint is in it."""
    facts = {"until": edition.until, "fingerprint": edition.fingerprint, **edition.card}
    arrays = {
        name: np.ascontiguousarray(a) for name, a in encode_state(edition.network).arrays.items()
    }
    return safetensors.numpy.save(
        dict(sorted(arrays.items())), metadata={CARD: canonical_json(facts)}
    )


def edition_of(content: bytes) -> Edition:
    """The edition that gave these bytes.

    Raises: ValueError saying what is wrong with them.
    """
    try:
        arrays = safetensors.numpy.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        card = json.loads(header["__metadata__"][CARD])
        until, fingerprint = card.pop("until"), card.pop("fingerprint")
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("a weight is not finite")
        network: Network = decode_state(Network, State(arrays=arrays, facts={}))
        edition = Edition(until=until, network=network, card=card)
        if edition.fingerprint != fingerprint:
            raise ValueError("its weights are not those of its fingerprint")
        if not all(0 <= c.kept < len(c.train) == len(c.valid) for c in edition.curves):
            raise ValueError("a stage of its card keeps a round that it has not")
    except (
        SafetensorError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise ValueError(f"no edition of the universal network ({error})") from error
    return edition
