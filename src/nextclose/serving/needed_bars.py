"""What a bundle needs of later bars: its news, its market, a past, and to be later than it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from nextclose.data.segments import latest_segments, with_short_symbols
from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.samples.samples import Samples
from nextclose.schema import Bars, Dates, Ints
from nextclose.serving.bundle import Bundle
from nextclose.serving.calendars import refuse_other_calendars
from nextclose.serving.latest_bars import refuse_incomplete
from nextclose.serving.manifest import Manifest
from nextclose.serving.notices import renamed_symbols


def refuse_other_news(bars: Bars, manifest: Manifest) -> None:
    """Silence is not neutral: without its news a bundle that reads them has no forecast."""
    scorer = bars.news.scorer if bars.news is not None else ""
    if scorer == manifest.scorer:
        return
    needed = f"reads news scored by {manifest.scorer!r}" if manifest.scorer else "reads no news"
    offer = f"news scored by {scorer!r} are given" if scorer else "none are given"
    cure = (
        "give the same kind by --news FILE, or with_news(bars, FILE, scorer=...)"
        if manifest.scorer
        else "leave them out, or train with them"
    )
    raise ConfigError(f"this bundle {needed}, and {offer}. Fix: {cure}.", section="news")


def refuse_part_of_a_market(bars: Bars, bundle: Bundle) -> None:
    """Its symbols must be there with as many bars as at the fit, or as one forecast reads."""
    manifest = bundle.manifest
    counts = dict(bars.frame.group_by("symbol").len().iter_rows())
    needed = {
        name: manifest.min_rows if name in manifest.symbols else 1 for name in manifest.market
    }
    short = [name for name, n in needed.items() if counts.get(name, 0) < n]
    if short:
        others = renamed_symbols(bundle, bars, short)
        missing = [
            f"{name} ({others[name]} has its moves)"
            if name in others
            else f"{name} ({counts.get(name, 0)} bars)"
            for name in short
        ]
        raise NotEnoughDataError(
            f"this bundle reads how {len(needed)} symbols move together, and {len(missing)} of "
            f"them are missing, or too short to tell: {', '.join(missing[:5])}. Fix: give "
            f"the last {manifest.min_rows} bars or more of all of them, or train with "
            "[features] market = false.",
            needed=len(needed),
            found=len(needed) - len(missing),
        )


def rows_reaching_back(
    samples: Samples, rows: Ints, manifest: Manifest, *, is_needed: bool
) -> Ints:
    """Those of `rows` whose bars hold a full forecast at the fit, or whose symbol is new since.

    Raises: NotEnoughDataError if none is left and one `is_needed`, as there is no other forecast.
    """
    at_fit = samples.origin <= np.datetime64(manifest.fitted_at)
    counts = np.bincount(samples.table.symbol[at_fit], minlength=len(samples.table.symbols))
    symbol = samples.table.symbol[rows]
    names = np.array(samples.table.symbols)[symbol]
    is_new = ~np.isin(names, manifest.symbols)
    kept = rows[is_new | (counts[symbol] >= manifest.min_rows)]
    if is_needed and not len(kept):
        raise NotEnoughDataError(
            f"this bundle goes on from {manifest.fitted_at}: up to that session it needs "
            f"{manifest.min_rows} bars of a symbol, {counts[symbol].max(initial=0)} given. "
            "Fix: give bars that begin earlier.",
            needed=manifest.min_rows,
            found=int(counts[symbol].max(initial=0)),
        )
    return kept


def first_days(bundle: Bundle, symbols: Sequence[str]) -> Dates:
    """The session from which on the bundle may forecast each of these symbols. Shape (symbol,).

    That of the fit, or of the symbol's newest forecast in a hybrid's record, whose counts hold all
    outcomes known by then.
    """
    fitted_at = date.fromisoformat(bundle.manifest.fitted_at)
    days = [max(bundle.recorded.get(name, fitted_at), fitted_at) for name in symbols]
    return np.array(days, dtype="datetime64[D]")


def refuse_unusable(bars: Bars, bundle: Bundle, *, least: int | None = None) -> None:
    """Refuse later bars that no forecast may be made of.

    `least`: rows from which on a member forecasts a symbol that is too short for the others.
    Raises: DataError if a newest bar is incomplete, or days are not of the calendar of then;
        ConfigError for other news; NotEnoughDataError for symbols that are all too short, or for a
        part of a market.
    """
    refuse_other_news(bars, bundle.manifest)
    refuse_incomplete(bars)
    refuse_other_calendars(bars, bundle.manifest)
    latest = replace(bars, frame=latest_segments(bars.frame))
    with_short_symbols(latest, needed=bundle.manifest.min_rows, least=least)
    refuse_part_of_a_market(bars, bundle)
