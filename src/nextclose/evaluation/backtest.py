"""Walk-forward: fit on what was known, forecast what was not, for every fold, model and seed.

Two kinds of tasks, each a pure function of its arguments: a fit (fold x model x seed) and a
forecast (fold x model, from the fits of all its seeds). Who runs them is the mapper's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import polars as pl

from nextclose.config import RunConfig, canonical_json
from nextclose.errors import NotEnoughDataError
from nextclose.models.catalogue import model_named
from nextclose.models.protocol import Fitted, Model
from nextclose.models.threads import one_thread
from nextclose.samples.samples import Samples
from nextclose.samples.splits import Fold, known_at, walk_forward
from nextclose.schema import FORECAST_SCHEMA, QUANTILE_COLUMNS, Floats, Ints

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What every task of one backtest reads: samples, settings, folds."""

    samples: Samples
    config: RunConfig
    folds: tuple[Fold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitTask:
    """One fit: which model, fold and seed."""

    model: str
    fold: int
    seed_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastTask:
    """The forecasts of one model in one fold, from the fits of all its seeds."""

    model: str
    fold: int
    members: tuple[Fitted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The forecast rows of one task and how many of its quantile vectors had to be sorted."""

    frame: pl.DataFrame
    crossings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Forecasts of every model on the same origins, and the fits they came from.

    `forecasts` is in `FORECAST_SCHEMA`. `fits[model, fold]` holds one Fitted per seed.
    `crossings[model]` counts quantile vectors that had to be sorted.
    """

    study: Study
    forecasts: pl.DataFrame
    fits: Mapping[tuple[str, int], tuple[Fitted, ...]]
    crossings: Mapping[str, int]


class Mapper(Protocol):
    """What runs tasks: `function(study, task)` for each task, results in task order."""

    def __call__(
        self, function: Callable[[Study, Task], Result], study: Study, tasks: Sequence[Task]
    ) -> Iterator[Result]:
        """Yield the results; an exception of a task is raised here."""
        ...


def serial(
    function: Callable[[Study, Task], Result], study: Study, tasks: Sequence[Task]
) -> Iterator[Result]:
    """The simplest mapper: one task after the other, in this process."""
    return (function(study, task) for task in tasks)


def make_study(samples: Samples, config: RunConfig) -> Study:
    """The folds of the run; test origins are those that every model of the run can forecast.

    Without a `test_from`, the last `test_sessions` are tested, at most half of what there is.
    Raises: ConfigError for an unknown model; NotEnoughDataError if no origin is left to test.
    """
    plan = config.backtest
    forecastable = np.ones(len(samples.origin), dtype=np.bool_)
    for name in plan.models:
        model = model_named(name, config)
        forecastable &= samples.ready(model.family, context_sessions=model.context_sessions)
    origins = np.unique(samples.origin[forecastable])
    if len(origins) < 2:
        raise NotEnoughDataError(
            f"{len(origins)} sessions have the history that every model needs; at least 2 are "
            "needed to learn and to test. Fix: give more history.",
            needed=2,
            found=len(origins),
        )
    test_from = (
        origins[-min(plan.test_sessions, len(origins) // 2)]
        if plan.test_from is None
        else np.datetime64(plan.test_from, "D")
    )
    folds = walk_forward(samples, test_from=test_from, refit_sessions=plan.refit_sessions)
    folds = tuple(fold.restricted(forecastable) for fold in folds)
    if not any(len(fold.test_rows) for fold in folds):
        raise NotEnoughDataError(
            f"no origin from {test_from} on has the history that every model needs. "
            "Fix: give more history, or a later test_from.",
            needed=1,
            found=0,
        )
    return Study(samples=samples, config=config, folds=folds)


def backtest(study: Study, *, mapper: Mapper = serial) -> Backtest:
    """Fit and forecast every model of the study's settings in each of its folds."""
    fit_tasks = _fit_tasks(study)
    fits: dict[tuple[str, int], tuple[Fitted, ...]] = {}
    for task, fitted in zip(fit_tasks, mapper(fit, study, fit_tasks), strict=True):
        fits[task.model, task.fold] = (*fits.get((task.model, task.fold), ()), fitted)
    forecast_tasks = [
        ForecastTask(model=model, fold=fold, members=members)
        for (model, fold), members in fits.items()
    ]
    forecasts = list(mapper(forecast, study, forecast_tasks))
    crossings = dict.fromkeys(study.config.backtest.models, 0)
    for forecast_task, result in zip(forecast_tasks, forecasts, strict=True):
        crossings[forecast_task.model] += result.crossings
    frame = pl.concat([result.frame for result in forecasts])
    return Backtest(
        study=study,
        forecasts=frame.sort("model", "symbol", "horizon_sessions", "origin"),
        fits=fits,
        crossings=crossings,
    )


def fit(study: Study, task: FitTask) -> Fitted:
    """Run one fit task."""
    model = model_named(task.model, study.config)
    fold = study.folds[task.fold]
    seed = seed_of(model, fold, study.samples.horizons, seed_index=task.seed_index)
    with one_thread():
        return model.fit(fold.train, fold.valid, seed)


def forecast(study: Study, task: ForecastTask) -> Forecast:
    """Run one forecast task; its model sees no bar after the fold's last origin."""
    fold = study.folds[task.fold]
    fitted = model_named(task.model, study.config).combine(task.members)
    rows = fold.test_rows
    if not len(rows):
        return Forecast(frame=pl.DataFrame(schema=FORECAST_SCHEMA), crossings=0)
    then = known_at(study.samples, study.samples.origin[rows].max())
    grid, crossings = log_quantiles(fitted, then, rows)
    frame = forecast_frame(study.samples, rows, grid, model=task.model, fold=task.fold)
    return Forecast(frame=frame, crossings=crossings)


def log_quantiles(fitted: Fitted, samples: Samples, rows: Ints) -> tuple[Floats, int]:
    """Rising log-return quantiles at `rows` (row, horizon, level), and how many had to be sorted.

    The one way from a model to a forecast: backtest and serving both go through it.
    """
    with one_thread():
        grid = fitted.quantiles(samples, rows) * samples.unit(rows)[:, :, None]
    rising = np.sort(grid, axis=2)
    crossed = (rising != grid) & ~np.isnan(grid)
    return rising, int(crossed.any(axis=2).sum())


def forecast_frame(
    samples: Samples, rows: Ints, grid: Floats, *, model: str, fold: int
) -> pl.DataFrame:
    """Log-return quantiles of shape (row, horizon, level) as rows of `FORECAST_SCHEMA`.

    A forecast with a NaN quantile was not made and gets no row.
    """
    symbols = np.array(samples.table.symbols)[samples.table.symbol[rows]]
    parts = []
    for k, horizon in enumerate(samples.horizons):
        outcome = samples.outcome[rows, k]
        columns: dict[str, Any] = {
            "symbol": symbols,
            "origin": samples.origin[rows],
            "horizon_sessions": np.full(len(rows), horizon, dtype=np.int32),
            "model": [model] * len(rows),
            "fold": np.full(len(rows), fold, dtype=np.int32),
            "resolved": samples.resolved[rows, k],
            "close": samples.table.close[rows],
            "target": outcome,
            **{name: grid[:, k, j] for j, name in enumerate(QUANTILE_COLUMNS)},
        }
        made = np.isfinite(grid[:, k]).all(axis=1)
        frame = pl.DataFrame(columns, schema=FORECAST_SCHEMA)
        parts.append(frame.filter(pl.Series(made)))
    return pl.concat(parts).with_columns(pl.col("target").fill_nan(None))


def seed_of(model: Model, fold: Fold, horizons: Sequence[int], *, seed_index: int) -> int:
    """A seed in [0, 2**31) that depends on what is fitted, never on order, clock or later bars."""
    what = {
        "model": model.name,
        "config": dict(model.config),
        "horizons": list(horizons),
        "valid_from": str(fold.valid_from),
        "fitted_at": str(fold.fitted_at),
        "seed_index": seed_index,
    }
    digest = hashlib.sha256(canonical_json(what).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _fit_tasks(study: Study) -> list[FitTask]:
    plan = study.config.backtest
    tasks = []
    for name in plan.models:
        model = model_named(name, study.config)
        n_folds = plan.last_folds.get(name, len(study.folds))
        for fold in study.folds[-n_folds:]:
            tasks += [
                FitTask(model=name, fold=fold.index, seed_index=index)
                for index in range(model.n_seeds)
            ]
    # the slow ones first, so that the last worker is not left alone with one
    return sorted(tasks, key=lambda task: SLOWEST_FIRST.get(task.model, len(SLOWEST_FIRST)))


SLOWEST_FIRST = {"classic": 0, "lstm": 1}
