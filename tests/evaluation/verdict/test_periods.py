import numpy as np
import polars as pl
import pytest

from nextclose.evaluation.scores.losses import with_losses
from nextclose.evaluation.scores.scores import scores_of
from nextclose.evaluation.verdict.periods import by_regime, by_year
from tests.evaluation.frames import SD, baselines, relative_mae, rows


def years(frame: pl.DataFrame) -> pl.DataFrame:
    return by_year(scores_of(frame).panels)


def regimes(frame: pl.DataFrame) -> pl.DataFrame:
    return by_regime(scores_of(frame).panels)


N = 900  # from 2015-01-01, a forecast each calendar day: 365, 366 and 169


def test_years_hold_their_own_forecasts_and_the_worst_is_marked():
    rng = np.random.default_rng(0)
    outcome = SD * rng.standard_normal(N)
    sd = np.where(np.arange(N) < 365, SD, np.where(np.arange(N) < 731, 4 * SD, SD))
    median = 0.1 * outcome
    frame = pl.concat([baselines(outcome), rows("lstm", outcome, median=median, sd=sd)])
    table = years(frame).filter(pl.col("model") == "lstm")
    assert table["slice"].to_list() == ["2015", "2016", "2017"]
    assert table["forecasts"].to_list() == [365, 366, 169]
    assert table["worst"].to_list() == [False, True, False]
    np.testing.assert_allclose(table["relative_mae"], 0.9, atol=1e-12)
    assert table["crps_skill_vs_hs"][0] > 0 > table["crps_skill_vs_hs"][1]
    assert table["coverage_90"][1] > 0.99


def test_the_worst_year_is_that_against_garch_where_it_is_there():
    outcome = SD * np.random.default_rng(0).standard_normal(N)
    year = np.repeat([0, 1, 2], [365, 366, 169])
    lstm = rows("lstm", outcome, sd=SD * np.array([1.0, 2.0, 3.0])[year])
    garch = rows("garch", outcome, sd=SD * np.array([1.0, 1.2, 3.0])[year])
    table = years(pl.concat([baselines(outcome), lstm, garch]))
    own = table.filter(pl.col("model") == "lstm")
    in_2016 = pl.col("origin").dt.year() == 2016
    ours, theirs = (with_losses(f.filter(in_2016))["crps"].to_numpy().mean() for f in (lstm, garch))
    assert own["crps_skill_vs_garch"][1] == pytest.approx(1 - ours / theirs)
    assert own["crps_skill_vs_garch"][0] == own["crps_skill_vs_garch"][2] == 0
    assert own["worst"].to_list() == [False, True, False]
    assert own["crps_skill_vs_hs"].arg_min() == 2
    garchs = table.filter(pl.col("model") == "garch")
    assert garchs["crps_skill_vs_garch"].null_count() == 3
    assert garchs["worst"].to_list() == [False, False, True]
    without = years(pl.concat([baselines(outcome), lstm]))
    assert without["crps_skill_vs_garch"].null_count() == without.height


@pytest.mark.parametrize(("n", "worst"), [(731 + 121, 0), (731 + 122, 2)])
def test_the_stub_of_a_year_is_not_the_worst_of_them(n, worst):
    # 366 forecasts in the fullest year: a third is 122
    outcome = SD * np.random.default_rng(0).standard_normal(n)
    sd = np.where(np.arange(n) < 365, 2 * SD, np.where(np.arange(n) < 731, SD, 4 * SD))
    table = years(pl.concat([baselines(outcome), rows("lstm", outcome, sd=sd)]))
    own = table.filter(pl.col("model") == "lstm")
    assert own["worst"].to_list() == [year == worst for year in range(3)]


def test_the_worst_year_of_a_point_forecast_is_that_of_its_error():
    rng = np.random.default_rng(1)
    outcome = SD * rng.standard_normal(N)
    median = np.where(np.arange(N) >= 731, -outcome, 0.0)
    frame = pl.concat([baselines(outcome), rows("classic", outcome, median=median)])
    table = years(frame).filter(pl.col("model") == "classic")
    assert table["worst"].to_list() == [False, False, True]
    assert table["relative_mae"].to_list() == pytest.approx([1, 1, 2])
    assert table["crps_skill_vs_hs"].null_count() == 3


def test_regimes_are_terciles_of_the_closes_up_to_the_origin():
    """Closes swing by 1 % a day in the first third, 3 % in the second, 2 % in the last."""
    rng = np.random.default_rng(2)
    size = np.repeat([0.01, 0.03, 0.02], N // 3) + 1e-5 * rng.random(N)
    close = 100 * np.exp(np.where(np.arange(N) % 2, size, 0.0))
    outcome = SD * rng.standard_normal(N)
    median = np.where(np.arange(N) < 300, 0.5 * outcome, 0.0)  # knows something in the calm third
    frame = rows("classic", outcome, median=median, close=close)
    table = regimes(frame)
    assert table["slice"].to_list() == ["calm", "normal", "stormy"]
    assert table["forecasts"].sum() == N - 21
    # calm: the 279 origins of the first third that have a month behind them, and 14 just after
    expected = relative_mae(median[21:314], outcome[21:314])
    assert table["relative_mae"][0] == pytest.approx(expected, abs=0.02)
    assert table["relative_mae"][2] == pytest.approx(1.0)
    assert table["worst"].to_list().count(True) == 1


def test_a_jump_is_in_the_regime_from_its_own_close_for_a_month_and_not_before():
    rng = np.random.default_rng(3)
    step = 1e-4 * rng.random(84)
    step[40] = 0.5
    # 63 origins have a state; the jump is in that of origins 40 to 60: the stormiest 21, a third
    outcome = SD * rng.standard_normal(84)
    known = (np.arange(84) >= 40) & (np.arange(84) <= 60)
    frame = rows(
        "classic", outcome, median=np.where(known, outcome, 0), close=np.exp(step.cumsum())
    )
    table = regimes(frame)
    assert table["forecasts"].to_list() == [21, 21, 21]
    assert table["relative_mae"].to_list() == pytest.approx([1, 1, 0], abs=1e-12)


def test_too_few_origins_for_a_regime_give_no_rows():
    assert regimes(rows("classic", np.full(21, 0.01))).height == 0
