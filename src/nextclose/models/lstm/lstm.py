"""The pooled LSTM: one network for all symbols and horizons, trained densely, several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from nextclose.config import LstmConfig
from nextclose.features.news import NEWS_NAMES
from nextclose.models.device import same_bits
from nextclose.models.loghar.loghar import LogHarScale, fit_loghar, restored_scale
from nextclose.models.lstm.correction import corrected_grid, proven_shares
from nextclose.models.lstm.finetune import Heads, corrections_by_symbol, tuned_heads
from nextclose.models.lstm.network import CORRECTIONS, Network
from nextclose.models.lstm.training import lesson_of, train_network
from nextclose.models.mixture import mixture_quantiles
from nextclose.models.protocol import Fitted, State, of_prefix, with_prefix
from nextclose.models.state_checks import (
    axis_lengths,
    checked_spread,
    curves_in,
    fact,
    names_in,
    refuse_not_above_zero,
)
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import Scaler, fit_scaler, present
from nextclose.schema import MASK_COLUMNS, Floats, Floats32, Ints

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

LAYOUT = {
    "scaler.center": "float64 feature",
    "scaler.width": "float64 feature",
    "shares": "float64 seed horizon correction",
}
HEAD_LAYOUT = {"head.weight": "float32 output read", "head.bias": "float32 output"}
NETWORK_LAYOUT = {
    "lstm.weight_ih_l0": "float32 gate feature",
    "lstm.weight_hh_l0": "float32 gate unit",
    "lstm.bias_ih_l0": "float32 gate",
    "lstm.bias_hh_l0": "float32 gate",
    **HEAD_LAYOUT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedLstm:
    """Networks of one or more seeds over one scaler, one log-HAR scale and one spread.

    `weights` has one mapping per seed, name -> array, `heads` and `shares` one entry: how much of
    each of its corrections is used. The seeds share everything else.
    """

    settings: LstmConfig
    scaler: Scaler
    scale: LogHarScale
    spread: Floats  # (horizon, level), targets over the scale's ratio
    weights: tuple[Mapping[str, Floats32], ...]
    heads: tuple[Heads, ...]  # by seed: last layers of the symbols that have one of their own
    shares: Floats  # (seed, horizon, correction), in [0, 1)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Quantiles of the mixture of all seeds. Shape (row, horizon, level), target units.

        A pure function of the last `context_sessions` rows of each row, to the bit.
        Expects: rows with that much context past warm-up (`Samples.ready`).
        """
        inputs = self.scaler.apply(samples)
        ratio = self.scale.ratio(samples, rows)[:, :, None]
        symbols = [samples.table.symbols[i] for i in samples.table.symbol[rows]]
        members = [
            self._issued(seed, inputs, symbols, rows) * ratio for seed in range(len(self.weights))
        ]
        return mixture_quantiles(np.stack(members))

    def _issued(self, seed: int, inputs: Floats32, symbols: Sequence[str], rows: Ints) -> Floats:
        """One seed's quantiles of targets over the ratio. Shape (row, horizon, level)."""
        network = new_network(
            self.settings, n_features=len(self.scaler.names), n_horizons=len(self.spread)
        )
        weights = self.weights[seed].items()
        network.load_state_dict({name: torch.from_numpy(value) for name, value in weights})
        corrections = corrections_by_symbol(
            self.settings, network, self.heads[seed], inputs, symbols=symbols, rows=rows
        )
        return corrected_grid(self.spread, corrections * self.shares[seed])

    def state(self) -> State:
        """Everything; `restored_lstm` builds the same forecaster of it."""
        scale = self.scale.state()
        arrays: dict[str, Any] = {
            "scaler.center": self.scaler.center,
            "scaler.width": self.scaler.width,
            **with_prefix(scale.arrays, "scale."),
            "spread": self.spread,
            "shares": self.shares,
        }
        for seed, weights in enumerate(self.weights):
            arrays |= with_prefix(weights, f"network.{seed}.")
            for index, head in enumerate(self.heads[seed].values()):
                arrays |= with_prefix(head, f"own.{seed}.{index}.")
        facts = {
            "settings": self.settings.model_dump(mode="json", exclude={"device"}),
            "inputs": list(self.scaler.names),
            "curves": {name: list(values) for name, values in self.curves.items()},
            "scale": dict(scale.facts),
            "own": [list(heads) for heads in self.heads],
        }
        return State(arrays=arrays, facts=facts)


def restored_lstm(state: State) -> FittedLstm:
    """The FittedLstm that gave this state, to run on the CPU, wherever it was trained.

    Raises: ValueError saying what is not that of one.
    """
    facts, arrays = state.facts, state.arrays
    settings = LstmConfig.model_validate(fact(facts, "settings", kind=dict))
    names, own = names_in(facts, "inputs"), fact(facts, "own", kind=list)
    scale = restored_scale(State(arrays=of_prefix(arrays, "scale."), facts=facts["scale"]))
    lengths = {"feature": len(names), "horizon": len(scale.weights), "seed": len(own)}
    axis_lengths(arrays, LAYOUT, lengths={**lengths, "correction": CORRECTIONS})
    refuse_not_above_zero(arrays, "scaler.width")
    weights = [of_prefix(arrays, f"network.{seed}.") for seed in range(len(own))]
    heads = [
        {
            symbol: of_prefix(arrays, f"own.{seed}.{index}.")
            for index, symbol in enumerate(names_in({"own": symbols}, "own"))
        }
        for seed, symbols in enumerate(own)
    ]
    sizes = layer_sizes(settings, n_features=len(names), n_horizons=len(scale.weights))
    for seed, network in enumerate(weights):
        axis_lengths(network, NETWORK_LAYOUT, lengths=sizes)
        for head in heads[seed].values():
            axis_lengths(head, HEAD_LAYOUT, lengths=sizes)
    return FittedLstm(
        settings=settings,
        scaler=Scaler(names=names, center=arrays["scaler.center"], width=arrays["scaler.width"]),
        scale=scale,
        spread=checked_spread(arrays, n_horizons=len(scale.weights)),
        weights=tuple(weights),
        heads=tuple(heads),
        shares=arrays["shares"],
        curves=curves_in(facts),
    )


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
    def n_seeds(self) -> int:
        """Networks that differ in nothing but their seed."""
        return self.settings.n_seeds

    @property
    def family(self) -> str:
        """The family whose warm-up its inputs obey."""
        return "stationary"

    @property
    def context_sessions(self) -> int:
        """Rows one forecast reads."""
        return self.settings.context_sessions

    @property
    def config(self) -> Mapping[str, Any]:
        """Its settings as JSON values."""
        return self.settings.model_dump(mode="json")

    def fit(self, train: Samples, valid: Samples, seed: int) -> FittedLstm:
        """Train one network, keep its best epoch, and use of it what validation supports.

        Learns: log-HAR from all that is known, scaler and network from `train`; the
            number of epochs and the shares of its corrections from `valid`.
        Raises: LeakError if train resolves after valid begins; NotEnoughDataError.
        """
        base = fit_loghar(train, valid)
        ratio = base.scale.ratio(train, np.arange(len(train.origin)))
        train = replace(train, target=train.target / ratio)
        valid = replace(valid, target=valid.target / ratio)
        scaler = fit_scaler(train, names=present(train, INPUTS), family=self.family)
        with torch.random.fork_rng(), same_bits():
            torch.manual_seed(seed)
            network = new_network(
                self.settings, n_features=len(scaler.names), n_horizons=len(base.spread)
            ).to(self.settings.device)
            lesson = lesson_of(self.settings, base.spread, train=train, valid=valid, scaler=scaler)
            trained = train_network(self.settings, network, lesson)
            network.load_state_dict(trained.weights)
            heads = tuned_heads(self.settings, network, lesson)
        rows = np.intersect1d(
            valid.learnable(self.family),
            np.flatnonzero(valid.ready(self.family, context_sessions=self.context_sessions)),
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
            weights=({name: _array(value) for name, value in trained.weights.items()},),
            heads=(heads,),
            shares=proven_shares(base.spread, corrections, valid, rows)[None],
            curves={
                "train_crps": trained.train_crps,
                "valid_crps": trained.valid_crps,
                "usable_gain": trained.usable_gain,
            },
        )

    def combine(self, members: Sequence[Fitted]) -> Fitted:
        """One forecaster of all seeds: the mixture of their distributions."""
        seeds = cast(Sequence[FittedLstm], members)
        return replace(
            seeds[0],
            weights=tuple(weights for member in seeds for weights in member.weights),
            heads=tuple(heads for member in seeds for heads in member.heads),
            shares=np.concatenate([member.shares for member in seeds]),
        )

    def restore(self, state: State) -> Fitted:
        """The Fitted that gave this state, on the device of the settings."""
        found = restored_lstm(state)
        device = {"device": self.settings.device}
        return replace(found, settings=found.settings.model_copy(update=device))


def _array(value: Tensor) -> Floats32:
    return np.ascontiguousarray(value.cpu().numpy())
