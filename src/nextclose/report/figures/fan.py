"""The forecast fan of one symbol: ranges that widen with the square root of time, and prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nextclose.errors import NotEnoughDataError
from nextclose.formatting import significant
from nextclose.report.figures.axes import set_session_ticks
from nextclose.report.figures.drawing import (
    DASHED,
    STYLE,
    Drawing,
    empty_figure,
    legend_columns,
    legend_entries,
    shown,
    wrapped,
    write_axis_title,
)
from nextclose.report.figures.palette import Inks, palette_for
from nextclose.schema import PRICE_COLUMNS, Bools, Dates, Floats

RANGES = (("q0.050", "q0.950"), ("q0.100", "q0.900"), ("q0.250", "q0.750"))  # 90, 80, 50 %
N_BEFORE = 120  # sessions up to the origin in `fan_figure`
N_BEFORE_STILL = 40  # and in the still pictures of the report, a third as wide


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    """What was forecast at one origin, and the prices around it.

    `bars` ends at the longest horizon or with the last bar; `sessions` goes on to the longest
    horizon, with weekdays where the exchange's sessions are not known yet. `origin` is a row.
    """

    bars: pl.DataFrame
    forecasts: pl.DataFrame  # one a horizon, rising
    sessions: Dates
    origin: int


def fan_weights(horizons: tuple[int, ...]) -> Floats:
    """Weight of each horizon's quantile at each session of the fan. Shape (session, horizon).

    Between two horizons, and from the origin (session 0, log return 0) to the first, a quantile of
    the log return runs in a straight line over the square root of time: as a diffusion spreads.
    Expects: horizons in sessions, rising, >= 1. Rows of sessions up to a horizon do not depend on
        the horizons after it.
    """
    knots = np.sqrt([0, *horizons])
    times = np.sqrt(np.arange(horizons[-1] + 1))
    at_knots = np.eye(len(knots))  # (knot, knot)
    weights = [np.interp(times, knots, column) for column in at_knots]
    return np.column_stack(weights[1:])  # of the origin's 0 no weight is needed


def fan_figure(
    bars: pl.DataFrame,
    forecasts: pl.DataFrame,
    *,
    symbol: str,
    origin: date | None = None,
    dark: bool = False,
) -> Figure:
    """Prices of one symbol and the 50, 80 and 90% ranges issued at one origin; None = the newest.

    Expects: `bars` with symbol, session and close, with candles where open, high and low are known;
    `forecasts` in `FORECAST_SCHEMA`, of one model.
    Raises: NotEnoughDataError if the symbol has no forecast or no bar at that origin.
    """
    rows = forecasts.filter(pl.col("symbol") == symbol)
    day = pl.lit(rows["origin"].max() if origin is None else origin, dtype=pl.Date)
    rows = rows.filter(pl.col("origin") == day)
    known = bars.filter((pl.col("symbol") == symbol) & (pl.col("session") == day))
    if rows.is_empty() or known.is_empty():
        what = "forecast" if rows.is_empty() else "bar"
        raise NotEnoughDataError(
            f"{shown(symbol)} has no {what}{f' at {origin}' if origin else ''}: there is no fan "
            "to draw. Fix: choose a symbol and an origin that both bars and forecasts have.",
            needed=1,
            found=0,
        )
    fan = fan_at_origin(bars, rows, n_before=N_BEFORE)
    model = str(rows["model"][0])
    palette = palette_for((model,) if model == "naive" else (model, "naive"))
    with mpl.rc_context(cast(Any, STYLE)):
        return _large_figure(fan, model, palette.dark() if dark else palette.light())


def range_fan(bars: pl.DataFrame, forecasts: pl.DataFrame, *, model: str) -> Drawing:
    """The fan of one origin as a still picture: closes, ranges, median, no change, misses.

    Expects: bars of one symbol, oldest first, one of them at the origin; one forecast per horizon.
    """
    fan = fan_at_origin(bars, forecasts, n_before=N_BEFORE_STILL)

    def draw(inks: Inks) -> Figure:
        figure, (panel,) = empty_figure(inks, row_inches=2.4)
        _draw_fan(panel, fan, model, inks, label=model)
        _draw_closes(panel, fan, inks)
        _draw_outcomes(panel, fan, inks)
        write_axis_title(panel, "Price", inks)
        set_session_ticks(panel, fan.sessions)
        return figure

    return draw


def fan_at_origin(bars: pl.DataFrame, forecasts: pl.DataFrame, *, n_before: int) -> Fan:
    """The forecasts of one symbol and origin with the bars around it, `n_before` up to the origin.

    Expects: a bar at the origin; at least one forecast.
    """
    forecasts = forecasts.sort("horizon_sessions")
    bars = bars.filter(pl.col("symbol") == forecasts["symbol"][0]).sort("session")
    longest = int(forecasts["horizon_sessions"][-1])
    at = int(bars["session"].search_sorted(forecasts["origin"][0]))
    first = max(at + 1 - n_before, 0)
    bars = bars.slice(first, at + longest + 1 - first)
    days = bars["session"].to_numpy().astype("M8[D]")
    n_missing = at - first + longest + 1 - len(days)
    later = np.busday_offset(days[-1], np.arange(1, n_missing + 1), roll="backward")
    return Fan(
        bars=bars,
        forecasts=forecasts,
        sessions=np.concatenate([days, later]),
        origin=at - first,
    )


def _draw_fan(panel: Axes, fan: Fan, model: str, inks: Inks, *, label: str) -> None:
    """Shaded ranges, the median, and the line of no change."""
    start = float(fan.bars["close"][fan.origin])
    horizons = tuple(fan.forecasts["horizon_sessions"].to_list())
    weights = fan_weights(horizons)  # (session, horizon)
    x = fan.origin + np.arange(len(weights))

    def path(column: str) -> Floats:
        return np.asarray(start * np.exp(weights @ fan.forecasts[column].to_numpy()))

    colour = inks.models[model]
    for low, high in RANGES:
        panel.fill_between(x, path(low), path(high), color=colour, alpha=0.17, linewidth=0)
    panel.plot(x, path("q0.500"), color=colour, label=label)
    soft = inks.models.get("naive", inks.roles["ink-3"])
    panel.plot(x[[0, -1]], [start, start], color=soft, linestyle=DASHED, label="no change")


def _draw_closes(panel: Axes, fan: Fan, inks: Inks) -> None:
    x = np.arange(len(fan.bars))
    panel.plot(x, fan.bars["close"], color=inks.roles["ink"], linewidth=1.0, label="close")


def _draw_candles(panel: Axes, fan: Fan, inks: Inks) -> None:
    """Hollow where the price rose from open to close, filled where it fell."""
    known = fan.bars.select(PRICE_COLUMNS).with_columns(pl.all().fill_null(pl.col("close")))
    opened, high, low, close = (known[name].to_numpy() for name in PRICE_COLUMNS)
    x, top, bottom = np.arange(len(close)), np.maximum(opened, close), np.minimum(opened, close)
    for role, rows in (("rise", close >= opened), ("fall", close < opened)):
        colour = inks.roles[role]
        panel.vlines(x[rows], top[rows], high[rows], color=colour, linewidth=0.7, zorder=3)
        panel.vlines(x[rows], low[rows], bottom[rows], color=colour, linewidth=0.7, zorder=3)
        panel.bar(
            x[rows],
            (top - bottom)[rows],
            bottom=bottom[rows],
            width=0.62,
            facecolor="none" if role == "rise" else colour,
            edgecolor=colour,
            linewidth=0.7,
            zorder=3,
            label="up day" if role == "rise" else "down day",
        )


def _draw_outcomes(panel: Axes, fan: Fan, inks: Inks) -> None:
    """The close that each range spoke of: a dot, or a red cross where it fell outside 90%."""
    x, price, missed = outcomes(fan)
    for label, rows, marker, role in (
        ("inside 90%", ~missed, "o", "ink"),
        ("outside 90%", missed, "X", "bad"),
    ):
        if rows.any():
            panel.plot(
                *(x[rows], price[rows], marker),
                color=inks.roles[role],
                markeredgecolor=inks.roles["ground"],
                markersize=6.5 if role == "bad" else 4.5,
                markeredgewidth=0.6,
                zorder=5,
                label=label,
            )


def outcomes(fan: Fan) -> tuple[Floats, Floats, Bools]:
    """Row, close, and whether it missed the 90% range, of each horizon that has been answered."""
    rows = fan.origin + fan.forecasts["horizon_sessions"].to_numpy()
    known = rows < len(fan.bars)
    rows, answered = rows[known], fan.forecasts.filter(pl.Series(known))
    price = fan.bars["close"].to_numpy()[rows]
    moved = np.log(price / float(fan.bars["close"][fan.origin]))
    low, high = (answered[column].to_numpy() for column in RANGES[0])
    return rows, price, (moved < low) | (moved > high)


def _large_figure(fan: Fan, model: str, inks: Inks) -> Figure:
    """The figure of `fan_figure`: title, legend and axes in one picture."""
    ink = inks.roles["ink"]
    figure = Figure(figsize=(7.4, 4.4), facecolor=inks.roles["ground"])
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.08)
    panel = figure.subplots()
    panel.set_facecolor("none")
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.spines["bottom"].set_color(inks.roles["rule"])
    panel.tick_params(colors=inks.roles["ink-3"], labelsize=9, length=0, pad=5)
    panel.grid(axis="y", color=inks.roles["rule"], linewidth=0.6)
    panel.set_axisbelow(True)
    panel.margins(x=0.01)
    _draw_fan(panel, fan, model, inks, label="median")
    candles = set(PRICE_COLUMNS) <= set(fan.bars.columns) and fan.bars["open"].count()
    (_draw_candles if candles else _draw_closes)(panel, fan, inks)
    _draw_outcomes(panel, fan, inks)
    panel.axvline(fan.origin, color=inks.roles["ink-3"], linewidth=0.8, linestyle=(0, (1, 2)))
    set_session_ticks(panel, fan.sessions)
    figure.suptitle(_title(fan, model), x=0.018, ha="left", fontsize=11, color=ink)
    legend = dict(legend_entries(figure))
    figure.legend(
        legend.values(),
        legend.keys(),
        loc="outside lower left",
        ncols=legend_columns(list(legend), width=105),
        frameon=False,
        fontsize=8.5,
        labelcolor=inks.roles["ink-2"],
        handlelength=1.2,
        columnspacing=1.4,
    )
    return figure


def _title(fan: Fan, model: str) -> str:
    symbol, close = fan.forecasts["symbol"][0], float(fan.bars["close"][fan.origin])
    newest = "last " if fan.origin == len(fan.bars) - 1 else ""
    day, price = fan.sessions[fan.origin], significant(close, digits=5)
    lines = (f"{symbol}, {newest}close {price} on {day}", f"50, 80 and 90% ranges of {model}")
    return "\n".join(wrapped(line, width=72) for line in lines)
