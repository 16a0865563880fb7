"""Findings taken together: how many of each code, and which lossy repairs were allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.left_out import left_out_symbols
from nextclose.data.rules.sequence import RULES
from nextclose.formatting import quantity
from nextclose.schema import Finding, Response

# In the order of what a reader must know first.
RESPONSES: Mapping[Response, str] = {
    "E": "refused",
    "P": "repaired by policy",
    "W": "warning",
    "R": "repaired",
}
MEANINGS: Mapping[Response, str] = {
    "E": "refused: to go on could change what a close means",
    "P": "repaired with some loss, as a setting allows",
    "W": "kept, and worth knowing",
    "R": "repaired without loss",
}
# Warnings that all such prices bring, whatever is done with them: told where more is asked for.
STANDING = {
    *(Issue.MISSING_COLUMN, Issue.NO_ADJUSTED_CLOSE, Issue.TWO_CLOSES),
    Issue.SURVIVORSHIP,
}


def finding_counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How often each finding was made, by code."""
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[finding.code] += finding.count
    return dict(sorted(counts.items()))


def group_by_code(findings: Iterable[Finding]) -> dict[str, tuple[Finding, ...]]:
    """The findings of each code, in the order of `RESPONSES`, then of the catalogue."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.code, []).append(finding)
    order = list(RESPONSES)
    ordered = sorted(
        groups.values(), key=lambda group: (order.index(group[0].response), group[0].number)
    )
    return {group[0].code: tuple(group) for group in ordered}


def first_of_each_code(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The first finding of each code, with the count of all; order as `group_by_code`.

    Of what was left out all names stand in one.
    """
    return tuple(
        _all_left_out(group)
        if group[0].number == Issue.LEFT_OUT
        else replace(group[0], count=sum(finding.count for finding in group))
        for group in group_by_code(findings).values()
    )


def is_note(finding: Finding) -> bool:
    """Whether it asks for no decision: a repair without loss, or a warning of `STANDING`."""
    return finding.response == "R" or (finding.response == "W" and finding.number in STANDING)


def about(number: int) -> str:
    """What a number of the catalogue is about, in plain words; "" if it is none."""
    return next((issue.about for issue in Issue if issue == number), "")


def warning_lines(finding: Finding) -> list[str]:
    """What was found in plain words, how often, where first; below it the cure, if there is one."""
    what = about(finding.number) or finding.rule
    times = f" ({finding.count:,} places, this is the first)" if finding.count > 1 else ""
    parts = (f"{finding.code} {what}", finding.place, f"{finding.found}{times}")
    fix = [f"    Fix: {finding.fix}"] if finding.fix else []
    return [": ".join(filter(None, parts)), *fix]


def counted_words(findings: Iterable[Finding]) -> dict[str, str]:
    """Code -> how often it was found, and what it is about."""
    return {
        finding.code: f"{quantity(finding.count, 'place')}: {about(finding.number) or finding.rule}"
        for finding in first_of_each_code(findings)
    }


def _all_left_out(group: Sequence[Finding]) -> Finding:
    """One finding with the names of all symbols and files left out."""
    names = [f"{name} ({why[:3].rstrip(':')})" for name, why in left_out_symbols(group).items()]
    return replace(group[0], found=", ".join(names), path="", symbol="", count=len(group))


def policies_in_force(config: DataConfig) -> dict[str, str]:
    """The lossy repairs that the settings allow: name of the setting -> its value."""
    rules = (rule.with_settings(config) for rule in RULES if rule.setting)
    allowed = {rule.setting for rule in rules if rule and rule.finding.response == "P"}
    if config.bad_symbols is not None:
        allowed.add("bad_symbols")
    return {name: str(getattr(config, name)) for name in sorted(allowed)}
