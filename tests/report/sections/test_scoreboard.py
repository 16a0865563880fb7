from dataclasses import replace

from nextclose.evaluation.verdict.coverage import Coverage
from nextclose.evaluation.verdict.document import flat_row
from nextclose.report.sections.scoreboard import scoreboard_tables
from tests.report.synthetic import make_content
from tests.report.verdict_rows import ROW, comparison, with_evidence


def cells_of(row, *others):
    """Cells of the first row by column title; of the two intervals the one against garch."""
    (table,) = scoreboard_tables([row, *others], models=tuple(v.model for v in (row, *others)))
    return dict(zip(table.titles[1:], table.rows[0].cells, strict=True))


def test_a_skill_against_garch_stands_with_its_interval_and_its_place_in_the_best_set():
    cells = cells_of(with_evidence(ROW, garch=comparison("garch", 0.00854, (-0.0012, 0.0123))))
    assert cells["Range skill, garch"].text == "+0.85%"
    assert cells["95% interval"].text == "−0.12 to 1.23"  # noqa: RUF001
    assert cells["May be best"].text == "yes"
    assert (cells["90% range held, its width"].text, cells["90% range held, its width"].beside) == (
        "89.6%",
        "12.2%",
    )


def test_a_model_outside_the_confidence_set_is_named_so_and_one_not_compared_is_not():
    outside = replace(ROW, standing=replace(ROW.standing, in_confidence_set=False))
    assert cells_of(outside)["May be best"].text == "no"
    unknown = with_evidence(replace(ROW, standing=None), model="other")
    assert cells_of(unknown, ROW)["May be best"].text == "–"  # noqa: RUF001


def test_columns_that_nobody_fills_are_left_out():
    without = with_evidence(ROW, garch=None)
    assert "Range skill, garch" in cells_of(ROW)
    assert "Range skill, garch" not in cells_of(without)


def test_a_void_verdict_has_a_word():
    void = cells_of(replace(ROW, verdict="VOID"))["Verdict"]
    assert (void.text, void.look) == ("No verdict", "text bad")


def test_figures_that_do_not_apply_are_dashes_and_drag_no_yardstick_along():
    point = with_evidence(
        ROW, model="point", coverage=Coverage(width_90_pct=12.0), mape_pct=float("nan")
    )
    cells = cells_of(point, ROW)
    for title in ("% error, no change", "90% range held, its width"):
        assert (cells[title].text, cells[title].beside) == ("–", ""), title  # noqa: RUF001


def test_the_scoreboard_has_a_table_per_horizon_with_models_in_the_given_order():
    content = make_content(("A",), n_sessions=100, n_origins=10)
    tables = scoreboard_tables(content.verdicts, models=content.models)
    assert [table.caption.split(":")[0] for table in tables] == [
        "1 session ahead",
        "7 sessions ahead",
        "30 sessions ahead",
    ]
    for table in tables:
        assert [row.name for row in table.rows] == list(content.models)
        assert [row.strong for row in table.rows] == [True] + [False] * 9


def test_a_yardstick_has_no_range_skill_but_all_its_other_figures():
    yardstick = with_evidence(replace(ROW, verdict="YARDSTICK"), model="hs_250")
    (table,) = scoreboard_tables([ROW, yardstick], models=("hybrid", "hs_250"))
    cells = [dict(zip(table.titles[1:], row.cells, strict=True)) for row in table.rows]
    assert cells[0]["Range skill, history"].text == "−1.2%"  # noqa: RUF001
    assert cells[1].pop("Range skill, history").text == "–"  # noqa: RUF001
    del cells[0]["Range skill, history"]
    for name in ("Verdict", "95% interval"):  # of these two columns the last is against garch
        cells[0].pop(name), cells[1].pop(name)
    assert cells[0] == cells[1]


def note_of(*rows):
    (table,) = scoreboard_tables(rows, models=("hybrid", "ewma", "classic"))
    return table.note


def test_a_model_scored_on_fewer_forecasts_is_named_with_their_number_and_its_symbols():
    hybrid = [with_evidence(ROW, symbol=s) for s in ("*", "A", "B", "C", "D", "E")]
    short = {"model": "classic", "forecasts": 251, "origins": 251}
    of_b = [with_evidence(ROW, symbol=s, **short) for s in ("*", "B")]
    assert note_of(*hybrid, *of_b) == "Scored on fewer forecasts: classic on 251 forecasts, B."
    of_four = [with_evidence(ROW, symbol=s, **short) for s in ("*", "A", "B", "C", "D")]
    assert note_of(*hybrid, *of_four).endswith(": classic on 251 forecasts, 4 symbols.")
    later = [with_evidence(v, model="ewma", forecasts=6000, origins=1200) for v in hybrid]
    assert note_of(*hybrid, *later, *of_b) == (
        "Scored on fewer forecasts: ewma on 6,000 forecasts from 1,200 origins; "
        "classic on 251 forecasts, B."
    )
    assert note_of(*hybrid) == ""


def test_every_cell_stands_for_the_unrounded_figures_of_verdict_json():
    row = with_evidence(ROW, garch=comparison("garch", 0.00854321, (-0.0012, 0.0123)))
    (table,) = scoreboard_tables([row], models=("hybrid",))
    flat = flat_row(row)
    for column, cell in zip(table.columns[1:], table.rows[0].cells, strict=True):
        wanted = []
        for name in column.fields:
            stem, _, bound = name.rpartition("_")
            wanted.append(flat[name] if name in flat else flat[stem][bound == "high"])
        assert cell.values == tuple(wanted), column.title
        assert cell.values, column.title


def test_a_dash_has_no_value_and_one_value_needs_no_brackets():
    yardstick = with_evidence(replace(ROW, verdict="YARDSTICK"), model="hs_250")
    (table,) = scoreboard_tables([ROW, yardstick], models=("hybrid", "hs_250"))
    cells = dict(zip(table.titles[1:], table.rows[1].cells, strict=True))
    assert cells["Range skill, history"].data == "null"
    assert cells["Verdict"].data == '"YARDSTICK"'
    assert cells["% error, no change"].data == "[3.456,3.521]"


def test_a_model_whose_test_is_not_clean_is_marked_and_no_other():
    other = with_evidence(ROW, model="ewma")
    (table,) = scoreboard_tables([ROW, other], models=("hybrid", "ewma"), marks={"ewma": "Why."})
    assert [row.mark for row in table.rows] == ["", "Why."]


def test_verdicts_are_ranked_as_their_words_are_and_explained():
    worse = with_evidence(replace(ROW, verdict="WORSE"), model="ewma")
    (table,) = scoreboard_tables([ROW, worse], models=("hybrid", "ewma"))
    first, second = (row.cells[0] for row in table.rows)
    assert (first.rank or 0) > (second.rank or 0)
    assert (first.term, second.term) == ("SIZE ONLY", "WORSE")
