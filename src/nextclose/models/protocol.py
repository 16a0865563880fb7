"""What a model is: how it is fitted, what a fit can do, and what the program must know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from nextclose.models.state import State
from nextclose.samples.samples import Samples
from nextclose.schema import Floats, Ints


class Fitted(Protocol):
    """A frozen model. Its forecasts at a row depend on that row's past alone.

    One that is to be kept, resumed or put into a bundle is a frozen dataclass of arrays, numbers,
    names and such dataclasses (`state.py`), named in its model's `Traits.fitted`.
    """

    def quantiles(self, samples: Samples, rows: Ints) -> Floats:
        """Rising quantiles in target units at `LEVELS`. Shape (row, horizon, level).

        NaN: rows for which no forecast is made.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What the program must know of a model beside how it is fitted. The defaults suit a plug-in.

    `fitted` is the class of what `fit` returns; None: it cannot be kept, resumed or served.
    `version` is part of what a remembered fit is found by: raise it when the model's code changes;
    "" : its fits are never remembered. `settings` are plain JSON values, part of every hash and of
    the seed. Rows before the warm-up of `family` are never asked for; one forecast reads
    `context_sessions` consecutive rows, ending at the origin. `reach_sessions`: rows from which on
    more change nothing, where a forecast reads more than it needs; 0: what it needs is all it
    reads. `n_seeds` fits make one forecaster. `taught_until`, YYYY-MM-DD: what it was taught
    beforehand has read prices up to there, and fits of that day or an earlier one use it all the
    same; "": none does.
    """

    fitted: type | None = None
    version: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    family: str = "stationary"
    context_sessions: int = 1
    reach_sessions: int = 0
    n_seeds: int = 1
    taught_until: str = ""
    reads_news: bool = False  # where the table has them
    # served from the tail of a file it gives what the backtest gave: a forecast is a pure function
    # of `context_sessions` rows ...
    is_servable: bool = True
    replays: bool = False  # ... or goes on from the day of the fit: bars must reach back to it
    is_member: bool = True  # the hybrid may combine it: it forecasts ranges, not points alone
    relative_cost: int = 1  # of a fit; the dearest are begun first
    colours: tuple[str, str] | None = None  # in the report, light and dark; None: a spare one


class Forecaster(Protocol):
    """Whatever issues forecasts under a name."""

    @property
    def name(self) -> str:
        """The name that forecasts, tables and configuration use."""
        ...

    @property
    def traits(self) -> Traits:
        """What the program must know of it."""
        ...


class Model(Forecaster, Protocol):
    """How to make a Fitted of samples alone.

    The forecasts of several seeds are mixed by `mixture.mixture_quantiles`, whoever does it.
    """

    def fit(self, train: Samples, valid: Samples, seed: int) -> Fitted:
        """Learn from `train`, stop early by `valid`; both know only targets resolved in time. Pure.

        Raises: LeakError if train resolves after valid begins; NotEnoughDataError (needed, found).
        """
        ...


@runtime_checkable
class Restores(Protocol):
    """A model whose fits need more than their state to be built again: a device, other models."""

    def restore(self, state: State) -> Fitted:
        """The Fitted that gave this state.

        Raises: ValueError, KeyError or TypeError for a state that is not one.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """Losses of one training, on training and on validation rows; shapes (epoch,).

    `kept` is the position of what was kept, `first_epoch` the number of epochs or rounds done
    before the first entry. `symbol` "": all of them; `horizon_sessions` None: all at once. `stage`
    names a training that was over before the fit; "": the fit's own.
    """

    train: tuple[float, ...]
    valid: tuple[float, ...]
    kept: int
    first_epoch: int = 0
    measure: str = "loss"
    symbol: str = ""
    horizon_sessions: int | None = None
    stage: str = ""


@runtime_checkable
class Trained(Protocol):
    """A Fitted that remembers how its training went."""

    @property
    def curves(self) -> tuple[LearningCurve, ...]:
        """Its learning curves, by symbol and horizon."""
        ...
