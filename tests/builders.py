"""Seeded worlds for the tests of the core: random walks on ragged calendars, and tiny settings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from nextclose.config import BacktestConfig, HybridConfig, LstmConfig, RunConfig
from nextclose.features.table import make_table
from nextclose.features.universal import INPUTS
from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.models.lstm.editions import Edition, edition_bytes
from nextclose.models.lstm.network import GATES, Network, hidden_at, outputs_of
from nextclose.models.lstm.shape import OUTPUTS, TAUGHT_HORIZONS
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.splits import Fold, walk_forward
from nextclose.schema import BAR_COLUMNS, HORIZONS, Bars, Family, Floats32, Ints, Table

if TYPE_CHECKING:
    from nextclose.backtesting.stacking import Stack
    from nextclose.backtesting.study import Study
    from nextclose.backtesting.walk_forward import Backtest
    from nextclose.models.protocol import Model

DAY_ZERO = np.datetime64("2001-01-01")
FAMILIES = ("universal", "stationary")  # of the tables that our models read
EDITION_FILES = TemporaryDirectory(prefix="editions-")


def day(n: int) -> np.datetime64:
    """Session number n of a world where every day is a session."""
    return DAY_ZERO + np.timedelta64(n, "D")


def walk_returns(n: int, *, seed: int, phi: float = 0.0, sd: float = 0.015) -> np.ndarray:
    """n log returns of a random walk, or of an AR(1) with autocorrelation `phi` and s.d. `sd`."""
    shocks = np.random.default_rng(seed).standard_normal(n)
    x = np.empty(n)
    x[0] = shocks[0]
    for t in range(1, n):
        x[t] = phi * x[t - 1] + np.sqrt(1 - phi**2) * shocks[t]
    return sd * x


def walk_frame(
    symbol: str, *, seed: int, n: int, first: int = 0, missing: float = 0.0, phi: float = 0.0
) -> pl.DataFrame:
    """n bars of one symbol from weekday number `first` on; a share `missing` of them is shut."""
    returns = walk_returns(n, seed=seed, phi=phi)
    return bar_frame(symbol, returns, seed=seed, first=first, missing=missing)


def bar_frame(
    symbol: str, returns: np.ndarray, *, seed: int, first: int = 0, missing: float = 0.0
) -> pl.DataFrame:
    """Bars that close with these log returns; ranges and volumes around them know nothing."""
    noise, n = np.random.default_rng([seed, 1]), len(returns)
    close = 50.0 * np.exp(np.cumsum(returns))
    open_ = close * np.exp(0.004 * noise.standard_normal(n))
    high = np.maximum(open_, close) * np.exp(0.004 * noise.random(n))
    low = np.minimum(open_, close) * np.exp(-0.004 * noise.random(n))
    volume = np.round(1e6 * np.exp(0.3 * noise.standard_normal(n)))
    weekdays = np.busday_offset(DAY_ZERO, first + np.arange(2 * n + 5), roll="forward")
    open_days = weekdays[noise.random(len(weekdays)) >= missing][:n]
    columns = (np.repeat(symbol, n), open_days, open_, high, low, close, volume)
    return pl.DataFrame(dict(zip(BAR_COLUMNS, columns, strict=True)))


def bars_of_returns(returns: np.ndarray, *, seed: int, first: int = 0) -> Bars:
    """Bars of symbols S00, S01, ... on one calendar, from log returns (symbol, session)."""
    frames = [
        bar_frame(f"S{k:02}", row, seed=seed + k, first=first) for k, row in enumerate(returns)
    ]
    return Bars(frame=pl.concat(frames))


def walk_bars(lengths: Sequence[int] = (700, 660), *, seed: int = 0, phi: float = 0.0) -> Bars:
    """Ragged bars: symbols AAA, BBB, ... start on different days and miss different sessions."""
    frames = [
        walk_frame(3 * chr(65 + k), seed=seed + k, n=n, first=17 * k, missing=0.03 * k, phi=phi)
        for k, n in enumerate(lengths)
    ]
    return Bars(frame=pl.concat(frames))


def close_only(bars: Bars) -> Bars:
    """The same closes without any other price or volume."""
    return replace(bars, frame=bars.frame.select("symbol", "session", "close"))


def until(bars: Bars, session: Any) -> Bars:
    """The bars up to `session`, included."""
    return replace(bars, frame=bars.frame.filter(pl.col("session") <= session))


def samples_of(bars: Bars, *, horizons: tuple[int, ...] = HORIZONS) -> Samples:
    """Samples with the features of our models."""
    return make_samples(make_table(bars, families=FAMILIES), horizons=horizons)


def last_fold(samples: Samples, *, sessions: int = 60) -> Fold:
    """All that is known at the start of the last `sessions` sessions, and those to be forecast."""
    (fold,) = walk_forward(
        samples, test_from=np.unique(samples.origin)[-sessions], refit_sessions=999
    )
    return fold


def bare_samples(
    calendars: Sequence[np.ndarray],
    *,
    horizons: tuple[int, ...] = HORIZONS,
    returns: Sequence[np.ndarray] | None = None,
    values: np.ndarray | None = None,
    warmup: int = 0,
    scale: float = 0.02,
    long_run: float = 0.016,
) -> Samples:
    """One symbol for each calendar of sessions; family "bare" with one column (default: noise).

    `returns[k][i]` is the log return that leads to session i of symbol k; its first is not used.
    """
    lengths = [len(calendar) for calendar in calendars]
    if returns is None:
        returns = [walk_returns(n, seed=k) for k, n in enumerate(lengths)]
    closes = [100.0 * np.exp(np.cumsum(np.where(np.arange(len(r)) > 0, r, 0))) for r in returns]
    stops = np.cumsum(lengths, dtype=np.int64)
    total = sum(lengths)
    if values is None:
        values = np.random.default_rng(99).standard_normal((total, 1)).astype(np.float32)
    family = Family(start=0, stop=values.shape[1], warmup_sessions=warmup)
    table = Table(
        values=values,
        names=tuple(f"x{j}" for j in range(values.shape[1])),
        families={"bare": family, "stationary": family},
        left_out={},
        symbols=tuple(3 * chr(65 + k) for k in range(len(lengths))),
        symbol=np.repeat(np.arange(len(lengths)), lengths),
        session=np.concatenate([np.asarray(c, dtype="datetime64[D]") for c in calendars]),
        close=np.concatenate(closes),
        scale=np.full(total, scale),
        long_run=np.full(total, long_run),
        segments=np.column_stack([stops - lengths, stops]),
    )
    return make_samples(table, horizons=horizons)


def daily_samples(n: int, *, horizons: tuple[int, ...] = HORIZONS, **settings: Any) -> Samples:
    """One symbol with `n` sessions, session number i on `day(i)`."""
    return bare_samples([DAY_ZERO + np.arange(n)], horizons=horizons, **settings)


def ragged_calendars(*, seed: int, n_symbols: int, n_days: int, missing: float) -> list[np.ndarray]:
    """Calendars over one span of days that start, stop and pause as they like; at least 3 days."""
    noise = np.random.default_rng(seed)
    calendars = []
    for _ in range(n_symbols):
        first = int(noise.integers(0, n_days // 2))
        last = int(noise.integers(first + 3, n_days))
        days = np.arange(first, last + 1)
        kept = (noise.random(len(days)) >= missing) | (days < first + 3)
        calendars.append(DAY_ZERO + days[kept])
    return calendars


def outputs_at(network: Network, inputs: Floats32, rows: Ints, *, starts: Ints) -> Floats32:
    """What the network says at rows: both of its halves. Shape (row, taught horizon, output)."""
    return outputs_of(network, hidden_at(network, inputs, rows, starts=starts))


def random_edition(until: str, *, seed: int = 0) -> Edition:
    """A small network of random weights, as if taught with prices up to that day."""
    rng = np.random.default_rng(seed)
    units, n_inputs, n_outputs = 4, len(INPUTS), len(TAUGHT_HORIZONS) * OUTPUTS
    shapes = {
        "lstm_input": (GATES * units, n_inputs),
        "lstm_state": (GATES * units, units),
        "lstm_bias": (GATES * units,),
        "layer": (units, units + n_inputs),
        "layer_bias": (units,),
        "head": (n_outputs, units),
        "head_bias": (n_outputs,),
    }
    weights = {name: 0.3 * rng.standard_normal(shape) for name, shape in shapes.items()}
    network = Network(**{name: value.astype(np.float32) for name, value in weights.items()})
    return Edition(until=until, network=network, card={})


@cache
def edition_file(until: str, *, seed: int = 0) -> str:
    """The path of a file with that random edition; gone when the tests are over."""
    path = Path(EDITION_FILES.name) / f"{until}-{seed}.safetensors"
    path.write_bytes(edition_bytes(random_edition(until, seed=seed)))
    return str(path)


def own_editions(*until: str) -> LstmConfig:
    """An edition for each of these days, all different: the worlds here are older than ours."""
    files = (edition_file(day, seed=seed) for seed, day in enumerate(until or ("2000-12-31",)))
    return LstmConfig(editions=tuple(files))


def tiny_config(*, hybrid: Mapping[str, Any] | None = None, **plan: Any) -> RunConfig:
    """A walk-forward of three short folds."""
    values: dict[str, Any] = {
        "models": ("naive", "drift", "hs_250", "hs_expanding", "ewma", "har", "lstm"),
        "test_sessions": 120,
        "refit_sessions": 45,
        "rehearsal_sessions": 135,
    }
    return RunConfig(
        backtest=BacktestConfig(**(values | plan)),
        lstm=own_editions(),
        hybrid=HybridConfig(**(hybrid or {})),
    )


def hybrid_config(*members: str, **changes: Any) -> RunConfig:
    """Three rehearsals and three tested folds of the hybrid of `members`."""
    plan = {"models": ("naive", "hybrid"), "test_sessions": 135, **changes}
    return tiny_config(hybrid={"members": members}, **plan)


def study_of_last(
    samples: Samples, config: RunConfig, *, plugins: Sequence["Model"] = ()
) -> "Study":
    """The study of exactly the last `test_sessions`, whatever day of the calendar that may be."""
    from nextclose.backtesting.study import make_study

    first = np.unique(samples.origin)[-config.backtest.test_sessions]
    plan = config.backtest.model_copy(update={"test_from": first.astype(object)})
    return make_study(samples, config.model_copy(update={"backtest": plan}), plugins=plugins)


def hybrid_bars() -> Bars:
    """Long enough for three rehearsals, and for tails that adapt in the last two folds.

    Returns follow the last one, so that members learn and differ.
    """
    return walk_bars((900, 860, 840), phi=0.85)


@cache
def hybrid_walk(*members: str) -> "Backtest":
    """The hybrid of `members` (none: garch, loghar and a random network), once for all who ask."""
    from nextclose.backtesting.walk_forward import backtest

    config = hybrid_config(*(members or ("garch", "loghar", "lstm")))
    return backtest(study_of_last(samples_of(hybrid_bars()), config))


def hybrid_fit(walk: "Backtest | Stack", fold: int) -> FittedHybrid:
    """The hybrid as it was fitted for a fold, rehearsals counted."""
    (fitted,) = walk.fits["hybrid", fold]
    assert isinstance(fitted, FittedHybrid)
    return fitted
