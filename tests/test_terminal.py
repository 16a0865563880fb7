"""What commands print: it fits 80 columns, and says what the hybrid is made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.schema import Bars, Finding
from nextclose.terminal import (
    MAX_SYMBOLS,
    PLAIN_SECONDS,
    closes_table,
    data_lines,
    forecast_table,
    hybrid_lines,
    progress_on,
    scoreboard,
)
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
    # title, head, of each horizon its name and a line a model, lines between the horizons
    n_figures = 1 + 3 + 3 * (1 + len(MODELS)) + 2
    assert max(map(len, lines)) <= 80
    assert lines[1:n_figures] == [line[:80].rstrip() for line in whole[1:n_figures]]
    assert any("hs_expanding" in line and "17.56" in line and "-9.41%" in line for line in lines)
    assert not any("*" in line or "\N{HORIZONTAL ELLIPSIS}" in line for line in lines)


def test_the_longest_verdict_is_never_cut():
    long = [replace(row, verdict="NO EVIDENCE") for row in rows()]
    lines = printed(scoreboard(long, models=MODELS), width=80)
    assert sum(line.endswith("NO EVIDENCE") for line in lines) == 3 * len(MODELS)


def test_each_model_has_the_number_of_its_forecasts_beside_it():
    lines = printed(scoreboard(rows(), models=MODELS), width=80)
    counts = [line.split()[1] for line in lines if line.strip().startswith("hs_expanding")]
    assert counts == ["3"] * 3


def test_models_stand_in_their_order_below_each_horizon():
    lines = printed(scoreboard(rows(), models=MODELS), width=80)
    first = [line.strip().partition("  ")[0].split(" ")[0] for line in lines if line.strip()]
    names = [name for name in first if name in (*MODELS, "1", "7", "30")]
    assert names == ["1", *MODELS, "7", *MODELS, "30", *MODELS]


def test_a_void_verdict_stands_out():
    (row,) = [row for row in rows() if (row.model, row.horizon_sessions) == ("hybrid", 1)]
    table = scoreboard([replace(row, verdict="VOID")], models=("hybrid",))
    assert "VOID" in " ".join(printed(table, width=80))
    assert [str(line.style) for line in table.rows][1:] == ["bold red"]


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


def closes(*symbols, horizons=(1, 7, 30), price=56.14, day=date(2013, 3, 4)):
    return pl.DataFrame(
        [
            {
                "symbol": symbol,
                "close": price,
                "date": day,
                "horizon_sessions": horizon,
                "median": price,
                "low_90": price * 0.9,
                "high_90": price * 1.1,
                "notes": "stale",
            }
            for symbol in symbols
            for horizon in horizons
        ]
    )


@pytest.mark.parametrize("width", [80, 40])
def test_figures_are_whole_whatever_the_width(width):
    lines = printed(forecast_table(closes("AAPL"), width=width), width=width)
    (*_, last) = (line.split() for line in lines if line.startswith("AAPL"))
    dated = ["56.14", "2013-03-04"]
    expected = ["AAPL", *(dated if width == 80 else []), "30", "56.14", "50.53", "61.75"]
    assert last == [*expected, *(["stale"] if width == 80 else [])]


def test_notes_are_broken_before_columns_are_left_out():
    table = closes("AAPL").with_columns(notes=pl.lit("old record, stale, other moves"))
    lines = printed(forecast_table(table, width=80), width=80)
    assert "last close" in lines[1]
    assert "moves" in " ".join(lines)


def test_the_next_closes_in_short_are_a_line_a_symbol_with_the_dates_on_top():
    lines = printed(closes_table(closes("AAPL", "IBM"), width=80), width=80)
    assert lines[0].split() == ["1", "session", "7", "sessions", "30", "sessions"]
    assert lines[1].split() == ["symbol", "close", *["2013-03-04"] * 3]
    assert lines[2].split() == ["AAPL", "56.14", *["50.53", "to", "61.75"] * 3]
    assert len(lines) == 4


def test_dates_that_differ_from_symbol_to_symbol_are_no_heads():
    both = pl.concat([closes("AAPL"), closes("7203.T", day=date(2013, 3, 5))])
    assert "2013" not in " ".join(printed(closes_table(both, width=80), width=80))


def test_prices_of_five_digits_fit_beside_each_other():
    lines = printed(closes_table(closes("BTC-USD", price=123456.78), width=80), width=80)
    assert any(line.split()[:3] == ["BTC-USD", "123457", "111111"] for line in lines)


@pytest.mark.parametrize("horizons", [(1, 7, 30), (1, 2, 3, 4, 5)])
def test_what_is_too_wide_for_a_line_a_symbol_is_a_line_a_range(horizons):
    width = 40 if len(horizons) == 3 else 80
    prices = closes("AAPL", horizons=horizons)
    lines = printed(closes_table(prices, width=width), width=width)
    assert [line.split()[:2] for line in lines[1:]] == [["AAPL", str(h)] for h in horizons]
    assert all(line.endswith("50.53 to 61.75") for line in lines[1:])


def test_of_many_symbols_the_first_are_shown_and_the_rest_counted():
    names = [f"S{k:02}" for k in range(MAX_SYMBOLS + 3)]
    lines = printed(closes_table(closes(*names), width=80), width=80)
    assert [line.split()[0] for line in lines if line[:1] == "S"] == names[:MAX_SYMBOLS]
    assert lines[-1] == "and 3 symbols more"


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
    assert lines[1:3] == [
        "found    W52 1,200 places: sessions without a row",
        "         R22 1 place: a column under another spelling of its name",
    ]
    assert lines[3].startswith("allowed  ")
    assert printed(data_lines(Bars(frame=frame), DataConfig()), width=200)[1] == "found    nothing"
    left_out = (Issue.LEFT_OUT.finding("E54: -1.0", symbol="MSFT"),)
    lines = printed(data_lines(Bars(frame=frame, findings=left_out), DataConfig()), width=200)
    assert lines[-1] == "left out  MSFT"


class Clock:
    """A clock that moves when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_progress_off_a_terminal_is_a_line_at_the_end_of_a_stage(capsys):
    with progress_on(Console(stderr=True, force_terminal=False), clock=Clock()) as progress:
        for stage in ("fit", "forecast"):
            for done in range(9):
                progress(stage, done, 8)
    assert capsys.readouterr().err == "fit 8/8\nforecast 8/8\n"


def test_the_first_few_of_many_foretell_nothing(capsys):
    clock = Clock()
    with progress_on(Console(stderr=True, force_terminal=False), clock=clock) as progress:
        for done in (0, 1, 4):
            progress("fit", done, 32)
            clock.now += PLAIN_SECONDS
    assert capsys.readouterr().err.splitlines() == ["fit 1/32", "fit 4/32, 140 s left"]


def test_a_long_stage_says_now_and_then_how_long_it_will_take(capsys):
    clock = Clock()
    with progress_on(Console(stderr=True, force_terminal=False), clock=clock) as progress:
        for done in range(9):
            progress("fit", done, 8)
            clock.now += PLAIN_SECONDS / 2
        clock.now += 1000
        progress("fit", 0, 2)  # the same stage begins anew: it has its own time
        clock.now += PLAIN_SECONDS
        progress("fit", 1, 2)
    assert capsys.readouterr().err.splitlines() == [
        "fit 2/8, 30 s left",
        "fit 4/8, 20 s left",
        "fit 6/8, 10 s left",
        "fit 8/8",
        "fit 1/2, 10 s left",
    ]


def test_progress_on_a_terminal_shows_the_time_that_is_left(capsys):
    console = Console(stderr=True, force_terminal=True, width=80)
    with progress_on(console) as progress:
        progress("fit", 0, 8)
    said = capsys.readouterr().err
    assert "0/8" in said
    assert "--:--" in said
