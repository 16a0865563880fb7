"""A trained forest as plain arrays, checked before anything computes with it.

XGBoost trusts the file it loads: an edited one can crash the process. Here it only trains; its
trees are walked in NumPy, to the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from nextclose.models.state import UNSAVED
from nextclose.schema import Floats, Floats32, Ints

Ints32 = npt.NDArray[np.int32]
Arrays = Mapping[str, npt.NDArray[Any]]

MAX_TREES = 5_000
MAX_NODES = 65_535  # of one tree
MAX_DEPTH = 32
ROWS_AT_ONCE = 256  # so that the nodes of all trees stay in the cache
NONE = -1  # the child of a leaf
NODE_ARRAYS: Mapping[str, type[np.generic]] = {
    "left": np.int32,
    "right": np.int32,
    "feature": np.int32,
    "condition": np.float32,
    "default_left": np.uint8,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """Trees that add up: checked `arrays`, and the way from node to node.

    `offsets` (tree + 1,) are where trees begin; `left` and `right` (node,) count from there, -1 at
    a leaf; a row goes left if its `feature` is below `condition`, or missing and `default_left`.
    At a leaf `condition` is what the tree adds. Nodes are numbered over all trees. `children`
    (2 * node,) are the right child of node i at 2i and the left one behind it; a leaf is its own.
    No leaf is further from its root than `depth`.
    """

    arrays: Arrays
    n_features: int
    children: Ints = field(init=False, metadata={UNSAVED: True})
    depth: int = field(init=False, metadata={UNSAVED: True})

    def __post_init__(self) -> None:
        """Raise ValueError saying which tree is no binary tree of these features, and why."""
        _refuse_malformed(self.arrays)
        depth = 0
        for index, (start, stop) in enumerate(pairwise(self.arrays["offsets"].tolist())):
            nodes = {name: self.arrays[name][start:stop] for name in NODE_ARRAYS}
            try:
                depth = max(depth, checked_depth(nodes, n_features=self.n_features))
            except ValueError as error:
                raise ValueError(f"tree {index}: {error}") from error
        object.__setattr__(self, "children", _children(self.arrays))
        object.__setattr__(self, "depth", depth)

    def margins(self, inputs: Floats32) -> Floats:
        """The sum over trees, the bits of XGBoost: float32, tree by tree. Shape (row,).

        A row's bits never depend on its neighbours.
        """
        sums = np.zeros(len(inputs), dtype=np.float32)
        for start in range(0, len(inputs), ROWS_AT_ONCE):
            block = slice(start, start + ROWS_AT_ONCE)
            for leaf in self._leaves(inputs[block]):
                sums[block] += self.arrays["condition"][leaf]
        return sums.astype(np.float64)

    def _leaves(self, inputs: Floats32) -> Ints:
        """Where each row ends in each tree. Shape (tree, row)."""
        row_starts = np.arange(len(inputs)) * inputs.shape[1]
        nodes = np.repeat(self.arrays["offsets"][:-1, None].astype(np.int64), len(inputs), axis=1)
        any_missing = np.isnan(inputs).any()
        for _ in range(self.depth):
            values = inputs.take(row_starts + self.arrays["feature"].take(nodes))
            goes_left = values < self.arrays["condition"].take(nodes)
            if any_missing:
                goes_left |= np.isnan(values) & (self.arrays["default_left"].take(nodes) == 1)
            nodes = self.children.take(2 * nodes + goes_left)
        return nodes


def _children(arrays: Arrays) -> Ints:
    """Those of checked trees, as a Forest holds them."""
    offsets = arrays["offsets"].astype(np.int64)
    roots = np.repeat(offsets[:-1], np.diff(offsets))  # (node,)
    pairs = np.stack([arrays["right"], arrays["left"]], axis=1) + roots[:, None]
    leaves = np.flatnonzero(arrays["left"] == NONE)
    pairs[leaves] = leaves[:, None]
    return pairs.ravel()


def _refuse_malformed(arrays: Arrays) -> None:
    """Raise ValueError unless names, types and lengths are right and the offsets cut the nodes."""
    types = {"offsets": np.int32, **NODE_ARRAYS}
    actual = {name: array.dtype.type for name, array in arrays.items() if array.ndim == 1}
    if actual != types:
        raise ValueError(f"trees need arrays of one axis {sorted(types)}, found {sorted(actual)}")
    offsets = arrays["offsets"]
    lengths = {len(arrays[name]) for name in NODE_ARRAYS}
    if len(offsets) < 1 or offsets[0] != 0 or lengths != {int(offsets[-1])}:
        raise ValueError(f"offsets do not span node arrays of lengths {sorted(lengths)}")
    sizes = np.diff(offsets.astype(np.int64))
    if len(sizes) > MAX_TREES:
        raise ValueError(f"{len(sizes)} trees, at most {MAX_TREES}")
    if len(sizes) and not (sizes.min() >= 1 and sizes.max() <= MAX_NODES):
        raise ValueError(f"a tree of {sizes.min()} or {sizes.max()} nodes, at most {MAX_NODES}")


def checked_depth(nodes: Arrays, *, n_features: int) -> int:
    """The most steps from the root of one tree, node 0, to a leaf.

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
    widths = _level_widths(left, right)
    if sum(widths) < n_nodes:
        raise ValueError(f"a node is not reached from the root within {MAX_DEPTH} steps")
    return len(widths) - 1


def _level_widths(left: Ints32, right: Ints32) -> list[int]:
    """How many nodes are 0, 1, 2 ... `MAX_DEPTH` steps from node 0.

    Expects: at most one parent per node.
    """
    level = np.array([0])
    widths: list[int] = []
    while len(level) and len(widths) <= MAX_DEPTH:
        widths.append(len(level))
        splits = level[left[level] != NONE]
        level = np.concatenate([left[splits], right[splits]])
    return widths
