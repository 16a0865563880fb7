import numpy as np
import polars as pl
import pytest

from nextclose.evaluation.scores.seeds import seed_losses, skill_spread
from nextclose.schema import SEED_SCHEMA


def test_the_spread_of_three_seeds_over_two_symbols_worked_by_hand():
    reference = np.array([[0.01, 0.04], [0.03, np.nan], [np.nan, 0.04]])  # means 0.02 and 0.04
    single = np.array([[0.018, 0.036], [0.018, 0.040], [0.020, 0.040]])
    # skills 0.1 and 0.1, 0.1 and 0, 0 and 0: means 0.1, 0.05, 0
    assert skill_spread(single, reference) == pytest.approx(0.05)


def test_a_symbol_that_one_seed_lacks_is_left_out():
    reference = np.full((4, 2), 0.02)
    single = np.array([[0.018, 0.01], [0.020, np.nan]])
    assert skill_spread(single, reference) == pytest.approx(0.1 / np.sqrt(2))
    assert skill_spread(single[:, 1:], reference[:, 1:]) is None


def test_one_seed_has_no_spread_nor_has_a_reference_never_met():
    assert skill_spread(np.array([[0.02]]), np.array([[0.02]])) is None
    assert skill_spread(np.array([[0.02], [0.01]]), np.array([[np.nan]])) is None


def test_rows_of_seeds_find_their_symbol_in_any_order():
    table = [
        ("lstm", 7, "CCC", 1, 10, 0.3, 3.0),
        ("lstm", 3, "AAA", 1, 10, 0.1, 1.0),
        ("lstm", 7, "AAA", 1, 10, 0.2, 2.0),
        ("lstm", 3, "ZZZ", 1, 10, 0.9, 9.0),  # not judged here
    ]
    seeds = pl.DataFrame(table, schema=SEED_SCHEMA, orient="row")
    losses = seed_losses(seeds, symbols=("AAA", "BBB", "CCC"))
    np.testing.assert_array_equal(losses["crps"], [[0.1, np.nan, np.nan], [0.2, np.nan, 0.3]])
    np.testing.assert_array_equal(
        losses["absolute_error"], [[1.0, np.nan, np.nan], [2.0, np.nan, 3.0]]
    )
