"""A trained model on disk: safetensors and JSON in a flat folder, every byte checked on load.

    manifest.json        format, size and SHA-256 of every file, its own too; what the model is
    model.safetensors    weights, scalers and settings: the state of the fitted model
    golden.safetensors   bars and the forecast they must give, replayed at every load

All three are replaced together, so a bundle is never a mixture. Nothing here can run code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from nextclose.data.findings import safe_text
from nextclose.errors import BundleError, ConfigError, Finding, LibraryError
from nextclose.features.columns import Feature, check_features
from nextclose.features.table import NO_FEATURES
from nextclose.folders import OpenFolder, current_place, open_folder
from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.models.mixture import restore_forecaster
from nextclose.models.protocol import Fitted, Model
from nextclose.models.registry import check_plugin, is_known, model_of_state
from nextclose.models.state import State, encode_state
from nextclose.schema import Floats
from nextclose.serving.files import file_content, stamp, verified_content
from nextclose.serving.manifest import (
    GOLDEN,
    MANIFEST,
    MODEL,
    FileEntry,
    Manifest,
    parse_manifest,
    reason_of,
)
from nextclose.serving.states import state_bytes, state_of

MANIFEST_BYTES = 1 << 20
RUN = "verdict.json"  # of a run, which is no bundle
PANIC = "PanicException"  # of a library written in Rust; each has a class of its own
PORTABLE = 1e-6  # relative; another machine's arithmetic may differ by less, nothing else may


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Bundle:
    """A model that may be trusted: its manifest, the forecaster, and the golden example.

    `replays`: it, or a member of it, goes on from the day of the fit. `features` are the user's
    own columns, by name; they are not saved. `findings` are what was found when it was loaded.
    """

    manifest: Manifest
    fitted: Fitted
    golden: State
    replays: bool
    features: Mapping[str, Feature] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        return f"Bundle: {self.manifest.summary}\nnextclose.predict(bundle, bars), .manifest"

    @property
    def recorded(self) -> dict[str, date]:
        """The session of each symbol's newest forecast in a hybrid's record; others keep none."""
        if not isinstance(self.fitted, FittedHybrid):
            return {}
        record = self.fitted.record
        days = record.last.astype("datetime64[D]").astype(object)
        return dict(zip(record.symbols, days, strict=True))


def bundle_folder(path: Path) -> AbstractContextManager[OpenFolder]:
    """The bundle at `path` for this process alone, which may fill it.

    Raises: LockedError while another process has it; OutputError if it cannot be written.
    """
    return open_folder(path, parts=(MODEL, GOLDEN, MANIFEST), keys=("format", "model", "files"))


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
    One that is replaced meanwhile is read again.
    Raises: BundleError naming the file, what was found and what was expected; LibraryError.
    """
    while True:
        begun = stamp(folder, MANIFEST)
        try:
            return _bundle_in(folder, models=models, features=features)
        except BundleError:
            if stamp(folder, MANIFEST) == begun:
                raise


def _bundle_in(folder: Path, *, models: Sequence[Model], features: Mapping[str, Feature]) -> Bundle:
    """As `read_bundle`, once."""
    for plugin in models:
        check_plugin(plugin)
    check_features(features, taken=())
    _refuse_run(folder)
    content = file_content(folder, MANIFEST, limit=MANIFEST_BYTES)
    with refusals(folder / MANIFEST, expected="a manifest"):
        manifest = parse_manifest(content, folder=folder)
    _refuse_without_own(folder, manifest, models=models, features=features)
    states = []
    for name in (MODEL, GOLDEN):
        content = verified_content(folder, name, manifest.files[name])
        with refusals(folder / name, expected="arrays and facts"):
            states.append(state_of(content))
    state, golden = states
    with refusals(folder / MODEL, expected="the state of a fitted model"):
        model = model_of_state(manifest.model, state, models)
        fitted = restore_forecaster(model, state)
        _refuse_other_day(fitted, manifest)
    own = {name: features[name] for name in manifest.own}
    return Bundle(
        manifest=manifest,
        fitted=fitted,
        golden=golden,
        replays=model.traits.replays,
        features=own,
    )


def _refuse_other_day(fitted: Fitted, manifest: Manifest) -> None:
    """Raise ValueError for a hybrid of another day than its bundle: it goes on from that day."""
    if isinstance(fitted, FittedHybrid):
        own = np.datetime64(fitted.fitted_at, "D")
        if own != np.datetime64(manifest.fitted_at):
            raise ValueError(f"a hybrid of {own}, the manifest says {manifest.fitted_at}")


@contextmanager
def refusals(path: Path, *, expected: str, what: str = "") -> Iterator[None]:
    """Within, whatever goes wrong is the bundle's fault: it may come from anywhere.

    A panic of a library is no Exception; lack of memory or of a library is no fault of it.
    """
    try:
        yield
    except (BundleError, LibraryError, MemoryError):
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != PANIC:
            raise
        is_member_missing = isinstance(error, ConfigError) and error.key == "members"
        raise BundleError(
            path=str(path),
            found=f"{what} ({reason_of(error)})" if what else reason_of(error),
            expected=expected,
            fix="load_bundle(folder, models=[...]) with its members." if is_member_missing else "",
        ) from error


def _refuse_run(folder: Path) -> None:
    """A backtest leaves no model, and is easily taken for one that does."""
    if (folder / RUN).is_file() and not current_place(folder / MANIFEST).exists():
        of_demo = folder / "bundle"
        cure = "nextclose train PRICES --out bundles/mine, then give that folder."
        raise BundleError(
            path=str(folder),
            found="the run of a backtest, which keeps no model",
            expected="a bundle, which `nextclose train` writes",
            fix=f"give {of_demo}." if (of_demo / MANIFEST).is_file() else cure,
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


def agreement(
    *, path: Path, symbols: Sequence[str], expected: Floats, replayed: Floats, versions: str = ""
) -> str:
    """How replayed forecasts compare: `exact` (bit for bit) or `portable` (within 1e-6).

    One of each of `symbols`: shape (symbol, horizon, level). `versions` tells of other libraries.
    Raises: BundleError beyond that.
    """
    if expected.shape != replayed.shape or len(replayed) != len(symbols):
        raise BundleError(
            path=str(path / GOLDEN),
            found=f"a golden forecast of shape {expected.shape}",
            expected=f"that of the model, {replayed.shape}",
        )
    if np.array_equal(expected, replayed):
        return "exact"
    size = np.abs(expected)
    size = np.maximum(size, size.max(axis=(1, 2), keepdims=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.nan_to_num(np.abs(replayed - expected) / size, nan=np.inf).max(axis=(1, 2))
    worst = int(off.argmax())
    if off[worst] <= PORTABLE:
        return "portable"
    made = f" ({versions})" if versions else ""
    raise BundleError(
        path=str(path / GOLDEN),
        found=f"a replayed forecast of {safe_text(symbols[worst])} that is off by {off[worst]:.1e}",
        expected=f"the stored one within {PORTABLE:.0e}{made}",
    )
