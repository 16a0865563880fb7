"""[shell] The student's door: a file of prices and predictions in, one card of each out."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from nextclose.data.sources.frames import frame_bars
from nextclose.judging.cards import UNNAMED, Card
from nextclose.judging.reading import Reading
from nextclose.judging.submission import Submission, refused
from nextclose.referee import judge
from nextclose.schema import Bars
from nextclose.submitting import all_submissions


def roast(
    path: str | Path,
    bars: Bars | None = None,
    *,
    model: str | None = None,
    symbol: str | None = None,
    values: str = "auto",
    horizon: int | None = None,
) -> tuple[Card, ...]:
    """A card of each model, symbol and horizon of a file of forecasts.

    Without `bars` the file's own column of actual prices stands for them.
    Raises: ForecastsError, DataError, ConfigError.
    """
    if bars is None:
        told = Reading(symbol=symbol or UNNAMED, model=model or "", scale=values)
        bars = bars_of_actual(all_submissions(path, told))
    judged = judge(
        path, bars, model=model, symbol=symbol, values=values, horizon=horizon, yardsticks=()
    )
    cards = judged.tutorial_metrics()
    if not cards:
        raise refused("fewer than two forecasts with an outcome", expected="a file of forecasts",
                      fix="give more rows.", where=str(path))  # fmt: skip
    return cards


def bars_of_actual(given: list[Submission]) -> Bars:
    """The actual prices beside forecasts as bars, dated by their targets.

    Raises: ForecastsError where there are none; DataError for prices that are none.
    """
    places = pl.concat([one.places for one in given])
    known = places.filter(pl.col("actual").is_not_null(), pl.col("target").is_not_null())
    if not known.height:
        raise refused("no column of actual prices beside the dates",
                      expected="date, actual and predicted, or a file of prices",
                      fix="add the column, or name the prices: nextclose roast FILE PRICES.",
                      where=given[0].source)  # fmt: skip
    frame = known.select("symbol", pl.col("target").alias("date"), pl.col("actual").alias("close"))
    return frame_bars(frame.unique(maintain_order=True))
