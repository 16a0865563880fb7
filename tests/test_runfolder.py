"""What the run folder says of a run: its report, the corrections used, the settings."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace

import polars as pl
import pytest

from nextclose.config import DataConfig, LstmConfig, parse_config
from nextclose.evaluation.breakdowns.ablation import ablations
from nextclose.evaluation.breakdowns.tutorial import tutorial_table
from nextclose.evaluation.scores.scores import scores_of
from nextclose.evaluation.verdict.lead import lead_of
from nextclose.evaluation.verdict.verdict import verdict_rows
from nextclose.formatting import significant
from nextclose.metrics import interval_score
from nextclose.report.page import render_page
from nextclose.report.sections.metrics import metric_tables
from nextclose.report.sections.reproduce import run_notes
from nextclose.results import Run, report_content
from nextclose.runfolder import effective_toml
from nextclose.schema import QUANTILE_COLUMNS, Finding
from tests.builders import hybrid_bars, hybrid_walk, walk_bars
from tests.plugins import Wide


@pytest.fixture
def run(walked) -> Run:
    bars, config = walk_bars(), walked.study.config
    scores = scores_of(walked.forecasts)
    verdict = verdict_rows(scores.panels)
    lead = lead_of(verdict, listed=config.backtest.models)
    return Run(bars=bars, config=config, backtest=walked, scores=scores, verdict=verdict, lead=lead)


def test_the_report_of_a_hybrid_holds_its_weights_and_what_its_parts_are_worth():
    walked = hybrid_walk()
    scores = scores_of(walked.forecasts, seeds=walked.seeds)
    verdict = verdict_rows(scores.panels)
    run = Run(
        bars=hybrid_bars(),
        config=walked.study.config,
        backtest=walked,
        scores=scores,
        verdict=verdict,
        lead=lead_of(verdict, listed=("hybrid",)),
        ablation=ablations(walked.ablation, scores),
    )
    content = report_content(run, command="for the test")
    assert content.headline == "hybrid"
    assert [part.horizon_sessions for part in content.ablation] == [1, 7, 30]
    assert "What the hybrid is made of" in render_page(content)


def test_the_report_says_which_editions_forecast(run):
    notes = run_notes(report_content(run, command="for the test"))
    assert notes["Editions of lstm"] == "taught up to 2000-12-31, in 3 refits"


def test_a_model_brings_its_colours_into_the_report(run):
    colours = ("#123456", "#abcdef")
    names = {"models": (*run.config.backtest.models, "wide")}
    config = run.config.model_copy(
        update={"backtest": run.config.backtest.model_copy(update=names)}
    )
    plugins = (Wide(more={"colours": colours}),)
    study = replace(run.backtest.study, config=config, plugins=plugins)
    walked = replace(run.backtest, study=study)
    content = report_content(replace(run, config=config, backtest=walked), command="for the test")
    assert content.colours == {"wide": colours}


def test_every_file_of_a_run_that_a_program_reads_names_its_format(run, tmp_path):
    run.save(tmp_path / "run", figures=False)
    settings = (tmp_path / "run" / "config.toml").read_text(encoding="utf-8")
    assert tomllib.loads(settings)["format"] == 1
    assert json.loads((tmp_path / "run" / "verdict.json").read_bytes())["format"] == 1
    named = pl.read_parquet_metadata(tmp_path / "run" / "forecasts.parquet")
    assert named["nextclose.format"] == "1"


def test_metrics_of_the_users_own_reach_the_report(run):
    scores = scores_of(run.forecasts, metrics={"winkler": interval_score})
    judged = replace(run, scores=scores, verdict=verdict_rows(scores.panels))
    content = report_content(judged, command="for the test")
    tables = metric_tables(content.verdicts, models=content.models)
    assert [table.titles[1] for table in tables] == ["winkler, no change"] * 3
    (lstm,) = (row for row in tables[0].rows if row.name == "lstm")
    outcomes = run.forecasts.filter(
        pl.col("target").is_not_null(), model="lstm", horizon_sessions=1
    )
    mean = interval_score(
        outcomes.select(QUANTILE_COLUMNS).to_numpy(), outcomes["target"].to_numpy()
    ).mean()
    assert lstm.cells[0].text == significant(float(mean))


def test_the_settings_that_are_written_are_the_settings_that_ran(run):
    assert parse_config(effective_toml(run.config), path="config.toml") == run.config


ODD = "a\u202eb\x85c\u2028d\U000e0001e"  # turns, breaks and hides what one reads


def test_settings_with_marks_that_nobody_sees_are_written_as_escapes_and_read_back(run):
    data = DataConfig(missing=("", ODD), columns={ODD: "close"})
    config = run.config.model_copy(update={"data": data})
    text = effective_toml(config)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert parse_config(text, path="config.toml") == config


@pytest.mark.parametrize(
    "path", ["/home/ann/secret/splits.csv", r"C:\ann\splits.csv", "~/splits.csv"]
)
def test_no_full_path_reaches_a_run_folder(run, tmp_path, path):
    editions = LstmConfig(editions=(path.replace("splits.csv", "mine.safetensors"),))
    config = run.config.model_copy(update={"data": DataConfig(splits=path), "lstm": editions})
    finding = Finding(number=50, response="P", found="a bar", rule="r", path="/home/ann/x.csv")
    bars = replace(run.bars, findings=(finding,))
    replace(run, config=config, bars=bars).save(tmp_path / "run", figures=False)
    for file in (tmp_path / "run").rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert not re.search(rb"home/ann|\\ann|~/(splits|mine)", content), file.name
    written = parse_config((tmp_path / "run/config.toml").read_text(), path="config.toml")
    assert written.data.splits == "splits.csv"
    assert written.lstm.editions == ("mine.safetensors",)


def test_a_run_without_the_tutorials_network_has_no_table_of_it(run):
    content = report_content(run, command="for the test")
    assert tutorial_table(run.scores.frame).is_empty()
    assert content.network == ""
    assert content.headline == "hs_expanding"  # of random walks nothing knows more
    assert len(content.verdicts) == len(run.verdict)
