"""Models and features as somebody else would write them, in a module that can be imported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nextclose.features.columns import Feature, SymbolBars
from nextclose.models.protocol import Fitted, Traits
from nextclose.models.volatility.har import pooled_quantiles
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import named_columns
from nextclose.schema import Floats, Ints, Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedWide:
    """A spread, wider where the session's `input` is high; `pid` tells which process learnt it."""

    spread: Spread
    input: str
    pid: int = 0

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """The spread for every row alike, or as the input has it. Shape (row, horizon, level)."""
        grid = np.tile(self.spread, (len(rows), 1, 1))
        if not self.input:
            return grid
        return grid * (1.0 + np.abs(named_columns(samples, [self.input])[rows, :, None]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wide:
    """A plug-in: pooled quantiles, `factor` times as wide; `version` "": never remembered."""

    name: str = "wide"
    factor: float = 2.0
    version: str = ""
    fitted: type | None = FittedWide
    input: str = ""  # a column of the table
    more: Mapping[str, Any] = field(default_factory=dict)  # traits

    @property
    def traits(self) -> Traits:
        """Those of a servable model with one setting."""
        settings = {"factor": self.factor}
        facts = {"fitted": self.fitted, "version": self.version, "settings": settings}
        return Traits(**(facts | dict(self.more)))

    def fit(self, train: Samples, valid: Samples, seed: int) -> Fitted:
        """Learn from all that is known."""
        spread = self.factor * pooled_quantiles(train, valid)
        return FittedWide(spread=spread, input=self.input, pid=os.getpid())


@dataclass(frozen=True, slots=True, kw_only=True)
class Chancy:
    """A plug-in of two seeds: how wide a fit is, is a matter of chance."""

    name: str = "chancy"
    traits: Traits = field(
        default_factory=lambda: Traits(fitted=FittedWide, version="1", n_seeds=2)
    )

    def fit(self, train: Samples, valid: Samples, seed: int) -> Fitted:
        """Learn from all that is known, and draw a width."""
        factor = np.random.default_rng(seed).uniform(0.7, 1.4)
        return FittedWide(spread=factor * pooled_quantiles(train, valid), input="")


def week_range(bars: SymbolBars) -> Floats:
    """Highest over lowest close of five sessions, as a logarithm. Causal."""
    logs = np.log(bars.close)
    values = np.full(len(logs), np.nan)
    if len(logs) >= 5:
        weeks = np.lib.stride_tricks.sliding_window_view(logs, 5)
        values[4:] = np.ptp(weeks, axis=1)
    return values


WEEK_RANGE = Feature(week_range, lookback_sessions=4)
