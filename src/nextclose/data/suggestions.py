"""The `[data]` settings that would mend what was refused, told by the cures of the findings."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nextclose.config import DataConfig, parse_config
from nextclose.schema import Finding

DEFAULTS = DataConfig()

# as a cure names it: data.gaps = "split", data.splits = FILE
SETTING = re.compile(r'data\.(\w+) = ("[^"]*"|\[[^\]]*\]|\{[^}]*\}|\w+)')
CHOICE = re.compile(r"\bor\b")


@dataclass(slots=True, kw_only=True)
class _Mend:
    """One setting as the cures name it: its value, whose cure it is, and whether the first one."""

    value: Any  # None: a placeholder, as FILE
    text: str
    codes: dict[str, None]
    is_first: bool  # of a choice


def mending_settings(findings: Iterable[Finding], *, config: DataConfig = DEFAULTS) -> str:
    """The `[data]` settings that the cures of refusals name, as TOML; "" if they name none.

    Of a choice ("or") the first that names any stands as it is; the others, and what needs a value
    of the user's own, are comments. Values of one setting that are lists or tables are joined, with
    those of `config` first: whoever sets them anew loses none.
    """
    mends: dict[str, _Mend] = {}
    for finding in findings:
        if finding.response == "E":
            choices = filter(None, map(_named, CHOICE.split(finding.fix)))
            for k, choice in enumerate(choices):
                for setting, text in choice:
                    _note(mends, setting, text, code=finding.code, is_first=k == 0)
    if not mends:
        return ""
    for name, mend in mends.items():
        mend.value = _joined(getattr(config, name), mend.value, besides=mend.value)
    return "\n".join(["[data]", *(_line(name, mend) for name, mend in mends.items())])


def mended(config: DataConfig, suggestion: str) -> DataConfig:
    """The settings as a text of `mending_settings` has them; its comments change nothing.

    Raises: ConfigError.
    """
    live = parse_config(suggestion, path="suggestion").data
    return config.model_copy(update=live.model_dump(exclude_unset=True))


def assignments(settings: Mapping[str, object]) -> str:
    """Settings in one line, as in `gaps = "split", unfinished = "drop"`."""
    return ", ".join(f"{name} = {toml_value(value)}" for name, value in settings.items())


def toml_value(value: Any) -> str:
    """A setting as TOML has it, on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{json.dumps(k)} = {toml_value(v)}' for k, v in value.items())} }}"
    return json.dumps(value) if isinstance(value, str | bool | int) else str(value)


def _named(choice: str) -> list[tuple[str, str]]:
    """Settings that a text names, each with its value."""
    return [
        (name, text) for name, text in SETTING.findall(choice) if name in DataConfig.model_fields
    ]


def _note(mends: dict[str, _Mend], setting: str, text: str, *, code: str, is_first: bool) -> None:
    value = _value(text)
    old = mends.setdefault(setting, _Mend(value=value, text=text, codes={}, is_first=is_first))
    old.codes[code] = None
    old.is_first |= is_first
    if type(old.value) is type(value):
        old.value = _joined(old.value, value, besides=old.value)


def _joined(old: Any, new: Any, *, besides: Any) -> Any:
    """Two lists or tables as one, the old first; `besides` if they are neither."""
    if isinstance(new, list):
        return list(dict.fromkeys([*old, *new]))
    return old | new if isinstance(new, dict) else besides


def _line(setting: str, mend: _Mend) -> str:
    is_live = mend.is_first and mend.value is not None
    text = mend.text if mend.value is None else toml_value(mend.value)
    return f"{'' if is_live else '# '}{setting} = {text}  # {', '.join(mend.codes)}"


def _value(text: str) -> Any:
    """The value of TOML `text`; None for a placeholder."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return None
