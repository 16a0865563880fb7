from dataclasses import replace
from typing import Any

from nextclose.report.sections.symbols import (
    MANY_SYMBOLS,
    MAX_SYMBOLS,
    symbol_scores_table,
)
from nextclose.report.sections.symbols import symbol_heat_map as heat_map_or_none
from tests.report.verdict_rows import ROW, calls, comparison, with_evidence


def symbol_heat_map(*rows, **options) -> Any:
    return heat_map_or_none(*rows, **options)


def symbols(n):
    return [with_evidence(ROW, symbol=f"S{i:03d}") for i in range(n)]


def heat_of(**changes):
    """Cells of one symbol's heat map by group."""
    row = with_evidence(ROW, symbol="A", **changes)
    table: Any = symbol_heat_map([row, *symbols(MANY_SYMBOLS)], headline="hybrid")
    groups = [column.group for column in table.columns[1:]]
    return dict(zip(groups, table.rows[0].cells, strict=True))


def test_a_symbol_shows_its_direction_with_base_rate_and_p():
    single = with_evidence(ROW, symbol="A", calls=calls(0.512, 0.524, p_value=0.031))
    table = symbol_scores_table([single], headline="hybrid")
    cells = dict(zip(table.titles[1:], table.rows[0].cells, strict=True))
    direction = cells["% right, base rate"]
    assert (direction.text, direction.beside) == ("51.2", "52.4")
    assert cells["p of direction"].text == "0.031"


def test_few_symbols_have_no_heat_map_and_no_box_to_search_them():
    assert symbol_heat_map(symbols(MANY_SYMBOLS), headline="hybrid") is None
    assert not symbol_scores_table(symbols(MANY_SYMBOLS), headline="hybrid").has_filter
    many = symbols(MANY_SYMBOLS + 1)
    assert len(symbol_heat_map(many, headline="hybrid").rows) == MANY_SYMBOLS + 1
    assert symbol_scores_table(many, headline="hybrid").has_filter


def test_symbols_beyond_the_limit_are_counted():
    many = symbols(MAX_SYMBOLS + 5)
    for table in (
        symbol_scores_table(many, headline="hybrid"),
        symbol_heat_map(many, headline="hybrid"),
    ):
        assert len(table.rows) == MAX_SYMBOLS
        assert table.note == "Shown are 600 of 605 symbols; verdict.json has them all."


def test_a_heat_map_has_a_column_per_horizon_and_a_dash_where_there_is_no_verdict():
    later = with_evidence(ROW, symbol="S000", horizon_sessions=30)
    table = symbol_heat_map([*symbols(13), later], headline="hybrid")
    groups = ("", 1), ("Verdict", 2), ("Range skill against garch", 2), ("90% range held", 2)
    assert table.groups == groups
    assert [cell.text for cell in table.rows[0].cells][:2] == ["size", "size"]
    assert [cell.text for cell in table.rows[1].cells][:2] == ["size", "–"]  # noqa: RUF001


def test_a_colour_says_what_its_figure_says_and_bold_is_hardly_luck():
    cell = heat_of(garch=comparison("garch", 0.0312, (0.01, 0.05)))["Range skill against garch"]
    assert (cell.text, cell.look, cell.values) == ("+3.1%", "up-3", (0.0312,))
    cell = heat_of(garch=comparison("garch", -0.0101, (-0.02, 0)))["Range skill against garch"]
    assert (cell.text, cell.look) == ("−1.0%", "down-2")  # noqa: RUF001
    sure = replace(ROW, claims=replace(ROW.claims, garch_worse=True, miscalibrated=True))
    rows = [with_evidence(sure, symbol="A"), *symbols(13)]
    _, skill, held = symbol_heat_map(rows, headline="hybrid").rows[0].cells
    assert skill.look == "up-1 sure"
    assert held.look == "sure"  # 89.6 %: less than a point off


def test_a_range_that_held_too_much_or_too_little_is_marked_alike():
    for held in (0.865, 0.935):
        coverage = replace(ROW.evidence.coverage, coverage_90=held)
        assert heat_of(coverage=coverage)["90% range held"].look == "off-2"
    bare = replace(ROW.evidence.coverage, coverage_90=None)
    assert heat_of(coverage=bare)["90% range held"].look == ""


def test_without_garch_skill_is_against_history():
    rows = [with_evidence(row, garch=None) for row in symbols(13)]
    table = symbol_heat_map(rows, headline="hybrid")
    assert table.groups[2] == ("Range skill against history", 1)
    assert table.rows[0].cells[1].text == "−1.2%"  # noqa: RUF001
