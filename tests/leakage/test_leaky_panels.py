"""Columns made across symbols, stamps of other clocks and levels of prices: who leaks is named."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from nextclose.features.columns import Column, FamilyDefinition
from nextclose.features.table import FAMILIES
from nextclose.schema import Table
from tests.frames import collect_bars
from tests.leakage.artefacts import Pipeline, leaks, moved
from tests.leakage.leaky_panels import (
    HONEST_ACROSS,
    LEAKY_ACROSS,
    PanelPipeline,
    after_the_close_of_tokyo,
    by_instant,
    market_of_the_date,
    of_what_has_closed,
    two_exchanges,
)
from tests.leakage.test_adjustment import rescaled
from tests.leakage.test_date_codes import OPEN_DAYS
from tests.leakage.test_mutants import found_leaks
from tests.leakage.worlds import SESSIONS, clean_panel, day


def test_every_column_across_symbols_that_looks_ahead_is_named_and_no_other():
    pipeline = PanelPipeline(across={**LEAKY_ACROSS, **HONEST_ACROSS})
    lines = {line.split(",")[0] for found in found_leaks(pipeline) for line in found}
    assert lines == {f"feature {name}" for name in LEAKY_ACROSS}


# --- M61 ---


def named_by_instant(across: Callable[[Table], np.ndarray]) -> set[str]:
    """What moves at Tokyo's close, or earlier, with what closes after it."""
    pipeline, base = PanelPipeline(across={"mine": across}), two_exchanges()
    made, lines = by_instant(pipeline.artefacts(base)), set()
    for row, world in ((300, "x1e6"), (405, "wild walk"), (430, "reversed")):
        other = pipeline.artefacts(after_the_close_of_tokyo(base, SESSIONS[row], world))
        lines |= {line.split(",")[0] for line in leaks(made, by_instant(other), at=day(row))}
        assert "feature mine" in moved(made, by_instant(other))
    return lines


def test_a_mean_by_date_though_one_exchange_closes_later_is_found():
    assert named_by_instant(market_of_the_date) == {"feature mine"}


def test_returns_of_what_has_closed_and_our_own_markets_are_not_accused():
    assert named_by_instant(of_what_has_closed) == set()


# --- M15 ---


def stamped() -> pl.DataFrame:
    """Bars of Tokyo stamped at its midnight; the close of bar i is 1000 + i."""
    codes = 1000.0 + np.arange(300)
    prices = dict.fromkeys(("open", "high", "low", "close"), codes)
    stamps = [f"{session}T00:00:00+09:00" for session in OPEN_DAYS[:300]]
    return pl.DataFrame({"symbol": ["AAA.T"] * 300, "date": stamps, **prices, "volume": 1.0})


def in_utc(frame: pl.DataFrame) -> pl.DataFrame:
    """M15: `pd.to_datetime(date, utc=True).dt.date`, a day early east of Greenwich."""
    instant = pl.col("date").str.to_datetime(time_zone="UTC", format="%Y-%m-%dT%H:%M:%S%z")
    return frame.with_columns(instant.dt.date().alias("date"))


def days_off(frame: pl.DataFrame) -> set[int]:
    """How many days the loader dates each bar from the session that its close is the code of."""
    bars = collect_bars(frame).frame
    true = OPEN_DAYS[bars["close"].to_numpy().astype(int) - 1000]
    return {*(bars["session"].to_numpy().astype("datetime64[D]") - true).astype(int).tolist()}


def test_stamps_of_tokyo_dated_in_utc_are_read_back_a_day_early():
    assert days_off(stamped()) == {0}
    assert -1 in days_off(in_utc(stamped()))


# --- M17 ---


def level_pipeline(values: Callable[..., np.ndarray]) -> Pipeline:
    mine = FamilyDefinition(cap=float("inf"), columns=(Column("mine", 0, values),))
    return Pipeline(
        models=(), families=("stationary", "mine"), definitions={**FAMILIES, "mine": mine}
    )


@pytest.mark.parametrize(
    ("values", "found"),
    [
        pytest.param(lambda bars: bars.close, True, id="M17 the raw close as an input"),
        pytest.param(lambda bars: np.log(bars.close / bars.open), False, id="a ratio of prices"),
    ],
)
def test_a_level_that_a_later_split_rescales_is_found_and_a_ratio_is_not(values, found):
    base, pipeline = clean_panel(), level_pipeline(values)
    for factor, row in ((0.5, 399), (8.0, 431)):
        made, other = (
            {name: part for name, part in pipeline.artefacts(frame).items() if "bars" not in name}
            for frame in (base, rescaled(base, factor, row))
        )
        lines = {line.split(",")[0] for line in leaks(made, other, at=day(row - 1))}
        assert lines == ({"feature mine"} if found else set())
