"""What other companies taught beforehand, for what few data cannot tell: weights and a shape.

Editions of it, like those of the LSTM: one per day up to which prices were read, as JSON in
`priors/`, made by `benchmarks/loghar_prior.py`. A fit takes the newest that had ended by then. One
of an earlier day takes the oldest, which has seen what came after: whoever judges it says so.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np

from nextclose.models.editions import newest_edition
from nextclose.schema import Floats

FOLDER = "priors"
HORIZONS = (1, 7, 30)  # sessions; between them linear in the logarithm, beyond them as at the end

# What the prior is worth, in rows of own data per session of horizon (docs/log.md): rows overlap by
# the horizon, so it takes that many more to know as much.
ROWS_PER_SESSION = 2000
SHAPE_ROWS_PER_SESSION = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What prices up to `until`, YYYY-MM-DD, taught.

    `weights`: of the constant and the inputs by horizon, (horizon, 1 + input), one table for each
    set of inputs there can be; no two are of one width. `shape`: quantiles of the outcome over its
    expected move, less their median, (horizon, level).
    """

    until: str
    weights: Sequence[Floats]
    shape: Floats

    def __post_init__(self) -> None:
        """Raise ValueError unless `until` is a date and every width is there once."""
        date.fromisoformat(self.until)
        if len({table.shape[1] for table in self.weights}) < len(self.weights):
            raise ValueError("two tables of weights are for as many inputs")

    def blended_weights(self, own: Floats, *, n_rows: int, horizon_sessions: int) -> Floats:
        """Own weights and the prior's, the own counting `n_rows`, the prior its worth. (input,).

        Source: form of the posterior mean under Zellner (1986), On assessing prior distributions.
        """
        table = next(table for table in self.weights if table.shape[1] == len(own))
        share = n_rows / (n_rows + ROWS_PER_SESSION * horizon_sessions)
        return share * own + (1.0 - share) * at_horizon(table, horizon_sessions)

    def blended_shape(self, own: Floats, *, n_rows: int, horizon_sessions: int) -> Floats:
        """The same of quantiles less their median. Shape (level,)."""
        share = n_rows / (n_rows + SHAPE_ROWS_PER_SESSION * horizon_sessions)
        return share * own + (1.0 - share) * at_horizon(self.shape, horizon_sessions)


def at_horizon(table: Floats, horizon_sessions: int) -> Floats:
    """The row of `table` (len(HORIZONS), column) for a horizon. Shape (column,)."""
    place, places = np.log(horizon_sessions), np.log(HORIZONS)
    return np.array([np.interp(place, places, column) for column in table.T])


def prior_at(last_session: np.datetime64) -> Prior:
    """The newest prior that ended before `last_session`; the oldest where none had."""
    newest = newest_edition(shipped_priors(), before=last_session)
    return shipped_priors()[0] if newest is None else newest


def taught_until() -> str:
    """The day up to which the oldest prior has read prices: earlier fits have it all the same."""
    return shipped_priors()[0].until


@cache
def shipped_priors() -> tuple[Prior, ...]:
    """The priors that come with this package, oldest first."""
    folder = importlib.resources.files(__package__).joinpath(FOLDER)
    texts = [file.read_text() for file in folder.iterdir() if file.name.endswith(".json")]
    return tuple(sorted((prior_of(json.loads(text)) for text in texts), key=lambda p: p.until))


def prior_of(content: Mapping[str, object]) -> Prior:
    """The prior that a file holds; its other keys say what it was taught by."""
    weights, shape = content["weights"], content["shape"]
    assert isinstance(weights, dict), "tables by the names of their inputs"
    return Prior(
        until=str(content["until"]),
        weights=tuple(np.array(table, dtype=np.float64) for table in weights.values()),
        shape=np.array(shape, dtype=np.float64),
    )
