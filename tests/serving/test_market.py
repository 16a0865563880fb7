"""A model that reads how symbols move together is served with all of them, or not at all."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nextclose.config import BacktestConfig, FeaturesConfig, RunConfig
from nextclose.errors import NotEnoughDataError
from nextclose.models.loghar.loghar import REACH_SESSIONS
from nextclose.run import backtest
from nextclose.schema import QUANTILE_COLUMNS, Bars
from nextclose.serving.bundle import Bundle
from nextclose.serving.predictor import load_bundle, predict
from nextclose.training import train
from tests.builders import until, walk_bars, walk_frame

BARS = walk_bars((560, 550, 540, 530, 520))
OLD_BARS = Bars(  # listed on different days
    frame=pl.concat(
        walk_frame(3 * name, seed=k, n=REACH_SESSIONS + 300 - 30 * k, first=30 * k)
        for k, name in enumerate("ABCDE")
    )
)
SESSIONS = BARS.frame["session"].unique().sort()
FITTED_AT = SESSIONS[-60]
ISSUED = ["symbol", "horizon_sessions", "close", *QUANTILE_COLUMNS]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    folder = tmp_path_factory.mktemp("bundle")
    train(until(BARS, FITTED_AT), folder, model="loghar")
    return load_bundle(folder)


def test_the_bundle_names_the_symbols_whose_moves_it_reads(bundle):
    assert bundle.manifest.market == BARS.symbols


@pytest.mark.parametrize("n_before", [60, 20])
def test_a_served_forecast_is_the_backtests_to_the_bit_also_from_a_tail(n_before, tmp_path):
    sessions = OLD_BARS.frame["session"].unique().sort()
    fitted_at, origin = sessions[-60], sessions[-n_before]
    train(until(OLD_BARS, fitted_at), tmp_path, model="loghar")
    bundle = load_bundle(tmp_path)
    assert bundle.manifest.market == OLD_BARS.symbols
    plan = BacktestConfig(models=("loghar",), test_from=fitted_at, refit_sessions=999)
    run = backtest(OLD_BARS, config=RunConfig(backtest=plan))
    expected = run.forecasts.filter(pl.col("origin") == origin, pl.col("model") == "loghar").select(
        ISSUED
    )
    assert expected["symbol"].n_unique() == 5
    known = until(OLD_BARS, origin)
    for n_rows in (len(known.frame), REACH_SESSIONS, bundle.manifest.min_rows):
        tail = known.frame.group_by("symbol", maintain_order=True).tail(n_rows)
        made = (
            predict(bundle, Bars(frame=tail))
            .frame.filter(pl.col("origin") == origin)
            .select(ISSUED)
        )
        if n_rows < REACH_SESSIONS:  # a forecast all the same, of another long run
            assert made.select(ISSUED[:3]).equals(expected.select(ISSUED[:3]))
            assert not made.equals(expected)
        else:
            assert_frame_equal(made, expected, check_exact=True)


def test_a_part_of_the_market_is_refused_with_the_symbols_that_are_missing(bundle):
    part = Bars(frame=BARS.frame.filter(pl.col("symbol") != "CCC"))
    with pytest.raises(
        NotEnoughDataError, match=r"5 symbols move together, .* CCC \(0 bars\)\. Fix"
    ) as found:
        predict(bundle, part)
    assert (found.value.needed, found.value.found) == (5, 4)


def foreign(symbol: str, *, seed: int, n: int = 520, first: int = 150) -> pl.DataFrame:
    return walk_frame(symbol, seed=seed, n=n, first=first)


COMPANY = {  # symbols that the bundle has not learnt
    "one of the same exchange": [foreign("ABC", seed=40)],
    "three, before, amid and behind its own": [
        *(foreign("A", seed=41, n=540), foreign("CCD", seed=42, n=90, first=500)),
        foreign("ZZZ", seed=43),
    ],
    "of other exchanges, with other sessions": [
        *(foreign("7203.T", seed=44), foreign("VOD.L", seed=45), foreign("BTC-USD", seed=46)),
    ],
}


@pytest.mark.parametrize("frames", COMPANY.values(), ids=COMPANY.keys())
def test_symbols_that_the_bundle_has_not_learnt_move_no_others_forecast(bundle, frames):
    own = predict(bundle, BARS).frame
    mixed = Bars(frame=pl.concat([BARS.frame, *frames]).sort("symbol", "session"))
    made = predict(bundle, mixed).frame.filter(pl.col("symbol").is_in(BARS.symbols))
    assert_frame_equal(made, own, check_exact=True)


def test_foreign_symbols_do_not_move_each_other(bundle):
    frames = [foreign("ABC", seed=40), foreign("7203.T", seed=44), foreign("6758.T", seed=47)]
    together = predict(bundle, Bars(frame=pl.concat([BARS.frame, *frames]))).frame
    for frame in frames:
        (symbol,) = frame["symbol"].unique()
        mine = predict(bundle, Bars(frame=pl.concat([BARS.frame, frame]))).frame
        both = (made.filter(pl.col("symbol") == symbol) for made in (mine, together))
        assert_frame_equal(*both, check_exact=True)
        assert mine.filter(pl.col("symbol") == symbol).height == 3


def test_an_own_symbol_without_the_rows_of_its_training_is_no_part_of_the_market(bundle):
    short = BARS.frame.filter((pl.col("symbol") != "CCC") | (pl.col("session") > FITTED_AT))
    with pytest.raises(NotEnoughDataError, match=r"CCC \(\d+ bars\)\. Fix: give"):
        predict(bundle, Bars(frame=short))


def test_without_the_market_every_symbol_is_served_alone(tmp_path):
    settings = RunConfig(features=FeaturesConfig(market=False))
    manifest = train(until(BARS, FITTED_AT), tmp_path, model="loghar", config=settings)
    assert manifest.market == ()
    alone = Bars(frame=BARS.frame.filter(pl.col("symbol") == "EEE"))
    assert set(predict(load_bundle(tmp_path), alone).frame["symbol"]) == {"EEE"}


def test_the_golden_symbols_are_those_that_the_model_forecasts(tmp_path):
    # garch wants 520 sessions: the first symbol by name has none
    short = walk_frame("AAA", seed=1, n=300, first=400)
    bars = Bars(frame=pl.concat([short, walk_frame("BBB", seed=2, n=700)]))
    train(bars, tmp_path, model="garch")
    assert load_bundle(tmp_path).golden.facts["symbols"] == ["BBB"]
    alone = Bars(frame=walk_frame("AAA", seed=1, n=450))
    with pytest.raises(NotEnoughDataError, match="forecasts none of 1 symbols"):
        train(alone, tmp_path / "short", model="garch")
