"""The command that writes a file of settings to begin with: init."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer

from nextclose.commands.options import print_lines
from nextclose.errors import ConfigError, printable

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

N_LINE = 100
HEAD = """\
# Settings of nextclose: nextclose backtest PRICES --config FILE
# Every one is here with its default; what has none, or is empty, is a comment with an example.
# Remove what you leave as it is: then a later release may choose better.
"""


def init(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE]", help="Where to; a file that is there is kept.")
    ] = Path("nextclose.toml"),
) -> None:
    """Write FILE with every setting, its default, and a line of what it does."""
    from nextclose.durable import output_errors, save

    name = printable(str(file))
    if file.exists() or file.is_symlink():
        raise ConfigError(
            f"{name} is there; it is not replaced. Fix: name another, as nextclose init mine.toml."
        )
    with output_errors(file):
        file.absolute().parent.mkdir(parents=True, exist_ok=True)
        save(file, settings_text().encode())
    call = shlex.quote(name)
    print_lines(f"written  {name}\nuse it   nextclose backtest PRICES --config {call}")


def settings_text() -> str:
    """Every setting as commented TOML; read back, it is the defaults."""
    from nextclose.config import RunConfig

    parts = [HEAD.rstrip()]
    for name, section in RunConfig.model_fields.items():
        about = (section.default.__doc__ or "").partition("\n")[0]
        parts.append(f"\n# {about}\n[{name}]")
        for key, field in type(section.default).model_fields.items():
            comment = "\n".join(f"# {line}" for line in wrap(described(field), N_LINE - 2))
            parts.append(f"{comment}\n{_assignment(key, field)}")
    return "\n\n".join(parts) + "\n"


def described(field: FieldInfo) -> str:
    """What a setting does, and its choices if they are few."""
    choices = [_toml(value) for value in _choices(field.annotation)]
    listed = f" One of {', '.join(choices)}." if len(choices) > 1 else ""
    return f"{field.description}{listed}"


def default_text(field: FieldInfo) -> str:
    """The default as TOML; "" where there is none, or nothing in it."""
    default = field.get_default(call_default_factory=True)
    return "" if default is None or default in ((), {}) else _toml(default)


def _assignment(key: str, field: FieldInfo) -> str:
    """`key = default`, or as a comment `key = example`."""
    default = default_text(field)
    examples = [*(field.examples or ()), *_choices(field.annotation)]
    if not default:
        return f"# {key} = {_toml(examples[0])}"
    line = f"{key} = {default}"
    if len(line) <= N_LINE:
        return line
    items = wrap(default.strip("[]"), N_LINE, initial_indent="  ", subsequent_indent="  ")
    return "\n".join([f"{key} = [", *items, "]"])


def _choices(annotation: Any) -> Iterator[Any]:
    """The values that a setting may have, where they are listed."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
        return
    for part in get_args(annotation):
        if get_origin(part) is Literal:
            yield from get_args(part)


def _toml(value: Any) -> str:
    """The value as TOML; of a tuple a list."""
    from nextclose.data.suggestions import toml_value

    return toml_value([*value] if isinstance(value, tuple) else value)
