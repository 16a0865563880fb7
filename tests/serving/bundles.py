"""A small bundle of one fold of a shared walk-forward, how to forge one, and its refusal."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from nextclose.backtesting.walk_forward import Backtest
from nextclose.config import DataConfig, canonical_json
from nextclose.errors import BundleError
from nextclose.models.mixture import combine_seeds
from nextclose.models.state import State
from nextclose.schema import HORIZONS, Bars
from nextclose.serving.bundle import Bundle
from nextclose.serving.golden import golden_example, served_names
from nextclose.serving.manifest import FORMAT, MANIFEST, Manifest
from nextclose.serving.predictor import load_bundle
from nextclose.serving.states import state_bytes
from nextclose.serving.versions import versions
from nextclose.studies import served_rows
from tests.builders import hybrid_bars, hybrid_walk, until

MEMBERS = ("garch", "loghar", "trees", "lstm")
LATE = 5  # of three rehearsals and three folds that are judged


def bundle_of(
    walked: Backtest, bars: Bars, *, model: str = "har", fold: int = 1, calendar: str = "weekdays"
) -> Bundle:
    """The forecaster of that model and fold, with all that a manifest says."""
    forecaster = walked.study.models[model]
    fitted = combine_seeds(walked.fits[model, fold])
    then = walked.study.folds[fold]
    known = until(bars, then.fitted_at.astype(object))
    needed = served_rows(walked.study.config, model=model)
    manifest = Manifest(
        format=FORMAT,
        model=model,
        horizons=HORIZONS,
        features=walked.study.samples.table.names,
        min_rows=needed,
        data=DataConfig(calendar=calendar),
        basis=bars.basis,
        fitted_at=str(then.fitted_at),
        valid_from=str(then.valid_from),
        symbols=bars.symbols,
        market=(),
        data_fingerprint=known.fingerprint,
        findings={"W66": 1},
        versions=versions(),
        files={},
    )
    manifest = manifest.model_copy(update={"features": served_names(known, manifest)})
    golden = golden_example(fitted, known, manifest)
    return Bundle(
        manifest=manifest, fitted=fitted, golden=golden, replays=forecaster.traits.replays
    )


def late_bundle(model: str, *, calendar: str = "weekdays") -> Bundle:
    """The last fold of the hybrid of all members: tails adapt, forecasts wait for their outcome."""
    return bundle_of(
        hybrid_walk(*MEMBERS), hybrid_bars(), model=model, fold=LATE, calendar=calendar
    )


def refused(folder: Path, *, name: str) -> BundleError:
    """The refusal to load the folder, which must name the file."""
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert caught.value.exit_code == 7
    assert caught.value.path == str(folder / name)
    assert caught.value.found != caught.value.expected
    return caught.value


def sealed(values: dict[str, Any]) -> bytes:
    """A manifest of these values whose checksum fits, as an attacker would write it."""
    digest = hashlib.sha256(canonical_json(values | {"checksum": ""}).encode()).hexdigest()
    return canonical_json(values | {"checksum": digest}).encode()


def rewritten(folder: Path, **changes) -> None:
    """Change keys of the manifest, None deletes one, and seal it anew."""
    values = json.loads((folder / MANIFEST).read_bytes()) | changes
    for key in [key for key, value in changes.items() if value is None]:
        del values[key]
    (folder / MANIFEST).write_bytes(sealed(values))


def forged(folder: Path, name: str, state: State) -> None:
    """Replace one file by another state, with size and hash to match."""
    forged_content(folder, name, state_bytes(state))


def forged_content(folder: Path, name: str, content: bytes) -> None:
    """Replace one file by any bytes, with size and hash to match."""
    (folder / name).write_bytes(content)
    files = json.loads((folder / MANIFEST).read_bytes())["files"]
    entry = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    rewritten(folder, files=files | {name: entry})
