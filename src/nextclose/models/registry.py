"""Every model by name; the one place that knows which module a name lives in."""

from __future__ import annotations

from difflib import get_close_matches

from nextclose.config import LstmConfig, RunConfig, canonical_json
from nextclose.errors import ConfigError
from nextclose.models import baselines
from nextclose.models.hybrid.hybrid import Hybrid
from nextclose.models.protocol import Fitted, Forecaster, Model, State
from nextclose.models.state_checks import names_in
from nextclose.models.volatility.garch import GARCH

BASELINES: dict[str, Model] = {
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
STACKED = ("hybrid",)  # they learn from what others issued, not from samples alone
NAMES = (*BASELINES, "trees", "lstm", *STACKED, "classic")
NEWS_READERS = ("lstm", "trees")  # they read headlines, where the table has them

MEMBERS = ("ewma", "har", "garch", "loghar", "trees", "lstm")

# Models that can be served from the tail of a file and give what the backtest gave: their forecast
# is a pure function of a fixed number of rows, or of those and all since the fit.
SERVABLE = ("ewma", "har", "loghar", "garch", "trees", "lstm", "hybrid")
# Those that go on from the state of the day they were fitted on: bars must reach back to it.
REPLAYED = ("garch", "hybrid")


def model_named(name: str, config: RunConfig) -> Model:
    """The model of that name with its part of the settings.

    Raises: ConfigError naming the nearest model.
    """
    if name in BASELINES:
        return BASELINES[name]
    if name == "trees":
        from nextclose.models.trees.trees import Trees

        return Trees(settings=config.trees)
    if name == "lstm":
        from nextclose.models.lstm.lstm import Lstm  # torch takes a second to import

        return Lstm(settings=config.lstm)
    if name == "classic":
        from nextclose.models.classic.classic import Classic

        return Classic(settings=config.classic)
    raise unknown_model(name)


def hybrid_of(config: RunConfig) -> Hybrid:
    """The hybrid of the settings' members.

    Raises: ConfigError for a member that is no model or makes no range forecasts.
    """
    for name in config.hybrid.members:
        if name not in MEMBERS:
            raise ConfigError(
                f"[hybrid] members: {name!r} cannot take part; choose from {', '.join(MEMBERS)}.",
                section="hybrid",
                key="members",
            )
    models = {name: model_named(name, config) for name in config.hybrid.members}
    return Hybrid(settings=config.hybrid, models=models)


def forecaster_named(name: str, config: RunConfig) -> Forecaster:
    """Any model of that name, the hybrid too.

    Raises: ConfigError naming the nearest model.
    """
    return hybrid_of(config) if name in STACKED else model_named(name, config)


def restored(name: str, state: State) -> Fitted:
    """The Fitted of the model of that name that gave this state, with the settings it names itself.

    Raises: ConfigError for an unknown model or member; ValueError, KeyError or TypeError for a
        state that is not one of that model, or more than one.
    """
    config = _settings_in(state) if name in STACKED else RunConfig()
    fitted = forecaster_named(name, config).restore(state)
    _refuse_unlike(fitted.state(), state)
    return fitted


def _settings_in(state: State) -> RunConfig:
    """The settings that a hybrid's state names: its members, and the rows its networks read."""
    members, config = names_in(state.facts, "order"), RunConfig()
    if "lstm" in members:
        lstm = LstmConfig.model_validate(state.facts["members"]["lstm"]["settings"])
        config = config.model_copy(update={"lstm": lstm})
    hybrid = config.hybrid.model_copy(update={"members": members})
    return config.model_copy(update={"hybrid": hybrid})


def _refuse_unlike(again: State, given: State) -> None:
    """Raise ValueError unless the model would write down what it was made of, and nothing else."""
    unlike = sorted(set(again.arrays) ^ set(given.arrays))
    if unlike:
        raise ValueError(f"{unlike[0]} is not part of this model, or missing")
    if canonical_json(dict(again.facts)) != canonical_json(dict(given.facts)):
        raise ValueError("facts that this model would not state")


def members_of(config: RunConfig) -> tuple[str, ...]:
    """Models that must be fitted because the hybrid is among those of the settings."""
    return config.hybrid.members if set(STACKED) & set(config.backtest.models) else ()


def readers_of(config: RunConfig) -> tuple[str, ...]:
    """Models that read news: among the hybrid's members; without a hybrid, of the settings' own."""
    models = members_of(config) or config.backtest.models
    return tuple(name for name in NEWS_READERS if name in models)


def unknown_model(name: str) -> ConfigError:
    """The error that names the nearest model."""
    nearest = get_close_matches(name, NAMES, n=1, cutoff=0.0)[0]
    return ConfigError(
        f"{name!r} is not a model; the nearest is {nearest!r}. Models: {', '.join(NAMES)}.",
        section="backtest",
        key="models",
    )
