"""What the universal network reads of a session: 25 columns, from a symbol's 60th session on.

Each is a mean or a sum over windows of at most 2,520 sessions, of fewer where a history is shorter
(`history` says how short), so a tail of that length gives the bits of the whole file. Bars without
open, high and low, or where these say nothing, are read all the same: what ranges would say is 0,
and `has_range` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from nextclose.features.columns import LONG_RUN as LONG_RUN
from nextclose.features.columns import YEAR, Column, FamilyDefinition, SymbolBars
from nextclose.features.rolling import recent_mean, rolling_max
from nextclose.schema import Floats

FAMILY = "universal"
WARMUP = 59  # rows before the first forecast: it stands on 60 closes
CAP = 6.0
LEAST = 0.05  # of a size over the scale, before its logarithm is taken
USUAL_SCALE = 0.02
SEASON_SESSIONS = 5  # around the day a quarter, or a year, before the sessions to come


def scaled_return(bars: SymbolBars) -> Floats:
    """Log return of the session, in volatilities."""
    return bars.returns / bars.recent_scale


def log_move(bars: SymbolBars, *, sessions: int) -> Floats:
    """ln of the mean size of the last returns over the volatility."""
    return _log_ratio(bars.recent_move(sessions), bars)


def fall_share(bars: SymbolBars, *, sessions: int) -> Floats:
    """Falls over all moves, less a half: in [-.5, .5]; 0 when nothing moved."""
    falls = recent_mean(bars.falls, sessions=sessions)
    moves = bars.recent_move(sessions)
    part = np.divide(falls, moves, out=np.full(len(falls), 0.5), where=moves > 0)
    return np.where(np.isnan(moves), np.nan, part - 0.5)


def momentum(bars: SymbolBars, *, sessions: int) -> Floats:
    """Sum of the last returns, in volatilities of so many sessions."""
    n_known = np.minimum(np.arange(len(bars.close)), sessions)
    mean = recent_mean(bars.returns, sessions=sessions)
    return mean * np.sqrt(n_known) / bars.recent_scale


def log_range(bars: SymbolBars, *, sessions: int) -> Floats:
    """ln of the mean Garman-Klass volatility over the volatility; 0 where no range is known."""
    mean = recent_mean(bars.known_range_volatility, sessions=sessions)
    return np.where(np.isnan(mean), 0.0, _log_ratio(mean, bars))


def season(bars: SymbolBars, *, lag: int) -> Floats:
    """ln of the largest of five moves, the last of them `lag` sessions ago, over the volatility.

    What a symbol announces every quarter moves it about every 63 sessions. 0 before there was one.
    """
    largest = np.full(len(bars.close), np.nan)
    largest[lag:] = rolling_max(bars.moves, sessions=SEASON_SESSIONS)[: max(len(largest) - lag, 0)]
    return np.where(np.isnan(largest), 0.0, _log_ratio(largest, bars))


def log_scale(bars: SymbolBars) -> Floats:
    """ln of the volatility over 2 % a session."""
    return np.log(bars.recent_scale / USUAL_SCALE)


def history(bars: SymbolBars) -> Floats:
    """ln of the sessions there are over those of the long run, <= 0."""
    n_returns = np.clip(np.arange(len(bars.close)), 1, LONG_RUN)
    return np.asarray(np.log(n_returns / LONG_RUN))


def overnight(bars: SymbolBars) -> Floats:
    """Log return from the last close to the open, in volatilities; 0 without a range."""
    move = np.zeros(len(bars.close))
    is_known = np.isfinite(bars.known_range_volatility[1:])
    if is_known.any():
        gap = np.log(bars.open[1:] / bars.close[:-1])
        move[1:] = np.where(is_known, gap, 0.0)
    return move / bars.recent_scale


def has_range(bars: SymbolBars) -> Floats:
    """1 where the session's open, high and low are known and say something, else 0."""
    return np.isfinite(bars.known_range_volatility).astype(np.float64)


def _log_ratio(size: Floats, bars: SymbolBars) -> Floats:
    return np.asarray(np.log(np.maximum(size / bars.recent_scale, LEAST)))


def _column(name: str, values: Callable[[SymbolBars], Floats]) -> Column:
    return Column(name, WARMUP, partial(_warmed, values))


def _warmed(values: Callable[[SymbolBars], Floats], bars: SymbolBars) -> Floats:
    """The values from the 60th session on, NaN before."""
    return np.where(np.arange(len(bars.close)) < WARMUP, np.nan, values(bars))


UNIVERSAL = FamilyDefinition(
    cap=CAP,
    columns=(
        _column("universal_return", scaled_return),
        *(
            _column(f"log_move_{n}", partial(log_move, sessions=n))
            for n in (1, 5, 22, 66, YEAR, LONG_RUN)
        ),
        *(_column(f"fall_share_{n}", partial(fall_share, sessions=n)) for n in (5, 22, 66)),
        *(_column(f"momentum_{n}", partial(momentum, sessions=n)) for n in (5, 22, YEAR)),
        _column("universal_log_scale", log_scale),
        _column("history", history),
        *(_column(f"log_range_{n}", partial(log_range, sessions=n)) for n in (1, 5, 22, 66)),
        _column("overnight", overnight),
        _column("has_range", has_range),
        *(_column(f"season_{lag}", partial(season, lag=lag)) for lag in (60, 55, 249, 244)),
    ),
)
INPUTS = tuple(column.name for column in UNIVERSAL.columns)
LONG_MOVE = INPUTS.index(f"log_move_{LONG_RUN}")
