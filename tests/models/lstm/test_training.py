from dataclasses import replace

import numpy as np
import pytest
import torch

from nextclose import metrics
from nextclose.config import LstmConfig
from nextclose.errors import NotEnoughDataError
from nextclose.models.lstm.network import Network
from nextclose.models.lstm.training import (
    Batch,
    TrainedLstm,
    device_data,
    horizon_crps,
    horizon_weights,
    mean_crps,
    target_chunks,
    train_network,
    training_set,
    validation_scores,
)
from nextclose.samples.samples import Samples
from nextclose.samples.scaling import fit_scaler
from nextclose.samples.splits import known_at, originating_from
from nextclose.schema import LEVELS
from tests.builders import daily_samples, day, tiny_lstm

SETTINGS = tiny_lstm(chunk_sessions=60, burn_in_sessions=10, dropout=0.0, max_epochs=6)
SPREAD = np.stack([np.linspace(-2, 2, len(LEVELS))] * 2)


def predictable(n: int = 400) -> Samples:
    """Outcomes whose sign the only feature tells a session ahead."""
    returns = np.random.default_rng(0).normal(0, 0.02, n)
    values = np.append(returns[1:], 0.0).astype(np.float32)[:, None]
    return daily_samples(n, horizons=(1, 2), returns=[returns], values=values)


def halves(samples: Samples, *, at: int) -> tuple[Samples, Samples]:
    return known_at(samples, day(at)), originating_from(samples, day(at))


def trained(samples: Samples, network: Network, *, at: int = 300, **changes) -> TrainedLstm:
    train, valid = halves(samples, at=at)
    scaler = fit_scaler(train, names=["x0"], family="bare")
    settings = SETTINGS.model_copy(update=changes)
    lesson = training_set(settings, SPREAD, train=train, valid=valid, scaler=scaler)
    return train_network(settings, network, lesson)


def new_network(seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return Network(n_features=1, n_horizons=2, units=8, dropout=0.0)


@pytest.mark.parametrize(("power", "share"), [(0.0, 1 / 2), (1.0, 1 / 8)])
def test_the_loss_counts_known_targets_each_horizon_by_its_weight(power, share):
    noise = np.random.default_rng(2)
    target = noise.normal(size=(4, 3, 2))  # (session, chunk, horizon)
    known = noise.random((4, 3, 2)) < 0.6
    known[..., 1] = False
    known[2, 1, 1] = True  # one target stands for the whole second horizon
    batch = Batch(
        x=torch.zeros(4, 3, 1),
        target=torch.tensor(target, dtype=torch.float32),
        known=torch.tensor(known),
    )
    # horizons of 1 and 7 sessions: 7 ** -1 / (1 + 7 ** -1) = 1/8
    weights = horizon_weights(LstmConfig(horizon_power=power), (1, 7))
    loss = mean_crps(new_network(), torch.tensor(SPREAD, dtype=torch.float32), batch, weights)
    scores = metrics.grid_crps(np.broadcast_to(SPREAD, (4, 3, 2, len(LEVELS))), target)
    expected = (1 - share) * scores[..., 0][known[..., 0]].mean() + share * scores[2, 1, 1]
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)


def test_a_batch_masks_unknown_targets_and_burn_in():
    train, _ = halves(predictable(), at=100)
    scaler = fit_scaler(train, names=["x0"], family="bare")
    chunks = target_chunks(SETTINGS, train, offset_sessions=7, what="training")
    batch = device_data(train, scaler, device="cpu").batch(chunks)
    assert batch.x.shape == (60, len(chunks.rows), 1)
    # rows 10 .. 98 know one session ahead at session 100, row 99 too; two ahead one row less
    assert batch.known.sum((0, 1)).tolist() == [90, 89]
    assert not batch.known[:10].any()
    assert (batch.target[~batch.known].isfinite()).all()
    rows = torch.from_numpy(chunks.rows.T.copy())
    np.testing.assert_array_equal(
        batch.target[batch.known], train.target[rows][batch.known].astype(np.float32)
    )


def test_training_finds_what_a_feature_tells():
    fit = trained(predictable(), new_network(), max_epochs=15, learning_rate=0.02)
    assert min(fit.valid_crps) < 0.85 * fit.valid_crps[0]
    assert fit.train_crps[-1] < 0.85 * fit.train_crps[0]


def test_curves_begin_before_training_and_the_epoch_of_the_largest_usable_gain_is_kept():
    samples = predictable()
    network = new_network()
    fit = trained(samples, network, max_epochs=4)
    assert len(fit.train_crps) == len(fit.valid_crps) == len(fit.usable_gain) == 1 + 4
    assert fit.usable_gain[0] == 0.0
    train, valid = halves(samples, at=300)
    scaler = fit_scaler(train, names=["x0"], family="bare")
    spread = torch.tensor(SPREAD, dtype=torch.float32)
    held_out = device_data(valid, scaler, device="cpu").batch(
        target_chunks(SETTINGS, valid, offset_sessions=0, what="validation")
    )
    untrained, _ = validation_scores(new_network(), spread, held_out)
    assert fit.valid_crps[0] == pytest.approx(untrained, rel=1e-6)
    network.load_state_dict(fit.weights)
    _, gain = validation_scores(network, spread, held_out)
    assert gain == pytest.approx(max(fit.usable_gain), rel=1e-6)
    assert gain > 0


def test_a_correction_that_loses_does_not_count_against_one_that_gains():
    class Fixed(torch.nn.Module):
        """The right shift at the first horizon, absurd widths at both."""

        def forward(self, x):
            corrections = torch.zeros(*x.shape[:2], 2, 3)
            corrections[..., 0, 0] = 1.0
            corrections[..., 1:] = 3.0
            return corrections

    spread = torch.tensor(SPREAD, dtype=torch.float32)
    shape = (4, 3, 2)
    batch = Batch(
        x=torch.zeros(4, 3, 1),
        target=torch.tensor([1.0, 0.0]).expand(shape),  # one ahead of the median, one on it
        known=torch.ones(shape, dtype=torch.bool),
    )
    crps, gain = validation_scores(Fixed(), spread, batch)  # type: ignore[arg-type]
    none = horizon_crps(torch.zeros(*shape, 3), spread, batch)
    shifted = torch.zeros(*shape, 3)
    shifted[..., 0, 0] = 1.0
    expected = (none - horizon_crps(shifted, spread, batch))[0]
    assert gain == pytest.approx(float(expected))
    assert crps > float(none.mean())


def test_a_network_that_only_gets_worse_is_given_back_untrained_when_patience_ends():
    # what training teaches, validation contradicts
    samples = predictable()
    values = samples.table.values.copy()
    values[300:] *= -1
    samples = replace(samples, table=replace(samples.table, values=values))
    network = new_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    fit = trained(samples, network, max_epochs=20, learning_rate=0.02, patience_epochs=3)
    assert len(fit.valid_crps) == 1 + 3
    assert min(fit.valid_crps) == fit.valid_crps[0]
    for name, value in before.items():
        assert torch.equal(fit.weights[name], value), name
    assert not torch.equal(network.state_dict()["head.bias"], before["head.bias"])


def test_weights_do_not_depend_on_targets_that_are_not_known_yet():
    samples = predictable()
    train, valid = halves(samples, at=300)
    scaler = fit_scaler(train, names=["x0"], family="bare")
    fits = []
    for poison in (0.0, 1e6):
        values = samples.table.values.copy()
        values[340:] += poison
        table = replace(samples.table, values=values)
        network = new_network()
        torch.manual_seed(5)
        lesson = training_set(
            SETTINGS,
            SPREAD,
            train=replace(train, table=table),
            valid=replace(known_at(valid, day(339)), table=table),
            scaler=scaler,
        )
        fits.append(train_network(SETTINGS, network, lesson))
    for name, value in fits[0].weights.items():
        assert torch.equal(fits[1].weights[name], value), name


def test_sessions_that_no_chunk_needs_are_not_computed():
    # 31 known targets from row 40 on and 10 rows of burn-in before them: rows 30 .. 70
    samples = originating_from(known_at(predictable(), day(71)), day(40))
    chunks = target_chunks(
        SETTINGS.model_copy(update={"chunk_sessions": 90}), samples, offset_sessions=0, what="x"
    )
    assert chunks.rows.tolist() == [list(range(30, 71))]
    known = np.isfinite(samples.target[chunks.rows]) & chunks.keep[..., None]
    assert known.sum((0, 1)).tolist() == [31, 30]


@pytest.mark.parametrize(("at", "what"), [(8, "training"), (399, "validation")])
def test_too_little_to_train_or_to_validate_on_is_refused(at, what):
    with pytest.raises(NotEnoughDataError, match=f"no {what} target"):
        trained(predictable(), new_network(), at=at)
