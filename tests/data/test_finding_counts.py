"""Findings taken together."""

from __future__ import annotations

from nextclose.config import DataConfig
from nextclose.data.finding_counts import (
    RESPONSES,
    finding_counts,
    first_of_each_code,
    group_by_code,
    policies_in_force,
)
from nextclose.data.findings import Rule
from nextclose.data.rules.sequence import RULES
from nextclose.schema import Finding


def finding(number, response, *, found="x", count=1):
    return Finding(number=number, response=response, found=found, rule="r", count=count)


MIXED = (
    finding(22, "R", found="first", count=2),
    finding(58, "W", count=3),
    finding(54, "E", found="a"),
    finding(22, "R", found="second", count=5),
    finding(50, "P"),
    finding(21, "W"),
    finding(54, "E", found="b", count=9),
)


def test_counts_are_of_places_not_of_messages():
    counts = finding_counts(MIXED)
    assert counts == {"E54": 10, "P50": 1, "R22": 7, "W21": 1, "W58": 3}
    assert list(counts) == sorted(counts)
    assert finding_counts(()) == {}


def test_refusals_come_first_then_policies_then_warnings_then_repairs():
    assert list(group_by_code(MIXED)) == ["E54", "P50", "W21", "W58", "R22"]
    assert [one.found for one in group_by_code(MIXED)["E54"]] == ["a", "b"]


def test_one_of_each_code_is_the_first_with_the_count_of_all():
    assert [(one.code, one.found, one.count) for one in first_of_each_code(MIXED)] == [
        ("E54", "a", 10),
        ("P50", "x", 1),
        ("W21", "x", 1),
        ("W58", "x", 3),
        ("R22", "first", 7),
    ]


def test_every_response_has_its_word():
    assert {rule.finding.response for rule in RULES} <= set(RESPONSES)


def test_a_policy_is_in_force_where_a_setting_turns_a_rule_into_a_lossy_repair(monkeypatch):
    rules = [
        rule(54, "E", setting="nonpositive", policies={"drop": ("P", None)}),
        rule(50, "P", setting="unfinished", policies={"keep": None}),
        rule(52, "E", setting="gaps", policies={"split": ("P", None)}),
        rule(43, "W", setting="duplicates", policies={"last": ("R", None)}),
        rule(65, "E"),
    ]
    monkeypatch.setattr("nextclose.data.finding_counts.RULES", tuple(rules))
    assert policies_in_force(DataConfig()) == {"unfinished": "drop"}
    chosen = DataConfig(nonpositive="drop", unfinished="keep", duplicates="last")
    assert policies_in_force(chosen) == {"nonpositive": "drop"}


def rule(number, response, **fields):
    return Rule(finding(number, response), lambda frame: frame, **fields)
