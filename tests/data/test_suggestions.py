"""Which settings would mend what was refused."""

from __future__ import annotations

import re
import tomllib
from datetime import date

import pytest

from nextclose.config import DataConfig, parse_config
from nextclose.data.rules.sequence import RULES
from nextclose.data.suggestions import (
    SETTING,
    assignments,
    suggestion_toml,
    toml_value,
    with_suggestion,
)
from nextclose.schema import Finding


def refusal(number, fix, *, response="E"):
    return Finding(number=number, response=response, found="x", rule="r", fix=fix)


@pytest.mark.parametrize(
    ("fixes", "lines"),
    [
        (['correct the file or set data.gaps = "split".'], ['gaps = "split"  # E1']),
        (["set data.follow_symlinks = true."], ["follow_symlinks = true  # E1"]),
        (["set data.since = { AAPL = 2010-01-04 }."], ['since = { "AAPL" = 2010-01-04 }  # E1']),
        # several of one kind: scalars once, lists and tables joined
        (['data.gaps = "split".', 'data.gaps = "split".'], ['gaps = "split"  # E1, E2']),
        (
            ['data.not_a_split = ["A 2000-01-03"].', 'data.not_a_split = ["B 2001-01-03"].'],
            ['not_a_split = ["A 2000-01-03", "B 2001-01-03"]  # E1, E2'],
        ),
        # a choice: the first stands, the rest is a comment; so does a value of the user's own
        (
            ['set data.splits = FILE, or data.not_a_split = ["A 2000-01-03"] for a real move.'],
            ["# splits = FILE  # E1", '# not_a_split = ["A 2000-01-03"]  # E1'],
        ),
        (
            ['data.thousands = "," or data.decimal = ",".'],
            ['thousands = ","  # E1', '# decimal = ","  # E1'],
        ),
        (
            ['set data.decimal = "," and data.thousands = ".".'],
            ['decimal = ","  # E1', 'thousands = "."  # E1'],
        ),
        # one setting, several values: only the user knows which is true, so none stands
        (
            ['set data.decimal = "." and data.thousands = ",", or data.decimal = ",".'],
            ['# decimal = "."  # E1', '# thousands = ","  # E1', '# decimal = ","  # E1'],
        ),
        (
            ['set data.columns = {"adj" = "adj_close"} or data.columns = {"adj" = ""}.'],
            ['# columns = { "adj" = "adj_close" }  # E1', '# columns = { "adj" = "" }  # E1'],
        ),
        # beside a day that is right already, dates that are moved are others
        (
            ['set data.day_shift = 1, or data.calendar = "XSAU".'],
            ["# day_shift = 1  # E1", '# calendar = "XSAU"  # E1'],
        ),
        (['set data.date_format = FORM, as "%d/%m/%y".'], ["# date_format = FORM  # E1"]),
        (["correct the file.", "set data.colour = true."], []),
    ],
)
def test_the_settings_that_cures_name_become_toml(fixes, lines):
    findings = [refusal(k, fix) for k, fix in enumerate(fixes, 1)]
    text = suggestion_toml(findings)
    assert text.splitlines() == (["[data]", *lines] if lines else [])
    parse_config(text, path="suggestion")  # what is suggested must be obeyed


def test_lists_and_tables_keep_what_is_set_already():
    config = DataConfig(not_a_split=("A 2000-01-03",), columns={"last": "close"})
    fixes = ['data.not_a_split = ["B 2001-01-03"].', 'data.columns = {"day" = "date"}.']
    text = suggestion_toml([refusal(k, fix) for k, fix in enumerate(fixes, 1)], config=config)
    assert text.splitlines()[1:] == [
        'not_a_split = ["A 2000-01-03", "B 2001-01-03"]  # E1',
        'columns = { "last" = "close", "day" = "date" }  # E2',
    ]
    assert with_suggestion(config, text) == DataConfig(
        not_a_split=("A 2000-01-03", "B 2001-01-03"), columns={"last": "close", "day": "date"}
    )


def test_comments_mend_nothing_and_all_else_stays_as_it_was():
    config = DataConfig(gaps="split")
    assert with_suggestion(config, "[data]\n# splits = FILE  # E59") == config
    both = DataConfig(gaps="split", nonpositive="drop")
    assert with_suggestion(config, '[data]\nnonpositive = "drop"  # E54') == both


def test_only_refusals_need_mending():
    assert suggestion_toml([refusal(1, 'data.gaps = "split".', response="W")]) == ""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.finding.code)
def test_a_cure_names_settings_that_there_are_with_values_that_they_take(rule):
    for name in re.findall(r"data\.(\w+)", rule.finding.fix):
        assert name in DataConfig.model_fields
    for name, text in SETTING.findall(rule.finding.fix):
        if not text.isupper():  # FILE: the user's own
            parse_config(f"[data]\n{name} = {text}\n", path="cure")


def test_a_refusal_that_a_setting_would_mend_says_so():
    for rule in RULES:
        if rule.finding.response == "E" and rule.policies:
            assert f"data.{rule.setting}" in rule.finding.fix, rule.finding.code


@pytest.mark.parametrize(
    "value",
    ["drop", 'a"b', True, 3, ["A 2000-01-03", "B"], {"A.B": date(2010, 1, 4), "C": "x"}, "ß→"],
)
def test_a_value_reads_back_from_its_toml(value):
    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == value


def test_settings_in_one_line():
    assert assignments({"gaps": "split", "k": True}) == 'gaps = "split", k = true'
    assert assignments({}) == ""


def test_names_of_columns_in_order_are_never_joined_with_others():
    first, second = ('set data.header = ["date", "close"].', 'set data.header = ["x", "date"].')
    findings = [refusal(21, first), refusal(21, second)]
    for config in (DataConfig(), DataConfig(header=("close", "date"))):
        suggestion = suggestion_toml(findings, config=config)
        assert suggestion == '[data]\nheader = ["date", "close"]  # E21'
        assert with_suggestion(config, suggestion).header == ("date", "close")
