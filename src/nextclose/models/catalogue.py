"""Every model by name; the one place that knows which module a name lives in."""

from __future__ import annotations

from difflib import get_close_matches

from nextclose.config import RunConfig
from nextclose.errors import ConfigError
from nextclose.models import baselines
from nextclose.models.protocol import Model

BASELINES: dict[str, Model] = {
    model.name: model
    for model in (
        baselines.NAIVE,
        baselines.DRIFT,
        baselines.HS_250,
        baselines.HS_EXPANDING,
        baselines.EWMA,
        baselines.HAR,
    )
}
NAMES = (*BASELINES, "lstm", "classic")

# Models whose forecast is a pure function of a fixed number of rows: only they can be served from
# the tail of a file and give what the backtest gave.
SERVABLE = ("ewma", "har", "lstm")


def model_named(name: str, config: RunConfig) -> Model:
    """The model of that name with its part of the settings.

    Raises: ConfigError naming the nearest model.
    """
    if name in BASELINES:
        return BASELINES[name]
    if name == "lstm":
        from nextclose.models.lstm import Lstm  # torch takes a second to import

        return Lstm(settings=config.lstm)
    if name == "classic":
        from nextclose.models.classic import Classic

        return Classic(settings=config.classic)
    raise unknown_model(name)


def unknown_model(name: str) -> ConfigError:
    """The error that names the nearest model."""
    nearest = get_close_matches(name, NAMES, n=1, cutoff=0.0)[0]
    return ConfigError(
        f"{name!r} is not a model; the nearest is {nearest!r}. Models: {', '.join(NAMES)}.",
        section="backtest",
        key="models",
    )
