"""A trained network's corrections at given rows, and how much of them validation supports."""

from __future__ import annotations

import numpy as np
import torch

from nextclose.config import LstmConfig
from nextclose.models.device import same_bits
from nextclose.models.lstm.network import CORRECTIONS, Network, corrected_quantiles, grid_crps
from nextclose.models.lstm.shrinkage import proven_share
from nextclose.samples.samples import Samples
from nextclose.samples.windows import windows
from nextclose.schema import Floats, Floats32, Ints

SHIFT, WIDTHS = slice(0, 1), slice(1, CORRECTIONS)


def served_corrections(
    settings: LstmConfig, network: Network, inputs: Floats32, rows: Ints
) -> Floats:
    """Corrections at `rows`, shape (row, horizon, 3), from scaled `inputs` (row, feature).

    Each is the state after exactly the last `context_sessions` rows from a zero state. Batches have
    a fixed, padded size, so a row's bits never depend on its neighbours.
    """
    network = network.to(settings.device).eval()
    size = settings.serving_batch
    x = torch.zeros(settings.context_sessions, size, inputs.shape[1])
    corrections = np.empty((len(rows), network.head.out_features // CORRECTIONS, CORRECTIONS))
    with torch.no_grad(), same_bits():
        for start in range(0, len(rows), size):
            chosen = rows[start : start + size]
            gathered = windows(inputs, chosen, sessions=settings.context_sessions)
            x.zero_()
            x[:, : len(chosen)] = torch.from_numpy(gathered).transpose(0, 1)
            last = network(x.to(settings.device))[-1]  # (batch, horizon, 3)
            corrections[start : start + size] = last[: len(chosen)].cpu().numpy()
    return corrections


def corrected_grid(spread: Floats, corrections: Floats) -> Floats:
    """`network.corrected_quantiles` in float64. Shape (row, horizon, level)."""
    grid: Floats = corrected_quantiles(
        torch.from_numpy(spread), torch.from_numpy(corrections)
    ).numpy()
    return grid


def proven_shares(spread: Floats, corrections: Floats, valid: Samples, rows: Ints) -> Floats:
    """How much of each correction at the validation `rows` they support. Shape (horizon, 3).

    Shift and widths answer apart for the CRPS they gain over no correction.
    """
    none = _scores(spread, np.zeros_like(corrections), valid, rows)
    shares = np.zeros(corrections.shape[1:])
    for part in (SHIFT, WIDTHS):
        alone = np.zeros_like(corrections)
        alone[..., part] = corrections[..., part]
        gain = none - _scores(spread, alone, valid, rows)
        for k, horizon in enumerate(valid.horizons):
            known = np.isfinite(gain[:, k])
            sessions = valid.origin[rows[known]]
            shares[k, part] = proven_share(gain[known, k], sessions, horizon_sessions=horizon)
    return shares


def _scores(spread: Floats, corrections: Floats, valid: Samples, rows: Ints) -> Floats:
    """CRPS of corrected forecasts, NaN without a target. Shape (row, horizon), target units."""
    grid = torch.from_numpy(corrected_grid(spread, corrections))
    scores: Floats = grid_crps(grid, torch.from_numpy(valid.target[rows])).numpy()
    return scores
