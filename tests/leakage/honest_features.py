"""Legitimate features that look like leaks: the harness must accuse none of them.

Each reads one symbol's bars up to a session, of segments of any length. Names as in the zoo.
"""

from collections.abc import Callable

import numpy as np

from nextclose.features.columns import SymbolBars

Values = Callable[[SymbolBars], np.ndarray]


def trailing(x: np.ndarray, sessions: int, of: Callable[[np.ndarray], float]) -> np.ndarray:
    """`of` the last `sessions` values, of fewer at the start."""
    return np.array([of(x[max(t - sessions + 1, 0) : t + 1]) for t in range(len(x))])


def so_far(x: np.ndarray, of: Callable[[np.ndarray], float]) -> np.ndarray:
    """`of` all values from the first of the segment on."""
    return trailing(x, len(x), of)


def moving(x: np.ndarray, span: int) -> np.ndarray:
    """Exponential mean that starts at the first value."""
    out, share = x.copy(), 2 / (span + 1)
    for t in range(1, len(x)):
        out[t] = (1 - share) * out[t - 1] + share * x[t]
    return out


def rank(x: np.ndarray) -> float:
    return float((x <= x[-1]).mean())


def z_score(x: np.ndarray) -> float:
    return float((x[-1] - x.mean()) / (x.std() + 1e-3))


def skew(x: np.ndarray) -> float:
    return float(((x - x.mean()) ** 3).mean() / (x.std() + 1e-3) ** 3)


def kalman_filtered(x: np.ndarray, *, noise: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """Level of a random walk seen through noise, and its variance, each by the past alone."""
    level, variance = x.copy(), np.ones(len(x))
    for t in range(1, len(x)):
        ahead = variance[t - 1] + 1
        gain = ahead / (ahead + noise)
        level[t] = level[t - 1] + gain * (x[t] - level[t - 1])
        variance[t] = (1 - gain) * ahead
    return level, variance


def kalman_smoothed(x: np.ndarray) -> np.ndarray:
    """The same and back again, as every library's `smooth` does: M27."""
    level, variance = kalman_filtered(x)
    for t in range(len(x) - 2, -1, -1):
        back = variance[t] / (variance[t] + 1)
        level[t] += back * (level[t + 1] - level[t])
    return level


def close(bars: SymbolBars) -> np.ndarray:
    return np.log(bars.close)


def returns(bars: SymbolBars) -> np.ndarray:
    return np.diff(close(bars), prepend=close(bars)[0])


def rsi(bars: SymbolBars) -> np.ndarray:
    rises = moving(np.maximum(returns(bars), 0), 27)
    return np.asarray(rises / (moving(np.abs(returns(bars)), 27) + 1e-4))


def true_range(bars: SymbolBars) -> np.ndarray:
    before = np.append(bars.close[0], bars.close[:-1])
    top, bottom = np.fmax(bars.high, before), np.fmin(bars.low, before)
    return np.asarray((top - bottom) / bars.close)


def carried(x: np.ndarray, is_known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last known value and its age in rows; 0 before there is one."""
    last = np.maximum.accumulate(np.where(is_known, np.arange(len(x)), -1))
    return np.where(last >= 0, x[last], 0.0), np.arange(len(x)) - last


def on_holiday_eve(bars: SymbolBars) -> np.ndarray:
    """Whether tomorrow is closed, by a calendar known years ahead; not by the next bar's date."""
    tomorrow = bars.session.astype("datetime64[D]") + 1
    fixed = np.array([str(day)[5:] in ("12-25", "01-01") for day in tomorrow])
    return (fixed | ~np.is_busday(tomorrow)) * 1.0


def days_to_expiry(bars: SymbolBars) -> np.ndarray:
    """Days to the next third Friday, announced for ever; 0 on it."""
    days = bars.session.astype("datetime64[D]")
    months = days.astype("datetime64[M]")[:, None] + np.arange(2)
    thirds = np.busday_offset(months.astype("datetime64[D]"), 2, roll="forward", weekmask="Fri")
    ahead = (thirds - days[:, None]).astype(np.float64)
    return np.asarray(np.where(ahead[:, 0] >= 0, ahead[:, 0], ahead[:, 1]))


def on_balance(bars: SymbolBars) -> np.ndarray:
    return np.cumsum(np.sign(returns(bars)) * bars.volume)


def past_unit(bars: SymbolBars) -> np.ndarray:
    """Pence or pounds by the median of the last 60 closes."""
    return (trailing(bars.close, 60, lambda x: float(np.median(x))) > 45) * 1.0


MORE_HONEST_FEATURES: dict[str, Values] = {
    "simple mean": lambda bars: trailing(close(bars), 20, np.mean),
    "rolling deviation": lambda bars: trailing(returns(bars), 20, np.std),
    "rsi": rsi,
    "macd": lambda bars: moving(close(bars), 12) - moving(close(bars), 26),
    "bollinger": lambda bars: trailing(close(bars), 20, z_score),
    "average true range": lambda bars: moving(true_range(bars), 27),
    "parkinson": lambda bars: trailing(np.log(bars.high / bars.low) ** 2, 10, np.mean),
    "rolling rank": lambda bars: trailing(close(bars), 60, rank),
    "rolling skew": lambda bars: trailing(returns(bars), 60, skew),
    "log ratio": lambda bars: np.log(bars.close / bars.open),
    "expanding z-score": lambda bars: so_far(close(bars), z_score),
    "expanding rank": lambda bars: so_far(close(bars), rank),
    "carried, with its age": lambda bars: np.add(*carried(close(bars), bars.volume > 1e5)),
    "weekday": lambda bars: (bars.session.astype("datetime64[D]").astype(np.int64) + 3) % 7 * 1.0,
    "known holidays ahead": on_holiday_eve,
    "announced event ahead": days_to_expiry,
    "on-balance volume, difference": lambda bars: trailing(
        on_balance(bars), 21, lambda x: float(x[-1] - x[0])
    ),
    "past spike": lambda bars: (np.abs(returns(bars)) > 0.08) * 1.0,
    "halted so far": lambda bars: trailing((bars.volume == 0) * 1.0, 5, np.min),
    "unit by the past": past_unit,
    "kalman filter": lambda bars: kalman_filtered(close(bars))[0],
    "up-volume share": lambda bars: (
        trailing((returns(bars) > 0) * bars.volume, 20, np.sum)
        / (trailing(bars.volume, 20, np.sum) + 1)
    ),
}
