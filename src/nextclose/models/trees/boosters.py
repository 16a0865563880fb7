"""Boosting on one set of rows until another set says stop; there is no chance in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from nextclose.config import TreesConfig
from nextclose.schema import Floats, Floats32

ROUNDS_PER_CHECK = 25  # what follows a loss of patience up to the next check may still be best


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostingData:
    """What trees are trained or judged on: `inputs` (row, feature), `label` (row,).

    `base_margin` (row,) is the logarithm expected without any tree: trees learn what to add to it.
    """

    inputs: Floats32
    label: Floats
    base_margin: Floats

    def matrix(self) -> xgboost.DMatrix:
        """The same for XGBoost."""
        return xgboost.DMatrix(
            self.inputs, label=self.label, base_margin=self.base_margin, nthread=1
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostingRun:
    """A booster with all its rounds, and the scores after 0, 1, 2 ... of them."""

    booster: xgboost.Booster
    train_scores: tuple[float, ...]
    valid_scores: tuple[float, ...]

    @property
    def best_round(self) -> int:
        """Rounds with the lowest validation score, the fewest of several; 0 is no tree at all."""
        return int(np.argmin(self.valid_scores))


def is_finished(settings: TreesConfig, valid_scores: Sequence[float]) -> bool:
    """Whether to stop after these validation scores of rounds 0, 1, 2 ...; nothing else counts."""
    n_rounds = len(valid_scores) - 1
    if n_rounds >= settings.rounds:
        return True
    n_stale = n_rounds - int(np.argmin(valid_scores))
    return n_rounds % ROUNDS_PER_CHECK == 0 and n_stale >= settings.patience_rounds


def fit_booster(settings: TreesConfig, *, train: BoostingData, valid: BoostingData) -> BoostingRun:
    """Boosting of a positive mean on `train` until gamma deviances on `valid` say stop."""
    train_matrix, valid_matrix = train.matrix(), valid.matrix()
    parameters = {
        "objective": "reg:gamma",
        "eval_metric": "gamma-deviance",
        "base_score": 1.0,
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_depth": 0,  # leaves are limited instead
        "max_leaves": settings.max_leaves,
        "learning_rate": settings.learning_rate,
        "min_child_weight": settings.min_child_weight,
        "nthread": 1,
    }
    booster = xgboost.Booster(parameters, [train_matrix, valid_matrix])
    scores = [_scores(booster, train_matrix, valid_matrix)]
    while not is_finished(settings, [score for _, score in scores]):
        booster.update(train_matrix, iteration=len(scores) - 1)
        scores.append(_scores(booster, train_matrix, valid_matrix))
    train_scores, valid_scores = zip(*scores, strict=True)
    return BoostingRun(booster=booster, train_scores=train_scores, valid_scores=valid_scores)


def _scores(
    booster: xgboost.Booster, train: xgboost.DMatrix, valid: xgboost.DMatrix
) -> tuple[float, float]:
    line = booster.eval_set([(train, "train"), (valid, "valid")])
    first, second = (float(part.rpartition(":")[2]) for part in line.split("\t")[1:])
    return first, second


def best_trees(run: BoostingRun) -> dict[str, npt.NDArray[Any]]:
    """The trees up to the best round, as the arrays of a `Forest`."""
    model = json.loads(bytes(run.booster.save_raw("json")))["learner"]["gradient_booster"]["model"]
    trees = model["trees"][: run.best_round]
    sizes = [len(tree["left_children"]) for tree in trees]

    def nodes_of(key: str, dtype: type[np.generic]) -> npt.NDArray[Any]:
        parts = [np.array(tree[key], dtype=dtype) for tree in trees]
        return np.concatenate([np.empty(0, dtype=dtype), *parts])

    return {
        "offsets": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        "left": nodes_of("left_children", np.int32),
        "right": nodes_of("right_children", np.int32),
        "feature": nodes_of("split_indices", np.int32),
        "condition": nodes_of("split_conditions", np.float32),
        "default_left": nodes_of("default_left", np.uint8),
    }


def with_usual_ways(
    arrays: Mapping[str, npt.NDArray[Any]], inputs: Floats32
) -> dict[str, npt.NDArray[Any]]:
    """The trees, in which a row that lacks what none of `inputs` lacks goes where their mean goes.

    Boosting learns the way of such rows from others like them; where there were none it names any.
    """
    means = inputs.mean(axis=0, dtype=np.float64)[arrays["feature"]]  # NaN where some lacked it
    usual = np.where(np.isnan(means), arrays["default_left"], means < arrays["condition"])
    return {**arrays, "default_left": usual.astype(np.uint8)}


def shap_shares(run: BoostingRun, inputs: Floats32) -> Floats:
    """Mean |SHAP| of each feature over rows, as shares that sum to 1. Shape (feature,).

    Of the booster at its best round; all zero where that has no tree.
    Source: Lundberg et al. (2020), From local explanations to global understanding with
        explainable AI for trees, Nature Machine Intelligence 2; computed by XGBoost.
    """
    n_features = inputs.shape[1]
    if run.best_round == 0:
        return np.zeros(n_features)
    matrix = xgboost.DMatrix(inputs, nthread=1)
    values = run.booster.predict(matrix, pred_contribs=True, iteration_range=(0, run.best_round))
    size = np.abs(values[:, :-1]).mean(axis=0, dtype=np.float64)  # the last column is the base
    return np.asarray(size / size.sum()) if size.sum() > 0 else size
