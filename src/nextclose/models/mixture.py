"""One forecaster from the fits of several seeds: the equal mixture of their distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nextclose.models.protocol import Fitted, Forecaster, Restores
from nextclose.models.state import State, decode_state
from nextclose.samples.samples import Samples
from nextclose.schema import LEVELS, Floats, Ints

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
    mixed = np.array([_cell_mixture(cell) for cell in cells])
    together: Floats = mixed.reshape(members.shape[1:])
    return together


def _cell_mixture(cell: Floats) -> Floats:
    """Quantiles of one mixture from its members' knots, shape (member, knot)."""
    places = np.sort(cell, axis=None)
    chance = np.mean([np.interp(places, knots, PROBABILITIES) for knots in cell], axis=0)
    quantiles: Floats = np.interp(LEVELS, chance, places)
    return quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """The fits of several seeds as one forecaster."""

    members: tuple[Fitted, ...]

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Quantiles of the mixture of all. Shape (row, horizon, level)."""
        return mixture_quantiles(
            np.stack([np.sort(fit.quantiles(samples, rows), axis=2) for fit in self.members])
        )


def combine_seeds(members: Sequence[Fitted]) -> Fitted:
    """One forecaster from the fits of all seeds of a model, in seed order."""
    return members[0] if len(members) == 1 else Mixture(members=tuple(members))


def restore_fit(model: Forecaster, state: State) -> Fitted:
    """The fit of one seed of a model that gave this state.

    Raises: ValueError, KeyError or TypeError for a state that is not one, or more than one.
    """
    if isinstance(model, Restores):
        return model.restore(state)
    kind = model.traits.fitted
    if kind is None:
        raise ValueError(f"model {model.name!r} does not say what its fits are")
    fitted: Fitted = decode_state(kind, state)
    return fitted


def restore_forecaster(model: Forecaster, state: State) -> Fitted:
    """The forecaster of all seeds of a model that gave this state, as `combine_seeds` made it.

    Raises: as `restore_fit`.
    """
    if model.traits.n_seeds == 1:
        return restore_fit(model, state)
    return decode_state(Mixture, state, build_part=lambda _, part: restore_fit(model, part))
