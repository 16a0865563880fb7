from typing import Any

import numpy as np
import polars as pl
import pytest

from nextclose.evaluation.hypothesis_tests.mean import MeanTest
from nextclose.evaluation.scores.scores import scores_of
from nextclose.evaluation.verdict.comparison import (
    Comparison,
    density_comparison,
    is_short,
    mean_by_origin,
    range_comparison,
)
from nextclose.schema import SEED_SCHEMA
from tests.evaluation.frames import SD, rows


def panel_of(*frames: pl.DataFrame, seeds: pl.DataFrame | None = None):
    (panel,) = scores_of(pl.concat(frames), seeds=seeds).panels
    return panel


def test_the_noise_floor_is_two_standard_errors():
    test = MeanTest(mean=0.01, standard_error=0.002, dof=500)
    comparison = Comparison(reference="garch", skill=0.01, test=test)
    assert comparison.noise_floor == pytest.approx(0.004)
    assert Comparison(reference="garch", skill=0.01, test=None).noise_floor is None


@pytest.mark.parametrize(("seed_sd", "beyond"), [(None, True), (0.0099, True), (0.0101, False)])
def test_a_gain_is_beyond_its_seeds_from_three_standard_deviations_on(seed_sd, beyond):
    comparison = Comparison(reference="hs_250", skill=0.03, test=None, seed_sd=seed_sd)
    assert comparison.is_beyond_seeds == beyond


def test_the_skill_against_garch_is_that_of_the_mean_losses():
    outcome = SD * np.random.default_rng(0).standard_normal(300)
    panel = panel_of(rows("lstm", outcome, sd=SD), rows("garch", outcome, sd=2 * SD))
    ours, theirs = (panel.models[name] for name in ("lstm", "garch"))
    comparison: Any = density_comparison(panel, ours, "garch", pooled=False)
    assert comparison.skill == pytest.approx(1 - ours["crps"].mean() / theirs["crps"].mean())
    assert comparison.p_better < 1e-6 < 1 - 1e-6 < comparison.p_worse
    assert density_comparison(panel, theirs, "garch", pooled=False) is None
    assert density_comparison(panel, ours, "hs_250", pooled=False) is None


def test_seeds_count_against_the_reference_on_the_forecasts_both_have():
    # normal densities at their median: CRPS is the sd times 0.232012
    outcome = np.zeros(4)
    garch = rows("garch", outcome, sd=np.array([1.0, 1.0, 2.0, 9.0])).tail(2)
    table = [("lstm", k, "AAA", 1, 4, 0.232012 * loss, 0.0) for k, loss in enumerate((1.0, 1.2))]
    seeds = pl.DataFrame(table, schema=SEED_SCHEMA, orient="row")
    panel = panel_of(rows("lstm", outcome, sd=1.0).head(3), garch, seeds=seeds)
    comparison: Any = density_comparison(panel, panel.models["lstm"], "garch", pooled=False)
    assert comparison.seed_sd == pytest.approx(0.1 / np.sqrt(2), rel=1e-5)  # 1 - 1/2 and 1 - 1.2/2
    comparison = density_comparison(panel, panel.models["garch"], "lstm", pooled=False)
    assert comparison.seed_sd is None


def test_the_historical_rival_is_the_harder_one_and_a_point_forecast_meets_none():
    outcome = SD * np.random.default_rng(1).standard_normal(300)
    history = rows("hs_250", outcome, sd=3 * SD), rows("hs_expanding", outcome, sd=2 * SD)
    panel = panel_of(*history, rows("lstm", outcome, sd=SD), rows("classic", outcome))
    comparison: Any = range_comparison(panel, panel.models["lstm"], pooled=False)
    assert comparison.reference == "hs_expanding"
    assert range_comparison(panel, panel.models["classic"], pooled=False) is None


def test_too_short_is_under_250_origins_or_30_horizons():
    assert [is_short(n, horizon_sessions=1) for n in (249, 250)] == [True, False]
    assert [is_short(n, horizon_sessions=30) for n in (899, 900)] == [True, False]


def test_a_mean_by_origin_leaves_out_cells_and_origins_that_are_not_marked():
    values = np.array([[1.0, 3.0], [np.nan, 5.0], [7.0, 9.0]])
    cells = np.array([[True, True], [False, True], [False, False]])
    np.testing.assert_array_equal(mean_by_origin(values, cells), [2.0, 5.0])
