import pickle  # noqa: TID251  what a process pool does to an exception on its way out
from dataclasses import replace

import pytest

from nextclose import errors
from nextclose.errors import (
    BundleError,
    ConfigError,
    DataError,
    Finding,
    LeakError,
    NextcloseError,
    NotEnoughDataError,
    OutputError,
    WindowsError,
)

FINDING = Finding(
    number=59,
    response="E",
    found="24.96 after 48.30 (-48.3 %)",
    rule="adjusted prices, this looks like a 2:1 split",
    fix="give adjusted prices.",
    path="prices.csv",
    row=9629,
    column="close",
    symbol="MSFT",
    session="2003-02-18",
)
EXAMPLES = [
    (ConfigError("no", section="lstm", key="units"), 2, {"section": "lstm", "key": "units"}),
    (DataError((FINDING,)), 3, {"findings": (FINDING,)}),
    (NotEnoughDataError("few", needed=7, found=3), 3, {"needed": 7, "found": 3}),
    (OutputError("full", path="out.csv"), 6, {"path": "out.csv"}),
    (
        BundleError(path="b", expected="x", found="y"),
        7,
        {"path": "b", "expected": "x", "found": "y"},
    ),
    (
        WindowsError(path="w", expected="x", found="y"),
        7,
        {"path": "w", "expected": "x", "found": "y"},
    ),
    (
        LeakError(what="a target", known_at="2001-02-03", used_at="2001-02-02"),
        8,
        {"what": "a target", "known_at": "2001-02-03", "used_at": "2001-02-02"},
    ),
]


@pytest.mark.parametrize(("error", "exit_code", "facts"), EXAMPLES)
def test_each_error_has_its_exit_code_and_carries_its_facts(error, exit_code, facts):
    assert isinstance(error, NextcloseError)
    assert error.exit_code == exit_code
    assert vars(error) == facts


@pytest.mark.parametrize("error", [example[0] for example in EXAMPLES])
def test_an_error_survives_the_way_between_processes(error):
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert again.exit_code == error.exit_code


def test_the_tree_in_the_docstring_names_every_error_and_exit_code():
    text = str(errors.__doc__)
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    for kind in kinds:
        if issubclass(kind, NextcloseError) and kind is not NextcloseError:
            (line,) = [row for row in text.splitlines() if f"── {kind.__name__} " in row]
            assert line.endswith(f"exit {kind.exit_code}")


def test_a_finding_in_one_line_says_where_what_why_and_the_cure():
    assert FINDING.line() == (
        "E59 prices.csv row 9629, column close, MSFT 2003-02-18: found 24.96 after 48.30 "
        "(-48.3 %); rule: adjusted prices, this looks like a 2:1 split. "
        "Fix: give adjusted prices."
    )


def test_a_finding_leaves_out_what_does_not_apply():
    finding = Finding(number=3, response="W", found="a", rule="b", path="x.csv", count=4)
    assert finding.line() == "W3 x.csv: found a (4 places, this is the first); rule: b."


def test_a_line_has_at_most_300_characters_and_keeps_rule_and_cure():
    long = replace(FINDING, path="/a/very/deep/" * 40 + "prices.csv", found="x" * 400)
    text = long.line()
    assert len(text) <= 300
    assert "prices.csv row 9629, column close, MSFT 2003-02-18: found x" in text
    assert text.endswith("Fix: give adjusted prices.")
    assert len(replace(long, rule="y" * 400).line()) == 300
    assert f"found {'x' * 60};" in replace(FINDING, found="x" * 60).line()  # what fits is whole


def test_a_path_cannot_send_commands_to_a_terminal():
    hostile = replace(FINDING, path="a\x1b]0;x\x07\u202eb\n.csv")
    assert hostile.place.startswith(r"a\x1b]0;x\x07\u202eb\n.csv row 9629")
    assert r"a\x1b]0;x\x07\u202eb\n.csv" in hostile.line()


def test_the_facts_of_a_finding_are_all_there_also_where_they_are_empty():
    facts = Finding(number=3, response="E", found="0 data rows", rule="one").facts()
    assert facts == {
        "code": "E3",
        "path": "",
        "row": None,
        "column": "",
        "symbol": "",
        "session": "",
        "found": "0 data rows",
        "rule": "one",
        "fix": "",
        "count": 1,
    }


def test_a_data_error_shows_twenty_problems_and_counts_the_rest():
    findings = tuple(
        Finding(number=1, response="E", found=f"problem {k}", rule="none") for k in range(23)
    )
    lines = str(DataError(findings)).splitlines()
    assert len(lines) == 21
    assert "problem 19" in lines[19]
    assert lines[20].startswith("... and 3 more")
    assert len(str(DataError(findings[:20])).splitlines()) == 20


def test_a_bundle_error_says_what_was_expected_and_the_cure():
    text = str(BundleError(path="b/manifest.json", expected="format 1", found="format 2"))
    assert text.startswith("bundle b/manifest.json: found format 2; expected format 1. Fix: ")


def test_a_leak_error_names_both_dates_and_the_cure():
    text = str(LeakError(what="a training target", known_at="2001-02-05", used_at="2001-02-02"))
    assert "a training target is known from 2001-02-05 on but would be used at 2001-02-02" in text
    assert "Fix: use it later, or learn it from what was known by then." in text
