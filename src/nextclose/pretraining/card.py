"""What came of a course as an edition, with a card that says what it was taught with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from nextclose.models.lstm.editions import Edition
from nextclose.models.lstm.network import Network
from nextclose.models.lstm.shape import TAUGHT_HORIZONS
from nextclose.pretraining.course import Standing, Weights, loss_weights
from nextclose.pretraining.pretrain import Taught
from nextclose.schema import Floats
from nextclose.serving.versions import versions


def edition_of(taught: Taught, *, note: str = "") -> Edition:
    """What was taught as an edition, its card with it. Losses are CRPS in target units.

    `note` says of the prices and the code what only who teaches knows.
    """
    card: dict[str, Any] = {
        "note": note,
        "teach": asdict(taught.teach),
        "stop": asdict(taught.stop),
        "data_fingerprint": taught.data_fingerprint,
        "course": asdict(taught.course),
        "horizons": list(TAUGHT_HORIZONS),
        "stop_crps_untuned": _rounded(taught.untuned_losses),
        "stop_crps": _rounded(taught.average_losses),
        "stages": {title: _stage_card(standing) for title, standing in taught.standings.items()},
        "versions": versions(),
    }
    return Edition(until=taught.until, network=network_of(taught.weights), card=card)


def overall(losses: Floats) -> float:
    """One figure for losses of all horizons (horizon,), weighed as when taught."""
    return float(losses @ loss_weights())


def network_of(weights: Weights) -> Network:
    """Torch's weights as NumPy runs them: its two biases of a gate are one."""
    return Network(
        lstm_input=weights["lstm.weight_ih_l0"],
        lstm_state=weights["lstm.weight_hh_l0"],
        lstm_bias=weights["lstm.bias_ih_l0"] + weights["lstm.bias_hh_l0"],
        layer=weights["layer.weight"],
        layer_bias=weights["layer.bias"],
        head=weights["head.weight"],
        head_bias=weights["head.bias"],
    )


def _stage_card(standing: Standing) -> Mapping[str, Any]:
    """How a stage went: losses by round, weighed over horizons, and the round that was kept."""
    return {
        "taught": [round(loss, 5) for loss in standing.taught],
        "watched": _rounded(standing.watched @ loss_weights()),
        "kept": standing.best_round - 1,
    }


def _rounded(losses: Floats) -> list[float]:
    return [round(float(loss), 5) for loss in losses]
