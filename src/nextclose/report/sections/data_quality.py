"""What the prices were and what was found in them, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from nextclose.data.catalogue import Issue
from nextclose.data.finding_counts import RESPONSES, first_of_each_code
from nextclose.data.inventory import BASES, SymbolSummary, calendars_text, extent_text
from nextclose.data.suggestions import assignments
from nextclose.formatting import quantity
from nextclose.report.content import ReportContent
from nextclose.report.elements import Cell, ReportTable, TableRow, columns_named
from nextclose.report.wording import file_name, truncation_note
from nextclose.schema import Finding

LOOKS = {"E": "bad", "P": "caution", "W": "caution", "R": ""}
MAX_EXCLUDED = 60
MAX_BROKEN = 8  # symbols in several pieces that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFact:
    """A label and what it says; `look` is a style class for what needs a second look."""

    label: str
    text: str
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSummary:
    """All findings of one code: how often, the rule, and the first one with its place."""

    code: str
    response: str
    places: str
    rule: str
    first: str
    look: str


def data_facts(content: ReportContent) -> Iterator[DataFact]:
    """What was read and by which rules, and who is not in it."""
    yield DataFact(label="Read", text=extent_text(content.summaries))
    look = "caution" if content.basis == "unknown" else ""
    yield DataFact(label="Prices", text=_capitalized(BASES[content.basis]), look=look)
    yield DataFact(label="Calendar", text=_capitalized(calendars_text(content.summaries) or "none"))
    yield DataFact(label="Segments", text=_segments(content.summaries))
    allowed = assignments(content.policies)
    yield DataFact(label="Lossy repairs allowed", text=allowed or "None")
    yield DataFact(label="Survivorship", text=_survivorship(content.findings))


def finding_summaries(findings: Iterable[Finding]) -> tuple[FindingSummary, ...]:
    """One line a code, what weighs most first; file names without folders of the machine."""
    return tuple(
        FindingSummary(
            code=finding.code,
            response=RESPONSES[finding.response],
            places=quantity(finding.count, "place"),
            rule=_capitalized(finding.rule),
            first=_first_place(finding),
            look=LOOKS[finding.response],
        )
        for finding in first_of_each_code(findings)
    )


def _first_place(finding: Finding) -> str:
    place = replace(finding, path=file_name(finding.path)).place
    return f"{place}: {finding.found}" if place else finding.found


def _segments(summaries: Sequence[SymbolSummary]) -> str:
    broken = sorted((h for h in summaries if h.segments > 1), key=lambda h: -h.segments)
    if not broken:
        return "Each symbol in one piece"
    names = ", ".join(f"{h.symbol} in {h.segments}" for h in broken[:MAX_BROKEN])
    rest = (
        f" and {quantity(len(broken) - MAX_BROKEN, 'symbol')} more"
        if len(broken) > MAX_BROKEN
        else ""
    )
    n = sum(h.segments for h in summaries)
    what = f"{quantity(n, 'piece')} in all, {names}{rest}"
    return f"{what}; nothing is learnt or forecast across a break"


def excluded_symbols(findings: Iterable[Finding]) -> ReportTable:
    """Symbols that not all models forecast, or none, and why, at most `MAX_EXCLUDED`."""
    reasons = {
        finding.symbol or file_name(finding.path): finding.found
        for finding in findings
        if finding.number in (Issue.SHORT_HISTORY, Issue.LEFT_OUT)
    }
    listed = sorted(reasons.items())[:MAX_EXCLUDED]
    return ReportTable(
        caption="Symbols left out, or too young for some models",
        columns=columns_named("Symbol", "Why", words=("Why",)),
        rows=tuple(
            TableRow(name=symbol, cells=(Cell(text=why, look="words"),)) for symbol, why in listed
        ),
        note=truncation_note(len(reasons), len(listed), "symbols"),
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


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
