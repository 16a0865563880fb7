import numpy as np
import polars as pl
import pytest

from nextclose.evaluation.hypothesis_tests.calibration import christoffersen, knueppel
from nextclose.evaluation.scores.scores import scores_of
from nextclose.evaluation.verdict.coverage import Coverage, coverage, mean_known
from tests.evaluation.frames import SD, overlapping, rows


def coverage_of(frame: pl.DataFrame, *, pooled: bool = False):
    (panel,) = scores_of(frame).panels
    return coverage(panel, panel.models["lstm"], pooled=pooled)


def test_coverage_at_four_levels_worked_by_hand():
    # a normal's central 50, 80, 90, 95 % end at 0.67, 1.28, 1.64, 1.96 standard deviations
    outcome = SD * np.tile([0.0, 0.7, -1.5, 1.8, -2.5], 60)
    figures = coverage_of(rows("lstm", outcome, sd=SD))
    assert figures.coverage_50 == pytest.approx(0.2)
    assert figures.coverage_80 == pytest.approx(0.4)
    assert figures.coverage_90 == pytest.approx(0.6)
    assert figures.coverage_95 == pytest.approx(0.8)
    assert figures.width_90_pct == pytest.approx(200 * np.sinh(1.6448536 * SD), rel=1e-6)
    assert figures.p_value < 1e-6


def test_misses_that_cluster_are_told_from_misses_that_do_not():
    spread = np.random.default_rng(0).permutation(np.repeat([3.0, 0.5], [100, 900]))
    figures = coverage_of(rows("lstm", SD * spread, sd=SD))
    assert figures.independence_p == christoffersen(spread > 2, expected=0.1).p_ind > 0.05
    together = coverage_of(rows("lstm", SD * np.sort(spread), sd=SD))
    assert together.independence_p < 1e-6
    assert together.p_value == figures.p_value == pytest.approx(1.0)


def test_independence_is_for_one_symbol_at_one_session():
    outcome = overlapping(np.random.default_rng(1), 1000, 7)
    assert coverage_of(rows("lstm", outcome, sd=3 * SD, horizon=7)).independence_p is None
    figures = coverage_of(rows("lstm", outcome, sd=3 * SD), pooled=True)
    assert (figures.independence_p, figures.pit_p) == (None, None)


def test_a_density_of_the_wrong_width_fails_the_diagnostic_and_the_right_one_passes():
    outcome = SD * np.random.default_rng(2).standard_normal(1000)
    assert coverage_of(rows("lstm", outcome, sd=SD)).pit_p > 0.05
    assert coverage_of(rows("lstm", outcome, sd=1.5 * SD)).pit_p < 1e-6


def test_the_diagnostic_allows_for_the_overlap_of_its_horizon():
    outcome = overlapping(np.random.default_rng(3), 1000, 30)
    frame = rows("lstm", outcome, sd=SD * np.sqrt(30), horizon=30)
    (panel,) = scores_of(frame).panels
    pit = panel.models["lstm"]["pit"][:, 0]
    assert coverage_of(frame).pit_p == knueppel(pit, horizon_sessions=30).p_value


def test_too_few_origins_have_shares_but_no_tests():
    figures = coverage_of(rows("lstm", SD * np.random.default_rng(4).standard_normal(249), sd=SD))
    assert (figures.p_value, figures.independence_p, figures.pit_p) == (None, None, None)
    assert 0.8 < figures.coverage_90 < 1


def test_a_point_forecast_states_no_range():
    assert coverage_of(rows("lstm", np.full(300, 0.01))) == Coverage()


def test_a_mean_is_over_the_values_there_are():
    assert mean_known(np.array([1.0, np.nan, 0.0, 0.0])) == pytest.approx(1 / 3)
    assert mean_known(np.array([np.nan])) is None
