"""The network as torch teaches it, and its loss; what it means is `models/lstm`."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nextclose.features.universal import INPUTS, LONG_MOVE
from nextclose.models.location import RISK_PRICE
from nextclose.models.lstm.shape import OUTPUTS, TAUGHT_HORIZONS
from nextclose.models.lstm.torch_shape import capped_crps, quantiles
from nextclose.schema import Floats32

WEIGHT_POWER = -0.25  # of a horizon's weight in the loss: 1, .61, .43 at 1, 7 and 30 sessions
HORIZONS_A_STEP = 4


class Teacher(nn.Module):
    """One LSTM layer; a layer of its state and the inputs; four outputs of each taught horizon."""

    def __init__(self, *, units: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(len(INPUTS), units)
        self.layer = nn.Linear(units + len(INPUTS), units)
        self.head = nn.Linear(units, len(TAUGHT_HORIZONS) * OUTPUTS)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at every session of x (session, lesson, input): (.., .., horizon, output)."""
        hidden, _ = self.lstm(x)
        read = nn.functional.silu(self.layer(torch.cat([hidden, x], dim=-1)))
        outputs: Tensor = self.head(read)
        return outputs.reshape(*outputs.shape[:-1], len(TAUGHT_HORIZONS), OUTPUTS)

    def weights(self) -> dict[str, Floats32]:
        """Copies of all weights by name."""
        return {name: value.detach().numpy().copy() for name, value in self.state_dict().items()}

    def load(self, weights: Mapping[str, Floats32]) -> None:
        """Take these weights."""
        self.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})


def losses(outputs: Tensor, x: Tensor, targets: Tensor, *, horizons: list[int]) -> Tensor:
    """CRPS of each forecast on the grid, in target units, at these places of the taught horizons.

    `outputs` (..., horizon, output) and `targets` (..., horizon) of those alone. NaN is passed on.
    """
    roots = outputs.new_tensor([TAUGHT_HORIZONS[k] ** 0.5 for k in horizons])
    drift = RISK_PRICE * torch.exp(x[..., LONG_MOVE, None]) * roots
    return capped_crps(quantiles(outputs, drift), targets)


def mean_loss(network: Teacher, x: Tensor, targets: Tensor, *, horizons: list[int]) -> Tensor:
    """The loss that is stepped against: means over what is known, the horizons weighed."""
    outputs = network(x)[..., horizons, :]
    wanted = targets[..., horizons]
    is_known = torch.isfinite(wanted)
    each = losses(outputs, x, torch.where(is_known, wanted, 0.0), horizons=horizons)
    total = (each * is_known).sum(dim=(0, 1)) / is_known.sum(dim=(0, 1)).clamp(min=1)
    return (total * _weights(horizons)).sum() / _weights(horizons).sum()


def horizon_losses(network: Teacher, x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of losses and counts of known targets of each taught horizon. Shapes (horizon,)."""
    every = list(range(len(TAUGHT_HORIZONS)))
    with torch.no_grad():
        is_known = torch.isfinite(targets)
        each = losses(network(x), x, torch.where(is_known, targets, 0.0), horizons=every)
        return (each * is_known).sum(dim=(0, 1)), is_known.sum(dim=(0, 1))


def _weights(horizons: list[int]) -> Tensor:
    return torch.tensor([TAUGHT_HORIZONS[k] ** WEIGHT_POWER for k in horizons])
