"""The LSTM: a network taught beforehand by other stocks and by simulated markets.

It learns nothing of the prices that it forecasts: a fit only chooses, by its date, the edition that
may be known then. A forecast reads its own symbol alone, and of it the last 2,702 sessions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from nextclose.errors import NotEnoughDataError
from nextclose.features.universal import LONG_MOVE, LONG_RUN
from nextclose.models.lstm.editions import Edition, newest_edition, shipped_editions
from nextclose.models.lstm.network import Network, outputs_at
from nextclose.models.lstm.shape import RISK_PRICE, TAUGHT_HORIZONS, shape_quantiles
from nextclose.models.protocol import LearningCurve, Traits
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import family_columns
from nextclose.samples.splits import refuse_overlap, sessions_of
from nextclose.samples.windows import CHAIN_DAYS, chain_starts
from nextclose.schema import LEVELS, Floats, Ints

FAMILY = "universal"
LONGEST = max(TAUGHT_HORIZONS)
# a chain of a market without weekends, and what its first session looks back on
REACH_SESSIONS = 2 * CHAIN_DAYS + LONG_RUN


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedLstm:
    """The edition that a fit may use, by the day it was taught up to; none: "" and no network."""

    edition: str
    networks: tuple[Network, ...]
    curves: tuple[LearningCurve, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for more than one network, one of no edition, or one of no day."""
        if len(self.networks) != bool(self.edition):
            raise ValueError("an edition has one network")
        if self.edition:
            date.fromisoformat(self.edition)

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Quantiles in target units. Shape (row, horizon, level).

        Depends on the last `REACH_SESSIONS` rows of each row's segment alone, to the bit.
        NaN: where no edition may be used yet; rows before a symbol's 60th session; horizons beyond
            63 sessions, which were not taught.
        """
        grid = np.full((len(rows), len(samples.horizons), len(LEVELS)), np.nan)
        ready = np.flatnonzero(samples.ready(FAMILY)[rows])
        taught = [k for k, horizon in enumerate(samples.horizons) if horizon <= LONGEST]
        if not self.networks or not len(ready) or not taught:
            return grid
        inputs, asked = family_columns(samples, FAMILY), rows[ready]
        starts = chain_starts(samples, asked, family=FAMILY)
        outputs = outputs_at(self.networks[0], inputs, asked, starts=starts).astype(np.float64)
        long_move = np.exp(inputs[asked, LONG_MOVE].astype(np.float64))
        for k in taught:
            horizon = samples.horizons[k]
            drift = RISK_PRICE * np.sqrt(horizon) * long_move
            grid[ready, k] = shape_quantiles(outputs_between(outputs, horizon), drift=drift)
        return grid


def outputs_between(outputs: Floats, horizon: int) -> Floats:
    """Outputs for a horizon, linear in its logarithm between the taught ones. (row, output).

    `outputs`: (row, taught horizon, output). Expects: 1 to 63 sessions.
    """
    above = int(np.searchsorted(TAUGHT_HORIZONS, horizon))
    if TAUGHT_HORIZONS[above] == horizon:
        return outputs[:, above]
    low, high = TAUGHT_HORIZONS[above - 1], TAUGHT_HORIZONS[above]
    share = np.log(horizon / low) / np.log(high / low)
    return np.asarray((1 - share) * outputs[:, above - 1] + share * outputs[:, above])


@dataclass(frozen=True, slots=True, kw_only=True)
class Lstm:
    """The model `lstm`. `editions`: those to choose from; None: those that are shipped."""

    editions: tuple[Edition, ...] | None = None
    name: str = "lstm"

    @property
    def traits(self) -> Traits:
        """Nothing is fitted; the settings name the editions, which decide what a fit gives."""
        return Traits(
            fitted=FittedLstm,
            settings={"editions": {each.until: each.fingerprint for each in self._choice()}},
            family=FAMILY,
            relative_cost=0,
        )

    def fit(self, train: Samples, valid: Samples, seed: int) -> FittedLstm:
        """The newest edition that ends before the last session known; nothing is learnt.

        Raises: LeakError if train resolves after valid begins; NotEnoughDataError without a
            session.
        """
        refuse_overlap(train, valid)
        sessions = sessions_of(valid)
        if not len(sessions):
            raise NotEnoughDataError(
                "no session is known. Fix: give more history.", needed=1, found=0
            )
        edition = newest_edition(self._choice(), before=sessions[-1])
        if edition is None:
            return FittedLstm(edition="", networks=())
        return FittedLstm(edition=edition.until, networks=(edition.network,), curves=edition.curves)

    def _choice(self) -> Sequence[Edition]:
        return shipped_editions() if self.editions is None else self.editions
