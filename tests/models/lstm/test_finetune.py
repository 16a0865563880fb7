from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nextclose.models.lstm.finetune import Head
from nextclose.models.lstm.lstm import FittedLstm, Lstm
from nextclose.models.state import encode_state
from nextclose.samples.samples import Samples
from nextclose.samples.splits import Fold, walk_forward
from nextclose.schema import Bars
from nextclose.serving.states import state_bytes, state_of
from tests.builders import samples_of, tiny_lstm, walk_frame

SETTINGS = tiny_lstm(
    fine_tune_epochs=30, patience_epochs=30, max_epochs=3, learning_rate=3e-2, n_seeds=1
)


@pytest.fixture(scope="module")
def samples() -> Samples:
    """One symbol whose moves go on and one whose moves turn round: together they tell nothing."""
    frames = [
        walk_frame("GOON", seed=1, n=1300, phi=0.6),
        walk_frame("TURN", seed=2, n=1300, phi=-0.6),
    ]
    return samples_of(Bars(frame=pl.concat(frames)), horizons=(1,))


@pytest.fixture(scope="module")
def fold(samples) -> Fold:
    (fold,) = walk_forward(samples, test_from=np.unique(samples.origin)[-100], refit_sessions=999)
    return fold


@pytest.fixture(scope="module")
def fitted(fold) -> FittedLstm:
    return Lstm(settings=SETTINGS).fit(fold.train, fold.valid, 1)


def slope(samples: Samples, fitted: FittedLstm, fold: Fold, symbol: int) -> float:
    """How the forecast median follows the last return of one symbol."""
    rows = fold.test_rows[samples.table.symbol[fold.test_rows] == symbol]
    last = samples.table.values[rows, samples.table.names.index("return_1")]
    return float(np.polyfit(last, fitted.quantiles(samples, rows)[:, 0, 11], 1)[0])


def test_symbols_of_opposite_habits_get_heads_of_their_own(samples, fold, fitted):
    (network,) = fitted.networks
    assert set(network.heads) == {"GOON", "TURN"}
    assert slope(samples, fitted, fold, 0) > 0.1
    assert slope(samples, fitted, fold, 1) < -0.1


def test_no_epochs_no_heads(fold):
    plain = Lstm(settings=SETTINGS.model_copy(update={"fine_tune_epochs": 0}))
    assert [own.heads for own in plain.fit(fold.train, fold.valid, 1).networks] == [{}]


def test_a_symbol_without_a_head_is_forecast_by_the_common_one(samples, fold, fitted):
    def with_heads(heads: Mapping[str, Head]) -> FittedLstm:
        networks = (replace(network, heads=heads),)
        changed: FittedLstm = replace(fitted, networks=networks)
        return changed

    rows = fold.test_rows
    (network,) = fitted.networks
    without = with_heads({"GOON": network.heads["GOON"]})
    turn = samples.table.symbol[rows] == 1
    both, one = fitted.quantiles(samples, rows), without.quantiles(samples, rows)
    np.testing.assert_array_equal(both[~turn], one[~turn])
    assert (both[turn] != one[turn]).any()
    common = with_heads({}).quantiles(samples, rows)
    np.testing.assert_array_equal(one[turn], common[turn])


def test_heads_survive_being_written_down(samples, fold, fitted):
    again = Lstm(settings=SETTINGS).restore(state_of(state_bytes(encode_state(fitted))))
    np.testing.assert_array_equal(
        again.quantiles(samples, fold.test_rows), fitted.quantiles(samples, fold.test_rows)
    )
