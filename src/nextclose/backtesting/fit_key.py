"""What a fit is made of, as one text: equal keys, equal fits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from nextclose.backtesting.study import Study
from nextclose.backtesting.walk_forward import FitTask, seed_of
from nextclose.config import canonical_json
from nextclose.models.registry import OURS
from nextclose.samples.samples import Samples
from nextclose.samples.splits import Fold


def fit_keys(study: Study, tasks: Sequence[FitTask], *, code: str) -> dict[FitTask, str]:
    """For each task the SHA-256 of everything its fit reads, `code` being what carries it out.

    What a model of ours cannot see is not in it: bars after the fit's date, the place of the fold
    in the plan, the other models of the run. Another model may see how much comes after, so its
    key holds the whole table.
    """
    digests: dict[tuple[int, bool], str] = {}
    keys = {}
    for task in tasks:
        model, fold = study.model(task.model), study.folds[task.fold]
        scope = task.fold, model.name not in OURS
        if scope not in digests:
            digests[scope] = _digest_of(fold, is_whole=scope[1])
        what = {
            "model": [model.name, type(model).__module__, type(model).__qualname__],
            "version": model.traits.version,
            "settings": dict(model.traits.settings),
            "seed": seed_of(model, fold, study.samples.horizons, seed_index=task.seed_index),
            "seed_index": task.seed_index,
            "reads_news": task.reads_news,
            "dates": [str(fold.valid_from), str(fold.fitted_at)],
            "samples": digests[scope],
            "code": code,
        }
        keys[task] = hashlib.sha256(canonical_json(what).encode()).hexdigest()
    return keys


def _digest_of(fold: Fold, *, is_whole: bool) -> str:
    """SHA-256 of what the fold lets a fit learn from; `is_whole`: of rows after it as well."""
    digest = hashlib.sha256()
    table = fold.valid.table
    assert fold.train.table is table, "both blocks are cut from one table"
    segments = (table if is_whole else fold.valid).segments.tolist()
    parts: tuple[tuple[str, Any], ...] = (
        ("table", table),
        ("train", fold.train),
        ("valid", fold.valid),
    )
    for title, part in parts:
        for name, value in _named_values(part):
            digest.update(f"{title}.{name}\0".encode())
            for piece in _pieces(value, segments, n_rows=len(table.close)):
                digest.update(piece)
    return digest.hexdigest()


def _named_values(part: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a table or of samples, row ranges as lengths: positions speak of later rows."""
    for each in fields(part):
        value = getattr(part, each.name)
        if each.name == "segments":
            if isinstance(part, Samples):
                lengths = value[:, 1] - value[:, 0]
                yield "segments", repr(lengths[lengths > 0].tolist())
        elif each.name not in ("table", "left_out"):  # itself a part; words
            yield each.name, value


def _pieces(value: Any, segments: list[list[int]], *, n_rows: int) -> Iterator[bytes]:
    """The bytes of a value: of an array with a row for each bar those within `segments`."""
    if isinstance(value, np.ndarray):
        assert len(value) == n_rows, "arrays of tables and samples have a row for each bar"
        yield f"{value.dtype}{value.shape[1:]}".encode()
        for start, stop in segments:
            yield np.ascontiguousarray(value[start:stop]).tobytes()
    elif isinstance(value, Mapping):
        yield repr(sorted(value.items())).encode()
    else:
        yield repr(value).encode()
