"""[shell] The stages in one call: bars in; a backtest with its verdict, or a bundle, out."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from nextclose.backtest import walk_forward as walk
from nextclose.config import DataConfig, RunConfig, canonical_json, config_hash
from nextclose.data.bars import latest_segments, with_short_symbols
from nextclose.data.finding_counts import finding_counts, policies_in_force
from nextclose.errors import ConfigError
from nextclose.evaluation.breakdowns.ablation import Ablation, ablations
from nextclose.evaluation.breakdowns.news import NewsWorth, beside_without_news, leading, news_worth
from nextclose.evaluation.verdict.verdict import VerdictRow, plain, verdict_document, verdicts
from nextclose.execution import InTurn, Processes, Progress, Remembered, code_fingerprint, silent
from nextclose.features.market import MARKET_NAMES
from nextclose.features.masks import MASKS
from nextclose.features.table import FAMILIES, make_table
from nextclose.models.protocol import Fitted
from nextclose.models.registry import (
    NEWS_READERS,
    SERVABLE,
    STACKED,
    forecaster_named,
    members_of,
    model_named,
    readers_of,
    restored,
)
from nextclose.samples.samples import make_samples
from nextclose.samples.splits import sessions_of
from nextclose.schema import Bars
from nextclose.serving.bundle import Bundle, Manifest, write_bundle
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
        found = verdict_document(self.verdict, run=run_facts(self)) | {"hybrid": plain(hybrid)}
        return found | ({"news": plain([asdict(part) for part in self.news])} if self.news else {})


def backtest(
    bars: Bars,
    *,
    config: RunConfig | None = None,
    workers: int = 1,
    progress: Progress = silent,
    memory: Path | None = None,
) -> Run:
    """Walk forward over `bars` and judge every model of the settings.

    `workers` processes share the tasks (1: none is started); finished fits are kept in `memory`
    and found there by a later run of the same settings and bars. Bars with news are walked twice:
    the second time what reads news is fitted without them.
    Raises: ConfigError, DataError or NotEnoughDataError, each with its cure.
    """
    settings = _on_best_device(config or RunConfig())
    sound = with_short_symbols(bars, needed=needed_sessions(settings))
    study = _study(sound, settings)
    has_news = sound.news is not None
    walked = _walked(
        study, sound, twice=has_news, workers=workers, progress=progress, memory=memory
    )
    return Run(
        bars=sound,
        config=settings,
        backtest=walked,
        verdict=verdicts(walked.forecasts, seeds=walked.seeds),
        ablation=ablations(walked.ablation, walked.forecasts),
        news=news_worth(walked.ablation, model=leading(settings)) if has_news else (),
    )


def train(
    bars: Bars,
    folder: str | Path,
    *,
    config: RunConfig | None = None,
    model: str = "hybrid",
    workers: int = 1,
    progress: Progress = silent,
) -> Manifest:
    """Fit `model` on all of `bars` and write a bundle into `folder`.

    Raises: as `backtest`; OutputError if the bundle cannot be written.
    """
    if model not in SERVABLE:
        raise ConfigError(
            f"{model!r} cannot be served from a bundle: its forecast needs a symbol's whole past, "
            f"or is for comparison only. Fix: choose from {', '.join(SERVABLE)}.",
        )
    settings = _on_best_device(_only(model, config or RunConfig()))
    sound = with_short_symbols(bars, needed=needed_sessions(settings))
    study = _study(sound, settings, only_now=True)
    walked = _walked(study, sound, workers=workers, progress=progress, memory=None)
    fold = study.folds[-1]
    fits = walked.fits[model, fold.index]
    fitted = fits[0] if model in STACKED else model_named(model, settings).combine(fits)
    needed = needed_sessions(settings)
    served = restored(model, fitted.state())  # as a reader will have it
    market = sound.symbols if reads_market(fitted) else ()
    news = settings.news if sound.news is not None else None
    manifest = Manifest(
        format=1,
        model=model,
        horizons=study.samples.horizons,
        features=study.samples.table.names,
        min_rows=needed,
        data=settled_data(config.data if config else DataConfig(), bars),
        basis=sound.basis,
        fitted_at=str(fold.fitted_at),
        valid_from=str(fold.valid_from),
        symbols=_learnt_from(sound, needed=needed),
        market=market,
        news=news,
        scorer=sound.news.scorer if sound.news is not None else "",
        data_fingerprint=sound.fingerprint,
        findings=finding_counts(sound.findings),
        versions=versions(),
        files={},
    )
    golden = golden_example(served, sound, manifest)
    return write_bundle(Path(folder), Bundle(manifest=manifest, fitted=fitted, golden=golden))


def settled_data(config: DataConfig, bars: Bars) -> DataConfig:
    """The `[data]` settings for later bars: with what the files decided, without what was theirs.

    A table of splits and a date in the past belong to the prices that were learnt from.
    """
    own = {"splits": None, "as_of": None}
    return DataConfig.model_validate(config.model_dump() | dict(bars.settled) | own)


def reads_market(fitted: Fitted) -> bool:
    """Whether a forecast depends on the moves of other symbols."""
    return MARKET_NAMES[0] in canonical_json(dict(fitted.state().facts))


def _learnt_from(bars: Bars, *, needed: int) -> tuple[str, ...]:
    """Symbols with a full forecast at the fit; one that is too short is new to the bundle later."""
    counts = latest_segments(bars.frame).group_by("symbol").len().filter(pl.col("len") >= needed)
    return tuple(counts["symbol"].sort())


def needed_sessions(config: RunConfig) -> int:
    """Sessions of one symbol that every model of the settings needs for one forecast."""
    models = [forecaster_named(name, config) for name in config.backtest.models]
    return max(
        max(column.lookback_sessions for column in FAMILIES[model.family].columns)
        + model.context_sessions
        for model in models
    )


def served_rows(config: RunConfig, *, model: str = "hybrid") -> int:
    """Bars of a symbol that one forecast of a bundle needs."""
    return needed_sessions(_only(model, config))


def run_facts(run: Run) -> dict[str, Any]:
    """What somebody needs to do the run again, as JSON values."""
    study, news = run.backtest.study, run.bars.news
    heard = {} if news is None else {"news": {"items": len(news.frame), "scorer": news.scorer}}
    return heard | {
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


def _study(bars: Bars, config: RunConfig, *, only_now: bool = False) -> walk.Study:
    if bars.news is not None and not readers_of(config):
        raise ConfigError(
            f"news are given, but {' and '.join(config.backtest.models)} would not read them. "
            f"Fix: add {' or '.join(NEWS_READERS)}, or leave the news out.",
            section="backtest",
            key="models",
        )
    families = {forecaster_named(name, config).family for name in config.backtest.models}
    if config.features.masks or config.data.fill is not None:
        families.add(MASKS)
    table = make_table(
        bars,
        families=sorted(families | {"stationary"}, reverse=True),
        market=config.features.market,
        news=config.news if bars.news is not None else None,
    )
    samples = make_samples(table, horizons=config.backtest.horizons)
    if only_now:
        today = sessions_of(samples)[-1].astype(object)
        plan = config.backtest.model_copy(update={"test_from": today, "last_folds": {}})
        config = config.model_copy(update={"backtest": plan})
    return walk.make_study(samples, config)


def _only(model: str, config: RunConfig) -> RunConfig:
    """The settings with one model."""
    plan = config.backtest.model_copy(update={"models": (model,)})
    return config.model_copy(update={"backtest": plan})


def _on_best_device(config: RunConfig) -> RunConfig:
    """The settings with the networks on a GPU where there is one and a network is asked for."""
    if not {"lstm", "classic"} & {*config.backtest.models, *members_of(config)}:
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
        if memory is not None:
            code = canonical_json([code_fingerprint(), versions()])
            columns = [part.model_dump() for part in (study.config.features, study.config.news)]
            data = canonical_json([bars.fingerprint, *columns])
            mapper = Remembered(mapper, memory, data=data, code=code)
        walked = walk.backtest(study, mapper=mapper)
        return beside_without_news(walked, mapper=mapper) if twice else walked
