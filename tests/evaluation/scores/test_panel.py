import numpy as np
import polars as pl
import pytest

from nextclose.evaluation.scores.scores import scores_of
from tests.evaluation.frames import SD, baselines, rows

OUTCOME = np.array([0.01, -0.02, 0.03, -0.04, 0.05])


def only_panel(frame: pl.DataFrame):
    (panel,) = scores_of(frame).panels
    return panel


def test_one_symbol_of_a_panel_keeps_its_figures_alone():
    frames = [
        rows("lstm", OUTCOME, median=0.01, sd=SD, symbol="ZZZ"),
        rows("lstm", 10 * OUTCOME, sd=SD, symbol="AAA").tail(2),
    ]
    alone = only_panel(pl.concat(frames)).of(1)
    assert alone.symbols == ("ZZZ",)
    np.testing.assert_array_equal(alone.target[:, 0], OUTCOME)
    np.testing.assert_array_equal(alone.unchanged["absolute_error"][:, 0], np.abs(OUTCOME))
    losses = alone.models["lstm"]
    np.testing.assert_allclose(losses["absolute_error"][:, 0], np.abs(OUTCOME - 0.01))
    assert losses.judged.shape == losses.call.shape == (5, 1)


def test_a_stretch_of_origins_holds_their_figures_alone():
    panel = only_panel(rows("lstm", OUTCOME, median=0.01, sd=SD)).between(slice(1, 3))
    assert [str(day) for day in panel.origin] == ["2015-01-02", "2015-01-03"]
    assert panel.target[:, 0].tolist() == [-0.02, 0.03]
    assert panel.models["lstm"]["absolute_error"][:, 0].tolist() == pytest.approx([0.03, 0.02])
    assert panel.models["lstm"].judged.shape == panel.close.shape == (2, 1)
    np.testing.assert_array_equal(panel.unchanged["squared_error"][:, 0], OUTCOME[1:3] ** 2)


def test_a_model_may_answer_for_fewer_cells_with_the_same_figures():
    losses = only_panel(baselines(OUTCOME)).models["hs_250"]
    cells = np.array([[True], [False], [True], [False], [False]])
    fewer = losses.at(cells)
    np.testing.assert_array_equal(fewer.judged, cells)
    assert fewer["crps"] is losses["crps"]
