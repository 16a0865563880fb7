"""Log-linear HAR: how far a symbol will move, as a product of powers of how far it has moved.

Three things set it apart from `har`. The form is multiplicative, fitted by gamma quasi-likelihood.
The symbol's long-run level is an input, to which moves return over weeks, and so is what all
symbols have in common. And what few data cannot tell, other companies did before: weights and shape
are blended with a prior (`prior.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from nextclose.features.columns import LONG_RUN, YEAR
from nextclose.features.market import MARKET_NAMES, markets
from nextclose.models.location import risk_premium
from nextclose.models.loghar.prior import prior_at
from nextclose.models.state import refuse_not_above_zero
from nextclose.models.volatility.har import (
    HAR_CAP_LEVEL,
    POOL_SESSIONS,
    is_range,
    learnable_inputs,
    pooled_quantiles,
    refuse_other_weights,
    refuse_too_few,
    weighted_sum,
    year_move,
)
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import available_names, named_columns
from nextclose.samples.splits import joint_samples, recent_rows, refuse_overlap, sessions_of
from nextclose.schema import MEDIAN, Bools, Floats, Ints, Spread

# Mean size of the last moves and ranges over that of a year, as logarithms; falls and the single
# session, which may be 0, as they are.
CLOSE_INPUTS = (
    *("move_ratio_1", "ln move_ratio_5", "ln move_ratio_22", "ln move_ratio_66"),
    *("fall_ratio_1", "fall_ratio_5", "fall_ratio_22"),
)
RANGE_INPUTS = tuple(f"ln range_volatility_ratio_{n}" for n in (1, 5, 22, 66))
REACH_SESSIONS = LONG_RUN + 1  # rows: more change nothing
MARKET_SYMBOLS = 5  # of each exchange, with a year of sessions; fewer are no market
LOG_FLOOR = 0.02  # of the year's mean
MOVE_BOUNDS = (-2.0, 2.5)  # of the expected move over the year's mean, as a logarithm
FIT_STEPS = 5
LEVEL_SESSIONS = 500  # before a long run says more than the year: rows with less teach no weights
WIDTH_ROWS = 50  # what the average is worth, in a symbol's rows per session of horizon
WIDTH_FLOOR = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHarScale:
    """Expected move over each horizon. `weights`: (horizon, 1 + input), the constant first.

    `rangeless` are the weights of the inputs that are no ranges, for rows that lack one.
    `widths` (symbol, horizon): how much further a symbol's outcomes lay than the weights expect.
    """

    names: tuple[str, ...]
    weights: Annotated[Floats, "float64 horizon weight"]
    rangeless: Annotated[Floats, "float64 horizon rangeless_weight"]
    symbols: Annotated[tuple[str, ...], "scaled_symbol"]
    widths: Annotated[Floats, "float64 scaled_symbol horizon"]

    def __post_init__(self) -> None:
        """Raise ValueError unless there are weights for all, and widths above 0."""
        refuse_other_weights(self.weights, self.rangeless, is_range=_is_range(self.names))
        refuse_not_above_zero(widths=self.widths)

    def ratio(self, samples: Samples, rows: Ints) -> Floats:
        """Expected mean |log return| over the horizon in units of the scale. (row, horizon), > 0.

        Depends on the last `REACH_SESSIONS` rows of each symbol alone.
        """
        inputs = design(samples, self.names, rows=rows)
        log_move = weighted_sum(
            inputs, self.weights, self.rangeless, is_range=_is_range(self.names)
        )
        move = np.exp(np.clip(log_move, *MOVE_BOUNDS)) * year_move(samples)[rows, None]
        return np.asarray(move * self._widths(samples)[samples.table.symbol[rows]])

    def _widths(self, samples: Samples) -> Floats:
        """Widths by symbol of the samples, 1 where the fit did not know it. (symbol, horizon)."""
        known = dict(zip(self.symbols, self.widths, strict=True))
        usual = np.ones(len(self.weights))
        return np.stack([known.get(name, usual) for name in samples.table.symbols])


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHar:
    """The scale times pooled standardised returns about their median, at the price of risk.

    `spread`: (horizon, level), 0 at the median.
    """

    scale: LogHarScale
    spread: Spread

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Location plus ratio times spread. Shape (row, horizon, level)."""
        around = self.scale.ratio(samples, rows)[:, :, None] * self.spread
        return np.asarray(risk_premium(samples, rows)[:, :, None] + around)


def fit_loghar(train: Samples, valid: Samples) -> LogHar:
    """The scale, and the pooled quantiles of targets over it, both blended with their prior."""
    scale = fit_loghar_scale(train, valid)
    ratio = scale.ratio(train, np.arange(len(train.origin)))
    return LogHar(scale=scale, spread=centred_spread(train, valid, ratio=ratio))


def fit_loghar_scale(train: Samples, valid: Samples) -> LogHarScale:
    """Gamma quasi-likelihood of future on past moves, pooled over symbols, per horizon; no seed.

    Learns from all that `train` and `valid` know. Range inputs are left out where hardly a row
    knows them.
    Raises: LeakError if train resolves after valid begins; NotEnoughDataError.
    Source: log form of Corsi (2009), A simple approximate long-memory model of realized volatility,
        J. Financial Econometrics 7, on |return|; McCullagh & Nelder (1989), Generalized linear
        models, for the fit.
    """
    refuse_overlap(train, valid)
    known = joint_samples(train, valid)
    names = available_inputs(known)
    inputs = design(known, names, rows=np.arange(len(known.origin)))
    inputs = np.column_stack([np.ones(len(inputs)), inputs])
    is_plain = np.append(True, ~_is_range(names))
    weights = rangeless = _fitted_weights(known, inputs)
    if not is_plain.all():
        rangeless = _fitted_weights(known, inputs[:, is_plain])
    symbols = known.table.symbol[last_rows(known)]
    scale = LogHarScale(
        names=names,
        weights=weights,
        rangeless=rangeless,
        symbols=tuple(known.table.symbols[i] for i in symbols),
        widths=np.ones((len(symbols), len(known.horizons))),
    )
    return replace(scale, widths=own_widths(scale, known, symbols=symbols))


def _fitted_weights(known: Samples, inputs: Floats) -> Floats:
    """Weights of future moves on `inputs` (row, input), blended with the prior's, by horizon.

    Of the rows that know all inputs, and have a long run; without any the prior's alone. The first
    input is the constant.
    Raises: NotEnoughDataError with fewer than 100 rows that know all inputs, long run or not.
    """
    movement = known.movement / year_move(known)[:, None]
    sound = np.isfinite(inputs).all(axis=1, keepdims=True)  # (row, 1)
    is_known = sound & np.isfinite(movement)  # (row, horizon)
    for n_known, horizon in zip(is_known.sum(axis=0), known.horizons, strict=True):
        refuse_too_few(int(n_known), "moves", horizon_sessions=horizon)
    prior, is_long = prior_at(sessions_of(known)[-1]), has_long_run(known)
    weights = np.empty((len(known.horizons), inputs.shape[1]))
    for k, horizon in enumerate(known.horizons):
        rows = np.flatnonzero(is_known[:, k] & is_long)
        own_weights = np.zeros(inputs.shape[1])
        if len(rows):
            cap = np.quantile(movement[rows, k], HAR_CAP_LEVEL)
            own_weights = gamma_weights(inputs[rows], np.minimum(movement[rows, k], cap))
        weights[k] = prior.blended_weights(own_weights, n_rows=len(rows), horizon_sessions=horizon)
    return weights


def centred_spread(train: Samples, valid: Samples, *, ratio: Floats) -> Floats:
    """Pooled quantiles of targets over `ratio` (row, horizon), less their median, blended.

    Shape (horizon, level).
    Raises: as `pooled_quantiles`.
    """
    own = pooled_quantiles(train, valid, ratio=ratio)
    own = own - own[:, MEDIAN : MEDIAN + 1]
    recent = recent_rows(valid, sessions=POOL_SESSIONS)
    counts = np.isfinite((joint_samples(train, valid).target / ratio)[recent]).sum(axis=0)
    prior = prior_at(sessions_of(valid)[-1])
    blended = [
        prior.blended_shape(shape, n_rows=int(n), horizon_sessions=horizon)
        for shape, n, horizon in zip(own, counts, train.horizons, strict=True)
    ]
    return np.stack(blended)


def own_widths(scale: LogHarScale, known: Samples, *, symbols: Ints) -> Floats:
    """How far each symbol's outcomes lay over its expected moves, against all. (symbol, horizon).

    1 for all alike; pulled to 1 as if by `WIDTH_ROWS` average rows per session of horizon.
    """
    recent = recent_rows(known, sessions=POOL_SESSIONS)
    rows = np.flatnonzero(recent)
    size = np.abs(known.target[rows] / scale.ratio(known, rows))  # (row, horizon)
    counted = np.isfinite(size)
    usual = np.nanmean(size, axis=0)
    widths = np.ones((len(symbols), size.shape[1]))
    for index, symbol in enumerate(symbols):
        own = known.table.symbol[rows] == symbol
        n = counted[own].sum(axis=0)
        mean = np.where(counted[own], size[own], 0.0).sum(axis=0) / np.maximum(n, 1)
        share = n / (n + WIDTH_ROWS * np.array(known.horizons))
        width = np.divide(mean, usual, out=np.ones_like(mean), where=usual > 0)  # 0: nothing moved
        widths[index] = 1.0 + share * (np.maximum(width, WIDTH_FLOOR) - 1.0)
    return widths


def gamma_weights(inputs: Floats, aim: Floats) -> Floats:
    """Weights w of E(aim) = exp(inputs @ w), gamma deviance, by least squares repeated. (input,).

    Expects: inputs (row, input) with the constant first; aim (row,), >= 0, not all 0.
    """
    weights: Floats = np.zeros(inputs.shape[1])
    weights[0] = np.log(max(float(aim.mean()), LOG_FLOOR))
    gram = inputs.T @ inputs
    for _ in range(FIT_STEPS):
        linear = np.clip(inputs @ weights, *MOVE_BOUNDS)
        mean = np.exp(linear)
        moment = inputs.T @ (linear + (aim - mean) / mean)
        weights = np.asarray(np.linalg.lstsq(gram, moment, rcond=None)[0])
    return weights


def available_inputs(samples: Samples) -> tuple[str, ...]:
    """The inputs there are: of the close, of the range, of the market of enough symbols."""
    has_ranges, has_market = (
        len(available_names(samples, [_column(name) for name in names])) == len(names)
        for names in (RANGE_INPUTS, MARKET_NAMES)
    )
    latest = samples.table.symbol[last_rows(samples)]
    market = markets(samples.table.symbols, samples.table.exchanges)[latest]
    _, n_symbols = np.unique(market, return_counts=True)
    has_market &= bool(len(latest)) and int(n_symbols.min()) >= MARKET_SYMBOLS
    ranged = RANGE_INPUTS if has_ranges else ()
    names = CLOSE_INPUTS + ranged + (MARKET_NAMES if has_market else ())
    return learnable_inputs(samples, names)


def design(samples: Samples, names: Sequence[str], *, rows: Ints) -> Floats:
    """The inputs at `rows`, shape (row, len(names) + 1): last, ln of the year over the long run."""
    values = named_columns(samples, [_column(name) for name in names])[rows].astype(np.float64)
    for j, name in enumerate(names):
        if name.startswith("ln "):
            values[:, j] = np.log(np.maximum(values[:, j], LOG_FLOOR))
    year = year_move(samples)[rows] * samples.scale[rows]
    level = np.log(np.maximum(year / samples.table.long_run[rows], LOG_FLOOR))
    return np.column_stack([values, level])


def last_rows(samples: Samples) -> Ints:
    """The newest row of each symbol that has a year; the latest segment's where there are more.

    Shape (symbol,), in order of symbol.
    """
    newest: dict[int, int] = {}
    for start, stop in samples.segments:
        if stop - start > YEAR:
            newest[int(samples.table.symbol[start])] = int(stop) - 1
    return np.array([newest[symbol] for symbol in sorted(newest)], dtype=np.int64)


def has_long_run(samples: Samples) -> Bools:
    """Rows with `LEVEL_SESSIONS` returns before them in their segment. Shape (row,)."""
    is_long = np.zeros(len(samples.origin), dtype=np.bool_)
    for start, stop in samples.table.segments:
        is_long[start + LEVEL_SESSIONS : stop] = True
    return is_long


def _is_range(names: Sequence[str]) -> Bools:
    """Which inputs of `design`, the level at the end, are of ranges. Shape (input,)."""
    return np.append(is_range(names), False)


def _column(name: str) -> str:
    return name.removeprefix("ln ")
