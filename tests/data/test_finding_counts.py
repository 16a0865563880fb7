"""Findings taken together."""

from __future__ import annotations

from dataclasses import replace

from nextclose.config import DataConfig
from nextclose.data.finding_counts import (
    MEANINGS,
    RESPONSES,
    counted_words,
    finding_counts,
    first_of_each_code,
    group_by_code,
    is_note,
    policies_in_force,
    warning_lines,
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
    assert set(MEANINGS) == set(RESPONSES)


def test_a_note_is_what_asks_for_no_decision():
    notes = [finding(22, "R"), finding(25, "W"), finding(68, "W")]
    others = [finding(25, "E"), finding(66, "W"), finding(50, "P"), finding(81, "W")]
    assert [is_note(one) for one in (*notes, *others)] == [True] * 3 + [False] * 4


def test_a_warning_says_in_plain_words_what_was_found_and_below_it_the_cure():
    assert warning_lines(finding(63, "W", found="at 10", count=2)) == [
        "W63 five equal closes without volume, or more: at 10 (2 places, this is the first)"
    ]
    cured = replace(finding(66, "W"), symbol="A", fix="give more.")
    assert warning_lines(cured) == [
        "W66 fewer sessions than a forecast reads: A: x",
        "    Fix: give more.",
    ]
    assert warning_lines(finding(999, "W")) == ["W999 r: x"]  # of a source of the user's own


def test_no_code_stands_without_its_words():
    assert counted_words(MIXED)["R22"] == "7 places: a column under another spelling of its name"
    assert all(text.partition(": ")[2] for text in counted_words(MIXED).values())


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
