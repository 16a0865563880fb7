"""A served forecast is the backtest's: it reads the last rows, whatever came before them."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl
import pytest

from nextclose.backtesting.forecasts import log_quantiles
from nextclose.backtesting.study import make_study
from nextclose.backtesting.walk_forward import Backtest, backtest
from nextclose.config import BacktestConfig, RunConfig
from nextclose.errors import ConfigError
from nextclose.features import columns
from nextclose.models.lstm.lstm import REACH_SESSIONS
from nextclose.models.mixture import restore_forecaster
from nextclose.models.registry import SERVABLE, model_of_state
from nextclose.models.state import encode_state
from nextclose.run import backtest as whole_backtest
from nextclose.schema import QUANTILE_COLUMNS, Bars
from nextclose.serving.latest_bars import latest_rows
from nextclose.serving.states import state_bytes, state_of
from nextclose.studies import needed_sessions
from nextclose.training import train
from tests.builders import samples_of
from tests.frames import collect_bars
from tests.leakage.artefacts import EDITIONS, FOLDS, STACKED, Pipeline, leaks, of_backtest
from tests.leakage.thresholds import lower_thresholds
from tests.leakage.worlds import clean_panel, day, lacking_panel, perturbed, price_file

# The drift and the expanding density are about all of a symbol's past, by definition.
FINITE = ("naive", "ewma", "har", "loghar", "trees")


@pytest.fixture(scope="module", autouse=True)
def short_long_run() -> Iterator[None]:
    """A long run that the rows of one forecast hold, in the place of ten years."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "LONG_RUN", 200)
        yield


@pytest.fixture(scope="module", params=[clean_panel, lacking_panel])
def bars(request) -> Bars:
    return collect_bars(request.param())


@pytest.fixture(scope="module")
def walked(bars) -> Backtest:
    return backtest(make_study(samples_of(bars), Pipeline(models=FINITE).config))


def last_rows(bars: Bars, until: date, n_rows: int) -> Bars:
    past = bars.frame.filter(pl.col("session") <= until)
    return Bars(frame=past.group_by("symbol", maintain_order=True).tail(n_rows))


def served(walked: Backtest, model: str, bars: Bars) -> np.ndarray:
    samples = samples_of(bars, horizons=walked.study.samples.horizons)
    (fitted,) = walked.fits[model, walked.study.n_rehearsals]
    grid, _ = log_quantiles(fitted, samples, latest_rows(samples))
    return grid


@pytest.mark.parametrize("row", [400, 411, 429])
@pytest.mark.parametrize("model", FINITE)
def test_a_forecast_from_the_last_rows_is_the_backtests_to_the_bit(bars, walked, model, row):
    needed = needed_sessions(Pipeline(models=(model,)).config)
    found = served(walked, model, last_rows(bars, day(row), needed))
    longer = served(walked, model, last_rows(bars, day(row), needed + 7))
    issued = walked.forecasts.filter(model=model, origin=day(row)).sort(
        "symbol", "horizon_sessions"
    )
    expected = issued.select(QUANTILE_COLUMNS).to_numpy().reshape(found.shape)
    assert found.tobytes() == expected.tobytes() == longer.tobytes()


def test_the_network_gives_the_backtests_bits_from_ten_years_and_a_chain_and_from_fewer_others():
    frames = [price_file("AAA", seed=0, n_rows=2900), price_file("BBB", seed=1, n_rows=2900)]
    bars = collect_bars(pl.concat(frames))
    samples = samples_of(bars, horizons=(1, 30))
    sessions = np.unique(samples.origin).astype(object)
    plan = {"models": ("lstm",), "test_from": sessions[2800], "refit_sessions": 999}
    config = RunConfig(backtest=BacktestConfig(**plan), lstm=EDITIONS)
    run = backtest(make_study(samples, config))
    for row in (2800, 2867):
        issued = run.forecasts.filter(origin=sessions[row]).sort("symbol", "horizon_sessions")
        expected = issued.select(QUANTILE_COLUMNS).to_numpy().reshape(2, 2, -1)
        for n_rows, is_enough in (
            (2520, False),
            (REACH_SESSIONS, True),
            (REACH_SESSIONS + 7, True),
        ):
            found = served(run, "lstm", last_rows(bars, sessions[row], n_rows))
            assert np.isfinite(found).all()
            assert (found.tobytes() == expected.tobytes()) == is_enough


@pytest.fixture(scope="module")
def stacked(bars) -> Iterator[Backtest]:
    """Garch and the hybrid, which go on from where they stood at the fit."""
    with pytest.MonkeyPatch.context() as patch:
        lower_thresholds(patch)
        samples = samples_of(bars)
        yield backtest(make_study(samples, Pipeline(models=STACKED).config))


@pytest.mark.parametrize("row", [400, 401, 429])
@pytest.mark.parametrize("model", STACKED)
def test_from_rows_that_hold_a_forecast_at_the_fit_it_is_the_backtests_to_the_bit(
    bars, stacked, model, row
):
    needed = needed_sessions(Pipeline(models=(model,)).config) + row - FOLDS[0]
    (fitted,) = stacked.fits[model, stacked.study.n_rehearsals]
    state = state_of(state_bytes(encode_state(fitted)))
    kept = restore_forecaster(model_of_state(model, state), state)
    issued = stacked.forecasts.filter(model=model, origin=day(row)).sort(
        "symbol", "horizon_sessions"
    )
    for n_rows in (needed, needed + 7):
        samples = samples_of(last_rows(bars, day(row), n_rows))
        found, _ = log_quantiles(kept, samples, latest_rows(samples))
        expected = issued.select(QUANTILE_COLUMNS).to_numpy().reshape(found.shape)
        assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("model", ["har", "loghar"])
def test_with_one_row_less_than_needed_the_forecast_is_another(bars, walked, model):
    needed = needed_sessions(Pipeline(models=(model,)).config)
    enough, short = (
        served(walked, model, last_rows(bars, day(411), n)) for n in (needed, needed - 1)
    )
    assert not np.array_equal(enough, short)


@pytest.mark.parametrize("model", ["naive", "drift", "hs_250", "hs_expanding", "classic"])
def test_a_model_that_needs_the_whole_past_is_not_bundled(bars, model, tmp_path):
    with pytest.raises(ConfigError, match=", ".join(SERVABLE)):
        train(bars, tmp_path / "bundle", model=model)
    assert not (tmp_path / "bundle").exists()


def test_a_symbol_is_not_kept_out_of_past_fits_for_ending_early():
    late = price_file("CCC", seed=2).slice(150)  # 261 of the 262 rows that are needed, at the cut
    base = pl.concat([price_file("AAA", seed=0), price_file("BBB", seed=1), late])
    cut, config = day(410), Pipeline(models=("trees",)).config
    made, other = (
        dict(of_backtest(whole_backtest(collect_bars(frame), config=config).backtest))
        for frame in (base, perturbed(base, cut, "cut"))
    )
    assert leaks(made, other, at=cut) == []
