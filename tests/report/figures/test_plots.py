import re
import warnings
from datetime import date

import numpy as np
import polars as pl
import pytest

from nextclose.report.figures import plots
from nextclose.report.figures.drawing import svg
from nextclose.report.figures.palette import model_order, palette_for
from nextclose.schema import QUANTILE_COLUMNS

PALETTE = palette_for(model_order(["lstm", "naive"], headline="lstm"))
INKS = PALETTE.light()


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
    price, move = plots.actual_and_predicted(rows, model="lstm")(INKS).axes
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


def test_the_shade_around_coverage_is_a_95_percent_interval():
    frame = pl.DataFrame(
        {"model": "lstm", "nominal": [0.9], "realised": [0.87], "standard_error": [0.01]}
    )
    (panel,) = plots.coverage_by_level(frame, models=["lstm"])(INKS).axes
    (shade,) = panel.collections
    assert shade.get_label() == "95% interval"
    heights = np.asarray(shade.get_paths()[0].vertices)[:, 1]
    # -0.03 +/- 1.96 x 0.01
    np.testing.assert_allclose([heights.min(), heights.max()], [-0.0496, -0.0104], atol=1e-6)


def test_every_minus_in_a_picture_is_a_true_one():
    frame = pl.DataFrame(
        {
            "model": "lstm",
            "nominal": [0.5, 0.9],
            "realised": [0.45, 0.8],
            "standard_error": [0.01, 0.01],
        }
    )
    drawn = (
        plots.coverage_by_level(frame, models=["lstm"]),
        plots.gains_by_slice(a_year(relative_mae=0.9, crps_skill_vs_hs=-0.2), models=["lstm"]),
        plots.actual_and_predicted(
            issued([-0.2, -0.1], [-0.3, 0.3], [10.0, 20.0]).with_columns(
                resolved=pl.Series([date(2020, 1, 3), date(2020, 1, 6)])
            ),
            model="lstm",
        ),
    )
    for draw in drawn:
        text = svg(draw, PALETTE, name="x", description="")
        said = re.findall(r">([^<]*)</text>", text)
        assert any("\N{MINUS SIGN}" in label for label in said)
        assert not [label for label in said if re.match(r"-[\d.]", label)]


def test_pit_bars_are_shares_that_add_to_one():
    frame = pl.DataFrame({"low": [0.5, 0.0], "high": [1.0, 0.5], "count": [30, 10]})
    (panel,) = plots.pit(frame, model="lstm")(INKS).axes
    assert [bar.get_height() for bar in panel.containers[0]] == [0.25, 0.75]


def test_the_dot_of_a_training_curve_is_at_the_epoch_whose_weights_were_kept():
    frame = pl.DataFrame(
        {
            "seed": [0, 0, 0],
            "epoch": [0, 1, 2],
            "train": [3.0, 2.0, 1.0],
            "valid": [3.1, 2.5, 2.7],
            "kept": [False, True, False],
        }
    )
    (panel,) = plots.training_curves(frame, model="lstm")(INKS).axes
    (dot,) = [line for line in panel.lines if line.get_label() == "weights kept"]
    assert np.asarray(dot.get_xydata()).tolist() == [[1.0, 2.5]]


def test_weights_kept_before_any_training_are_at_epoch_0_and_whole_on_the_edge():
    frame = pl.DataFrame(
        {
            "seed": [0, 0],
            "epoch": [0, 1],
            "train": [None, 2.0],
            "valid": [3.1, 3.2],
            "kept": [True, False],
        }
    )
    (panel,) = plots.training_curves(frame, model="lstm")(INKS).axes
    (dot,) = [line for line in panel.lines if line.get_label() == "weights kept"]
    assert np.asarray(dot.get_xydata()).tolist() == [[0.0, 3.1]]
    assert not dot.get_clip_on()
    low, high = panel.get_xlim()
    assert [x for x in panel.get_xticks() if low <= x <= high] == [0.0, 1.0]


@pytest.mark.parametrize("n_days", [1, 2, 3, 5, 30, 59, 60, 61, 500, 725, 731, 1096, 3650, 7305])
def test_pictures_of_any_range_of_dates_print_without_a_warning(n_days):
    """Warnings are errors here; the first picture of a long horizon may span two days or years."""
    days = np.datetime64("2005-11-15") + np.unique([0, n_days // 2, n_days - 1])
    rows = pl.DataFrame(
        {
            "model": "lstm",
            "origin": days,
            "resolved": days,
            "close": 10.0,
            "target": 0.01,
            "coverage_90": 0.9,
            **dict.fromkeys(QUANTILE_COLUMNS, 0.0),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for draw in (
            plots.actual_and_predicted(rows, model="lstm"),
            plots.coverage_over_time(rows, models=["lstm"]),
        ):
            assert svg(draw, PALETTE, name="x", description="").count("<text") >= 2


@pytest.mark.parametrize(("value", "half_height"), [(1.002, 0.01), (1.04, 0.044)])
def test_noise_around_no_change_does_not_fill_the_picture(value, half_height):
    error, _ = plots.gains_by_slice(a_year(relative_mae=value), models=["lstm"])(INKS).axes
    low, high = error.get_ylim()
    assert (low + high) / 2 == pytest.approx(1.0)
    assert (high - low) / 2 == pytest.approx(half_height, rel=0.1)


def a_year(**figures):
    row = {"relative_mae": 1.0, "crps_skill_vs_hs": 0.02, "crps_skill_vs_garch": None, **figures}
    schema = dict.fromkeys(row, pl.Float64)
    return pl.DataFrame([row], schema=schema).with_columns(
        model=pl.lit("lstm"), slice=pl.lit("2020")
    )


def test_skill_against_garch_has_a_panel_only_where_somebody_met_it():
    assert len(plots.gains_by_slice(a_year(), models=["lstm"])(INKS).axes) == 2
    met = plots.gains_by_slice(a_year(crps_skill_vs_garch=0.004), models=["lstm"])(INKS).axes
    assert [lines(panel)["lstm"].tolist() for panel in met] == [[1.0], [0.02], [0.004]]


def test_a_dot_of_a_slice_is_never_cut_by_the_edge():
    error, _ = plots.gains_by_slice(a_year(relative_mae=0.8), models=["lstm"])(INKS).axes
    low, high = error.get_ylim()
    assert (low, high) == pytest.approx((0.78, 1.22))  # 10 % beyond the farthest dot


def test_rounds_of_trees_and_of_the_lstm_are_not_called_epochs():
    frame = pl.DataFrame({"seed": 0, "epoch": [0], "train": [1.0], "valid": [1.0], "kept": [True]})
    models = ("trees", "lstm", "classic")
    inks = palette_for(models).light()
    heads = [
        plots.training_curves(frame, model=model)(inks).axes[0].texts[0].get_text()
        for model in models
    ]
    assert heads == ["Loss by tree", "CRPS by round", "Loss by epoch"]
