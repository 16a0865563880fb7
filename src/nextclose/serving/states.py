"""A fitted model's state as bytes and back: safetensors, with the facts as JSON in its header."""

from __future__ import annotations

import json

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from nextclose.config import canonical_json
from nextclose.models.state import State

FACTS = "facts"


def state_bytes(state: State) -> bytes:
    """The state in safetensors format; equal states give equal bytes."""
    arrays = {name: np.ascontiguousarray(state.arrays[name]) for name in sorted(state.arrays)}
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
