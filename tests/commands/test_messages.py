"""What goes wrong, on standard error."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pytest

from nextclose.commands import messages
from nextclose.commands.switches import SWITCHES
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
    monkeypatch.setattr(SWITCHES, "is_json", True)


@pytest.fixture
def verbose(monkeypatch):
    monkeypatch.setattr(SWITCHES, "is_verbose", True)


def lines(capsys):
    return capsys.readouterr().err.splitlines()


def test_warnings_are_told_once_a_code_in_plain_words_and_notes_in_one_line(capsys):
    many = [Finding(number=66, response="W", found="few", rule="r", symbol=s) for s in "BCD"]
    standing = Finding(number=68, response="W", found="all 4", rule="r", fix="add them.")
    cut = Finding(number=50, response="P", found="today", rule="r", path="a.csv", fix="wait.")
    messages.say_findings(bars(REPAIR, standing, WARNING, *many, cut))
    assert lines(capsys) == [
        "P50 a bar of a session that is not over: a.csv: today",
        "    Fix: wait.",
        "W66 fewer sessions than a forecast reads: A: 3 sessions (4 places, this is the first)",
        "2 notes on the data (R22, W68): -v shows them",
    ]


def test_without_notes_no_line_counts_them(capsys):
    messages.say_findings(bars(WARNING))
    assert lines(capsys) == ["W66 fewer sessions than a forecast reads: A: 3 sessions"]
    messages.say_findings(bars())
    assert lines(capsys) == []


@pytest.mark.usefixtures("verbose")
def test_findings_are_told_in_full_once_a_code_warnings_first(capsys):
    many = [Finding(number=66, response="W", found="few", rule="more", symbol=s) for s in "BCD"]
    messages.say_findings(bars(REPAIR, WARNING, *many))
    assert lines(capsys) == [
        "W66 A: found 3 sessions (4 places, this is the first); rule: more.",
        "R22 a.csv: found Date (2 places, this is the first); rule: mapped.",
    ]


def test_what_was_said_before_is_not_said_again(capsys):
    messages.say_findings(bars(REPAIR, WARNING), besides=bars(REPAIR))
    assert lines(capsys) == ["W66 fewer sessions than a forecast reads: A: 3 sessions"]


def refusal(row, **facts):
    return replace(REFUSAL, row=row, found=f"-{row}", **facts)


def test_refusals_are_told_by_code_with_the_first_places_and_the_number_of_all(capsys):
    other = Finding(number=27, response="E", found="ten", rule="a number", row=9, path="a.csv")
    found = [refusal(3), other, *(refusal(row) for row in range(4, 102)), refusal(102, count=7)]
    messages.say_error(DataError(tuple(found)))
    place = "column close, A 2020-01-02: found"
    assert lines(capsys) == [
        "E27 a.csv row 9: found ten; rule: a number.",
        f"E54 a.csv row 3, {place} -3; rule: price > 0. Fix: correct the file.",
        f"E54 a.csv row 4, {place} -4",
        f"E54 a.csv row 5, {place} -5",
        "E54: 106 places, the first 3 shown",
    ]


@pytest.mark.usefixtures("verbose")
def test_twenty_places_of_each_refusal_are_told_to_whoever_asks(capsys):
    messages.say_error(DataError(tuple(refusal(row) for row in range(3, 103))))
    told = lines(capsys)
    assert (len(told), told[-1]) == (21, "E54: 100 places, the first 20 shown")


def test_a_place_with_a_cure_of_its_own_has_it_beside_it(capsys):
    messages.say_error(DataError((refusal(3), refusal(4, fix="another."))))
    assert [line.rpartition("Fix: ")[2] for line in lines(capsys)] == [
        "correct the file.",
        "another.",
    ]


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
