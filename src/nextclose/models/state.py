"""What a fitted model is written down as, and the one way to do it: frozen dataclasses and back.

A state is plain arrays and JSON facts; it may come from anywhere, so each value is checked before
anything is built of it. Fields of a fitted model are of these kinds:

    arrays           `Annotated[Floats, "float64 horizon level"]`: type and axes; an axis of one
                     name has one length in a model and its parts; arrays without that: any shape
    numbers, text    int, float, str, bool, None, and tuples of them; `tuple[str, ...]` are distinct
                     names, and `Annotated[tuple[str, ...], "symbol"]` says how long an axis is
    settings         pydantic models
    parts            other dataclasses, tuples of them, mappings from a name to them or to arrays
    other models     `Fitted`, alone or in tuples and mappings; who restores says what they are

What must hold besides belongs into the dataclass's own `__post_init__`, as a ValueError.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from nextclose.config import canonical_json
from nextclose.schema import LEVELS

UNSAVED = "unsaved"  # metadata of a field: True leaves it out, names leave these settings out
PLAIN = (int, float, str, bool, NoneType)
Built = TypeVar("Built")
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything a fitted model is made of, fit to be written down: plain arrays and JSON facts."""

    arrays: Arrays = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def part(self, name: str) -> State:
        """The state of the part of that name.

        Raises: ValueError if the facts hold no such part.
        """
        own = {key: array for key, array in self.arrays.items() if key.startswith(f"{name}.")}
        arrays = {key.removeprefix(f"{name}."): array for key, array in own.items()}
        return State(arrays=arrays, facts=fact(self.facts, name, kind=dict))


BuildPart = Callable[[str, State], Any]  # a fitted model inside another, by its name there


def encode_state(fitted: Any) -> State:
    """The state of a fitted model, which `decode_state` builds again bit for bit.

    Raises: TypeError naming a field of a kind that cannot be written down.
    """
    if not dataclasses.is_dataclass(fitted) or isinstance(fitted, type):
        raise TypeError(f"{type(fitted).__name__} is no dataclass: it cannot be written down")
    arrays: dict[str, npt.NDArray[Any]] = {}
    facts: dict[str, Any] = {}
    for place in _saved_fields(type(fitted)):
        value = getattr(fitted, place.name)
        if isinstance(value, np.ma.MaskedArray):
            raise TypeError(f"field {place.name!r} is a masked array: it cannot be written down")
        if isinstance(value, np.ndarray):
            arrays[place.name] = value
        elif _is_mapping_of_arrays(value):
            arrays |= {f"{place.name}.{key}": array for key, array in value.items()}
            facts[place.name] = list(value)
        else:
            facts[place.name] = _facts_of(value, place, arrays)
    return State(arrays=arrays, facts=facts)


def _facts_of(value: Any, place: dataclasses.Field[Any], arrays: dict[str, Any]) -> Any:
    """The facts of one value; its arrays go into `arrays` under its place's name."""

    def part(key: str, item: Any) -> Any:
        state = encode_state(item)
        arrays.update({f"{key}.{name}": array for name, array in state.arrays.items()})
        return dict(state.facts)

    name = place.name
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude=set(place.metadata.get(UNSAVED, ())))
    if isinstance(value, PLAIN):
        return value
    if dataclasses.is_dataclass(value):
        return part(name, value)
    if isinstance(value, Mapping):
        return [[key, part(f"{name}.{key}", item)] for key, item in value.items()]
    if isinstance(value, tuple) and all(isinstance(item, PLAIN) for item in value):
        return list(value)
    if isinstance(value, tuple):
        return [part(f"{name}.{index}", item) for index, item in enumerate(value)]
    raise TypeError(f"field {name!r} is a {type(value).__name__}: it cannot be written down")


def decode_state(kind: type[Built], state: State, *, build_part: BuildPart | None = None) -> Built:
    """The fitted model of that class that gave this state.

    `build_part` makes the models inside it, whose classes the fields do not say.
    Raises: ValueError, KeyError or TypeError for a state that is not one of that class, or that
        holds more than it.
    """
    reader = _Reader(state=state, lengths={"level": len(LEVELS)}, build_part=build_part)
    fitted = reader.record(kind)
    refuse_unlike(encode_state(fitted), state)
    return fitted


def refuse_unlike(again: State, state: State) -> None:
    """Raise ValueError unless a model would write down what it was made of, and nothing else."""
    unlike = sorted(set(again.arrays) ^ set(state.arrays))
    if unlike:
        raise ValueError(f"{unlike[0]} is not part of this model, or missing")
    if canonical_json(dict(again.facts)) != canonical_json(dict(state.facts)):
        raise ValueError("facts that this model would not state")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads one dataclass out of a state; `lengths` are of the axes known so far, and grow."""

    state: State
    lengths: dict[str, int]
    build_part: BuildPart | None

    def record(self, kind: type[Built]) -> Built:
        """The dataclass of that kind that the state describes."""
        hints = get_type_hints(kind, include_extras=True)
        return kind(**{f.name: self.value(hints[f.name], f.name) for f in _saved_fields(kind)})

    def value(self, hint: Any, name: str) -> Any:
        """The value of the field `name` of that type."""
        form = ""
        if get_origin(hint) is Annotated:
            hint, form = get_args(hint)[:2]
        if _is_array(hint):
            return checked_array(self.state.arrays, name, form, self.lengths)
        if name not in self.state.facts:
            raise ValueError(f"no fact {name!r}")
        if _is_plain(hint):
            return fact(self.state.facts, name, kind=_kind_of(hint, self.state.facts[name]))
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            return hint.model_validate(self.state.facts[name])
        if get_origin(hint) is tuple:
            return self._tuple(get_args(hint)[0], name, form)
        if get_origin(hint) is Mapping:
            return self._mapping(get_args(hint)[1], name)
        return self._part(hint, name, self.state.facts[name], self.lengths)

    def _tuple(self, item: Any, name: str, axis: str) -> tuple[Any, ...]:
        if not _is_plain(item):
            parts = enumerate(fact(self.state.facts, name, kind=list))
            return tuple(self._part(item, f"{name}.{i}", own) for i, own in parts)
        items = _items(self.state.facts, name, item)
        if axis and self.lengths.setdefault(axis, len(items)) != len(items):
            raise ValueError(f"{len(items)} {name}, expected {self.lengths[axis]}")
        return items

    def _mapping(self, item: Any, name: str) -> Mapping[str, Any]:
        if _is_array(item):
            keys = names_in(self.state.facts, name)
            return {k: checked_array(self.state.arrays, f"{name}.{k}", "", {}) for k in keys}
        pairs = _pairs(self.state.facts, name)
        return {key: self._part(item, f"{name}.{key}", own) for key, own in pairs}

    def _part(self, hint: Any, name: str, facts: Any, lengths: dict[str, int] | None = None) -> Any:
        """A dataclass or a model inside this one; one of several has axes of its own."""
        own = State(arrays=self.state.arrays, facts={name: facts}).part(name)
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            scope = dict(self.lengths) if lengths is None else lengths
            return _Reader(state=own, lengths=scope, build_part=self.build_part).record(hint)
        if self.build_part is None:
            raise ValueError(f"{name} is a model inside another that nobody builds")
        return self.build_part(name.rpartition(".")[2], own)


def checked_array(
    arrays: Arrays, name: str, form: str, lengths: dict[str, int]
) -> npt.NDArray[Any]:
    """The array of that name if it is of that type and shape; axes seen first get their length.

    `form` is type and axes, as in "float64 horizon level"; "" is any.
    Raises: ValueError naming it.
    """
    if name not in arrays:
        raise ValueError(f"no array {name}, expected {form or 'one'}")
    array = arrays[name]
    if not form:
        return array
    dtype, *axes = form.split()
    if array.dtype != dtype or array.ndim != len(axes):
        raise ValueError(f"{name} is {array.dtype} {array.shape}, expected {form}")
    for axis, length in zip(axes, array.shape, strict=True):
        if lengths.setdefault(axis, length) != length:
            raise ValueError(f"{name} has {length} along {axis}, expected {lengths[axis]}")
    return array


def refuse_not_above_zero(**arrays: npt.NDArray[Any]) -> None:
    """Raise ValueError naming the first of these arrays with a value that is not above 0."""
    for name, array in arrays.items():
        if not (array > 0).all():
            raise ValueError(f"{name} is not above 0 everywhere")


def fact(facts: Any, name: str, *, kind: type) -> Any:
    """The fact of that name if it is exactly of that kind: True is no number, 1 no 1.0.

    Raises: ValueError naming it.
    """
    value = facts.get(name) if isinstance(facts, Mapping) else None
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


def _items(facts: Any, name: str, kind: Any) -> tuple[Any, ...]:
    """A tuple of plain values of one kind; names are distinct."""
    if kind is str:
        return names_in(facts, name)
    values = fact(facts, name, kind=list)
    if any(type(value) is not kind for value in values):
        raise ValueError(f"fact {name!r} is {values!r:.60}, expected {kind.__name__}s")
    return tuple(values)


def _pairs(facts: Any, name: str) -> Sequence[tuple[str, Any]]:
    """A list of names and what each stands for, in its order; the names are distinct."""
    values = fact(facts, name, kind=list)
    if not all(type(value) is list and len(value) == 2 for value in values):
        raise ValueError(f"fact {name!r} is {values!r:.60}, expected pairs")
    keys = names_in({name: [key for key, _ in values]}, name)
    return list(zip(keys, (own for _, own in values), strict=True))


def _saved_fields(kind: type) -> list[dataclasses.Field[Any]]:
    return [f for f in dataclasses.fields(kind) if f.metadata.get(UNSAVED) is not True]


def _is_mapping_of_arrays(value: Any) -> bool:
    return isinstance(value, Mapping) and any(isinstance(v, np.ndarray) for v in value.values())


def _is_array(hint: Any) -> bool:
    return hint is np.ndarray or get_origin(hint) is np.ndarray


def _is_plain(hint: Any) -> bool:
    if get_origin(hint) in (Union, UnionType):
        return all(part in PLAIN for part in get_args(hint))
    return hint in PLAIN


def _kind_of(hint: Any, value: Any) -> type:
    """The type that a plain value must have: of `int | None` the one it has, if it is one."""
    kinds = get_args(hint) or (hint,)
    return next((kind for kind in kinds if type(value) is kind), kinds[0])
