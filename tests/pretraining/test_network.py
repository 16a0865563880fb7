"""The network that is taught is the one that forecasts, and its loss is the CRPS of the grid."""

import numpy as np
import pytest
import torch

from nextclose.features.universal import INPUTS, LONG_MOVE
from nextclose.metrics import grid_crps
from nextclose.models.location import RISK_PRICE
from nextclose.models.lstm.shape import OUTPUTS, TAUGHT_HORIZONS, shape_quantiles
from nextclose.models.lstm.torch_shape import LOSS_CAP
from nextclose.pretraining.card import network_of
from nextclose.pretraining.course import new_weights
from nextclose.pretraining.network import Teacher, horizon_losses, losses, mean_loss
from tests.builders import outputs_at

H = len(TAUGHT_HORIZONS)
EVERY = list(range(H))


def teacher(*, units: int = 5, seed: int = 0) -> Teacher:
    """A network whose every weight is alive, the head's too."""
    rng = np.random.default_rng(seed)
    network = Teacher(units=units)
    network.load(
        {
            name: value + 0.3 * rng.standard_normal(value.shape).astype(np.float32)
            for name, value in new_weights(units=units, seed=seed).items()
        }
    )
    return network


def drawn(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def numpy_losses(network: Teacher, x: torch.Tensor, targets: torch.Tensor) -> np.ndarray:
    """Losses (session, lesson, horizon) by the functions of those who forecast and judge."""
    with torch.no_grad():
        outputs = network(x).double().numpy()
    long_move = np.exp(x[..., LONG_MOVE].double().numpy())[..., None]
    drift = RISK_PRICE * np.sqrt(np.array(TAUGHT_HORIZONS)) * long_move
    return grid_crps(shape_quantiles(outputs, drift=drift), targets.double().numpy())


def test_the_loss_is_the_crps_of_the_quantiles_that_are_forecast():
    network, x, targets = teacher(), drawn(9, 3, len(INPUTS)), 2 * drawn(9, 3, H, seed=2)
    with torch.no_grad():
        each = losses(network(x), x, targets, horizons=EVERY).numpy()
    np.testing.assert_allclose(each, numpy_losses(network, x, targets), rtol=2e-5, atol=2e-6)


def test_one_outcome_cannot_outweigh_the_others():
    outputs, x = torch.zeros(1, H, OUTPUTS), torch.zeros(1, len(INPUTS))
    far = torch.full((1, H), -1e6)
    assert (losses(outputs, x, far, horizons=EVERY) == LOSS_CAP).all()


def test_means_are_over_known_outcomes_and_shorter_horizons_weigh_more():
    network, x = teacher(), drawn(9, 3, len(INPUTS))
    targets = drawn(9, 3, H, seed=2)
    targets[:4, :, 2] = torch.nan
    targets[:, 1, 0] = torch.nan
    expected = np.nanmean(numpy_losses(network, x, targets), axis=(0, 1))
    sums, counts = horizon_losses(network, x, targets)
    assert counts.tolist() == [18, 27, 15, *[27] * (H - 3)]
    np.testing.assert_allclose((sums / counts).numpy(), expected, rtol=1e-5)
    # weights 1, 3**-.25 = .7598
    loss = mean_loss(network, x, targets, horizons=[0, 2]).item()
    assert loss == pytest.approx((expected[0] + 0.75984 * expected[2]) / 1.75984, rel=1e-5)


def test_unknown_outcomes_teach_nothing_and_give_no_nan():
    network, x = teacher(), drawn(9, 3, len(INPUTS))
    targets = drawn(9, 3, H, seed=2)
    targets[5:] = torch.nan

    def gradients(sessions: slice) -> list[np.ndarray]:
        network.zero_grad()
        mean_loss(network, x[sessions], targets[sessions], horizons=[1, 4]).backward()
        return [
            value.grad.numpy().copy() for value in network.parameters() if value.grad is not None
        ]

    for known, all_ in zip(gradients(slice(5)), gradients(slice(9)), strict=True):
        np.testing.assert_allclose(known, all_, atol=1e-6)
    nothing = torch.full((9, 3, H), torch.nan)
    assert mean_loss(network, x, nothing, horizons=[0]).item() == 0


def test_every_weight_is_moved_by_the_loss():
    network = teacher()
    x, targets = drawn(9, 3, len(INPUTS)), drawn(9, 3, H, seed=2)
    mean_loss(network, x, targets, horizons=EVERY).backward()
    for name, value in network.named_parameters():
        assert value.grad is not None, name
        assert (value.grad != 0).any(), name


def test_an_untaught_network_forecasts_a_normal_of_the_scale():
    network = Teacher(units=5)
    with torch.no_grad():
        assert not network(drawn(4, 2, len(INPUTS))).any()


def test_what_is_read_later_changes_no_earlier_output():
    network, x = teacher(), drawn(9, 2, len(INPUTS))
    with torch.no_grad():
        before = network(x)
        x[6:] = 9.0
        after = network(x)
    assert torch.equal(before[:6], after[:6])
    assert not torch.equal(before[6], after[6])


def test_numpy_forecasts_what_torch_was_taught():
    network, x = teacher(units=8), drawn(70, 1, len(INPUTS))
    rows = np.arange(70)
    ours = outputs_at(
        network_of(network.weights()), x[:, 0].numpy(), rows, starts=np.zeros(70, dtype=np.int64)
    )
    with torch.no_grad():
        theirs = network(x)[:, 0].numpy()
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_weights_are_copies_and_come_back_as_they_were():
    network, other = teacher(), teacher(seed=3)
    weights = network.weights()
    other.load(weights)
    before = {name: value.copy() for name, value in weights.items()}
    with torch.no_grad():
        for parameter in (*network.parameters(), *other.parameters()):
            parameter.add_(1.0)
    for name, value in weights.items():
        np.testing.assert_array_equal(value, before[name])


def test_new_weights_are_the_seeds_and_move_no_other_chance():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    one, same, other = (new_weights(units=3, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    for name, value in one.items():
        np.testing.assert_array_equal(value, same[name])
    assert not np.array_equal(one["layer.weight"], other["layer.weight"])
