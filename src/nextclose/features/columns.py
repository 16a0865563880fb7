"""What a column of the table is, and what it may read: one symbol's bars, oldest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nextclose.features.indicators import VOLATILITY_FLOOR, garman_klass, log_returns, volatility
from nextclose.features.rolling import rolling_mean
from nextclose.schema import Dates, Floats

YEAR = 250  # sessions


@dataclass(frozen=True, kw_only=True)
class SymbolBars:
    """The bars of one segment of one symbol as arrays (session,), and what several columns share.

    `columns` holds close, those of open, high, low, volume that the source has, and the masks of
    0 and 1 that a loader sets; float64.
    """

    session: Dates
    columns: Mapping[str, Floats]

    @property
    def open(self) -> Floats:
        """Opening prices; a column that reads them says so in `needs`. So for the next three."""
        return self.columns["open"]

    @property
    def high(self) -> Floats:
        """Highest prices."""
        return self.columns["high"]

    @property
    def low(self) -> Floats:
        """Lowest prices."""
        return self.columns["low"]

    @property
    def volume(self) -> Floats:
        """Shares traded; may be 0."""
        return self.columns["volume"]

    @property
    def close(self) -> Floats:
        """Closing prices."""
        return self.columns["close"]

    @cached_property
    def returns(self) -> Floats:
        """Log returns of one session; NaN at the first."""
        return log_returns(self.close)

    @cached_property
    def moves(self) -> Floats:
        """Sizes of the log returns."""
        return np.abs(self.returns)

    @cached_property
    def falls(self) -> Floats:
        """Sizes of the negative log returns, 0 on a rise."""
        return np.maximum(-self.returns, 0.0)

    @cached_property
    def scale(self) -> Floats:
        """Causal volatility of one session's log return; NaN for the first 256 sessions."""
        return volatility(self.close)

    @cached_property
    def year_move(self) -> Floats:
        """Mean size of the last 250 returns, >= 1e-4; NaN for the first 250 sessions."""
        return np.maximum(rolling_mean(self.moves, sessions=YEAR), VOLATILITY_FLOOR)

    @cached_property
    def range_volatility(self) -> Floats:
        """Garman-Klass volatility of each session."""
        return garman_klass(self.open, self.high, self.low, self.close)


@dataclass(frozen=True, slots=True)
class Column:
    """One feature: its name, the bar columns it needs besides close, and how it is computed.

    `values` gives shape (session,): NaN for exactly the first `lookback_sessions`, finite after.
    """

    name: str
    lookback_sessions: int
    values: Callable[[SymbolBars], Floats]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyDefinition:
    """Columns that belong together. Values beyond +-`cap` are set to it; infinity: left as is."""

    columns: tuple[Column, ...]
    cap: float
