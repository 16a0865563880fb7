"""Windows of bars: the tutorial's counts, splits, and what has too little history."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

import nextclose
from nextclose.backtesting.study import make_study
from nextclose.config import BacktestConfig, ClassicConfig, RunConfig
from nextclose.data.sources.loading import sample_bars
from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.features.table import make_table
from nextclose.models.classic import classic
from nextclose.samples.samples import make_samples
from nextclose.samples.scaling import MinMax
from nextclose.schema import Bars
from nextclose.windowing import make_windows
from nextclose.windowsets import Windows
from tests.builders import close_only, walk_bars, walk_frame


def counted(windows: Windows, symbol: str, *, horizon: int) -> dict[str, int]:
    rows = windows.counts.filter(symbol=symbol, horizon_sessions=horizon)
    return rows.drop("symbol", "fold", "horizon_sessions").row(-1, named=True)


def test_five_years_are_the_tutorials_windows_and_one_more():
    # 1,258 sessions. The tutorial drops 200 for a mean of 200: 1,058 rows, 998 windows of 60 with
    # a close after them. That mean is there from the 200th session on: 1,059 rows, 999 windows
    frame = walk_frame("AAA", seed=1, n=1258)
    windows = make_windows(Bars(frame=frame), form="classic", horizons=(1, 7, 30))
    counts = counted(windows, "AAA", horizon=1)
    assert [counts[part] for part in ("train", "valid", "test")] == [699, 150, 150]  # 70 / 15 / 15
    assert (counts["purged"], counts["unresolved"]) == (0, 1)
    parts = windows.of("AAA", horizon=1)
    assert parts.train.x.shape == (699, 60, 41)
    assert parts.test.y.shape == (150,)
    as_theirs = make_windows(Bars(frame=frame[1:]), form="classic", horizons=1)
    assert as_theirs.facts.n_windows == 998
    assert as_theirs.of("AAA", horizon=1).train.x.shape == (698, 60, 41)


def test_what_straddles_a_border_is_left_out_and_counted():
    bars = Bars(frame=walk_frame("AAA", seed=1, n=1258))
    windows = make_windows(bars, form="classic", horizons=(1, 7, 30))
    for horizon in (1, 7, 30):
        counts = counted(windows, "AAA", horizon=horizon)
        assert counts["purged"] == 2 * (horizon - 1)  # at both borders
        assert counts["unresolved"] == horizon
        assert sum(counts.values()) == 1000


def test_raw_prices_to_come_are_those_of_the_bars_to_the_bit():
    bars = walk_bars()
    own = make_windows(bars, form="classic", horizons=(1, 7)).read("BBB")
    closes = dict(bars.frame.filter(symbol="BBB").select("session", "close").iter_rows())
    for k in range(2):
        known = ~np.isnat(own.resolved[:, k])
        reached = [closes[day.astype(object)] for day in own.resolved[known, k]]
        np.testing.assert_array_equal(own.y[known, k], reached)
    np.testing.assert_array_equal(own.close, [closes[day.astype(object)] for day in own.origin])


def test_classic_windows_are_what_our_classic_model_trains_on():
    """Its fold, its windows, its ranges."""
    bars = walk_bars()
    windows = make_windows(bars, form="classic", horizons=(7,))
    parts = windows.of("AAA", horizon=7)
    samples = make_samples(make_table(bars, families=("classic",)), horizons=(7,))
    rows = np.flatnonzero((samples.table.symbol == 0) & np.isin(samples.origin, parts.train.origin))
    scaler = parts.scaler
    ranges = MinMax(low=scaler.center, span=scaler.width)
    np.testing.assert_array_equal(parts.train.x, classic.scaled_windows(samples, rows, ranges))
    price = classic.prices_to_come(samples, rows, horizon=7)
    np.testing.assert_allclose(parts.train.reached, price, rtol=1e-12)
    assert ClassicConfig().train_origins == 698
    np.testing.assert_allclose([parts.train.x.min(), parts.train.x.max()], [0, 1])


def test_stationary_targets_are_those_of_the_samples():
    bars = walk_bars()
    own = make_windows(bars, horizons=(1, 7)).read("AAA")
    samples = make_samples(make_table(bars), horizons=(1, 7))
    rows = np.flatnonzero((samples.table.symbol == 0) & np.isin(samples.origin, own.origin))
    np.testing.assert_array_equal(own.y, samples.target[rows])
    np.testing.assert_array_equal(own.scale, samples.scale[rows])
    np.testing.assert_array_equal(own.x[:, -1], samples.table.values[rows])


def test_the_folds_are_those_of_a_backtest():
    bars = sample_bars()
    windows = make_windows(bars, split="walk-forward")
    samples = make_samples(make_table(bars))
    plan = BacktestConfig(models=("naive", "har"))
    study = make_study(samples, RunConfig(backtest=plan))
    assert [(fold.valid_from, fold.fitted_at) for fold in windows.facts.folds] == [
        (str(fold.valid_from), str(fold.fitted_at)) for fold in study.folds
    ]


def test_the_plan_of_the_settings_decides_the_folds():
    plan = BacktestConfig(test_from=date(2012, 3, 1), refit_sessions=100, horizons=(1,))
    windows = make_windows(sample_bars(), split="walk-forward", config=RunConfig(backtest=plan))
    assert [fold.fitted_at for fold in windows.facts.folds] == [
        *("2012-03-01", "2012-07-24", "2012-12-17")
    ]
    assert windows.facts.settings["refit_sessions"] == 100


def test_a_symbol_that_is_too_short_is_named_and_the_others_go_on():
    windows = make_windows(sample_bars())
    assert windows.symbols == ("AAPL", "GOOG", "IBM", "MSFT")
    (line,) = [finding.line() for finding in windows.findings if finding.symbol == "FB"]
    assert line.startswith("W66 FB: found 196 sessions, 317 needed")


def test_a_symbol_with_windows_but_none_to_train_on_is_named():
    young = walk_frame("ZZZ", seed=9, n=330, first=1400)
    bars = Bars(frame=pl.concat([walk_frame("AAA", seed=1, n=1730), young]))
    windows = make_windows(bars, horizons=1)
    assert windows.symbols == ("AAA",)
    (finding,) = [finding for finding in windows.findings if finding.symbol == "ZZZ"]
    assert finding.code == "W66"
    assert finding.found.startswith("15 windows, none of which is known by")


def test_no_symbol_long_enough_is_refused_with_what_it_takes():
    with pytest.raises(NotEnoughDataError, match="take 317") as caught:
        make_windows(walk_bars((300, 250)), horizons=1)
    assert (caught.value.needed, caught.value.found) == (317, 300)
    make_windows(walk_bars((300, 250)), form="classic", horizons=1)  # as the message says


def test_a_horizon_that_training_never_reaches_is_refused():
    with pytest.raises(NotEnoughDataError, match="150 sessions on"):
        make_windows(walk_bars((500,)), horizons=(1, 150))


def test_closes_alone_leave_columns_out_and_it_is_said():
    windows = make_windows(close_only(walk_bars()), horizons=1)
    n_columns = len(windows.facts.columns)
    assert 20 < n_columns < 41
    assert n_columns + len(windows.facts.left_out) == 41
    assert windows.facts.left_out["gap"] == "stationary: the bars have no open"
    train = windows.of("AAA", horizon=1).train
    assert train.x.shape[1:] == (60, n_columns)
    assert np.isfinite(train.x).all()


@pytest.mark.parametrize("lacking", [["volume"], ["open", "high", "low", "volume"]])
def test_the_tutorials_columns_without_what_they_need_are_refused(lacking):
    bars = Bars(frame=walk_bars().frame.drop(lacking))
    with pytest.raises(ConfigError, match=f"classic: the bars have no {', '.join(lacking)}. Fix"):
        make_windows(bars, form="classic", horizons=1)


def test_no_window_and_no_target_crosses_a_hole():
    frame = walk_frame("AAA", seed=1, n=1300)
    segment = pl.Series("segment", np.repeat([0, 1], [700, 600]), dtype=pl.Int32)
    windows = make_windows(Bars(frame=frame.with_columns(segment)), form="classic", horizons=7)
    own, sessions = windows.read("AAA"), frame["session"].to_numpy().astype("datetime64[D]")
    rows = np.searchsorted(sessions, own.origin)
    # 199 of warm-up and 59 more at the start of each piece; 7 without an outcome at its end
    np.testing.assert_array_equal(rows, np.r_[258:693, 958:1293])
    assert counted(windows, "AAA", horizon=7)["unresolved"] == 14


def test_missing_ranges_leave_no_nan_in_scaled_windows():
    frame = walk_frame("AAA", seed=1, n=900)
    is_lacking = pl.int_range(pl.len()) % 7 == 3
    holes = frame.with_columns(
        pl.when(~is_lacking).then(pl.col(name)).alias(name) for name in ("high", "low", "volume")
    )
    for form in ("stationary", "classic"):
        train = make_windows(Bars(frame=holes), form=form, horizons=1).of("AAA", horizon=1).train
        assert np.isfinite(train.x).all()


def test_windows_of_another_length():
    windows = make_windows(walk_bars(), horizons=1, window_sessions=5)
    assert windows.of("AAA", horizon=1).valid.x.shape[1:] == (5, 41)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"form": "default"}, "form is 'default'. Fix: give 'stationary' or 'classic'"),
        ({"split": "random"}, "split is 'random'. Fix: give 'holdout' or 'walk-forward'"),
        ({"window_sessions": 0}, "window_sessions is 0. Fix: give 1 or more"),
        ({"window_sessions": "60"}, "window_sessions is str"),
        ({"horizon": 1}, "has no argument 'horizon'. Fix: give horizons="),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_what_can(arguments, said):
    with pytest.raises(ConfigError, match=said):
        nextclose.make_windows(walk_bars(), **arguments)


def test_a_frame_will_do_and_anything_else_is_refused():
    own = sample_bars().frame.filter(symbol="AAPL").select("symbol", "session", "close")
    windows = nextclose.make_windows(own.rename({"session": "date"}), horizons=1)
    assert windows.symbols == ("AAPL",)
    with pytest.raises(ConfigError, match="bars"):
        make_windows(7)


def test_equal_bars_give_equal_facts_and_arrays():
    one, two = make_windows(walk_bars()), make_windows(replace(walk_bars()))
    assert one.facts == two.facts
    assert one.read("AAA").x.tobytes() == two.read("AAA").x.tobytes()
