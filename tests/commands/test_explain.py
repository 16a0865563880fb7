"""`nextclose explain`: what a code, a word, a model, a figure or a setting means."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from nextclose.commands.explain import contents, explanation
from nextclose.config import RunConfig
from nextclose.data.catalogue import Issue
from nextclose.errors import ConfigError
from nextclose.evaluation.verdict.decision import Category
from nextclose.evaluation.verdict.document import flat_row
from nextclose.glossary import TERMS
from nextclose.models.registry import OURS
from tests.report.verdict_rows import verdict_row


@pytest.mark.parametrize("issue", Issue, ids=lambda issue: issue.name)
def test_every_code_says_what_it_is_why_and_what_to_do(issue):
    for letter in issue.responses or ("",):
        lines = explanation(f"{letter}{issue.value}")
        assert lines[0] == f"{letter}{issue.value}  {issue.about}"
        assert len(lines) >= 3
        assert any(line.startswith("Fix: ") and len(line) > 12 for line in lines)
        assert all(line and line[-1] != ":" for line in lines)
        assert not issue.rule or f"Rule: {issue.rule}." in lines
    assert explanation(str(issue.value))[0].endswith(issue.about)


def test_a_cure_that_names_a_setting_says_what_that_does():
    assert explanation("e52")[-2:] == [
        'Fix: add them, or set data.gaps = "split".',
        "data.gaps: Six sessions missing or more: a new piece of history begins.",
    ]


def test_a_letter_that_a_code_never_has_is_answered_with_the_one_it_has():
    assert explanation("E22") == explanation("R22")
    assert explanation("W66")[2] == "Where it matters more or less it is told as E66."


@pytest.mark.parametrize("term", TERMS.values(), ids=TERMS)
def test_every_word_of_the_glossary_is_explained_in_any_case(term):
    for name in (term.name, term.name.upper(), term.name.lower(), term.name.replace(" ", "_")):
        assert explanation(name)[:2] == [term.name, term.short]


@pytest.mark.parametrize("name", get_args(Category))
def test_every_verdict_is_explained(name):
    assert explanation(name)[0] == name


@pytest.mark.parametrize("name", OURS)
def test_every_model_is_explained(name):
    assert explanation(name)[0] == name


@pytest.mark.parametrize("name", [*flat_row(verdict_row("*", 1, "har", np.random.default_rng(0)))])
def test_every_column_of_a_verdict_is_explained(name):
    assert explanation(name)[0].lower() == name


@pytest.mark.parametrize("section", RunConfig.model_fields)
def test_every_setting_is_explained_with_its_default(section):
    for key in type(getattr(RunConfig(), section)).model_fields:
        for asked in (f"{section}.{key}", f"[{section}] {key}"):
            head, what, default = explanation(asked)
            assert head == f"[{section}] {key}"
            assert what.endswith(".")
            assert default.startswith("By default ")
    assert f"[{section}]" in explanation(f"[{section}]")


def test_a_setting_is_found_without_its_section():
    assert explanation("gaps") == explanation("data.gaps")
    heads = [line for line in explanation("rounds") if line.startswith("[")]
    assert heads == ["[trees] rounds"]


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("brundle", "bundle"),
        ("crps_skil_vs_garch", "crps_skill_vs_garch"),
        ("data.gap", "data.gaps"),
        ("size onyl", "SIZE ONLY"),
        ("x", "`nextclose explain` lists all"),
        ("W900", "give one from 1 to 91"),
    ],
)
def test_what_nobody_knows_is_answered_with_what_is_nearest(asked, nearest):
    with pytest.raises(ConfigError) as caught:
        explanation(asked)
    said = str(caught.value)
    assert nearest in said.partition("Fix: ")[2]


def test_alone_it_lists_all_that_can_be_asked(command):
    code, printed, complaint = command("explain")
    assert (code, complaint) == (0, "")
    for name in TERMS:
        assert name in " ".join(printed.split())
    assert contents()[0].startswith("nextclose explain WHAT")


def test_words_need_no_quotes(command):
    code, printed, _ = command("explain", "size", "only")
    assert (code, printed.splitlines()[0]) == (0, "SIZE ONLY")
    code, printed, complaint = command("explain", "\x1b[31mred")
    assert (code, printed) == (2, "")
    assert "\x1b" not in complaint
