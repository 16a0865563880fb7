from typing import Any

import numpy as np
import polars as pl

from nextclose.evaluation.scores.scores import scores_of
from nextclose.evaluation.verdict.periods import by_year
from nextclose.evaluation.verdict.pooled import comparable_losses, confidence_set, garch_spa_p
from nextclose.evaluation.verdict.verdict import verdicts
from tests.evaluation.frames import SD, baselines, rows

ZERO = np.zeros(2)


def panel_of(*frames: pl.DataFrame):
    (panel,) = scores_of(pl.concat(frames)).panels
    return panel


def two_symbols(model: str, a: list[float], b: list[float]) -> pl.DataFrame:
    """Normal densities whose outcome is their median: the CRPS is proportional to the sd."""
    sides = (("AAA", a), ("BBB", b))
    return pl.concat([rows(model, ZERO, sd=np.array(sd), symbol=name) for name, sd in sides])


def test_losses_of_symbols_are_made_comparable_by_their_mean_under_garch():
    panel = panel_of(
        two_symbols("garch", [0.01, 0.03], [0.1, 0.1]),  # means 0.02 and 0.1
        two_symbols("hs_expanding", [0.02, 0.02], [0.1, 0.3]),
        two_symbols("lstm", [0.01, 0.01], [0.2, 0.1]),
    )
    series = comparable_losses(panel)
    np.testing.assert_allclose(series["garch"], [(0.5 + 1) / 2, (1.5 + 1) / 2])
    np.testing.assert_allclose(series["lstm"], [(0.5 + 2) / 2, (0.5 + 1) / 2])
    np.testing.assert_allclose(series["hs_expanding"], [(1 + 1) / 2, (1 + 3) / 2])


def test_without_garch_the_measure_is_the_expanding_history():
    panel = panel_of(
        two_symbols("ewma", [0.01, 0.01], [0.1, 0.1]),
        two_symbols("hs_expanding", [0.02, 0.02], [0.1, 0.3]),
    )
    np.testing.assert_allclose(comparable_losses(panel)["ewma"], [(0.5 + 0.5) / 2] * 2)


def test_points_and_models_on_fewer_forecasts_are_not_compared_but_a_short_gap_is_shared():
    outcome = SD * np.random.default_rng(0).standard_normal(100)
    panel = panel_of(
        rows("hs_250", outcome, sd=SD),
        rows("late", outcome, sd=SD).tail(89),
        rows("garch", outcome, sd=2 * SD).tail(90),
        rows("naive", outcome),
    )
    found = comparable_losses(panel)
    assert set(found) == {"hs_250", "garch"}
    assert {len(series) for series in found.values()} == {90}


def test_the_confidence_set_holds_the_best_and_not_the_clearly_worse():
    rng = np.random.default_rng(1)
    outcome = SD * rng.standard_normal(600)
    wiggle = SD * np.exp(0.02 * rng.standard_normal((2, 600)))
    panel = panel_of(
        rows("garch", outcome, sd=wiggle[0]),
        rows("hs_250", outcome, sd=2 * SD),
        rows("lstm", outcome, sd=wiggle[1]),
    )
    best_set: Any = confidence_set(panel)
    assert set(best_set.included) == {"garch", "lstm"}


def test_there_is_no_confidence_set_of_one_model_of_twins_or_of_few_origins():
    outcome = SD * np.random.default_rng(2).standard_normal(300)
    alone, twin = rows("garch", outcome, sd=SD), rows("ewma", outcome, sd=SD)
    assert confidence_set(panel_of(alone, rows("naive", outcome))) is None
    assert confidence_set(panel_of(alone, twin)) is None
    other = rows("ewma", outcome, sd=2 * SD)
    assert confidence_set(panel_of(alone, other)) is not None
    assert confidence_set(panel_of(alone.head(99), other.head(99))) is None
    assert confidence_set(panel_of(rows("naive", outcome))) is None


def test_twins_are_one_contender_and_share_its_p_value():
    rng = np.random.default_rng(1)
    outcome = SD * rng.standard_normal(600)
    wiggle = SD * np.exp(0.02 * rng.standard_normal((2, 600)))
    three = [
        rows("garch", outcome, sd=wiggle[0]),
        rows("hs_250", outcome, sd=2 * SD),
        rows("loghar", outcome, sd=wiggle[1]),
    ]
    alone: Any = confidence_set(panel_of(*three))
    best_set: Any = confidence_set(panel_of(*three, rows("lstm", outcome, sd=wiggle[1])))
    assert best_set.p_values == {**alone.p_values, "lstm": alone.p_values["loghar"]}
    assert set(best_set.included) == {"garch", "loghar", "lstm"}
    rounded = rows("lstm", outcome, sd=wiggle[1] * (1 + 1e-14))
    again: Any = confidence_set(panel_of(*three, rounded))
    assert again.p_values["lstm"] == again.p_values["loghar"]


def standings(frame: pl.DataFrame):
    return {row.model: row.standing for row in verdicts(frame) if row.symbol == "*"}


def ten_symbols() -> pl.DataFrame:
    """An lstm with ranges better than garch's on three symbols, worse on two, the same on five."""
    rng = np.random.default_rng(3)
    frames = []
    for k, width in enumerate([1.0] * 3 + [2.0] * 2 + [1.5] * 5):
        outcome = SD * rng.standard_normal(400)
        where: dict[str, Any] = {"symbol": f"S{k}"}
        median = -0.3 * SD if k == 9 else 0.0
        frames += [
            baselines(outcome, sd=3 * SD, **where),
            rows("garch", outcome, sd=1.5 * SD, **where),
            rows("lstm", outcome, median=median, sd=width * SD, **where),
        ]
    return pl.concat(frames)


def test_symbols_better_and_worse_are_counted_against_each_reference():
    standing: Any = standings(ten_symbols())
    lstm = standing["lstm"]
    assert (lstm.symbols_better_than_garch, lstm.symbols_worse_than_garch) == (3, 3)  # S9 is off
    assert (lstm.symbols_better_than_hs, lstm.symbols_worse_than_hs) == (10, 0)
    assert (lstm.symbols_better_than_naive, lstm.symbols_worse_than_naive) == (0, 1)
    assert standing["garch"].symbols_better_than_garch is None
    assert standing["garch"].symbols_better_than_hs == 10
    assert standing["naive"].symbols_better_than_naive is None
    assert standing["naive"].symbols_better_than_hs is None
    assert standing["drift"].mcs_p is not None
    assert (standing["naive"].mcs_p, standing["naive"].in_confidence_set) == (None, None)


def test_membership_is_a_p_value_above_ten_percent():
    standing: Any = standings(ten_symbols())
    known = [own for own in standing.values() if own.mcs_p is not None]
    assert len(known) == 5
    assert all(own.in_confidence_set == (own.mcs_p > 0.10) for own in known)
    assert {own.in_confidence_set for own in known} == {True, False}


def test_the_worst_year_is_the_one_that_the_table_of_years_marks():
    outcome = SD * np.random.default_rng(4).standard_normal(900)
    year = np.repeat([0, 1, 2], [365, 366, 169])  # from 2015-01-01, a forecast each calendar day
    lstm = rows("lstm", outcome, sd=SD * np.array([1.0, 2.0, 3.0])[year])
    garch = rows("garch", outcome, sd=SD * np.array([1.0, 1.2, 3.0])[year])
    for frame, reference, worst in (
        (pl.concat([baselines(outcome), lstm, garch]), "garch", "2016"),
        (pl.concat([rows("hs_250", outcome, sd=3 * SD), lstm]), "hs_250", "2017"),
    ):
        standing: Any = standings(frame)["lstm"]
        assert (standing.worst_year, standing.worst_year_reference) == (worst, reference)
        years = by_year(scores_of(frame).panels).filter(pl.col("model") == "lstm", pl.col("worst"))
        assert years["slice"].to_list() == [worst]
        column = "crps_skill_vs_garch" if reference == "garch" else "crps_skill_vs_hs"
        assert years[column].to_list() == [standing.worst_year_skill]


def test_a_point_forecast_has_no_worst_year_of_its_ranges():
    outcome = SD * np.random.default_rng(5).standard_normal(400)
    frame = pl.concat([baselines(outcome), rows("classic", outcome, median=0.1 * SD)])
    standing: Any = standings(frame)["classic"]
    assert (standing.worst_year, standing.worst_year_skill) == (None, None)


def test_whether_anybody_beats_garch_is_told_on_its_row_however_many_were_tried():
    rng = np.random.default_rng(4)
    outcome = SD * rng.standard_normal(600)
    noise = [SD * np.exp(0.05 * rng.standard_normal(600)) for _ in range(4)]
    poor = [rows(f"m{k}", outcome, sd=1.3 * sd) for k, sd in enumerate(noise)]
    blunt = rows("garch", outcome, sd=1.2 * SD)
    best = rows("lstm", outcome, sd=SD)
    beaten = standings(pl.concat([baselines(outcome, sd=3 * SD), blunt, *poor, best]))
    assert beaten["garch"].spa_p < 0.01
    assert beaten["lstm"].spa_p is None
    unbeaten = standings(pl.concat([baselines(outcome, sd=3 * SD), blunt, *poor]))
    assert unbeaten["garch"].spa_p > 0.2


def test_without_garch_nobody_is_said_to_beat_it():
    outcome = SD * np.random.default_rng(4).standard_normal(300)
    assert garch_spa_p(panel_of(rows("lstm", outcome, sd=SD))) is None
