"""Forecasts without training: the universal network alone, from a symbol's own bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from nextclose.backtesting.forecasts import forecast_frame, log_quantiles
from nextclose.config import RunConfig, with_sections
from nextclose.data.calendars.exchanges import exchanges_of
from nextclose.data.segments import latest_segments, with_short_symbols
from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.features.table import make_table
from nextclose.features.universal import FAMILY, WARMUP
from nextclose.models.editions import newest_edition
from nextclose.models.lstm.editions import Edition, shipped_editions
from nextclose.models.lstm.lstm import LONGEST, REACH_SESSIONS, FittedLstm
from nextclose.samples.samples import make_samples
from nextclose.schema import FORECAST_SCHEMA, HORIZONS, Bars
from nextclose.serving.latest_bars import latest_rows, refuse_incomplete, with_resolved

NAME = "lstm"
LEAST_SESSIONS = WARMUP + 1


def zero_shot_forecasts(
    bars: Bars,
    *,
    horizons: Sequence[int] = HORIZONS,
    editions: Sequence[Edition] | None = None,
) -> pl.DataFrame:
    """Forecasts from the newest bar of each symbol, in `FORECAST_SCHEMA`; targets are null.

    By the newest of the editions, those that are shipped by default, that ends before that bar.
    A symbol with fewer than 60 sessions in its latest segment gets none, nor does one whose bars
    end before the first edition (`reasons_unforecast`).
    Raises: ConfigError for horizons beyond 63 sessions, or news; DataError if a newest bar is
        incomplete; NotEnoughDataError if no symbol has 60 sessions, or all end too early.
    """
    _refuse_horizons(horizons)
    _refuse_news(bars)
    refuse_incomplete(bars)
    latest = latest_segments(bars.frame)
    with_short_symbols(replace(bars, frame=latest), needed=LEAST_SESSIONS)
    choice = shipped_editions() if editions is None else editions
    # more rows change nothing
    last = latest.group_by("symbol", maintain_order=True).tail(REACH_SESSIONS)
    own = replace(bars, frame=last)
    samples = make_samples(make_table(own, families=(FAMILY,)), horizons=tuple(horizons))
    rows = latest_rows(samples)
    rows = rows[samples.ready(FAMILY)[rows]]
    frames = [pl.DataFrame(schema=FORECAST_SCHEMA)]
    days = samples.origin[rows]
    usable = {day: newest_edition(choice, before=day) for day in np.unique(days)}
    for edition in choice:
        own_rows = rows[[usable[day] is edition for day in days]]
        if not len(own_rows):
            continue
        fitted = FittedLstm(edition=edition.until, networks=(edition.network,))
        grid, _ = log_quantiles(fitted, samples, own_rows)
        frames.append(forecast_frame(samples, own_rows, grid, model=NAME, fold=0))
    forecasts = pl.concat(frames)
    if forecasts.is_empty():
        raise NotEnoughDataError(
            f"all bars end by {days.max()}, and the network has been taught with prices up to "
            f"{_first_day(choice)}: it would know what came after. Fix: give later bars.",
            needed=1,
            found=0,
        )
    exchanges = bars.exchanges or exchanges_of(bars.symbols, calendar=None)
    return with_resolved(forecasts, exchanges).sort("symbol", "horizon_sessions")


def reasons_unforecast(
    bars: Bars, forecasts: pl.DataFrame, editions: Sequence[Edition] | None = None
) -> dict[str, str]:
    """Why symbols of `bars` are not among the forecasts made of them: symbol -> reason."""
    choice = shipped_editions() if editions is None else editions
    without = latest_segments(bars.frame).filter(
        ~pl.col("symbol").is_in(forecasts["symbol"].unique().to_list())
    )
    ends = without.group_by("symbol", maintain_order=True).agg(pl.len(), pl.col("session").max())
    return {
        symbol: f"{n} bars, {LEAST_SESSIONS} needed"
        if n < LEAST_SESSIONS
        else f"its bars end {last}, the network was taught up to {_first_day(choice)}"
        for symbol, n, last in ends.iter_rows()
    }


def _first_day(editions: Sequence[Edition]) -> str:
    return min(edition.until for edition in editions)


def edition_words(forecasts: pl.DataFrame, editions: Sequence[Edition] | None = None) -> str:
    """Which network forecast, in words."""
    choice = shipped_editions() if editions is None else editions
    days = [np.datetime64(day, "D") for day in sorted(forecasts["origin"].unique())]
    used = [newest_edition(choice, before=day) for day in days]
    untils = " and ".join(dict.fromkeys(edition.until for edition in used if edition is not None))
    return (
        f"by the universal network alone ({NAME}), which has never seen these prices: taught "
        f"beforehand with other stocks up to {untils} and with simulated markets. Its medians hold "
        "an average reward for risk and are no call on direction; how good its ranges are on your "
        "prices: nextclose backtest PRICES --models lstm,loghar"
    )


def _refuse_horizons(horizons: Sequence[int]) -> None:
    with_sections(RunConfig(), backtest={"horizons": tuple(horizons)})  # refuses what are none
    if max(horizons) > LONGEST:
        raise ConfigError(
            f"{max(horizons)} sessions ahead: without training, 1 to {LONGEST} can be forecast. "
            "Fix: choose among these, or train a bundle for longer ones.",
            section="backtest",
            key="horizons",
        )


def _refuse_news(bars: Bars) -> None:
    if bars.news is not None:
        raise ConfigError(
            "news are given, and the universal network reads none. "
            "Fix: leave them out, or train a bundle with them.",
            section="news",
        )
