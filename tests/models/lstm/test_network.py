import numpy as np
import torch

from nextclose import metrics
from nextclose.models.lstm.network import CORRECTIONS, Network, corrected_quantiles, grid_crps
from nextclose.schema import LEVELS, MEDIAN


def spread(*medians: float) -> torch.Tensor:
    grids = [median + np.linspace(-1, 2, len(LEVELS)) ** 3 for median in medians]
    centred = [grid - grid[MEDIAN] + m for grid, m in zip(grids, medians, strict=True)]
    return torch.tensor(np.array(centred))


def network(*, units: int = 4, n_horizons: int = 2, dropout: float = 0.0) -> Network:
    torch.manual_seed(3)
    return Network(n_features=5, n_horizons=n_horizons, units=units, dropout=dropout)


def test_a_new_network_gives_exactly_the_spread():
    x = torch.randn(9, 3, 5)
    corrections = network()(x)
    assert corrections.shape == (9, 3, 2, CORRECTIONS)
    assert not corrections.any()
    grid = corrected_quantiles(spread(0.0, 0.0).float(), corrections)
    assert grid.shape == (9, 3, 2, len(LEVELS))
    assert torch.equal(grid, spread(0.0, 0.0).float().expand(9, 3, -1, -1))


def test_zero_corrections_keep_a_median_off_zero_to_the_last_digits():
    grid = corrected_quantiles(spread(0.3, -0.2), torch.zeros(2, CORRECTIONS, dtype=torch.float64))
    np.testing.assert_allclose(grid, spread(0.3, -0.2), atol=1e-15)


def test_a_shift_moves_every_quantile_and_a_width_only_its_side():
    base = spread(0.1)
    shift, below, above = 0.5, np.log(2.0), np.log(3.0)
    moved = corrected_quantiles(base, torch.tensor([[shift, 0.0, 0.0]]))
    np.testing.assert_allclose(moved, base + shift)
    wide = corrected_quantiles(base, torch.tensor([[0.0, below, above]]).double()).numpy()[0]
    side = base.numpy()[0] - 0.1
    np.testing.assert_allclose(wide[: MEDIAN + 1], 0.1 + 2 * side[: MEDIAN + 1])
    np.testing.assert_allclose(wide[MEDIAN + 1 :], 0.1 + 3 * side[MEDIAN + 1 :])


def test_corrected_quantiles_rise_whatever_the_correction():
    corrections = 4 * torch.randn(200, 2, CORRECTIONS, generator=torch.manual_seed(0))
    grid = corrected_quantiles(spread(0.1, -0.3), corrections.double())
    assert (grid.diff(dim=-1) >= 0).all()


def test_the_network_is_causal():
    x = torch.randn(9, 2, 5)
    trained = network()
    torch.nn.init.normal_(trained.head.weight)
    later = x.clone()
    later[6:] += 1
    before, after = trained(x), trained(later)
    assert torch.equal(before[:6], after[:6])
    assert not torch.equal(before[6], after[6])


def test_dropout_acts_in_training_only():
    trained = network(units=64, dropout=0.5)
    torch.nn.init.normal_(trained.head.weight)
    x = torch.randn(4, 2, 5)
    assert not torch.equal(trained(x), trained(x))
    trained.eval()
    assert torch.equal(trained(x), trained(x))


def test_the_loss_is_the_score_that_the_evaluation_reports():
    noise = np.random.default_rng(5)
    quantiles = np.sort(noise.normal(size=(40, 3, len(LEVELS))), axis=-1)
    target = noise.normal(size=(40, 3))
    loss = grid_crps(torch.tensor(quantiles), torch.tensor(target))
    np.testing.assert_allclose(loss, metrics.grid_crps(quantiles, target), rtol=1e-12)


def test_the_loss_of_a_point_is_the_absolute_error():
    # method section 3: if all quantiles equal m, the score is |y - m|; here 1 and 3
    point = torch.zeros(2, len(LEVELS), dtype=torch.float64)
    loss = grid_crps(point, torch.tensor([1.0, -3.0], dtype=torch.float64))
    np.testing.assert_allclose(loss, [1, 3], rtol=1e-14)
