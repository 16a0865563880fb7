"""The five numbers such tutorials end with, in price units, each beside those of "no change"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.metrics import DirectionHits, direction_hits
from nextclose.schema import MEDIAN, QUANTILE_COLUMNS, Floats

CLASSIC = "classic"


@dataclass(frozen=True, slots=True, kw_only=True)
class FiveNumbers:
    """Errors of forecast prices. A price level flatters `r2` and `consecutive_direction`."""

    mse: float  # squared price units
    mae: float  # price units
    mape_pct: float
    r2: float | None  # of price levels; None if the price never moved
    consecutive_direction: float  # share; from one forecast to the next, as tutorials do it


@dataclass(frozen=True, slots=True, kw_only=True)
class TutorialMetrics:
    """One model on one symbol and horizon, beside "no change" on the same origins.

    `hits` is what direction should mean: against the last known close, with its base rate.
    """

    symbol: str
    model: str
    horizon_sessions: int
    origins: int
    model_numbers: FiveNumbers
    naive_numbers: FiveNumbers
    hits: DirectionHits


def tutorial_metrics(scored: pl.DataFrame) -> TutorialMetrics:
    """The tutorial's metrics of one symbol, horizon and model, in price units.

    The forecast price is close * exp(median), the price that came close * exp(target). Direction
    the tutorial's way compares consecutive forecasts with consecutive prices: the slope of a curve,
    not a decision that anybody could have made.
    Expects: rows of `with_losses` of one symbol, horizon and model, any order; those without a
        target are left out.
    Raises: ConfigError if there is more than one of them; NotEnoughDataError below two forecasts.
    """
    frame = scored.filter(pl.col("target").is_not_null()).sort("origin")
    if frame.height < 2:
        raise NotEnoughDataError(
            f"The tutorial's metrics need 2 forecasts with an outcome, found {frame.height}. "
            "Fix: evaluate over more origins.",
            needed=2,
            found=frame.height,
        )
    if frame.select(pl.struct("symbol", "model", "horizon_sessions").n_unique()).item() > 1:
        raise ConfigError(
            "The tutorial's metrics are of one symbol, model and horizon. Fix: filter first."
        )
    close, outcome = frame["close"].to_numpy(), frame["target"].to_numpy()
    price = close * np.exp(outcome)
    forecast = close * np.exp(frame[QUANTILE_COLUMNS[MEDIAN]].to_numpy())
    return TutorialMetrics(
        symbol=frame["symbol"][0],
        model=frame["model"][0],
        horizon_sessions=frame["horizon_sessions"][0],
        origins=frame.height,
        model_numbers=_five_numbers(price, forecast),
        naive_numbers=_five_numbers(price, close),
        hits=direction_hits(frame["call"].to_numpy(), outcome),
    )


def _five_numbers(price: Floats, forecast: Floats) -> FiveNumbers:
    error = price - forecast
    spread = float(((price - price.mean()) ** 2).sum())
    rises = (np.diff(price) > 0) == (np.diff(forecast) > 0)
    return FiveNumbers(
        mse=float((error**2).mean()),
        mae=float(np.abs(error).mean()),
        mape_pct=float(100.0 * np.abs(error / price).mean()),
        r2=1.0 - float((error**2).sum()) / spread if spread > 0 else None,
        consecutive_direction=float(rises.mean()),
    )


def tutorial_table(forecasts: pl.DataFrame) -> pl.DataFrame:
    """The tutorial's five numbers of `classic` beside naive's on the same origins, by horizon.

    Of the first symbol it was run on: prices of different symbols have no common error.
    """
    rows = []
    classic = forecasts.filter(pl.col("model") == CLASSIC)
    first = classic.filter(pl.col("symbol") == pl.col("symbol").min())
    for part in first.partition_by("horizon_sessions", maintain_order=True):
        try:
            metrics = tutorial_metrics(part)
        except NotEnoughDataError:
            continue
        ours, naive, hits = metrics.model_numbers, metrics.naive_numbers, metrics.hits
        for metric in ("mse", "mae", "mape_pct", "r2"):
            rows.append(
                (metrics.horizon_sessions, metric, getattr(ours, metric), getattr(naive, metric))
            )
        slopes = (ours.consecutive_direction, naive.consecutive_direction)
        rows.append((metrics.horizon_sessions, "consecutive_direction", *slopes))
        rows.append((metrics.horizon_sessions, "direction", hits.hit_rate, hits.base_rate))
    schema = {
        "horizon_sessions": pl.Int32,
        "metric": pl.String,
        "classic": pl.Float64,
        "naive": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
