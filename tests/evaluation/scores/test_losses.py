import numpy as np
import polars as pl
import pytest

from nextclose.errors import DataError
from nextclose.evaluation.scores.losses import KEY, quantile_matrix, with_losses
from nextclose.metrics import grid_crps
from nextclose.schema import FORECAST_SCHEMA, LEVELS, QUANTILE_COLUMNS
from tests.evaluation.frames import NORMAL, SD, rows


def test_losses_of_two_forecasts_worked_by_hand():
    frame = with_losses(rows("lstm", np.array([0.03, -0.01]), median=np.array([0.01, 0.01]), sd=SD))
    np.testing.assert_allclose(frame["absolute_error"], [0.02, 0.02], atol=1e-15)
    np.testing.assert_allclose(frame["squared_error"], [4e-4, 4e-4], atol=1e-15)
    np.testing.assert_allclose(
        frame["percentage_error"], [100 * (1 - np.exp(-0.02)), 100 * (np.exp(0.02) - 1)]
    )
    assert frame["call"].to_list() == [1, 1]
    # the outcomes are 1.33 standard deviations off: outside 50 and 80 %, inside 90 and 95 %
    assert frame.select("inside_50", "inside_80", "inside_90", "inside_95").row(0) == (
        (False, False, True, True)
    )
    assert frame["pit"][0] == pytest.approx(0.9088, abs=0.002)  # normal CDF at 4/3


def test_a_point_forecast_has_a_score_but_no_range():
    frame = with_losses(rows("classic", np.array([0.03]), median=0.01))
    assert frame["point_only"][0]
    assert frame["crps"][0] == pytest.approx(0.02)
    assert frame.select("inside_90", "width_90_pct", "pit").row(0) == (None, None, None)


def test_a_forecast_without_an_outcome_keeps_its_row_and_has_null_losses():
    frame = with_losses(rows("lstm", np.array([np.nan, 0.01]), median=0.01, sd=SD))
    losses = ("crps", "absolute_error", "percentage_error", "inside_90", "pit")
    assert frame.select(losses).row(0) == (None,) * 5
    assert frame["width_90_pct"].null_count() == 0
    assert frame["call"].to_list() == [1, 1]


def test_scores_follow_their_rows_whatever_the_order():
    rng = np.random.default_rng(0)
    frame = rows("lstm", SD * rng.standard_normal(200), median=0.001, sd=SD)
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=1)
    assert with_losses(shuffled).sort("origin").equals(with_losses(frame))
    expected = grid_crps(0.001 + SD * np.tile(NORMAL, (200, 1)), frame["target"].to_numpy())
    np.testing.assert_allclose(with_losses(frame)["crps"], expected, rtol=1e-14)


def test_an_empty_frame_is_scored_to_an_empty_frame():
    assert with_losses(pl.DataFrame(schema=FORECAST_SCHEMA)).height == 0
    assert quantile_matrix(pl.DataFrame(schema=FORECAST_SCHEMA)).shape == (0, len(LEVELS))


MIDDLE = QUANTILE_COLUMNS[11]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None])
def test_a_quantile_that_is_no_number_is_refused_by_name_and_count(bad):
    frame = rows("lstm", np.full(3, 0.01), sd=SD)
    broken = frame.with_columns(pl.lit(bad, dtype=pl.Float64).alias(MIDDLE))
    with pytest.raises(DataError, match="E79 AAA 2015-01-01") as caught:
        with_losses(broken)
    assert [(f.count, f.symbol) for f in caught.value.findings] == [(3, "AAA")]


def test_falling_quantiles_and_a_nan_target_are_both_reported():
    frame = rows("lstm", np.full(3, 0.01), sd=SD).with_columns(
        pl.lit(5.0).alias(MIDDLE), pl.lit(float("nan")).alias("target")
    )
    with pytest.raises(DataError) as caught:
        with_losses(frame)
    assert [f.found.split(" (")[0] for f in caught.value.findings] == [
        "quantiles that fall",
        "a target that is NaN or infinite",
    ]


def test_a_second_forecast_with_the_same_key_is_refused():
    frame = rows("lstm", np.array([0.01, 0.02]), sd=SD)
    with pytest.raises(DataError, match="E43 AAA 2015-01-02"):
        with_losses(pl.concat([frame, frame.tail(1)]))
    assert set(KEY) < set(FORECAST_SCHEMA)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"resolved": pl.col("origin")}, "E43 .*resolves by the close"),
        ({"horizon_sessions": pl.lit(0, pl.Int32)}, "E43 .*less than one session"),
        ({"symbol": pl.lit("*")}, "E30 .*a symbol that is"),
    ],
)
def test_forecasts_that_cannot_be_are_refused(change, said):
    frame = rows("lstm", np.array([0.01, 0.02]), sd=SD).with_columns(**change)
    with pytest.raises(DataError, match=said):
        with_losses(frame)


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match=r"forecasts without target, q0\.500"):
        with_losses(rows("lstm", np.array([0.01])).drop("target", "q0.500"))
