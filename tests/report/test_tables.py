from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nextclose.report import tables
from nextclose.schema import Finding
from tests.report.synthetic import make_content, verdict_row

BASE = verdict_row("*", 7, "lstm", np.random.default_rng(0))
ROW = replace(
    BASE,
    relative_mae=0.99512,
    relative_mae_interval=(0.99, 1.0004),
    mape_pct=3.456,
    naive_mape_pct=3.521,
    crps_skill_vs_hs=-0.0123,
    crps_skill_interval=(-0.02, -0.001),
    coverage_90=0.8964,
    width_90_pct=12.21,
    p_value=0.00004,
    forecasts=6300,
    independent=180.0,
)


def test_a_card_puts_the_yardstick_and_the_interval_beside_each_figure():
    (card,) = tables.cards([ROW], headline="lstm")
    assert (card.horizon, card.word, card.sentence) == (
        "7 sessions",
        "Size, not direction",
        ROW.sentence,
    )
    error, skill, held = card.facts
    assert error.value == "0.995 ×"  # noqa: RUF001
    assert error.beside == ("3.46% of price; no change 3.52%", "95% interval 0.990 to 1.000")
    assert skill.value == "−1.2%"  # noqa: RUF001
    assert skill.beside == ("CRPS, against hs_250", "95% interval −2.0 to −0.1%")  # noqa: RUF001
    assert held.value == "89.6%"
    assert held.beside == ("Of 6,300 outcomes", "Mean width 12.2% of price")


def test_figures_that_do_not_apply_are_dashes_and_drag_no_yardstick_along():
    point = replace(
        ROW, coverage_90=None, width_90_pct=float("nan"), hit_rate=None, crps_skill_interval=None
    )
    (grid,) = tables.scoreboard([point], models=("lstm",))
    cells = dict(zip(grid.head[1:], grid.rows[0].cells, strict=True))
    for title in ("95% interval", "% right, base rate", "90% range held", "Mean width"):
        assert (cells[title].text, cells[title].beside) == ("–", ""), title  # noqa: RUF001


def test_the_scoreboard_has_a_table_per_horizon_with_models_in_the_given_order():
    content = make_content(("A",), n_sessions=100, n_origins=10)
    grids = tables.scoreboard(content.verdicts, models=content.models)
    assert [grid.caption.split(":")[0] for grid in grids] == [
        "1 session ahead",
        "7 sessions ahead",
        "30 sessions ahead",
    ]
    for grid in grids:
        assert [row.name for row in grid.rows] == list(content.models)
        assert [row.strong for row in grid.rows] == [True] + [False] * 6


def test_rows_beyond_the_limit_are_counted():
    many = [replace(ROW, symbol=f"S{i:03d}") for i in range(tables.MAX_SYMBOL_ROWS + 5)]
    grid = tables.by_symbol(many, headline="lstm")
    assert len(grid.rows) == tables.MAX_SYMBOL_ROWS
    assert grid.note == "Shown are 180 of 185 rows; verdict.json has them all."


def test_the_tutorial_table_sets_the_network_beside_no_change():
    content = make_content(("A",), n_sessions=100, n_origins=10)
    grid = tables.tutorial(content.tutorial)
    assert grid.head[:3] == ("Metric", "1 session: network", "no change")
    texts = {row.name: [cell.text for cell in row.cells[:2]] for row in grid.rows}
    assert texts["Mean absolute percentage error"] == ["14.20%", "1.55%"]
    assert texts["Direction the tutorial’s way"] == ["61.7%", "50.5%"]  # noqa: RUF001
    assert texts["Direction against the last close"] == ["49.0%", "52.4%"]


def test_a_metric_of_the_tutorial_without_a_row_has_no_line_of_dashes():
    frame = make_content(("A",), n_sessions=100, n_origins=10).tutorial
    grid = tables.tutorial(frame.filter(pl.col("metric") != "consecutive_direction"))
    assert len(grid.rows) == 5
    assert "Direction the tutorial’s way" not in [row.name for row in grid.rows]  # noqa: RUF001


def test_a_yardstick_has_no_range_skill_but_all_its_other_figures():
    yardstick = replace(ROW, model="hs_250", verdict="YARDSTICK", hs_reference="hs_expanding")
    (grid,) = tables.scoreboard([ROW, yardstick], models=("lstm", "hs_250"))
    texts = [[cell.text for cell in row.cells] for row in grid.rows]
    assert texts[0][3:5] == ["−1.2%", "−2.0 to −0.1%"]  # noqa: RUF001
    assert texts[1][3:5] == ["–", "–"]  # noqa: RUF001
    assert texts[1][5:] == texts[0][5:]


def note_of(*rows):
    (grid,) = tables.scoreboard(rows, models=("lstm", "ewma", "classic"))
    return grid.note


def test_a_model_scored_on_fewer_forecasts_is_named_with_their_number_and_its_symbols():
    lstm = [replace(ROW, symbol=s) for s in ("*", "A", "B", "C", "D", "E")]
    short = {"model": "classic", "forecasts": 251, "origins": 251}
    one = [replace(ROW, symbol=s, **short) for s in ("*", "B")]
    assert note_of(*lstm, *one) == "Scored on fewer forecasts: classic on 251 forecasts, B."
    four = [replace(ROW, symbol=s, **short) for s in ("*", "A", "B", "C", "D")]
    assert note_of(*lstm, *four).endswith(": classic on 251 forecasts, 4 symbols.")
    later = [replace(v, model="ewma", forecasts=6000, origins=1200) for v in lstm]
    assert note_of(*lstm, *later, *one) == (
        "Scored on fewer forecasts: ewma on 6,000 forecasts from 1,200 origins; "
        "classic on 251 forecasts, B."
    )
    assert note_of(*lstm) == ""


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("prices/AAPL.csv", "W54 prices/AAPL.csv: found x; rule: y."),
        ("/home/ann/AAPL.csv", "W54 AAPL.csv: found x; rule: y."),
        ("postgresql://ann:pw@db/prices", "W54 prices: found x; rule: y."),
        ("postgresql://ann:pw@db?password=pw", "W54 : found x; rule: y."),
        ("C:\\Users\\ann\\AAPL.csv", "W54 AAPL.csv: found x; rule: y."),
    ],
)
def test_a_finding_names_the_file_but_no_folder_of_the_machine(path, shown):
    (row,) = tables.findings(
        [Finding(number=54, response="W", found="x", rule="y", path=path)]
    ).rows
    assert f"{row.name} {row.cells[1].text}" == shown
