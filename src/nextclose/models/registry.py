"""Every model by name: ours, those of installed packages, and objects that are handed over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import date
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Any

from nextclose.config import RunConfig, canonical_json
from nextclose.errors import ConfigError
from nextclose.libraries import library_errors
from nextclose.models import baselines
from nextclose.models.hybrid.hybrid import Hybrid
from nextclose.models.lstm.editions import editions_at
from nextclose.models.lstm.lstm import Lstm
from nextclose.models.protocol import Forecaster, Model, Traits
from nextclose.models.state import State, fact, names_in
from nextclose.models.volatility.garch import GARCH

GROUP = "nextclose.models"  # entry points of installed packages: a model, or what makes one
BASELINES: Mapping[str, Model] = {
    model.name: model
    for model in (
        baselines.NAIVE,
        baselines.DRIFT,
        baselines.HS_250,
        baselines.HS_EXPANDING,
        baselines.EWMA,
        baselines.HAR,
        GARCH,
        baselines.LOGHAR,
    )
}
# What a verdict measures every model with, beside "no change": they run whether asked for or not.
COMPARED_WITH = ("drift", "hs_250", "hs_expanding", "garch")
LSTM = "lstm"  # forecasts the shortest histories
HYBRID = "hybrid"  # learns from what others issued, not from samples alone
COLOUR = re.compile("#[0-9a-fA-F]{6}")
OURS = (*BASELINES, "trees", "lstm", HYBRID, "classic")
UNSERVABLE = ("naive", "drift", "hs_250", "hs_expanding", "classic")
SERVABLE = tuple(name for name in OURS if name not in UNSERVABLE)  # their traits say the same
# Simplest first: the fewest parts, the least that is learnt.
SIMPLICITY = (
    *("naive", "hs_expanding", "hs_250", "drift", "ewma", "har", "garch"),
    *("loghar", "trees", "lstm", "classic", HYBRID),
)

Models = Mapping[str, Forecaster]


def model_named(name: str, config: RunConfig, plugins: Iterable[Model] = ()) -> Model:
    """The model of that name with its part of the settings.

    Raises: ConfigError naming the nearest model, or saying what is wrong with one that is not ours.
    """
    for plugin in plugins:
        if plugin.name == name:
            return plugin
    if name in BASELINES:
        return BASELINES[name]
    if name == "trees":
        from nextclose.models.trees.trees import Trees

        return Trees(settings=config.trees)
    if name == "lstm":
        named = config.lstm.editions
        editions = editions_at(named) if named else None
        return Lstm(editions=editions, fine_tune=config.lstm.fine_tune)
    if name == "classic":
        with library_errors("torch", needed_by=name):
            from nextclose.models.classic.classic import Classic

        return Classic(settings=config.classic)
    return _installed_model(name)


def hybrid_of(config: RunConfig, plugins: Iterable[Model] = ()) -> Hybrid:
    """The hybrid of the settings' members.

    Raises: ConfigError for a member that is no model or makes no range forecasts.
    """
    plugins = tuple(plugins)
    models = {}
    for name in config.hybrid.members:
        is_model = name != HYBRID and (is_known(name) or name in {own.name for own in plugins})
        model = model_named(name, config, plugins) if is_model else None
        if model is None or not model.traits.is_member:
            raise ConfigError(
                f"[hybrid] members: {name!r} cannot take part: no model of that name is known or "
                "handed over (models=[...]), or it forecasts no ranges. Fix: hand it over, or "
                "choose models such as loghar, garch, trees or lstm.",
                section="hybrid",
                key="members",
            )
        models[name] = model
    return Hybrid(settings=config.hybrid, models=models, outsiders=outsiders(models))


def models_of(config: RunConfig, plugins: Sequence[Model] = ()) -> Models:
    """The models of the settings by name, the hybrid's members behind them.

    `plugins` are objects for names that are not ours.
    Raises: ConfigError for an unknown name, or an object that is no model.
    """
    for plugin in plugins:
        check_plugin(plugin)
    if len({plugin.name for plugin in plugins}) < len(plugins):
        raise ConfigError("two models have the same name. Fix: rename one of them.")
    models: dict[str, Forecaster] = {
        name: hybrid_of(config, plugins) if name == HYBRID else model_named(name, config, plugins)
        for name in config.backtest.models
    }
    return {**models, **{name: m for name, m in members_of(models).items() if name not in models}}


def members_of(models: Models) -> Mapping[str, Model]:
    """Models that must be fitted because the hybrid is among those given."""
    hybrid = models.get(HYBRID)
    return hybrid.models if isinstance(hybrid, Hybrid) else {}


def news_readers(models: Models) -> tuple[str, ...]:
    """Models that read news, the hybrid's members among them."""
    return tuple(name for name, model in models.items() if model.traits.reads_news)


def simplest_first(names: Iterable[str]) -> tuple[str, ...]:
    """Ours by `SIMPLICITY`, the outsiders behind them in their order."""
    names = tuple(names)
    return (*(name for name in SIMPLICITY if name in names), *outsiders(names))


def outsiders(names: Iterable[str]) -> tuple[str, ...]:
    """Those that are not ours: handed over, or of installed packages."""
    return tuple(name for name in names if name not in OURS)


def model_of_state(name: str, state: State, plugins: Sequence[Model] = ()) -> Forecaster:
    """The model of that name that can restore `state`, with the settings that it names itself.

    Raises: ConfigError for an unknown model or member; ValueError for a state that is not one.
    """
    config = RunConfig()
    if name == HYBRID:
        return hybrid_of(_settings_in(state), plugins)
    return model_named(name, config, plugins)


def _settings_in(state: State) -> RunConfig:
    """The settings that a hybrid's state names: its members."""
    pairs = fact(state.facts, "members", kind=list)
    names = names_in({"members": [name for name, _ in pairs]}, "members")
    config = RunConfig()
    hybrid = config.hybrid.model_copy(update={"members": names})
    return config.model_copy(update={"hybrid": hybrid})


def is_known(name: str) -> bool:
    """Whether a model of that name is ours or installed; nothing is loaded."""
    return name in OURS or name in installed_names()


def installed_names() -> tuple[str, ...]:
    """Names of models that installed packages offer."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)} - {*OURS}))


def check_plugin(model: Any) -> None:
    """Refuse what is no model, or takes a name of ours.

    Raises: ConfigError saying what is missing.
    """
    if isinstance(model, type):
        raise ConfigError(f"{model.__name__} is a class. Fix: give an object: {model.__name__}().")
    name = getattr(model, "name", None)
    if not isinstance(name, str) or not name.isidentifier():
        raise ConfigError(
            f"{type(model).__name__} is no model: its name is {name!r}. "
            'Fix: give it a name of letters, digits and _, as in name = "mine".',
        )
    if name in OURS:
        raise ConfigError(f"{name!r} is a model of nextclose. Fix: give yours another name.")
    if not isinstance(getattr(model, "traits", None), Traits):
        raise ConfigError(f"model {name!r} has no traits. Fix: traits = nextclose.Traits().")
    if model.traits.colours is not None and not _is_colour_pair(model.traits.colours):
        raise ConfigError(
            f"model {name!r} has the colours {model.traits.colours!r}. "
            'Fix: give two as #rrggbb, for a light and a dark page, as in ("#4555c8", "#9aa5ff").'
        )
    if not callable(getattr(model, "fit", None)):
        raise ConfigError(f"model {name!r} has no method fit(train, valid, seed). Fix: write it.")
    for trait, fault in _trait_faults(model.traits):
        raise ConfigError(f"model {name!r}: Traits({trait}=...) is {fault}. Fix: correct it.")


def _trait_faults(traits: Traits) -> Iterator[tuple[str, str]]:
    """Traits that cannot be, and why."""
    for trait in ("context_sessions", "n_seeds"):
        value = getattr(traits, trait)
        if type(value) is not int or value < 1:
            yield trait, f"{value!r}, not a whole number from 1 on"
    if traits.family not in ("stationary", "classic"):
        yield "family", f"{traits.family!r}, not 'stationary' or 'classic'"
    if not isinstance(traits.relative_cost, int):
        yield "relative_cost", f"{traits.relative_cost!r}, not a whole number"
    if traits.taught_until != "" and not _is_day(traits.taught_until):
        yield "taught_until", f"{traits.taught_until!r:.60}, not a date as '2012-10-31'"
    if traits.fitted is not None and not (
        isinstance(traits.fitted, type) and is_dataclass(traits.fitted)
    ):
        yield "fitted", f"{traits.fitted!r}, not a dataclass"
    try:
        canonical_json(dict(traits.settings))
    except (TypeError, ValueError) as error:
        yield "settings", f"not plain JSON values ({error})"


def _is_day(text: Any) -> bool:
    """Whether it is a date as we write it."""
    try:
        return isinstance(text, str) and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_colour_pair(colours: Any) -> bool:
    """Whether it is two texts like #4555c8, which a style sheet may hold as they stand."""
    return (
        isinstance(colours, tuple)
        and len(colours) == 2
        and all(isinstance(one, str) and COLOUR.fullmatch(one) for one in colours)
    )


def _installed_model(name: str) -> Model:
    """The model that an installed package offers under that name, made if it must be."""
    points = tuple(entry_points(group=GROUP, name=name))
    if not points:
        raise unknown_model(name)
    if len(points) > 1:
        raise ConfigError(
            f"{len(points)} installed packages offer a model {name!r}: "
            f"{', '.join(point.value for point in points)}. Fix: remove all but one of them."
        )
    (point,) = points
    try:
        offered = point.load()
        model = offered() if isinstance(offered, type) or not hasattr(offered, "fit") else offered
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ConfigError(
            f"the installed model {name!r} ({point.value}) cannot be loaded: {reason}. "
            "Fix: mend or remove that package."
        ) from error
    check_plugin(model)
    if model.name != name:
        raise ConfigError(
            f"the installed model {name!r} calls itself {model.name!r}. Fix: mend that package."
        )
    checked: Model = model
    return checked


def unknown_model(name: str) -> ConfigError:
    """The error that names the nearest model."""
    names = (*OURS, *installed_names())
    nearest = get_close_matches(name, names, n=1, cutoff=0.0)[0]
    return ConfigError(
        f"{name!r} is not a model; the nearest is {nearest!r}. Models: {', '.join(names)}.",
        section="backtest",
        key="models",
    )
