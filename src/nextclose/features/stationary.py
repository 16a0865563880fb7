"""The default family: 41 columns free of price level, volume level and the file's start.

To add one: write a function of `SymbolBars`, add a row to `STATIONARY`. Its look-back is the sum of
its windows, less one per window of values that exist from session 0 on; a test recomputes it.
Sizes are in units of the symbol's own causal volatility `scale`, over n sessions `scale * sqrt(n)`.
A column of ranges or volumes is NaN where the session's own is missing, or more than a quarter of a
window's; what the close alone gives never is.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from nextclose.features import indicators
from nextclose.features.columns import YEAR, Column, FamilyDefinition, SymbolBars
from nextclose.features.indicators import VOLATILITY_FLOOR, log_ratio, log_returns, share
from nextclose.features.rolling import known_mean, rolling_max, rolling_mean
from nextclose.schema import Floats

SCALE = indicators.VOLATILITY_LOOKBACK
CAP = 20.0  # far outside what happens; training caps standardised values again, at 5
VOLUME_LIMIT = 5.0  # ln of a volume ratio: a session without trade stands at 1/150 of the usual
OHLC = ("open", "high", "low")

# Looked up, so that equal days have equal bits wherever they stand in an array.
WEEKDAY_SIN, WEEKDAY_COS = (f(2 * np.pi * np.arange(7) / 7) for f in (np.sin, np.cos))
MONTH_SIN, MONTH_COS = (f(2 * np.pi * np.arange(12) / 12) for f in (np.sin, np.cos))


def scaled_return(bars: SymbolBars, *, span: int) -> Floats:
    """Log return of the last `span` sessions, in volatilities of that span."""
    return log_returns(bars.close, span=span) / (bars.scale * math.sqrt(span))


def downside_share(bars: SymbolBars, *, sessions: int) -> Floats:
    """Falls over all moves, in [0, 1]; 1/2 when nothing moved."""
    falls = rolling_mean(bars.falls, sessions=sessions)
    return share(falls, rolling_mean(bars.moves, sessions=sessions), undecided=0.5)


def gap(bars: SymbolBars) -> Floats:
    """Log return from the previous close to the open, in volatilities."""
    overnight = np.full(len(bars.close), np.nan)
    overnight[1:] = np.log(bars.open[1:] / bars.close[:-1])
    return overnight / bars.scale


def open_to_close(bars: SymbolBars) -> Floats:
    """Log return from open to close, in volatilities."""
    return np.log(bars.close / bars.open) / bars.scale


def scaled_range(bars: SymbolBars) -> Floats:
    """Log of high over low, in volatilities, >= 0."""
    return np.log(bars.high / bars.low) / bars.scale


def range_ratio(bars: SymbolBars, *, sessions: int) -> Floats:
    """ln of the session's log range over its mean, both at least 1e-4."""
    span = np.maximum(np.log(bars.high / bars.low), VOLATILITY_FLOOR)
    return np.log(span / known_mean(span, sessions=sessions))


def close_location(bars: SymbolBars) -> Floats:
    """Where the close lies in the session's range: -1 low, 1 high; 0 without a range."""
    return 2 * share(bars.close - bars.low, bars.high - bars.low, undecided=0.5) - 1


def move_ratio(bars: SymbolBars, *, sessions: int) -> Floats:
    """Mean size of the last returns over that of the last 250, >= 0: Corsi's cascade."""
    return rolling_mean(bars.moves, sessions=sessions) / bars.year_move


def fall_ratio(bars: SymbolBars, *, sessions: int) -> Floats:
    """Mean size of the last falls over the mean size of the last 250 returns, >= 0."""
    return rolling_mean(bars.falls, sessions=sessions) / bars.year_move


def range_volatility_ratio(bars: SymbolBars, *, sessions: int) -> Floats:
    """Mean Garman-Klass volatility over that of the last 250 sessions, > 0."""
    recent = known_mean(bars.range_volatility, sessions=sessions)
    return recent / known_mean(bars.range_volatility, sessions=YEAR)


def log_scale_ratio(bars: SymbolBars) -> Floats:
    """ln of the volatility over the mean size of the last 250 returns."""
    return np.log(bars.scale / bars.year_move)


def log_scale(bars: SymbolBars) -> Floats:
    """ln of the volatility itself: -4 is 1.8 % a session."""
    return np.log(bars.scale)


def mean_distance(bars: SymbolBars, *, sessions: int) -> Floats:
    """ln of the close over its mean, in volatilities of that span."""
    ratio = bars.close / rolling_mean(bars.close, sessions=sessions)
    return np.log(ratio) / (bars.scale * math.sqrt(sessions))


def drawdown(bars: SymbolBars, *, sessions: int) -> Floats:
    """ln of the close over its maximum, in volatilities of that span, <= 0."""
    ratio = bars.close / rolling_max(bars.close, sessions=sessions)
    return np.log(ratio) / (bars.scale * math.sqrt(sessions))


def centred_rsi(bars: SymbolBars) -> Floats:
    """Relative strength of 14 sessions, in [-1, 1]."""
    return 2 * indicators.rsi(bars.close) - 1


def macd(bars: SymbolBars) -> Floats:
    """MACD histogram (12, 26, 9) as a fraction of price, in volatilities."""
    return indicators.macd_histogram(bars.close) / bars.scale


def stochastic_k(bars: SymbolBars) -> Floats:
    """Slow %K (14, 3), in [-1, 1]."""
    return 2 * indicators.stochastic(bars.high, bars.low, bars.close)[0] - 1


def stochastic_d(bars: SymbolBars) -> Floats:
    """Slow %D (14, 3, 3), in [-1, 1]."""
    return 2 * indicators.stochastic(bars.high, bars.low, bars.close)[1] - 1


def bollinger(bars: SymbolBars) -> Floats:
    """Close in its Bollinger band (20, 2): -1 lower, 1 upper; 0 on flat prices."""
    return indicators.z_score(bars.close, sessions=20) / 2


def volume_ratio(bars: SymbolBars, *, sessions: int) -> Floats:
    """ln of volume over its mean, within +-5; 0 where nothing was traded for long."""
    mean = known_mean(bars.volume, sessions=sessions)
    return log_ratio(bars.volume, mean, limit=VOLUME_LIMIT)


def volume_surprise(bars: SymbolBars) -> Floats:
    """Volume in standard deviations from its mean, 66 sessions; 0 where it never varied."""
    return indicators.z_score(bars.volume, sessions=66)


def volume_change(bars: SymbolBars) -> Floats:
    """ln of volume over the previous session's, within +-5; 0 where neither traded."""
    change = np.full(len(bars.volume), np.nan)
    change[1:] = log_ratio(bars.volume[1:], bars.volume[:-1], limit=VOLUME_LIMIT)
    return change


def weekday(bars: SymbolBars, *, wave: Floats) -> Floats:
    """Day of the week on a circle of 7 days, Monday = 0."""
    days = bars.session.astype("datetime64[D]").astype(np.int64)
    return wave[(days + 3) % 7]  # 1970-01-01 was a Thursday


def month(bars: SymbolBars, *, wave: Floats) -> Floats:
    """Month on a circle of 12, January = 0."""
    return wave[bars.session.astype("datetime64[M]").astype(np.int64) % 12]


def log_days_since(bars: SymbolBars) -> Floats:
    """ln of the calendar days since the previous session: 0 overnight, 1.1 over a weekend."""
    days: Floats = np.full(len(bars.session), np.nan)
    days[1:] = np.diff(bars.session).astype("timedelta64[D]").astype(np.int64)
    return np.log(days)


STATIONARY = FamilyDefinition(
    cap=CAP,
    columns=(
        *(
            Column(f"return_{n}", max(SCALE, n), partial(scaled_return, span=n))
            for n in (1, 5, 22, 66, YEAR)
        ),
        Column("downside_share_22", 22, partial(downside_share, sessions=22)),
        Column("gap", SCALE, gap, needs=("open",)),
        Column("open_to_close", SCALE, open_to_close, needs=("open",)),
        Column("range", SCALE, scaled_range, needs=("high", "low")),
        Column("range_ratio_22", 21, partial(range_ratio, sessions=22), needs=("high", "low")),
        Column("close_location", 0, close_location, needs=("high", "low")),
        *(
            Column(f"move_ratio_{n}", max(n, YEAR), partial(move_ratio, sessions=n))
            for n in (1, 5, 22, 66)
        ),
        *(
            Column(f"fall_ratio_{n}", max(n, YEAR), partial(fall_ratio, sessions=n))
            for n in (1, 5, 22)
        ),
        Column("log_scale_ratio", max(SCALE, YEAR), log_scale_ratio),
        Column("log_scale", SCALE, log_scale),
        *(
            Column(
                f"range_volatility_ratio_{n}",
                YEAR - 1,
                partial(range_volatility_ratio, sessions=n),
                needs=OHLC,
            )
            for n in (1, 5, 22, 66)
        ),
        *(
            Column(f"mean_distance_{n}", max(SCALE, n - 1), partial(mean_distance, sessions=n))
            for n in (20, 50, 200)
        ),
        Column("rsi", indicators.RSI_LOOKBACK, centred_rsi),
        Column("macd", max(SCALE, indicators.MACD_LOOKBACK), macd),
        Column("bollinger", 20 - 1, bollinger),
        Column("stochastic_k", 14 + 3 - 2, stochastic_k, needs=("high", "low")),
        Column("stochastic_d", 14 + 3 + 3 - 3, stochastic_d, needs=("high", "low")),
        Column("volume_ratio_22", 21, partial(volume_ratio, sessions=22), needs=("volume",)),
        Column("volume_surprise_66", 66 - 1, volume_surprise, needs=("volume",)),
        Column("volume_change", 1, volume_change, needs=("volume",)),
        Column("drawdown_250", max(SCALE, YEAR - 1), partial(drawdown, sessions=YEAR)),
        Column("weekday_sin", 0, partial(weekday, wave=WEEKDAY_SIN)),
        Column("weekday_cos", 0, partial(weekday, wave=WEEKDAY_COS)),
        Column("month_sin", 0, partial(month, wave=MONTH_SIN)),
        Column("month_cos", 0, partial(month, wave=MONTH_COS)),
        Column("days_since", 1, log_days_since),
    ),
)
