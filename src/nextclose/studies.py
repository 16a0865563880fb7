"""[shell] From bars and settings to a study, and who carries it out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from nextclose.arguments import refuse_other, sessions_ahead
from nextclose.backtesting import walk_forward as walk
from nextclose.backtesting.study import Study, make_study
from nextclose.config import RunConfig, canonical_json, with_sections
from nextclose.data.segments import segment_lengths, with_short_symbols
from nextclose.data.sources.frames import given_bars
from nextclose.errors import ConfigError
from nextclose.evaluation.breakdowns.news import with_news_ablation
from nextclose.execution.in_turn import InTurn, Progress
from nextclose.execution.memory import Remembered, code_fingerprint
from nextclose.execution.processes import Processes
from nextclose.features.columns import Feature, check_features
from nextclose.features.masks import MASKS
from nextclose.features.news import NEWS
from nextclose.features.table import MAIN, NO_FEATURES, lookback_sessions, make_table
from nextclose.libraries import require
from nextclose.models.lstm.lstm import LONGEST
from nextclose.models.protocol import Model
from nextclose.models.registry import (
    COMPARED_WITH,
    HYBRID,
    LSTM,
    check_plugin,
    models_of,
    news_readers,
)
from nextclose.samples.samples import make_samples
from nextclose.samples.splits import sessions_of
from nextclose.schema import Bars
from nextclose.serving.versions import versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugins:
    """Parts of the user's own: models, and columns of the table by name."""

    models: tuple[Model, ...] = ()
    features: Mapping[str, Feature] = field(default_factory=dict)


NONE = Plugins()
# model -> what its fits import that not every installation has
NEEDED_LIBRARIES = {"classic": ("torch", "talib"), "trees": ("xgboost",)}


def bars_of_caller(bars: Any, config: RunConfig | None) -> Bars:
    """The bars, or a data frame read as the settings say; anything else is refused with a cure."""
    _refuse_other_config(config)
    return given_bars(bars, config=(config or RunConfig()).data)


def _refuse_other_config(config: object) -> None:
    fix = 'give RunConfig(...), or parse_config(TEXT, path="run.toml")'
    refuse_other(config, RunConfig, argument="config", fix=fix, is_optional=True)


def chosen_settings(
    config: RunConfig | None,
    *,
    models: Sequence[str | Model] | None = None,
    horizons: int | Sequence[int] | None = None,
    features: Mapping[str, Feature] | None = None,
    members: Sequence[Model] = (),
) -> tuple[RunConfig, Plugins]:
    """The settings with these models and horizons on the best device, and what is not ours.

    `members` are models of the user's own that only the hybrid is asked about.
    Raises: ConfigError for an object that is no model, or a bad value.
    """
    _refuse_other_config(config)
    ahead = sessions_ahead(horizons)
    if isinstance(models, str) or hasattr(models, "fit"):
        models = (cast("str | Model", models),)
    settings, asked = config or RunConfig(), tuple(models or ())
    own_features = NO_FEATURES if features is None else features
    check_features(own_features, taken=())
    own = (*(model for model in asked if not isinstance(model, str)), *members)
    for model in own:
        check_plugin(model)
    plan = settings.backtest.model_dump()
    if models is not None:
        plan["models"] = tuple(m if isinstance(m, str) else m.name for m in asked)
    if ahead is not None:
        plan["horizons"] = ahead
    settings = with_sections(settings, backtest=plan)
    check_libraries(settings)
    return _on_best_device(settings), Plugins(models=own, features=dict(own_features))


def check_libraries(config: RunConfig) -> None:
    """Import what fits of the settings' models, the hybrid's members among them, cannot do without.

    Raises: LibraryError naming the first library that cannot be had, and the extra that has it.
    """
    names = fitted_models(config)
    for name in names:
        for library in NEEDED_LIBRARIES.get(name, ()):
            require(library, needed_by=name)
    if LSTM in names and config.lstm.fine_tune:
        require("torch", needed_by="lstm, fine-tuned")


def fitted_models(config: RunConfig) -> tuple[str, ...]:
    """Names of the settings' models, the hybrid's members behind them."""
    names = config.backtest.models
    return (*names, *config.hybrid.members) if HYBRID in names else names


def needed_sessions(config: RunConfig, plugins: Plugins = NONE) -> int:
    """Sessions of one symbol that every model of the settings needs for one forecast.

    With `[lstm] fine_tune` those that own columns look back on too: a last layer reads them.
    """
    models = models_of(config, plugins.models)
    asked = [models[name].traits for name in config.backtest.models]
    needed = [
        lookback_sessions(traits.family, plugins.features) + traits.context_sessions
        for traits in asked
    ]
    if config.lstm.fine_tune and LSTM in models:
        needed += [feature.lookback_sessions + 1 for feature in plugins.features.values()]
    return max(needed)


def least_sessions(config: RunConfig, plugins: Plugins = NONE) -> int:
    """Sessions of one symbol that `lstm` needs, if it is a model of the settings or a member.

    Without it: what every model needs.
    """
    model = models_of(config, plugins.models).get(LSTM)
    if model is None:
        return needed_sessions(config, plugins)
    return lookback_sessions(model.traits.family) + model.traits.context_sessions


def fit_for_short_histories(bars: Bars, config: RunConfig, plugins: Plugins = NONE) -> RunConfig:
    """The settings with `lstm` as the one model where no history is long enough for another.

    Others of the settings must be ours: who asks for a model of their own is told that it is too
    short.
    """
    longest = int(segment_lengths(bars)["len"].max() or 0)  # type: ignore[arg-type]
    if plugins.models or longest >= needed_sessions(config, plugins):
        return config
    if longest < least_sessions(config, plugins) or LSTM not in models_of(config):
        return config
    return with_sections(config, backtest=config.backtest.model_dump() | {"models": (LSTM,)})


def with_young_symbols(bars: Bars, config: RunConfig, plugins: Plugins = NONE) -> Bars:
    """The same rows, with a warning for each symbol too short for a bundle of the settings' model.

    Raises: NotEnoughDataError if all are: there is nothing to train on.
    """
    needed = needed_sessions(config, plugins)
    with_short_symbols(bars, needed=needed)
    return with_short_symbols(bars, needed=needed, least=least_sessions(config, plugins))


def served_rows(config: RunConfig, *, model: str = "hybrid") -> int:
    """Bars of a symbol that one forecast of a bundle needs."""
    settings, plugins = chosen_settings(config, models=(model,))
    return needed_sessions(settings, plugins)


def study_of(bars: Bars, config: RunConfig, plugins: Plugins, *, only_now: bool = False) -> Study:
    """The study of these bars: their table, samples and folds; `only_now`: one fit, on all.

    Raises: ConfigError for news that nobody reads; NotEnoughDataError.
    """
    models = models_of(config, plugins.models)
    _refuse_untaught(config)
    if bars.news is not None and not news_readers(models):
        raise ConfigError(
            f"news are given, but {' and '.join(config.backtest.models)} would not read them. "
            f"Fix: {_news_cure(config, names=tuple(models))}, or leave the news out.",
            section="backtest",
            key="models",
        )
    families = {model.traits.family for model in models.values()}
    if config.features.masks or config.data.fill is not None:
        families.add(MASKS)
    table = make_table(
        bars,
        families=sorted(families | {MAIN}, reverse=True),
        own=plugins.features,
        market=config.features.market,
        news=config.news if bars.news is not None else None,
    )
    samples = make_samples(table, horizons=config.backtest.horizons)
    if only_now:
        today = sessions_of(samples)[-1].astype(object)
        plan = config.backtest.model_copy(update={"test_from": today, "last_folds": {}})
        config = config.model_copy(update={"backtest": plan})
    yardsticks = () if only_now else COMPARED_WITH
    return make_study(samples, config, plugins=plugins.models, yardsticks=yardsticks)


def _news_cure(config: RunConfig, *, names: Sequence[str]) -> str:
    """What makes one of the models, the hybrid's members among `names`, read news."""
    members = ", ".join(f'"{name}"' for name in (*config.hybrid.members, "trees"))
    add = f"[hybrid] members = [{members}]" if HYBRID in names else "choose the model trees"
    return f"{add}, or [lstm] fine_tune = true" if LSTM in names else add


def untaught_horizons(config: RunConfig) -> tuple[int, ...]:
    """Horizons of the settings that `lstm`, a model of them or a member, was not taught."""
    names = fitted_models(config)
    beyond = tuple(horizon for horizon in config.backtest.horizons if horizon > LONGEST)
    return beyond if LSTM in names else ()


def _refuse_untaught(config: RunConfig) -> None:
    """Raise ConfigError for horizons beyond what `lstm` was taught, where it is the only model."""
    beyond = untaught_horizons(config)
    if beyond and {*config.backtest.models} == {LSTM}:
        raise ConfigError(
            f"lstm was taught 1 to {LONGEST} sessions ahead, not {', '.join(map(str, beyond))}. "
            "Fix: leave these horizons out, or add a model such as loghar.",
            section="backtest",
            key="horizons",
        )


def _on_best_device(config: RunConfig) -> RunConfig:
    """The settings with the tutorial's network on a GPU where there is one and it is asked for."""
    if "classic" not in fitted_models(config):
        return config
    from nextclose.models.device import best_device

    device = {"device": best_device()}
    return config.model_copy(update={"classic": config.classic.model_copy(update=device)})


def walk_study(
    study: Study,
    *,
    workers: int,
    progress: Progress,
    memory: Path | None = None,
) -> walk.Backtest:
    """Fit and forecast all of the study; with news a second time without them.

    Finished fits are kept in `memory`, found by all that they depend on.
    """
    if study.config.classic.device == "cuda":
        workers = 1  # processes would only queue for the one GPU
    with Processes(workers, progress=progress) if workers > 1 else nullcontext() as pool:
        mapper: walk.Mapper = pool or InTurn(progress=progress)
        if memory is not None:
            code = canonical_json([code_fingerprint(), versions()])
            mapper = Remembered(mapper, memory, code=code)
        walked = walk.backtest(study, mapper=mapper)
        has_news = NEWS in study.samples.table.families
        return with_news_ablation(walked, mapper=mapper) if has_news else walked


def public_settings(config: RunConfig) -> RunConfig:
    """The settings as a run folder shows them: of a file's full path its name alone."""
    editions = tuple(map(_public_path, config.lstm.editions))
    data, lstm = config.data, config.lstm.model_copy(update={"editions": editions})
    if data.splits:
        data = data.model_copy(update={"splits": _public_path(data.splits)})
    return config.model_copy(update={"data": data, "lstm": lstm})


def _public_path(path: str) -> str:
    """The path, or its name alone if it begins at a root, a home or a drive."""
    is_full = re.match(r"[/\\~]|[A-Za-z]:", path)
    return re.split(r"[/\\]", path)[-1] if is_full else path
