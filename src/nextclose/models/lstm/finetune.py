"""An own last layer for each symbol, where its own validation block gains by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nextclose.config import LstmConfig
from nextclose.errors import NotEnoughDataError
from nextclose.models.lstm.correction import served_corrections
from nextclose.models.lstm.network import CORRECTIONS, Network
from nextclose.models.lstm.training import TrainingSet, best_epoch
from nextclose.schema import Floats, Floats32, Ints

SLOWER = 10.0  # than all together: a symbol has few targets
HEAD = ("head.weight", "head.bias")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last layer of one symbol: its weights by name, `HEAD`."""

    weights: Mapping[str, Floats32]


def tuned_heads(settings: LstmConfig, network: Network, lesson: TrainingSet) -> dict[str, Head]:
    """The heads of the symbols that gain by one of their own; the others keep the common one.

    Starts from `network`, which is left as it is. Empty if the settings ask for no epochs.
    Expects: the global torch generator seeded by the caller; one thread.
    """
    if not settings.fine_tune_epochs:
        return {}
    slow = settings.model_copy(
        update={
            "max_epochs": settings.fine_tune_epochs,
            "learning_rate": settings.learning_rate / SLOWER,
        }
    )
    common = {name: value.detach().clone() for name, value in network.state_dict().items()}
    heads: dict[str, Head] = {}
    table = lesson.train.table
    for index, name in enumerate(table.symbols):
        segments = table.segments[table.symbol[table.segments[:, 0]] == index]
        network.load_state_dict(common)
        try:
            tuned = best_epoch(slow, network, list(network.head.parameters()), lesson.of(segments))
        except NotEnoughDataError:
            continue  # too short for a chunk of its own
        if max(tuned.usable_gain) > tuned.usable_gain[0]:
            weights = {key: tuned.weights[key].cpu().numpy() for key in HEAD}
            heads[name] = Head(weights=weights)
    network.load_state_dict(common)
    return heads


def corrections_by_symbol(
    settings: LstmConfig,
    network: Network,
    heads: Mapping[str, Head],
    inputs: Floats32,
    *,
    symbols: Sequence[str],
    rows: Ints,
) -> Floats:
    """`served_corrections` at `rows`, each with its symbol's own head where there is one.

    `symbols`: name at each of `rows`. Shape (row, horizon, 3). Changes the network's head.
    """
    names = np.array(symbols, dtype=object)
    has_own = np.isin(names, list(heads))
    common = {name: value.detach().clone() for name, value in network.state_dict().items()}
    corrections = np.empty((len(rows), network.head.out_features // CORRECTIONS, CORRECTIONS))
    corrections[~has_own] = served_corrections(settings, network, inputs, rows[~has_own])
    for name, head in heads.items():
        here = names == name
        if here.any():
            own = {key: torch.from_numpy(value) for key, value in head.weights.items()}
            network.load_state_dict({**common, **own})
            corrections[here] = served_corrections(settings, network, inputs, rows[here])
    network.load_state_dict(common)
    return corrections
