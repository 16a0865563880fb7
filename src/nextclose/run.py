"""[shell] The stages in one call: bars in; a backtest with its verdict, or a bundle, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from nextclose.backtest import walk_forward as walk
from nextclose.config import DataConfig, RunConfig, canonical_json, config_hash, replaced
from nextclose.data.bars import latest_segments, with_short_symbols_named
from nextclose.data.finding_counts import finding_counts, policies_in_force
from nextclose.errors import ConfigError
from nextclose.evaluation.breakdowns.ablation import Ablation, ablations
from nextclose.evaluation.breakdowns.news import NewsWorth, beside_without_news, leading, news_worth
from nextclose.evaluation.verdict.document import plain, verdict_document
from nextclose.evaluation.verdict.verdict import VerdictRow, verdicts
from nextclose.execution import InTurn, Processes, Progress, Remembered, code_fingerprint, silent
from nextclose.features.columns import Feature
from nextclose.features.market import MARKET_NAMES
from nextclose.features.masks import MASKS
from nextclose.features.table import MAIN, NO_FEATURES, lookback_sessions, make_table
from nextclose.models.mixture import combine_seeds, restored
from nextclose.models.protocol import Forecaster, Model
from nextclose.models.registry import (
    HYBRID,
    OURS,
    SERVABLE,
    check_plugin,
    model_of_state,
    models_of,
    news_readers,
)
from nextclose.models.state import State, encode_state
from nextclose.samples.samples import make_samples
from nextclose.samples.splits import sessions_of
from nextclose.schema import Bars
from nextclose.serving.bundle import FORMAT, Bundle, Manifest, write_bundle
from nextclose.serving.golden import golden_example

PACKAGES = ("nextclose", "numpy", "polars", "torch", "arch", "scipy", "ta-lib")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished backtest: bars, settings, forecasts and the verdict on them."""

    bars: Bars
    config: RunConfig
    backtest: walk.Backtest
    verdict: tuple[VerdictRow, ...]
    ablation: tuple[Ablation, ...] = ()  # what the hybrid gains over its variants, by horizon
    news: tuple[NewsWorth, ...] = ()  # what news were worth, by horizon; empty without any

    @property
    def forecasts(self) -> pl.DataFrame:
        """Every forecast with its outcome, in `FORECAST_SCHEMA`."""
        return self.backtest.forecasts

    @property
    def document(self) -> dict[str, Any]:
        """What `verdict.json` holds: the verdict, and what the hybrid is made of and worth."""
        hybrid = {
            "weights": self.backtest.weights.cast({"fitted_at": pl.String}).to_dicts(),
            "ablation": [asdict(part) for part in self.ablation],
        }
        document = verdict_document(self.verdict, run=run_facts(self)) | {"hybrid": plain(hybrid)}
        return document | (
            {"news": plain([asdict(part) for part in self.news])} if self.news else {}
        )


def backtest(
    bars: Bars,
    *,
    models: Sequence[str | Model] | None = None,
    features: Mapping[str, Feature] = NO_FEATURES,
    horizons: Sequence[int] | None = None,
    config: RunConfig | None = None,
    workers: int = 1,
    progress: Progress = silent,
    memory: Path | None = None,
) -> Run:
    """Walk forward over `bars` and judge every model of the settings.

    `models` and `horizons` stand for those of `config`; a model is a name, or an object of your
    own. `features` are columns of your own, by name (docs/extending.md).
    `workers` processes share the tasks (1: none is started); finished fits are kept in `memory`
    and found there by a later run of the same settings and bars. Bars with news are walked twice:
    the second time what reads news is fitted without them.
    Raises: ConfigError, DataError or NotEnoughDataError, each with its cure.
    """
    chosen, plugins = _chosen(config or RunConfig(), models, horizons)
    settings = _on_best_device(chosen)
    needed = needed_sessions(settings, plugins=plugins, features=features)
    sound = with_short_symbols_named(bars, needed=needed)
    study = _study(sound, settings, plugins=plugins, features=features)
    has_news = sound.news is not None
    walked = _walked(
        study,
        sound,
        features,
        twice=has_news,
        workers=workers,
        progress=progress,
        memory=memory,
    )
    return Run(
        bars=sound,
        config=settings,
        backtest=walked,
        verdict=verdicts(walked.forecasts, seeds=walked.seeds),
        ablation=ablations(walked.ablation, walked.forecasts),
        news=news_worth(walked.ablation, model=leading(study)) if has_news else (),
    )


def train(
    bars: Bars,
    folder: str | Path,
    *,
    config: RunConfig | None = None,
    model: str | Model = "hybrid",
    features: Mapping[str, Feature] = NO_FEATURES,
    workers: int = 1,
    progress: Progress = silent,
) -> Manifest:
    """Fit `model` on all of `bars` and write a bundle into `folder`.

    A model or features of your own are not in the bundle: `load_bundle` is given them again.
    Raises: as `backtest`; OutputError if the bundle cannot be written.
    """
    chosen, plugins = _chosen(config or RunConfig(), (model,), None)
    (name,) = chosen.backtest.models
    forecaster = models_of(chosen, plugins)[name]
    _refuse_unservable(forecaster)
    settings = _on_best_device(chosen)
    needed = needed_sessions(settings, plugins=plugins, features=features)
    sound = with_short_symbols_named(bars, needed=needed)
    study = _study(sound, settings, plugins=plugins, features=features, only_now=True)
    walked = _walked(study, sound, features, workers=workers, progress=progress, memory=None)
    fold = study.folds[-1]
    fitted = combine_seeds(study.models[name], walked.fits[name, fold.index])
    state = encode_state(fitted)
    served = restored(model_of_state(name, state, plugins), state)  # as a reader will have it
    manifest = Manifest(
        format=FORMAT,
        model=name,
        horizons=study.samples.horizons,
        features=study.samples.table.names,
        own=tuple(features),
        min_rows=needed,
        data=settled_data(config.data if config else DataConfig(), bars),
        basis=sound.basis,
        fitted_at=str(fold.fitted_at),
        valid_from=str(fold.valid_from),
        symbols=_learnt_from(sound, needed=needed),
        market=sound.symbols if reads_market(state) else (),
        news=settings.news if sound.news is not None else None,
        scorer=sound.news.scorer if sound.news is not None else "",
        data_fingerprint=sound.fingerprint,
        findings=finding_counts(sound.findings),
        versions=versions(),
        files={},
    )
    golden = golden_example(served, sound, manifest, features)
    bundle = Bundle(
        manifest=manifest,
        fitted=fitted,
        golden=golden,
        replays=forecaster.traits.replays,
        features=features,
    )
    return write_bundle(Path(folder), bundle)


def _chosen(
    config: RunConfig, models: Sequence[str | Model] | None, horizons: Sequence[int] | None
) -> tuple[RunConfig, tuple[Model, ...]]:
    """The settings with these models and horizons, and the models among them that are objects."""
    asked = () if models is None else tuple(models)
    plugins = tuple(model for model in asked if not isinstance(model, str))
    for plugin in plugins:
        check_plugin(plugin)
    names = [model if isinstance(model, str) else model.name for model in asked]
    plan = config.backtest.model_dump()
    plan |= {"models": tuple(names)} if models is not None else {}
    plan |= {"horizons": tuple(horizons)} if horizons is not None else {}
    return replaced(config, backtest=plan), plugins


def _refuse_unservable(model: Forecaster) -> None:
    """Raise ConfigError for a model that cannot be put into a bundle."""
    if model.name in OURS and not model.traits.is_servable:
        raise ConfigError(
            f"{model.name!r} cannot be served from a bundle: its forecast needs a symbol's whole "
            f"past, or is for comparison only. Fix: choose from {', '.join(SERVABLE)}.",
        )
    if not model.traits.is_servable or model.traits.fitted is None:
        raise ConfigError(
            f"{model.name!r} cannot be put into a bundle: its traits name no class of its fits, "
            "or say that it is not servable. Fix: Traits(fitted=CLASS), a frozen dataclass.",
        )


def settled_data(config: DataConfig, bars: Bars) -> DataConfig:
    """The `[data]` settings for later bars: with what the files decided, without what was theirs.

    A table of splits and a date in the past belong to the prices that were learnt from.
    """
    own = {"splits": None, "as_of": None}
    return DataConfig.model_validate(config.model_dump() | dict(bars.settled) | own)


def reads_market(state: State) -> bool:
    """Whether a forecast depends on the moves of other symbols."""
    return MARKET_NAMES[0] in canonical_json(dict(state.facts))


def _learnt_from(bars: Bars, *, needed: int) -> tuple[str, ...]:
    """Symbols with a full forecast at the fit; one that is too short is new to the bundle later."""
    counts = latest_segments(bars.frame).group_by("symbol").len().filter(pl.col("len") >= needed)
    return tuple(counts["symbol"].sort())


def needed_sessions(
    config: RunConfig,
    *,
    plugins: Sequence[Model] = (),
    features: Mapping[str, Feature] = NO_FEATURES,
) -> int:
    """Sessions of one symbol that every model of the settings needs for one forecast."""
    models = models_of(config, plugins)
    return max(
        lookback_sessions(traits.family, features) + traits.context_sessions
        for traits in (models[name].traits for name in config.backtest.models)
    )


def served_rows(config: RunConfig, *, model: str = "hybrid") -> int:
    """Bars of a symbol that one forecast of a bundle needs."""
    return needed_sessions(_chosen(config, (model,), None)[0])


def run_facts(run: Run) -> dict[str, Any]:
    """What somebody needs to do the run again, as JSON values."""
    study, news = run.backtest.study, run.bars.news
    news_facts = {} if news is None else {"news": {"items": len(news.frame), "scorer": news.scorer}}
    return news_facts | {
        "config": run.config.model_dump(mode="json"),
        "config_hash": config_hash(run.config),
        "data_fingerprint": run.bars.fingerprint,
        "basis": run.bars.basis,
        "symbols": list(run.bars.symbols),
        "findings": finding_counts(run.bars.findings),
        "policies": policies_in_force(run.config.data),
        "folds": [
            {"valid_from": str(fold.valid_from), "fitted_at": str(fold.fitted_at)}
            for fold in study.folds
        ],
        "crossings": dict(run.backtest.crossings),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of the packages that decide the numbers."""
    return {name: version(name) for name in PACKAGES}


def _study(
    bars: Bars,
    config: RunConfig,
    *,
    plugins: Sequence[Model],
    features: Mapping[str, Feature],
    only_now: bool = False,
) -> walk.Study:
    models = models_of(config, plugins)
    if bars.news is not None and not news_readers(models):
        raise ConfigError(
            f"news are given, but {' and '.join(config.backtest.models)} would not read them. "
            "Fix: add lstm or trees, or leave the news out.",
            section="backtest",
            key="models",
        )
    families = {models[name].traits.family for name in config.backtest.models}
    if config.features.masks or config.data.fill is not None:
        families.add(MASKS)
    table = make_table(
        bars,
        families=sorted(families | {MAIN}, reverse=True),
        own=features,
        market=config.features.market,
        news=config.news if bars.news is not None else None,
    )
    samples = make_samples(table, horizons=config.backtest.horizons)
    if only_now:
        today = sessions_of(samples)[-1].astype(object)
        plan = config.backtest.model_copy(update={"test_from": today, "last_folds": {}})
        config = config.model_copy(update={"backtest": plan})
    return walk.make_study(samples, config, plugins=plugins)


def _on_best_device(config: RunConfig) -> RunConfig:
    """The settings with the networks on a GPU where there is one and a network is asked for."""
    members = config.hybrid.members if HYBRID in config.backtest.models else ()
    if not {"lstm", "classic"} & {*config.backtest.models, *members}:
        return config
    from nextclose.models.device import best_device

    device = {"device": best_device()}
    return config.model_copy(
        update={
            "lstm": config.lstm.model_copy(update=device),
            "classic": config.classic.model_copy(update=device),
        }
    )


def _walked(
    study: walk.Study,
    bars: Bars,
    features: Mapping[str, Feature],
    *,
    workers: int,
    progress: Progress,
    memory: Path | None,
    twice: bool = False,
) -> walk.Backtest:
    """The study walked, `twice` if also without news. Features are part of what `memory` knows."""
    if study.config.lstm.device == "cuda":
        workers = 1  # processes would only queue for the one GPU
    with Processes(workers, progress=progress) if workers > 1 else nullcontext() as pool:
        mapper: walk.Mapper = pool or InTurn(progress=progress)
        if memory is not None and all(feature.version for feature in features.values()):
            code = canonical_json([code_fingerprint(), versions()])
            columns = [part.model_dump() for part in (study.config.features, study.config.news)]
            own = {name: [f.version, f.lookback_sessions] for name, f in features.items()}
            data = canonical_json([bars.fingerprint, *columns, own])
            mapper = Remembered(mapper, memory, data=data, code=code)
        walked = walk.backtest(study, mapper=mapper)
        return beside_without_news(walked, mapper=mapper) if twice else walked
