"""The pooled LSTM: one network for all symbols and horizons, trained densely, several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from nextclose.config import LstmConfig
from nextclose.models.mixture import mixture_quantiles
from nextclose.models.network import Network
from nextclose.models.protocol import Fitted, State
from nextclose.models.training import train_network
from nextclose.models.volatility import HarScale, fit_har
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import Scaler, fit_scaler, present
from nextclose.samples.windows import windows
from nextclose.schema import Floats, Floats32, Ints

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
)
CURVES = ("train_crps", "valid_crps")


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedLstm:
    """Networks of one or more seeds over one scaler, one HAR scale and one spread.

    `weights` has one mapping per seed, name -> array. The seeds share everything else, which
    depends on the training samples alone.
    """

    settings: LstmConfig
    scaler: Scaler
    scale: HarScale
    spread: Floats  # (horizon, level), targets over the HAR ratio
    weights: tuple[Mapping[str, Floats32], ...]
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Quantiles of the mixture of all seeds. Shape (row, horizon, level), target units.

        Each row is the state after exactly the last `context_sessions` rows from a zero state, so
        it depends on those rows alone, also to the bit: batches have a fixed, padded size.
        Expects: rows with that much context past warm-up (`Samples.ready`).
        """
        inputs = self.scaler.apply(samples)
        ratio = self.scale.ratio(samples, rows)[:, :, None]
        members = np.stack([self._member(seed, inputs, rows) for seed in self.weights])
        return mixture_quantiles(members) * ratio

    def _member(self, weights: Mapping[str, Floats32], inputs: Floats32, rows: Ints) -> Floats:
        """One seed's quantiles of targets over the HAR ratio. Shape (row, horizon, level)."""
        network = self._network(weights)
        grid = np.empty((len(rows), *self.spread.shape))
        size = self.settings.serving_batch
        x = torch.zeros(self.settings.context_sessions, size, inputs.shape[1])
        with torch.no_grad():
            for start in range(0, len(rows), size):
                chosen = rows[start : start + size]
                gathered = windows(inputs, chosen, sessions=self.settings.context_sessions)
                x.zero_()
                x[:, : len(chosen)] = torch.from_numpy(gathered).transpose(0, 1)
                corrections = network(x.to(self.settings.device))[-1]
                issued = network.quantiles(self.settings.correction_share * corrections)
                grid[start : start + size] = issued.cpu().numpy()[: len(chosen)]
        return grid

    def _network(self, weights: Mapping[str, Floats32]) -> Network:
        network = new_network(self.settings, n_features=len(self.scaler.names), base=self.spread)
        network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        return network.to(self.settings.device).eval()

    def state(self) -> State:
        """Everything; `restored_lstm` builds the same forecaster of it."""
        arrays: dict[str, Any] = {
            "scaler.center": self.scaler.center,
            "scaler.width": self.scaler.width,
            "har.weights": self.scale.weights,
            "spread": self.spread,
        }
        for seed, weights in enumerate(self.weights):
            arrays |= {f"network.{seed}.{name}": value for name, value in weights.items()}
        facts = {
            "settings": self.settings.model_dump(mode="json"),
            "inputs": list(self.scaler.names),
            "curves": {name: list(values) for name, values in self.curves.items()},
            **self.scale.facts,
        }
        return State(arrays=arrays, facts=facts)


def restored_lstm(state: State) -> FittedLstm:
    """The FittedLstm that gave this state."""
    settings = LstmConfig.model_validate(state.facts["settings"])
    return FittedLstm(
        settings=settings,
        scaler=Scaler(
            names=tuple(state.facts["inputs"]),
            center=state.arrays["scaler.center"],
            width=state.arrays["scaler.width"],
        ),
        scale=HarScale(names=tuple(state.facts["har_inputs"]), weights=state.arrays["har.weights"]),
        spread=state.arrays["spread"],
        weights=tuple(
            _with_prefix(state.arrays, f"network.{seed}.") for seed in range(_n_seeds(state))
        ),
        curves=state.facts["curves"],
    )


def _n_seeds(state: State) -> int:
    return sum(name.endswith(".head.bias") for name in state.arrays)


def _with_prefix(arrays: Mapping[str, Any], prefix: str) -> dict[str, Floats32]:
    return {
        name.removeprefix(prefix): value
        for name, value in arrays.items()
        if name.startswith(prefix)
    }


def new_network(settings: LstmConfig, *, n_features: int, base: Floats) -> Network:
    """A network as the settings say, freshly drawn from torch's global generator."""
    return Network(n_features=n_features, units=settings.units, dropout=settings.dropout, base=base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lstm:
    """The model: pooled over symbols, all horizons at once, a correction to the HAR forecast."""

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
        """Train one network and keep its best epoch by validation score.

        Learns: HAR weights and spread from all that is known, scaler and network from `train`,
            the number of epochs from `valid`.
        Raises: LeakError if train resolves after valid begins; NotEnoughDataError.
        """
        base = fit_har(train, valid)
        ratio = base.scale.ratio(train, np.arange(len(train.origin)))
        scaler = fit_scaler(train, names=present(train, INPUTS), family=self.family)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = new_network(self.settings, n_features=len(scaler.names), base=base.spread).to(
                self.settings.device
            )
            trained = train_network(
                self.settings,
                network,
                train=replace(train, target=train.target / ratio),
                valid=replace(valid, target=valid.target / ratio),
                scaler=scaler,
            )
        return FittedLstm(
            settings=self.settings,
            scaler=scaler,
            scale=base.scale,
            spread=base.spread,
            weights=({name: _array(value) for name, value in trained.weights.items()},),
            curves=dict(zip(CURVES, (trained.train_crps, trained.valid_crps), strict=True)),
        )

    def combine(self, members: Sequence[Fitted]) -> Fitted:
        """One forecaster of all seeds: the mixture of their distributions."""
        seeds = cast(Sequence[FittedLstm], members)
        together = tuple(weights for member in seeds for weights in member.weights)
        return replace(seeds[0], weights=together)

    def restore(self, state: State) -> Fitted:
        """The Fitted that gave this state."""
        return restored_lstm(state)


def _array(value: Tensor) -> Floats32:
    return np.ascontiguousarray(value.cpu().numpy())
