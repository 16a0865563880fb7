"""What the prices were and what was found in them, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from nextclose.data.catalogue import Issue
from nextclose.data.finding_counts import RESPONSES, first_of_each_code
from nextclose.data.inventory import BASES, SymbolSummary, calendars_text, extent_text, plural
from nextclose.data.suggestions import assignments
from nextclose.report.content import ReportContent
from nextclose.report.wording import file_name
from nextclose.schema import Finding

LOOKS = {"E": "bad", "P": "caution", "W": "caution", "R": ""}
MAX_BROKEN = 8  # symbols in several pieces that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A label and what it says; `look` is a style class for what needs a second look."""

    label: str
    text: str
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All findings of one code: how often, the rule, and the first one with its place."""

    code: str
    response: str
    places: str
    rule: str
    first: str
    look: str


def reading(content: ReportContent) -> Iterator[Fact]:
    """What was read and by which rules, and who is not in it."""
    held = content.holdings
    yield Fact(label="Read", text=extent_text(held))
    look = "caution" if content.basis == "unknown" else ""
    yield Fact(label="Prices", text=_sentence(BASES[content.basis]), look=look)
    yield Fact(label="Calendar", text=_sentence(calendars_text(held) or "none"))
    yield Fact(label="Segments", text=_segments(held))
    allowed = assignments(content.policies)
    yield Fact(label="Lossy repairs allowed", text=allowed or "None")
    yield Fact(label="Survivorship", text=_survivorship(content.findings))


def found(findings: Iterable[Finding]) -> tuple[Found, ...]:
    """One line a code, what weighs most first; file names without folders of the machine."""
    return tuple(
        Found(
            code=one.code,
            response=RESPONSES[one.response],
            places=plural(one.count, "place"),
            rule=_sentence(one.rule),
            first=_first(one),
            look=LOOKS[one.response],
        )
        for one in first_of_each_code(findings)
    )


def _first(one: Finding) -> str:
    place = replace(one, path=file_name(one.path)).place
    return f"{place}: {one.found}" if place else one.found


def _segments(held: Sequence[SymbolSummary]) -> str:
    broken = sorted((one for one in held if one.segments > 1), key=lambda one: -one.segments)
    if not broken:
        return "Each symbol in one piece"
    names = ", ".join(f"{one.symbol} in {one.segments}" for one in broken[:MAX_BROKEN])
    rest = (
        f" and {plural(len(broken) - MAX_BROKEN, 'symbol')} more"
        if len(broken) > MAX_BROKEN
        else ""
    )
    n = sum(one.segments for one in held)
    return (
        f"{plural(n, 'piece')} in all, {names}{rest}; nothing is learnt or forecast across a break"
    )


def _survivorship(findings: Iterable[Finding]) -> str:
    """The line that stands in every report: who died before the end may not be in the data."""
    if any(finding.number == Issue.SURVIVORSHIP for finding in findings):
        return (
            "Every symbol is alive at the end of the data. Companies that failed or were delisted "
            "are not in it, so results look better than they would have been for somebody who "
            "chose at the time."
        )
    return (
        "Some symbols end before the others. Whether all that failed or were delisted are in the "
        "data cannot be seen from it; those that are missing make results look better."
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
