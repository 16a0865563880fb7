"""A fitted model's state as bytes and back: safetensors, with the facts as JSON in its header."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from nextclose.config import canonical_json
from nextclose.errors import ConfigError
from nextclose.models.mixture import restore_fit, restore_forecaster
from nextclose.models.protocol import Fitted, Forecaster, Model
from nextclose.models.registry import HYBRID, OURS
from nextclose.models.state import State, encode_state

FACTS = "facts"


def state_bytes(state: State) -> bytes:
    """The state in safetensors format; equal states give equal bytes."""
    arrays = {
        name: np.ascontiguousarray(array).reshape(array.shape)  # it makes one axis of none
        for name, array in sorted(state.arrays.items())
    }
    facts = {FACTS: canonical_json(dict(state.facts))}
    return safetensors.numpy.save(arrays, metadata=facts)


def state_of(content: bytes) -> State:
    """The state that gave these bytes.

    Raises: ValueError saying what is wrong with them: not safetensors, facts missing or not as they
        are written here (so that no key stands twice and no number is NaN), a value that is not
        finite.
    """
    try:
        arrays = safetensors.numpy.load(content)
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        text = header["__metadata__"][FACTS]
        facts = json.loads(text)
        is_ours = isinstance(facts, dict) and canonical_json(facts) == text
    except (SafetensorError, LookupError, ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"no model state ({error})") from error
    if not is_ours:
        raise ValueError("no model state (facts that were not written here)")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"a value in {name} is not finite")
    return State(arrays=arrays, facts=facts)


def written_fit(model: Model, fitted: Fitted) -> bytes:
    """The fit of one seed as bytes that can be read again.

    Raises: ConfigError for a fit of the user's own that cannot be written down, and why.
    """
    return _readable_bytes(model, fitted, restore_fit)


def written_forecaster(model: Forecaster, fitted: Fitted) -> bytes:
    """The forecaster of all seeds as bytes that can be read again; raises as `written_fit`."""
    return _readable_bytes(model, fitted, restore_forecaster)


def _readable_bytes(
    model: Forecaster, fitted: Fitted, restore: Callable[[Forecaster, State], Fitted]
) -> bytes:
    try:
        content = state_bytes(encode_state(fitted))
        restore(model, state_of(content))
    except (TypeError, ValueError, LookupError, NameError, SafetensorError) as error:
        if model.name in OURS and model.name != HYBRID:  # which may have members of others
            raise
        raise ConfigError(
            f"a fit of model {model.name!r} cannot be written down and read again: {error}. Fix: "
            "hold finite arrays, numbers, names and dataclasses of them, typed as they are, or "
            "name no class in Traits(fitted=...)."
        ) from error
    return content
