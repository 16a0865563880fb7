"""What callers from Python pass: of the kind that is expected, or refused with how to give it."""

from __future__ import annotations

from nextclose.errors import ConfigError, printable

BARS_FIX = "read prices with load_bars(PATH) or frame_bars(FRAME) first"


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


def type_name(value: object) -> str:
    """The name of the value's type, with its module unless that is Python's own."""
    kind = type(value)
    own = kind.__module__ == "builtins"
    return printable(kind.__name__ if own else f"{kind.__module__}.{kind.__name__}")
