"""Parts of one symbol, horizon and fold: scaled, dated, and judged as forecasts."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nextclose.errors import ConfigError, NotEnoughDataError
from nextclose.evaluation.verdict.verdict import verdicts
from nextclose.samples.scaling import PRICE_FLOOR
from nextclose.schema import FORECAST_SCHEMA, QUANTILE_COLUMNS
from nextclose.windowing import make_windows
from nextclose.windowsets import Windows
from tests.builders import walk_bars


@pytest.fixture(scope="module")
def classic() -> Windows:
    return make_windows(walk_bars(), form="classic", horizons=(1, 7))


@pytest.fixture(scope="module")
def stationary() -> Windows:
    return make_windows(walk_bars(), horizons=(1, 7))


def test_what_a_perfect_model_says_is_the_close_that_came(classic, stationary):
    for windows in (classic, stationary):
        for scaled in (True, False):
            test = windows.of("AAA", horizon=7, scaled=scaled).test
            np.testing.assert_allclose(test.prices(test.y), test.reached, rtol=1e-6)


def test_a_stationary_target_of_0_is_no_change(stationary):
    test = stationary.of("BBB", horizon=7).test
    np.testing.assert_array_equal(test.prices(np.zeros(len(test))), test.close)
    # y is the log return over scale * sqrt(7)
    by_hand = np.log(test.reached / test.close) / (test.scale * np.sqrt(7))
    np.testing.assert_allclose(test.y, by_hand, rtol=1e-5, atol=1e-6)


def test_a_column_of_a_keras_model_is_taken_as_it_comes(classic):
    test = classic.of("AAA", horizon=1).test
    np.testing.assert_array_equal(test.prices(test.y[:, None]), test.prices(test.y))


@pytest.mark.parametrize("wrong", [lambda y: y[:-1], lambda y: np.where(y > 0, np.nan, y)])
def test_other_than_one_finite_value_a_window_is_refused(classic, wrong):
    test = classic.of("AAA", horizon=1).test
    with pytest.raises(ConfigError, match="one finite value for each window"):
        test.prices(wrong(test.y))


def test_forecasts_are_judged_as_those_of_any_model(classic):
    test = classic.of("AAA", horizon=7).test
    frame = test.forecasts(test.y, model="oracle")
    assert dict(frame.schema) == FORECAST_SCHEMA
    np.testing.assert_allclose(frame["target"], np.log(test.reached / test.close))
    np.testing.assert_allclose(frame["q0.500"], frame["target"], atol=1e-6)
    rows = verdicts(frame)
    assert {row.symbol for row in rows} == {"AAA", "*"}
    assert rows[0].evidence.relative_mae == pytest.approx(0, abs=1e-5)


def test_a_price_below_zero_is_raised_before_its_logarithm_is_taken(stationary):
    windows = make_windows(walk_bars(), form="classic", horizons=1)
    test = windows.of("AAA", horizon=1).test
    frame = test.forecasts(np.full(len(test), -1e6), model="fallen")
    np.testing.assert_allclose(frame["q0.010"], np.log(PRICE_FLOOR))
    assert frame.select(pl.concat_list(QUANTILE_COLUMNS).list.n_unique().unique()).item() == 1


def test_parts_and_counts_agree(classic):
    for row in classic.counts.iter_rows(named=True):
        parts = classic.of(row["symbol"], horizon=row["horizon_sessions"], fold=row["fold"])
        assert (len(parts.train), len(parts.valid), len(parts.test)) == (
            *(row["train"], row["valid"]),
            row["test"],
        )
        assert len(parts.train.x) == len(parts.train.y) == row["train"]
        assert row["unresolved"] == row["horizon_sessions"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"symbol": "AAB"}, "symbol 'AAB'; the nearest is AAA. Fix: choose from AAA, BBB"),
        ({"horizon": 5}, "horizon 5. Fix: choose from 1, 7"),
        ({"fold": 1}, "fold 1. Fix: choose from -1, 0"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(classic, asked, said):
    place = {"symbol": "AAA", "horizon": 1} | asked
    with pytest.raises(ConfigError, match=said):
        classic.of(place.pop("symbol"), **place)


def test_a_fold_without_anything_to_train_on_is_refused(classic):
    own = replace(classic.read("AAA"), scalers={})
    with pytest.raises(NotEnoughDataError, match=r"AAA has no window whose close 7 sessions on"):
        replace(classic, read=lambda symbol: own).of("AAA", horizon=7)


def test_a_notebook_shows_a_line_and_no_arrays(classic):
    shown = repr(classic)
    assert shown.startswith("Windows(classic, holdout: 8")
    assert "x 41 columns, 2 symbols, horizons (1, 7), 1 fold)" in shown
    parts = repr(classic.of("AAA", horizon=1))
    assert parts.startswith("SplitWindows(train=WindowPart('AAA', horizon=1, x (3")
    assert len(parts) < 400
