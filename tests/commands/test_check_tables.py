"""What `check` prints for people."""

from __future__ import annotations

from datetime import date

import pytest
from rich.console import Console

from nextclose.commands.check_tables import (
    MAX_PLACES,
    MAX_SYMBOLS,
    conclusion,
    findings_by_code,
    suggestion_heading,
    symbol_table,
)
from nextclose.data.inventory import SymbolSummary
from nextclose.schema import Finding


def holding(symbol, *, segments=1, exchange="XNYS"):
    days = {"first": date(2000, 1, 3), "last": date(2020, 1, 2)}
    return SymbolSummary(symbol=symbol, exchange=exchange, bars=5000, segments=segments, **days)


def finding(number, response, *, symbol="", count=1, rule="price > 0", row=None):
    return Finding(
        number=number,
        response=response,
        found="-1",
        rule=rule,
        symbol=symbol,
        count=count,
        row=row,
        path="a.csv",
        fix='correct the file or set data.nonpositive = "drop".' if response == "E" else "",
    )


def printed(table, *, width=80):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_symbols_with_refusals_come_first_then_those_in_most_pieces():
    symbols = [holding("A"), holding("B", segments=3), holding("C"), holding("D", exchange="")]
    rows = printed(symbol_table(symbols, [finding(54, "E", symbol="C", count=7)]))[2:]
    assert [row.split()[0] for row in rows] == ["C", "B", "A", "D"]
    assert rows[0].split()[-1] == "7"
    assert rows[3].split()[1] == "weekdays"


def test_a_table_without_refusals_has_no_column_for_them():
    assert "refused" not in printed(symbol_table([holding("A")], []))[0]


def test_of_five_hundred_symbols_the_worst_are_shown_and_the_rest_counted():
    symbols = [holding(f"S{k:03}") for k in range(500)]
    bad = [finding(54, "E", symbol=f"S{k:03}") for k in range(499, 477, -1)]
    lines = printed(symbol_table(symbols, bad))
    assert len(lines) == 2 + MAX_SYMBOLS + 2
    assert lines[-1] == "and 480 symbols more, 2 with refusals"


def test_a_code_has_its_rule_once_three_places_the_count_of_the_rest_and_the_cure():
    group = [finding(54, "E", symbol="A", row=k) for k in range(2, 7)]
    assert printed(findings_by_code(group)) == [
        "E54  refused, 5 places: price > 0",
        *(f"     a.csv row {k}, A: -1" for k in range(2, 2 + MAX_PLACES)),
        "     and 2 more",
        '     Fix: correct the file or set data.nonpositive = "drop".',
        "",
    ]


def test_rules_that_share_a_number_are_told_apart():
    lines = printed(findings_by_code([finding(30, "E"), finding(30, "E", rule="other")]))
    assert lines[1:3] == ["     a.csv: -1", "     a.csv: -1; rule: other"]


@pytest.mark.parametrize("width", [20, 80, 200])
def test_everything_fits_whatever_the_width(width):
    long = Finding(number=22, response="R", found="x" * 60, rule="y " * 60, path="folder/" * 30)
    for table in (findings_by_code([long]), symbol_table([holding("A" * 20)], [long])):
        lines = printed(table, width=width)
        assert max(map(len, lines)) <= width
    whole = "".join("".join(printed(findings_by_code([long]), width=width)).split())
    assert "folder/" * 30 in whole  # folded, never cut


def test_an_incomplete_newest_bar_that_only_warns_here_is_said_to_stop_a_forecast():
    lines = printed(findings_by_code([finding(57, "W")]))
    assert lines[2] == "     Fix: complete that bar or end the file before it: predict refuses it."
    assert not any("predict" in line for line in printed(findings_by_code([finding(58, "W")])))


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (None, "Choose one of these settings or fill it in, and give it with --config FILE:"),
        ([], "A run would go on with these settings, given with --config FILE:"),
        ([(25, "W")], "A run would go on with these settings, given with --config FILE:"),
        ([(55, "E")] * 2, "With these settings, given with --config FILE, E55 would be left:"),
        (
            [(66, "E"), (55, "E"), (9, "E"), (68, "W")],
            "With these settings, given with --config FILE, E9, E55 and E66 would be left:",
        ),
    ],
)
def test_a_run_is_promised_only_if_nothing_would_be_left_refused(left, said):
    assert suggestion_heading(left and [finding(*code) for code in left]) == said


def test_the_conclusion_says_what_stands_in_the_way():
    findings = [finding(54, "E", count=2), finding(22, "R"), finding(50, "P", count=3)]
    assert str(conclusion(findings)) == (
        "Refused: 2 places that must be mended first; besides, 4 repairs, 0 warnings."
    )
    assert str(conclusion(findings[1:])) == "Nothing is refused; 4 repairs, 0 warnings."
