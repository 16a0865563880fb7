"""What goes wrong, on standard error."""

from __future__ import annotations

import json

import polars as pl
import pytest

from nextclose.commands import messages
from nextclose.commands.options import err
from nextclose.errors import BundleError, DataError, NotEnoughDataError
from nextclose.schema import Bars, Finding

REPAIR = Finding(number=22, response="R", found="Date", rule="mapped", path="a.csv", count=2)
WARNING = Finding(number=66, response="W", found="3 sessions", rule="more", symbol="A")
REFUSAL = Finding(
    number=54,
    response="E",
    found="-1",
    rule="price > 0",
    fix="correct the file.",
    path="a.csv",
    row=3,
    column="close",
    symbol="A",
    session="2020-01-02",
)


def bars(*findings):
    return Bars(frame=pl.DataFrame({"symbol": ["A"], "close": [1.0]}), findings=findings)


@pytest.fixture
def machine(monkeypatch):
    monkeypatch.setattr(err, "quiet", True)


def lines(capsys):
    return capsys.readouterr().err.splitlines()


def test_findings_are_told_once_a_code_warnings_first(capsys):
    many = [Finding(number=66, response="W", found="few", rule="more", symbol=s) for s in "BCD"]
    messages.say_findings(bars(REPAIR, WARNING, *many))
    assert lines(capsys) == [
        "W66 A: found 3 sessions (4 places, this is the first); rule: more.",
        "R22 a.csv: found Date (2 places, this is the first); rule: mapped.",
    ]


def test_what_was_said_before_is_not_said_again(capsys):
    messages.say_findings(bars(REPAIR, WARNING), besides=bars(REPAIR))
    assert lines(capsys) == ["W66 A: found 3 sessions; rule: more."]


@pytest.mark.usefixtures("machine")
def test_machines_get_every_finding_as_an_object_with_all_fields(capsys):
    messages.say_findings(bars(REPAIR, REFUSAL))
    first, second = map(json.loads, lines(capsys))
    assert (first["code"], first["count"], first["row"]) == ("R22", 2, None)
    assert second == {
        "code": "E54",
        "path": "a.csv",
        "row": 3,
        "column": "close",
        "symbol": "A",
        "session": "2020-01-02",
        "found": "-1",
        "rule": "price > 0",
        "fix": "correct the file.",
        "count": 1,
    }


@pytest.mark.usefixtures("machine")
def test_machines_get_all_refusals_of_an_error_not_the_first_twenty(capsys):
    messages.say_error(DataError((REFUSAL,) * 23))
    assert [json.loads(line)["code"] for line in lines(capsys)] == ["E54"] * 23


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (NotEnoughDataError("few", needed=7, found=3), {"needed": 7, "found": 3}),
        (BundleError(path="b", expected="x", found="y"), {"path": "b", "found": "y"}),
    ],
)
def test_machines_get_other_errors_with_exit_code_message_and_attributes(capsys, error, facts):
    messages.say_error(error)
    (shown,) = map(json.loads, lines(capsys))
    head = {"error": type(error).__name__, "exit_code": error.exit_code, "message": str(error)}
    assert shown == shown | head | facts


def test_people_get_the_message_with_control_characters_escaped(capsys):
    messages.say_error(NotEnoughDataError("in \x1b[31mred.csv\u202e\nand more", needed=1, found=0))
    assert lines(capsys) == ["in \\x1b[31mred.csv\\u202e", "and more"]
