"""Data of the interactive price chart: prices, and ranges in basis points of log return."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup

from nextclose.formatting import count, quantity
from nextclose.schema import PRICE_COLUMNS, Floats

CHART_COLUMNS = ("q0.050", "q0.100", "q0.250", "q0.500", "q0.750", "q0.900", "q0.950")
MAX_SYMBOLS = 12
MAX_NUMBERS = 260_000  # quantiles in the page, some 4 bytes each: keeps it well under 3 MB
LEAD_SESSIONS = 120  # bars shown before the first origin


def chart_data(
    bars: pl.DataFrame, forecasts: pl.DataFrame, *, model: str, horizons: tuple[int, ...]
) -> dict[str, Any]:
    """What the chart's script reads. At most `MAX_SYMBOLS` symbols, and their newest origins.

    Expects: `forecasts` has rows of `model`; an origin without a forecast at some horizon is kept.
    """
    issued = forecasts.filter(pl.col("model") == model).join(
        bars, left_on=["symbol", "origin"], right_on=["symbol", "session"], how="semi"
    )
    wide = _ranges_by_origin(issued, horizons)
    symbols = wide["symbol"].unique().sort().to_list()[:MAX_SYMBOLS]
    n_kept = MAX_NUMBERS // (max(len(symbols), 1) * len(CHART_COLUMNS) * max(len(horizons), 1))
    return {
        "horizons": list(horizons),
        "symbols": [
            _symbol_data(
                bars.filter(pl.col("symbol") == symbol).sort("session"),
                wide.filter(pl.col("symbol") == symbol).sort("origin").tail(n_kept),
                horizons,
            )
            for symbol in symbols
        ],
    }


def as_script_json(data: dict[str, Any]) -> Markup:
    """JSON that cannot end its script element: `< > &` and U+2028/9 are written as escapes."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # nothing is left in it that HTML could read as markup


def _ranges_by_origin(forecasts: pl.DataFrame, horizons: tuple[int, ...]) -> pl.DataFrame:
    """One row per symbol and origin; column `h` is the list of its quantiles in basis points."""
    points = [(pl.col(name) * 1e4).round().cast(pl.Int32) for name in CHART_COLUMNS]
    wide = forecasts.select("symbol", "origin").unique()
    for h in horizons:
        rows = forecasts.filter(pl.col("horizon_sessions") == h)
        wide = wide.join(
            rows.select("symbol", "origin", pl.concat_list(points).alias(str(h))),
            on=["symbol", "origin"],
            how="left",
        )
    return wide


def _symbol_data(
    bars: pl.DataFrame, ranges: pl.DataFrame, horizons: tuple[int, ...]
) -> dict[str, Any]:
    first = int(bars["session"].search_sorted(ranges["origin"][0]))
    bars = bars.slice(max(first - LEAD_SESSIONS, 0))
    days = bars["session"].cast(pl.Int32).to_numpy().astype(np.int64)
    origin = bars["session"].search_sorted(ranges["origin"]).to_numpy().astype(np.int64)
    prices = [c for c in PRICE_COLUMNS if c in bars.columns and bars[c].count()]
    bars = bars.with_columns(pl.col(prices).fill_null(pl.col("close")))  # a dash, as candles go
    return {
        "name": ranges["symbol"][0],
        "day": np.diff(days, prepend=0).tolist(),  # days since 1970-01-01, as steps
        **{name: _six_digits(bars[name].to_numpy()) for name in prices},
        "origin": np.diff(origin, prepend=0).tolist(),  # index of the bar, as steps
        "ranges": [_flat_quantiles(ranges[str(h)]) for h in horizons],
    }


def _flat_quantiles(lists: pl.Series) -> list[int | None]:
    """All quantiles in one row after the other; a missing forecast is one null for each."""
    empty = [None] * len(CHART_COLUMNS)
    return [value for row in lists.to_list() for value in (empty if row is None else row)]


def _six_digits(prices: Floats) -> list[float | int | None]:
    """Six significant digits: a hundredth of a cent at 1 dollar, finer than a pixel anywhere."""
    texts = (f"{price:.6g}" if np.isfinite(price) else "null" for price in prices)
    return [json.loads(text) for text in texts]


def chart_note(forecasts: pl.DataFrame, data: dict[str, Any]) -> str:
    """What the chart leaves out to keep the page small; empty if nothing."""
    n_all, n_shown = forecasts["symbol"].n_unique(), len(data["symbols"])
    n_origins = max((len(symbol["origin"]) for symbol in data["symbols"]), default=0)
    if n_shown < n_all:
        return (
            f"The chart holds the first {n_shown} of {count(n_all)} symbols, "
            f"{quantity(n_origins, 'origin')} each."
        )
    per_symbol = forecasts.group_by("symbol").agg(pl.col("origin").n_unique())["origin"].to_list()
    if n_origins < max(per_symbol, default=0):
        return f"The chart holds the newest {quantity(n_origins, 'origin')} of each symbol."
    return ""
