from dataclasses import replace

import numpy as np
import pytest

from nextclose.report.sections.direction import direction_table, direction_tables_by_horizon
from tests.report import verdict_rows as rows

CALLS = rows.calls(0.566, 0.55, interval=(0.498, 0.635), p_value=0.04)
ROW = rows.with_evidence(rows.verdict_row("*", 7, "hybrid", np.random.default_rng(0)), calls=CALLS)


def cell_texts(row):
    (only,) = direction_table([row], headline="hybrid").rows
    return [(cell.text, cell.beside) for cell in only.cells]


def test_a_hit_rate_stands_with_interval_base_rate_implied_r2_p_and_conclusion():
    assert cell_texts(ROW) == [
        ("56.6", ""),
        ("49.8 to 63.5", ""),
        ("55.0", "“up”"),
        ("4.24%", ""),
        ("0.040", ""),
        ("no sign that it knows", ""),
    ]


@pytest.mark.parametrize(
    ("changes", "conclusion"),
    [
        ({"only": "down", "p_value": None}, "always calls “down”: nothing to test"),
        ({"p_value": None}, "too little to test"),
    ],
)
def test_without_a_test_nothing_is_known_of_direction(changes, conclusion):
    untested = rows.with_evidence(ROW, calls=replace(CALLS, **changes))
    assert cell_texts(untested)[-1][0] == conclusion


@pytest.mark.parametrize(
    ("verdict", "conclusion"),
    [("SIZE ONLY", "knows something of direction"), ("TOO GOOD", "no sign that it knows")],
)
def test_a_claim_needs_a_test_that_was_passed_and_a_verdict_that_claims(verdict, conclusion):
    claims = replace(ROW.claims, direction=True)
    assert cell_texts(replace(ROW, claims=claims, verdict=verdict))[-1][0] == conclusion


def test_a_model_that_calls_nothing_has_no_base_rate_to_lean_on():
    silent = rows.with_evidence(ROW, calls=rows.calls(None, None))
    cells = cell_texts(silent)
    assert cells[-1][0] == "calls no direction"
    assert all(cell == ("–", "") for cell in cells[:-1])  # noqa: RUF001


def test_all_models_that_call_are_listed_by_horizon():
    verdicts = [
        rows.with_evidence(ROW, model=model, horizon_sessions=h, calls=rows.calls(hit, 0.55))
        for h in (7, 1)
        for model, hit in (("ewma", 0.5), ("hybrid", 0.6), ("naive", None))
    ]
    tables = direction_tables_by_horizon(verdicts, models=("hybrid", "naive", "ewma"))
    assert [table.caption for table in tables] == ["1 session ahead", "7 sessions ahead"]
    assert [[row.name for row in table.rows] for table in tables] == [["hybrid", "ewma"]] * 2
