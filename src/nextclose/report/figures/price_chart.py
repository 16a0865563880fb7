"""Data of the interactive charts: prices, ranges and outcomes, as fine as fits into the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup

from nextclose.formatting import count, share
from nextclose.report.figures.encoding import in_ticks, packed, price_tick, range_step, steps
from nextclose.report.figures.fan import fan_weights
from nextclose.schema import PRICE_COLUMNS, Floats, Ints

CHART_COLUMNS = ("q0.050", "q0.100", "q0.250", "q0.500", "q0.750", "q0.900", "q0.950")
MIDDLE = CHART_COLUMNS.index("q0.500")
MAX_BYTES = 2_250_000  # of all symbols together: keeps the page under 3 MB
LEAD_SESSIONS = 120  # bars shown before the first origin, where nothing is thinned
N_TRIED = 8  # symbols from which the size of all is estimated
# of a forecast, beside its quantiles: none, not known yet, the tightest range that held, a miss
NO_FORECAST, OPEN, HELD_50, HELD_80, HELD_90, MISSED = range(6)


FINE_STEPS = 1e5  # in the lowest price, where nothing is rounded off: cents stay cents
PRICE_STEPS = 1.5e3
RANGE_STEPS = 100  # in the typical 90% range; where nothing is rounded off: basis points


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """How finely each symbol stands in the page; None: all that there is."""

    n_sessions: int | None = None  # the newest
    every: int = 1  # of so many origins one, the newest among them
    is_rounded: bool = True  # to `PRICE_STEPS` and `RANGE_STEPS`, about a pixel


DETAILS = (
    Detail(is_rounded=False),
    Detail(),
    Detail(n_sessions=1260, every=2),
    Detail(n_sessions=1260, every=5),
    Detail(n_sessions=756, every=5),
    Detail(n_sessions=504, every=5),
    Detail(n_sessions=252, every=5),
    Detail(n_sessions=252, every=10),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartData:
    """What the script of the charts reads, how fine it is, and of how many symbols it could be."""

    values: dict[str, Any]
    detail: Detail
    n_symbols: int

    @property
    def symbols(self) -> list[dict[str, Any]]:
        """One record a symbol, by name."""
        return list(self.values["symbols"])

    @property
    def horizons(self) -> list[int]:
        """Sessions ahead of which there is any forecast, rising."""
        return list(self.values["horizons"])

    @property
    def note(self) -> str:
        """What is left out to keep the page small; empty if nothing."""
        n, detail = len(self.symbols), self.detail
        if detail == DETAILS[0]:
            return ""
        kept = [f"the newest {count(detail.n_sessions)} sessions"] if detail.n_sessions else []
        kept += [f"one origin in {detail.every}"] if detail.every > 1 else []
        whose = f"each of {count(n)} symbols"
        if n < self.n_symbols:
            whose = f"the first {count(n)} of {count(self.n_symbols)} symbols by name"
        return (
            f"To keep the page small, the charts hold {' and '.join(kept) or 'everything'} of "
            f"{whose}; prices are rounded to {share(1 / PRICE_STEPS, decimals=2)}, ranges to "
            f"{share(1 / RANGE_STEPS, decimals=0)} of their width. What held and what missed was "
            "judged before that, and verdicts and tables rest on every forecast."
        )


def chart_data(bars: pl.DataFrame, forecasts: pl.DataFrame, *, model: str) -> ChartData:
    """The finest detail whose data of all symbols fit into `MAX_BYTES`; at the last, fewer symbols.

    An origin without a forecast at some horizon is kept; a forecast without its bar is left out.
    """
    needed = ("symbol", "origin", "horizon_sessions", "target", *CHART_COLUMNS)
    issued = (
        forecasts.filter(pl.col("model") == model)
        .select(needed)
        .join(bars, left_on=["symbol", "origin"], right_on=["symbol", "session"], how="semi")
        .sort("symbol", "origin")
    )
    bars = bars.join(issued, on="symbol", how="semi").sort("symbol", "session")
    forecasts_of, bars_of = (f.partition_by("symbol", as_dict=True) for f in (issued, bars))
    names = list(forecasts_of)
    horizons = tuple(issued["horizon_sessions"].unique().sort().to_list())

    def records(some: Sequence[tuple[Any, ...]], detail: Detail) -> list[dict[str, Any]]:
        return [_symbol_data(bars_of[name], forecasts_of[name], horizons, detail) for name in some]

    tried = names[:: max(len(names) // N_TRIED, 1)]
    symbols: list[dict[str, Any]] = []
    for detail in DETAILS:
        size = _n_bytes(records(tried, detail)) / max(len(tried), 1)  # of one
        if size * len(names) <= MAX_BYTES or detail == DETAILS[-1]:
            symbols = records(names[: int(MAX_BYTES // size)], detail)
            if _n_bytes(symbols) <= 1.02 * MAX_BYTES:  # where the estimate was too low
                break
    weights = fan_weights(horizons).round(6).tolist() if horizons else []  # (session, horizon)
    values = {"horizons": list(horizons), "fan": weights, "symbols": symbols}
    return ChartData(values=values, detail=detail, n_symbols=len(names))


def _n_bytes(records: list[dict[str, Any]]) -> int:
    return len(as_script_json(records).encode())


def as_script_json(data: Any) -> Markup:
    """JSON that cannot end its script element: `< > &` and U+2028/9 are written as escapes."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # nothing is left in it that HTML could read as markup


def _symbol_data(
    bars: pl.DataFrame, forecasts: pl.DataFrame, horizons: tuple[int, ...], detail: Detail
) -> dict[str, Any]:
    """One symbol: its sizes and units, and all its numbers as text."""
    bars, origins = _kept(bars, forecasts["origin"].unique().sort(), max(horizons), detail)
    forecasts = forecasts.filter(pl.col("origin").is_in(origins.implode()))
    prices = _prices(bars)  # (session, column)
    n_steps = PRICE_STEPS if detail.is_rounded else FINE_STEPS
    tick = price_tick(prices, n_steps=n_steps, decimal=not detail.is_rounded)
    days = bars["session"].cast(pl.Int32).to_numpy().astype(np.int64)  # since 1970-01-01
    bar_of_origin = bars["session"].search_sorted(origins).to_numpy().astype(np.int64)
    series = [steps(days), *_price_series(in_ticks(prices, tick)), steps(bar_of_origin)]
    range_steps = []
    for h in horizons:
        rows = forecasts.filter(pl.col("horizon_sessions") == h).sort("origin")
        quantiles = rows.select(CHART_COLUMNS).to_numpy()  # (forecast, level)
        step = range_step(quantiles, n_steps=RANGE_STEPS if detail.is_rounded else None)
        at = origins.search_sorted(rows["origin"]).to_numpy()
        codes = np.full(len(origins), NO_FORECAST)
        codes[at] = _outcome_codes(rows["target"].to_numpy(), quantiles)
        whole = np.zeros((len(origins), len(CHART_COLUMNS)), dtype=np.int64)
        if len(at):  # where there is no forecast, the one before it: no step, and not shown
            before = np.searchsorted(at, np.arange(len(origins)), side="right") - 1
            whole = np.rint(1e4 * quantiles / step).astype(np.int64)[np.maximum(before, 0)]
        gaps = np.diff(whole, axis=1).T  # (gap between neighbouring levels, origin)
        series += [codes, steps(whole[:, MIDDLE]), *(steps(gap) for gap in gaps)]
        range_steps.append(step)
    return {
        "name": forecasts["symbol"][0],
        "bars": len(days),
        "origins": len(origins),
        "candles": prices.shape[1] > 1,
        "tick": tick,
        "steps": range_steps,
        "data": packed(series),
    }


def _kept(
    bars: pl.DataFrame, origins: pl.Series, longest: int, detail: Detail
) -> tuple[pl.DataFrame, pl.Series]:
    """The bars and origins that are shown: with the newest origin in any detail."""
    first, last = (int(bars["session"].search_sorted(origins[i])) for i in (0, -1))
    if detail.n_sessions is None:
        bars = bars.slice(max(first - LEAD_SESSIONS, 0))
    else:
        end = min(last + longest + 1, len(bars))
        bars = bars.slice(min(max(end - detail.n_sessions, 0), last), detail.n_sessions)
    origins = origins.filter(origins >= bars["session"][0])
    return bars, origins.reverse().gather_every(detail.every).reverse()


def _prices(bars: pl.DataFrame) -> Floats:
    """Open, high, low, close, or the close alone where a range is never known. (session, column).

    A session without a range is a dash, as candles go.
    """
    names = [c for c in PRICE_COLUMNS if c in bars.columns and bars[c].count()]
    names = list(PRICE_COLUMNS) if set(names) == set(PRICE_COLUMNS) else ["close"]
    close = pl.col("close")
    known = (pl.when(pl.col(name) > 0).then(name).otherwise(close).alias(name) for name in names)
    return bars.select(known).fill_nan(close).to_numpy()


def _price_series(ticks: Ints) -> list[Ints]:
    """The close as steps; the open from the close before; how far high and low reach beyond both.

    Expects: (session, column) as `_prices` gives it.
    """
    close = ticks[:, -1]
    if ticks.shape[1] == 1:
        return [steps(close)]
    opened, high, low = ticks[:, :3].T
    before = np.concatenate([close[:1], close[:-1]])
    return [
        steps(close),
        opened - before,
        high - np.maximum(opened, close),
        np.minimum(opened, close) - low,
    ]


def _outcome_codes(target: Floats, quantiles: Floats) -> Ints:
    """What became of each forecast, from its unrounded quantiles. (forecast,)."""
    inside = [
        (target >= quantiles[:, j]) & (target <= quantiles[:, -1 - j])
        for j in (2, 1, 0)  # 50, 80, 90 %
    ]
    held = np.select(inside, [HELD_50, HELD_80, HELD_90], MISSED)
    return np.where(np.isnan(target), OPEN, held)
