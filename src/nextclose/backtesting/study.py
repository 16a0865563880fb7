"""What every task of one backtest reads: samples, settings, folds and models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nextclose.config import RunConfig
from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.formatting import quantity
from nextclose.models.hybrid.hybrid import Hybrid
from nextclose.models.lstm.lstm import Lstm
from nextclose.models.protocol import Forecaster, Model
from nextclose.models.registry import (
    HYBRID,
    LSTM,
    Models,
    members_of,
    model_named,
    models_of,
)
from nextclose.samples.refits import refit_session
from nextclose.samples.samples import Samples
from nextclose.samples.splits import Fold, walk_forward
from nextclose.schema import Bools, Dates

FIRST_ORIGINS = 252  # that every model can forecast and learn from before the first rehearsal


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Study:
    """What every task of one backtest reads: samples, settings, folds."""

    samples: Samples
    config: RunConfig
    folds: tuple[Fold, ...]
    n_rehearsals: int = 0  # folds before the test: forecast, learnt from, not judged
    plugins: tuple[Model, ...] = ()  # models of the settings that are not ours
    yardsticks: tuple[str, ...] = ()  # run beside those of the settings, to measure them with
    lstm: Lstm | None = None  # with its editions as they were read when the study was made

    def __repr__(self) -> str:
        n_folds = quantity(len(self.folds), "fold")
        return f"Study: {n_folds} of {', '.join(self.judged)}; {self.samples!r}"

    @property
    def models(self) -> Models:
        """The models of the settings, the hybrid's members, and the yardsticks."""
        models = models_of(self.config, self.plugins)
        return {**{name: self.model(name) for name in self.yardsticks}, **models}

    @property
    def judged(self) -> tuple[str, ...]:
        """Models whose forecasts are scored: those of the settings, and the yardsticks."""
        return (*self.config.backtest.models, *self.yardsticks)

    @property
    def spare(self) -> frozenset[str]:
        """Yardsticks that nothing else needs: one that cannot be fitted is done without."""
        return frozenset(self.yardsticks) - {*members_of(models_of(self.config, self.plugins))}

    @property
    def hybrid(self) -> Hybrid | None:
        """The hybrid, if it is among the models of the settings."""
        hybrid = self.models.get(HYBRID)
        return hybrid if isinstance(hybrid, Hybrid) else None

    def model(self, name: str) -> Model:
        """The model of that name, which is fitted on samples alone.

        A file of an edition may be written anew while a study is walked: `lstm` reads none again,
        so that all fits are of those that their keys name.
        """
        if name == LSTM and self.lstm is not None:
            return self.lstm
        return model_named(name, self.config, self.plugins)


def make_study(
    samples: Samples,
    config: RunConfig,
    *,
    plugins: Sequence[Model] = (),
    yardsticks: Sequence[str] = (),
) -> Study:
    """The folds of the run; test origins are those that any model of the run can forecast.

    `plugins` are the models of the settings that are not ours; `yardsticks` run beside them. Each
    forecasts at those origins what it has the history for.
    Without a `test_from` the test begins with the refit that the calendar puts before the last
    `test_sessions`, or before the second half of what there is; its settings say which one it was.
    Raises: ConfigError for an unknown model; NotEnoughDataError if no origin is left to test.
    """
    plan, models = config.backtest, models_of(config, plugins)
    _refuse_partial_members(config, models)
    ready = np.stack([ready_rows(samples, models[name]) for name in plan.models])
    origins = np.unique(samples.origin[ready.all(axis=0)])
    if len(origins) < 2:
        raise NotEnoughDataError(
            f"{len(origins)} sessions have the history that every model needs; at least 2 are "
            "needed to learn and to test. Fix: give more history.",
            needed=2,
            found=len(origins),
        )
    test_from = first_tested(samples, config, origins)
    folds = walk_forward(
        samples,
        test_from=test_from,
        refit_sessions=plan.refit_sessions,
        n_rehearsals=_n_rehearsals(config, origins[origins < test_from]),
    )
    folds = tuple(fold.restricted(np.asarray(ready.any(axis=0))) for fold in folds)
    n_rehearsals = sum(bool(fold.fitted_at < test_from) for fold in folds)
    if not any(len(fold.test_rows) for fold in folds[n_rehearsals:]):
        raise NotEnoughDataError(
            f"no origin from {test_from} on has the history that a model needs. "
            "Fix: give more history, or a later test_from.",
            needed=1,
            found=0,
        )
    plan = plan.model_copy(update={"test_from": test_from.astype(object)})
    lstm = models.get(LSTM)
    return Study(
        samples=samples,
        config=config.model_copy(update={"backtest": plan}),
        folds=folds,
        n_rehearsals=n_rehearsals,
        plugins=tuple(plugins),
        yardsticks=tuple(name for name in yardsticks if name not in plan.models),
        lstm=lstm if isinstance(lstm, Lstm) else None,
    )


def ready_rows(samples: Samples, model: Forecaster) -> Bools:
    """Rows that have the history which one forecast of the model needs. Shape (row,)."""
    traits = model.traits
    return samples.ready(traits.family, context_sessions=traits.context_sessions)


def first_tested(samples: Samples, config: RunConfig, origins: Dates) -> np.datetime64:
    """The first day of the test; `origins` are those that every model can forecast.

    A third of them at the least stay before it to learn from.
    """
    plan = config.backtest
    if plan.test_from is not None:
        return np.datetime64(plan.test_from, "D")
    return refit_session(
        samples,
        earliest=origins[len(origins) // 3],
        latest=origins[-min(plan.test_sessions, len(origins) // 2)],
        refit_sessions=plan.refit_sessions,
    )


def _refuse_partial_members(config: RunConfig, models: Models) -> None:
    """The hybrid needs every fold of its members, and is made in every fold."""
    whole = {*members_of(models), HYBRID} if HYBRID in models else set()
    for name in sorted(whole & set(config.backtest.last_folds)):
        raise ConfigError(
            f"[backtest] last_folds: {name!r} is part of the hybrid, which needs every fold. "
            "Fix: leave it out of last_folds, or the hybrid out of models.",
            section="backtest",
            key="last_folds",
        )


def _n_rehearsals(config: RunConfig, before: Dates) -> int:
    """Folds that fit before the test, if anything learns from them: a year of origins stays first.

    `before` are the origins before the test that every model can forecast. Three times the longest
    horizon stays, if that is more: it must resolve on both sides of the validation border.
    """
    plan = config.backtest
    if HYBRID not in plan.models:
        return 0
    spare = len(before) - max(FIRST_ORIGINS, 3 * max(plan.horizons))
    return max(min(plan.rehearsal_sessions, spare) // plan.refit_sessions, 0)
