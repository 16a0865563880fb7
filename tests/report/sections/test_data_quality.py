"""What the report says of its data."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from nextclose.data.catalogue import Issue
from nextclose.data.inventory import SymbolSummary
from nextclose.report.sections import data_quality
from nextclose.schema import Finding
from tests.report.synthetic import make_content

DAY = date(2020, 1, 2)
SURVIVORS = Finding(number=68, response="W", found="all alive", rule="r")


def holding(symbol, *, exchange="XNYS", segments=1):
    return SymbolSummary(
        symbol=symbol, exchange=exchange, first=DAY, last=DAY, bars=2, segments=segments
    )


@pytest.fixture(scope="module")
def content():
    full = make_content(("A",), n_sessions=100, n_origins=10)
    return replace(full, summaries=(holding("A"), holding("B")), findings=())


def facts_of(content):
    return {fact.label: (fact.text, fact.look) for fact in data_quality.data_facts(content)}


def test_the_reader_learns_what_was_read_and_how(content):
    assert facts_of(content) == facts_of(content) | {
        "Read": ("2 symbols, 4 bars, 2020-01-02 to 2020-01-02", ""),
        "Prices": ("Adjusted for splits and dividends", ""),
        "Calendar": ("XNYS (2 symbols)", ""),
        "Segments": ("Each symbol in one piece", ""),
        "Lossy repairs allowed": ('unfinished = "drop"', ""),
    }


def test_an_unknown_basis_stands_out(content):
    text, look = facts_of(replace(content, basis="unknown"))["Prices"]
    assert "Unknown whether adjusted" in text
    assert look == "caution"


def test_a_calendar_that_is_not_known_is_said_beside_those_that_are(content):
    mixed = replace(content, summaries=(holding("A"), holding("B"), holding("C", exchange="")))
    expected = "XNYS (2 symbols), weekdays only, no calendar known (1 symbol)"
    assert facts_of(mixed)["Calendar"][0] == expected


def test_symbols_in_several_pieces_are_named_most_broken_first_and_the_rest_counted(content):
    many = tuple(holding(f"S{k:02}", segments=2 + (k == 7)) for k in range(10))
    text = facts_of(replace(content, summaries=(holding("A"), *many)))["Segments"][0]
    assert text.startswith("22 pieces in all, S07 in 3, S00 in 2, ")
    assert " and 2 symbols more; nothing is learnt or forecast across a break" in text


@pytest.mark.parametrize(
    ("findings", "said"),
    [((SURVIVORS,), "Every symbol is alive at the end"), ((), "Some symbols end before")],
)
def test_survivorship_is_spoken_of_always(content, findings, said):
    assert facts_of(replace(content, findings=findings))["Survivorship"][0].startswith(said)


def test_findings_stand_once_a_code_what_weighs_most_first():
    findings = [
        Finding(number=22, response="R", found="Date", rule="names; mapped", path="b.csv"),
        Finding(number=58, response="W", found="no close", rule="a missing row", row=7, count=3),
        Finding(number=22, response="R", found="DATE", rule="names; mapped", path="c.csv", count=4),
    ]
    assert data_quality.finding_summaries(findings) == (
        data_quality.FindingSummary(
            code="W58",
            response="warning",
            places="3 places",
            rule="A missing row",
            first="row 7: no close",
            look="caution",
        ),
        data_quality.FindingSummary(
            code="R22",
            response="repaired",
            places="5 places",
            rule="Names; mapped",
            first="b.csv: Date",
            look="",
        ),
    )


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("prices/AAPL.csv", "prices/AAPL.csv: x"),
        ("/home/ann/AAPL.csv", "AAPL.csv: x"),
        ("postgresql://ann:pw@db/prices", "prices: x"),
        ("postgresql://ann:pw@db?password=pw", "x"),
        ("C:\\Users\\ann\\AAPL.csv", "AAPL.csv: x"),
    ],
)
def test_a_finding_names_the_file_but_no_folder_of_the_machine(path, shown):
    (summary,) = data_quality.finding_summaries(
        [Finding(number=54, response="W", found="x", rule="y", path=path)]
    )
    assert summary.first == shown


def test_symbols_with_too_little_history_are_listed_with_the_reason():
    short = [
        Finding(number=66, response="W", found=f"{n} sessions, 9 needed", rule="r", symbol=symbol)
        for symbol, n in (("B", 2), ("A", 1))
    ]
    table = data_quality.excluded_symbols([SURVIVORS, *short])
    assert [(row.name, row.cells[0].text) for row in table.rows] == [
        ("A", "1 sessions, 9 needed"),
        ("B", "2 sessions, 9 needed"),
    ]
    left_out = [
        Issue.LEFT_OUT.finding("E54 in row 3: -1.0", symbol="C", path="/a/C.csv"),
        Issue.LEFT_OUT.finding("E2: an empty file", path="/a/D.csv"),
    ]
    named = {row.name: row.cells[0].text for row in data_quality.excluded_symbols(left_out).rows}
    assert named == {"C": "E54 in row 3: -1.0", "D.csv": "E2: an empty file"}
    many = [replace(short[0], symbol=f"S{k:02}") for k in range(data_quality.MAX_EXCLUDED + 3)]
    assert data_quality.excluded_symbols(many).note == "Shown are 60 of 63 symbols."
