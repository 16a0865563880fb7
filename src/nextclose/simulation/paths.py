"""Paths of simulated markets, session by session, and the true density of what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from nextclose.schema import LEVELS, Floats, Ints
from nextclose.simulation.markets import EARNINGS_EVERY, EARNINGS_LATE, SESSIONS_A_YEAR, Markets

RUN_IN = 500  # sessions before a path begins
PATH_BOUNDS = (0.15, 5.0)  # of the path factor
MAX_LEVEL = 30.0  # of the GJR level: volatility five times its mean, as in the worst of crashes
TREND_SHARE = 0.25 * SESSIONS_A_YEAR**0.5  # a weight of the trend is in units of a year
MAX_SHOCK = 5.0  # beyond which an innovation moves volatility and skew no more
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that the future of a market depends on, beside its parameters. Shapes (market,)."""

    slow: Floats
    fast: Floats
    level: Floats  # of GJR, 1 on average
    trend: Floats  # shape (market, 2)
    activity: Floats  # shape (market, 2)
    last_return: Floats
    until_earnings: Ints  # sessions

    def take(self, places: Ints) -> State:
        """The states at these places, which may repeat."""
        return State(**{each.name: getattr(self, each.name)[places] for each in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session of each market, in logs over the close before. Shapes (market,)."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Sessions of each market in logs over the close before; the state after the last.

    Shapes (market, session).
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    last: State


@dataclass(frozen=True, slots=True, kw_only=True)
class _Innovation:
    """What chance adds to one session: standardised moves by night and by day, and a jump."""

    night: Floats
    day: Floats
    day_sd: Floats  # of the day's move, given how wild the session is
    jump: Floats

    @property
    def shock(self) -> Floats:
        """What volatility answers to: all but the jump, within bounds."""
        return np.clip(self.night + self.day, -MAX_SHOCK, MAX_SHOCK)


def simulate(markets: Markets, n_sessions: int, rng: np.random.Generator) -> Paths:
    """A path of each market, after a run-in."""
    state = first_state(markets, rng)
    for _ in range(RUN_IN):
        state, _session = next_session(markets, state, rng)
    return continued(markets, state, n_sessions, rng)


def continued(markets: Markets, state: State, n_sessions: int, rng: np.random.Generator) -> Paths:
    """The sessions that follow a state."""
    columns = {name: np.empty((len(markets), n_sessions)) for name in PRICES}
    for t in range(n_sessions):
        state, session = next_session(markets, state, rng)
        for name, values in columns.items():
            values[:, t] = getattr(session, name)
    return Paths(**columns, last=state)


def true_quantiles(
    markets: Markets,
    state: State,
    *,
    horizons: Sequence[int],
    n_draws: int,
    rng: np.random.Generator,
) -> Floats:
    """Quantiles at `LEVELS` of the log return over each horizon, given all that the market knows.

    Nobody who sees prices alone can know as much, so no forecast beats it but by chance. Shape
    (market, horizon, level). Limits: of `n_draws` continuations, so to a part in sqrt(n_draws).
    """
    places = np.repeat(np.arange(len(markets)), n_draws)
    draws = continued(markets.take(places), state.take(places), max(horizons), rng)
    moves = np.cumsum(draws.close, axis=1)[:, np.asarray(horizons) - 1]
    by_market = moves.reshape(len(markets), n_draws, len(horizons))
    return np.moveaxis(np.quantile(by_market, LEVELS, axis=1), 0, 2)


def first_state(markets: Markets, rng: np.random.Generator) -> State:
    """Log-volatilities from their stationary law, all else at its mean."""
    n = len(markets)
    return State(
        slow=markets.slow_sd * rng.standard_normal(n),
        fast=markets.fast_sd * rng.standard_normal(n),
        level=np.ones(n),
        trend=np.zeros((n, 2)),
        activity=np.ones((n, 2)),
        last_return=np.zeros(n),
        until_earnings=rng.integers(0, EARNINGS_EVERY, n),
    )


def next_session(markets: Markets, state: State, rng: np.random.Generator) -> tuple[State, Session]:
    """One session more of each market, and its state after it."""
    factor = _path_factor(markets, state)
    log_level = state.slow + state.fast - markets.slow_sd**2 - markets.fast_sd**2
    sd = markets.scale * np.exp(log_level) * np.sqrt(state.level) * factor
    innovation = _innovation(markets, state, rng)
    session = _session(markets, state, innovation, sd, rng)
    shock = innovation.shock
    felt = (factor * shock)[:, None]
    return (
        State(
            slow=_reverted(
                state.slow,
                markets.slow_decay,
                markets.slow_sd,
                markets.slow_correlation,
                shock,
                rng,
            ),
            fast=_reverted(
                state.fast,
                markets.fast_decay,
                markets.fast_sd,
                markets.fast_correlation,
                shock,
                rng,
            ),
            level=_next_level(markets, state.level, innovation.shock + innovation.jump),
            trend=state.trend + markets.trend_rates * (felt - state.trend),
            activity=state.activity + markets.activity_rates * (felt**2 - state.activity),
            last_return=session.close,
            until_earnings=_until_earnings(state, rng),
        ),
        session,
    )


def _until_earnings(state: State, rng: np.random.Generator) -> Ints:
    """Sessions to the next announcement: a quarter, give or take days, after the last."""
    late = rng.integers(-EARNINGS_LATE, EARNINGS_LATE + 1, len(state.until_earnings))
    return np.where(state.until_earnings == 0, EARNINGS_EVERY - 1 + late, state.until_earnings - 1)


def _path_factor(markets: Markets, state: State) -> Floats:
    """Volatility as the past of the path makes it, 1 on average; 1 for other families."""
    trend, activity = state.trend.mean(axis=1), np.sqrt(state.activity.mean(axis=1))
    weight = markets.path_activity
    factor = 1 - weight + weight * activity + TREND_SHARE * markets.path_trend * trend
    return np.asarray(np.clip(factor, *PATH_BOUNDS))


def _innovation(markets: Markets, state: State, rng: np.random.Generator) -> _Innovation:
    """A t innovation in two parts that share their wildness; announcements come by night."""
    n = len(markets)
    gamma = rng.standard_gamma(markets.freedom / 2)
    wildness = np.sqrt((markets.freedom / 2 - 1) / gamma)  # of variance 1 with a normal beside it
    day_sd = wildness * np.sqrt(1 - markets.night_share)
    day = day_sd * rng.standard_normal(n)
    night = wildness * np.sqrt(markets.night_share) * rng.standard_normal(n)
    squared = np.minimum((night + day) ** 2, MAX_SHOCK**2)
    night = night + markets.skew * (squared - 1)
    night = night * np.where(state.until_earnings == 0, np.sqrt(markets.earnings), 1.0)
    is_jump = rng.random(n) < markets.jump_rate
    jump = is_jump * markets.jump_size * rng.standard_normal(n)
    return _Innovation(night=night, day=day, day_sd=day_sd, jump=jump)


def _session(
    markets: Markets, state: State, innovation: _Innovation, sd: Floats, rng: np.random.Generator
) -> Session:
    """Prices of a session; high and low as of a Brownian bridge from open to close.

    Source: Karatzas & Shreve (1991), Brownian motion and stochastic calculus, 4.3: the maximum of
        a bridge, here and for the minimum each by itself.
    """
    n = len(markets)
    mean = markets.drift + markets.autoregression * state.last_return
    open_ = mean + sd * (innovation.night + innovation.jump)
    move = sd * innovation.day
    bridge_sd = sd * innovation.day_sd * np.exp(rng.normal(0, markets.range_sd) / 2)
    reach = -2 * bridge_sd**2 * np.log(rng.random((2, n)))
    return Session(
        open=open_,
        high=open_ + (move + np.sqrt(move**2 + reach[0])) / 2,
        low=open_ + (move - np.sqrt(move**2 + reach[1])) / 2,
        close=open_ + move,
    )


def _next_level(markets: Markets, level: Floats, shock: Floats) -> Floats:
    """The GJR level after a shock, bounded: near persistence 1 it would explode now and then.

    Source: Glosten, Jagannathan & Runkle (1993).
    """
    squared = np.minimum(shock**2, MAX_SHOCK**2)
    answer = markets.arch + markets.leverage * (shock < 0)
    constant = 1 - markets.garch - markets.arch - markets.leverage / 2
    return np.minimum(constant + level * (markets.garch + answer * squared), MAX_LEVEL)


def _reverted(
    value: Floats,
    decay: Floats,
    sd: Floats,
    correlation: Floats,
    shock: Floats,
    rng: np.random.Generator,
) -> Floats:
    """An Ornstein-Uhlenbeck process a session on; its shocks go with those of the return."""
    own = np.sqrt(1 - correlation**2) * rng.standard_normal(len(value))
    return decay * value + sd * np.sqrt(1 - decay**2) * (own + correlation * shock)
