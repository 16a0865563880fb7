"""GJR-GARCH-t, one fit per symbol: the reference that other volatility forecasts have to beat.

    sigma2[t+1] = omega + (alpha + gamma 1{eps[t] < 0}) eps[t]**2 + beta sigma2[t],  eps = r - mu

The parameters are those of the refit; in between, the recursion runs on over the closes that
follow. One session ahead the density is the fitted Student t, further ahead the pooled quantiles
of past outcomes over their forecast volatility (filtered historical simulation in scale form).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date

import numpy as np

from nextclose.features.indicators import VOLATILITY_FLOOR, log_returns, volatility
from nextclose.models.baselines import Baseline
from nextclose.models.protocol import Traits
from nextclose.models.threads import one_thread
from nextclose.models.volatility.gjr import Gjr
from nextclose.models.volatility.har import pooled_quantiles
from nextclose.models.volatility.likelihood import maximum_likelihood
from nextclose.samples.samples import Samples
from nextclose.samples.splits import refuse_overlap
from nextclose.schema import LEVELS, Floats, Ints, Spread

FIT_RETURNS = 2520  # ten years of trading
MINIMUM_SESSIONS = 520  # of the current segment; shorter ones get no fit
FIT_DECIMALS = 7  # of a return in per cent
EPOCH = date(1970, 1, 1).toordinal()
SCALE_SESSIONS = 250  # the last of the fit, over which forecasts must have the scale of returns:
SCALE_BOUNDS = (0.1, 10.0)  # median of forecast over trailing volatility; stocks: 0.9 to 1.8
LIKELIER = 0.01  # by how much a second optimum is another one
BACKCAST_RETURNS, BACKCAST_DECAY = 75, 0.94  # what arch starts the recursion from

# What a stock usually shows, the optimiser's second start; and EWMA, where no fit is sound.
TYPICAL = {"alpha": 0.03, "gamma": 0.08, "beta": 0.90, "nu": 6.0}
EXPONENTIAL = {"alpha": 0.06, "gamma": 0.0, "beta": 0.94, "nu": 6.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One symbol's parameters and where its recursion stands: next variance after `session`.

    `session` is a day number since 1970.
    """

    parameters: Gjr
    session: int
    variance: float

    def __post_init__(self) -> None:
        """Raise ValueError for a variance that is infinite or not above 0, or a day of no year."""
        if not (self.variance > 0 and self.parameters.nu > 2 and self.parameters.omega >= 0):
            raise ValueError("a filter whose variance is infinite, 0 or below")
        if not date.min.toordinal() <= EPOCH + self.session <= date.max.toordinal():
            raise ValueError(f"day number {self.session!r:.60} is no day")

    def variances_from(self, samples: Samples, start: int, stop: int) -> tuple[int, Floats]:
        """The first row in [start, stop) that can be forecast, and next variances from it on.

        None can be if `session` is not there: the recursion cannot step over what it did not see.
        """
        session = np.datetime64(self.session, "D")
        first = start + int(np.searchsorted(samples.origin[start:stop], session))
        if first == stop or samples.origin[first] != session:
            return stop, np.empty(0)
        returns = log_returns(samples.table.close[first:stop])[1:]
        return first, self.parameters.variances(returns, first=self.variance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Garch:
    """A running filter by symbol and `spread`, pooled outcomes over volatility (horizon, level).

    `failed` names the symbols whose own fit did not converge, made no sense or was not of their
    scale; they are forecast with parameters borrowed from the others and a variance level of their
    own, or as an exponential mean.
    """

    filters: Mapping[str, Filter]
    spread: Spread
    failed: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise ValueError if a symbol failed that has no filter."""
        if not set(self.failed) <= set(self.filters):
            raise ValueError(f"{self.failed!r:.60} failed, but not all of them have a filter")

    def ratio(self, samples: Samples, rows: Ints) -> Floats:
        """Expected volatility over the horizon in units of the target. Shape (row, horizon).

        NaN: symbols without a fit; rows before the session it ended on, or in another segment.
        """
        volatility = np.full((len(samples.origin), len(samples.horizons)), np.nan)
        for start, stop in samples.segments.tolist():
            if (filtered := self.filters.get(_symbol_at(samples, start))) is not None:
                first, variance = filtered.variances_from(samples, start, stop)
                volatility[first:stop] = filtered.parameters.volatility(variance, samples.horizons)
        return np.asarray(volatility[rows] / samples.unit(rows))

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Student t at one session, ratio times spread beyond. Shape (row, horizon, level)."""
        ratio = self.ratio(samples, rows)
        grid = ratio[:, :, None] * self.spread
        own = np.full((len(samples.table.symbols), len(LEVELS)), np.nan)
        for k in np.unique(samples.table.symbol[rows]).tolist():
            if (filtered := self.filters.get(samples.table.symbols[k])) is not None:
                own[k] = filtered.parameters.quantiles()
        for k in np.flatnonzero(np.array(samples.horizons) == 1):
            grid[:, k] = ratio[:, k, None] * own[samples.table.symbol[rows]]
        return np.asarray(grid)


def fit_garch(train: Samples, valid: Samples) -> Garch:
    """Maximum likelihood by symbol on its last 2,520 returns; no seed.

    Learns from all closes up to the end of `valid`, in each symbol's current segment. A symbol
    with fewer than 520 sessions there gets no fit and so no forecast.
    Raises: LeakError if train resolves after valid begins; NotEnoughDataError if symbols are
        fitted but fewer than 100 outcomes are known at a horizon.
    Source: Glosten, Jagannathan & Runkle (1993), On the relation between the expected value and
        the volatility of the nominal excess return on stocks, J. Finance 48; fitted by `arch`.
    """
    refuse_overlap(train, valid)
    windows = _fit_windows(valid)
    returns = {
        name: log_returns(valid.table.close[start:stop])[1:]
        for name, (start, stop) in windows.items()
    }
    own = {name: _estimate(returns[name], valid.horizons) for name in windows}
    sound = [parameters for parameters in own.values() if parameters is not None]
    filters = {}
    ratio = np.full(valid.outcome.shape, np.nan)
    for name, (start, stop) in windows.items():
        parameters = own[name] or _median_parameters(sound, returns[name])
        if own[name] is None and not _is_to_scale(parameters, returns[name], valid.horizons):
            parameters = _parameters_around(returns[name], **EXPONENTIAL)  # follows any level
        variance = parameters.variances(returns[name], first=_first(parameters, returns[name]))
        rows = np.arange(start, stop)
        if own[name] or not sound:  # outcomes over a guessed volatility would widen all others
            ratio[rows] = parameters.volatility(variance, valid.horizons) / valid.unit(rows)
        filters[name] = Filter(
            parameters=parameters,
            session=int(valid.origin[stop - 1].astype(np.int64)),
            variance=float(variance[-1]) or VOLATILITY_FLOOR**2,  # 0: nothing ever moved
        )
    return Garch(
        filters=filters,
        spread=pooled_quantiles(train, valid, ratio=ratio)
        if filters
        else np.zeros((len(valid.horizons), len(LEVELS))),  # nothing will be forecast
        failed=tuple(name for name in windows if own[name] is None),
    )


def _gjr(values: Sequence[float]) -> Gjr:
    return Gjr(**dict(zip(Gjr.__slots__, values, strict=True)))


def _symbol_at(samples: Samples, row: int) -> str:
    return samples.table.symbols[int(samples.table.symbol[row])]


def _fit_windows(samples: Samples) -> dict[str, tuple[int, int]]:
    """Rows [start, stop) to fit on by symbol: the end of its latest segment, where long enough."""
    latest = {
        _symbol_at(samples, start): (start, stop)
        for start, stop in samples.segments.tolist()
        if stop > start
    }
    return {
        name: (max(start, stop - FIT_RETURNS - 1), stop)
        for name, (start, stop) in latest.items()
        if stop - start >= MINIMUM_SESSIONS
    }


def _is_to_scale(parameters: Gjr, returns: Floats, horizons: Sequence[int]) -> bool:
    """Whether forecasts of the last year are of the size of the trailing volatility by then.

    The likelihood has optima far off, as after a jump into a peg. A median, for one crash is not.
    """
    last = slice(-SCALE_SESSIONS, None)
    shocks = returns - returns[last].mean()  # not the parameters' mu, which may be absurd as well
    trailing = volatility(np.exp(np.cumsum(np.append(0.0, shocks))))
    variance = parameters.variances(returns, first=_first(parameters, returns))
    expected = parameters.volatility(variance[last], horizons) / np.sqrt(horizons)
    ratio = np.median(expected / trailing[last, None], axis=0)
    return bool(((ratio > SCALE_BOUNDS[0]) & (ratio < SCALE_BOUNDS[1])).all())


def _estimate(returns: Floats, horizons: Sequence[int]) -> Gjr | None:
    """The likelier of what arch's own start and a typical one lead to; None if neither serves.

    From one start alone the optimiser stalls in one of two hundred fits, which ones depends on the
    processor.
    """
    import arch.univariate  # noqa: F401 -- brings a library whose threads are held below

    # the optimiser turns the last bit of a return, which a dividend's rescaling or another
    # processor's logarithm may change, into the sixth digit of a parameter: rounded, it does not;
    # nor do the threads of linear algebra, held to one
    seen = np.round(100 * returns, FIT_DECIMALS)
    per_cent = np.array([100.0, 100.0**2, 1.0, 1.0, 1.0, 1.0])
    typical = np.array(astuple(_parameters_around(returns, **TYPICAL))) * per_cent
    with warnings.catch_warnings(), one_thread():
        warnings.simplefilter("ignore")  # of steps merely tried: the result is judged instead
        optima = [maximum_likelihood(seen, start=start) for start in (None, typical)]
    if optima[1].log_likelihood > optima[0].log_likelihood + LIKELIER:
        optima.reverse()
    for optimum in optima:
        estimate = _gjr((optimum.parameters / per_cent).tolist())
        is_found = optimum.is_converged and estimate.is_sound(returns)
        if is_found and _is_sized(estimate, returns, horizons):
            return estimate
    return None


def _is_sized(parameters: Gjr, returns: Floats, horizons: Sequence[int]) -> bool:
    """Whether forecasts are of the size of the returns over the whole fit, and in its last year.

    Where closes repeat, the likelihood has no maximum: what the optimiser then stops at may imply
    several times the deviation of the sample.
    """
    first = _first(parameters, returns)
    is_as_wide = parameters.has_size_of(returns, first=first, horizons=horizons)
    return is_as_wide and _is_to_scale(parameters, returns, horizons)


def _median_parameters(sound: Sequence[Gjr], returns: Floats) -> Gjr:
    """Median parameters of the sound fits; without any, those of an EWMA."""
    if not sound:
        return _parameters_around(returns, **EXPONENTIAL)
    _, _, alpha, gamma, beta, nu = np.median([astuple(each) for each in sound], axis=0).tolist()
    return _parameters_around(returns, alpha=alpha, gamma=gamma, beta=beta, nu=nu)


def _parameters_around(
    returns: Floats, *, alpha: float, gamma: float, beta: float, nu: float
) -> Gjr:
    """These dynamics around the mean and variance of `returns`."""
    variance = max(float(returns.var()), VOLATILITY_FLOOR**2)
    omega = variance * max(1 - (alpha + gamma / 2 + beta), 0.0)
    return Gjr(mu=float(returns.mean()), omega=omega, alpha=alpha, gamma=gamma, beta=beta, nu=nu)


def _first(parameters: Gjr, returns: Floats) -> float:
    """Variance of the first return, from a weighted mean of the first 75 squares, as arch has it.

    Looks ahead within the fit window, where everything is known; its weight has faded by its end.
    """
    early = (returns - returns.mean())[:BACKCAST_RETURNS] ** 2
    weights = BACKCAST_DECAY ** np.arange(len(early))
    backcast = float(np.sum(early * weights / weights.sum()))
    return parameters.omega + parameters.persistence * backcast


GARCH = Baseline(
    name="garch", fit_known=fit_garch, traits=Traits(fitted=Garch, replays=True, relative_cost=1)
)
