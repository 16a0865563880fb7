"""Boosting in segments: a run stopped at a segment's end and one never stopped give equal bits.

XGBoost draws its row and column samples from a generator that no file keeps, so going on from a
saved booster differs from never having stopped. Here every run stops: after each segment the
booster is reloaded from its bytes and seeded anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost

from nextclose.config import TreesConfig
from nextclose.schema import Floats, Floats32


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """What trees are trained or judged on: `inputs` (row, feature), `aim` (row,).

    `base` (row, output) is the margin without any tree: trees learn what to add to it.
    """

    inputs: Floats32
    aim: Floats
    base: Floats

    def matrix(self) -> xgboost.DMatrix:
        """The same for XGBoost."""
        return xgboost.DMatrix(self.inputs, label=self.aim, base_margin=self.base, nthread=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Training so far: the booster's bytes and the scores after 0, 1, 2 ... rounds."""

    content: bytes = b""
    train_scores: tuple[float, ...] = ()
    valid_scores: tuple[float, ...] = ()

    @property
    def n_rounds(self) -> int:
        """Rounds done."""
        return max(len(self.valid_scores) - 1, 0)

    @property
    def best_round(self) -> int:
        """Rounds with the lowest validation score, the fewest of several; 0 is no tree at all."""
        return int(np.argmin(self.valid_scores))


def is_finished(settings: TreesConfig, valid_scores: tuple[float, ...]) -> bool:
    """Whether to stop after these validation scores of rounds 0, 1, 2 ...; nothing else counts."""
    n_rounds = len(valid_scores) - 1
    stale = n_rounds - int(np.argmin(valid_scores)) if valid_scores else 0
    return n_rounds >= settings.rounds or stale >= settings.patience_rounds


def trained(
    settings: TreesConfig,
    objective: Mapping[str, Any],
    examples: tuple[Examples, Examples],
    *,
    seed: int,
    done: Progress | None = None,
) -> Progress:
    """Segments of training until the rule says stop, from the start or from what is `done`.

    `examples` are to train on and to stop by; `objective` are XGBoost's settings of the loss.
    Going on from any segment's Progress gives the bits of a run that was never stopped.
    """
    train, valid = (part.matrix() for part in examples)
    progress = done or Progress()
    while not is_finished(settings, progress.valid_scores):
        progress = segment(settings, objective, (train, valid), progress, seed=seed)
    return progress


def segment(
    settings: TreesConfig,
    objective: Mapping[str, Any],
    matrices: tuple[xgboost.DMatrix, xgboost.DMatrix],
    done: Progress,
    *,
    seed: int,
) -> Progress:
    """The next `segment_rounds` rounds, or those that are left, after what is `done`."""
    train, valid = matrices
    number = done.n_rounds // settings.segment_rounds
    parameters = {
        **objective,
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_depth": 0,  # leaves are limited instead
        "max_leaves": settings.max_leaves,
        "learning_rate": settings.learning_rate,
        "min_child_weight": settings.min_child_weight,
        "subsample": settings.row_share,
        "colsample_bytree": settings.column_share,
        "nthread": 1,
        "seed": derived_seed(seed, f"segment {number}"),
    }
    content = bytearray(done.content) if done.content else None
    booster = xgboost.Booster(parameters, [train, valid], model_file=content)
    scores = list(zip(done.train_scores, done.valid_scores, strict=True))
    last = min(done.n_rounds + settings.segment_rounds, settings.rounds)
    for n_rounds in range(len(scores), last + 1):
        if n_rounds:
            booster.update(train, iteration=n_rounds - 1)
        scores.append(_scores(booster, train, valid))
    train_scores, valid_scores = zip(*scores, strict=True)
    content = booster.save_raw("ubj")
    return Progress(content=bytes(content), train_scores=train_scores, valid_scores=valid_scores)


def derived_seed(seed: int, purpose: str) -> int:
    """A seed in [0, 2**31) for one purpose of a task."""
    digest = hashlib.sha256(f"{seed}|{purpose}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _scores(
    booster: xgboost.Booster, train: xgboost.DMatrix, valid: xgboost.DMatrix
) -> tuple[float, float]:
    line = booster.eval_set([(train, "train"), (valid, "valid")])
    first, second = (float(part.rpartition(":")[2]) for part in line.split("\t")[1:])
    return first, second


def attributions(progress: Progress, inputs: Floats32, *, n_outputs: int) -> Floats:
    """Mean |SHAP| of each feature over rows and outputs, as shares that sum to 1. Shape (feature,).

    Of the booster at its best round; all zero where that has no tree.
    Source: Lundberg et al. (2020), From local explanations to global understanding with
        explainable AI for trees, Nature Machine Intelligence 2; computed by XGBoost.
    """
    n_features = inputs.shape[1]
    if progress.best_round == 0:
        return np.zeros(n_features)
    booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(progress.content))
    matrix = xgboost.DMatrix(inputs, nthread=1)
    found = booster.predict(matrix, pred_contribs=True, iteration_range=(0, progress.best_round))
    parts = found.reshape(-1, n_outputs, n_features + 1)[..., :-1]  # the last is the base
    size = np.abs(parts).mean(axis=(0, 1), dtype=np.float64)
    return np.asarray(size / size.sum()) if size.sum() > 0 else size
