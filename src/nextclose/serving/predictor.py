"""The next forecasts: a bundle meets bars it has not seen."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from nextclose.arguments import (
    named_arguments,
    refuse_other,
    sessions_ahead,
)
from nextclose.backtesting.forecasts import forecast_frame, log_quantiles
from nextclose.data.calendars.exchanges import exchanges_of
from nextclose.data.calendars.sessions import session_table
from nextclose.data.catalogue import Issue
from nextclose.data.segments import latest_segments
from nextclose.data.sources.frames import given_bars
from nextclose.errors import (
    ConfigError,
    LeakError,
    ServingWarning,
)
from nextclose.features.columns import Feature
from nextclose.features.table import NO_FEATURES
from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.models.lstm.lstm import LONGEST, FittedLstm
from nextclose.models.protocol import Model
from nextclose.samples.samples import Samples
from nextclose.schema import FORECAST_SCHEMA, HORIZONS, Bars, Ints
from nextclose.serving.bundle import Bundle, agreement, read_bundle, refusals
from nextclose.serving.forecasts import Forecasts
from nextclose.serving.golden import (
    golden_symbols,
    refuse_other_features,
    replay,
    samples_for,
)
from nextclose.serving.latest_bars import (
    latest_rows,
    segment_lengths,
    with_resolved,
)
from nextclose.serving.manifest import MANIFEST
from nextclose.serving.needed_bars import (
    first_days,
    refuse_unusable,
    rows_reaching_back,
)
from nextclose.serving.notices import notices_of
from nextclose.serving.versions import other_versions
from nextclose.serving.zero_shot import (
    LEAST_SESSIONS,
    NAME,
    reasons_unforecast,
    zero_shot_forecasts,
)


@named_arguments()
def load_bundle(
    folder: str | Path,
    *,
    models: Sequence[Model] = (),
    features: Mapping[str, Feature] = NO_FEATURES,
) -> Bundle:
    """The bundle in `folder`, checked and its golden forecasts replayed.

    `models` and `features` of your own that it was trained with are given again: it holds no code.
    Raises: BundleError if anything about it cannot be trusted.
    """
    folder_fix = 'name the folder of the bundle, as "bundles/mine"'
    refuse_other(folder, (str, Path), argument="folder", fix=folder_fix)
    path = Path(folder)
    bundle = read_bundle(path, models=models, features=features)
    with refusals(path / MANIFEST, expected="calendars that are published"):
        for exchange in {*bundle.manifest.exchanges.values()}:
            session_table(exchange)
    what = "parts that do not fit together"
    expected = "a model that gives its golden forecasts"
    with refusals(path, what=what, expected=expected), np.errstate(all="ignore"):
        refuse_other_features(bundle, path=str(path))
        symbols = golden_symbols(bundle.golden)
        stored, again = replay(bundle)
    others = other_versions(bundle.manifest.versions)
    agreement(path=path, symbols=symbols, expected=stored, replayed=again, versions=others)
    findings = (Issue.OTHER_VERSIONS.finding(others),) if others else ()
    return replace(bundle, findings=findings)


@named_arguments()
def predict(
    bundle: Bundle | Bars | Any = None,
    bars: Bars | Any = None,
    *,
    horizons: int | Sequence[int] | None = None,
    now: datetime | None = None,
) -> Forecasts:
    """Forecasts from the newest bar of each symbol: `.prices`, `.plot()`, `.frame`.

    Bars may be a data frame, as `frame_bars` reads it, or with a bundle as its training read it.
    Given alone, as in predict(bars), it needs no training: the universal network forecasts
    them at `horizons`, from each symbol's own bars (`zero_shot.py`). Those of a bundle are its own.

    `resolved` is the session of the symbol's exchange that will fix the outcome. A ServingWarning
    says which bars are old (`now` is the clock's unless it is given), which symbols the bundle has
    never learnt, and which of its own are missing.
    A symbol whose latest segment has fewer rows than one forecast needs gets none, nor does one
    whose bars end before the last session that the bundle has learnt from or that a hybrid's record
    of the symbol holds, nor one that it has learnt from whose bars do not reach back far enough, if
    garch or a model of your own goes on from the state of that session.
    Raises: DataError if a symbol's newest bar is incomplete, or its days are not of the calendar of
        its training; NotEnoughDataError if no symbol has the rows, or one is missing whose moves it
        reads; LeakError if all bars end too early; ConfigError if the bars lack the news that it
        reads, or have others.
    """
    if bars is None and not isinstance(bundle, Bundle):
        bundle, bars = None, bundle
    ahead = sessions_ahead(horizons)
    if bundle is None:
        bars = given_bars(bars)
        forecasts = zero_shot_forecasts(bars, horizons=HORIZONS if ahead is None else ahead)
        for symbol, reason in reasons_unforecast(bars, forecasts).items():
            warnings.warn(f"{symbol}: no forecast; {reason}", ServingWarning, stacklevel=3)
    else:
        bundle_fix = "load it with load_bundle(FOLDER), or give bars alone"
        refuse_other(bundle, Bundle, argument="bundle", fix=bundle_fix)
        assert isinstance(bundle, Bundle), "refused above"
        refuse_other_horizons(bundle, ahead)
        bars = given_bars(bars, config=bundle.manifest.data)
        forecasts = forecasts_of(bundle, bars)
    notices = notices_of(bundle, bars, forecasts, now=now or datetime.now(UTC))
    for finding in notices.findings:
        warnings.warn(finding.line(), ServingWarning, stacklevel=3)
    return Forecasts(
        frame=forecasts, bars=bars, notes=dict(notices.notes), findings=notices.findings
    )


def refuse_other_horizons(bundle: Bundle, horizons: tuple[int, ...] | None) -> None:
    """Raise ConfigError if a bundle is asked for horizons that are not its own; None asks none."""
    own = bundle.manifest.horizons
    if horizons is not None and horizons != own:
        raise ConfigError(
            f"this bundle forecasts {', '.join(map(str, own))} sessions ahead, not others. "
            "Fix: leave horizons out, or train a bundle with those.",
            section="backtest",
            key="horizons",
        )


def forecasts_of(bundle: Bundle, bars: Bars) -> pl.DataFrame:
    """The forecasts of `predict`, which raises the same, without a word about them."""
    manifest = bundle.manifest
    alone = _universal_member(bundle)
    refuse_unusable(bars, bundle, least=None if alone is None else LEAST_SESSIONS)
    samples = samples_for(bars, manifest, bundle.features)
    latest_of_all = latest_rows(samples)
    lengths = segment_lengths(samples, latest_of_all)
    rows = latest_of_all[lengths >= manifest.min_rows]
    is_short = (lengths >= LEAST_SESSIONS) & (lengths < manifest.min_rows)
    short = latest_of_all[is_short] if alone is not None else latest_of_all[:0]
    rows, short = _later_rows(bundle, samples, rows, short)
    if bundle.replays and len(rows):
        rows = rows_reaching_back(samples, rows, manifest, is_needed=not len(short))
    frames = [pl.DataFrame(schema=FORECAST_SCHEMA)]
    for fitted, asked, name in ((bundle.fitted, rows, manifest.model), (alone, short, NAME)):
        if fitted is not None and len(asked):
            grid, _ = log_quantiles(fitted, samples, asked)
            frames.append(forecast_frame(samples, asked, grid, model=name, fold=0))
    frame = pl.concat(frames)
    exchanges = bars.exchanges or exchanges_of(bars.symbols, calendar=manifest.data.calendar)
    return with_resolved(frame, exchanges).sort("symbol", "horizon_sessions")


def _later_rows(bundle: Bundle, samples: Samples, *parts: Ints) -> Iterator[Ints]:
    """Of each part the rows from which the bundle may forecast: it has seen nothing that is later.

    Raises: LeakError naming the newest of all rows if there is none.
    """
    rows = np.concatenate(parts)
    since = first_days(bundle, samples.table.symbols)[samples.table.symbol]  # (table row,)
    if not (samples.origin[rows] >= since[rows]).any():
        newest = rows[samples.origin[rows].argmax()]
        raise LeakError(
            what="this bundle", known_at=str(since[newest]), used_at=str(samples.origin[newest])
        )
    return (part[samples.origin[part] >= since[part]] for part in parts)


def _universal_member(bundle: Bundle) -> FittedLstm | None:
    """What forecasts symbols of too short a history for the others, if the hybrid has it.

    None too where it is silent: it was fitted before its first edition, or all horizons are longer
    than those that it was taught.
    """
    fitted = bundle.fitted
    member = fitted.members.get(NAME) if isinstance(fitted, FittedHybrid) else None
    if not isinstance(member, FittedLstm) or not member.networks:
        return None
    return member if min(bundle.manifest.horizons) <= LONGEST else None


def reasons_without(bundle: Bundle, bars: Bars, forecasts: pl.DataFrame) -> dict[str, str]:
    """Why symbols of `bars` are not among the forecasts made of them: symbol -> reason."""
    manifest = bundle.manifest
    fitted_at = date.fromisoformat(manifest.fitted_at)
    least = manifest.min_rows if _universal_member(bundle) is None else LEAST_SESSIONS
    without = latest_segments(bars.frame).filter(
        ~pl.col("symbol").is_in(forecasts["symbol"].unique().to_list())
    )
    reasons = {}
    for symbol, n, last, before in (
        without.group_by("symbol", maintain_order=True)
        .agg(
            pl.len(),
            pl.col("session").max().alias("last"),
            (pl.col("session") <= fitted_at).sum().alias("before"),
        )
        .iter_rows()
    ):
        if n < least:
            reasons[symbol] = f"{n} bars, {least} needed"
        elif last < fitted_at:
            reasons[symbol] = f"its bars end {last}, the bundle has learnt up to {fitted_at}"
        elif last < (day := bundle.recorded.get(symbol, last)):
            reasons[symbol] = f"its bars end {last}, its past forecasts are known up to {day}"
        elif bundle.replays and before < manifest.min_rows:
            reasons[symbol] = (
                f"{before} bars up to {fitted_at}, {manifest.min_rows} needed there; "
                "give bars that begin earlier"
            )
        else:
            reasons[symbol] = "the model was not fitted to it; train again"
    return reasons
