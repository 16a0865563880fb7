import numpy as np
import polars as pl
import pytest

from nextclose.evaluation.breakdowns.calibration import (
    coverage_by_level,
    pit_histogram,
    rolling_coverage,
)
from nextclose.evaluation.scores.losses import with_losses
from tests.evaluation.frames import SD, overlapping
from tests.evaluation.frames import rows as forecasts


def rows(*parts, **where):
    return with_losses(forecasts(*parts, **where))


def test_coverage_by_level_of_a_true_density_is_near_what_it_promises():
    outcome = SD * np.random.default_rng(0).standard_normal(4000)
    table = coverage_by_level(rows("lstm", outcome, sd=SD))
    assert table["nominal"].to_list() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98]
    gap = (table["realised"] - table["nominal"]).abs()
    assert (gap < 3 * table["standard_error"]).all()
    binomial = np.sqrt(table["nominal"] * (1 - table["nominal"]) / 4000)
    np.testing.assert_allclose(table["standard_error"], binomial, rtol=0.3)


def test_overlap_widens_the_standard_error_of_coverage():
    outcome = overlapping(np.random.default_rng(1), 2000, 30)
    table = coverage_by_level(rows("lstm", outcome, sd=SD * np.sqrt(30), horizon=30))
    at_90 = table.filter(pl.col("nominal") == 0.9)["standard_error"][0]
    assert at_90 > 2 * np.sqrt(0.9 * 0.1 / 2000)


def test_a_band_that_always_holds_has_no_standard_error():
    table = coverage_by_level(rows("lstm", np.zeros(300), sd=SD))
    assert table["realised"].to_list() == [1.0] * 11
    assert table["standard_error"].null_count() == 11


def test_point_forecasts_have_no_calibration():
    frame = rows("classic", np.full(300, 0.01))
    for figure in (coverage_by_level, pit_histogram, rolling_coverage):
        assert figure(frame).height == 0


def test_rolling_coverage_averages_symbols_first_and_starts_when_the_window_is_full():
    inside, outside = 0.0, 1.0
    one = rows("lstm", np.array([inside, outside, inside, inside]), sd=SD)
    two = rows("lstm", np.array([inside, outside, outside, inside]), sd=SD, symbol="BBB")
    table = rolling_coverage(pl.concat([two, one]), window_origins=2)
    # by origin: 1, 0, 1/2, 1
    assert table["coverage_90"].to_list() == pytest.approx([0.5, 0.25, 0.75])
    assert table["origin"].to_list() == one["origin"].to_list()[1:]


def test_pit_counts_are_flat_for_a_true_density_and_humped_for_a_wide_one():
    outcome = SD * np.random.default_rng(2).standard_normal(4000)
    true, wide = (
        pit_histogram(rows("lstm", outcome, sd=sd))["count"].to_numpy() for sd in (SD, 3 * SD)
    )
    assert true.sum() == wide.sum() == 4000
    assert true.min() > 130  # 200 expected, standard deviation 14
    assert true.max() < 270
    assert wide[9] + wide[10] > 900
    assert wide[0] + wide[19] < 10
