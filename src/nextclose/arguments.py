"""What callers from Python pass: of the kind that is expected, or refused with how to give it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Sequence
from difflib import get_close_matches
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from nextclose.errors import ConfigError, printable
from nextclose.forks import refuse_fork

FORECASTS_FIX = "give the forecasts of a run, run.forecasts, or a frame in that form"
SYNONYMS = {"ticker": "symbol", "name": "symbol", "settings": "config", "model": "models"}

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def named_arguments(
    settings: Any = None,
) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """A function that refuses arguments it does not have in our words, naming the right place.

    It refuses to run in a forked process, too, in which it would wait for ever.
    `settings` is the class of its `config`: what is a setting there is said so.
    """

    def named(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        signature = inspect.signature(function)

        @wraps(function)
        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                unknown = [name for name in kwargs if name not in signature.parameters]
                what = f"has no argument {unknown[0]!r:.40}" if unknown else f"got {error}"
                cure = _right_argument(unknown[0], signature, settings) if unknown else ""
                raise ConfigError(
                    f"{function.__name__}() {what}. "
                    f"Fix: {cure or f'call it as {function.__name__}{_names(signature)}'}."
                ) from error
            refuse_fork()
            return function(*args, **kwargs)

        return call

    return named


def _right_argument(name: str, signature: inspect.Signature, settings: Any) -> str:
    """How to say what somebody tried to say by an argument of that name; "" if nobody knows."""
    ours = {name: name for name in signature.parameters}
    ours |= {word: name for word, name in SYNONYMS.items() if name in signature.parameters}
    places: dict[str, str] = {}
    for key, call in _places(settings) if settings is not None else ():
        places.setdefault(key, call)
    if same := get_close_matches(name, ours, n=1, cutoff=0.85):
        return f"give {ours[same[0]]}=..."
    if near := get_close_matches(SYNONYMS.get(name, name), places, n=1, cutoff=0.75):
        return f"give config={places[near[0]].replace('...', f'{near[0]}=...')}"
    nearest = get_close_matches(name, ours, n=1)
    return f"give {ours[nearest[0]]}=..." if nearest else ""


def _places(settings: Any) -> Iterator[tuple[str, str]]:
    """Each setting by its name, and the call that says it, with dots for what it says."""
    for name, field in settings.model_fields.items():
        if hasattr(type(field.default), "model_fields"):
            inner = _places(type(field.default))
            yield from ((key, f"{settings.__name__}({name}={call})") for key, call in inner)
        else:
            yield name, f"{settings.__name__}(...)"


def _names(signature: inspect.Signature) -> str:
    """The arguments: those by place, then those by name."""
    names = [
        f"{name}=..." if parameter.kind is parameter.KEYWORD_ONLY else name
        for name, parameter in signature.parameters.items()
    ]
    return f"({', '.join(names)})"


def refuse_other_frame(
    value: Any, kind: type, *, columns: Collection[str], argument: str, fix: str
) -> None:
    """Raises: ConfigError if the value is no data frame of that kind, or lacks one of `columns`."""
    refuse_other(value, kind, argument=argument, fix=fix)
    missing = [name for name in columns if name not in value.columns]
    if missing:
        raise ConfigError(f"{argument} has no column {missing[0]!r}. Fix: {fix}.")


def refuse_other(
    value: object,
    kind: type | tuple[type, ...],
    *,
    argument: str,
    fix: str,
    is_optional: bool = False,
) -> None:
    """Raises: ConfigError if the value is of another kind; None will do where it is optional."""
    if isinstance(value, kind) or (is_optional and value is None):
        return
    raise ConfigError(f"{argument} is {type_name(value)}. Fix: {fix}.")


def sessions_ahead(horizons: int | Sequence[int] | None) -> tuple[int, ...] | None:
    """The horizons that a caller names, one or several; None: none are named.

    Raises: ConfigError if they are something else.
    """
    if isinstance(horizons, int):
        return (horizons,)
    fix = "give whole sessions in rising order, as horizons=(1, 7, 30)"
    refuse_other(horizons, (list, tuple, range), argument="horizons", fix=fix, is_optional=True)
    return None if horizons is None else tuple(horizons)


def type_name(value: object) -> str:
    """The name of the value's type, with its module unless that is Python's own."""
    kind = type(value)
    own = kind.__module__ == "builtins"
    return printable(kind.__name__ if own else f"{kind.__module__}.{kind.__name__}")
