"""A split after a date rescales all prices before it: nothing that was known then may move."""

import numpy as np
import polars as pl
import pytest

from tests.leakage.artefacts import Artefact, Pipeline, known, leaks
from tests.leakage.worlds import PRICES, clean_panel, day, ragged_panel

IN_PRICE_UNITS = ("bars ",)
SPLITS = [(0.5, 399), (0.25, 415), (8.0, 431)]  # factor of older prices, row of the split


def rescaled(frame: pl.DataFrame, factor: float, row: int) -> pl.DataFrame:
    """Prices before the split times `factor`, volumes over it: what a vendor does to the past."""
    is_old = pl.col("date") < pl.lit(day(row))
    cells = {name: pl.col(name) * factor for name in PRICES if name in frame.columns}
    cells["volume"] = pl.col("volume") / factor
    return frame.with_columns(
        pl.when(is_old).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in cells.items()
    )


def level_free(found: dict[str, Artefact]) -> dict[str, Artefact]:
    return {name: part for name, part in found.items() if not name.startswith(IN_PRICE_UNITS)}


@pytest.mark.parametrize("panel", [clean_panel, ragged_panel])
@pytest.mark.parametrize(("factor", "row"), SPLITS)
def test_a_later_split_by_a_power_of_two_moves_no_bit_of_features_fits_and_forecasts(
    panel, factor, row
):
    base = panel().with_columns(pl.col("volume") * 8)  # still whole after the split by 8
    made, other = (
        level_free(Pipeline().artefacts(frame, until=day(row - 1)))
        for frame in (base, rescaled(base, factor, row))
    )
    assert len(made) > 80
    assert leaks(made, other, at=day(row - 1)) == []


def test_a_later_dividend_moves_features_by_rounding_only():
    base, row = clean_panel(), 415
    pipeline = Pipeline(models=())
    paid = rescaled(base, 0.9731, row).with_columns(base["volume"])  # a dividend moves prices alone
    made, other = (pipeline.artefacts(frame) for frame in (base, paid))
    for name in made:
        if name.startswith(("feature", "scale")):
            one, two = (known(found[name], day(row - 1)) for found in (made, other))
            assert one is not None
            assert two is not None
            # values are float32 of size 1; means of volume are near 0 / 0 nowhere here
            np.testing.assert_allclose(one.value, two.value, rtol=1e-5, atol=1e-5, err_msg=name)


def test_the_tutorials_columns_are_exempt_by_name_for_they_hold_price_levels():
    base, row = clean_panel(), 415
    pipeline = Pipeline(models=(), families=("classic",))
    made, other = (
        level_free(pipeline.artefacts(frame)) for frame in (base, rescaled(base, 0.5, row))
    )
    moved = {line.split(",")[0] for line in leaks(made, other, at=day(row - 1))}
    assert {"feature close", "feature sma_20", "feature obv", "feature atr_14"} <= moved
    assert "feature rsi_14" not in moved
