"""A verdict is the same beside any other models: what it measures with is always run."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from nextclose.errors import NotEnoughDataError
from nextclose.evaluation.verdict.verdict import verdicts
from nextclose.models.registry import COMPARED_WITH
from nextclose.results import report_content
from nextclose.run import backtest
from nextclose.studies import chosen_settings, study_of
from tests.builders import hybrid_config, tiny_config, walk_bars
from tests.plugins import Wide

BARS = walk_bars((980, 960))
ONE_FOLD: dict[str, Any] = {"horizons": (1,), "test_from": date(2003, 7, 14), "refit_sessions": 999}
OF_THE_RUN = {"mcs_p": None, "in_confidence_set": None, "spa_p": None}  # of all models together


def rows_of(*models, of="har"):
    """The verdict on one model, less what speaks of all that ran."""
    run = backtest(BARS, models=models, config=tiny_config(**ONE_FOLD))
    assert [row.model for row in run.verdict if row.model not in models] == []
    return {
        row.symbol: replace(row, standing=row.standing and replace(row.standing, **OF_THE_RUN))
        for row in run.verdict
        if row.model == of
    }


@pytest.fixture(scope="module")
def alone():
    return rows_of("har")


@pytest.mark.parametrize(
    "others",
    [("garch",), ("naive", "hs_250"), ("drift", "ewma"), ("garch", *COMPARED_WITH[:-1], "naive")],
    ids="+".join,
)
def test_a_verdict_is_the_same_beside_any_other_models(alone, others):
    assert repr(rows_of("har", *others)) == repr(alone)
    assert repr(rows_of(*others, "har")) == repr(alone)


def test_a_model_alone_is_measured_with_every_yardstick(alone):
    assert set(alone) == {"*", "AAA", "BBB"}
    for row in alone.values():
        assert row.evidence.ranges.reference in ("hs_250", "hs_expanding")
        assert row.evidence.garch.reference == "garch"
        assert row.evidence.drift.reference == "drift"


def test_yardsticks_are_saved_and_not_shown(tmp_path):
    run = backtest(BARS, models=["har"], config=tiny_config(**ONE_FOLD))
    assert run.config.backtest.models == ("har",)
    assert set(run.forecasts["model"]) == {"har", *COMPARED_WITH}
    assert [repr(row) for row in verdicts(run.forecasts) if row.model == "har"] == [
        repr(row) for row in run.verdict
    ]
    content = report_content(run, command="x")
    assert content.headline == "har"
    assert content.lead_sentence.startswith("har leads: it is the only listed model.")
    for frame in (content.forecasts, content.coverage, content.by_year, content.pit):
        assert set(frame["model"]) == {"har"}
    run.save(tmp_path)


def test_a_model_of_ones_own_and_a_point_forecast_are_measured_too():
    run = backtest(BARS, models=[Wide(), "naive"], config=tiny_config(**ONE_FOLD))
    (pooled,) = (row for row in run.verdict if (row.model, row.symbol) == ("wide", "*"))
    assert pooled.evidence.ranges is not None
    assert pooled.evidence.garch is not None


def test_a_yardstick_that_needs_more_than_the_model_asked_for_is_not_met():
    config = tiny_config(horizons=(240,), test_sessions=20, refit_sessions=999)
    with pytest.raises(NotEnoughDataError, match="known outcomes at 240 sessions"):  # under 100
        backtest(walk_bars((400,)), models=["drift"], config=config)
    run = backtest(walk_bars((400,)), models=["hs_expanding"], config=config)
    assert set(run.forecasts["model"]) == {"hs_expanding", "hs_250"}
    assert np.isfinite(run.forecasts["q0.500"].to_numpy()).all()


def test_a_member_that_is_a_yardstick_is_fitted_once_and_shown_as_little():
    config = hybrid_config("garch", "loghar", models=("hybrid",), horizons=(1,))
    settings, plugins = chosen_settings(config)
    study = study_of(BARS, settings, plugins)
    assert [name for name in study.models if name == "garch"] == ["garch"]
    assert study_of(BARS, settings, plugins, only_now=True).yardsticks == ()


def test_symbols_that_garch_could_not_fit_by_themselves_are_named():
    assert (
        "garch_borrowed"
        not in backtest(BARS, models=["naive"], config=tiny_config(**ONE_FOLD)).document["run"]
    )
    still = pl.when(pl.col("symbol") == "BBB").then(0.0).otherwise(pl.col("close").log())
    step = pl.int_range(pl.len()).over("symbol") % 2 * 1e-5  # a peg
    close = pl.when(pl.col("symbol") == "BBB").then((still + step).exp()).otherwise("close")
    bars = replace(BARS, frame=BARS.frame.select("symbol", "session", close.alias("close")))
    run = backtest(bars, models=["naive"], config=tiny_config(**ONE_FOLD))
    assert run.document["run"]["garch_borrowed"] == {"BBB": 1}
