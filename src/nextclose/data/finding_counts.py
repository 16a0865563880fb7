"""Findings taken together: how many of each code, and which lossy repairs were allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.left_out import left_out_symbols
from nextclose.data.rules.sequence import RULES
from nextclose.schema import Finding, Response

# In the order of what a reader must know first.
RESPONSES: Mapping[Response, str] = {
    "E": "refused",
    "P": "repaired by policy",
    "W": "warning",
    "R": "repaired",
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
