"""How far single seeds of a model lie apart: a gain smaller than that is the luck of the draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from nextclose.schema import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedLosses:
    """Mean losses of one model's single seeds at one horizon, log return. Shape (seed, symbol).

    NaN: a symbol without figures of that seed.
    """

    crps: Floats
    absolute: Floats

    def of(self, columns: slice) -> SeedLosses:
        """The same seeds on some symbols; views, not copies."""
        return replace(self, crps=self.crps[:, columns], absolute=self.absolute[:, columns])


def seed_losses(seeds: pl.DataFrame, *, symbols: Sequence[str]) -> SeedLosses:
    """Rows of one model and horizon in `SEED_SCHEMA`, on the given sorted symbols."""
    known = seeds.filter(pl.col("symbol").is_in(list(symbols)))
    column = np.searchsorted(np.array(symbols), known["symbol"].to_numpy())
    names, row = np.unique(known["seed"].to_numpy(), return_inverse=True)
    tables = {}
    for name, source in (("crps", "crps"), ("absolute", "absolute_error")):
        tables[name] = np.full((len(names), len(symbols)), np.nan)
        tables[name][row, column] = known[source].to_numpy()
    return SeedLosses(**tables)


def skill_spread(single: Floats, reference: Floats) -> float | None:
    """Standard deviation (n - 1) over seeds of the skill that each alone would have had.

    A seed's skill is the mean over symbols of 1 - loss / that symbol's mean reference loss.
    Expects: `single` (seed, symbol), mean losses; `reference` (origin, symbol), NaN = not met.
    NaN: symbols not known of every seed are left out. None with fewer than two seeds or no symbol.
    """
    met = np.isfinite(reference)
    mean = np.where(met, reference, 0.0).sum(axis=0) / np.maximum(met.sum(axis=0), 1)  # (symbol,)
    sound = np.isfinite(single).all(axis=0) & (mean > 0)
    if len(single) < 2 or not sound.any():
        return None
    skill = (1.0 - single[:, sound] / mean[sound]).mean(axis=1)  # (seed,)
    return float(skill.std(ddof=1))
