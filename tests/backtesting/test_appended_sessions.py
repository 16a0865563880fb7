"""A run with more bars: what was forecast before stays as it was, to the bit."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nextclose.config import TreesConfig, parse_config
from nextclose.evaluation.breakdowns.training import editions_used
from nextclose.run import backtest
from nextclose.runfolder import effective_toml
from nextclose.schema import QUANTILE_COLUMNS, Bars
from tests.builders import hybrid_config, own_editions, walk_bars, walk_frame

MODELS = (
    *("naive", "drift", "hs_250", "hs_expanding", "ewma", "har", "garch", "loghar", "trees"),
    *("lstm", "hybrid"),
)
KEYS = ["model", "symbol", "origin", "horizon_sessions"]
REFIT = 84  # sessions: a plan that moved before has moved by then
EDITION = "2004-01-01"  # amid the folds: later ones forecast with another network


def config_of(**plan):
    """Every model that is forecast with, small; one rehearsal, two or three tested folds."""
    values = {"models": MODELS, "test_sessions": 150, "refit_sessions": REFIT}
    values |= {"rehearsal_sessions": REFIT} | plan
    config = hybrid_config("loghar", "trees", "lstm", **values)
    return config.model_copy(
        update={
            "lstm": own_editions("2000-12-31", EDITION),
            "trees": TreesConfig(rounds=25, min_child_weight=30.0),
        }
    )


def whole_bars() -> Bars:
    """Two symbols, one with sessions missing, on the calendar of weekdays."""
    bars = walk_bars((960, 950), phi=0.6)
    return replace(bars, exchanges=dict.fromkeys(bars.symbols, ""))


def less(bars: Bars, n: int) -> Bars:
    """The bars without their last `n` sessions."""
    sessions = bars.frame["session"].unique().sort()
    return replace(bars, frame=bars.frame.filter(pl.col("session") < sessions[len(sessions) - n]))


def assert_same_forecasts(old, new, *, models=MODELS) -> None:
    """Every forecast of `old` is in `new`, equal to the bit."""
    values = [*KEYS, "close", *QUANTILE_COLUMNS]
    then = old.forecasts.filter(pl.col("model").is_in(models)).select(values).sort(KEYS)
    now = new.forecasts.join(then.select(KEYS), on=KEYS).select(values).sort(KEYS)
    assert set(then["model"]) == set(models)
    assert_frame_equal(now, then, check_exact=True)


def test_sessions_appended_later_move_no_forecast_of_any_model():
    bars = less(whole_bars(), 60)
    runs = {n: backtest(less(bars, n) if n else bars, config=config_of()) for n in (60, 59, 55, 0)}
    first = runs[60]
    assert set(editions_used(first.backtest)) == {"2000-12-31", EDITION}
    for n in (59, 55, 0):
        assert_same_forecasts(first, runs[n])


@pytest.mark.parametrize("n", [REFIT, 2 * REFIT])
def test_a_test_that_begins_a_refit_later_keeps_the_borders_of_those_before(n):
    models = ("naive", "hs_250", "har", "garch", "loghar")
    config = config_of(models=models)
    late = whole_bars()
    early = less(late, n)
    old, new = (backtest(bars, config=config) for bars in (early, late))
    old_borders, new_borders = (
        [fold.fitted_at for fold in run.backtest.study.folds] for run in (old, new)
    )
    assert old_borders[n // REFIT :] == new_borders[: len(old_borders) - n // REFIT]
    kept = old.forecasts.filter(pl.col("origin") >= new.config.backtest.test_from)
    assert kept.height > 100
    shared = replace(old, backtest=replace(old.backtest, forecasts=kept))
    assert_same_forecasts(shared, new, models=models)


def test_what_a_run_writes_down_keeps_its_borders_whatever_is_appended():
    models = ("naive", "har")
    late = whole_bars()
    first = backtest(less(late, 200), config=config_of(models=models))
    assert first.config.backtest.test_from is not None
    written = parse_config(effective_toml(first.config), path="config.toml")
    assert written.backtest.test_from == first.config.backtest.test_from
    again = backtest(late, config=written)
    assert_same_forecasts(first, again, models=models)
    n_before = len(first.backtest.study.folds)
    assert [str(fold.fitted_at) for fold in again.backtest.study.folds][:n_before] == [
        str(fold.fitted_at) for fold in first.backtest.study.folds
    ]


@pytest.mark.parametrize(
    ("n", "refit", "start"),
    # New York traded on 252 days of 2005 and on 251 of 2006
    [(700, 252, "2006-01-03"), (700, 126, "2006-01-03")],
)
def test_the_plan_hangs_on_the_calendar_not_on_the_file(n, refit, start):
    """Another beginning, another end: the same first session."""
    from nextclose.data.calendars.sessions import sessions_after

    days = np.array(sessions_after(date(2003, 6, 1), 900), dtype="datetime64[D]")
    frame = walk_frame("AAA", seed=0, n=900).with_columns(pl.Series("session", days))
    config = config_of(models=("naive",), test_sessions=150, refit_sessions=refit)
    for first, last in ((0, 830), (40, 830), (0, 840), (10, 812)):
        run = backtest(Bars(frame=frame[first:last]), config=config)
        assert str(run.config.backtest.test_from) == start, (first, last)
