from dataclasses import replace

import numpy as np
import pytest

from nextclose.report.sections.direction import calls, calls_of_all
from tests.report.verdict_rows import verdict_row

ROW = replace(
    verdict_row("*", 7, "hybrid", np.random.default_rng(0)),
    hit_rate=0.566,
    hit_interval=(0.498, 0.635),
    base_rate=0.55,
    base_side="up",
    implied_r2=0.0426,
    direction_p=0.04,
)


def said(row):
    (only,) = calls([row], headline="hybrid").rows
    return [(cell.text, cell.beside) for cell in only.cells]


def test_a_hit_rate_stands_with_interval_base_rate_implied_r2_p_and_conclusion():
    assert said(ROW) == [
        ("56.6", ""),
        ("49.8 to 63.5", ""),
        ("55.0", "“up”"),
        ("4.26%", ""),
        ("0.040", ""),
        ("no sign that it knows", ""),
    ]


@pytest.mark.parametrize(
    ("changes", "conclusion"),
    [
        ({"direction_claim": True}, "knows something of direction"),
        ({"always": "down", "direction_p": None}, "always calls “down”: nothing to test"),
        ({"direction_p": None}, "too little to test"),
    ],
)
def test_a_claim_needs_a_test_that_was_passed(changes, conclusion):
    assert said(replace(ROW, **changes))[-1][0] == conclusion


def test_a_model_that_calls_nothing_has_no_base_rate_to_lean_on():
    silent = replace(ROW, hit_rate=None, hit_interval=None, implied_r2=None, direction_p=None)
    cells = said(silent)
    assert cells[-1][0] == "calls no direction"
    assert all(cell == ("–", "") for cell in cells[:-1])  # noqa: RUF001


def test_all_models_that_call_are_listed_by_horizon():
    rows = [
        replace(ROW, model=model, horizon_sessions=h, hit_rate=hit)
        for h in (7, 1)
        for model, hit in (("ewma", 0.5), ("hybrid", 0.6), ("naive", None))
    ]
    grids = calls_of_all(rows, models=("hybrid", "naive", "ewma"))
    assert [grid.caption for grid in grids] == ["1 session ahead", "7 sessions ahead"]
    assert [[row.name for row in grid.rows] for grid in grids] == [["hybrid", "ewma"]] * 2
