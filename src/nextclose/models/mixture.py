"""One forecast from several: the quantiles of the equal mixture of their distributions."""

from __future__ import annotations

import numpy as np

from nextclose.schema import LEVELS, Floats

# A grid says nothing beyond its outermost levels; there each member goes on along its last
# segment until probability 0 or 1.
LOW_REACH = LEVELS[0] / (LEVELS[1] - LEVELS[0])
HIGH_REACH = (1.0 - LEVELS[-1]) / (LEVELS[-1] - LEVELS[-2])
PROBABILITIES: Floats = np.concatenate([[0.0], LEVELS, [1.0]])


def mixture_quantiles(members: Floats) -> Floats:
    """Quantiles of the mixture whose parts are the members' grids, equally likely.

    Shape (row, horizon, level) from (member, row, horizon, level), rising. Each member's
    distribution is linear between its quantiles. One member is returned as it is. Each cell is
    computed alone: its bits do not depend on other rows.
    """
    if len(members) == 1:
        (only,) = members
        return np.asarray(only)
    low = members[..., :1] - LOW_REACH * (members[..., 1:2] - members[..., :1])
    high = members[..., -1:] + HIGH_REACH * (members[..., -1:] - members[..., -2:-1])
    knots = np.concatenate([low, members, high], axis=-1)  # (member, row, horizon, knot)
    cells = np.moveaxis(knots, 0, 2).reshape(-1, len(members), knots.shape[-1])
    mixed = np.array([_mixed(cell) for cell in cells])
    together: Floats = mixed.reshape(members.shape[1:])
    return together


def _mixed(cell: Floats) -> Floats:
    """Quantiles of one mixture from its members' knots, shape (member, knot)."""
    places = np.sort(cell, axis=None)
    chance = np.mean([np.interp(places, knots, PROBABILITIES) for knots in cell], axis=0)
    quantiles: Floats = np.interp(LEVELS, chance, places)
    return quantiles
