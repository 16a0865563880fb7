"""Forecasts that know how far a symbol moves: a causal scale times pooled standardised returns.

Every forecast here has the form `ratio * spread`: `ratio` is the expected size of moves over the
horizon in units of the samples' own EWMA scale (1 for the EWMA model itself), `spread` are pooled
quantiles of past targets over their ratio. Filtered historical simulation in scale form, after
Barone-Adesi, Giannopoulos & Vosper (1999), VaR without correlations for portfolios of derivative
securities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from nextclose.errors import NotEnoughDataError
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import available_names, known_names, named_columns
from nextclose.samples.splits import joint_samples, recent_rows, refuse_overlap
from nextclose.schema import LEVELS, Bools, Floats, Ints, Spread

POOL_SESSIONS = 2520  # ten years of trading
POOL_MINIMUM = 100  # outcomes behind a 1 % quantile that is more than the smallest value

# Corsi's cascade on |return|, its negative part, and Garman-Klass volatility where there is OHLC;
# each is a mean over n sessions divided by the mean over 250.
HAR_INPUTS = (
    *(f"move_ratio_{n}" for n in (1, 5, 22, 66)),
    *(f"fall_ratio_{n}" for n in (1, 5, 22)),
    *(f"range_volatility_ratio_{n}" for n in (1, 5, 22, 66)),
)
HAR_FLOOR = 0.2  # of the 250-session mean move
HAR_CAP_LEVEL = 0.999  # training movements are capped at this quantile


def refuse_too_few(n: int, what: str, *, horizon_sessions: int, needed: int | None = None) -> None:
    """Raise NotEnoughDataError if `n` known ones are fewer than `needed`, by default 100."""
    enough = POOL_MINIMUM if needed is None else needed
    if n < enough:
        raise NotEnoughDataError(
            f"{n} known {what} at {horizon_sessions} sessions, {enough} needed. "
            "Fix: give more history, drop the horizon, or choose lstm alone.",
            needed=enough,
            found=n,
        )


def pooled_quantiles(train: Samples, valid: Samples, *, ratio: Floats | float = 1.0) -> Floats:
    """Type-7 quantiles of known targets over `ratio`, all symbols, last ten years.

    Shape (horizon, level), from `ratio` of shape (row, horizon) or 1. Drift common to the symbols
    is in them.
    Raises: LeakError if train resolves after valid begins; NotEnoughDataError with fewer than 100
        known targets at a horizon.
    """
    refuse_overlap(train, valid)
    recent = recent_rows(valid, sessions=POOL_SESSIONS)
    known = (joint_samples(train, valid).target / ratio)[recent]
    grid = np.empty((known.shape[1], len(LEVELS)))
    for k, horizon in enumerate(train.horizons):
        column = known[:, k]
        column = column[np.isfinite(column)]
        refuse_too_few(len(column), "outcomes", horizon_sessions=horizon)
        grid[k] = np.quantile(column, LEVELS)
    return grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Ewma:
    """The causal EWMA scale times `spread`, pooled target quantiles of shape (horizon, level)."""

    spread: Spread

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """The same quantiles at every row: targets are already in units of the scale."""
        return np.repeat(self.spread[None], len(rows), axis=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HarScale:
    """Expected move over each horizon, linear in past moves. `weights`: (horizon, 1 + input).

    `rangeless` are the weights of the inputs that are no ranges, for rows that lack one.
    """

    names: tuple[str, ...]
    weights: Annotated[Floats, "float64 horizon weight"]
    rangeless: Annotated[Floats, "float64 horizon rangeless_weight"]

    def __post_init__(self) -> None:
        """Raise ValueError unless there is a weight for each input and the constant."""
        refuse_other_weights(self.weights, self.rangeless, is_range=is_range(self.names))

    def ratio(self, samples: Samples, rows: Ints) -> Floats:
        """Expected mean |log return| over the horizon in units of the scale: (row, horizon), > 0.

        A row's bits never depend on its neighbours.
        """
        inputs = named_columns(samples, self.names)[rows].astype(np.float64)
        move = weighted_sum(inputs, self.weights, self.rangeless, is_range=is_range(self.names))
        expected: Floats = np.maximum(move, HAR_FLOOR) * year_move(samples)[rows, None]
        return expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Har:
    """The HAR scale times pooled standardised returns, `spread` of shape (horizon, level)."""

    scale: HarScale
    spread: Spread

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Ratio times spread. Shape (row, horizon, level)."""
        return self.scale.ratio(samples, rows)[:, :, None] * self.spread


def is_range(names: Sequence[str]) -> Bools:
    """Which inputs are of ranges: bars may lack them. Shape (input,)."""
    return np.array(["range_volatility" in name for name in names], dtype=np.bool_)


def weighted_sum(inputs: Floats, weights: Floats, rangeless: Floats, *, is_range: Bools) -> Floats:
    """Constant plus inputs (row, input) times `weights` (horizon, 1 + input). (row, horizon).

    Of rows with an unknown range: what is no range times `rangeless`, whose fit knew no more.
    Summed input by input in a fixed order, so that a row's bits never depend on its neighbours.
    """
    total = np.repeat(weights[None, :, 0], len(inputs), axis=0)
    for j in range(inputs.shape[1]):
        total = total + inputs[:, j : j + 1] * weights[None, :, j + 1]
    lacks = np.isnan(inputs[:, is_range]).any(axis=1)
    if lacks.any():
        none = np.zeros(int((~is_range).sum()), dtype=np.bool_)
        total[lacks] = weighted_sum(
            inputs[lacks][:, ~is_range], rangeless, rangeless, is_range=none
        )
    return total


def refuse_other_weights(weights: Floats, rangeless: Floats, *, is_range: Bools) -> None:
    """Raise ValueError unless there is a weight for the constant and each input, in both forms."""
    for each, n_inputs in ((weights, len(is_range)), (rangeless, int((~is_range).sum()))):
        if each.shape[1] != 1 + n_inputs:
            raise ValueError(f"{each.shape[1]} weights for {n_inputs} inputs")


def year_move(samples: Samples) -> Floats:
    """Mean |log return| of the last 250 sessions in units of the scale. Shape (row,)."""
    log_scale_ratio = named_columns(samples, ["log_scale_ratio"])[:, 0]
    return np.exp(-log_scale_ratio.astype(np.float64))


def fit_har_scale(train: Samples, valid: Samples) -> HarScale:
    """Least squares of future on past moves, pooled over symbols, per horizon; no seed.

    Learns from all that `train` and `valid` know. Ranges that hardly a row knows (a close-only
    file has none) are left out.
    Raises: LeakError if train resolves after valid begins; NotEnoughDataError.
    Source: form of Corsi (2009), A simple approximate long-memory model of realized volatility,
        J. Financial Econometrics 7; here on |return|, not realised variance.
    """
    refuse_overlap(train, valid)
    known = joint_samples(train, valid)
    movement = known.movement / year_move(train)[:, None]
    names = learnable_inputs(known, available_names(train, HAR_INPUTS))
    inputs = named_columns(train, names).astype(np.float64)
    weights = rangeless = _least_squares(inputs, movement, horizons=train.horizons)
    if is_range(names).any():
        plain = inputs[:, ~is_range(names)]
        rangeless = _least_squares(plain, movement, horizons=train.horizons)
    return HarScale(names=names, weights=weights, rangeless=rangeless)


def learnable_inputs(known: Samples, names: Sequence[str]) -> tuple[str, ...]:
    """The inputs less those of ranges, unless enough of the rows to learn from know them.

    250 of the rows, or all: `known_names`, of rows with an outcome at the longest horizon.
    """
    columns = [name.removeprefix("ln ") for name in names]
    plain, ranged = (
        [name for name, is_it in zip(columns, is_range(names), strict=True) if is_it == asked]
        for asked in (False, True)
    )
    sound = np.isfinite(named_columns(known, plain)).all(axis=1)
    rows = np.flatnonzero(sound & np.isfinite(known.movement[:, -1]))
    is_known = len(known_names(known, ranged, rows)) == len(ranged)
    return tuple(
        name for name, column in zip(names, columns, strict=True) if is_known or column in plain
    )


def _least_squares(inputs: Floats, movement: Floats, *, horizons: Sequence[int]) -> Floats:
    """Weights of `movement` (row, horizon) on a constant and `inputs` (row, input), by horizon."""
    design = np.column_stack([np.ones(len(inputs)), inputs])
    sound = np.isfinite(design).all(axis=1)
    weights = np.empty((len(horizons), design.shape[1]))
    for k, horizon in enumerate(horizons):
        rows = np.flatnonzero(sound & np.isfinite(movement[:, k]))
        refuse_too_few(len(rows), "moves", horizon_sessions=horizon)
        cap = np.quantile(movement[rows, k], HAR_CAP_LEVEL)
        aim = np.minimum(movement[rows, k], cap)
        weights[k] = np.linalg.lstsq(design[rows], aim, rcond=None)[0]
    return weights


def fit_har(train: Samples, valid: Samples) -> Har:
    """The HAR scale and the pooled quantiles of targets over it."""
    scale = fit_har_scale(train, valid)
    ratio = scale.ratio(train, np.arange(len(train.origin)))
    return Har(scale=scale, spread=pooled_quantiles(train, valid, ratio=ratio))
