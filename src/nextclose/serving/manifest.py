"""What a bundle says of itself: which model, learnt from what and until when, and its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from nextclose.config import DataConfig, NewsConfig, canonical_json
from nextclose.data.findings import safe_text
from nextclose.errors import BundleError, printable
from nextclose.formatting import quantity
from nextclose.models.registry import UNSERVABLE

# 5: a hybrid's record of past forecasts; 4: an LSTM taught beforehand; 3: golden forecasts of all
# symbols; 2: one codec
FORMAT = 5
MANIFEST, MODEL, GOLDEN = "manifest.json", "model.safetensors", "golden.safetensors"
# What a bundle does not decide: where files of its training lay, and whether links are followed.
PRIVATE = {"splits": None, "as_of": None, "follow_symlinks": False}


def _session(text: str) -> str:
    """The same text if it is a date as we write it."""
    if date.fromisoformat(text).isoformat() != text:
        raise ValueError("not a date as 2012-10-31")
    return text


Session = Annotated[str, AfterValidator(_session)]


class FileEntry(BaseModel):
    """Size in bytes and SHA-256 of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    size: int = Field(ge=0)
    sha256: str


class Manifest(BaseModel):
    """What a bundle says of itself; every key is checked on load."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: int
    model: str
    horizons: tuple[int, ...]
    features: tuple[str, ...]
    own: tuple[str, ...] = ()  # features of the user's own among them: who loads gives them again
    min_rows: int = Field(ge=1)  # bars of a symbol that one forecast needs
    data: DataConfig  # how its bars were read, with what the files settled; later bars likewise
    basis: str  # of the prices it was trained on
    fitted_at: Session  # last session it has seen
    valid_from: Session  # first session of the early-stopping block
    symbols: tuple[str, ...]
    exchanges: dict[str, str] = {}  # their calendars then; of "" and of bars without any none
    market: tuple[str, ...]  # symbols whose common moves it reads; empty: it reads none
    news: NewsConfig | None = None  # how it reads headlines; None: it reads none
    scorer: str = ""  # what scored them
    data_fingerprint: str
    findings: dict[str, int]  # code -> count in the training bars
    left_out: dict[str, str] = {}  # symbol or file that data.bad_symbols left out -> why
    versions: dict[str, str]
    files: dict[str, FileEntry]
    checksum: str = ""  # SHA-256 of this manifest with an empty checksum

    @property
    def summary(self) -> str:
        """What was learnt from what, and what it can forecast, in a line."""
        ahead = ", ".join(map(str, self.horizons))
        learnt = quantity(len(self.symbols), "symbol")
        return (
            f"{self.model} of {learnt} up to {self.fitted_at}, {ahead} sessions ahead; a forecast "
            f"needs {self.min_rows:,} bars"
        )

    def __repr__(self) -> str:
        return f"Manifest: {self.summary}"

    __str__ = __repr__

    def content(self) -> bytes:
        """The one way to write this manifest down, checksum filled in."""
        open_ = self.model_copy(update={"checksum": ""}).model_dump(mode="json")
        digest = hashlib.sha256(canonical_json(open_).encode()).hexdigest()
        return canonical_json(open_ | {"checksum": digest}).encode()


def parse_manifest(content: bytes, *, folder: Path) -> Manifest:
    """The manifest written in these bytes, every key of it checked.

    Raises: BundleError saying what is wrong with it.
    """
    path = str(folder / MANIFEST)
    try:
        values = json.loads(content, object_pairs_hook=_without_duplicates)
        _refuse_other_format(values.get("format") if isinstance(values, dict) else None, path)
        manifest = Manifest.model_validate_json(content)
        written = manifest.content()
    except (ValueError, RecursionError) as error:
        raise BundleError(
            path=path, found=reason_of(error), expected=f"a manifest of format {FORMAT}"
        ) from error
    if manifest.model in UNSERVABLE or set(manifest.files) != {MODEL, GOLDEN}:
        files = ", ".join(sorted(manifest.files))
        raise BundleError(
            path=path,
            found=safe_text(f"model {manifest.model!r} with files {files}"),
            expected=f"a known model with files {GOLDEN}, {MODEL}",
        )
    if content != written:
        raise BundleError(
            path=path,
            found="a text that its own checksum does not fit",
            expected="the manifest as it was written",
        )
    for name, value in PRIVATE.items():
        if getattr(manifest.data, name) != value:
            raise BundleError(
                path=path,
                found=f"a setting data.{name}",
                expected="no settings about files of the computer that it was trained on",
                fix=f"get the bundle anew; say data.{name} in a --config of your own.",
            )
    return manifest


def _refuse_other_format(number: Any, path: str) -> None:
    if type(number) is int and number == FORMAT:
        return
    is_newer = type(number) is int and number > FORMAT
    raise BundleError(
        path=path,
        found=f"format {number!r:.60}",
        expected=f"format {FORMAT}",
        fix="upgrade nextclose: a later version wrote this bundle." if is_newer else "",
    )


def reason_of(error: BaseException) -> str:
    """What an error says in one line; of settings, which one and why."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = safe_text(".".join(map(str, first["loc"])))
        return f"{place} = {safe_text(repr(first['input']))}: {first['msg']}"
    return printable(str(error).partition("\n")[0])[:200] or type(error).__name__


def _without_duplicates(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("a key stands twice")
    return dict(pairs)
