"""What the run folder says of a run: curves, corrections used, the headline."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nextclose.config import BacktestConfig, RunConfig, parse_config
from nextclose.evaluation.verdict import verdicts
from nextclose.run import Run
from nextclose.runfolder import (
    effective_toml,
    headline,
    kept,
    learning_curves,
    report_content,
    tutorial_table,
    used_corrections,
)
from tests.builders import walk_bars


@pytest.fixture
def run(walked) -> Run:
    bars, config = walk_bars(), walked.study.config
    return Run(bars=bars, config=config, backtest=walked, verdict=verdicts(walked.forecasts))


def test_the_dot_of_the_lstm_stands_at_the_largest_usable_gain(run):
    curves = learning_curves(run)
    lstm = curves.filter(pl.col("model") == "lstm")
    assert lstm["label"].unique().sort().to_list() == ["fold 1", "fold 2", "fold 3"]
    for (label, seed), part in lstm.group_by("label", "seed"):
        fitted = run.backtest.fits["lstm", int(str(label)[-1]) - 1][int(str(seed))]
        gains = list(fitted.curves["usable_gain"])
        assert part.filter(pl.col("kept"))["epoch"].to_list() == [gains.index(max(gains))]
        assert part["epoch"].to_list() == list(range(len(gains)))  # epoch 0: before training


def test_the_gain_decides_where_there_is_one_and_the_loss_elsewhere():
    assert kept({"usable_gain": [0.0, 0.2, 0.1]}, [3.0, 2.0, 1.0]) == 1
    assert kept({}, [3.0, 1.0, 2.0]) == 1


def test_corrections_used_are_the_mean_shares_over_folds_and_seeds(run):
    fits = {
        key: tuple(
            replace(fitted, shares=np.full_like(fitted.shares, 0.5)) if key[0] == "lstm" else fitted
            for fitted in members
        )
        for key, members in run.backtest.fits.items()
    }
    half = replace(run, backtest=replace(run.backtest, fits=fits))
    assert used_corrections(half) == {
        f"LSTM corrections used, {horizon} ahead": "direction 50%, size 50%"
        for horizon in (1, 7, 30)
    }


@pytest.mark.parametrize(
    ("models", "name"),
    [
        (("naive", "har", "lstm"), "lstm"),
        (("naive", "hs_250"), "hs_250"),
        (("classic",), "classic"),
    ],
)
def test_the_headline_is_the_model_people_came_for(run, models, name):
    config = RunConfig(backtest=BacktestConfig(models=models))
    assert headline(replace(run, config=config)) == name


def test_the_settings_that_are_written_are_the_settings_that_ran(run):
    assert parse_config(effective_toml(run.config), path="config.toml") == run.config


def test_a_run_without_the_tutorials_network_has_no_table_of_it(run):
    content = report_content(run, command="for the test")
    assert tutorial_table(run.forecasts).is_empty()
    assert content.network == ""
    assert content.headline == "lstm"
    assert len(content.verdicts) == len(run.verdict)
