"""Price files for the leak tests, and the futures that are put in place of what followed a date.

And returns whose true law is known: walks, and a GARCH process with its own forecasts. And samples
that know what they must not, or have learnt what is not so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
from scipy.special import stdtrit

from nextclose.samples.samples import Samples
from nextclose.schema import LEVELS, Floats

PRICES = ("open", "high", "low", "close", "adj_close")
N_ROWS = 490  # 257 of warm-up, a first fold at 400, three folds
FAULTS = {405: 0.0, 302: 0.03, 352: 0.05, 389: 0.09}  # no trade, no close, no volume, a spike
SESSIONS = np.busday_offset("2001-01-01", np.arange(N_ROWS), roll="forward")

Frame = pl.DataFrame
World = Callable[[Frame, np.random.Generator], Frame]


def price_file(symbol: str, *, seed: int, n_rows: int = N_ROWS, momentum: float = 0.85) -> Frame:
    """One symbol on weekdays. Returns follow the last one by `momentum`, so there is much to learn
    and much to leak: with nothing learnt, nothing learnt wrongly would show.
    """
    noise = np.random.default_rng(seed)
    returns = 0.01 * noise.standard_t(5, n_rows)
    for t in range(1, n_rows):
        returns[t] += momentum * returns[t - 1]
    close = np.round(50 * np.exp(np.cumsum(returns)), 2)
    before = np.concatenate([close[:1], close[:-1]])
    open_ = np.round(before * np.exp(0.003 * noise.standard_normal(n_rows)), 2)
    reach = 1 + 0.005 * noise.random((2, n_rows))
    return pl.DataFrame(
        {
            "symbol": [symbol] * n_rows,
            "date": np.busday_offset("2001-01-01", np.arange(n_rows), roll="forward"),
            "open": open_,
            "high": np.round(np.maximum(open_, close) * reach[0], 2) + 0.01,
            "low": np.round(np.minimum(open_, close) / reach[1], 2) - 0.01,
            "close": close,
            "volume": np.round(1e5 * np.exp(0.5 * noise.standard_normal(n_rows))),
        }
    )


def clean_panel() -> Frame:
    """Four complete symbols."""
    return pl.concat([price_file(s, seed=k) for k, s in enumerate(("AAA", "BBB", "CCC", "DDD"))])


def ragged_panel() -> Frame:
    """Symbols that begin, pause and end at different dates, in a file full of faults.

    One begins amid the folds, one is warm just before them and ends there, one has every tenth
    session missing. There are a split between raw and adjusted close, sessions without trade, empty
    cells, prices of zero and less, ranges that are off by a rounding, copies, contradicting copies
    and rows out of order.
    """
    noise = np.random.default_rng(7)
    parts = [
        price_file("AAA", seed=10),
        price_file("ABB", seed=11).slice(420),
        price_file("BBB", seed=12).filter(pl.Series(np.arange(N_ROWS) % 10 != 3)),
        price_file("CCC", seed=13).slice(130, 310),
        price_file("DDD", seed=14),
    ]
    frame = pl.concat(parts)
    is_old = (pl.col("symbol") == "BBB") & (pl.col("date") < pl.lit(day(300)))
    frame = frame.with_columns(
        pl.when(is_old).then(pl.col("close") / 2).otherwise(pl.col("close")).alias("adj_close")
    )
    place = noise.random(frame.height)
    for row, fault in FAULTS.items():  # in all symbols at once, each at its own place of `rules`
        place[(frame["date"] == day(row)).to_numpy()] = fault
    draw = pl.Series(place)
    flat = {name: pl.col("close") for name in ("open", "high", "low")} | {"volume": pl.lit(0.0)}
    bad = {"high": pl.col("close") * (1 - 1e-8), "low": pl.col("close") * (1 + 1e-8)}
    rules: list[tuple[float, float, dict[str, pl.Expr]]] = [
        (0.00, 0.03, flat),
        (0.03, 0.05, {"close": pl.lit(None, dtype=pl.Float64)}),
        (0.05, 0.06, {"volume": pl.lit(None, dtype=pl.Float64)}),
        (0.06, 0.07, {"open": pl.col("close"), **bad}),
        (0.07, 0.08, {"low": pl.lit(0.0)}),
        (0.08, 0.09, dict.fromkeys(PRICES, pl.lit(0.0))),
        (0.09, 0.10, {name: pl.col(name) * 1.5 for name in PRICES}),
    ]
    for low, high, cells in rules:
        hit = draw.is_between(low, high, closed="left")
        frame = frame.with_columns(
            pl.when(hit).then(value).otherwise(pl.col(name)).alias(name)
            for name, value in cells.items()
        )
    copies = frame.filter(draw > 0.97)
    others = frame.filter(draw.is_between(0.94, 0.96)).with_columns(pl.col("volume") + 1)
    swapped = np.arange(frame.height)
    at = 2 * noise.choice(frame.height // 2, 30, replace=False)
    swapped[at], swapped[at + 1] = at + 1, at
    return pl.concat([frame[swapped], copies, others])


def lacking_panel() -> Frame:
    """Symbols without ranges: never any, none at first, none for a while, none now and then.

    And ranges and opens that contradict the close, by a little and beyond all reason.
    """
    noise = np.random.default_rng(8)
    names = ("AAA", "BBB", "CCC", "DDD")
    frame = pl.concat([price_file(name, seed=40 + k) for k, name in enumerate(names)])
    draw, of = pl.Series(noise.random(frame.height)), pl.col("symbol")
    none, close = pl.lit(None, dtype=pl.Float64), pl.col("close")
    no_range = dict.fromkeys(("open", "high", "low"), none)
    is_gone = pl.col("date").is_between(pl.lit(day(270)), pl.lit(day(395)))
    rules: list[tuple[pl.Expr, dict[str, pl.Expr]]] = [
        *(
            (pl.lit(draw.is_between(low, low + 0.02)), cells)
            for low, cells in (
                (0.00, no_range),
                (0.02, {"open": pl.lit(0.0)}),
                (0.04, {"high": close * 0.99}),
                (0.06, {"open": close * 30}),
                (0.08, {"volume": none}),
                (0.10, {"low": pl.lit(-1.0)}),
            )
        ),
        ((of == "BBB") & (pl.col("date") < pl.lit(day(300))), {"open": pl.lit(0.0)}),
        (of == "CCC", {**no_range, "volume": none}),
        ((of == "DDD") & is_gone, no_range),
    ]
    for is_hit, cells in rules:
        frame = frame.with_columns(
            pl.when(is_hit).then(value).otherwise(pl.col(name)).alias(name)
            for name, value in cells.items()
        )
    return frame


def day(row: int) -> date:
    """The date of the session at `row`."""
    found: date = SESSIONS[row].astype(object)
    return found


def with_prices(later: Frame, close: np.ndarray, *, volume: np.ndarray | None = None) -> Frame:
    """The rows with every price equal to `close`."""
    columns = [pl.Series(name, close) for name in PRICES if name in later.columns]
    return later.with_columns(*columns, *([] if volume is None else [pl.Series("volume", volume)]))


def times(later: Frame, factor: float) -> Frame:
    """Prices times a factor; volumes too, in whole shares."""
    prices = [pl.col(name) * factor for name in PRICES if name in later.columns]
    return later.with_columns(*prices, (pl.col("volume") * factor).round())


def reversed_values(later: Frame, noise: np.random.Generator) -> Frame:
    return later.with_columns(pl.exclude("symbol", "date").reverse())


def wild_walk(later: Frame, noise: np.random.Generator) -> Frame:
    close = 50 * np.exp(np.clip(np.cumsum(0.2 * noise.standard_normal(later.height)), -9, 9))
    return with_prices(later, close, volume=np.round(1e6 * noise.random(later.height)))


def saw(later: Frame, noise: np.random.Generator) -> Frame:
    return with_prices(later, np.where(np.arange(later.height) % 2, 30.0, 45.0))


# Every session stays in place with sound prices.
PRICE_WORLDS: dict[str, World] = {
    "x1e6": lambda later, noise: times(later, 1e6),
    "x1e-6": lambda later, noise: times(later, 1e-6),
    "reversed": reversed_values,
    "wild walk": wild_walk,
    "saw": saw,
    "rising": lambda later, noise: with_prices(later, 40 * 1.01 ** np.arange(later.height)),
}
WORLDS: dict[str, World] = {
    "cut": lambda later, noise: later.clear(),
    **PRICE_WORLDS,
    "flat, no volume": lambda later, noise: with_prices(  # a halt: cut out from its sixtieth row
        later, np.full(later.height, 31.25), volume=np.zeros(later.height)
    ),
    "NaN": lambda later, noise: with_prices(later, np.full(later.height, np.nan)),
    "zeros": lambda later, noise: with_prices(later, np.zeros(later.height)),
    "half deleted": lambda later, noise: later.filter(pl.Series(noise.random(later.height) < 0.5)),
    "+7 days": lambda later, noise: later.with_columns(pl.col("date").dt.offset_by("7d")),
}
SCOPES: dict[str, Callable[[list[str]], list[str]]] = {
    "all symbols": lambda symbols: symbols,
    "one symbol": lambda symbols: symbols[-1:],
    "all but one": lambda symbols: symbols[:-1],
}


def perturbed(frame: Frame, after: date, world: str, scope: str = "all symbols") -> Frame:
    """The file with the same rows up to `after`, in the same order, and another future.

    Lines dated later stand at the end of the file; the loader sorts.
    """
    noise = np.random.default_rng(5)
    chosen = SCOPES[scope](sorted(frame["symbol"].unique()))
    is_hit = (pl.col("date") > after) & pl.col("symbol").is_in(chosen)
    parts = [frame.filter(~is_hit)]
    for symbol in chosen:
        later = frame.filter(is_hit & (pl.col("symbol") == symbol)).sort("date")
        if later.height:
            parts.append(WORLDS[world](later, noise))
    return pl.concat(parts)


def every_world(cuts: list[date], *, step: int = 1) -> Iterator[tuple[date, str, str]]:
    """Each cut with each world, or one in `step` of them; the scope goes round as well."""
    scopes = list(SCOPES)
    for i, cut in enumerate(cuts):
        for j, world in enumerate(WORLDS):
            if (i + j) % step == 0:
                yield cut, world, scopes[(i + j // step) % len(scopes)]


def t_shocks(shape: tuple[int, ...], *, dof: float, seed: int) -> Floats:
    """Independent Student t with variance 1."""
    noise = np.random.default_rng(seed)
    return np.asarray(noise.standard_t(dof, shape) * np.sqrt((dof - 2) / dof))


def t_walks(n_symbols: int, n_sessions: int, *, seed: int, momentum: float = 0.0) -> Floats:
    """Log returns of independent symbols, t5, 1.5 % a session, no drift. (symbol, session).

    With `momentum` rho each is rho of the last one, the variance unchanged.
    """
    shocks = 0.015 * t_shocks((n_symbols, n_sessions), dof=5, seed=seed)
    for t in range(1, n_sessions):
        shocks[:, t] *= np.sqrt(1 - momentum**2)
        shocks[:, t] += momentum * shocks[:, t - 1]
    return shocks


@dataclass(frozen=True, slots=True, kw_only=True)
class GjrLaw:
    """A GJR-GARCH-t process without drift, `sd` a session in the long run."""

    sd: float = 0.015
    alpha: float = 0.03
    gamma: float = 0.10
    beta: float = 0.90
    dof: float = 6.0

    def next_variance(self, variance: Floats, returns: Floats) -> Floats:
        """Variance of the session after `returns`, whose own was `variance`."""
        omega = self.sd**2 * (1 - self.alpha - self.gamma / 2 - self.beta)
        news = (self.alpha + self.gamma * (returns < 0)) * returns**2
        return np.asarray(omega + news + self.beta * variance)

    def walks(self, n_symbols: int, n_sessions: int, *, seed: int) -> tuple[Floats, Floats]:
        """Log returns, and the variance of the return after each. (symbol, session) both."""
        shocks = t_shocks((n_symbols, n_sessions), dof=self.dof, seed=seed)
        returns, variances = np.empty_like(shocks), np.empty_like(shocks)
        variance = np.full(n_symbols, self.sd**2)
        for t in range(n_sessions):
            returns[:, t] = np.sqrt(variance) * shocks[:, t]
            variances[:, t] = variance = self.next_variance(variance, returns[:, t])
        return returns, variances

    def quantiles(self, variance: Floats, *, horizon: int, n_paths: int = 20_000) -> Floats:
        """True quantiles of the log return over `horizon` sessions. (row, level).

        One session ahead in closed form. Further ahead the law depends on the next variance alone:
        simulated from 40 of them on the same shocks, between them linear in its logarithm.
        """
        root = np.sqrt(variance)[:, None]
        if horizon == 1:
            unit = np.sqrt((self.dof - 2) / self.dof)
            return np.asarray(root * unit * stdtrit(self.dof, LEVELS))
        starts = np.geomspace(variance.min(), variance.max(), 40)
        paths = np.repeat(starts[:, None], n_paths, axis=1)  # (start, path), the next variance
        walked = np.zeros_like(paths)
        for shock in t_shocks((horizon, n_paths), dof=self.dof, seed=horizon):
            returns = np.sqrt(paths) * shock
            walked += returns
            paths = self.next_variance(paths, returns)
        per_root = np.quantile(walked, LEVELS, axis=1) / np.sqrt(starts)  # (level, start)
        between = [np.interp(np.log(variance), np.log(starts), row) for row in per_root]
        return np.asarray(root * np.stack(between, axis=1))


def fed_with_tomorrow(samples: Samples) -> Samples:
    """Features of the next row in each row of a segment; closes, scales and targets stay."""
    values = samples.table.values.copy()
    for start, stop in samples.segments:
        values[start : stop - 1] = samples.table.values[start + 1 : stop]
    return replace(samples, table=replace(samples.table, values=values))


def shuffled(samples: Samples, noise: np.random.Generator) -> Samples:
    """Known targets put at each other's rows; when they resolve stays as it was."""
    fields = {name: getattr(samples, name).copy() for name in ("outcome", "target", "movement")}
    for k in range(len(samples.horizons)):
        known = np.flatnonzero(np.isfinite(samples.target[:, k]))
        drawn = noise.permutation(known)
        for name, values in fields.items():
            values[known, k] = getattr(samples, name)[drawn, k]
    return replace(samples, **fields)


def size_factor(samples: Samples, *, size: float) -> Floats:
    """`size` where rsi is far from its middle, on either side, else 1. Shape (row,).

    No straight line finds it.
    """
    rsi = samples.table.values[:, samples.table.names.index("rsi")]
    return np.where(np.abs(rsi) > 0.2, size, 1.0)


def with_echo(samples: Samples, *, size: float) -> Samples:
    """The samples with all that follows a row multiplied by the `size_factor` there."""
    factor = size_factor(samples, size=size)[:, None]
    return replace(
        samples,
        target=samples.target * factor,
        movement=samples.movement * factor,
        outcome=samples.outcome * factor,
    )
