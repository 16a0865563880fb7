from dataclasses import replace

import numpy as np
import pytest

from nextclose.errors import ConfigError
from nextclose.features.columns import Feature, SymbolBars
from nextclose.features.table import make_table
from nextclose.models.lstm import finetune
from nextclose.models.lstm.editions import Edition
from nextclose.models.lstm.finetune import LastLayer, own_columns
from nextclose.models.lstm.lstm import FittedLstm, Lstm
from nextclose.models.mixture import restore_fit
from nextclose.models.state import encode_state
from nextclose.models.threads import one_thread
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.scaling import Scaler
from nextclose.samples.splits import Fold, walk_forward
from nextclose.schema import MEDIAN, Bars, Floats
from nextclose.serving.states import state_bytes, state_of
from tests.builders import random_edition, walk_bars

NO_COLUMNS = Scaler(names=(), center=np.zeros(0), width=np.zeros(0))


def silent_edition() -> Edition:
    """A network that says nothing: a normal about the drift of risk."""
    edition = random_edition("2000-12-31")
    head = np.zeros_like(edition.network.head)
    network = replace(edition.network, head=head, head_bias=head[:, 0].copy())
    return replace(edition, network=network)


MODEL = Lstm(editions=(silent_edition(),), fine_tune=True)


def last_return(bars: SymbolBars) -> Floats:
    return bars.returns / bars.recent_scale


def samples_of(bars: Bars, *, horizons: tuple[int, ...] = (1,), with_own: bool = True) -> Samples:
    own = {"last_return": Feature(last_return, 1)} if with_own else {}
    table = make_table(bars, families=("universal", "stationary"), own=own)
    return make_samples(table, horizons=horizons)


def last_fold(samples: Samples, *, sessions: int = 100) -> Fold:
    test_from = np.unique(samples.origin)[-sessions]
    (fold,) = walk_forward(samples, test_from=test_from, refit_sessions=9999)
    return fold


def tuned(fold: Fold, *, seed: int = 1) -> FittedLstm:
    with one_thread():
        return MODEL.fit(fold.train, fold.valid, seed)


@pytest.fixture(scope="module")
def samples() -> Samples:
    """Returns follow the last one by .6, and a column of the user's own says what it was."""
    return samples_of(walk_bars((900, 900, 900), phi=0.6))


@pytest.fixture(scope="module")
def fold(samples) -> Fold:
    return last_fold(samples)


@pytest.fixture(scope="module")
def fitted(fold) -> FittedLstm:
    return tuned(fold)


def error_ratio(fitted: FittedLstm, samples: Samples, fold: Fold) -> float:
    """Mean absolute error of the median over that of no change, one session ahead."""
    rows = fold.test_rows[np.isfinite(samples.target[fold.test_rows, 0])]
    target = samples.target[rows, 0]
    median = fitted.quantiles(samples, rows)[:, 0, MEDIAN]
    return float(np.abs(target - median).mean() / np.abs(target).mean())


# --- what it learns ---


def test_a_planted_signal_in_a_column_of_one_s_own_is_found(samples, fold, fitted):
    # whoever knows all of phi .6 has sqrt(1 - .36) = .8 of the error of no change; so few steps
    # as are taken lead a tenth of the way
    (layer,) = fitted.own
    assert layer.scaler.names == ("last_return",)
    assert layer.shares[0] > 0.9
    deaf = layer.weights.copy()
    deaf[:, :, -2] = 0.0  # the column, before the constant
    without = replace(fitted, own=(replace(layer, weights=deaf),))
    error = error_ratio(fitted, samples, fold)
    assert error < 0.95
    assert error < error_ratio(without, samples, fold) - 0.02


def test_on_random_walks_hardly_anything_is_believed():
    samples = samples_of(walk_bars((900, 900, 900), seed=30))
    fold = last_fold(samples)
    assert error_ratio(tuned(fold), samples, fold) < 1.01


def test_the_same_seed_learns_the_same_bits_and_another_others(fold, fitted):
    again, other = (encode_state(tuned(fold, seed=seed)) for seed in (1, 2))
    assert state_bytes(again) == state_bytes(encode_state(fitted))
    assert state_bytes(other) != state_bytes(again)


def test_columns_of_one_s_own_are_read_and_those_of_the_table_are_not(samples):
    assert own_columns(samples) == ("last_return",)
    assert own_columns(samples_of(walk_bars((300,)), with_own=False)) == ()


def test_validation_without_a_known_target_believes_nothing(fold):
    blind = replace(fold.valid, target=np.full_like(fold.valid.target, np.nan))
    with one_thread():
        (layer,) = MODEL.fit(fold.train, blind, 1).own
    assert not layer.shares.any()


def test_horizons_that_were_not_taught_are_refused_with_the_cure():
    samples = samples_of(walk_bars((400,)), horizons=(1, 64))
    with pytest.raises(ConfigError, match=r"64 sessions ahead were not taught, 63 at most\. Fix"):
        tuned(last_fold(samples))


def test_it_costs_more_and_reads_news_only_where_it_is_asked_for():
    plain = Lstm(editions=MODEL.editions).traits
    assert (plain.reads_news, plain.settings["fine_tune"]) == (False, False)
    assert (MODEL.traits.reads_news, MODEL.traits.settings["fine_tune"]) == (True, True)
    assert plain.relative_cost < MODEL.traits.relative_cost


def test_before_any_edition_there_is_nothing_to_add_to(fold):
    late = Lstm(editions=(random_edition("2026-01-01"),), fine_tune=True)
    assert late.fit(fold.train, fold.valid, 1).own == ()


# --- what it adds ---


def test_what_a_layer_adds_worked_by_hand():
    # one horizon: outputs of 1 x 2 + 3 x .5, 0, 0, and the constant
    weights = np.zeros((1, 4, 3))
    weights[0, 0], weights[0, 3] = [1.0, 3.0, 0.0], [0.0, 0.0, 7.0]
    layer = LastLayer(scaler=NO_COLUMNS, weights=weights, shares=np.ones(1))
    added = layer.added(np.array([[2.0, 0.5, 1.0], [0.0, 0.0, 1.0]]))
    assert added.tolist() == [[[3.5, 0.0, 0.0, 7.0]], [[0.0, 0.0, 0.0, 7.0]]]


def test_a_layer_that_is_not_believed_changes_no_bit(samples, fold, fitted):
    (layer,) = fitted.own
    modest = replace(fitted, own=(replace(layer, shares=np.zeros(1)),))
    alone = replace(fitted, own=())
    grids = [each.quantiles(samples, fold.test_rows) for each in (modest, alone, fitted)]
    assert grids[0].tobytes() == grids[1].tobytes() != grids[2].tobytes()


def test_a_forecast_is_the_same_whatever_its_batch_mates(samples, fold, fitted):
    rows = np.random.default_rng(0).permutation(fold.test_rows)
    together = fitted.quantiles(samples, rows)
    assert (np.diff(together, axis=2) > 0).all()
    for place in range(0, len(rows), 31):
        alone = fitted.quantiles(samples, rows[place : place + 1])
        assert alone[0].tobytes() == together[place].tobytes()


def test_rows_beyond_a_batch_have_the_bits_of_those_within(fitted, monkeypatch):
    read = np.random.default_rng(2).standard_normal((50, fitted.own[0].weights.shape[2]))
    whole = fitted.own[0].added(read)
    monkeypatch.setattr(finetune, "SOME_ROWS", 7)
    assert fitted.own[0].added(read).tobytes() == whole.tobytes()


def test_a_state_written_down_gives_the_same_forecaster_bit_for_bit(samples, fold, fitted):
    content = state_bytes(encode_state(fitted))
    again = restore_fit(MODEL, state_of(content))
    assert isinstance(again, FittedLstm)
    grids = [each.quantiles(samples, fold.test_rows) for each in (fitted, again)]
    assert grids[0].tobytes() == grids[1].tobytes()
    assert state_bytes(encode_state(again)) == content


def test_two_layers_or_one_of_no_network_are_refused(fitted):
    (layer,) = fitted.own
    for edition, networks, own in ((fitted.edition, fitted.networks, 2), ("", (), 1)):
        with pytest.raises(ValueError, match="at most one last layer"):
            FittedLstm(edition=edition, networks=networks, own=(layer,) * own)
