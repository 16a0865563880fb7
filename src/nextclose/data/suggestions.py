"""The `[data]` settings that would cure what was refused, as the findings name them."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nextclose.config import DataConfig, parse_config
from nextclose.errors import printable
from nextclose.schema import Finding

DEFAULTS = DataConfig()

# as a cure names it: data.gaps = "split", data.splits = FILE
SETTING = re.compile(r'data\.(\w+) = ("[^"]*"|\[[^\]]*\]|\{[^}]*\}|-?\w+)')
CHOICE = re.compile(r"\bor\b")
MOVES_DATES = "day_shift"  # beside a choice that moves none it is another meaning
OF_TEXT = {"encoding", "separator", "decimal", "thousands", "columns", "header", "date_format"}
IN_ORDER = {"header"}  # lists of which one as a whole is right: never joined with another


@dataclass(slots=True, kw_only=True)
class _Suggestion:
    """One setting as the cures name it: its value, whose cure it is, and whether it stands."""

    value: Any  # None: a placeholder, as FILE
    text: str
    codes: dict[str, None]
    is_live: bool  # false: a comment


def suggestion_toml(findings: Iterable[Finding], *, config: DataConfig = DEFAULTS) -> str:
    """The `[data]` settings that the cures of refusals name, as TOML; "" if they name none.

    Of a choice ("or") the first that names any stands as it is; the others, and what needs a value
    of the user's own, are comments. Where choices give one setting several values, each gives the
    prices another meaning: there all are comments, for only the user knows which is true. Values of
    one setting that are lists or tables are joined, with those of `config` first: whoever sets them
    anew loses none. Of names in order the first stand.
    """
    settings: dict[tuple[str, int], _Suggestion] = {}  # by name, and which of a cure's it is
    for finding in findings:
        if finding.response == "E":
            choices = [*filter(None, map(_settings_in, CHOICE.split(finding.fix)))]
            is_open = _has_several_values(choices)
            n_before: dict[str, int] = {}
            for k, choice in enumerate(choices):
                for name, text in choice:
                    place = (name, n_before.get(name, 0))
                    _add_setting(
                        settings, place, text, code=finding.code, is_live=k == 0 and not is_open
                    )
                    n_before[name] = place[1] + 1
    if not settings:
        return ""
    for (name, _), setting in settings.items():
        if name not in IN_ORDER:
            setting.value = _union(getattr(config, name), setting.value)
    lines = [_line(name, setting) for (name, _), setting in settings.items()]
    return "\n".join(["[data]", *dict.fromkeys(lines)])


def with_suggestion(config: DataConfig, suggestion: str) -> DataConfig:
    """The settings as a text of `suggestion_toml` has them; its comments change nothing.

    Raises: ConfigError.
    """
    live = parse_config(suggestion, path="suggestion").data
    return config.model_copy(update=live.model_dump(exclude_unset=True))


def with_reading_as_comments(suggestion: str, refusals: Iterable[Finding]) -> str:
    """The suggestion with the settings of how text is read as comments, each naming its files."""
    paths: dict[str, dict[str, None]] = {}
    for finding in refusals:
        paths.setdefault(finding.code, {})[printable(finding.path.rpartition("/")[2])] = None
    lines = []
    for line in suggestion.splitlines():
        name, _, codes = line.partition(" ")[0], *line.rpartition("  # ")[1:]
        if name in OF_TEXT:
            files = dict.fromkeys(file for code in codes.split(", ") for file in paths[code])
            line = f"# {line}: of {', '.join(files)}; other files would read otherwise"
        lines.append(line)
    return "\n".join(lines)


def assignments(settings: Mapping[str, object]) -> str:
    """Settings in one line, as in `gaps = "split", unfinished = "drop"`."""
    return ", ".join(f"{name} = {toml_value(value)}" for name, value in settings.items())


def columns_setting(mapping: Mapping[str, str]) -> str:
    """The setting that says what columns stand for, as cures name it: data.columns = {...}."""
    return f"data.columns = {toml_value(mapping)}"


def toml_value(value: Any) -> str:
    """A setting as TOML has it, on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_quoted(k)} = {toml_value(v)}' for k, v in value.items())} }}"
    if isinstance(value, str):
        return _quoted(value)
    return json.dumps(value) if isinstance(value, bool | int) else str(value)


def _quoted(text: str) -> str:
    """A text as TOML has it; as it reads, unless a character of it cannot be seen."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _settings_in(choice: str) -> list[tuple[str, str]]:
    """Settings that a text names, each with its value."""
    return [
        (name, text) for name, text in SETTING.findall(choice) if name in DataConfig.model_fields
    ]


def _has_several_values(choices: Iterable[list[tuple[str, str]]]) -> bool:
    """Whether the choices of a cure give any setting more than one value, or some move dates."""
    choices = list(choices)
    values = {pair for choice in choices for pair in choice}
    n_moving = sum(any(name == MOVES_DATES for name, _ in choice) for choice in choices)
    return len({name for name, _ in values}) < len(values) or 0 < n_moving < len(choices)


def _add_setting(
    settings: dict[tuple[str, int], _Suggestion],
    place: tuple[str, int],
    text: str,
    *,
    code: str,
    is_live: bool,
) -> None:
    value = _value_of(text)
    new = _Suggestion(value=value, text=text, codes={}, is_live=is_live)
    setting = settings.setdefault(place, new)
    setting.codes[code] = None
    setting.is_live |= is_live
    if place[0] in IN_ORDER:
        return
    if isinstance(value, list | dict) and type(setting.value) is type(value):
        setting.value = _union(setting.value, value)


def _union(old: Any, new: Any) -> Any:
    """Two lists or tables as one, the old first; the new value if it is neither."""
    if isinstance(new, list):
        return list(dict.fromkeys([*old, *new]))
    return (old if isinstance(old, dict) else {}) | new if isinstance(new, dict) else new


def _line(name: str, setting: _Suggestion) -> str:
    is_live = setting.is_live and setting.value is not None
    text = setting.text if setting.value is None else toml_value(setting.value)
    return f"{'' if is_live else '# '}{name} = {text}  # {', '.join(setting.codes)}"


def _value_of(text: str) -> Any:
    """The value of TOML `text`; None for a placeholder."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return None
