from datetime import date

import numpy as np
import polars as pl
import pytest

from nextclose.report import plots
from nextclose.report.palette import in_order, palette_for
from nextclose.schema import QUANTILE_COLUMNS

INKS = palette_for(in_order(["lstm", "naive"], headline="lstm")).light()


def lines(panel):
    return {line.get_label(): np.asarray(line.get_ydata(), dtype=float) for line in panel.lines}


def issued(quantile, target, close):
    return pl.DataFrame(
        {
            "origin": [date(2020, 1, 2)] * len(close),
            "resolved": [date(2020, 1, 3), date(2020, 1, 6)],
            "close": close,
            "target": target,
            **{name: quantile for name in QUANTILE_COLUMNS},
        }
    )


def test_the_naive_line_stands_beside_the_prediction_in_price_and_as_zero_in_return():
    rows = issued([np.log(1.5), 0.0], [np.log(2.0), np.log(0.5)], [10.0, 20.0])
    price, move = plots.followed(rows, model="lstm")(INKS).axes
    drawn = lines(price)
    np.testing.assert_allclose(drawn["actual"], [20.0, 10.0])  # 10 x 2, 20 x 1/2
    np.testing.assert_allclose(drawn["lstm"], [15.0, 20.0])  # 10 x 1.5, 20 x 1
    np.testing.assert_allclose(drawn["no change"], [10.0, 20.0])
    assert [0.0, 0.0] in [np.asarray(line.get_ydata()).tolist() for line in move.lines]


def test_coverage_is_drawn_as_held_minus_promised():
    frame = pl.DataFrame(
        {
            "model": ["lstm", "lstm"],
            "nominal": [0.9, 0.5],
            "realised": [0.87, 0.52],
            "standard_error": [0.01, None],
        }
    )
    (panel,) = plots.coverage_by_level(frame, models=["lstm"])(INKS).axes
    np.testing.assert_allclose(lines(panel)["lstm"], [0.02, -0.03])


def test_pit_bars_are_shares_that_add_to_one():
    frame = pl.DataFrame({"low": [0.5, 0.0], "high": [1.0, 0.5], "count": [30, 10]})
    (panel,) = plots.pit(frame, model="lstm")(INKS).axes
    assert [bar.get_height() for bar in panel.containers[0]] == [0.25, 0.75]


def test_the_dot_of_a_training_curve_is_at_the_epoch_whose_weights_were_kept():
    frame = pl.DataFrame(
        {
            "seed": [0, 0, 0],
            "epoch": [1, 2, 3],
            "train": [3.0, 2.0, 1.0],
            "valid": [3.1, 2.5, 2.7],
            "kept": [False, True, False],
        }
    )
    (panel,) = plots.curves(frame, model="lstm")(INKS).axes
    (dot,) = [line for line in panel.lines if line.get_label() == "weights kept"]
    assert np.asarray(dot.get_xydata()).tolist() == [[2.0, 2.5]]


@pytest.mark.parametrize(("value", "half_height"), [(1.002, 0.01), (1.04, 0.044)])
def test_noise_around_no_change_does_not_fill_the_picture(value, half_height):
    frame = pl.DataFrame(
        {"model": ["lstm"], "slice": ["2020"], "relative_mae": [value], "crps_skill_vs_hs": [None]}
    )
    error, _ = plots.sliced(frame, models=["lstm"])(INKS).axes
    low, high = error.get_ylim()
    assert (low + high) / 2 == pytest.approx(1.0)
    assert (high - low) / 2 == pytest.approx(half_height, rel=0.1)
