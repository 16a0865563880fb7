from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from nextclose import metrics
from nextclose.errors import LeakError, NotEnoughDataError
from nextclose.models.loghar.loghar import fit_loghar
from nextclose.models.lstm import lstm
from nextclose.models.lstm.lstm import INPUTS, FittedLstm, Lstm
from nextclose.models.lstm.training import TrainedLstm, train_network
from nextclose.models.mixture import mixture_quantiles
from nextclose.models.state import encode_state
from nextclose.samples.samples import Samples
from nextclose.samples.splits import Fold, known_at, walk_forward
from nextclose.schema import LEVELS, MEDIAN, Bars
from nextclose.serving.states import state_bytes, state_of
from tests.builders import close_only, samples_of, tiny_lstm, walk_bars

MODEL = Lstm(settings=tiny_lstm())
MIN_ROWS = 256 + 70  # warm-up of the table, and the context


def last_fold(samples: Samples, *, sessions: int = 60) -> Fold:
    """One fold whose test is the last `sessions` sessions of all symbols together."""
    test_from = np.unique(samples.origin)[-sessions]
    (fold,) = walk_forward(samples, test_from=test_from, refit_sessions=999)
    ready = samples.ready("stationary", context_sessions=MODEL.traits.context_sessions)
    return fold.restricted(ready)


@pytest.fixture(scope="module")
def bars() -> Bars:
    return walk_bars((640, 600, 580))


@pytest.fixture(scope="module")
def samples(bars) -> Samples:
    return samples_of(bars)


@pytest.fixture(scope="module")
def fold(samples) -> Fold:
    return last_fold(samples)


@pytest.fixture(scope="module")
def fitted(fold) -> FittedLstm:
    """Two seeds that believe in all of their corrections, so that every part shows."""
    members = [MODEL.fit(fold.train, fold.valid, seed) for seed in (1, 2)]
    believers = [believer(member) for member in members]
    combined = MODEL.combine_seeds(believers)
    assert isinstance(combined, FittedLstm)
    return combined


def believer(member: FittedLstm) -> FittedLstm:
    """The fit with a head that says something, and believed: training may keep the zero head."""
    (network,) = member.networks
    weights = network.weights
    drawn = np.random.default_rng(int(np.abs(weights["lstm.weight_ih_l0"]).sum() * 1e6))
    shape = weights["head.weight"].shape
    spoken = weights["head.weight"] + 0.05 * drawn.standard_normal(shape).astype(np.float32)
    return with_network(
        member,
        weights={**weights, "head.weight": spoken},
        shares=np.full_like(network.shares, 0.9),
    )


def with_network(member: FittedLstm, **changes: Any) -> FittedLstm:
    """The fit of one seed with other parts of its network."""
    (network,) = member.networks
    return replace(member, networks=(replace(network, **changes),))


def shares_of(member: FittedLstm) -> np.ndarray:
    """How much of its corrections the fit of one seed uses. Shape (horizon, correction)."""
    (network,) = member.networks
    return network.shares


# --- one row at a time ---


def test_a_forecast_is_the_same_whatever_its_batch_mates_and_their_order(samples, fold, fitted):
    rows = np.random.default_rng(0).permutation(fold.test_rows)
    together = fitted.quantiles(samples, rows)
    assert together.shape == (len(rows), 3, len(LEVELS))
    assert (np.diff(together, axis=2) > 0).all()
    for position in range(0, len(rows), 11):
        alone = fitted.quantiles(samples, rows[position : position + 1])
        np.testing.assert_array_equal(alone[0], together[position])
    pair = fitted.quantiles(samples, rows[[3, 3]])
    np.testing.assert_array_equal(pair, together[[3, 3]])


def test_a_forecast_from_the_last_bars_alone_has_the_same_bits(bars, samples, fold, fitted):
    for row in fold.test_rows[::23]:
        symbol = samples.table.symbols[samples.table.symbol[row]]
        session = samples.origin[row].astype(object)
        past = bars.frame.filter(pl.col("symbol") == symbol, pl.col("session") <= session)
        few = samples_of(Bars(frame=past.tail(MIN_ROWS)))
        newest = np.array([MIN_ROWS - 1])
        assert few.ready("stationary", context_sessions=70)[newest].all()
        np.testing.assert_array_equal(
            fitted.quantiles(few, newest)[0], fitted.quantiles(samples, np.array([row]))[0]
        )


def test_one_bar_more_in_the_past_of_the_context_changes_no_bit_and_one_inside_does(bars, fitted):
    frame = bars.frame.filter(pl.col("symbol") == "AAA").tail(MIN_ROWS)

    def forecast(edited: pl.DataFrame) -> np.ndarray:
        newest = np.array([edited.height - 1])
        return np.asarray(fitted.quantiles(samples_of(Bars(frame=edited)), newest))

    session = frame["session"][-3]
    busier = pl.when(pl.col("session") == session).then(1.5).otherwise(1.0)
    volume = (pl.col("volume") * busier).alias("volume")
    assert (forecast(frame.with_columns(volume)) != forecast(frame)).any()
    longer = bars.frame.filter(pl.col("symbol") == "AAA").tail(MIN_ROWS + 1)
    np.testing.assert_array_equal(forecast(longer), forecast(frame))


# --- seeds ---


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(fold, samples):
    torch.manual_seed(123)
    first = MODEL.fit(fold.train, fold.valid, 5)
    torch.manual_seed(456)  # what was drawn before must not matter
    again, other = (MODEL.fit(fold.train, fold.valid, seed) for seed in (5, 6))
    assert state_bytes(encode_state(first)) == state_bytes(encode_state(again))
    assert first.curves == again.curves
    one, two = (member.networks[0].weights for member in (first, other))
    assert one.keys() == two.keys()
    assert any((one[name] != two[name]).any() for name in one)


def test_the_curve_marks_the_epoch_of_the_largest_usable_gain(fold, monkeypatch):
    trainings: list[TrainedLstm] = []

    def noting(*parts: Any) -> TrainedLstm:
        trainings.append(train_network(*parts))
        return trainings[-1]

    monkeypatch.setattr(lstm, "train_network", noting)
    (curve,) = MODEL.fit(fold.train, fold.valid, 5).curves
    (trained,) = trainings
    assert curve.kept == int(np.argmax(trained.usable_gain))
    assert (list(curve.train), list(curve.valid)) == (trained.train_crps, trained.valid_crps)
    assert (curve.measure, curve.first_epoch, curve.symbol) == ("crps", 0, "")


def test_fitting_leaves_the_global_generator_as_it_was(fold):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    MODEL.fit(fold.train, fold.valid, 5)
    assert torch.equal(torch.rand(3), expected)


def test_seeds_are_combined_into_the_mixture_of_their_forecasts(samples, fold):
    members = [believer(MODEL.fit(fold.train, fold.valid, seed)) for seed in (3, 4)]
    rows = fold.test_rows[:20]
    combined = MODEL.combine_seeds(members).quantiles(samples, rows)
    ratio = members[0].scale.ratio(samples, rows)[:, :, None]
    grids = np.stack([member.quantiles(samples, rows) / ratio for member in members])
    np.testing.assert_allclose(combined, mixture_quantiles(grids) * ratio, rtol=1e-12)
    assert (grids[0] != grids[1]).any()


# --- what it starts from ---


def test_without_any_share_the_forecast_is_that_of_loghar(samples, fold):
    member = MODEL.fit(fold.train, fold.valid, 1)
    modest = with_network(member, shares=np.zeros_like(shares_of(member)))
    rows = fold.test_rows[::7]
    expected = fit_loghar(fold.train, fold.valid).quantiles(samples, rows)
    np.testing.assert_allclose(modest.quantiles(samples, rows), expected, rtol=1e-12, atol=1e-15)


def test_it_learns_nothing_from_bars_after_the_refit(bars):
    cut = date(2003, 3, 3)
    early = Bars(frame=bars.frame.filter(pl.col("session") <= cut))
    states = []
    for known in (bars, early):
        samples = samples_of(known)
        (fold, *_) = walk_forward(samples, test_from=np.datetime64(cut), refit_sessions=999)
        states.append(state_bytes(encode_state(MODEL.fit(fold.train, fold.valid, 1))))
    assert states[0] == states[1]


# --- what it finds ---


def error_ratios(bars: Bars, *, horizon: int = 0) -> tuple[float, float, FittedLstm]:
    """Mean absolute error over naive's, and CRPS over log-HAR's, at the last 250 sessions."""
    samples = samples_of(bars, horizons=(1,))
    fold = last_fold(samples, sessions=250)
    model = Lstm(settings=tiny_lstm(max_epochs=12, patience_epochs=12, batch_chunks=2))
    fitted = model.fit(fold.train, fold.valid, 1)
    rows = fold.test_rows[np.isfinite(samples.outcome[fold.test_rows, horizon])]
    target = samples.target[rows, horizon]
    grid = fitted.quantiles(samples, rows)[:, horizon]
    base = fit_loghar(fold.train, fold.valid).quantiles(samples, rows)[:, horizon]
    error = np.abs(target - grid[:, MEDIAN]).mean() / np.abs(target).mean()
    crps = metrics.grid_crps(grid, target).mean() / metrics.grid_crps(base, target).mean()
    return float(error), float(crps), fitted


@pytest.mark.parametrize("seed", [0, 20])
def test_a_planted_autocorrelation_is_found(seed):
    # phi .3: whoever knows it all has sqrt(1 - .09) = .954 of naive's error
    error, crps, fitted = error_ratios(walk_bars((1500,) * 6, phi=0.3, seed=seed))
    assert error < 0.975
    assert crps < 0.975
    assert shares_of(fitted)[0, 0] > 0.7


def test_on_random_walks_hardly_anything_is_believed():
    shares = []
    for seed in (10, 20, 30):
        error, crps, fitted = error_ratios(walk_bars((1000,) * 5, seed=seed))
        assert error < 1.005
        assert crps < 1.005
        shares.append(shares_of(fitted)[0])
    assert np.mean(shares) < 0.1


# --- shapes of data ---


def test_a_state_written_down_gives_the_same_forecaster_bit_for_bit(samples, fold, fitted):
    again = MODEL.restore(state_of(state_bytes(encode_state(fitted))))
    assert isinstance(again, FittedLstm)
    rows = fold.test_rows
    np.testing.assert_array_equal(again.quantiles(samples, rows), fitted.quantiles(samples, rows))
    assert state_bytes(encode_state(again)) == state_bytes(encode_state(fitted))
    assert again.settings == fitted.settings
    assert len(again.networks) == 2


def test_closes_alone_are_enough(bars):
    samples = samples_of(close_only(bars))
    fold = last_fold(samples)
    fitted = MODEL.fit(fold.train, fold.valid, 1)
    assert set(fitted.scaler.names) < set(INPUTS)
    assert "gap" not in fitted.scaler.names
    assert np.isfinite(fitted.quantiles(samples, fold.test_rows)).all()


def test_one_symbol_is_enough():
    samples = samples_of(walk_bars((640,)))
    fold = last_fold(samples)
    fitted = MODEL.fit(fold.train, fold.valid, 1)
    assert np.isfinite(fitted.quantiles(samples, fold.test_rows)).all()


def test_validation_without_a_full_context_believes_nothing():
    # the first row with 70 sessions of context is 325; what is known at 326 begins before it
    samples = samples_of(walk_bars((420,)), horizons=(1,))
    settings = tiny_lstm(context_sessions=120)
    (fold,) = walk_forward(samples, test_from=samples.origin[372], refit_sessions=999)
    ready = fold.valid.ready("stationary", context_sessions=120)
    assert not (ready & np.isfinite(fold.valid.target[:, 0])).any()
    fitted = Lstm(settings=settings).fit(fold.train, fold.valid, 1)
    np.testing.assert_array_equal(shares_of(fitted), 0)
    assert np.isfinite(fitted.quantiles(samples, np.array([400]))).all()


def test_training_targets_from_the_validation_block_are_refused(samples, fold):
    with pytest.raises(LeakError):
        MODEL.fit(known_at(samples, fold.fitted_at), fold.valid, 1)


def test_too_short_a_history_is_refused_with_the_count():
    samples = samples_of(walk_bars((300,)))
    (fold,) = walk_forward(samples, test_from=samples.origin[295], refit_sessions=999)
    with pytest.raises(NotEnoughDataError, match="100 needed"):
        MODEL.fit(fold.train, fold.valid, 1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_it_trains_and_forecasts_almost_as_on_a_processor(samples, fold):
    settings = tiny_lstm(device="cuda")
    on_gpu = believer(Lstm(settings=settings).fit(fold.train, fold.valid, 1))
    moved = encode_state(on_gpu)
    on_cpu = MODEL.restore(moved)
    rows = fold.test_rows
    np.testing.assert_allclose(
        on_gpu.quantiles(samples, rows), on_cpu.quantiles(samples, rows), atol=1e-3
    )
