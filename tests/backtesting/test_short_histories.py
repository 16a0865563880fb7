"""Symbols and pieces of history that only some models can forecast, beside long ones."""

from datetime import date

import numpy as np
import polars as pl
import pytest

import nextclose as nc
from nextclose.evaluation.scores.scores import scores_of
from nextclose.run import Run
from nextclose.schema import HORIZONS, Bars
from tests.builders import hybrid_config, walk_frame

BEFORE, WHOLE = 640, 1000  # sessions of BBB before a break, of AAA
NEW = 196  # sessions of CCC, the last ones
LSTM, ALL = 59, 256  # rows of a piece before lstm's first forecast, before those of all models


def frames() -> dict[str, pl.DataFrame]:
    """AAA in one piece; BBB broken off in the test and begun anew; CCC, which is new."""
    whole = [0] * WHOLE
    broken = [0] * BEFORE + [1] * (WHOLE - BEFORE)
    parts = {
        "AAA": (walk_frame("AAA", seed=1, n=WHOLE), whole),
        "BBB": (walk_frame("BBB", seed=2, n=WHOLE), broken),
        "CCC": (walk_frame("CCC", seed=3, n=NEW, first=WHOLE - NEW), [0] * NEW),
    }
    return {
        symbol: frame.with_columns(pl.Series("segment", part, dtype=pl.Int32))
        for symbol, (frame, part) in parts.items()
    }


def bars_of(*symbols: str) -> Bars:
    return Bars(frame=pl.concat([frames()[symbol] for symbol in symbols]))


@pytest.fixture(scope="module")
def run() -> Run:
    """Two refits; the break of BBB is after the first test session."""
    config = hybrid_config(
        "loghar", "lstm", models=("naive", "hybrid", "lstm"), test_sessions=400, refit_sessions=200
    )
    plan = config.backtest.model_copy(update={"test_from": day_of("AAA", 600)})
    return nc.backtest(
        bars_of("AAA", "BBB", "CCC"), config=config.model_copy(update={"backtest": plan})
    )


def day_of(symbol: str, row: int) -> date:
    day: date = frames()[symbol]["session"][row]
    return day


def origins(run: Run, model: str, symbol: str, *, horizon: int = 1) -> set[date]:
    own = run.forecasts.filter(model=model, symbol=symbol, horizon_sessions=horizon)
    return set(own["origin"])


def days(symbol: str, first: int, stop: int) -> set[date]:
    return set(frames()[symbol]["session"][first:stop])


def test_a_short_symbol_has_forecasts_of_lstm_alone(run):
    assert set(run.forecasts.filter(symbol="CCC")["model"]) == {"lstm"}
    for horizon in HORIZONS:
        assert origins(run, "lstm", "CCC", horizon=horizon) == days("CCC", LSTM, NEW)
    assert {f.symbol: f.found for f in run.bars.findings if f.code == "W66"} == {
        "CCC": "196 sessions, 257 needed by all models, 60 by lstm"
    }


def test_behind_a_break_lstm_is_the_first_to_forecast_again(run):
    long = days("AAA", 600, WHOLE)
    assert origins(run, "lstm", "AAA") == origins(run, "hybrid", "AAA") == long
    known = days("BBB", 600, BEFORE)
    assert origins(run, "lstm", "BBB") == known | days("BBB", BEFORE + LSTM, WHOLE)
    for model in ("naive", "hybrid"):
        assert origins(run, model, "BBB") == known | days("BBB", BEFORE + ALL, WHOLE)


def test_what_lacks_history_is_named_for_each_judged_model(run):
    named = run.backtest.unready
    assert set(named["model"]) == {"naive", "hybrid", "drift", "hs_250", "hs_expanding", "garch"}
    for model in ("naive", "hybrid", "hs_250"):
        own = named.filter(model=model)
        assert set(own.filter(symbol="BBB")["origin"]) == days("BBB", BEFORE + LSTM, BEFORE + ALL)
        assert set(own.filter(symbol="CCC")["origin"]) == days("CCC", LSTM, NEW)
        assert set(own["symbol"]) == {"BBB", "CCC"}


def test_nothing_is_charged_for_lack_of_history_and_no_other_score_moves(run):
    told = run.scores.panels
    nothing = pl.DataFrame(schema=run.backtest.unready.schema)
    untold = scores_of(run.forecasts, seeds=run.backtest.seeds, unready=nothing).panels
    n_gaps = 0  # that would be charged: of naive, for there is no historical density either
    for panel, other in zip(told, untold, strict=True):
        for name, losses in panel.models.items():
            assert not losses.filled.any()
            charged = other.models[name].filled  # the gap between two pieces of BBB
            n_gaps += int(charged.sum())
            assert charged[:, [panel.symbols.index(s) for s in ("AAA", "CCC")]].sum() == 0
            np.testing.assert_array_equal(losses.judged, other.models[name].judged & ~charged)
            for figure in losses.figures:
                expected = np.where(charged, np.nan, other.models[name][figure])
                np.testing.assert_array_equal(losses[figure], expected)
    assert n_gaps == len(HORIZONS) * (ALL - LSTM)


def test_a_forecast_that_is_missing_for_another_reason_is_charged_as_ever(run):
    lost = day_of("BBB", BEFORE + ALL + 5)
    is_lost = (pl.col("model") == "hybrid") & (pl.col("symbol") == "BBB")
    is_lost &= pl.col("origin") == lost
    for unready in (run.backtest.unready, None):
        scores = scores_of(run.forecasts.filter(~is_lost), unready=unready)
        panel = scores.panels[0]
        cell = (list(panel.origin).index(np.datetime64(lost)), panel.symbols.index("BBB"))
        assert panel.models["hybrid"].filled[cell]


def test_the_verdict_of_the_forecasts_is_that_of_the_run(run):
    again = nc.verdicts(run.forecasts, seeds=run.backtest.seeds, unready=run.backtest.unready)
    judged = tuple(row for row in again if row.model in run.config.backtest.models)
    assert judged == run.verdict


def test_a_short_symbol_moves_no_forecast_of_lstm_for_others(run):
    config = run.config.model_copy(
        update={"backtest": run.config.backtest.model_copy(update={"models": ("naive", "lstm")})}
    )
    alone = nc.backtest(bars_of("AAA", "BBB"), config=config)
    others = pl.col("symbol").is_in(["AAA", "BBB"]) & (pl.col("model") == "lstm")
    assert alone.forecasts.filter(others).equals(run.forecasts.filter(others))
