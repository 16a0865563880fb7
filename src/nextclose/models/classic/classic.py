"""The tutorial's recipe without its leaks: a network for each symbol and horizon. Comparison only.

It reads windows of 60 sessions of 41 columns, MinMax-scaled, and gives the close h sessions on: a
point. The ranges come from the rows that training windows read, the price to come is no input, and
no training target resolves after its cut.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import torch

from nextclose.config import ClassicConfig
from nextclose.errors import NotEnoughDataError
from nextclose.models.classic.network import (
    BATCH_SAMPLES,
    WINDOW_SESSIONS,
    PriceWindows,
    train_network,
    with_weights,
)
from nextclose.models.classic.network import network_table as network_table
from nextclose.models.device import same_bits
from nextclose.models.protocol import LearningCurve, Traits
from nextclose.models.state import UNSAVED, State, decode_state
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import MinMax, family_columns, fit_min_max, log_returns_to
from nextclose.samples.splits import refuse_overlap, resplit
from nextclose.samples.windows import window_rows, windows
from nextclose.schema import LEVELS, Floats, Floats32, Ints

FAMILY = "classic"
VALID_SESSIONS = 150  # the tutorial's 15 % of 998
FORECAST_BATCH = (
    64  # every forecast has this one shape, so a row's bits never depend on its company
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceNetwork:
    """One symbol, one horizon: the network's weights, the ranges it knows, its learning curves."""

    symbol: str
    horizon: int  # sessions
    features: MinMax  # (feature,)
    close: MinMax  # (1,)
    weights: Mapping[str, Floats32]
    curves: tuple[LearningCurve, ...]  # loss, then mean absolute error

    def prices(self, samples: Samples, rows: Ints, *, device: str) -> Floats:
        """Closes forecast at `rows`, whatever their symbol; may be <= 0. Shape (row,)."""
        network = with_weights(self.weights, device=device)
        scaled = np.empty((len(rows), 1))
        for first in range(0, len(rows), FORECAST_BATCH):
            batch = rows[first : first + FORECAST_BATCH]
            full = np.resize(batch, FORECAST_BATCH)  # repeats fill the last batch up
            x = torch.from_numpy(scaled_windows(samples, full, self.features)).to(device)
            with torch.inference_mode():
                scaled[first : first + len(batch), 0] = network(x)[: len(batch)].cpu().numpy()
        return (scaled * self.close.span + self.close.low)[:, 0]


def scaled_windows(samples: Samples, rows: Ints, ranges: MinMax) -> Floats32:
    """The 60 sessions up to each row, in the ranges given. Shape (sample, session, feature)."""
    return ranges.apply(windows(family_columns(samples, FAMILY), rows, sessions=WINDOW_SESSIONS))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicFitted:
    """The trained networks, one at most for a symbol and horizon. Points, not distributions."""

    networks: tuple[PriceNetwork, ...]
    device: str = field(default="cpu", metadata={UNSAVED: True})

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """All 23 levels alike: log of forecast price over close. Shape (row, horizon, level).

        NaN: symbols and horizons without a network, and rows without a full window behind them.
        Limits: a price below a thousandth of the origin's close, zero or less too, is raised to it.
        """
        point = np.full((len(rows), len(samples.horizons)), np.nan)
        full = samples.ready(FAMILY, context_sessions=WINDOW_SESSIONS)[rows]
        name = np.array(samples.table.symbols)[samples.table.symbol[rows]]
        for net in self.networks:
            if net.horizon in samples.horizons:
                at = np.flatnonzero(full & (name == net.symbol))
                with same_bits():
                    price = net.prices(samples, rows[at], device=self.device)
                reached = log_returns_to(price, close=samples.table.close[rows[at]])
                point[at, samples.horizons.index(net.horizon)] = reached
        return np.repeat((point / samples.unit(rows))[:, :, None], len(LEVELS), axis=2)

    @property
    def curves(self) -> tuple[LearningCurve, ...]:
        """Loss and mean absolute error of scaled prices, of each network."""
        return tuple(
            replace(curve, symbol=net.symbol, horizon_sessions=net.horizon)
            for net in self.networks
            for curve in net.curves
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRows:
    """What one network learns: origins to train on and origins to stop by."""

    code: int  # position in the table's symbols
    horizon: int  # sessions
    train: Ints
    valid: Ints

    @property
    def is_enough(self) -> bool:
        """One batch to learn from, one origin to stop by."""
        return len(self.train) >= BATCH_SAMPLES and len(self.valid) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Classic:
    """How the tutorial trains: a network of its own for each symbol and horizon."""

    settings: ClassicConfig
    name: ClassVar[str] = "classic"

    @property
    def traits(self) -> Traits:
        """For comparison alone; by far the dearest fit."""
        return Traits(
            fitted=ClassicFitted,
            settings=self.settings.model_dump(mode="json"),
            family=FAMILY,
            context_sessions=WINDOW_SESSIONS,
            is_servable=False,
            is_member=False,
            relative_cost=4,
        )

    def fit(self, train: Samples, valid: Samples, seed: int) -> ClassicFitted:
        """Train a network for each symbol and horizon with 32 samples to train on and 1 to stop by.

        Learns: ranges and weights from the 698 origins before the last 150 that are known; learning
            rate and stopping epoch from those 150, as in the tutorial's 70/15/15.
        Returns: networks that do not depend on which others were trained (CPU, one thread).
        Raises: LeakError if train resolves after valid begins; NotEnoughDataError if there is no
            symbol and horizon to train.
        """
        refuse_overlap(train, valid)
        train, valid = resplit(
            train,
            valid,
            valid_sessions=VALID_SESSIONS,
            family=FAMILY,
            context_sessions=WINDOW_SESSIONS,
        )
        lessons = list(self._lessons(train, valid))
        with same_bits():
            networks = [self._learnt(x, train, valid, seed) for x in lessons if x.is_enough]
        if not networks:
            n_most = max((len(lesson.train) for lesson in lessons), default=0)
            raise NotEnoughDataError(
                f"at most {n_most} training samples for a symbol and horizon; {BATCH_SAMPLES} are "
                f"needed, with {WINDOW_SESSIONS} sessions of features each, and 1 to stop by. "
                "Fix: give more history, or other [classic] symbols and horizons.",
                needed=BATCH_SAMPLES,
                found=n_most,
            )
        return ClassicFitted(networks=tuple(networks), device=self.settings.device)

    def restore(self, state: State) -> ClassicFitted:
        """The Fitted that gave this state, on the device of the settings."""
        return replace(decode_state(ClassicFitted, state), device=self.settings.device)

    def _lessons(self, train: Samples, valid: Samples) -> Iterator[NetworkRows]:
        symbols, horizons = self.settings.symbols, self.settings.horizons
        for code, symbol in enumerate(train.table.symbols):
            for horizon in train.horizons:
                if (symbols is None or symbol in symbols) and (
                    horizons is None or horizon in horizons
                ):
                    rows = training_rows(train, code=code, horizon=horizon)
                    stop_by = training_rows(valid, code=code, horizon=horizon)
                    latest = rows[-(self.settings.train_origins or len(rows)) :]
                    yield NetworkRows(code=code, horizon=horizon, train=latest, valid=stop_by)

    def _learnt(
        self, lesson: NetworkRows, train: Samples, valid: Samples, seed: int
    ) -> PriceNetwork:
        symbol = train.table.symbols[lesson.code]
        read = np.unique(window_rows(lesson.train, sessions=WINDOW_SESSIONS))
        features = fit_min_max(family_columns(train, FAMILY)[read])
        close = fit_min_max(train.table.close[read, None])
        own_seed = np.random.SeedSequence([seed, zlib.crc32(symbol.encode()), lesson.horizon])

        def examples(samples: Samples, rows: Ints) -> PriceWindows:
            price = close.apply(prices_to_come(samples, rows, horizon=lesson.horizon)[:, None])
            x = scaled_windows(samples, rows, features)
            device = self.settings.device
            return PriceWindows(
                x=torch.from_numpy(x).to(device), price=torch.from_numpy(price[:, 0]).to(device)
            )

        trained = train_network(
            examples(train, lesson.train),
            examples(valid, lesson.valid),
            seed=int(own_seed.generate_state(1)[0]),
            max_epochs=self.settings.max_epochs,
        )
        return PriceNetwork(
            symbol=symbol,
            horizon=lesson.horizon,
            features=features,
            close=close,
            weights=trained.weights,
            curves=trained.curves,
        )


def training_rows(samples: Samples, *, code: int, horizon: int) -> Ints:
    """Origins of one symbol with a full window and a known price `horizon` sessions on."""
    known = np.isfinite(samples.outcome[:, samples.horizons.index(horizon)])
    full = samples.ready(FAMILY, context_sessions=WINDOW_SESSIONS)
    return np.flatnonzero(known & full & (samples.table.symbol == code))


def prices_to_come(samples: Samples, rows: Ints, *, horizon: int) -> Floats:
    """The close `horizon` sessions after each origin; NaN if unknown. Shape (row,)."""
    outcome = samples.outcome[rows, samples.horizons.index(horizon)]
    return np.asarray(samples.table.close[rows] * np.exp(outcome))
