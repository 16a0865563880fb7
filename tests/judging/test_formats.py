"""Each format is recognised by its columns, and says the same as the plain one."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.special import ndtri

from nextclose.judging.formats import FORMATS, format_of
from nextclose.judging.grid import on_grid
from nextclose.judging.names import value_column
from nextclose.referee import judge
from nextclose.schema import LEVELS, MEDIAN
from tests.judging.builders import N_TESTED, bars, closes, grid, ranged

SYMBOL, ORIGIN, TARGET = pl.col("symbol"), pl.col("origin"), pl.col("target_date")
POINT = pl.col("close") * 1.001
BOTH = closes(2)


def quantile(level):
    """The quantile of a normal of prices around POINT."""
    return POINT + 0.4 * float(ndtri(level))


def sampled(k):
    """One of five draws."""
    return POINT * (1 + 0.01 * (k - 2))


EXPORTS = {
    "nixtla": BOTH.select(
        SYMBOL.alias("unique_id"), TARGET.alias("ds"), ORIGIN.alias("cutoff"),
        pl.col("later").alias("y"), POINT.alias("NHITS-1"),
        quantile(0.05).alias("NHITS-1-lo-90"), quantile(0.95).alias("NHITS-1-hi-90"),
    ),
    "prophet": closes().select(
        TARGET.alias("ds"), POINT.alias("yhat"), quantile(0.1).alias("yhat_lower"),
        quantile(0.9).alias("yhat_upper"),
    ),
    "autogluon": BOTH.select(
        SYMBOL.alias("item_id"), TARGET.alias("timestamp"), POINT.alias("mean"),
        *(quantile(k / 10).alias(f"0.{k}") for k in range(1, 10)),
    ),
    "darts": closes().select(
        TARGET.alias("time"), *(quantile(q).alias(f"S00_q{q:.3f}") for q in (0.05, 0.5, 0.95)),
    ),
    "sample paths": BOTH.select(
        SYMBOL, ORIGIN, pl.lit(1).alias("horizon"), *(sampled(k).alias(f"sample_{k}") for k in range(5)),
    ),
    "fev": BOTH.select(
        SYMBOL.alias("item_id"), ORIGIN.alias("cutoff"),
        pl.concat_list(POINT).alias("predictions"),
        *(pl.concat_list(quantile(q)).alias(f"{q}") for q in (0.1, 0.5, 0.9)),
    ),
    "tutorial": closes().select(
        TARGET.alias("Date"), pl.col("later").alias("Close"), POINT.alias("Predictions"),
    ),
    "plain": BOTH.select(SYMBOL.alias("ticker"), ORIGIN, pl.lit(1).alias("h"), POINT.alias("mean"),
                         pl.lit(0.4).alias("sd")),
}  # fmt: skip
LEVELS_OF = {  # what each of them states, at which levels
    "nixtla": (0.05, 0.5, 0.95), "prophet": (0.1, 0.5, 0.9),
    "autogluon": tuple(k / 10 for k in range(1, 10)), "darts": (0.05, 0.5, 0.95),
    "fev": (0.1, 0.5, 0.9), "tutorial": (0.5,), "plain": tuple(LEVELS.tolist()),
}  # fmt: skip


def expected(name):
    frame = closes(1 if name in ("prophet", "darts", "tutorial") else 2)
    close = frame["close"].to_numpy()[:, None]
    if name == "sample paths":
        draws = np.stack(
            [frame.select(sampled(k)).to_series().to_numpy() for k in range(5)], axis=1
        )
        return np.log(np.quantile(draws, LEVELS, axis=1).T / close)
    stated = np.stack(
        [frame.select(quantile(q)).to_series().to_numpy() for q in LEVELS_OF[name]], axis=1
    )
    return on_grid(LEVELS_OF[name], np.log(stated / close))


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_recognised_and_says_what_the_plain_format_says(name):
    frame = EXPORTS[name]
    assert format_of(frame).name == name
    judged = judge(frame, bars(2 if frame.height > N_TESTED else 1), yardsticks=())
    ours = judged.forecasts.filter(pl.col("model").is_in(list(judged.submitted)))
    assert list(judged.formats.values()) == [name]
    np.testing.assert_allclose(grid(ours), expected(name), rtol=0, atol=1e-12)


def test_every_format_has_an_export_here():
    assert {form.name for form in FORMATS} == {*EXPORTS, "nextclose"}


def test_our_own_forecasts_pass_through_to_the_bit():
    first = judge(ranged(2), bars(2), yardsticks=("hs_250",)).forecasts
    again = judge(first, bars(2), yardsticks=())
    assert set(again.formats.values()) == {"nextclose"}
    keys = ["model", "symbol", "origin"]
    assert_frame_equal(again.forecasts.drop("fold").sort(keys), first.drop("fold").sort(keys))


def test_long_sample_paths_are_the_wide_ones():
    wide = EXPORTS["sample paths"]
    long = wide.unpivot(
        index=["symbol", "origin", "horizon"], variable_name="sample", value_name="close_pred"
    )
    one, other = (judge(f, bars(2), yardsticks=()).forecasts for f in (wide, long))
    np.testing.assert_array_equal(grid(one), grid(other))


def test_a_point_model_beside_one_with_quantiles_needs_none():
    both = pl.concat(
        [EXPORTS["plain"].with_columns(model=pl.lit("with_sd")),
         EXPORTS["plain"].drop("sd").with_columns(model=pl.lit("point"))], how="diagonal",
    )  # fmt: skip
    judged = judge(both, bars(2), yardsticks=())
    assert judged.submitted == ("with_sd", "point")
    assert judged.run.scores.frame.filter(model="point")["point_only"].all()


def test_pandas_csv_and_parquet_say_the_same(tmp_path):
    frame = EXPORTS["nixtla"]
    frame.write_csv(tmp_path / "peer.csv")
    frame.write_parquet(tmp_path / "peer.parquet")
    parts = [
        judge(source, bars(2), yardsticks=()).forecasts
        for source in (
            frame,
            pd.DataFrame(frame.to_dict(as_series=False)),
            tmp_path / "peer.csv",
            str(tmp_path / "peer.parquet"),
        )
    ]
    for part in parts[1:]:
        assert_frame_equal(part, parts[0])


def test_several_models_of_one_file_and_several_files_are_several_submissions():
    two = EXPORTS["nixtla"].with_columns((POINT_OF_NIXTLA * 1.01).alias("naive"))
    judged = judge({"mine": ranged(2), "peers": two}, bars(2), yardsticks=())
    # a name of ours is not theirs to use
    assert judged.submitted == ("mine", "NHITS_1", "naive_submitted")


POINT_OF_NIXTLA = pl.col("NHITS-1")


@pytest.mark.parametrize(
    ("name", "kind", "model", "level"),
    [
        ("AutoARIMA-lo-90", "level", "AutoARIMA", 0.05),
        ("AutoARIMA-hi-99.5", "level", "AutoARIMA", 0.9975),
        ("TFT-median", "level", "TFT", 0.5),
        ("TFT_ql0.05", "level", "TFT", 0.05),
        ("NHITS-q-5", "level", "NHITS", 0.05),
        ("0.025", "level", "", 0.025),
        ("q0.95", "level", "", 0.95),
        ("p95", "level", "", 0.95),
        ("AAPL_s12", "sample", "AAPL", 12.0),
        ("sample_3", "sample", "", 3.0),
        ("Predicted Price", "point", "", 0.5),
        ("sigma", "sd", "", 0.5),
    ],
)  # fmt: skip
def test_a_column_is_told_by_its_name(name, kind, model, level):
    column = value_column(name)
    assert column is not None
    assert (column.kind, column.model) == (kind, model)
    assert column.level == pytest.approx(level)


def test_a_normal_stated_at_three_levels_is_that_normal_at_all():
    levels = (0.1, 0.5, 0.9)
    stated = 0.01 + 0.02 * ndtri(np.array([levels]))
    np.testing.assert_allclose(on_grid(levels, stated)[0], 0.01 + 0.02 * ndtri(LEVELS), atol=1e-15)


def test_a_point_is_the_same_at_every_level():
    np.testing.assert_array_equal(on_grid((0.5,), np.array([[0.3]])), np.full((1, 23), 0.3))


def test_a_level_that_is_stated_keeps_its_value():
    levels, stated = (0.05, 0.5, 0.9), np.array([[-0.3, 0.1, 0.2]])
    out = on_grid(levels, stated)[0]
    assert (out[2], out[MEDIAN], out[19]) == (-0.3, 0.1, 0.2)
    assert round(float(LEVELS[19]), 2) == 0.9
