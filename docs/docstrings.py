"""Docstrings as the site shows them: our sections as paragraphs, settings as a table.

A docstring has lines such as `Expects: ...` or `Raises: ...`, continued by indented lines. Here
each becomes a paragraph with its word in bold. A class of settings gets a row for each field,
described by the text below it.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

SECTION = re.compile(r"([A-Z]\w+(?: / [A-Z]\w+)?): (.+)")
PAGE = re.compile(r"`?docs/(\w+)\.md`?")
SETTINGS = "Settings"  # the base class of all settings
NOT_SETTINGS = ("section", "gone", "model_config")
FIELD = re.compile(r"Field\(default=([^,)]+)")


class Readable(griffe.Extension):
    """Rewrites docstrings once they are loaded; the source stays as it is."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Each docstring in the form that the site renders."""
        if obj.docstring is not None:
            text = with_paragraphs(obj.docstring.value)
            obj.docstring.value = PAGE.sub(r"[\1](\1.md)", text)

    def on_class(self, *, cls: griffe.Class, **kwargs: Any) -> None:
        """A table below the docstring of a class of settings."""
        if cls.docstring is not None and any(str(base) == SETTINGS for base in cls.bases):
            cls.docstring.value += "\n\n" + settings_table(cls)


def with_paragraphs(text: str) -> str:
    """The text with a paragraph for each of its sections."""
    first, *others = text.splitlines()
    lines = [first]
    in_section = False
    for line in others:
        section = SECTION.fullmatch(line)
        if section:
            word, rest = section.groups()
            lines += ["", f"**{word}:** {rest}"]
        elif in_section and line.startswith("    "):
            lines.append(line.strip())
        else:
            if in_section and line:
                lines.append("")
            lines.append(line)
        in_section = bool(section) or (in_section and line.startswith("    "))
    return "\n".join(lines)


def settings_table(cls: griffe.Class) -> str:
    """Name, default and meaning of each field."""
    rows = ["| setting | default | what |", "|---|---|---|"]
    for name, attribute in cls.members.items():
        if not isinstance(attribute, griffe.Attribute) or name in NOT_SETTINGS:
            continue
        text = " ".join(attribute.docstring.value.split()) if attribute.docstring else ""
        rows.append(f"| `{name}` | `{_default(attribute)}` | {_cell(text)} |")
    return "\n".join(rows)


def _default(attribute: griffe.Attribute) -> str:
    value = " ".join(str(attribute.value).split())
    plain = FIELD.match(value)
    if plain:
        return plain[1]
    return {"Field(default_factory=dict)": "{}"}.get(value, value).replace("|", "\\|")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
