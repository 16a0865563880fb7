"""The recurrent network, what its output means, and its loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nextclose.metrics import CRPS_WEIGHTS
from nextclose.schema import LEVELS, MEDIAN

CORRECTIONS = 3  # per horizon: shift of the median, log width below it, log width above it


class Network(nn.Module):
    """One LSTM layer, dropout, and a linear head that starts at zero: no correction at all.

    The head also reads the session's own inputs: what is linear in them need not wait for the LSTM.
    A unit that dropout silences is silent for a whole chunk (Gal & Ghahramani 2016, A theoretically
    grounded application of dropout in recurrent neural networks).
    """

    def __init__(self, *, n_features: int, n_horizons: int, units: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_features, units)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(units + n_features, n_horizons * CORRECTIONS)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Corrections at every session of x (session, chunk, feature): (.., .., horizon, 3)."""
        hidden, _ = self.lstm(x)
        kept_units = self.dropout(hidden.new_ones(1, *hidden.shape[1:]))  # (1, chunk, unit)
        corrections: Tensor = self.head(torch.cat([hidden * kept_units, x], dim=-1))
        return corrections.reshape(*corrections.shape[:-1], -1, CORRECTIONS)


def corrected_quantiles(spread: Tensor, corrections: Tensor) -> Tensor:
    """Rising quantiles (..., horizon, level): `spread` (horizon, level) with its median shifted
    and its two sides stretched as `corrections` (..., horizon, 3) say; zeros change nothing.
    """
    shift, below, above = corrections.unbind(-1)  # (..., horizon)
    median = spread[:, MEDIAN : MEDIAN + 1]
    side = spread - median  # (horizon, level), rising through 0
    low = side[:, : MEDIAN + 1] * below.unsqueeze(-1).exp()
    high = side[:, MEDIAN + 1 :] * above.unsqueeze(-1).exp()
    return median + shift.unsqueeze(-1) + torch.cat([low, high], dim=-1)


def grid_crps(quantiles: Tensor, target: Tensor) -> Tensor:
    """CRPS of each forecast (..., level) for its target (...), in target units, >= 0. Shape (...).

    The differentiable twin of `metrics.grid_crps`, the score that the evaluation reports.
    """
    error = target.unsqueeze(-1) - quantiles
    # pinball loss is level * error, and -error more where the target fell below the quantile
    slope = quantiles.new_tensor(CRPS_WEIGHTS * LEVELS)
    below = quantiles.new_tensor(CRPS_WEIGHTS)
    return error @ slope + torch.relu(-error) @ below
