"""Leaks that others have shipped, and honest code that looks like them. M-numbers are permanent."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from nextclose.features.columns import SymbolBars
from nextclose.samples.samples import Samples
from tests.leakage.honest_features import MORE_HONEST_FEATURES, kalman_smoothed
from tests.leakage.worlds import PRICES

Frame = pl.DataFrame
Values = Callable[[SymbolBars], np.ndarray]
CLOSE = pl.col("close")


def each(expression: pl.Expr, name: str = "close") -> Callable[[Frame], Frame]:
    """A column computed within each symbol, oldest first."""
    return lambda frame: frame.sort("symbol", "date", maintain_order=True).with_columns(
        expression.over("symbol").alias(name)
    )


def scaled(factor: pl.Expr) -> Callable[[Frame], Frame]:
    """All prices times a factor computed within each symbol."""
    return lambda frame: frame.sort("symbol", "date", maintain_order=True).with_columns(
        pl.col(PRICES) * factor.over("symbol")
    )


def keep(condition: pl.Expr) -> Callable[[Frame], Frame]:
    """The rows that meet a condition computed within each symbol."""
    return lambda frame: frame.sort("symbol", "date", maintain_order=True).filter(
        condition.over("symbol")
    )


def after_the_last_long_gap(frame: Frame) -> Frame:
    is_long = pl.col("date").diff() > pl.duration(days=7)
    return keep(is_long.fill_null(value=False).reverse().cum_sum().reverse() == 0)(frame)


def ending_with_the_file(frame: Frame) -> Frame:
    last = frame["date"].max()
    return frame.filter(pl.col("date").max().over("symbol") >= last)


def most_traded(frame: Frame) -> Frame:
    means = frame.group_by("symbol").agg(pl.col("volume").mean()).sort("volume")
    return frame.filter(pl.col("symbol").is_in(means["symbol"].tail(2).to_list()))


def realigned(frame: Frame) -> Frame:
    """Whole bars moved towards the end; closes alone would lie outside their ranges."""
    order = CLOSE.is_not_null()
    return frame.sort("symbol", "date", maintain_order=True).with_columns(
        pl.col(PRICES).sort_by(order, maintain_order=True).over("symbol")
    )


NEXT_TRADED = pl.when(pl.col("volume") > 0).then(CLOSE).fill_null(strategy="backward")
FIRST = CLOSE.drop_nulls().first()
IS_SPIKE = ((CLOSE / CLOSE.shift()).log().abs() > 0.02) & (
    (CLOSE.shift(-1) / CLOSE.shift()).log().abs() < 0.01
)
IS_PAST_SPIKE = (CLOSE / CLOSE.shift()).log().abs() > 0.08
LOADERS: dict[str, Callable[[Frame], Frame]] = {
    "M01 backfilled": each(CLOSE.fill_null(strategy="backward")),
    "M02 interpolated": each(CLOSE.interpolate()),
    "M03 next traded close": each(NEXT_TRADED),
    "M04 unit switched": scaled(pl.when(CLOSE.max() > 4 * FIRST).then(0.01).otherwise(1.0)),
    "M05 factor from the median": scaled(1 / CLOSE.median()),
    "M06 outliers dropped": keep(CLOSE.fill_null(0) <= CLOSE.quantile(0.99)),
    "M07 spike that came back": keep(~IS_SPIKE.fill_null(value=False)),
    "M09 median volume": each(pl.col("volume").fill_null(pl.col("volume").median()), "volume"),
    "M10 after the last long gap": after_the_last_long_gap,
    "M11 survivors": ending_with_the_file,
    "M12 most traded": most_traded,
    "M14 realigned from the end": realigned,
    "M16 over the last close": scaled(1 / CLOSE.drop_nulls().last()),
}
HONEST_LOADERS: dict[str, Callable[[Frame], Frame]] = {
    "filled forward": each(CLOSE.forward_fill(3)),
    "spike by its past": keep(~IS_PAST_SPIKE.fill_null(value=False)),
    "over the first close": scaled(1 / FIRST),
}


def close(bars: SymbolBars) -> np.ndarray:
    return np.log(bars.close)


def smoothed(x: np.ndarray, decay: float = 0.8) -> np.ndarray:
    """A recursive mean from the first value on."""
    out = x.copy()
    for t in range(1, len(x)):
        out[t] = decay * out[t - 1] + (1 - decay) * x[t]
    return out


def shifted(x: np.ndarray, rows: int) -> np.ndarray:
    """The value `rows` later (or earlier, if negative); 0 outside."""
    out = np.zeros_like(x)
    if rows > 0:
        out[:-rows] = x[rows:]
    else:
        out[-rows:] = x[:rows]
    return out


def low_passed(x: np.ndarray) -> np.ndarray:
    spectrum = np.fft.rfft(x)
    spectrum[20:] = 0
    return np.asarray(np.fft.irfft(spectrum, len(x)))


def week_of(bars: SymbolBars) -> np.ndarray:
    return np.asarray((bars.session.astype("datetime64[D]").astype(np.int64) + 3) // 7)


def month_of(bars: SymbolBars) -> np.ndarray:
    return np.asarray(bars.session.astype("datetime64[M]").astype(np.int64))


def last_of_group(x: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The last value of each row's group."""
    last = np.append(np.flatnonzero(np.diff(group)), len(x) - 1)
    return np.asarray(x[last[np.searchsorted(last, np.arange(len(x)))]])


def group_mean(x: np.ndarray, group: np.ndarray) -> np.ndarray:
    _, place = np.unique(group, return_inverse=True)
    return np.asarray((np.bincount(place, x) / np.bincount(place))[place])


def best_lag(x: np.ndarray) -> np.ndarray:
    moves = np.diff(x, prepend=x[0])
    lag = 1 + int(np.argmax([np.abs((moves[k:] * moves[:-k]).mean()) for k in range(1, 9)]))
    return shifted(moves, -lag)


def percentile_rank(x: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(x)) / len(x)


def expanding_mean(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.cumsum(x) / np.arange(1, len(x) + 1))


def normalised_with(x: np.ndarray, *, ahead: int) -> np.ndarray:
    """The last value of each window of 60, over mean and spread of the window and what follows."""
    parts = [x[max(t - 59, 0) : t + 1 + ahead] for t in range(len(x))]
    return np.array([(x[t] - part.mean()) / (part.std() + 1e-3) for t, part in enumerate(parts)])


def left_in_the_frame(x: np.ndarray) -> np.ndarray:
    """`df["target"] = df.close.shift(-7).ffill()`, then `df.drop(columns="date")` as inputs."""
    return np.append(x[7:], np.repeat(x[-1], 7))


def long_enough(values: Values) -> Values:
    """The values; 0 in segments of less than 20 sessions, which no smoother can smooth."""
    return lambda bars: values(bars) if len(bars.close) >= 20 else np.zeros(len(bars.close))


LEAKY_FEATURES: dict[str, Values] = {
    "M18 next close": lambda bars: shifted(close(bars), 1),
    "M19 target": lambda bars: shifted(close(bars), 30),
    "M20 centred mean": lambda bars: np.convolve(close(bars), np.ones(5) / 5, mode="same"),
    "M21 pivot": lambda bars: (close(bars) > shifted(close(bars), 1)) * 1.0,
    "M22 weekly close": lambda bars: last_of_group(close(bars), week_of(bars)),
    "M23 month mean": lambda bars: group_mean(close(bars), month_of(bars)),
    "M24 trend line": lambda bars: np.polyval(
        np.polyfit(np.linspace(0, 1, len(bars.close)), close(bars), 1),
        np.linspace(0, 1, len(bars.close)),
    ),
    "M25 low-pass": lambda bars: low_passed(close(bars)),
    "M26 forward-backward": lambda bars: smoothed(smoothed(close(bars))[::-1])[::-1],
    "M27 kalman smoother": lambda bars: kalman_smoothed(close(bars)),
    "M28 days to next bar": lambda bars: np.append(np.diff(bars.session).astype(np.float64), 0.0),
    "M29 chosen lag": lambda bars: best_lag(close(bars)),
    "M30 volatility to t+1": lambda bars: shifted(bars.scale, 1),
    "M31 min-max": lambda bars: (close(bars) - close(bars).min()) / (np.ptp(close(bars)) + 1),
    "M32 z-score": lambda bars: close(bars) - close(bars).mean(),
    "M33 all-time high": lambda bars: close(bars) - close(bars).max(),
    "M34 rank": lambda bars: percentile_rank(bars.close),
    "M35 clipped": lambda bars: np.minimum(close(bars), np.quantile(close(bars), 0.5)),
    "M36 filled with the median": lambda bars: np.where(
        bars.volume > 5e4, close(bars), np.median(close(bars))
    ),
    "M37 window normalised with its horizon": lambda bars: normalised_with(close(bars), ahead=7),
    "M69 the target column among the inputs": lambda bars: left_in_the_frame(close(bars)),
}
LEAKY_FEATURES = {name: long_enough(values) for name, values in LEAKY_FEATURES.items()}
HONEST_FEATURES: dict[str, Values] = {
    "expanding mean": lambda bars: close(bars) - expanding_mean(close(bars)),
    "drawdown": lambda bars: close(bars) - np.maximum.accumulate(close(bars)),
    "recursive mean": lambda bars: smoothed(close(bars)),
    "trailing mean": lambda bars: np.convolve(close(bars), np.ones(5) / 5)[: len(bars.close)],
    "resolved target": lambda bars: close(bars) - shifted(close(bars), -30),
    "last finished week": lambda bars: last_of_group(close(bars), week_of(bars))[
        np.maximum(np.searchsorted(week_of(bars), week_of(bars)) - 1, 0)
    ],
    "days since": lambda bars: np.append(0.0, np.diff(bars.session).astype(np.float64)),
    "month": lambda bars: month_of(bars) * 1.0,
    "past clip": lambda bars: np.minimum(
        close(bars), np.append(close(bars)[0], np.maximum.accumulate(close(bars))[:-1])
    ),
    "bars so far": lambda bars: np.arange(len(bars.close)) * 1.0,
    "on-balance volume": lambda bars: np.cumsum(
        np.sign(np.diff(bars.close, prepend=bars.close[0])) * bars.volume
    ),
    "window normalised by itself": lambda bars: normalised_with(close(bars), ahead=0),
    **MORE_HONEST_FEATURES,
}


def resolved_a_session_early(samples: Samples) -> Samples:
    """M56: every outcome counts as known after the close before the one that fixes it."""
    row, k = np.nonzero(~np.isnat(samples.resolved))
    ahead = np.asarray(samples.horizons)[k]
    resolved = samples.resolved.copy()
    resolved[row, k] = samples.origin[row + ahead - 1]
    return replace(samples, resolved=resolved)
