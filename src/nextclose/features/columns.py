"""What a column of the table is, and what it may read: one symbol's bars, oldest first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from nextclose.errors import ConfigError, NextcloseError
from nextclose.features.indicators import (
    VOLATILITY_FLOOR,
    garman_klass,
    log_returns,
    recent_volatility,
    volatility,
)
from nextclose.features.rolling import recent_mean, rolling_max, rolling_mean
from nextclose.schema import Bools, Dates, Floats

YEAR = 250  # sessions
LONG_RUN = 2520  # sessions: ten years
BARS = ("open", "high", "low", "volume")  # what a session may lack


@dataclass(frozen=True, kw_only=True)
class SymbolBars:
    """The bars of one segment of one symbol as arrays (session,), and what several columns share.

    `columns` holds close, those of open, high, low, volume that the source has, NaN where a session
    lacks one, and the masks of 0 and 1 that a loader sets; float64.
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
    def recent_scale(self) -> Floats:
        """The same from the first return on, over what there is; NaN for session 0 alone."""
        return recent_volatility(self.close)

    @cached_property
    def _recent_moves(self) -> dict[int, Floats]:
        return {}

    def recent_move(self, sessions: int) -> Floats:
        """Mean size of the last returns, of fewer at the start; NaN for session 0."""
        if sessions not in self._recent_moves:
            self._recent_moves[sessions] = recent_mean(self.moves, sessions=sessions)
        return self._recent_moves[sessions]

    @cached_property
    def year_move(self) -> Floats:
        """Mean size of the last 250 returns, >= 1e-4; NaN for the first 250 sessions."""
        return np.maximum(rolling_mean(self.moves, sessions=YEAR), VOLATILITY_FLOOR)

    @cached_property
    def long_run(self) -> Floats:
        """Mean size of the last 2,520 returns, of fewer at the start, >= 1e-4; NaN at session 0."""
        return np.maximum(self.recent_move(LONG_RUN), VOLATILITY_FLOOR)

    @cached_property
    def whole(self) -> SymbolBars:
        """The same with the close for a missing open, high or low, and 0 for a missing volume."""
        own = {name: self.columns[name] for name in BARS if name in self.columns}
        holes = {name: np.isnan(column) for name, column in own.items()}
        if not any(hole.any() for hole in holes.values()):
            return self
        filler = {name: 0.0 if name == "volume" else self.close for name in own}
        new = {name: np.where(holes[name], filler[name], own[name]) for name in own}
        return SymbolBars(session=self.session, columns={**self.columns, **new})

    @cached_property
    def range_volatility(self) -> Floats:
        """Garman-Klass volatility of each session."""
        return garman_klass(self.open, self.high, self.low, self.close)

    @cached_property
    def known_range_volatility(self) -> Floats:
        """The same, NaN where open, high and low are not there or say nothing.

        They say nothing without a span between high and low, where the open only repeats the last
        close, as in many an old file, or where the bar was filled, halted or its range widened.
        """
        if not {"open", "high", "low"} <= self.columns.keys():
            return np.full(len(self.close), np.nan)
        is_idle = ~(self.high > self.low)
        is_idle[1:] |= self.open[1:] == self.close[:-1]
        for name in ("filled", "widened", "halted"):
            if name in self.columns:
                is_idle |= self.columns[name] != 0
        return np.where(is_idle, np.nan, self.range_volatility)


@dataclass(frozen=True, slots=True)
class Column:
    """One feature: its name, the bar columns it needs besides close, and how it is computed.

    `values` gives shape (session,): NaN for exactly the first `lookback_sessions`, finite after but
    where bar columns that it needs are missing in its window.
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


@dataclass(frozen=True, slots=True)
class Feature:
    """A column of your own: a causal function of one symbol's bars, and how far back it looks.

    `values` gives shape (session,), finite from `lookback_sessions` on; the value at t reads bars
    up to t, or the leak tests find it. Values beyond +-20 are set to that. `needs` names bar
    columns besides close; where no source has one the feature is left out, where a session lacks
    one the value may be NaN for as long as that session is in reach.
    """

    values: Callable[[SymbolBars], Floats]
    lookback_sessions: int
    needs: tuple[str, ...] = ()

    def column(self, name: str) -> Column:
        """It as a column of the table, checked wherever it is computed."""
        return Column(
            name, self.lookback_sessions, partial(_checked_values, self, name), self.needs
        )


def _checked_values(feature: Feature, name: str, bars: SymbolBars) -> Floats:
    """The values of somebody's feature; NaN on a segment that is no longer than its look-back.

    NaN too where a bar column that it needs is missing in its reach.
    Raises: ConfigError if the function raises, or gives what is no finite number where it must.
    """
    if len(bars.close) <= feature.lookback_sessions:
        return np.full(len(bars.close), np.nan)
    own = {column: values.copy() for column, values in bars.columns.items()}  # nobody else's
    try:
        values = feature.values(SymbolBars(session=bars.session.copy(), columns=own))
        values = np.asarray(values, dtype=np.float64)
    except NextcloseError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise ConfigError(
            f"feature {name!r} raised {reason}. Fix: mend its function.", section="features"
        ) from error
    if values.shape != bars.close.shape:
        raise ConfigError(
            f"feature {name!r} gave shape {values.shape} for {len(bars.close)} sessions. "
            "Fix: return one value a session.",
            section="features",
        )
    lacks = _lacks_bars(feature, bars) & np.isnan(values)
    late = np.flatnonzero(~(np.isfinite(values) | lacks)[feature.lookback_sessions :])
    if len(late):
        session = bars.session[feature.lookback_sessions + late[0]]
        raise ConfigError(
            f"feature {name!r} has no finite value at {session}, though it looks back "
            f"{feature.lookback_sessions} sessions. Fix: raise lookback_sessions, or mend it.",
            section="features",
        )
    return values


def _lacks_bars(feature: Feature, bars: SymbolBars) -> Bools:
    """Whether a bar column that the feature needs is missing within its look-back. (session,)."""
    holes = np.zeros(len(bars.close))
    for name in feature.needs:
        holes = np.maximum(holes, np.isnan(bars.columns[name]))
    reach = min(feature.lookback_sessions + 1, len(holes))
    return np.asarray(rolling_max(np.append(np.zeros(reach), holes), sessions=reach)[reach:] > 0)


def check_features(features: Mapping[str, Feature], taken: Collection[str]) -> None:
    """Refuse own columns that cannot be: another type, a name of ours, a negative look-back.

    Raises: ConfigError naming it.
    """
    if not isinstance(features, Mapping):
        raise ConfigError(
            f"features are a {type(features).__name__}. "
            'Fix: give them by name, as {"weekly": nextclose.Feature(...)}.',
            section="features",
        )
    for name, feature in features.items():
        if not isinstance(feature, Feature):
            kind = type(feature).__name__
            cure = "Fix: nextclose.Feature(function, lookback_sessions=...)."
            raise ConfigError(f"feature {name!r} is a {kind}. {cure}", section="features")
        if not isinstance(name, str) or not name.isidentifier() or name in taken:
            raise ConfigError(
                f"{name!r} cannot name a feature: it is taken, or not of letters, digits and _. "
                "Fix: give it another name.",
                section="features",
            )
        if isinstance(feature.needs, str):
            raise ConfigError(
                f"feature {name!r} needs {feature.needs!r}. Fix: needs=({feature.needs!r},).",
                section="features",
            )
        if type(feature.lookback_sessions) is not int or feature.lookback_sessions < 0:
            raise ConfigError(
                f"feature {name!r} looks back {feature.lookback_sessions!r} sessions. "
                "Fix: a whole number, 0 or more.",
                section="features",
            )
