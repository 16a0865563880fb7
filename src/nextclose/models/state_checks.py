"""What a model that was written down must look like, before anything is built of it.

A state may come from anywhere. An axis has one name and one length in all arrays it stands in; a
list of names, a count and a number are what they say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from nextclose.schema import LEVELS, Floats

Arrays = Mapping[str, npt.NDArray[Any]]


def axis_lengths(
    arrays: Arrays, layout: Mapping[str, str], *, lengths: Mapping[str, int]
) -> dict[str, int]:
    """The length of every axis, those of `lengths` and those that only the arrays tell.

    `layout` maps the arrays' names to type and axes, as in "float64 horizon level".
    Raises: ValueError naming the first array that is missing or of another type or shape.
    """
    found = dict(lengths)
    for name, form in layout.items():
        dtype, *axes = form.split()
        if name not in arrays:
            raise ValueError(f"no array {name}, expected {form}")
        array = arrays[name]
        if array.dtype != dtype or array.ndim != len(axes):
            raise ValueError(f"{name} is {array.dtype} {array.shape}, expected {form}")
        for axis, length in zip(axes, array.shape, strict=True):
            if found.setdefault(axis, length) != length:
                raise ValueError(f"{name} has {length} along {axis}, expected {found[axis]}")
    return found


def checked_spread(arrays: Arrays, *, n_horizons: int) -> Floats:
    """The array "spread" of a model of so many horizons. Shape (horizon, level).

    Raises: ValueError if it is not there or another.
    """
    lengths = {"horizon": n_horizons, "level": len(LEVELS)}
    axis_lengths(arrays, {"spread": "float64 horizon level"}, lengths=lengths)
    return arrays["spread"]


def refuse_not_above_zero(arrays: Arrays, *names: str) -> None:
    """Raise ValueError naming the first of these arrays with a value that is not above 0."""
    for name in names:
        if not (arrays[name] > 0).all():
            raise ValueError(f"{name} is not above 0 everywhere")


def fact(facts: Any, name: str, *, kind: type) -> Any:
    """The fact of that name if it is exactly of that kind: True is no number, 1 no 1.0.

    Raises: ValueError naming it.
    """
    value = facts.get(name) if isinstance(facts, dict) else None
    if type(value) is not kind:
        raise ValueError(f"fact {name!r} is {value!r:.60}, expected a {kind.__name__}")
    return value


def names_in(facts: Any, name: str) -> tuple[str, ...]:
    """The fact of that name: distinct texts, in their order.

    Raises: ValueError naming it.
    """
    values = fact(facts, name, kind=list)
    if not all(isinstance(value, str) for value in values) or len(set(values)) < len(values):
        raise ValueError(f"fact {name!r} is {values!r:.60}, expected distinct names")
    return tuple(values)


def curves_in(facts: Any) -> Mapping[str, list[float]]:
    """The fact "curves": lists of numbers by name.

    Raises: ValueError naming one that is not.
    """
    curves: dict[str, Any] = fact(facts, "curves", kind=dict)
    for name, values in curves.items():
        if type(values) is not list or {type(value) for value in values} - {float, int}:
            raise ValueError(f"curve {name!r} is {values!r:.60}, expected numbers")
    return curves
