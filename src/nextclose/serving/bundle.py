"""A trained model on disk: safetensors and JSON in a flat folder, every byte checked on load.

    manifest.json        format, size and SHA-256 of every file, its own too; what the model is
    model.safetensors    weights, scalers and settings: the state of the fitted model
    golden.safetensors   bars and the forecast they must give, replayed at every load

All three are replaced together, so a bundle is never a mixture. Nothing here can run code.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from nextclose.config import DataConfig, NewsConfig, canonical_json
from nextclose.errors import BundleError, ConfigError, NextcloseError
from nextclose.features.columns import Feature, check_features
from nextclose.features.table import NO_FEATURES
from nextclose.folders import OpenFolder, newest, open_folder
from nextclose.models.mixture import restore_forecaster
from nextclose.models.protocol import Fitted, Model
from nextclose.models.registry import UNSERVABLE, check_plugin, is_known, model_of_state
from nextclose.models.state import State, encode_state
from nextclose.schema import Floats
from nextclose.serving.states import state_bytes, state_of

FORMAT = 2  # 2: states are written by one codec; features of the user's own are named
MANIFEST, MODEL, GOLDEN = "manifest.json", "model.safetensors", "golden.safetensors"
MANIFEST_BYTES = 1 << 20
FILE_BYTES = 512 << 20
UNFIT = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError)
PORTABLE = 1e-6  # relative; another machine's arithmetic may differ by less, nothing else may


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
    market: tuple[str, ...]  # symbols whose common moves it reads; empty: it reads none
    news: NewsConfig | None = None  # how it reads headlines; None: it reads none
    scorer: str = ""  # what scored them
    data_fingerprint: str
    findings: dict[str, int]  # code -> count in the training bars
    versions: dict[str, str]
    files: dict[str, FileEntry]
    checksum: str = ""  # SHA-256 of this manifest with an empty checksum

    def content(self) -> bytes:
        """The one way to write this manifest down, checksum filled in."""
        open_ = self.model_copy(update={"checksum": ""}).model_dump(mode="json")
        digest = hashlib.sha256(canonical_json(open_).encode()).hexdigest()
        return canonical_json(open_ | {"checksum": digest}).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A model that may be trusted: its manifest, the forecaster, and the golden example.

    `replays`: its forecasts go on from the day of the fit. `features` are the user's own columns,
    by name; they are not saved.
    """

    manifest: Manifest
    fitted: Fitted
    golden: State
    replays: bool
    features: Mapping[str, Feature] = field(default_factory=dict)


def bundle_folder(path: Path) -> AbstractContextManager[OpenFolder]:
    """The bundle at `path` for this process alone, which may fill it.

    Raises: LockedError while another process has it; OutputError if it cannot be written.
    """
    return open_folder(path, parts=(MODEL, GOLDEN, MANIFEST))


def write_bundle(folder: Path, bundle: Bundle) -> Manifest:
    """Write the bundle into `folder`; returns the manifest with sizes and hashes filled in.

    Raises: LockedError while another process writes there; OutputError if it cannot be written.
    """
    with bundle_folder(folder) as place:
        return fill_bundle(place, bundle)


def fill_bundle(place: OpenFolder, bundle: Bundle) -> Manifest:
    """As `write_bundle`, into a folder that is open."""
    contents = {MODEL: state_bytes(encode_state(bundle.fitted)), GOLDEN: state_bytes(bundle.golden)}
    entries = {
        name: FileEntry(size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in contents.items()
    }
    manifest = bundle.manifest.model_copy(update={"files": entries})
    place.replace((contents | {MANIFEST: manifest.content()}).items())
    return Manifest.model_validate_json(manifest.content())


def read_bundle(
    folder: Path,
    *,
    models: Sequence[Model] = (),
    features: Mapping[str, Feature] = NO_FEATURES,
) -> Bundle:
    """The bundle in `folder`, with sizes, hashes and tensors checked; not yet replayed.

    `models` and `features` are those of the user's own that it was trained with.
    Raises: BundleError naming the file, what was found and what was expected.
    """
    for plugin in models:
        check_plugin(plugin)
    check_features(features, taken=())
    manifest = _manifest(folder)
    _refuse_without_own(folder, manifest, models=models, features=features)
    state, golden = (
        _state(folder, name, _verified_content(folder, name, manifest.files[name]))
        for name in (MODEL, GOLDEN)
    )
    try:
        model = model_of_state(manifest.model, state, models)
        fitted = restore_forecaster(model, state)
    except (*UNFIT, NextcloseError) as error:
        is_member_missing = isinstance(error, ConfigError) and error.key == "members"
        raise BundleError(
            path=str(folder / MODEL),
            found=_reason(error),
            expected="the state of a fitted model",
            fix="load_bundle(folder, models=[...]) with its members." if is_member_missing else "",
        ) from error
    own = {name: features[name] for name in manifest.own}
    return Bundle(
        manifest=manifest,
        fitted=fitted,
        golden=golden,
        replays=model.traits.replays,
        features=own,
    )


def _refuse_without_own(
    folder: Path,
    manifest: Manifest,
    *,
    models: Sequence[Model],
    features: Mapping[str, Feature],
) -> None:
    """A bundle holds no code: what is the user's own must be given again by who loads it."""
    needed = []
    if manifest.model not in {model.name for model in models} and not is_known(manifest.model):
        needed.append(f"models=[...] with the model {manifest.model!r}")
    if missing := [name for name in manifest.own if name not in features]:
        needed.append(f"features={{...}} with {', '.join(map(repr, missing))}")
    if needed:
        raise BundleError(
            path=str(folder / MANIFEST),
            found="a model or features that are not of nextclose",
            expected="their code from who loads it: a bundle holds none",
            fix=f"load_bundle(folder, {', '.join(needed)}).",
        )


def agreement(*, path: Path, expected: Floats, replayed: Floats) -> str:
    """How a replayed forecast compares: `exact` (bit for bit) or `portable` (within 1e-6).

    Raises: BundleError beyond that.
    """
    if expected.shape != replayed.shape:
        raise BundleError(
            path=str(path / GOLDEN),
            found=f"a golden forecast of shape {expected.shape}",
            expected=f"that of the model, {replayed.shape}",
        )
    if np.array_equal(expected, replayed):
        return "exact"
    size = np.maximum(np.abs(expected), np.abs(expected).max())
    off = float((np.abs(replayed - expected) / size).max())
    if off <= PORTABLE:
        return "portable"
    raise BundleError(
        path=str(path / GOLDEN),
        found=f"a replayed forecast that is off by {off:.1e}",
        expected=f"the stored one within {PORTABLE:.0e}",
    )


def _manifest(folder: Path) -> Manifest:
    content = _read(folder, MANIFEST, limit=MANIFEST_BYTES)
    try:
        values = json.loads(content, object_pairs_hook=_without_duplicates)
        version = values.get("format") if isinstance(values, dict) else None
        if version != FORMAT:
            raise BundleError(
                path=str(folder / MANIFEST),
                found=f"format {version!r}",
                expected=f"format {FORMAT}",
            )
        manifest = Manifest.model_validate_json(content)
    except (ValueError, RecursionError) as error:
        raise BundleError(
            path=str(folder / MANIFEST),
            found=_reason(error),
            expected=f"a manifest of format {FORMAT}",
        ) from error
    if manifest.model in UNSERVABLE or set(manifest.files) != {MODEL, GOLDEN}:
        raise BundleError(
            path=str(folder / MANIFEST),
            found=f"model {manifest.model!r} with files {', '.join(sorted(manifest.files))}",
            expected=f"a known model with files {GOLDEN}, {MODEL}",
        )
    if content != manifest.content():
        raise BundleError(
            path=str(folder / MANIFEST),
            found="a text that its own checksum does not fit",
            expected="the manifest as it was written",
        )
    return manifest


def _state(folder: Path, name: str, content: bytes) -> State:
    try:
        return state_of(content)
    except ValueError as error:
        raise BundleError(
            path=str(folder / name), found=f"{error}", expected="arrays and facts"
        ) from error


def _verified_content(folder: Path, name: str, entry: FileEntry) -> bytes:
    content = _read(folder, name, limit=min(entry.size, FILE_BYTES))
    digest = hashlib.sha256(content).hexdigest()
    if digest != entry.sha256:
        raise BundleError(
            path=str(folder / name), found=f"SHA-256 {digest}", expected=f"SHA-256 {entry.sha256}"
        )
    return content


def _read(folder: Path, name: str, *, limit: int) -> bytes:
    """The bytes of a regular file that is no link, read once."""
    try:
        path = newest(folder / name)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise BundleError(
                    path=str(folder / name), found="no regular file", expected="a regular file"
                )
            content = file.read(limit + 1)
    except OSError as error:
        raise BundleError(
            path=str(folder / name), found=error.strerror or str(error), expected="a readable file"
        ) from error
    if len(content) > limit:
        raise BundleError(
            path=str(folder / name),
            found=f"more than {limit} bytes",
            expected=f"at most {limit} bytes",
        )
    return content


def _reason(error: Exception) -> str:
    """What an error says in one line; of settings, which one and why."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))} = {first['input']!r:.60}: {first['msg']}"
    return str(error).partition("\n")[0] or type(error).__name__


def _without_duplicates(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("a key stands twice")
    return dict(pairs)
