"""A trained forest as plain arrays, checked before anything computes with it.

XGBoost trusts the file it loads: an edited one can crash the process. Here it only ever reads JSON
that was written from checked values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from nextclose.models.state import UNSAVED
from nextclose.models.trees.boosters import Progress
from nextclose.schema import Bools, Floats, Floats32

Ints32 = npt.NDArray[np.int32]
Arrays = Mapping[str, npt.NDArray[Any]]

MAX_TREES = 5_000
MAX_NODES = 65_535  # of one tree
MAX_DEPTH = 32
MAX_OUTPUTS = 100
MAX_FEATURES = 10_000
NONE = -1  # the child of a leaf
NO_PARENT = 2**31 - 1  # XGBoost's mark for the root
NODE_ARRAYS: Mapping[str, type[np.generic]] = {
    "left": np.int32,
    "right": np.int32,
    "feature": np.int32,
    "condition": np.float32,
    "default_left": np.uint8,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """Trees that add up to `n_outputs` margins: checked `arrays`, and what computes with them."""

    arrays: Mapping[str, npt.NDArray[Any]]
    n_outputs: int
    n_features: int
    booster: Any = field(default=None, metadata={UNSAVED: True})

    def __post_init__(self) -> None:
        """Raise ValueError unless these are trees that XGBoost can load."""
        if not 1 <= self.n_outputs <= MAX_OUTPUTS or not 1 <= self.n_features <= MAX_FEATURES:
            raise ValueError(f"{self.n_features} features, {self.n_outputs} outputs")
        if self.booster is None:
            whole = forest_of(self.arrays, n_features=self.n_features, n_outputs=self.n_outputs)
            object.__setattr__(self, "booster", whole.booster)

    def margins(self, inputs: Floats32) -> Floats:
        """The sum over trees. Shape (row, output); a row's bits never depend on its neighbours."""
        matrix = xgboost.DMatrix(inputs, nthread=1)
        sums: Floats32 = self.booster.predict(matrix, output_margin=True)
        return sums.reshape(len(inputs), self.n_outputs).astype(np.float64)


def best_trees(progress: Progress) -> dict[str, npt.NDArray[Any]]:
    """The trees up to the best round, nodes of all trees behind one another.

    `offsets` (tree + 1,) are where trees begin; `left` and `right` (node,) count from there, -1 at
    a leaf; a row goes left if its `feature` is below `condition`, or missing and `default_left`.
    At a leaf `condition` is what the tree adds.
    """
    booster = xgboost.Booster(model_file=bytearray(progress.content))
    model = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]
    trees = model["trees"][: model["iteration_indptr"][progress.best_round]]
    sizes = [len(tree["left_children"]) for tree in trees]

    def joined(key: str, dtype: type[np.generic]) -> npt.NDArray[Any]:
        parts = [np.array(tree[key], dtype=dtype) for tree in trees]
        return np.concatenate([np.empty(0, dtype=dtype), *parts])

    return {
        "offsets": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        "left": joined("left_children", np.int32),
        "right": joined("right_children", np.int32),
        "feature": joined("split_indices", np.int32),
        "condition": joined("split_conditions", np.float32),
        "default_left": joined("default_left", np.uint8),
    }


def forest_of(arrays: Arrays, *, n_features: int, n_outputs: int) -> Forest:
    """The forest these arrays describe; tree i adds to output i mod `n_outputs`.

    Raises: ValueError saying which tree is no binary tree of these features, and why.
    """
    _refuse_malformed(arrays, n_outputs=n_outputs)
    trees = []
    for index, (start, stop) in enumerate(pairwise(arrays["offsets"].tolist())):
        nodes = {name: arrays[name][start:stop] for name in NODE_ARRAYS}
        try:
            parents = checked_parents(nodes, n_features=n_features)
        except ValueError as error:
            raise ValueError(f"tree {index}: {error}") from error
        trees.append(_as_json(nodes, parents, index=index, n_features=n_features))
    text = json.dumps(_model_json(trees, n_features=n_features, n_outputs=n_outputs))
    booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(text.encode()))
    return Forest(arrays=dict(arrays), n_outputs=n_outputs, n_features=n_features, booster=booster)


def _refuse_malformed(arrays: Arrays, *, n_outputs: int) -> None:
    """Raise ValueError unless names, types and lengths are right and the offsets cut the nodes."""
    types = {"offsets": np.int32, **NODE_ARRAYS}
    found = {name: array.dtype.type for name, array in arrays.items() if array.ndim == 1}
    if found != types:
        raise ValueError(f"trees need arrays of one axis {sorted(types)}, found {sorted(found)}")
    offsets = arrays["offsets"]
    lengths = {len(arrays[name]) for name in NODE_ARRAYS}
    if len(offsets) < 1 or offsets[0] != 0 or lengths != {int(offsets[-1])}:
        raise ValueError(f"offsets do not span node arrays of lengths {sorted(lengths)}")
    sizes = np.diff(offsets.astype(np.int64))
    if len(sizes) > MAX_TREES or len(sizes) % n_outputs:
        raise ValueError(f"{len(sizes)} trees for {n_outputs} outputs, at most {MAX_TREES}")
    if len(sizes) and not (sizes.min() >= 1 and sizes.max() <= MAX_NODES):
        raise ValueError(f"a tree of {sizes.min()} or {sizes.max()} nodes, at most {MAX_NODES}")


def checked_parents(nodes: Arrays, *, n_features: int) -> Ints32:
    """The parent of each node of one tree, `NO_PARENT` for the root, node 0. Shape (node,).

    Raises: ValueError unless all is one binary tree of depth <= 32 whose numbers can be used.
    """
    left, right, n_nodes = nodes["left"], nodes["right"], len(nodes["left"])
    splits = np.flatnonzero((left != NONE) | (right != NONE))
    children = np.concatenate([left[splits], right[splits]])
    if ((children < 1) | (children >= n_nodes)).any():
        raise ValueError("a node has one child, or a child that is the root or no node")
    if (np.bincount(children, minlength=n_nodes)[1:] != 1).any():
        raise ValueError("a node has no parent, or more than one")
    if not np.isfinite(nodes["condition"]).all():
        raise ValueError("a condition or leaf is not finite")
    if ((nodes["feature"] < 0) | (nodes["feature"] >= n_features)).any():
        raise ValueError(f"a split reads a feature beyond the {n_features} there are")
    if (nodes["default_left"] > 1).any():
        raise ValueError("a default direction is neither 0 nor 1")
    if _n_reached(left, right) < n_nodes:
        raise ValueError(f"a node is not reached from the root within {MAX_DEPTH} steps")
    parents = np.full(n_nodes, NO_PARENT, dtype=np.int32)
    parents[children] = np.concatenate([splits, splits])
    return parents


def _n_reached(left: Ints32, right: Ints32) -> int:
    """Nodes within `MAX_DEPTH` steps of node 0. Expects: at most one parent per node."""
    level, n_reached = np.array([0]), 0
    for _ in range(MAX_DEPTH + 1):
        n_reached += len(level)
        inner: Bools = left[level] != NONE
        level = np.concatenate([left[level[inner]], right[level[inner]]])
    return n_reached


def _as_json(nodes: Arrays, parents: Ints32, *, index: int, n_features: int) -> dict[str, Any]:
    """One checked tree in XGBoost's schema; what only training needs is 0."""
    n_nodes = len(parents)
    zeros = [0.0] * n_nodes
    return {
        "base_weights": zeros,
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
        "default_left": nodes["default_left"].tolist(),
        "id": index,
        "left_children": nodes["left"].tolist(),
        "loss_changes": zeros,
        "parents": parents.tolist(),
        "right_children": nodes["right"].tolist(),
        "split_conditions": nodes["condition"].tolist(),
        "split_indices": nodes["feature"].tolist(),
        "split_type": [0] * n_nodes,
        "sum_hessian": zeros,
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(n_features),
            "num_nodes": str(n_nodes),
            "size_leaf_vector": "1",
        },
    }


def _model_json(trees: list[dict[str, Any]], *, n_features: int, n_outputs: int) -> dict[str, Any]:
    """A booster whose margin is the plain sum of its trees, whatever loss they were trained on."""
    n_rounds = len(trees) // n_outputs
    model = {
        "cats": {"enc": [], "feature_segments": [], "sorted_idx": []},
        "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(len(trees))},
        "iteration_indptr": [n_outputs * n for n in range(n_rounds + 1)],
        "tree_info": [index % n_outputs for index in range(len(trees))],
        "trees": trees,
    }
    learner = {
        "attributes": {},
        "feature_names": [],
        "feature_types": [],
        "gradient_booster": {"model": model, "name": "gbtree"},
        "learner_model_param": {
            "base_score": json.dumps([0.0] * n_outputs),
            "boost_from_average": "0",
            "num_class": "0",
            "num_feature": str(n_features),
            "num_target": str(n_outputs),
        },
        "objective": {"name": "reg:squarederror", "reg_loss_param": {"scale_pos_weight": "1"}},
    }
    return {"learner": learner, "version": [3, 2, 0]}
