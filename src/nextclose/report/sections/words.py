"""Words that the page explains: in a tooltip where they stand, and in the glossary at its end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nextclose.glossary import TERMS, Kind, Term
from nextclose.report.wording import VERDICT_WORDS

KINDS: Mapping[Kind, str] = {
    "verdict": "Verdicts",
    "figure": "Figures, as verdict.json names them",
    "model": "Models",
    "word": "Other words",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word of the glossary as the page has it; `id` is where it stands there."""

    id: str
    name: str
    short: str
    more: str
    kind: Kind


def explained_words(models: Iterable[str]) -> dict[str, Word]:
    """By name: every verdict, figure and word, and those of the models that the run knows."""
    known = {*models}
    return {
        name: _word(term) for name, term in TERMS.items() if term.kind != "model" or name in known
    }


def words_by_kind(words: Mapping[str, Word]) -> dict[str, list[Word]]:
    """The same under the titles of their kinds."""
    return {
        title: [word for word in words.values() if word.kind == kind]
        for kind, title in KINDS.items()
    }


def _word(term: Term) -> Word:
    name = VERDICT_WORDS[term.name][0] if term.name in VERDICT_WORDS else term.name
    place = re.sub("[^a-z0-9]+", "-", f"term-{term.name}".lower())
    return Word(id=place, name=name, short=term.short, more=term.more, kind=term.kind)
