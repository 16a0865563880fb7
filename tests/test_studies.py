"""How much history the models of a run need, and what is run where there is less."""

from dataclasses import replace

import numpy as np
import pytest

import nextclose as nc
from nextclose.config import BacktestConfig, HybridConfig, LstmConfig, RunConfig
from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.features.columns import Feature, SymbolBars
from nextclose.run import Run
from nextclose.studies import (
    Plugins,
    chosen_settings,
    fit_for_short_histories,
    least_sessions,
    needed_sessions,
    untaught_horizons,
    with_young_symbols,
)
from tests.builders import own_editions, tiny_config, walk_bars
from tests.plugins import Wide


def settings_of(*models: str, members: tuple[str, ...] = ("loghar", "lstm")) -> RunConfig:
    return RunConfig(backtest=BacktestConfig(models=models), hybrid=HybridConfig(members=members))


def test_lstm_alone_is_refused_beyond_what_it_was_taught_before_any_work():
    config = RunConfig(backtest=BacktestConfig(models=("lstm",), horizons=(63, 64)))
    with pytest.raises(ConfigError, match=r"1 to 63 sessions ahead, not 64\. Fix: leave"):
        nc.backtest(walk_bars((400,)), config=config)


def test_beside_others_horizons_that_it_was_not_taught_are_named():
    for models, members, untaught in (
        (("lstm", "loghar"), ("loghar", "trees"), (64, 90)),
        (("hybrid",), ("loghar", "lstm"), (64, 90)),
        (("hybrid",), ("loghar", "trees"), ()),
    ):
        plan = BacktestConfig(models=models, horizons=(1, 63, 64, 90))
        config = RunConfig(backtest=plan, hybrid=HybridConfig(members=members))
        assert untaught_horizons(config) == untaught


NEEDS = [  # models, members of the hybrid; sessions that all need, and that lstm does
    (("lstm",), (), 60, 60),
    (("naive",), (), 257, 257),  # 256 that the columns look back on, and the origin
    (("naive", "lstm"), (), 257, 60),
    (("naive", "hybrid"), ("loghar", "lstm"), 257, 60),
    (("naive", "hybrid"), ("loghar", "garch"), 257, 257),
    (("naive", "trees"), (), 262, 262),  # trees read six rows
    (("naive", "hybrid"), ("trees", "lstm"), 262, 60),
]


@pytest.mark.parametrize(("models", "members", "needed", "least"), NEEDS)
def test_sessions_that_models_need(models, members, needed, least):
    config = settings_of(*models, members=members or ("loghar", "lstm"))
    assert (needed_sessions(config), least_sessions(config)) == (needed, least)


def rolled(bars: SymbolBars) -> np.ndarray:
    return np.zeros(len(bars.close))


def test_columns_of_ones_own_that_look_back_further_raise_what_others_need():
    far = Plugins(features={"far": Feature(rolled, lookback_sessions=300)})
    config = settings_of("naive", "lstm")
    assert (needed_sessions(config, far), least_sessions(config, far)) == (301, 60)
    kept = fit_for_short_histories(walk_bars((301,)), config, far)
    assert kept.backtest.models == ("naive", "lstm")
    assert fit_for_short_histories(walk_bars((300,)), config, far).backtest.models == ("lstm",)


def test_a_last_layer_of_ones_own_needs_what_its_columns_look_back_on():
    far = Plugins(features={"far": Feature(rolled, lookback_sessions=300)})
    alone = settings_of("lstm")
    tuned = alone.model_copy(update={"lstm": LstmConfig(fine_tune=True)})
    assert (needed_sessions(alone, far), least_sessions(alone, far)) == (60, 60)
    assert (needed_sessions(tuned, far), least_sessions(tuned, far)) == (301, 60)
    assert needed_sessions(tuned) == 60


SHORT = [  # lengths, models asked for, models that run
    ((256, 196), ("naive", "lstm"), ("lstm",)),
    ((257, 196), ("naive", "lstm"), ("naive", "lstm")),  # one is long enough
    ((196,), ("naive", "hybrid"), ("lstm",)),  # as a member
    ((60,), ("naive", "lstm"), ("lstm",)),
    ((59,), ("naive", "lstm"), ("naive", "lstm")),  # to be refused
    ((196,), ("naive", "loghar"), ("naive", "loghar")),
]


@pytest.mark.parametrize(("lengths", "asked", "run"), SHORT)
def test_where_no_history_is_long_enough_for_others_lstm_runs_alone(lengths, asked, run):
    config = settings_of(*asked)
    fit = fit_for_short_histories(walk_bars(lengths), config)
    assert fit.backtest.models == run
    assert fit.model_copy(update={"backtest": config.backtest}) == config
    if run == asked:
        assert fit is config


def test_a_break_makes_two_short_histories_of_a_long_one():
    bars = walk_bars((400,))
    parts = np.repeat([0, 1], 200).astype(np.int32)
    broken = replace(bars, frame=bars.frame.with_columns(segment=parts))
    config = settings_of("naive", "lstm")
    assert fit_for_short_histories(bars, config) is config
    assert fit_for_short_histories(broken, config).backtest.models == ("lstm",)


def test_who_asks_for_a_model_of_their_own_is_told_that_it_is_too_short():
    config, plugins = chosen_settings(settings_of("lstm"), models=(Wide(), "lstm"))
    assert fit_for_short_histories(walk_bars((196,)), config, plugins) is config
    with pytest.raises(NotEnoughDataError, match="give more history"):
        nc.backtest(walk_bars((196,)), config=config, models=(Wide(), "lstm"))


def test_a_bundle_is_trained_on_long_histories_and_says_who_forecasts_young_symbols():
    config = settings_of("hybrid")
    bars = with_young_symbols(walk_bars((257, 196, 59)), config)
    assert [(told.code, told.symbol, told.found) for told in bars.findings] == [
        ("W66", "BBB", "196 sessions, 257 needed by all models, 60 by lstm"),
        ("W66", "CCC", "59 sessions, 60 needed"),
    ]
    with pytest.raises(NotEnoughDataError, match="at least 257") as caught:
        with_young_symbols(walk_bars((256, 196)), config)
    assert (caught.value.needed, caught.value.found) == (257, 256)


# --- a backtest ---


@pytest.fixture(scope="module")
def short() -> Run:
    """All our usual models asked about one symbol of 196 sessions."""
    plan = RunConfig().backtest
    config = tiny_config(models=plan.models)
    return nc.backtest(walk_bars((196,)), config=config)


def test_196_sessions_alone_are_forecast_by_lstm_and_that_is_said(short):
    assert short.config.backtest.models == ("lstm",)
    assert set(short.forecasts["model"]) == {"lstm"}
    # origins from the 60th session on, the latter half of them
    days = walk_bars((196,)).frame["session"]
    assert short.forecasts["origin"].min() >= days[59 + (196 - 59) // 3]
    assert short.forecasts["origin"].max() == days[195]
    assert [row.model for row in short.verdict] == ["lstm"] * len(short.verdict)
    assert [f.line() for f in short.bars.findings if f.code == "W66"] == [
        "W66 AAA: found 196 sessions, 257 needed by all models, 60 by lstm; rule: a symbol with "
        "too little history is forecast only by models that read less. Fix: give a longer history."
    ]


def test_59_sessions_are_refused_and_the_least_is_said():
    with pytest.raises(NotEnoughDataError, match=r"at least 60") as caught:
        nc.backtest(walk_bars((59,)), config=tiny_config())
    assert (caught.value.needed, caught.value.found) == (60, 59)
    with pytest.raises(NotEnoughDataError, match=r"at least 257") as caught:
        nc.backtest(walk_bars((196,)), config=tiny_config(models=("naive", "har")))
    assert (caught.value.needed, caught.value.found) == (257, 196)


def test_lstm_alone_before_its_first_edition_is_no_backtest_and_no_bundle(tmp_path):
    config = tiny_config(models=("lstm",))
    config = config.model_copy(update={"lstm": own_editions("2040-12-31")})
    with pytest.raises(NotEnoughDataError, match=r"lstm made no forecast\. lstm forecasts up to"):
        nc.backtest(walk_bars((400,)), config=config)
    with pytest.raises(NotEnoughDataError, match=r"none of 1 symbols .* forecasts up to 63"):
        nc.train(walk_bars((400,)), tmp_path / "mine", config=config, model="lstm")
