"""Walk-forward: fit on what was known, forecast what was not, for every fold, model and seed.

Two kinds of tasks, each a pure function of its arguments: a fit (fold x model x seed) and a
forecast (fold x model, from the fits of all its seeds). Who runs them is the mapper's business.
What stands on forecasts of earlier folds comes after them, fold by fold (`stacking.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import numpy as np
import polars as pl

from nextclose.backtesting.forecasts import (
    Forecast,
    forecast_frame,
    rising_quantiles,
    seed_losses,
)
from nextclose.backtesting.stacking import walk_hybrid
from nextclose.backtesting.study import Study, ready_rows
from nextclose.config import canonical_json
from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.features.news import NEWS
from nextclose.models.mixture import mixture_quantiles
from nextclose.models.protocol import Fitted, Model
from nextclose.models.registry import HYBRID, OURS, members_of
from nextclose.models.threads import one_thread
from nextclose.samples.samples import Samples, without_last_family
from nextclose.samples.splits import Fold, known_at, outsider_view
from nextclose.schema import LEVELS, Floats, Ints

Task = TypeVar("Task")
Result = TypeVar("Result")
Fits = dict[tuple[str, int], tuple[Fitted, ...]]
UNREADY_SCHEMA = {"model": pl.String(), "symbol": pl.String(), "origin": pl.Date()}
ForecastsByFold = dict[tuple[str, int], Forecast]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitTask:
    """One fit: which model, fold and seed; and whether it may read news, where there are any."""

    model: str
    fold: int
    seed_index: int
    reads_news: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastTask:
    """The forecasts of one model in one fold, from the fits of all its seeds.

    `reads_news`: as its fits did.
    """

    model: str
    fold: int
    members: tuple[Fitted, ...]
    reads_news: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Backtest:
    """Forecasts of every model on the same origins, and the fits they came from.

    `forecasts` is in `FORECAST_SCHEMA`. `fits[model, fold]` holds one Fitted per seed, `issued`
    what they forecast, nothing in a `Run` (`released`). `crossings[model]` counts quantile vectors
    that had to be sorted. `seeds` and `ablation` are in the schemas of these names; empty where
    there are none.
    `unready` names what a judged model had too little history for: model, symbol, origin.
    """

    study: Study
    forecasts: pl.DataFrame
    fits: Mapping[tuple[str, int], tuple[Fitted, ...]]
    issued: Mapping[tuple[str, int], Forecast]
    crossings: Mapping[str, int]
    seeds: pl.DataFrame
    ablation: pl.DataFrame
    unready: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=UNREADY_SCHEMA))

    def __repr__(self) -> str:
        return f"Backtest: {self.forecasts.height:,} forecasts of {len(self.fits):,} fits"


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


def backtest(study: Study, *, mapper: Mapper = serial) -> Backtest:
    """Fit and forecast every model of the study's settings in each of its folds."""
    fits, issued = run_tasks(study, fit_tasks(study), mapper)
    stack = walk_hybrid(
        study.samples,
        study.hybrid,
        study.folds,
        fits=fits,
        issued=issued,
        n_rehearsals=study.n_rehearsals,
    )
    issued.update(stack.issued)
    return Backtest(
        study=study,
        forecasts=_forecasts(study, issued),
        fits={**fits, **stack.fits},
        issued=issued,
        crossings={
            name: sum(
                forecast.crossings for (model, _), forecast in issued.items() if model == name
            )
            for name in study.config.backtest.models
        },
        seeds=_seed_losses(study, issued),
        ablation=stack.ablation,
        unready=_unready(study),
    )


def released(walked: Backtest) -> Backtest:
    """The same without what only fits and forecasts read: lessons of the folds, grids issued.

    With 100 symbols of ten years these are a gigabyte and a half, and the frame has the forecasts.
    """
    study = walked.study
    nothing = replace(study.samples, segments=np.empty((0, 2), dtype=np.int64))
    folds = tuple(replace(fold, train=nothing, valid=nothing) for fold in study.folds)
    return replace(walked, study=replace(study, folds=folds), issued={})


def run_tasks(
    study: Study, tasks: Sequence[FitTask], mapper: Mapper
) -> tuple[Fits, ForecastsByFold]:
    """The fits of the tasks, one per seed by model and fold, and the forecasts made from them."""
    fits: Fits = {}
    for task, fitted in zip(tasks, mapper(fit, study, tasks), strict=True):
        fits[task.model, task.fold] = (*fits.get((task.model, task.fold), ()), fitted)
    reads_news = {(task.model, task.fold): task.reads_news for task in tasks}
    forecast_tasks = [
        ForecastTask(model=model, fold=fold, members=members, reads_news=reads_news[model, fold])
        for (model, fold), members in fits.items()
    ]
    results = zip(forecast_tasks, mapper(forecast, study, forecast_tasks), strict=True)
    return fits, {(task.model, task.fold): result for task, result in results}


@dataclass(frozen=True, slots=True)
class NotFitted:
    """What stands for a yardstick that had too little to learn from: it forecasts nothing."""

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """NaN. Shape (row, horizon, level)."""
        return np.full((len(rows), len(samples.horizons), len(LEVELS)), np.nan)


def fit(study: Study, task: FitTask) -> Fitted:
    """Run one fit task; a yardstick that nobody asked for may lack what it needs."""
    try:
        return _fitted(study, task)
    except NotEnoughDataError:
        if task.model not in study.spare:
            raise
        return NotFitted()


def _fitted(study: Study, task: FitTask) -> Fitted:
    model = study.model(task.model)
    fold = study.folds[task.fold]
    seed = seed_of(model, fold, study.samples.horizons, seed_index=task.seed_index)
    train, valid = fold.train, fold.valid
    if not task.reads_news:
        train, valid = (without_last_family(part, NEWS) for part in (train, valid))
    if model.name not in OURS:
        train = outsider_view(train, known_at=fold.valid_from)
        valid = outsider_view(valid, known_at=fold.fitted_at)
    with one_thread():
        fitted = model.fit(train, valid, seed)
    kind = model.traits.fitted
    if kind is not None and type(fitted) is not kind:
        raise ConfigError(
            f"model {model.name!r}: fit gave a {type(fitted).__name__}, its traits say "
            f"{kind.__name__}. Fix: name in Traits(fitted=...) what fit returns."
        )
    return fitted


def forecast(study: Study, task: ForecastTask) -> Forecast:
    """Run one forecast task; its model sees no bar after the fold's last origin."""
    rows = study.folds[task.fold].test_rows
    then = known_at(study.samples, study.samples.origin[rows].max()) if len(rows) else study.samples
    if not task.reads_news:
        then = without_last_family(then, NEWS)
    if task.model not in OURS:
        then = outsider_view(then, known_at=study.folds[task.fold].fitted_at)
    is_ready = ready_rows(study.samples, study.model(task.model))[rows]
    grids_and_crossings = [
        rising_quantiles(fitted, then, rows[is_ready]) for fitted in task.members
    ]
    shape = (len(task.members), len(rows), len(then.horizons), len(LEVELS))
    grids = np.full(shape, np.nan)  # (seed, row, horizon, level)
    grids[:, is_ready] = [grid for grid, _ in grids_and_crossings]
    return Forecast(
        rows=rows,
        grid=mixture_quantiles(grids),
        seeds=grids if len(grids) > 1 else grids[:0],
        crossings=sum(crossings for _, crossings in grids_and_crossings),
    )


def _forecasts(study: Study, issued: Mapping[tuple[str, int], Forecast]) -> pl.DataFrame:
    """The forecasts of the judged models in the tested folds, in `FORECAST_SCHEMA`."""
    judged = {
        key: forecast
        for key, forecast in issued.items()
        if key[0] in study.judged and key[1] >= study.n_rehearsals
    }
    by_model = []
    for name in sorted({model for model, _ in judged}):  # one at a time: sorting copies
        frames = [
            forecast_frame(
                study.samples,
                forecast.rows,
                forecast.grid * study.samples.unit(forecast.rows)[:, :, None],
                model=model,
                fold=fold - study.n_rehearsals,
            )
            for (model, fold), forecast in judged.items()
            if model == name
        ]
        by_model.append(pl.concat(frames).sort("symbol", "horizon_sessions", "origin"))
    return pl.concat(by_model)


def _unready(study: Study) -> pl.DataFrame:
    """Tested origins for which a judged model has too little history, in `UNREADY_SCHEMA`."""
    samples, models = study.samples, study.models
    rows = np.concatenate([fold.test_rows for fold in study.folds[study.n_rehearsals :]])
    parts = [pl.DataFrame(schema=UNREADY_SCHEMA)]
    for name in study.judged:
        missing = rows[~ready_rows(samples, models[name])[rows]]
        symbols = np.array(samples.table.symbols)[samples.table.symbol[missing]]
        columns = {"symbol": symbols.tolist(), "origin": samples.origin[missing]}
        parts.append(
            pl.DataFrame({"model": [name] * len(missing), **columns}, schema=UNREADY_SCHEMA)
        )
    return pl.concat(parts)


def _seed_losses(study: Study, issued: Mapping[tuple[str, int], Forecast]) -> pl.DataFrame:
    """What single seeds would have lost in the tested folds, in `SEED_SCHEMA`."""
    parts = [
        seed_losses(
            study.samples,
            [
                forecast
                for (model, fold), forecast in issued.items()
                if model == name and fold >= study.n_rehearsals
            ],
            model=name,
        )
        for name in study.config.backtest.models
    ]
    return pl.concat(parts)


def seed_of(model: Model, fold: Fold, horizons: Sequence[int], *, seed_index: int) -> int:
    """A seed in [0, 2**31) that depends on what is fitted, never on order, clock or later bars."""
    what = {
        "model": model.name,
        "config": dict(model.traits.settings),
        "horizons": list(horizons),
        "valid_from": str(fold.valid_from),
        "fitted_at": str(fold.fitted_at),
        "seed_index": seed_index,
    }
    digest = hashlib.sha256(canonical_json(what).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def fit_tasks(study: Study) -> list[FitTask]:
    """Fits of all models of the study; those of the hybrid's members begin with the rehearsals."""
    plan, models = study.config.backtest, study.models
    members = members_of(models)
    tasks = []
    for name, model in models.items():
        if name == HYBRID:
            continue
        folds = study.folds
        if name not in members:  # a member is needed in every fold
            folds = folds[study.n_rehearsals :][-plan.last_folds.get(name, len(folds)) :]
        tasks += [
            FitTask(model=name, fold=fold.index, seed_index=index)
            for fold in folds
            for index in range(model.traits.n_seeds)
        ]
    # the slow ones first, so that the last worker is not left alone with one
    return sorted(tasks, key=lambda task: -models[task.model].traits.relative_cost)
