"""The recurrent network and its loss: a correction to volatility-scaled historical quantiles."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nextclose.schema import LEVEL_WEIGHTS, LEVELS, MEDIAN, Floats

CORRECTIONS = 3  # per horizon: shift of the median, log width below it, log width above it


class Network(nn.Module):
    """One LSTM layer, dropout, and a linear head that starts at zero.

    With a zero head the forecast at every session is `base`, the pooled quantiles of past targets,
    shape (horizon, level): the network starts as the EWMA model and learns what to change.
    """

    base: Tensor

    def __init__(self, *, n_features: int, units: int, dropout: float, base: Floats) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_features, units)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(units, len(base) * CORRECTIONS)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("base", torch.tensor(base, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Corrections for every session of x (session, chunk, feature): (session, chunk, 3 h)."""
        hidden, _ = self.lstm(x)
        corrections: Tensor = self.head(self.dropout(hidden))
        return corrections

    def quantiles(self, corrections: Tensor) -> Tensor:
        """Rising quantiles in target units. Shape (..., horizon, level) from (..., 3 h)."""
        shape = (*corrections.shape[:-1], len(self.base), CORRECTIONS)
        shift, below, above = corrections.reshape(shape).unbind(-1)  # (..., horizon)
        median = self.base[:, MEDIAN : MEDIAN + 1]
        spread = self.base - median  # (horizon, level), rising through 0
        low = spread[:, : MEDIAN + 1] * below.unsqueeze(-1).exp()
        high = spread[:, MEDIAN + 1 :] * above.unsqueeze(-1).exp()
        return median + shift.unsqueeze(-1) + torch.cat([low, high], dim=-1)


def grid_crps(quantiles: Tensor, target: Tensor) -> Tensor:
    """CRPS of each forecast (..., level) for its target (...), in target units, >= 0. Shape (...).

    The exact weights of `schema.LEVEL_WEIGHTS`; the same score that the evaluation reports.
    """
    levels = quantiles.new_tensor(LEVELS)
    weights = quantiles.new_tensor(2.0 * LEVEL_WEIGHTS)
    error = target.unsqueeze(-1) - quantiles
    return (torch.maximum(levels * error, (levels - 1.0) * error) * weights).sum(-1)
