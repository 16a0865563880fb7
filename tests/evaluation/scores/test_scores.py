from typing import Any

import numpy as np
import polars as pl
import pytest

from nextclose.errors import DataError
from nextclose.evaluation.scores.scores import scores_of
from nextclose.metrics import grid_crps
from nextclose.schema import SEED_SCHEMA
from tests.evaluation.frames import NORMAL, SD, baselines, rows

OUTCOME = np.array([0.01, -0.02, 0.03, -0.04, 0.05])


def without(frame: pl.DataFrame, *positions: int) -> pl.DataFrame:
    return frame.with_row_index("i").filter(~pl.col("i").is_in(positions)).drop("i")


def only_panel(frame: pl.DataFrame):
    (panel,) = scores_of(frame).panels
    return panel


def test_a_gap_is_charged_as_no_change_with_the_historical_density():
    lstm = without(rows("lstm", OUTCOME, median=0.01, sd=SD), 2)
    losses = only_panel(pl.concat([baselines(OUTCOME), lstm])).models["lstm"]
    assert losses.judged[:, 0].all()
    assert losses.filled[:, 0].tolist() == [False, False, True, False, False]
    assert losses["absolute_error"][2, 0] == 0.03
    assert losses["crps"][2, 0] == pytest.approx(float(grid_crps(SD * NORMAL, np.asarray(0.03))))
    assert losses.call[:, 0].tolist() == [1, 1, 0, 1, 1]


def test_origins_before_the_first_and_after_the_last_forecast_are_not_charged():
    lstm = without(rows("lstm", OUTCOME, median=0.01, sd=SD), 0, 4)
    losses = only_panel(pl.concat([baselines(OUTCOME), lstm])).models["lstm"]
    assert losses.judged[:, 0].tolist() == [False, True, True, True, False]
    assert not losses.filled.any()


def test_a_gap_of_a_point_forecast_is_charged_the_whole_move():
    classic = without(rows("classic", OUTCOME, median=0.01), 3)
    losses = only_panel(pl.concat([rows("naive", OUTCOME), classic])).models["classic"]
    assert losses.filled[:, 0].tolist() == [False, False, False, True, False]
    assert (losses["absolute_error"][3, 0], losses["crps"][3, 0]) == (0.04, 0.04)


def test_a_gap_without_any_historical_density_is_left_out():
    lstm = without(rows("lstm", OUTCOME, median=0.01, sd=SD), 2)
    losses = only_panel(pl.concat([rows("naive", OUTCOME), lstm])).models["lstm"]
    assert losses.judged[:, 0].tolist() == [True, True, False, True, True]


def test_the_shorter_history_fills_before_the_longer_and_where_it_is_missing_the_longer_does():
    frames = [
        without(rows("hs_250", OUTCOME, sd=SD), 2),
        rows("hs_expanding", OUTCOME, sd=2 * SD),
        without(rows("lstm", OUTCOME, sd=SD), 1, 2),
    ]
    losses = only_panel(pl.concat(frames)).models["lstm"]
    for row, sd in ((1, SD), (2, 2 * SD)):
        expected = float(grid_crps(sd * NORMAL, np.asarray(OUTCOME[row])))
        assert losses["crps"][row, 0] == pytest.approx(expected)


def test_symbols_and_origins_keep_their_places_on_ragged_histories():
    frames = [
        rows("lstm", OUTCOME, sd=SD, symbol="ZZZ"),
        rows("lstm", 10 * OUTCOME, sd=SD, symbol="AAA").tail(2),
    ]
    panel = only_panel(pl.concat(frames))
    assert panel.symbols == ("AAA", "ZZZ")
    np.testing.assert_array_equal(panel.target[:, 1], OUTCOME)
    np.testing.assert_array_equal(panel.target[:, 0], [np.nan, np.nan, np.nan, -0.4, 0.5])


def test_forecasts_whose_outcome_is_not_known_are_no_part_of_a_panel():
    outcome = np.append(OUTCOME, np.nan)
    assert only_panel(rows("lstm", outcome, sd=SD)).target.shape == (5, 1)
    assert scores_of(rows("lstm", np.array([np.nan]), sd=SD)).panels == ()


def test_models_that_disagree_about_the_outcome_are_refused():
    frames = [rows("lstm", OUTCOME, sd=SD), rows("naive", OUTCOME + np.array([0, 0, 1e-6, 0, 0]))]
    with pytest.raises(DataError, match="E43 AAA 2015-01-03"):
        scores_of(pl.concat(frames))


def test_seeds_stand_beside_their_model_symbol_by_symbol_and_only_for_all_its_forecasts():
    lstm = [rows("lstm", OUTCOME, median=0.01, sd=SD, symbol=symbol) for symbol in ("AAA", "BBB")]
    table = [("lstm", 0, symbol, h, 5, h / 10, h / 5) for symbol in ("BBB", "AAA") for h in (1, 7)]
    seeds = pl.DataFrame(
        [*table, ("gone", 0, "AAA", 1, 5, 1.0, 1.0)], schema=SEED_SCHEMA, orient="row"
    )
    (panel,) = scores_of(pl.concat([*lstm, baselines(OUTCOME)]), seeds=seeds).panels
    losses: Any = panel.models["lstm"]
    assert losses.seeds["crps"].tolist() == [[0.1, 0.1]]
    assert losses.seeds["absolute_error"].tolist() == [[0.2, 0.2]]
    alone: Any = panel.of(1).models["lstm"].seeds
    assert alone["crps"].tolist() == [[0.1]]
    assert panel.models["drift"].seeds is None
    assert losses.at(losses.judged).seeds is None
    assert panel.between(slice(1, 3)).models["lstm"].seeds is None


def test_a_gap_is_charged_every_figure_of_the_historical_density():
    lstm = without(rows("lstm", OUTCOME, median=0.01, sd=SD), 2)
    models = only_panel(pl.concat([baselines(OUTCOME), lstm])).models
    for name in ("inside_50", "inside_80", "inside_90", "inside_95", "pit", "width_90_pct"):
        figures = (models[model][name][2, 0] for model in ("lstm", "hs_250"))
        assert len({float(x) for x in figures}) == 1, name


def test_what_a_model_had_too_little_history_for_is_no_gap():
    days = rows("lstm", OUTCOME)["origin"].to_list()
    lstm = without(rows("lstm", OUTCOME, median=0.01, sd=SD), 1, 2, 3)
    frame = pl.concat([baselines(OUTCOME), lstm, baselines(OUTCOME, symbol="BBB")])
    cells = [("lstm", "AAA", days[1]), ("lstm", "AAA", days[2])]
    of_others = [("naive", "AAA", days[3]), ("lstm", "BBB", days[3]), ("lstm", "CCC", days[3])]
    unready = pl.DataFrame([*cells, *of_others], schema=["model", "symbol", "origin"], orient="row")
    (panel,) = scores_of(frame, unready=unready).panels
    assert panel.models["lstm"].filled[:, 0].tolist() == [False, False, False, True, False]
    assert panel.models["lstm"].judged[:, 0].tolist() == [True, False, False, True, True]
    assert panel.models["naive"].judged.all()
    assert only_panel(frame).models["lstm"].filled[1:4, 0].all()
