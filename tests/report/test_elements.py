from nextclose.formatting import NOTHING
from nextclose.report.elements import (
    Cell,
    VerdictColumn,
    cell_with_yardstick,
    verdict_table,
    without_empty_columns,
)
from tests.report.verdict_rows import ROW, with_evidence

MODEL = VerdictColumn(title="Name", cell=lambda v: Cell(text=v.model), is_text=True)
EMPTY = VerdictColumn(title="Empty", cell=lambda v: Cell(text=NOTHING))
ROWS = [ROW, with_evidence(ROW, model="garch")]


def test_rows_of_models_have_their_colour_and_the_headline_stands_out():
    table = verdict_table(ROWS, [MODEL], by="Model", caption="c", headline="garch")
    assert (table.titles, table.text_titles) == (("Model", "Name"), ("Name",))
    assert [(row.name, row.model, row.strong) for row in table.rows] == [
        ("hybrid", "hybrid", False),
        ("garch", "garch", True),
    ]


def test_rows_of_horizons_are_named_in_sessions_and_have_no_colour():
    table = verdict_table(ROWS[:1], [MODEL], by="Ahead", caption="c")
    assert [(row.name, row.model) for row in table.rows] == [("7 sessions", "")]


def test_a_column_that_says_nothing_of_anybody_is_left_out():
    assert without_empty_columns([MODEL, EMPTY], ROWS) == (MODEL,)
    assert without_empty_columns([MODEL, EMPTY], []) == ()


def test_without_a_figure_its_yardstick_says_nothing():
    assert cell_with_yardstick("1.0", "2.0") == Cell(text="1.0", beside="2.0")
    assert cell_with_yardstick(NOTHING, "2.0") == Cell(text=NOTHING, beside="")
