"""What the run folder says of a run: curves, corrections used, the headline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from nextclose.config import BacktestConfig, RunConfig, parse_config
from nextclose.evaluation.breakdowns.ablation import ablations
from nextclose.evaluation.scores.scores import scores_of
from nextclose.evaluation.verdict.verdict import verdict_rows
from nextclose.models.trees.trees import FittedTrees, lag_names
from nextclose.report.page import render_page
from nextclose.run import Run
from nextclose.runfolder import (
    effective_toml,
    headline,
    kept,
    learning_curves,
    report_content,
    tree_importance,
    tutorial_table,
    used_corrections,
)
from tests.builders import hybrid_bars, hybrid_walk, walk_bars


@pytest.fixture
def run(walked) -> Run:
    bars, config = walk_bars(), walked.study.config
    scores = scores_of(walked.forecasts)
    verdict = verdict_rows(scores.panels)
    return Run(bars=bars, config=config, backtest=walked, scores=scores, verdict=verdict)


def test_the_dot_of_the_lstm_stands_at_the_largest_usable_gain(run):
    curves = learning_curves(run)
    lstm = curves.filter(pl.col("model") == "lstm")
    folds = {f"Fitted {fold.fitted_at}": fold.index for fold in run.backtest.study.folds}
    assert lstm["label"].unique(maintain_order=True).to_list() == list(folds)
    for (label, seed), part in lstm.group_by("label", "seed"):
        fitted = run.backtest.fits["lstm", folds[str(label)]][int(str(seed))]
        gains = list(fitted.curves["usable_gain"])
        assert part.filter(pl.col("kept"))["epoch"].to_list() == [gains.index(max(gains))]
        assert part["epoch"].to_list() == list(range(len(gains)))  # epoch 0: before training


def fitted_trees(*, shares, curves=None):
    """Trees whose two inputs (and lags that did nothing) made these shares at each horizon."""
    lags = np.zeros((len(shares), len(lag_names())))
    return FittedTrees(
        route="scale",
        names=("calm", "storm"),
        scale=cast(Any, None),  # no forecast is asked for
        spread=np.zeros((3, 23)),
        forests=(),
        shares=np.hstack([np.array(shares), lags]),
        curves=curves or {},
    )


def with_trees(run, *fits):
    extra = {("trees", fold): (fitted,) for fold, fitted in enumerate(fits)}
    return replace(run, backtest=replace(run.backtest, fits={**run.backtest.fits, **extra}))


def test_importance_is_the_mean_of_the_refits_that_kept_trees(run):
    none = [0.0, 0.0]
    first = fitted_trees(shares=[[0.8, 0.2], [1.0, 0.0], none])
    second = fitted_trees(shares=[[0.4, 0.6], none, none])
    found = tree_importance(with_trees(run, first, second)).filter(pl.col("share") > 0)
    assert found.rows() == [
        (1, "calm", pytest.approx(0.6)),
        (1, "storm", pytest.approx(0.4)),
        (7, "calm", 1.0),  # one refit had no trees there, and none had any at 30 sessions
    ]


def test_without_trees_there_is_no_importance(run):
    assert tree_importance(run).is_empty()


def test_curves_of_trees_begin_before_the_first_tree_and_come_by_horizon(run):
    curves = {
        f"all symbols/{h}/{name}": losses
        for h in (1, 30, 7)
        for name, losses in (("loss", [3.0, 2.0, 1.0]), ("val_loss", [3.0, 2.5, 2.7]))
    }
    grown = with_trees(run, fitted_trees(shares=[[1.0, 0.0]] * 3, curves=curves))
    found = learning_curves(grown).filter(pl.col("model") == "trees")
    day = run.backtest.study.folds[0].fitted_at
    assert found["label"].unique(maintain_order=True).to_list() == [
        *(f"1 session, fitted {day}", f"7 sessions, fitted {day}", f"30 sessions, fitted {day}")
    ]
    one = found.filter(pl.col("label").str.starts_with("1 "))
    assert one["epoch"].to_list() == [0, 1, 2]
    assert one.filter(pl.col("kept"))["valid"].to_list() == [2.5]


def test_the_report_of_a_hybrid_holds_its_weights_and_what_its_parts_are_worth():
    walked = hybrid_walk()
    scores = scores_of(walked.forecasts, seeds=walked.seeds)
    run = Run(
        bars=hybrid_bars(),
        config=walked.study.config,
        backtest=walked,
        scores=scores,
        verdict=verdict_rows(scores.panels),
        ablation=ablations(walked.ablation, scores),
    )
    content = report_content(run, command="for the test")
    assert content.headline == "hybrid"
    assert set(content.weights["member"]) == {"garch", "loghar", "lstm"}
    assert [part.horizon_sessions for part in content.ablation] == [1, 7, 30]
    assert "What the hybrid is made of" in render_page(content)


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
        (("naive", "lstm", "hybrid"), "hybrid"),
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
    assert tutorial_table(run.scores.frame).is_empty()
    assert content.network == ""
    assert content.headline == "lstm"
    assert len(content.verdicts) == len(run.verdict)
