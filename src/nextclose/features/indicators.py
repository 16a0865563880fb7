"""Causal indicators of one symbol, each with exactly finite memory (see `rolling`).

Arrays are (session,), oldest first, of validated bars: prices finite and > 0, open and close within
low and high. The value at t reads bars up to t. All are free of the price level: multiplying prices
by a power of two changes no bit. NaN fills the leading rows, and rows whose ranges or volumes are
missing, now or in more than a quarter of a window; nothing else, on flat prices too: where a ratio
can be 0 / 0 the docstring says what is put there.
"""

from __future__ import annotations

import math

import numpy as np

from nextclose.features.rolling import (
    exponential_mean,
    known_mean,
    known_std,
    rolling_max,
    rolling_mean,
    rolling_min,
)
from nextclose.schema import Floats

DECAY = 0.94  # J.P. Morgan/Reuters (1996), RiskMetrics technical document, for daily returns
TERMS = 256  # of an exponential mean; what is cut off weighs 1e-7 at DECAY, 6e-9 at Wilder's 14
VOLATILITY_FLOOR = 1e-4  # log return of one session: 1 bp

MACD_TERMS = 128  # fewer: what its 26-session mean cuts off weighs 5e-5, and warm-up is dear
SIGNAL_TERMS = 64

# What the first 1, 2, ... 255 terms weigh of all that an exponential mean has.
YOUNG_WEIGHTS: Floats = exponential_mean(
    np.repeat([0.0, 1.0], TERMS - 1), alpha=1 - DECAY, terms=TERMS
)[TERMS - 1 :]

# Leading sessions without a value.
VOLATILITY_LOOKBACK = TERMS  # the first return is that of session 1
RSI_LOOKBACK = TERMS
MACD_LOOKBACK = MACD_TERMS + SIGNAL_TERMS - 2


def log_returns(close: Floats, *, span: int = 1) -> Floats:
    """Log return over the last `span` sessions, ln(C_t / C_{t-span}); NaN for the first `span`.

    A logarithm of the ratio, not a difference of logarithms: the latter's rounding knows the price
    level, so a split years later would show in the digits.
    """
    returns = np.full(len(close), np.nan)
    returns[span:] = np.log(close[span:] / close[: max(len(close) - span, 0)])
    return returns


def volatility(close: Floats) -> Floats:
    """Causal scale s_t: volatility of one session's log return, >= 1e-4. Shape (session,).

        s_t = max(sqrt(v_t), 1e-4),  v_t = sum_k 0.94^k r_{t-k}^2 / sum_k 0.94^k,  k = 0 .. 255
    NaN: the first 256 sessions. Causal: uses r_t and nothing later.
    Source: J.P. Morgan/Reuters (1996), RiskMetrics; cut off at 256 returns instead of started once.
    """
    squares = log_returns(close) ** 2
    mean_square = exponential_mean(squares, alpha=1 - DECAY, terms=TERMS)
    return np.maximum(np.sqrt(mean_square), VOLATILITY_FLOOR)


def recent_volatility(close: Floats) -> Floats:
    """`volatility` from the first return on: of the first 256 sessions, over what there is.

    NaN: session 0. From session 256 on the bits of `volatility`.
    """
    squares = np.concatenate([np.zeros(TERMS - 1), log_returns(close)[1:] ** 2])
    mean_square = exponential_mean(squares, alpha=1 - DECAY, terms=TERMS)[TERMS - 1 :]
    n_young = min(TERMS - 1, len(mean_square))
    mean_square[:n_young] /= YOUNG_WEIGHTS[:n_young]
    scale = np.maximum(np.sqrt(mean_square), VOLATILITY_FLOOR)
    return np.concatenate([[np.nan], scale])


def rsi(close: Floats, *, period: int = 14) -> Floats:
    """Relative strength index as a fraction in [0, 1]: Wilder's gains over gains plus losses.

    NaN: the first 256 sessions. 0 / 0 (no price change): 1/2.
    Source: Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib's RSI / 100.
    """
    change = np.full(len(close), np.nan)
    change[1:] = np.diff(close)
    gain = exponential_mean(np.maximum(change, 0.0), alpha=1 / period, terms=TERMS)
    loss = exponential_mean(np.maximum(-change, 0.0), alpha=1 / period, terms=TERMS)
    return share(gain, gain + loss, undecided=0.5)


def macd_histogram(close: Floats, *, terms: int = MACD_TERMS) -> Floats:
    """MACD line (12, 26) less its signal (9), over the close: a fraction of price.

    NaN: the first `terms + 62` sessions.
    Source: Appel (2005), Technical Analysis; TA-Lib's third MACD output over the close.
    """
    fast = exponential_mean(close, alpha=2 / 13, terms=terms)
    slow = exponential_mean(close, alpha=2 / 27, terms=terms)
    line = fast - slow
    return (line - exponential_mean(line, alpha=2 / 10, terms=SIGNAL_TERMS)) / close


def stochastic(
    high: Floats, low: Floats, close: Floats, *, period: int = 14
) -> tuple[Floats, Floats]:
    """Slow stochastic %K and %D as fractions in [0, 1]: where the close lies in the period's range.

    NaN: the first `period + 1` sessions of %K, `period + 3` of %D. 0 / 0 (no range): 1/2.
    Source: Lane (1984), Technical Analysis of Stocks & Commodities 2; TA-Lib's STOCH / 100.
    """
    is_known = np.isfinite(high) & np.isfinite(low)
    if not is_known.all():  # the close alone is known of the range, and bounds it
        high, low = np.where(is_known, high, close), np.where(is_known, low, close)
    lowest = rolling_min(low, sessions=period)
    place = share(close - lowest, rolling_max(high, sessions=period) - lowest, undecided=0.5)
    if not is_known.all():
        place[np.isnan(known_mean(np.where(is_known, 1.0, np.nan), sessions=period))] = np.nan
    slow_k = rolling_mean(place, sessions=3)
    return slow_k, rolling_mean(slow_k, sessions=3)


def z_score(x: Floats, *, sessions: int) -> Floats:
    """Deviations from the mean of the last `sessions` values; 0 / 0 (all equal): 0.

    Halved, at 20 sessions of closes, it is the Bollinger position: -1 lower band, 1 upper band.
    NaN: the first `sessions - 1`. At most sqrt(sessions - 1) in size.
    """
    spread = known_std(x, sessions=sessions)
    return share(x - known_mean(x, sessions=sessions), spread, undecided=0.0)


def garman_klass(open_: Floats, high: Floats, low: Floats, close: Floats) -> Floats:
    """Volatility of one session from its four prices, log return from open to close, >= 1e-4.

        v^2 = max(ln(H/L)^2 / 2 - (2 ln 2 - 1) ln(C/O)^2, 1e-8)
    Limits: blind to the gap before the open.
    Source: Garman & Klass (1980), On the estimation of security price volatilities.
    """
    variance: Floats = (
        0.5 * np.log(high / low) ** 2 - (2 * math.log(2) - 1) * np.log(close / open_) ** 2
    )
    return np.sqrt(np.maximum(variance, VOLATILITY_FLOOR**2))


def share(part: Floats, whole: Floats, *, undecided: float) -> Floats:
    """`part / whole`, and `undecided` where `whole` is 0 (for parts that are then 0 as well)."""
    undivided = np.where(np.isnan(whole), np.nan, undecided)
    return np.divide(part, whole, out=undivided, where=whole != 0)


def log_ratio(part: Floats, whole: Floats, *, limit: float) -> Floats:
    """ln(part / whole) within +-`limit`; 0 where both are 0. For volumes: >= 0, often 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(part / whole)
    ratio[(part == 0) & (whole == 0)] = 0.0
    return np.clip(ratio, -limit, limit)
