"""The tutorial's 41 columns: prices, moving averages and oscillators, computed by TA-Lib.

Kept to reproduce what such a model reads; a poor choice otherwise. Most are price levels, the
recursive ones (EMA, RSI, MACD, ATR) fade only slowly, and OBV and the A/D line never forget their
first bar: two files that start on different days give different columns. Every value at t still
reads bars up to t only. Fractions are fractions; RSI and the stochastics run from 0 to 100.
TA-Lib loads pandas, half a second: it is imported where it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from nextclose.features.columns import Column, FamilyDefinition, SymbolBars
from nextclose.features.indicators import share
from nextclose.libraries import require
from nextclose.schema import PRICE_COLUMNS, Floats


def price_change(bars: SymbolBars, *, span: int) -> Floats:
    """Simple return over `span` sessions."""
    import talib

    return talib.ROCP(bars.close, span)


def high_low_spread(bars: SymbolBars) -> Floats:
    """High less low, over the close."""
    return (bars.high - bars.low) / bars.close


def open_close_spread(bars: SymbolBars) -> Floats:
    """Close less open, over the open."""
    return (bars.close - bars.open) / bars.open


def sma(bars: SymbolBars, *, period: int) -> Floats:
    """Mean of the last closes, in price units."""
    import talib

    return talib.SMA(bars.close, period)


def ema(bars: SymbolBars, *, period: int) -> Floats:
    """Recursive exponential mean of the closes, in price units."""
    import talib

    return talib.EMA(bars.close, period)


def sma_distance(bars: SymbolBars, *, period: int) -> Floats:
    """Close less its mean, over that mean."""
    mean = sma(bars, period=period)
    return (bars.close - mean) / mean


def rsi(bars: SymbolBars) -> Floats:
    """Wilder's RSI of 14 sessions, 0 to 100; TA-Lib says 0 on flat prices."""
    import talib

    return talib.RSI(bars.close, 14)


def macd(bars: SymbolBars, *, output: int) -> Floats:
    """MACD (12, 26, 9) in price units: line, signal or histogram."""
    import talib

    return talib.MACD(bars.close, 12, 26, 9)[output]


def stochastic(bars: SymbolBars, *, output: int) -> Floats:
    """Slow stochastic (14, 3, 3), 0 to 100: %K or %D; TA-Lib says 0 without a range."""
    import talib

    return talib.STOCH(
        bars.high, bars.low, bars.close, fastk_period=14, slowk_period=3, slowd_period=3
    )[output]


def roc(bars: SymbolBars) -> Floats:
    """Rate of change over 10 sessions, in per cent."""
    import talib

    return talib.ROC(bars.close, 10)


def cci(bars: SymbolBars) -> Floats:
    """Commodity channel index of 14 sessions; TA-Lib says 0 on flat prices."""
    import talib

    return talib.CCI(bars.high, bars.low, bars.close, 14)


def bollinger(bars: SymbolBars, *, output: int) -> Floats:
    """Bollinger band (20, 2) in price units: upper, middle or lower."""
    return _bands(bars)[output]


def bollinger_width(bars: SymbolBars) -> Floats:
    """Upper less lower band, over the middle."""
    upper, middle, lower = _bands(bars)
    return (upper - lower) / middle


def bollinger_position(bars: SymbolBars) -> Floats:
    """Close in the band: 0 lower, 1 upper; 1/2 when the band has no width."""
    upper, _, lower = _bands(bars)
    return share(bars.close - lower, upper - lower, undecided=0.5)


def atr(bars: SymbolBars) -> Floats:
    """Wilder's average true range of 14 sessions, in price units."""
    import talib

    return talib.ATR(bars.high, bars.low, bars.close, 14)


def return_volatility(bars: SymbolBars) -> Floats:
    """Population standard deviation of the last 20 simple returns of one session."""
    import talib

    return talib.STDDEV(talib.ROCP(bars.close, 1), 20)


def volume_sma(bars: SymbolBars) -> Floats:
    """Mean volume of 20 sessions."""
    import talib

    return talib.SMA(bars.volume, 20)


def volume_ratio(bars: SymbolBars) -> Floats:
    """Volume over its mean of 20 sessions; 1 where nothing was traded."""
    return share(bars.volume, volume_sma(bars), undecided=1.0)


def obv(bars: SymbolBars) -> Floats:
    """On-balance volume since the first bar."""
    import talib

    return talib.OBV(bars.close, bars.volume)


def accumulation(bars: SymbolBars) -> Floats:
    """Accumulation/distribution line since the first bar."""
    import talib

    return talib.AD(bars.high, bars.low, bars.close, bars.volume)


def bar_column(bars: SymbolBars, *, name: str) -> Floats:
    """A column of the bars as it is."""
    return bars.columns[name]


def _bands(bars: SymbolBars) -> tuple[Floats, Floats, Floats]:
    import talib

    return talib.BBANDS(bars.close, timeperiod=20, nbdevup=2.0, nbdevdn=2.0)


def on_whole_bars(bars: SymbolBars, *, values: Callable[[SymbolBars], Floats]) -> Floats:
    """A column of bars without holes: the recursive ones would never forget a NaN.

    Raises: LibraryError without TA-Lib.
    """
    require("talib", needed_by="a column of the tutorial")
    return values(bars.whole)


CHANGE = partial(price_change, span=1)
BARS_NEEDED = ("open", "high", "low", "volume")
# The tutorial names 39 columns, counts the price change once more without a name, and feeds 41:
# the distance from the longest mean stands in for the one that it never names.
ROWS: tuple[tuple[str, int, Callable[[SymbolBars], Floats]], ...] = (
    *((name, 0, partial(bar_column, name=name)) for name in (*PRICE_COLUMNS, "volume")),
    ("price_change", 1, CHANGE),
    ("price_change_1", 1, CHANGE),
    *((f"price_change_{n}", n, partial(price_change, span=n)) for n in (7, 30)),
    ("high_low_spread", 0, high_low_spread),
    ("open_close_spread", 0, open_close_spread),
    *((f"sma_{n}", n - 1, partial(sma, period=n)) for n in (5, 10, 20, 50, 200)),
    *((f"ema_{n}", n - 1, partial(ema, period=n)) for n in (12, 26, 50)),
    *((f"sma_distance_{n}", n - 1, partial(sma_distance, period=n)) for n in (20, 50, 200)),
    ("rsi_14", 14, rsi),
    ("macd_line", 26 + 9 - 2, partial(macd, output=0)),
    ("macd_signal", 26 + 9 - 2, partial(macd, output=1)),
    ("macd_histogram", 26 + 9 - 2, partial(macd, output=2)),
    ("stochastic_k_14", 14 + 3 + 3 - 3, partial(stochastic, output=0)),
    ("stochastic_d_14", 14 + 3 + 3 - 3, partial(stochastic, output=1)),
    ("roc_10", 10, roc),
    ("cci_14", 14 - 1, cci),
    ("bollinger_upper", 20 - 1, partial(bollinger, output=0)),
    ("bollinger_middle", 20 - 1, partial(bollinger, output=1)),
    ("bollinger_lower", 20 - 1, partial(bollinger, output=2)),
    ("bollinger_width", 20 - 1, bollinger_width),
    ("bollinger_position", 20 - 1, bollinger_position),
    ("atr_14", 14, atr),
    ("return_volatility_20", 20, return_volatility),
    ("volume_sma_20", 20 - 1, volume_sma),
    ("volume_ratio_20", 20 - 1, volume_ratio),
    ("obv", 0, obv),
    ("accumulation_distribution", 0, accumulation),
)
# The family is all or nothing: its networks are built for 41 inputs.
CLASSIC = FamilyDefinition(
    cap=np.inf,
    columns=tuple(
        Column(name, lookback, partial(on_whole_bars, values=values), needs=BARS_NEEDED)
        for name, lookback, values in ROWS
    ),
)
