from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xgboost

from nextclose.config import TreesConfig
from nextclose.models.trees.boosters import BoostingData, BoostingRun, best_trees, fit_booster
from nextclose.models.trees.forests import Forest

Arrays = dict[str, np.ndarray]
BEST = 25  # rounds, of 40
INPUTS = np.random.default_rng(0).standard_normal((500, 3)).astype(np.float32)


def ints(values: Any) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def flags(values: Any) -> np.ndarray:
    return np.array(values, dtype=np.uint8)


def floats(values: Any) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def grown(*, seed: int = 1, max_leaves: int = 8, missing: float = 0.0) -> BoostingRun:
    """A booster that goes on beyond its best round."""
    noise = np.random.default_rng(seed)
    label = np.exp(0.3 * INPUTS[:, 0] * INPUTS[:, 1]) * noise.gamma(2.0, 0.5, len(INPUTS))
    settings = TreesConfig(
        rounds=40,
        patience_rounds=40,
        learning_rate=0.3,
        min_child_weight=5.0,
        max_leaves=max_leaves,
    )
    inputs = with_gaps(INPUTS, noise, share=missing)
    train, valid = (
        BoostingData(inputs=inputs[i::2], label=label[i::2], base_margin=np.zeros(250))
        for i in range(2)
    )
    run = fit_booster(settings, train=train, valid=valid)
    run = replace(run, valid_scores=tuple(abs(n - BEST) for n in range(41)))
    assert run.best_round == BEST
    return run


def with_gaps(inputs: np.ndarray, noise: np.random.Generator, *, share: float) -> np.ndarray:
    """The same with a share of cells unknown."""
    return np.where(noise.random(inputs.shape) < share, np.float32(np.nan), inputs)


def on_the_edge(arrays: Arrays) -> np.ndarray:
    """Each row of INPUTS with one cell moved onto a condition, or to the next float beside it."""
    noise, edge = np.random.default_rng(4), INPUTS.copy()
    splits = np.flatnonzero(arrays["left"] >= 0)
    for row, node in enumerate(noise.choice(splits, len(INPUTS))):
        value = arrays["condition"][node]
        toward = (value, np.float32(-np.inf), np.float32(np.inf))[row % 3]
        edge[row, arrays["feature"][node]] = np.nextafter(value, toward)
    return edge


# --- the bits of XGBoost ---


@pytest.mark.parametrize(
    ("seed", "max_leaves", "missing"), [(1, 8, 0.0), (2, 32, 0.0), (3, 32, 0.3), (5, 2, 0.1)]
)
def test_the_forest_gives_the_bits_of_the_booster_at_its_best_round(seed, max_leaves, missing):
    run = grown(seed=seed, max_leaves=max_leaves, missing=missing)
    arrays = best_trees(run)
    forest = Forest(arrays=arrays, n_features=3)
    gaps = with_gaps(INPUTS, np.random.default_rng(9), share=0.3)
    for inputs in (INPUTS, gaps, on_the_edge(arrays), np.full_like(INPUTS, np.nan)):
        expected = run.booster.predict(
            xgboost.DMatrix(inputs, base_margin=np.zeros(len(inputs)), nthread=1),
            output_margin=True,
            iteration_range=(0, run.best_round),
        )
        np.testing.assert_array_equal(forest.margins(inputs), expected)
        assert forest.margins(inputs).dtype == np.float64


def test_unknown_values_go_either_way():
    default_left = best_trees(grown(seed=3, max_leaves=32, missing=0.3))["default_left"]
    assert set(default_left) == {0, 1}


def test_a_rows_margin_does_not_depend_on_its_neighbours():
    forest = Forest(arrays=best_trees(grown()), n_features=3)
    together = forest.margins(INPUTS)
    order = np.random.default_rng(2).permutation(500)
    np.testing.assert_array_equal(forest.margins(INPUTS[order]), together[order])
    for row in range(0, 500, 50):
        np.testing.assert_array_equal(forest.margins(INPUTS[row : row + 1])[0], together[row])


def test_a_leaf_is_added_with_its_own_bits_whatever_they_are():
    patterns = np.random.default_rng(3).integers(0, 2**32, 4000, dtype=np.uint32)
    values = np.concatenate([patterns.view(np.float32), floats([0.1, -1e-40, 3.4e38, 1e-45])])
    values = values[np.isfinite(values)]
    for pair in values[: len(values) // 2 * 2].reshape(-1, 2):
        forest = Forest(arrays=stumps(pair[None]), n_features=1)
        margins = forest.margins(floats([[-1.0], [1.0]]))
        np.testing.assert_array_equal(margins.astype(np.float32), pair)


def stumps(leaves: np.ndarray) -> Arrays:
    """One split at 0 per row of `leaves` (tree, 2)."""
    n = len(leaves)
    condition = np.column_stack([np.zeros(n), leaves]).astype(np.float32)
    return {
        "offsets": np.arange(0, 3 * n + 1, 3, dtype=np.int32),
        "left": np.tile(ints([1, -1, -1]), n),
        "right": np.tile(ints([2, -1, -1]), n),
        "feature": np.zeros(3 * n, dtype=np.int32),
        "condition": condition.ravel(),
        "default_left": np.zeros(3 * n, dtype=np.uint8),
    }


# --- two trees by hand ---


def by_hand() -> Arrays:
    """x0 < .5 ? (x1 < -1 ? 1 : 2) : 4, unknown x0 goes left; and a tree of one leaf, 8."""
    return {
        "offsets": ints([0, 5, 6]),
        "left": ints([1, 3, -1, -1, -1, -1]),
        "right": ints([2, 4, -1, -1, -1, -1]),
        "feature": ints([0, 1, 0, 0, 0, 0]),
        "condition": floats([0.5, -1.0, 4.0, 1.0, 2.0, 8.0]),
        "default_left": flags([1, 0, 0, 0, 0, 0]),
    }


def test_two_trees_worked_by_hand():
    nan = np.nan
    rows = floats([[0.4, -2], [0.4, -1], [0.5, -2], [nan, -2], [0.4, nan], [nan, nan]])
    margins = Forest(arrays=by_hand(), n_features=2).margins(rows)
    np.testing.assert_array_equal(margins, [9, 10, 12, 9, 10, 10])


def test_no_tree_adds_nothing():
    empty = {name: array[:0] for name, array in by_hand().items()} | {"offsets": ints([0])}
    margins = Forest(arrays=empty, n_features=3).margins(INPUTS)
    np.testing.assert_array_equal(margins, np.zeros(500))


# --- what is refused ---


def edited(name: str, position: int, value: float) -> Callable[[Arrays], Arrays]:
    def edit(arrays: Arrays) -> Arrays:
        arrays[name][position] = value
        return arrays

    return edit


def replaced(name: str, array: Any) -> Callable[[Arrays], Arrays]:
    return lambda arrays: arrays | {name: array}


def chain(n_splits: int) -> Arrays:
    """A tree whose every left child is a leaf: as deep as it has splits."""
    n = 2 * n_splits + 1
    left, right = np.full(n, -1, dtype=np.int32), np.full(n, -1, dtype=np.int32)
    splits = np.array([0, *range(2, n - 1, 2)])
    left[splits], right[splits] = splits + 1, splits + 2
    return {
        "offsets": ints([0, n]),
        "left": left,
        "right": right,
        "feature": np.zeros(n, dtype=np.int32),
        "condition": np.ones(n, dtype=np.float32),
        "default_left": np.zeros(n, dtype=np.uint8),
    }


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (edited("left", 1, 0), "child that is the root"),
        (edited("left", 1, -1), "one child"),
        (edited("left", 1, 5), "no node"),
        (edited("left", 1, -7), "no node"),
        (edited("left", 2, 3), "one child"),
        (edited("left", 0, 2), "no parent, or more than one"),
        (edited("left", 5, 1), "tree 1"),
        (edited("feature", 1, 2), "beyond the 2"),
        (edited("feature", 3, -1), "beyond the 2"),
        (edited("condition", 1, np.nan), "not finite"),
        (edited("condition", 3, np.inf), "not finite"),
        (edited("default_left", 0, 2), "neither 0 nor 1"),
        (edited("offsets", 0, 1), "offsets"),
        (edited("offsets", 2, 7), "offsets"),
        (edited("offsets", 1, 0), "a tree of 0"),
        (edited("offsets", 1, -3), "a tree of -3"),
        (edited("offsets", 1, 4), "tree 0"),
        (replaced("offsets", ints([])), "offsets"),
        (replaced("left", ints([1, -1, -1])), "lengths"),
        (replaced("left", np.zeros(6)), "arrays of one axis"),
        (replaced("left", np.zeros((6, 1), dtype=np.int32)), "arrays of one axis"),
        (replaced("categories", np.zeros(6, dtype=np.int32)), "arrays of one axis"),
        (lambda arrays: {k: v for k, v in arrays.items() if k != "feature"}, "arrays of one axis"),
        (lambda arrays: chain(33), "not reached from the root within 32"),
        (lambda arrays: stumps(np.zeros((5001, 2))), "5001 trees"),
        (lambda arrays: chain(32768), "65537 nodes"),
    ],
)
def test_what_is_no_forest_is_refused_saying_why(edit, says):
    with pytest.raises(ValueError, match=says):
        Forest(arrays=edit(by_hand()), n_features=2)


def test_a_ring_beside_the_tree_is_refused():
    # 1 and 2 are leaves of the root; 3 has children 4 and 5, and 4 has 3 and 6: all have a parent
    ring = {
        "offsets": ints([0, 7]),
        "left": ints([1, -1, -1, 4, 3, -1, -1]),
        "right": ints([2, -1, -1, 5, 6, -1, -1]),
        "feature": np.zeros(7, dtype=np.int32),
        "condition": np.zeros(7, dtype=np.float32),
        "default_left": np.zeros(7, dtype=np.uint8),
    }
    with pytest.raises(ValueError, match="not reached from the root"):
        Forest(arrays=ring, n_features=1)


def test_the_deepest_tree_allowed_is_loaded():
    margins = Forest(arrays=chain(32), n_features=1).margins(floats([[2.0]]))
    np.testing.assert_array_equal(margins, [1.0])
