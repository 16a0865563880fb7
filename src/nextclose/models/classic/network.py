"""The tutorial's network and its training recipe, on scaled windows; knows nothing of dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from nextclose.models.protocol import LearningCurve
from nextclose.schema import Floats32

N_FEATURES = 41
WINDOW_SESSIONS = 60
UNITS = 128
BATCH_SAMPLES = 32
LEARNING_RATE = 1e-3
PATIENCE_EPOCHS = 10  # without a better validation loss, then the best weights come back
FLAT_EPOCHS = 5  # then the learning rate is halved, down to its floor
LEARNING_RATE_FLOOR = 1e-6
FLAT_GAIN = 1e-4  # a smaller fall of the validation loss is flat: Keras' default
ADAM_EPSILON = 1e-7  # Keras' default; torch's is 1e-8


class ClassicNetwork(nn.Module):
    """Scaled windows (sample, session, feature) to scaled prices (sample,), begun as in Keras."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm_1 = nn.LSTM(N_FEATURES, UNITS, batch_first=True)
        self.dropout_1 = nn.Dropout(0.2)
        self.lstm_2 = nn.LSTM(UNITS, UNITS, batch_first=True)
        self.dropout_2 = nn.Dropout(0.2)
        self.dense_1 = nn.Linear(UNITS, 64)
        self.dense_2 = nn.Linear(64, 32)
        self.output = nn.Linear(32, 1)
        for lstm in (self.lstm_1, self.lstm_2):
            _start_lstm(lstm)
        for dense in (self.dense_1, self.dense_2, self.output):
            nn.init.xavier_uniform_(dense.weight)
            nn.init.zeros_(dense.bias)

    def forward(self, x: Tensor) -> Tensor:
        """All steps of the first layer, the last step of the second, then the dense layers."""
        x = self.dropout_1(self.lstm_1(x)[0])  # (sample, session, unit)
        x = self.dropout_2(self.lstm_2(x)[0][:, -1])  # (sample, unit)
        x = torch.relu(self.dense_2(torch.relu(self.dense_1(x))))
        scaled_price: Tensor = self.output(x)[:, 0]  # (sample,)
        return scaled_price


def _start_lstm(lstm: nn.LSTM) -> None:
    """Keras' start. torch's second bias stays zero for ever: the recipe has one for each gate."""
    parameters = dict(lstm.named_parameters())
    nn.init.xavier_uniform_(parameters["weight_ih_l0"])
    nn.init.orthogonal_(parameters["weight_hh_l0"])
    nn.init.zeros_(parameters["bias_ih_l0"])
    nn.init.ones_(parameters["bias_ih_l0"][UNITS : 2 * UNITS])  # gates: input, forget, cell, output
    nn.init.zeros_(parameters["bias_hh_l0"]).requires_grad_(False)


def trained_parameters(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that training moves, by name."""
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def network_table() -> str:
    """The layers with output shapes and trained parameters, laid out as Keras prints them."""
    network = with_weights({})
    rule = "=" * 62
    lines = [f"{'Layer (type)':<24}{'Output shape':<24}{'Parameters':>14}", rule]
    width = N_FEATURES
    for name, layer in network.named_children():
        width = getattr(layer, "hidden_size", getattr(layer, "out_features", width))
        shape = (WINDOW_SESSIONS, width) if name in ("lstm_1", "dropout_1") else (width,)
        kind = f"{name} ({type(layer).__name__})"
        output = f"(None, {', '.join(map(str, shape))})"
        lines.append(f"{kind:<24}{output:<24}{n_trained(layer):>14,}")
    return "\n".join([*lines, rule, f"Trained parameters: {n_trained(network):,}"])


def n_trained(module: nn.Module) -> int:
    """How many numbers training moves."""
    return sum(p.numel() for p in trained_parameters(module).values())


def with_weights(weights: Mapping[str, Floats32], *, device: str = "cpu") -> ClassicNetwork:
    """A network with these weights, ready to forecast; a start of its own where there are none."""
    with torch.random.fork_rng(devices=[]):
        network = ClassicNetwork()
    with torch.no_grad():
        parameters = trained_parameters(network)
        for name, values in weights.items():
            parameters[name].copy_(torch.tensor(values))  # the array may be read-only
    return network.to(device).eval()


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceWindows:
    """Scaled windows (sample, session, feature) and the scaled prices to come (sample,)."""

    x: Tensor
    price: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedClassic:
    """Weights of the epoch with the lowest validation loss; curves of loss and absolute error."""

    weights: Mapping[str, Floats32]
    curves: tuple[LearningCurve, ...]


def train_network(
    train: PriceWindows, valid: PriceWindows, *, seed: int, max_epochs: int
) -> TrainedClassic:
    """Train by the tutorial's recipe, on the device that the examples lie on.

    Learns: Adam on the squared error of batches of 32; learning rate and stopping epoch by `valid`.
    Returns: one value per epoch of loss and mae, on scaled prices; those on training rows with
        dropout, as they were met during the epoch.
    Limits: equal seeds give equal bits on one CPU thread.
    """
    device = train.x.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        network = ClassicNetwork().to(device)
        optimizer = torch.optim.Adam(
            trained_parameters(network).values(), lr=LEARNING_RATE, eps=ADAM_EPSILON, fused=True
        )
        slower = plateau_scheduler(optimizer)
        history: list[tuple[float, ...]] = []
        best, best_epoch, weights = np.inf, 0, _weights_copy(network)
        for epoch in range(max_epochs):
            order = np.random.default_rng([seed, epoch]).permutation(len(train.price))
            losses = _epoch(network, optimizer, train, torch.from_numpy(order).to(device))
            history.append((*losses, *errors(network, valid)))
            val_loss = history[-1][2]
            slower.step(val_loss)
            if val_loss < best:
                best, best_epoch, weights = val_loss, epoch, _weights_copy(network)
            elif epoch - best_epoch >= PATIENCE_EPOCHS:
                break
    loss, mae, valid_loss, valid_mae = zip(*history, strict=True)
    curves = tuple(
        LearningCurve(
            measure=name, train=train_losses, valid=valid_losses, kept=best_epoch, first_epoch=1
        )
        for name, train_losses, valid_losses in (
            ("loss", loss, valid_loss),
            ("mae", mae, valid_mae),
        )
    )
    return TrainedClassic(weights=weights, curves=curves)


def plateau_scheduler(
    optimizer: torch.optim.Optimizer,
) -> torch.optim.lr_scheduler.ReduceLROnPlateau:
    """What halves the learning rate after 5 epochs without a gain of 1e-4, down to 1e-6."""
    return torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        factor=0.5,
        patience=FLAT_EPOCHS - 1,  # torch acts on the epoch after its patience is spent
        threshold=FLAT_GAIN,
        threshold_mode="abs",
        min_lr=LEARNING_RATE_FLOOR,
    )


def errors(network: ClassicNetwork, examples: PriceWindows) -> tuple[float, float]:
    """Mean squared and mean absolute error on scaled prices, without dropout."""
    network.eval()
    with torch.no_grad():
        error = network(examples.x) - examples.price
    return float(error.square().mean()), float(error.abs().mean())


def _epoch(
    network: ClassicNetwork, optimizer: torch.optim.Optimizer, train: PriceWindows, order: Tensor
) -> tuple[float, float]:
    """One pass in batches of 32; mean squared and absolute error as they were met."""
    network.train()
    squared, absolute = 0.0, 0.0
    for batch in torch.split(order, BATCH_SAMPLES):
        error = network(train.x[batch]) - train.price[batch]
        loss = error.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        squared += float(loss.detach()) * len(batch)
        absolute += float(error.detach().abs().sum())
    return squared / len(order), absolute / len(order)


def _weights_copy(network: ClassicNetwork) -> dict[str, Floats32]:
    return {
        name: p.detach().cpu().numpy().copy() for name, p in trained_parameters(network).items()
    }
