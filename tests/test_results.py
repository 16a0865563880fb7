"""A run shows itself, draws itself, and is written down; all of it in a notebook too."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import nextclose as nc
from nextclose.evaluation.breakdowns.ablation import Ablation
from nextclose.evaluation.verdict.document import flat_row
from nextclose.evaluation.verdict.summary import plain_sentence, summary_line
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.results import Run
from tests.builders import tiny_config, walk_bars


@pytest.fixture(scope="module")
def run() -> Run:
    """Two symbols, two horizons, models of which one leads."""
    config = tiny_config(models=("naive", "ewma", "har"), horizons=(1, 7), test_sessions=120)
    return nc.backtest(walk_bars((760, 750)), config=config)


def led(run: Run) -> list[VerdictRow]:
    """The pooled rows of the model that leads."""
    return [row for row in run.verdict if (row.symbol, row.model) == ("*", run.lead.model)]


def test_a_run_is_shown_in_a_few_lines_that_say_what_it_found_and_where_to_go_on(run):
    first, *found, last = repr(run).splitlines()
    origins = run.forecasts["origin"]
    assert first == (
        f"Run: 2 symbols, 2 horizons, 3 models, {origins.min()} to {origins.max()}; "
        f"{run.lead.model} leads"
    )
    assert found == [
        f"{run.lead.model}, {ahead}: {summary_line(row)}"
        for ahead, row in zip(("1 session", "7 sessions"), led(run), strict=True)
    ]
    for call in re.findall(r"run\.\w+(?:\(.*?\))?", last):
        assert hasattr(run, re.split(r"[.(]", call)[1])
    assert 'run.plot("AAA")' in last


def test_a_run_of_many_horizons_stays_short():
    config = tiny_config(models=("naive", "ewma"), horizons=tuple(range(1, 13)), test_sessions=40)
    text = repr(nc.backtest(walk_bars((460,)), config=config))
    assert len(text.splitlines()) == 7
    assert "... and 8 more horizons" in text


def test_a_notebook_shows_plain_sentences_a_picture_and_every_model(run):
    html = run._repr_html_()
    for row in led(run):
        assert plain_sentence(row).replace("'", "&#39;") in html
    assert html.count("data:image/png;base64,") == 1
    assert all(f">{model}</td>" in html for model in ("naive", "ewma", "har"))
    assert "<script" not in html
    assert not re.search(r"(src|href)=\"(?!data:)", html)  # nothing is loaded
    assert not re.search(r"color:|background:(?!none)", html)  # the notebook's own colours
    assert len(html) < 150_000


def test_what_comes_from_outside_is_escaped_in_a_notebook(run):
    lead = replace(run.lead, model="<b>x", sentence="<b>y")
    html = replace(run, lead=lead)._repr_html_()
    assert "<b>x" not in html
    assert "<b>y" not in html
    assert "&lt;b&gt;y" in html


def test_a_scoreboard_has_every_figure_of_the_verdict_by_its_name(run):
    board = run.scoreboard
    assert board.columns[:4] == ["symbol", "horizon_sessions", "model", "verdict"]
    assert board.columns[-1] == "sentence"
    assert board.height == len(run.verdict)
    for shown, row in zip(board.iter_rows(named=True), run.verdict, strict=True):
        for name, value in flat_row(row).items():
            if name.endswith("_interval"):
                pair = (shown[f"{name}_low"], shown[f"{name}_high"])
                assert pair == ((None, None) if value is None else tuple(value))
            else:
                assert shown[name] == value


def test_metrics_of_ones_own_leave_a_scoreboard_flat(run):
    def error(quantiles, outcome):
        return abs(quantiles[:, 11] - outcome)

    own = nc.backtest(run.bars, config=run.config, metrics={"mine": error})
    assert_frame_equal(own.scoreboard, run.scoreboard)


def test_forecasts_go_to_pandas_and_come_back_to_the_same_verdict(run):
    frame = run.to_pandas()
    assert frame["origin"].dtype.kind == "M"
    assert frame["target"].isna().sum() == run.forecasts["target"].null_count() > 0
    assert nc.verdicts(frame) == nc.verdicts(run.forecasts)
    with pytest.raises(nc.ConfigError, match=r"of other types. Fix: "):
        nc.verdicts(frame.assign(close="much"))


# --- pictures ---


def drawn(run: Run, monkeypatch, **asked) -> dict[str, Any]:
    """What is handed to the drawing, when a run is asked for a plot."""
    told: dict[str, Any] = {}

    def fan(bars, forecasts, *, symbol, origin, dark):
        told.update(forecasts=forecasts, symbol=symbol, origin=origin, dark=dark)

    monkeypatch.setattr("nextclose.results.forecast_figure", fan)
    run.plot(**asked)
    return told


def test_a_plot_is_of_the_newest_day_whose_outcomes_are_known(run, monkeypatch):
    told = drawn(run, monkeypatch)
    assert (told["symbol"], told["dark"]) == ("AAA", False)
    rows = run.forecasts.filter(symbol="AAA", model=run.lead.model)
    assert_frame_equal(told["forecasts"], rows)
    known = rows.filter(pl.col("target").is_not_null(), horizon_sessions=7)
    assert told["origin"] == known["origin"].max()


def test_a_plot_is_of_what_is_named(run, monkeypatch):
    weekend = run.forecasts["origin"].unique().sort()[30]
    asked = {"symbol": "BBB", "horizon": 1, "model": "ewma", "origin": weekend, "dark": True}
    told = drawn(run, monkeypatch, **asked)
    assert {*told["forecasts"]["horizon_sessions"]} == {1}
    assert {*told["forecasts"]["model"]} == {"ewma"}
    days = run.forecasts.filter(symbol="BBB", model="ewma")["origin"]
    assert told["origin"] == days.filter(days <= weekend).max()
    assert told["dark"]


@pytest.mark.parametrize(
    ("asked", "fix"),
    [
        ({"symbol": "ZZZ"}, "give symbol= one of 'AAA', 'BBB'"),
        ({"model": "lstm"}, "give model= one of "),
        ({"horizon": 3}, "give horizon= one of 1, 7"),
        ({"horizon": "7"}, "give whole sessions"),
        ({"origin": date(1999, 1, 1)}, "give an origin from "),
        ({"origin": "2012"}, r"give date\(2012, 3, 1\)"),
    ],
    ids=str,
)
def test_a_plot_of_what_was_not_forecast_is_refused_with_a_cure(run, asked, fix):
    with pytest.raises(nc.ConfigError, match=f"Fix: {fix}"):
        run.plot(**asked)


def test_a_plot_is_a_figure_that_a_notebook_shows_without_pyplot(run):
    figure = run.plot("BBB")
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert figure.canvas.manager is None


def test_a_run_led_by_a_model_without_ranges_has_no_picture_in_its_place(run):
    naive = nc.backtest(run.bars, models="naive", config=run.config)
    assert "data:image" not in naive._repr_html_()
    assert len(repr(naive).splitlines()) == 4


# --- the report ---


def test_a_report_is_the_page_that_a_run_folder_has(run, tmp_path):
    report = run.report()
    assert run.save(tmp_path / "run", figures=False) == tmp_path / "run"
    assert (tmp_path / "run" / "report.html").read_text() == report.html
    assert report.save(tmp_path / "one.html") == tmp_path / "one.html"
    assert (tmp_path / "one.html").read_text() == report.html
    assert not (tmp_path / "run" / "figures").exists()


def test_a_report_in_a_notebook_stands_in_a_frame_of_its_own(run):
    html = run.report()._repr_html_()
    assert html.startswith('<iframe sandbox="allow-scripts"')
    inner = html.split('srcdoc="')[1]
    assert inner.index('"') == inner.index('"></iframe>')  # nothing ends the attribute before
    assert len(repr(run.report())) < 120


def test_a_report_that_cannot_be_written_is_said(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(nc.OutputError, match="Fix"):
        run.report().save(tmp_path / "file" / "report.html")


# --- what else a cell may end in ---


def test_what_a_run_holds_is_shown_in_fifteen_lines_at_the_most(run):
    names = ("bars", "config", "backtest", "scores", "verdict", "lead", "ablation", "news")
    held = [*(getattr(run, name) for name in names), run.backtest.study, run.backtest.study.samples]
    for value in (*held, run.verdict[0], nc.RunConfig(), run.report()):
        lines = [
            line[k : k + 80] for line in repr(value).splitlines() for k in range(0, len(line), 80)
        ]
        assert len(lines) <= 15, repr(value)[:200]


def test_a_long_verdict_names_its_pooled_rows_alone(run):
    text = repr(run.verdict)
    assert text.splitlines()[0].startswith("18 verdicts, those on all symbols together")
    assert text.splitlines()[1:] == [
        f"{'1 session' if row.horizon_sessions == 1 else '7 sessions'}, {row.model}: {row.verdict}"
        for row in run.verdict
        if row.symbol == "*"
    ]
    assert repr(nc.verdicts(run.forecasts)).count("\n") == 12
    assert run.verdict == tuple(run.verdict)


def test_findings_and_what_a_hybrid_is_worth_are_shown_by_their_sentence():
    finding = nc.sample_bars().findings[0]
    assert repr(finding) == f"Finding({finding.line()!r})"
    part = Ablation(
        horizon_sessions=7,
        variants=(),
        garch=None,
        raw_mcs_p=None,
        raw_in_confidence_set=None,
        calibration=None,
        sentence="It is worth it.",
    )
    assert repr(part) == "Ablation('It is worth it.')"
    assert repr(replace(part, sentence="")) == "Ablation('7 sessions')"


def test_settings_are_shown_by_what_differs_from_the_defaults():
    assert repr(nc.RunConfig()) == str(nc.RunConfig()) == "RunConfig()"
    plan = nc.BacktestConfig(horizons=(1,))
    assert repr(nc.RunConfig(backtest=plan)) == "RunConfig(backtest=BacktestConfig(horizons=(1,)))"


def test_bars_say_whose_they_are_and_how_many(run):
    frame = run.bars.frame
    text = repr(nc.Bars(frame=frame))
    assert text == (
        f"Bars: 2 symbols (AAA, BBB), {frame.height:,} bars, {frame['session'].min()} to "
        f"{frame['session'].max()}\nprices unknown; findings: none; .frame is the table"
    )
    assert repr(nc.Bars(frame=frame.clear())) == "Bars: none"
    many = frame.head(20).with_columns(symbol=pl.int_range(20).cast(pl.String))
    assert "Bars: 20 symbols (0, 1, 10, 11, 12, 13, 14, 15, ...)" in repr(nc.Bars(frame=many))
