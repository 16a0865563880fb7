"""How far single seeds of a model lie apart: a gain smaller than that is the luck of the draw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from nextclose.schema import Floats

SEED_LOSSES = ("crps", "absolute_error")


def seed_losses(seeds: pl.DataFrame, *, symbols: Sequence[str]) -> dict[str, Floats]:
    """Mean losses of a model's single seeds, log return, by loss. Shape (seed, symbol) each.

    Expects: rows of one model and horizon in `SEED_SCHEMA`; `symbols` sorted.
    NaN: a symbol without figures of that seed.
    """
    known = seeds.filter(pl.col("symbol").is_in(list(symbols)))
    column = np.searchsorted(np.array(symbols), known["symbol"].to_numpy())
    names, row = np.unique(known["seed"].to_numpy(), return_inverse=True)
    tables = {name: np.full((len(names), len(symbols)), np.nan) for name in SEED_LOSSES}
    for name, table in tables.items():
        table[row, column] = known[name].to_numpy()
    return tables


def skill_spread(single: Floats, reference: Floats) -> float | None:
    """Standard deviation (n - 1) over seeds of the skill that each alone would have had.

    A seed's skill is the mean over symbols of 1 - loss / that symbol's mean reference loss.
    Expects: `single` (seed, symbol), mean losses; `reference` (origin, symbol), NaN = none.
    NaN: symbols not known of every seed are left out. None with fewer than two seeds or no symbol.
    """
    known = np.isfinite(reference)
    total = np.where(known, reference, 0.0).sum(axis=0)
    mean = total / np.maximum(known.sum(axis=0), 1)  # (symbol,)
    usable = np.isfinite(single).all(axis=0) & (mean > 0)
    if len(single) < 2 or not usable.any():
        return None
    skill = (1.0 - single[:, usable] / mean[usable]).mean(axis=1)  # (seed,)
    return float(skill.std(ddof=1))
