"""The pooled LSTM: one network for all symbols and horizons, trained densely, several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, cast

import numpy as np
import torch
from torch import Tensor

from nextclose.config import LstmConfig
from nextclose.features.news import NEWS_NAMES
from nextclose.features.table import own_names
from nextclose.models.device import same_bits
from nextclose.models.loghar.loghar import LogHarScale, fit_loghar
from nextclose.models.lstm.correction import corrected_grid, proven_shares
from nextclose.models.lstm.finetune import Head, corrections_by_symbol, tuned_heads
from nextclose.models.lstm.network import CORRECTIONS, Network
from nextclose.models.lstm.training import train_network, training_set
from nextclose.models.mixture import mixture_quantiles
from nextclose.models.protocol import Fitted, LearningCurve, Traits
from nextclose.models.state import UNSAVED, State, checked_array, decode_state
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import Scaler, available_names, fit_scaler
from nextclose.schema import MASK_COLUMNS, Floats, Floats32, Ints, Spread

# What the network reads of a session. No calendar, no level, no span beyond a quarter: on four
# symbols it learnt years by heart from those (docs/log.md).
INPUTS = (
    *("return_1", "return_5", "return_22", "downside_share_22", "gap", "open_to_close"),
    *("range", "range_ratio_22", "close_location"),
    *(f"move_ratio_{n}" for n in (1, 5, 22, 66)),
    *(f"fall_ratio_{n}" for n in (1, 5, 22)),
    "log_scale_ratio",
    *(f"range_volatility_ratio_{n}" for n in (1, 5, 22, 66)),
    *("mean_distance_20", "mean_distance_50", "rsi", "macd", "bollinger"),
    *("stochastic_k", "stochastic_d"),
    *("volume_ratio_22", "volume_surprise_66", "volume_change"),
    *(*MASK_COLUMNS, *NEWS_NAMES),  # where the table has them
)

NETWORK_LAYOUT = {
    "lstm.weight_ih_l0": "float32 gate feature",
    "lstm.weight_hh_l0": "float32 gate unit",
    "lstm.bias_ih_l0": "float32 gate",
    "lstm.bias_hh_l0": "float32 gate",
    "head.weight": "float32 output read",
    "head.bias": "float32 output",
}
HEAD_LAYOUT = {name: form for name, form in NETWORK_LAYOUT.items() if name.startswith("head.")}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedNetwork:
    """What one seed learnt: a network, how much of each of its corrections to use, own heads.

    `shares` are in [0, 1); `heads` are the last layers of the symbols that have one of their own.
    """

    weights: Mapping[str, Floats32]
    shares: Annotated[Floats, "float64 horizon correction"]
    heads: Mapping[str, Head]

    def tensors(self) -> dict[str, Tensor]:
        """The weights as torch has them."""
        return {name: torch.from_numpy(value) for name, value in self.weights.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedLstm:
    """Networks of one or more seeds over one scaler, one log-HAR scale and one spread."""

    settings: LstmConfig = field(metadata={UNSAVED: ("device",)})
    scaler: Scaler
    scale: LogHarScale
    spread: Spread  # targets over the scale's ratio
    networks: tuple[SeedNetwork, ...]
    curves: tuple[LearningCurve, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError unless every layer is as large as the settings say."""
        sizes = layer_sizes(
            self.settings, n_features=len(self.scaler.names), n_horizons=len(self.spread)
        )
        for network in self.networks:
            if network.shares.shape != (len(self.spread), CORRECTIONS):
                raise ValueError(f"shares of shape {network.shares.shape}")
            for weights in (network.weights, *(head.weights for head in network.heads.values())):
                layout = NETWORK_LAYOUT if weights is network.weights else HEAD_LAYOUT
                if set(weights) != set(layout):
                    raise ValueError(f"layers {sorted(weights)!r:.80}, expected {sorted(layout)}")
                for name, form in layout.items():
                    checked_array(weights, name, form, sizes)

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Quantiles of the mixture of all seeds. Shape (row, horizon, level), target units.

        A pure function of the last `context_sessions` rows of each row, to the bit.
        Expects: rows with that much context past warm-up (`Samples.ready`).
        """
        inputs = self.scaler.apply(samples)
        ratio = self.scale.ratio(samples, rows)[:, :, None]
        symbols = [samples.table.symbols[i] for i in samples.table.symbol[rows]]
        members = [self._issued(own, inputs, symbols, rows) * ratio for own in self.networks]
        return mixture_quantiles(np.stack(members))

    def _issued(
        self, own: SeedNetwork, inputs: Floats32, symbols: Sequence[str], rows: Ints
    ) -> Floats:
        """One seed's quantiles of targets over the ratio. Shape (row, horizon, level)."""
        network = new_network(
            self.settings, n_features=len(self.scaler.names), n_horizons=len(self.spread)
        )
        network.load_state_dict(own.tensors())
        corrections = corrections_by_symbol(
            self.settings, network, own.heads, inputs, symbols=symbols, rows=rows
        )
        return corrected_grid(self.spread, corrections * own.shares)


def layer_sizes(settings: LstmConfig, *, n_features: int, n_horizons: int) -> dict[str, int]:
    """Lengths of the axes of `NETWORK_LAYOUT`."""
    return {
        "gate": 4 * settings.units,
        "unit": settings.units,
        "feature": n_features,
        "read": settings.units + n_features,
        "output": n_horizons * CORRECTIONS,
    }


def new_network(settings: LstmConfig, *, n_features: int, n_horizons: int) -> Network:
    """A network as the settings say, freshly drawn from torch's global generator."""
    return Network(
        n_features=n_features,
        n_horizons=n_horizons,
        units=settings.units,
        dropout=settings.dropout,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lstm:
    """The model: pooled over symbols, all horizons at once, a correction to log-HAR."""

    settings: LstmConfig
    name: str = "lstm"

    @property
    def traits(self) -> Traits:
        """A fit for each seed: networks that differ in nothing else."""
        return Traits(
            fitted=FittedLstm,
            settings=self.settings.model_dump(mode="json"),
            context_sessions=self.settings.context_sessions,
            n_seeds=self.settings.n_seeds,
            reads_news=True,
            relative_cost=3,
        )

    def fit(self, train: Samples, valid: Samples, seed: int) -> FittedLstm:
        """Train one network, keep its best epoch, and use of it what validation supports.

        Learns: log-HAR from all that is known, scaler and network from `train`; the
            number of epochs and the shares of its corrections from `valid`.
        Raises: LeakError if train resolves after valid begins; NotEnoughDataError.
        """
        base, family = fit_loghar(train, valid), self.traits.family
        ratio = base.scale.ratio(train, np.arange(len(train.origin)))
        train = replace(train, target=train.target / ratio)
        valid = replace(valid, target=valid.target / ratio)
        scaler = fit_scaler(train, names=input_names(train), family=family)
        with torch.random.fork_rng(), same_bits():
            torch.manual_seed(seed)
            network = new_network(
                self.settings, n_features=len(scaler.names), n_horizons=len(base.spread)
            ).to(self.settings.device)
            lesson = training_set(
                self.settings, base.spread, train=train, valid=valid, scaler=scaler
            )
            trained = train_network(self.settings, network, lesson)
            network.load_state_dict(trained.weights)
            heads = tuned_heads(self.settings, network, lesson)
        rows = np.intersect1d(
            valid.learnable(family),
            np.flatnonzero(valid.ready(family, context_sessions=self.settings.context_sessions)),
        )
        symbols = [valid.table.symbols[i] for i in valid.table.symbol[rows]]
        corrections = corrections_by_symbol(
            self.settings, network, heads, scaler.apply(valid), symbols=symbols, rows=rows
        )
        return FittedLstm(
            settings=self.settings,
            scaler=scaler,
            scale=base.scale,
            spread=base.spread,
            networks=(
                SeedNetwork(
                    weights={name: _array(value) for name, value in trained.weights.items()},
                    shares=proven_shares(base.spread, corrections, valid, rows),
                    heads=heads,
                ),
            ),
            curves=(
                LearningCurve(
                    train=tuple(trained.train_crps),
                    valid=tuple(trained.valid_crps),
                    kept=int(np.argmax(trained.usable_gain)),
                    measure="crps",
                ),
            ),
        )

    def combine_seeds(self, members: Sequence[Fitted]) -> Fitted:
        """One forecaster of all seeds: the mixture of their distributions."""
        seeds = cast(Sequence[FittedLstm], members)
        return replace(seeds[0], networks=tuple(own for member in seeds for own in member.networks))

    def restore(self, state: State) -> Fitted:
        """The Fitted that gave this state, on the device of the settings."""
        fitted = decode_state(FittedLstm, state)
        device = {"device": self.settings.device}
        return replace(fitted, settings=fitted.settings.model_copy(update=device))


def input_names(samples: Samples) -> tuple[str, ...]:
    """What the network reads of the table: `INPUTS` as far as they are there, and own columns."""
    return available_names(samples, (*INPUTS, *own_names(samples.table)))


def _array(value: Tensor) -> Floats32:
    return np.ascontiguousarray(value.cpu().numpy())
