"""The command that says what a code, a word, a model, a figure or a setting means: explain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from nextclose.commands.options import out
from nextclose.errors import ConfigError, printable

if TYPE_CHECKING:
    from nextclose.data.catalogue import Issue
    from nextclose.errors import Response
    from nextclose.glossary import Term

CODE = re.compile(r"([EPRW]?)(\d+)", re.IGNORECASE)
KINDS = {
    "verdict": "verdicts",
    "model": "models",
    "figure": "figures of verdict.json",
    "word": "words",
}


def explain(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WHAT]",
            help="A code as W66, a verdict, a model, a figure of verdict.json, a word or a "
            "setting; without it all that can be asked is listed.",
        ),
    ] = None,
) -> None:
    """What a code, a verdict, a model, a figure or a setting means, and what to do about it."""
    text = " ".join(what or ()).strip()
    lines = explanation(text) if text else contents()
    for line in lines:
        out.print(line, markup=False, highlight=False)


def explanation(text: str) -> list[str]:
    """What it means, why, and the cure, line by line.

    Raises: ConfigError naming what is nearest.
    """
    if code := CODE.fullmatch(text):
        return _of_code(code[1].upper(), int(code[2]))
    topics, key = list(_topics()), _key(text)
    by_spelling = [own for name, own in topics if name == text]
    by_key = [own for name, own in topics if _key(name) == key]
    of_settings = [own for name, own in topics if key in _parts(name)]
    if found := by_spelling or by_key or of_settings:
        return [line for lines in found for line in lines]
    names = {part: name for name, _ in reversed(topics) for part in (_key(name), *_parts(name))}
    nearest = dict.fromkeys(names[match] for match in get_close_matches(key, names, n=3))
    cure = f"the nearest: {', '.join(nearest)}" if nearest else "`nextclose explain` lists all"
    raise ConfigError(f"{printable(text)!r:.60} is nothing that is explained. Fix: {cure}.")


def _key(name: str) -> str:
    """A name as it is compared: in any case, with spaces or underscores, in brackets or not."""
    dotted = re.sub(r"\] *", ".", name.replace("_", " ")).strip("[. ")
    return " ".join(dotted.lower().split())


def _parts(name: str) -> tuple[str, ...]:
    """The key of a setting without its section."""
    return (_key(name.partition(".")[2]),) if "." in name else ()


def contents() -> list[str]:
    """All that can be asked."""
    from nextclose.config import RunConfig
    from nextclose.data.catalogue import Issue
    from nextclose.glossary import TERMS

    lines = ["nextclose explain WHAT, where WHAT is one of", ""]
    lines.append(f"codes: {min(Issue)} to {max(Issue)}, with their letter or without: W66, E31, 22")
    for kind, title in KINDS.items():
        names = ", ".join(term.name for term in TERMS.values() if term.kind == kind)
        lines.append(f"{title}: {names}")
    lines.append("other columns of verdict.json, by their names")
    sections = ", ".join(f"[{name}]" for name in RunConfig.model_fields)
    lines.append(f"settings of {sections}, as gaps or data.gaps; `nextclose init` writes all")
    return lines


def _topics() -> Iterator[tuple[str, list[str]]]:
    """Each name that can be asked, and its lines; a model's, then its settings."""
    from nextclose.commands.verdict_columns import COLUMNS
    from nextclose.glossary import TERMS

    yield from ((name, _of_term(term)) for name, term in TERMS.items())
    yield from ((name, [name, text]) for name, text in COLUMNS.items() if name not in TERMS)
    yield from _settings()


def _of_term(term: Term) -> list[str]:
    return [term.name, *filter(None, (term.short, term.more))]


def _settings() -> Iterator[tuple[str, list[str]]]:
    """Each section, and what each setting does and is by default."""
    from nextclose.commands.init import default_text, described
    from nextclose.config import RunConfig

    for name, section in RunConfig.model_fields.items():
        fields = type(section.default).model_fields
        about = (section.default.__doc__ or "").partition("\n")[0]
        yield name, [f"[{name}]", about, f"Settings: {', '.join(fields)}."]
        for key, field in fields.items():
            default = default_text(field)
            lines = [f"[{name}] {key}", described(field)]
            yield f"{name}.{key}", [*lines, f"By default {default or 'not set'}."]


def _of_code(letter: str, number: int) -> list[str]:
    """What an issue of the catalogue is, how it is answered and why, and the cure."""
    from nextclose.data.catalogue import Issue
    from nextclose.data.finding_counts import MEANINGS

    numbers: Mapping[int, Issue] = {issue.value: issue for issue in Issue}
    if number not in numbers:
        raise ConfigError(
            f"{letter}{number} is no code. Fix: give one from {min(numbers)} to {max(numbers)}."
        )
    issue = numbers[number]
    if not issue.responses:
        said = "Such input is as good as any other: nothing is said of it."
        return [f"{number}  {issue.about}", said, "Fix: nothing is to be done."]
    response = next((own for own in issue.responses if own == letter), issue.responses[0])
    lines = [f"{response}{number}  {issue.about}", f"{response}: {MEANINGS[response]}."]
    if others := [f"{other}{number}" for other in issue.responses if other != response]:
        lines.append(f"Where it matters more or less it is told as {' or '.join(others)}.")
    if issue.rule:
        lines.append(f"Rule: {issue.rule}.")
    return [*lines, *_cure(issue, response)]


def _cure(issue: Issue, response: Response) -> list[str]:
    """What to do, with what the settings in it do."""
    from nextclose.config import DataConfig

    if response == "R":
        return ["Fix: nothing is to be done."]
    if not issue.fix:
        what = "the message names it" if response == "E" else "the message has it, if there is one"
        return [f"Fix: {what}, for it depends on what was found."]
    named = dict.fromkeys(re.findall(r"data\.(\w+)", issue.fix))
    fields = DataConfig.model_fields
    settings = [f"data.{name}: {fields[name].description}" for name in named if name in fields]
    return [f"Fix: {issue.fix}", *settings]
