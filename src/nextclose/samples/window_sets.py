"""Windows, targets and their dates, symbol by symbol, in the parts of a split: what anybody trains.

aapl = windows.of("AAPL", horizon=1)
aapl.train.x, aapl.train.y         (sample, session, column) and (sample,), scaled, float32
aapl.test.prices(forecasts)        what a model says of them, in the prices' unit
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from nextclose.errors import ConfigError, NotEnoughDataError, printable
from nextclose.samples.parts import TEST, TRAIN, VALID, Parts
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import family_columns, log_returns_to
from nextclose.samples.window_facts import Form, WindowFacts
from nextclose.samples.window_scaler import CLASSIC, WindowScaler
from nextclose.samples.windows import windows
from nextclose.schema import (
    FORECAST_SCHEMA,
    QUANTILE_COLUMNS,
    Dates,
    Floats,
    Floats32,
    Ints,
)

Scalers = Mapping[tuple[int, int], WindowScaler]  # by fold and horizon, where there is one


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolWindows:
    """Every window of one symbol once, unscaled, with what all horizons and folds say of it.

    `y` is the close h sessions on (classic), or the log return to there over `scale * sqrt(h)`
    (stationary). `part` holds positions in `PARTS`.
    """

    origin: Dates  # (sample,) the session of each window's last row
    close: Floats  # (sample,) price at the origin
    scale: Floats  # (sample,) causal volatility of one session's log return there
    x: Floats32  # (sample, session, column)
    y: Floats  # (sample, horizon); NaN where the bars do not hold it
    resolved: Dates  # (sample, horizon) the session whose close fixes it
    part: Parts  # (fold, sample, horizon)
    scalers: Scalers


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WindowPart:
    """The windows of one symbol, horizon and part of a fold, oldest first."""

    symbol: str
    horizon: int  # sessions
    fold: int
    x: Floats32  # (sample, session, column)
    y: Floats32  # (sample,)
    origin: Dates  # (sample,)
    resolved: Dates  # (sample,)
    close: Floats  # (sample,) price at the origin
    reached: Floats  # (sample,) price at `resolved`
    scale: Floats  # (sample,)
    form: Form
    scaler: WindowScaler | None  # None: x and y are unscaled

    def __len__(self) -> int:
        """How many windows there are."""
        return len(self.origin)

    def __repr__(self) -> str:
        """Shape and dates: arrays would fill a screen."""
        days = f", origins {self.origin[0]} to {self.origin[-1]}" if len(self) else ""
        return f"WindowPart({self.symbol!r}, horizon={self.horizon}, x {self.x.shape}{days})"

    def prices(self, y: npt.ArrayLike) -> Floats:
        """The closes that values in the unit of `y` stand for. Shape (sample,).

        Raises: ConfigError unless there is one finite value for each window.
        """
        values = self._one_each(y)
        targets = values if self.scaler is None else self.scaler.targets(values)
        return prices_of(targets, self.close, self.scale, form=self.form, horizon=self.horizon)

    def forecasts(self, y: npt.ArrayLike, *, model: str) -> pl.DataFrame:
        """The same as forecasts with their outcomes, as `nextclose.verdicts` judges them.

        Points: all 23 levels alike. A price below a thousandth of the close is raised to it.
        """
        point = log_returns_to(self.prices(y), close=self.close)
        return pl.DataFrame(
            {
                "symbol": [self.symbol] * len(self),
                "origin": self.origin,
                "horizon_sessions": [self.horizon] * len(self),
                "model": [model] * len(self),
                "fold": [self.fold] * len(self),
                "resolved": self.resolved,
                "close": self.close,
                "target": np.log(self.reached / self.close),
                **dict.fromkeys(QUANTILE_COLUMNS, point),
            },
            schema=FORECAST_SCHEMA,
        )

    def _one_each(self, y: npt.ArrayLike) -> Floats:
        values = np.asarray(y, dtype=np.float64)
        if values.size != len(self) or not np.isfinite(values).all():
            raise ConfigError(
                f"y has shape {values.shape}, {np.isfinite(values).sum()} of it finite, for "
                f"{len(self)} windows of {printable(self.symbol)}. Fix: give one finite value for "
                "each window of this part."
            )
        return values.reshape(-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitWindows:
    """The three parts of one symbol, horizon and fold, and how they are scaled."""

    train: WindowPart
    valid: WindowPart
    test: WindowPart
    scaler: WindowScaler = field(repr=False)


def split_windows(
    own: SymbolWindows, facts: WindowFacts, *, symbol: str, horizon: int, fold: int, scaled: bool
) -> SplitWindows:
    """The parts of one symbol and horizon in a fold, counted from 0.

    `scaled` by what the training windows of that fold say; else as they were computed.
    Raises: NotEnoughDataError where nothing is to be trained on, and so nothing to scale with.
    """
    k = facts.horizons.index(horizon)
    scaler = own.scalers.get((fold, k))
    if scaler is None:
        border = facts.folds[fold].valid_from
        raise NotEnoughDataError(
            f"{printable(symbol)} has no window whose close {horizon} sessions on is known by "
            f"{border}, where the training part of fold {fold} ends. Fix: another fold or "
            "horizon, or a longer history.",
            needed=1,
            found=0,
        )

    def part(code: int) -> WindowPart:
        rows = np.flatnonzero(own.part[fold, :, k] == code)
        x, y = own.x[rows], own.y[rows, k]
        close, scale = own.close[rows], own.scale[rows]
        return WindowPart(
            symbol=symbol,
            horizon=horizon,
            fold=fold,
            x=scaler.scaled(x) if scaled else x,
            y=scaler.scaled_targets(y) if scaled else y.astype(np.float32),
            origin=own.origin[rows],
            resolved=own.resolved[rows, k],
            close=close,
            reached=prices_of(y, close, scale, form=facts.form, horizon=horizon),
            scale=scale,
            form=facts.form,
            scaler=scaler if scaled else None,
        )

    return SplitWindows(train=part(TRAIN), valid=part(VALID), test=part(TEST), scaler=scaler)


def symbol_windows(
    samples: Samples, part: Parts, rows: Ints, *, form: Form, sessions: int, scalers: Scalers
) -> SymbolWindows:
    """The windows that end at `rows`, rows of one symbol. `part`: (fold, sample, horizon)."""
    return SymbolWindows(
        origin=samples.origin[rows],
        close=samples.table.close[rows],
        scale=samples.scale[rows],
        x=windows(family_columns(samples, form), rows, sessions=sessions),
        y=_targets(samples, rows, form=form),
        resolved=samples.resolved[rows],
        part=part,
        scalers=scalers,
    )


def prices_of(targets: Floats, close: Floats, scale: Floats, *, form: Form, horizon: int) -> Floats:
    """The closes that unscaled targets stand for. Shape (sample,)."""
    if form == CLASSIC:
        return targets
    return np.asarray(close * np.exp(targets * scale * np.sqrt(horizon)))


def _targets(samples: Samples, rows: Ints, *, form: Form) -> Floats:
    """What `SymbolWindows.y` holds. Shape (row, horizon)."""
    if form != CLASSIC:
        return samples.target[rows]
    price = np.full((len(rows), len(samples.horizons)), np.nan)
    for k, horizon in enumerate(samples.horizons):
        known = np.flatnonzero(np.isfinite(samples.outcome[rows, k]))
        price[known, k] = samples.table.close[rows[known] + horizon]  # of the same segment
    return price
