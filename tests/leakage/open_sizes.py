"""Leaks of how large moves are: a long run, a location and a market that know later sessions."""

from dataclasses import replace
from typing import Any

import numpy as np

from nextclose.features import columns, market, table
from nextclose.features.columns import SymbolBars
from nextclose.features.indicators import VOLATILITY_FLOOR
from nextclose.models.location import risk_premium
from nextclose.models.loghar import loghar
from nextclose.samples.samples import Samples
from nextclose.schema import Floats, Ints
from tests.leakage.open_targets import Mutant, Patch

LOGHAR = ("loghar",)


def long_run_of_the_file(patch: Patch) -> None:
    """The usual size of a symbol's moves is that of all its bars."""

    def leaky(bars: SymbolBars) -> Floats:
        usual = max(float(np.nanmean(bars.moves)), VOLATILITY_FLOOR) if len(bars.close) > 1 else 1.0
        return np.full(len(bars.close), usual)

    patch.setattr(columns.SymbolBars, "long_run", property(leaky))


def location_of_tomorrow(patch: Patch) -> None:
    """The median reads the long run of the session after the origin."""

    def leaky(samples: Samples, rows: Ints) -> Floats:
        later = np.append(samples.table.long_run[1:], samples.table.long_run[-1])
        own = replace(samples.table, long_run=later)
        return risk_premium(replace(samples, table=own), rows)

    patch.setattr(loghar, "risk_premium", leaky)


def market_of_tomorrow(patch: Patch) -> None:
    """What symbols have in common is that of the market's next session."""

    def leaky(session: Any, dates: Any, values: Floats) -> Floats:
        return honest(session, np.append(dates[:1], dates[:-1]), values)

    honest = market._latest
    patch.setattr(market, "_latest", leaky)


def sizes_over_the_file(patch: Patch) -> None:
    """What a symbol's volatility says, less the mean of all its sessions."""

    def leaky(bars: SymbolBars) -> Floats:
        sizes = market.own_sizes(bars)
        known = sizes[np.isfinite(sizes).all(axis=1)]
        return np.asarray(sizes - known.mean(axis=0)) if len(known) else sizes

    patch.setattr(table, "own_sizes", leaky)


SIZES = tuple(f"feature {name}" for name in market.SIZE_NAMES)
FIRST_FOLD_SIZES = (
    Mutant(long_run_of_the_file, ("long_run", "feature common_level", "forecast loghar 7"), LOGHAR),
    Mutant(sizes_over_the_file, (*SIZES, "forecast loghar 1"), LOGHAR),
)
MID_FOLD_SIZES = (
    Mutant(location_of_tomorrow, ("forecast loghar 1", "forecast loghar 30"), LOGHAR),
    Mutant(market_of_tomorrow, (*SIZES, "feature market_return_5", "forecast loghar 7"), LOGHAR),
)
