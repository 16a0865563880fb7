"""A bundle's hybrid moved on: what it would have forecast since, and what became of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from nextclose.arguments import named_arguments, refuse_other
from nextclose.data.sources.frames import given_bars, refuse_no_bars
from nextclose.errors import ConfigError, NotEnoughDataError, ServingWarning
from nextclose.features.columns import Feature
from nextclose.features.table import NO_FEATURES
from nextclose.folders import OpenFolder, current_place
from nextclose.formatting import quantity
from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.models.hybrid.record import Record
from nextclose.models.protocol import Model
from nextclose.models.threads import one_thread
from nextclose.schema import Bars
from nextclose.serving.bundle import Bundle, bundle_folder, fill_bundle, read_bundle
from nextclose.serving.golden import replay, samples_for
from nextclose.serving.manifest import MANIFEST, Manifest
from nextclose.serving.needed_bars import refuse_unusable
from nextclose.serving.notices import other_companies
from nextclose.serving.predictor import load_bundle

N_NAMED = 5  # symbols of one message


@named_arguments()
def update(
    folder: str | Path,
    bars: Bars | Any,
    *,
    models: Sequence[Model] = (),
    features: Mapping[str, Feature] = NO_FEATURES,
) -> Manifest:
    """Move a hybrid's record of past forecasts on to the end of `bars`, in the bundle in `folder`.

    What it learnt stays as it was fitted; how wide its ranges are follows what has resolved since.
    A ServingWarning names symbols whose bars end before their record, or are another company's. The
    bundle is replaced as a whole; the same bars a second time change no byte. `models` and
    `features` as in `load_bundle`.
    Raises: as `load_bundle` and `updated`; LockedError while another process writes there;
        OutputError if it cannot be written.
    """
    folder_fix = 'name the folder of the bundle, as "bundles/mine"'
    refuse_other(folder, (str, Path), argument="folder", fix=folder_fix)
    refuse_no_bars(bars)
    with open_bundle(Path(folder), models=models, features=features) as (place, bundle):
        bars = given_bars(bars, config=bundle.manifest.data)
        moved = updated(bundle, bars)
        for symbol, reason in reasons_unmoved(bundle, bars).items():
            warnings.warn(f"{symbol}: not moved on; {reason}", ServingWarning, stacklevel=3)
        return fill_bundle(place, moved)


@contextmanager
def open_bundle(
    path: Path, *, models: Sequence[Model] = (), features: Mapping[str, Feature] = NO_FEATURES
) -> Iterator[tuple[OpenFolder, Bundle]]:
    """The folder of a bundle for this process alone, and the bundle.

    Raises: as `load_bundle` and `bundle_folder`; no folder is made where there is no bundle.
    """
    if not current_place(path / MANIFEST).is_file():
        read_bundle(path, models=models, features=features)  # says what is there instead
    with bundle_folder(path) as place:
        yield place, load_bundle(path, models=models, features=features)


def updated(bundle: Bundle, bars: Bars) -> Bundle:
    """The bundle with a record that holds every forecast up to the end of `bars`. Pure.

    Of symbols that are not given, whose bars bring nothing new or are another company's, it stays
    as it was. Symbols that it does not hold are taken up from the fit on, as far as their bars
    reach back. Golden forecasts are made anew. Nothing else changes.
    Causal: what the record says of a session reads bars up to that session alone.
    Raises: ConfigError for a bundle of another model; DataError, ConfigError and NotEnoughDataError
        as `predict`; NotEnoughDataError for bars that do not hold a full forecast at the next
        session of each symbol, or the session of a forecast that waits for its outcome, or if all
        end before the record.
    """
    fitted = bundle.fitted
    if not isinstance(fitted, FittedHybrid):
        raise ConfigError(
            f"a bundle of {bundle.manifest.model} keeps no record of past forecasts: there is "
            "nothing to move on. Fix: forecast with it as it is; only the hybrid keeps one."
        )
    refuse_unusable(bars, bundle)
    to_come = _sessions_to_come(bundle, bars)
    if not to_come:
        _refuse_older(bundle, bars)
    others = other_companies(bundle, bars, [*to_come])
    to_come = {name: day for name, day in to_come.items() if name not in others}
    _refuse_short(bundle, bars, to_come)
    _refuse_missing(fitted.record, bars, to_come)
    samples = samples_for(bars, bundle.manifest, bundle.features)
    with one_thread():
        moved = replace(bundle, fitted=fitted.moved_on(samples, but=others))
        _, quantiles = replay(moved)
    arrays = {**bundle.golden.arrays, "quantiles": quantiles}
    return replace(moved, golden=replace(bundle.golden, arrays=arrays))


def reasons_unmoved(bundle: Bundle, bars: Bars) -> dict[str, str]:
    """Why the past forecasts of symbols of `bars` cannot be moved on: symbol -> reason."""
    newest = bars.frame.group_by("symbol", maintain_order=True).agg(pl.col("session").max())
    others = other_companies(bundle, bars, bars.symbols)
    return {
        symbol: f"its moves up to the fit are {others[symbol] or 'another company'}'s"
        for symbol in others
    } | {
        symbol: f"its bars end {last}, its past forecasts are known up to {day}"
        for symbol, last in newest.iter_rows()
        if last < (day := bundle.recorded.get(symbol, last))
    }


def _sessions_to_come(bundle: Bundle, bars: Bars) -> dict[str, date]:
    """The first session of each symbol that the record does not hold, from the fit on."""
    before_fit = date.fromisoformat(bundle.manifest.fitted_at) - timedelta(days=1)
    known = {name: max(bundle.recorded.get(name, before_fit), before_fit) for name in bars.symbols}
    newest = pl.col("symbol").replace_strict(known, return_dtype=pl.Date)
    later = bars.frame.filter(pl.col("session") > newest)
    return dict(later.group_by("symbol").agg(pl.col("session").min()).sort("symbol").iter_rows())


def _refuse_older(bundle: Bundle, bars: Bars) -> None:
    """Raise NotEnoughDataError if all bars end before the record, or before the fit."""
    newest = bars.frame.group_by("symbol").agg(pl.col("session").max())
    if not any(bundle.recorded.get(symbol) == last for symbol, last in newest.iter_rows()):
        known = max([*bundle.recorded.values(), date.fromisoformat(bundle.manifest.fitted_at)])
        last = max(newest["session"])
        raise NotEnoughDataError(
            f"all bars end by {last}, and the past forecasts of this bundle are "
            f"known up to {known}: there is nothing to move on. Fix: give newer bars.",
            needed=1,
            found=0,
        )


def _refuse_short(bundle: Bundle, bars: Bars, to_come: Mapping[str, date]) -> None:
    """Raise NotEnoughDataError for bars without a full forecast where the record goes on.

    A market must be whole from the earliest of these sessions on, and garch, or a model of the
    user's own that goes on from the fit, must be shown that day.
    """
    manifest = bundle.manifest
    days = {name: day for name, day in to_come.items() if name in bundle.recorded}
    own = {name for name in manifest.symbols if name in bars.symbols}
    begins = [*days.values(), *_first_forecasts(bundle, bars, to_come)]
    if begins and manifest.market:
        days |= dict.fromkeys(own.intersection(manifest.market), min(begins))
    if bundle.replays:
        days |= dict.fromkeys(own.intersection(days), date.fromisoformat(manifest.fitted_at))
    day = pl.col("symbol").replace_strict(days, default=None, return_dtype=pl.Date)
    counts = dict(bars.frame.filter(pl.col("session") <= day).group_by("symbol").len().iter_rows())
    short = sorted(name for name in days if counts.get(name, 0) < manifest.min_rows)
    if short:
        named = (f"{name} ({counts.get(name, 0)} bars up to {days[name]})" for name in short)
        raise NotEnoughDataError(
            f"the record of this bundle goes on where each symbol needs {manifest.min_rows} bars "
            f"for a forecast, and {quantity(len(short), 'symbol')} have fewer: "
            f"{', '.join(list(named)[:N_NAMED])}. Fix: give bars that begin earlier, as all there "
            "are, or leave these symbols out.",
            needed=manifest.min_rows,
            found=min(counts.get(name, 0) for name in short),
        )


def _first_forecasts(bundle: Bundle, bars: Bars, to_come: Mapping[str, date]) -> list[date]:
    """The first session to come with a full forecast of each symbol that has no record yet."""
    since = {name: day for name, day in to_come.items() if name not in bundle.recorded}
    segment = [name for name in ("symbol", "segment") if name in bars.frame.columns]
    new = bars.frame.filter(pl.col("symbol").is_in([*since])).filter(
        pl.int_range(pl.len()).over(segment) >= bundle.manifest.min_rows - 1,
        pl.col("session") >= pl.col("symbol").replace_strict(since, return_dtype=pl.Date),
    )
    return new.group_by("symbol").agg(pl.col("session").min())["session"].to_list()


def _refuse_missing(record: Record, bars: Bars, to_come: Mapping[str, date]) -> None:
    """Raise NotEnoughDataError for bars that lack the session of a forecast that still waits."""
    columns = {
        "symbol": np.array(record.symbols, dtype=object)[record.waiting_symbol].tolist(),
        "session": record.waiting_origin.astype("datetime64[D]"),
    }
    waiting = pl.DataFrame(columns, schema={"symbol": pl.String, "session": pl.Date}).unique()
    waiting = waiting.filter(pl.col("symbol").is_in([*to_come]))
    missing = waiting.join(bars.frame, on=["symbol", "session"], how="anti")
    if not missing.is_empty():
        symbol, session = missing.sort("session", "symbol").row(0)
        n_missing = quantity(missing.height, "session")
        raise NotEnoughDataError(
            f"these bars lack {n_missing} at which forecasts were made that "
            f"wait for their outcome, as {symbol} {session}: it could not be counted. "
            "Fix: give bars that hold them, or train again.",
            needed=waiting.height,
            found=waiting.height - missing.height,
        )
