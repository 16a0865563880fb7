"""What a model is: two Protocols, and the record that a fitted one is written down as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy.typing as npt

from nextclose.samples.samples import Samples
from nextclose.schema import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything a fitted model is made of, fit to be written down: plain arrays and JSON facts."""

    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def with_prefix(arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> dict[str, Any]:
    """The arrays of a part, named so that they can stand beside those of other parts."""
    return {prefix + name: value for name, value in arrays.items()}


def of_prefix(arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> dict[str, Any]:
    """The arrays of the part with that prefix, as the part names them."""
    return {
        name.removeprefix(prefix): value
        for name, value in arrays.items()
        if name.startswith(prefix)
    }


class Fitted(Protocol):
    """A frozen model. Its forecasts at a row depend on that row's past alone."""

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Rising quantiles in target units. Shape (row, horizon, level)."""
        ...

    def state(self) -> State:
        """What `restore` needs to build this object again, bit for bit."""
        ...

    @property
    def curves(self) -> Mapping[str, Sequence[float]]:
        """Learning curves by name, one value per epoch; empty for models without epochs."""
        ...


class Forecaster(Protocol):
    """What a model is called, what it reads, and how it is built again."""

    @property
    def name(self) -> str:
        """The name that forecasts, tables and configuration use."""
        ...

    @property
    def family(self) -> str:
        """The feature family it reads; rows before that family's warm-up are never asked for."""
        ...

    @property
    def context_sessions(self) -> int:
        """How many consecutive rows, ending at the origin, one forecast reads."""
        ...

    @property
    def config(self) -> Mapping[str, Any]:
        """Its settings as plain JSON values; part of every hash."""
        ...

    def restore(self, state: State) -> Fitted:
        """The Fitted that gave this state."""
        ...


class Model(Forecaster, Protocol):
    """How to make a Fitted of samples alone: `fit` is pure, `combine` makes one of several seeds.

    The forecasts of several seeds are mixed by `mixture.mixture_quantiles`, whoever does it.
    """

    @property
    def n_seeds(self) -> int:
        """How many fits, each with a seed of its own, make one forecaster."""
        ...

    def fit(self, train: Samples, valid: Samples, seed: int) -> Fitted:
        """Learn from `train`, stop early by `valid`; both know only targets resolved in time.

        Raises: LeakError if train resolves after valid begins; NotEnoughDataError (needed, found).
        """
        ...

    def combine(self, members: Sequence[Fitted]) -> Fitted:
        """One forecaster from the fits of all seeds, in seed order."""
        ...
