"""[shell] A whole backtest in one call: bars in, forecasts and the verdict on them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nextclose.arguments import named_arguments, refuse_other
from nextclose.backtesting import walk_forward as walk
from nextclose.config import RunConfig
from nextclose.data.segments import with_short_symbols
from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.evaluation.breakdowns.ablation import ablations
from nextclose.evaluation.breakdowns.news import news_worth, shown_reader
from nextclose.evaluation.breakdowns.training import overlaps
from nextclose.evaluation.scores.foreign_metrics import NO_METRICS
from nextclose.evaluation.scores.scores import check_metrics, scores_of
from nextclose.evaluation.verdict.lead import lead_of
from nextclose.evaluation.verdict.overlap import with_overlaps
from nextclose.evaluation.verdict.verdict import Verdicts, verdict_rows
from nextclose.execution.in_turn import Progress, silent
from nextclose.features.columns import Feature
from nextclose.metrics import Metric
from nextclose.models.lstm.lstm import LSTM_SILENCE
from nextclose.models.protocol import Model
from nextclose.results import Run as Run
from nextclose.schema import Bars
from nextclose.studies import (
    bars_of_caller,
    chosen_settings,
    fit_for_short_histories,
    least_sessions,
    needed_sessions,
    study_of,
    walk_study,
)


@named_arguments(RunConfig)
def backtest(
    bars: Bars | Any,
    *,
    models: Sequence[str | Model] | None = None,
    features: Mapping[str, Feature] | None = None,
    metrics: Mapping[str, Metric] = NO_METRICS,
    horizons: int | Sequence[int] | None = None,
    config: RunConfig | None = None,
    workers: int = 1,
    progress: Progress = silent,
    memory: str | Path | None = None,
) -> Run:
    """Walk forward over `bars`, or a data frame of them, and judge every model of the settings.

    `models` and `horizons` stand for those of `config`; a model is a name, or an object of your
    own. Drift, the historical simulations and garch run beside them to measure them with: of those
    that were not asked for only forecasts are kept. `features` are columns and `metrics` losses of
    your own, by name (docs/extending.md).
    `workers` processes share the tasks (1: none is started); finished fits are kept in `memory`
    and found there by a later run that would fit the same. Bars with news are walked twice:
    the second time what reads news is fitted without them.
    Raises: ConfigError, DataError or NotEnoughDataError, each with its cure.
    """
    bars = bars_of_caller(bars, config)
    refuse_other(workers, int, argument="workers", fix="give a number of processes, as workers=2")
    memory_fix = 'give a folder, as memory="runs/memory"'
    refuse_other(memory, (str, Path), argument="memory", fix=memory_fix, is_optional=True)
    check_metrics(metrics)
    settings, plugins = chosen_settings(config, models=models, horizons=horizons, features=features)
    long_enough = with_short_symbols(
        bars, needed=needed_sessions(settings, plugins), least=least_sessions(settings, plugins)
    )
    settings = fit_for_short_histories(bars, settings, plugins)
    study = study_of(long_enough, settings, plugins)
    walked = walk_study(
        study, workers=workers, progress=progress, memory=None if memory is None else Path(memory)
    )
    walked = walk.released(walked)
    _refuse_silent(walked)
    scores = scores_of(
        walked.forecasts, seeds=walked.seeds, metrics=metrics, unready=walked.unready
    )
    rows, listed = verdict_rows(scores.panels), settings.backtest.models
    return Run(
        bars=long_enough,
        config=study.config,
        backtest=walked,
        scores=scores,
        verdict=Verdicts(
            with_overlaps((row for row in rows if row.model in listed), overlaps(walked))
        ),
        lead=lead_of(rows, listed=listed),
        ablation=ablations(walked.ablation, scores),
        news=news_worth(walked.ablation, model=shown_reader(study))
        if bars.news is not None
        else (),
    )


def _refuse_silent(walked: walk.Backtest) -> None:
    """Raise ConfigError for a model of the user's own that made no forecast at all.

    NotEnoughDataError if none of the models made one: lstm has no edition that is old enough.
    """
    plan = walked.study.config.backtest
    issued = {*walked.forecasts["model"].unique()}
    asked = {own.name for own in walked.study.plugins} & {*plan.models}
    for name in sorted(asked - issued):
        raise ConfigError(
            f"model {name!r} made no forecast: a quantile of each is NaN or infinite. "
            "Fix: give finite quantiles, or leave the model out."
        )
    if issued.isdisjoint(plan.models):
        raise NotEnoughDataError(
            f"{' and '.join(plan.models)} made no forecast. {LSTM_SILENCE}", needed=1, found=0
        )
