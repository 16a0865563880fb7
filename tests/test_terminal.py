"""What commands print: it fits 80 columns, and says what the hybrid is made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
from rich.console import Console

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.schema import Bars, Finding
from nextclose.terminal import data_lines, forecast_table, hybrid_lines, progress_on, scoreboard
from tests.report.frames import make_ablation
from tests.report.verdict_rows import comparison, verdict_row, with_evidence

MODELS = (
    *("naive", "drift", "hs_250", "hs_expanding", "ewma", "har", "garch"),
    *("loghar", "trees", "lstm", "hybrid", "classic"),
)


def rows():
    """Every model at three horizons; figures as long as they come, some on fewer forecasts."""
    rng = np.random.default_rng(0)
    short = [verdict_row("*", h, model, rng) for h in (30, 1, 7) for model in reversed(MODELS)]
    wide = {
        "forecasts": 3,
        "error": comparison("naive", 1 - 17.5578, (-20.0, -10.0)),
        "garch": comparison("garch", -0.0941, (-0.1, 0.0)),
    }
    return [with_evidence(row, **wide) if row.model == "hs_expanding" else row for row in short]


def printed(table, *, width):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_the_scoreboard_fits_eighty_columns_with_every_figure_whole():
    table = scoreboard(rows(), models=MODELS)
    lines = printed(table, width=80)
    whole = printed(table, width=200)
    n_figures = 1 + 3 + 3 * len(MODELS) + 2  # title, head, rows, lines between the horizons
    assert max(map(len, lines)) <= 80
    assert lines[1:n_figures] == [line[:80].rstrip() for line in whole[1:n_figures]]
    assert any("hs_expanding*" in line and "17.56" in line and "-9.41%" in line for line in lines)


def test_models_stand_in_their_order_below_each_horizon():
    names = [
        line.split()[1].rstrip("*")
        for line in printed(scoreboard(rows(), models=MODELS), width=80)
        if line.strip()[:1].isdigit() and line.split()[1].rstrip("*") in MODELS
    ]
    assert names == [*MODELS] * 3


def test_a_void_verdict_stands_out():
    (row,) = [row for row in rows() if (row.model, row.horizon_sessions) == ("hybrid", 1)]
    table = scoreboard([replace(row, verdict="VOID")], models=("hybrid",))
    assert "VOID" in " ".join(printed(table, width=80))
    assert [str(line.style) for line in table.rows] == ["bold red"]


def test_the_hybrid_says_what_each_member_is_worth():
    parts = [make_ablation(1), replace(make_ablation(7), sentence="")]
    assert list(hybrid_lines(parts)) == [parts[0].sentence]
    assert list(hybrid_lines([])) == []


def test_forecasts_fit_eighty_columns_too():
    row = {
        "symbol": "BRK.B",
        "close": 123456.78,
        "date": date(2013, 4, 15),
        "horizon_sessions": 30,
        "median": 123456.78,
        "low_90": 100000.5,
        "high_90": 150000.25,
    }
    lines = printed(forecast_table(pl.DataFrame([row])), width=80)
    assert any("BRK.B" in line and "150000.25" in line for line in lines)


def test_prices_below_1_have_four_digits():
    prices = {"close": 0.012345, "median": 0.0123, "low_90": 0.99996, "high_90": 1.2345}
    row = {"symbol": "PENNY", "date": date(2024, 1, 5), "horizon_sessions": 1} | prices
    lines = printed(forecast_table(pl.DataFrame([row])), width=80)
    (line,) = (text for text in lines if "PENNY" in text)
    assert line.split() == ["PENNY", "0.01235", "2024-01-05", "1", "0.0123", "1", "1.23"]


def test_a_result_says_what_data_it_rests_on():
    frame = pl.DataFrame({"symbol": ["A", "A"], "session": [date(2020, 1, 2), date(2020, 1, 3)]})
    findings = (
        Finding(number=52, response="W", found="x", rule="y", count=1200),
        Finding(number=22, response="R", found="x", rule="y"),
    )
    lines = printed(data_lines(Bars(frame=frame, findings=findings), DataConfig()), width=200)
    assert lines[0] == (
        "data     1 symbol, 2 bars, 2020-01-02 to 2020-01-03, "
        "prices unknown whether adjusted for splits and dividends"
    )
    assert lines[1] == "found    R22: 1, W52: 1,200"
    assert lines[2].startswith("allowed  ")
    assert printed(data_lines(Bars(frame=frame), DataConfig()), width=200)[1] == "found    nothing"
    left_out = (Issue.LEFT_OUT.finding("E54: -1.0", symbol="MSFT"),)
    lines = printed(data_lines(Bars(frame=frame, findings=left_out), DataConfig()), width=200)
    assert lines[-1] == "left out  MSFT"


def test_progress_off_a_terminal_is_four_plain_lines_a_stage(capsys):
    with progress_on(Console(stderr=True, force_terminal=False)) as progress:
        for done in range(9):
            progress("fit", done, 8)
    assert capsys.readouterr().err.split("\n") == [*(f"fit {n}/8" for n in (0, 2, 4, 6, 8)), ""]
