"""`shape` and the CRPS once more, in torch: what is differentiated where something is taught."""

from __future__ import annotations

import torch
from torch import Tensor

from nextclose.metrics import CRPS_WEIGHTS
from nextclose.models.lstm.shape import (
    LOCATION_STEP,
    MOST_BEND,
    MOST_LOG_SCALE,
    MOST_TAIL,
    NORMAL,
    OUTPUTS,
    SKEW_STEP,
    TAIL_STEP,
)
from nextclose.schema import LEVELS

LOSS_CAP = 30.0  # target units


def quantiles(outputs: Tensor, drift: Tensor) -> Tensor:
    """`shape.shape_quantiles`, differentiable."""
    location, log_scale, skew, tail = (outputs[..., k, None] for k in range(OUTPUTS))
    log_scale = torch.clamp(log_scale, -MOST_LOG_SCALE, MOST_LOG_SCALE)
    bend = torch.clamp(SKEW_STEP * skew, -MOST_BEND, MOST_BEND)
    width = torch.exp(-torch.clamp(TAIL_STEP * tail, -MOST_TAIL, MOST_TAIL))
    normal = torch.asinh(outputs.new_tensor(NORMAL))
    side = torch.sinh((normal + bend) * width) - torch.sinh(bend * width)
    return drift[..., None] + LOCATION_STEP * location + torch.exp(log_scale) * side


def capped_crps(grid: Tensor, target: Tensor) -> Tensor:
    """CRPS of each forecast (..., level) for its target (...), at most `LOSS_CAP`. NaN: passed on.

    The differentiable twin of `metrics.grid_crps`, the score that the evaluation reports.
    """
    error = target[..., None] - grid
    # pinball loss is level * error, and -error more where the target fell below the quantile
    slope = grid.new_tensor(CRPS_WEIGHTS * LEVELS)
    below = grid.new_tensor(CRPS_WEIGHTS)
    return torch.clamp(error @ slope + torch.relu(-error) @ below, max=LOSS_CAP)
