"""What is odd about a bar, as inputs of 0 and 1: halted, spiked, filled, widened."""

from __future__ import annotations

from functools import partial

from nextclose.features.columns import Column, FamilyDefinition, SymbolBars
from nextclose.schema import MASK_COLUMNS, Floats

MASKS = "masks"


def mask(bars: SymbolBars, *, name: str) -> Floats:
    """1 where the bar has that mask, else 0. Shape (session,). Causal: known at the bar's close."""
    return bars.columns[name]


MASK_FAMILY = FamilyDefinition(
    cap=1.0,
    columns=tuple(
        Column(name, 0, partial(mask, name=name), needs=(name,)) for name in MASK_COLUMNS
    ),
)
