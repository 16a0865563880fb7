"""The LSTM: a network taught beforehand by other stocks and by simulated markets.

It learns nothing of the prices that it forecasts: a fit only chooses, by its date, the edition that
may be known then. A forecast reads its own symbol alone, and of it the last 2,702 sessions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.features.columns import LONG_RUN
from nextclose.features.universal import FAMILY
from nextclose.models.editions import newest_edition
from nextclose.models.lstm.editions import Edition, shipped_editions
from nextclose.models.lstm.finetune import LastLayer, readings, tuned_layer
from nextclose.models.lstm.network import Network
from nextclose.models.lstm.shape import TAUGHT_HORIZONS, shape_quantiles
from nextclose.models.protocol import LearningCurve, Traits
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import Scaler
from nextclose.samples.splits import refuse_overlap, sessions_of
from nextclose.samples.windows import CHAIN_DAYS
from nextclose.schema import LEVELS, Floats, Ints

LONGEST = max(TAUGHT_HORIZONS)
# a chain of a market without weekends, and what its first session looks back on
REACH_SESSIONS = 2 * CHAIN_DAYS + LONG_RUN
LSTM_SILENCE = (
    f"lstm forecasts up to {LONGEST} sessions ahead, by fits of a later day than that up to which "
    "its first edition was taught. Fix: give later bars, shorter horizons, or an older edition."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedLstm:
    """The edition that a fit may use, by the day it was taught up to; none: "" and no network."""

    edition: str
    networks: tuple[Network, ...]
    own: tuple[LastLayer, ...] = ()  # of a fit that was fine-tuned, one
    curves: tuple[LearningCurve, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for more than one network, one of no edition or day, or an odd layer."""
        if len(self.networks) != bool(self.edition) or len(self.own) > len(self.networks):
            raise ValueError("an edition has one network, and at most one last layer of one's own")
        if self.edition:
            date.fromisoformat(self.edition)
        for layer in self.own:
            layer.refuse_unfit(units=self.networks[0].units)

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Quantiles in target units. Shape (row, horizon, level).

        Depends on the last `REACH_SESSIONS` rows of each row's segment alone, to the bit.
        NaN: where no edition may be used yet; rows before a symbol's 60th session; horizons beyond
            63 sessions, which were not taught.
        """
        grid = np.full((len(rows), len(samples.horizons), len(LEVELS)), np.nan)
        ready = np.flatnonzero(samples.ready(FAMILY)[rows])
        taught = np.flatnonzero(np.asarray(samples.horizons) <= LONGEST)
        if not self.networks or not len(ready) or not len(taught):
            return grid
        asked = replace(samples, horizons=tuple(samples.horizons[k] for k in taught))
        own = readings(self.networks[0], self._scaler, asked, rows[ready])
        outputs = own.outputs
        for layer in self.own:
            outputs = outputs + layer.added(own.read) * layer.shares[:, None]
        grid[np.ix_(ready, taught)] = shape_quantiles(outputs, drift=own.drift)
        return grid

    @property
    def _scaler(self) -> Scaler | None:
        return self.own[0].scaler if self.own else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lstm:
    """The model `lstm`. `editions`: those to choose from; None: those that are shipped.

    With `fine_tune` a fit teaches a last layer of its own, which reads news and own columns too.
    """

    editions: tuple[Edition, ...] | None = None
    fine_tune: bool = False
    name: str = "lstm"

    @property
    def traits(self) -> Traits:
        """The settings name the editions, which decide what a fit gives."""
        editions = {each.until: each.fingerprint for each in self._choice()}
        return Traits(
            fitted=FittedLstm,
            settings={"editions": editions, "fine_tune": self.fine_tune},
            family=FAMILY,
            reach_sessions=REACH_SESSIONS,
            reads_news=self.fine_tune,
            relative_cost=3 if self.fine_tune else 0,
        )

    def fit(self, train: Samples, valid: Samples, seed: int) -> FittedLstm:
        """The newest edition that ends before the last session known.

        Learns nothing of the samples but a last layer, if that is asked for.
        Raises: LeakError if train resolves after valid begins; NotEnoughDataError without a
            session; ConfigError for horizons beyond 63 sessions where a layer is asked for.
        """
        refuse_overlap(train, valid)
        if self.fine_tune:
            _refuse_longer(train.horizons)
        sessions = sessions_of(valid)
        if not len(sessions):
            raise NotEnoughDataError(
                "no session is known. Fix: give more history.", needed=1, found=0
            )
        edition = newest_edition(self._choice(), before=sessions[-1])
        if edition is None:
            return FittedLstm(edition="", networks=())
        own: tuple[LastLayer, ...] = ()
        if self.fine_tune:
            own = (tuned_layer(edition.network, train, valid, seed=seed),)
        return FittedLstm(
            edition=edition.until, networks=(edition.network,), own=own, curves=edition.curves
        )

    def _choice(self) -> Sequence[Edition]:
        return shipped_editions() if self.editions is None else self.editions


def _refuse_longer(horizons: Sequence[int]) -> None:
    if max(horizons) > LONGEST:
        raise ConfigError(
            f"[lstm] fine_tune: {max(horizons)} sessions ahead were not taught, {LONGEST} at most. "
            "Fix: leave the horizon or fine_tune out.",
            section="lstm",
            key="fine_tune",
        )
