from dataclasses import replace
from datetime import date
from fractions import Fraction

import numpy as np
import polars as pl
import pytest

from nextclose.schema import (
    FORECAST_SCHEMA,
    LEVEL_WEIGHTS,
    LEVELS,
    MEDIAN,
    QUANTILE_COLUMNS,
    Bars,
)
from tests.builders import walk_bars


def test_levels_are_the_23_of_the_method():
    tails = ["0.01", "0.025", "0.975", "0.99"]
    expected = sorted([*(Fraction(5 * k, 100) for k in range(1, 20)), *map(Fraction, tails)])
    assert [float(level) for level in expected] == LEVELS.tolist()
    assert LEVELS[MEDIAN] == 0.5
    np.testing.assert_allclose(LEVELS + LEVELS[::-1], 1, atol=1e-15)


def test_weights_sum_to_one_and_centre_on_one_half():
    # method reference value 1, in exact rationals
    weights = [Fraction(str(weight)) for weight in LEVEL_WEIGHTS.tolist()]
    levels = [Fraction(str(level)) for level in LEVELS.tolist()]
    assert sum(weights) == 1
    assert sum(w * level for w, level in zip(weights, levels, strict=True)) == Fraction(1, 2)


def test_weights_are_trapezoids_with_the_outer_loss_held_constant():
    # between two levels each takes half the gap; the outermost also take all beyond them
    edges = np.concatenate([[0.0], (LEVELS[1:] + LEVELS[:-1]) / 2, [1.0]])
    np.testing.assert_allclose(LEVEL_WEIGHTS, np.diff(edges), atol=1e-15)


def test_quantile_columns_are_named_by_level_in_the_forecast_schema():
    assert QUANTILE_COLUMNS[:3] == ("q0.010", "q0.025", "q0.050")
    assert QUANTILE_COLUMNS[MEDIAN] == "q0.500"
    assert tuple(FORECAST_SCHEMA)[-23:] == QUANTILE_COLUMNS


def test_symbols_are_sorted():
    frame = walk_bars((3, 3)).frame
    assert Bars(frame=frame.reverse()).symbols == ("AAA", "BBB")


def test_equal_bars_have_equal_fingerprints_whatever_their_findings():
    bars = walk_bars((5, 4))
    assert bars.fingerprint == walk_bars((5, 4)).fingerprint
    assert bars.fingerprint == replace(bars, basis="raw").fingerprint
    assert len(bars.fingerprint) == 64


@pytest.mark.parametrize(
    "change",
    [
        pl.col("close") * (1 + 1e-15),
        pl.col("volume") + 1,
        pl.col("symbol") + "x",
        pl.col("session").dt.offset_by("1d"),
        pl.col("high").cast(pl.Float32),
    ],
)
def test_any_other_value_type_or_name_has_another_fingerprint(change):
    bars = walk_bars((5, 4))
    changed = Bars(frame=bars.frame.with_columns(change))
    assert changed.fingerprint != bars.fingerprint
    less = Bars(frame=bars.frame.drop("volume"))
    assert less.fingerprint != bars.fingerprint


def test_a_row_less_has_another_fingerprint():
    bars = walk_bars((5, 4))
    cut = Bars(frame=bars.frame.filter(pl.col("session") < date(2001, 1, 5)))
    assert 0 < cut.frame.height < 9
    assert cut.fingerprint != bars.fingerprint
