"""[shell] From bars to a bundle: one fit on all that is known, fit to be served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from nextclose.arguments import named_arguments, refuse_other
from nextclose.backtesting.study import Study
from nextclose.config import DataConfig, RunConfig, canonical_json
from nextclose.data.finding_counts import finding_counts
from nextclose.data.left_out import left_out_symbols
from nextclose.data.segments import latest_segments
from nextclose.errors import ConfigError
from nextclose.execution.in_turn import Progress, silent
from nextclose.features.columns import Feature
from nextclose.features.market import MARKET_NAMES
from nextclose.features.table import MAIN
from nextclose.features.universal import FAMILY
from nextclose.folders import OpenFolder
from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.models.mixture import combine_seeds, restore_forecaster
from nextclose.models.protocol import Forecaster, Model
from nextclose.models.registry import OURS, SERVABLE, model_of_state, models_of
from nextclose.models.state import State
from nextclose.models.threads import one_thread
from nextclose.schema import Bars
from nextclose.serving.bundle import Bundle, bundle_folder, fill_bundle
from nextclose.serving.golden import golden_example, served_names
from nextclose.serving.manifest import FORMAT, PRIVATE, Manifest
from nextclose.serving.states import state_of, written_forecaster
from nextclose.serving.versions import versions
from nextclose.studies import (
    bars_of_caller,
    chosen_settings,
    needed_sessions,
    study_of,
    walk_study,
    with_young_symbols,
)


@named_arguments(RunConfig)
def train(
    bars: Bars | Any,
    folder: str | Path,
    *,
    config: RunConfig | None = None,
    model: str | Model = "hybrid",
    members: Sequence[Model] = (),
    features: Mapping[str, Feature] | None = None,
    workers: int = 1,
    progress: Progress = silent,
) -> Manifest:
    """Fit `model` on all of `bars` and write a bundle into `folder`, in the place of any there.

    Bars may be a data frame, as `frame_bars` reads it.
    `members` are models of your own that `[hybrid] members` names. Models and features of your own
    are not in the bundle: `load_bundle` is given them again.
    Raises: as `backtest`; OutputError if the bundle cannot be written, before any work; LockedError
        while another process writes there.
    """
    bars = bars_of_caller(bars, config)
    folder_fix = 'name the folder of the bundle, as "bundles/mine"'
    refuse_other(folder, (str, Path), argument="folder", fix=folder_fix)
    with bundle_folder(Path(folder)) as place:
        return train_into(
            place,
            bars,
            config=config,
            model=model,
            members=members,
            features=features,
            workers=workers,
            progress=progress,
        )


def train_into(
    place: OpenFolder,
    bars: Bars,
    *,
    config: RunConfig | None = None,
    model: str | Model = "hybrid",
    members: Sequence[Model] = (),
    features: Mapping[str, Feature] | None = None,
    workers: int = 1,
    progress: Progress = silent,
) -> Manifest:
    """As `train`, into a folder that is open."""
    settings, plugins = chosen_settings(config, models=(model,), features=features, members=members)
    (name,) = settings.backtest.models
    forecasters = models_of(settings, plugins.models)
    for asked in forecasters.values():  # of a hybrid its members as well
        _refuse_unservable(asked)
    needed = needed_sessions(settings, plugins)
    known = with_young_symbols(bars, settings, plugins)
    study = study_of(known, settings, plugins, only_now=True)
    walked = walk_study(study, workers=workers, progress=progress)
    fold = study.folds[-1]
    fitted = combine_seeds(walked.fits[name, fold.index])
    if isinstance(fitted, FittedHybrid):  # what has resolved by now counts, as in a backtest
        with one_thread():
            fitted = fitted.moved_on(study.samples)
    state = state_of(written_forecaster(study.models[name], fitted))
    reader = model_of_state(name, state, plugins.models)
    served = restore_forecaster(reader, state)  # as who loads the bundle will have it
    manifest = Manifest(
        format=FORMAT,
        model=name,
        horizons=study.samples.horizons,
        features=study.samples.table.names,
        own=tuple(plugins.features),
        min_rows=needed,
        data=settled_data(config.data if config else DataConfig(), bars),
        basis=known.basis,
        fitted_at=str(fold.fitted_at),
        valid_from=str(fold.valid_from),
        symbols=_symbols_at_fit(known, needed=needed),
        exchanges={name: code for name, code in known.exchanges.items() if code},
        market=known.symbols if reads_market(state, study) else (),
        news=settings.news if known.news is not None else None,
        scorer=known.news.scorer if known.news is not None else "",
        data_fingerprint=known.fingerprint,
        findings=finding_counts(known.findings),
        left_out=left_out_symbols(known.findings),
        versions=versions(),
        files={},
    )
    manifest = manifest.model_copy(
        update={"features": served_names(known, manifest, plugins.features)}
    )
    golden = golden_example(served, known, manifest, plugins.features)
    bundle = Bundle(
        manifest=manifest,
        fitted=fitted,
        golden=golden,
        replays=forecasters[name].traits.replays,
        features=plugins.features,
    )
    return fill_bundle(place, bundle)


def _refuse_unservable(model: Forecaster) -> None:
    """Raise ConfigError for a model that cannot be put into a bundle."""
    if model.name in OURS and not model.traits.is_servable:
        raise ConfigError(
            f"{model.name!r} cannot be served from a bundle: its forecast needs a symbol's whole "
            f"past, or is for comparison only. Fix: choose from {', '.join(SERVABLE)}.",
        )
    traits = model.traits
    if not traits.is_servable or traits.fitted is None or traits.family not in (MAIN, FAMILY):
        raise ConfigError(
            f"{model.name!r} cannot be put into a bundle: its traits name no class of its fits, "
            "another family, or say that it is not servable. Fix: Traits(fitted=CLASS), a frozen "
            "dataclass.",
        )


def settled_data(config: DataConfig, bars: Bars) -> DataConfig:
    """The `[data]` settings for later bars: with what the files decided, without what was theirs.

    A table of splits, a date in the past and leave to follow links belong to the prices that were
    learnt from.
    """
    return DataConfig.model_validate(config.model_dump() | dict(bars.settled) | PRIVATE)


def reads_market(state: State, study: Study) -> bool:
    """Whether a forecast may depend on the moves of other symbols.

    Ours name the columns they read; of others it is supposed wherever the table has them.
    """
    if MARKET_NAMES[0] not in study.samples.table.names:
        return False
    has_outsiders = not {*study.models} <= {*OURS}
    return has_outsiders or f'"{MARKET_NAMES[0]}"' in canonical_json(dict(state.facts))


def _symbols_at_fit(bars: Bars, *, needed: int) -> tuple[str, ...]:
    """Symbols with a full forecast at the fit; one that is too short is new to the bundle later."""
    counts = latest_segments(bars.frame).group_by("symbol").len().filter(pl.col("len") >= needed)
    return tuple(counts["symbol"].sort())
