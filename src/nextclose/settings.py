"""What all groups of settings have in common, and how a wrong one is named."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from nextclose.errors import ConfigError, without_secrets


class Settings(BaseModel):
    """A frozen group of settings: strict types, no unknown keys; lists are taken for tuples.

    Raises: ConfigError for an unknown key (with the nearest name) or a bad value.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,  # what `nextclose init` and `nextclose explain` say of it
    )
    section: ClassVar[str] = ""  # of a file; "": the whole of it
    gone: ClassVar[Mapping[str, str]] = {}  # a setting of before -> why there is none any more

    if not TYPE_CHECKING:  # where arguments have the types of the fields

        def __init__(self, **values):
            try:
                super().__init__(**with_tuples(values))
            except ValidationError as error:
                name = type(self).__name__
                raise first_problem(error, path=name, section=self.section) from error

        # groups within a group are checked with it, not by this: its answer knows the place
        __init__.__pydantic_base_init__ = True

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        """What differs from the defaults: as much as one would have to write."""
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value != field.get_default(call_default_factory=True):
                yield name, value

    def __str__(self) -> str:
        return repr(self)

    @field_validator("*", mode="after")
    @classmethod
    def _without_secrets(cls, value: Any) -> Any:
        """Settings are written into run folders, reports and bundles."""
        if any(without_secrets(text) != text for text in _texts(value)):
            raise ValueError("a password or key does not belong into settings")
        return value


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value and in what it holds."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for pair in value.items():
            yield from _texts(pair)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def with_tuples(value: Any) -> Any:
    """The same with tuples for lists, as TOML and JSON have no tuples."""
    if isinstance(value, Mapping):
        return {key: with_tuples(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return tuple(with_tuples(inner) for inner in value)
    return value


def first_problem(error: ValidationError, *, path: str, section: str = "") -> ConfigError:
    """The first of what pydantic found, in our words. `section`: what was checked; "": all."""
    problem = error.errors()[0]
    *place, key = map(str, problem["loc"] or ("",))
    section = ".".join(filter(None, (section, *place)))
    where = f"{path}: [{section}]" if section else f"{path}:"
    if problem["type"] == "extra_forbidden":
        fields = {group.section: [*group.model_fields] for group in Settings.__subclasses__()}
        sections = [f"[{name}]" for name, names in fields.items() if name and key in names]
        nearest = get_close_matches(key, fields.get(section, ()), n=1, cutoff=0.0)
        hint = f"; the nearest is {nearest[0]!r}" if nearest else ""
        fault = f"belongs under {' or '.join(sections)}" if sections else f"is not a setting{hint}"
        gone = {group.section: group.gone for group in Settings.__subclasses__()}
        if why := gone.get(section, {}).get(key):
            fault = f"is no longer a setting: {why}. Fix: leave it out"
        text = f"{where} {key!r} {fault}."
    else:
        text = f"{where} {key} = {problem['input']!r:.60}: {_own_words(problem)}."
    return ConfigError(text, section=section, key=key)


def _own_words(problem: Mapping[str, Any]) -> str:
    """What pydantic says of a value, as we say it."""
    value = problem["input"]
    if problem["type"] == "tuple_type":
        items = [part.strip() for part in value.split(",")] if isinstance(value, str) else [value]
        return f"expected a list, as in {json.dumps(items, default=str)}"
    if problem["type"] == "date_type" and isinstance(value, str):
        return "expected a date, in a file without quotes, in Python as date(2026, 1, 31)"
    message: str = problem["msg"]
    return message.removeprefix("Value error, ").replace("Input should be", "expected")
