import numpy as np
import pytest
import torch

from nextclose.models.lstm.correction import corrected_grid, proven_shares, served_corrections
from nextclose.models.lstm.network import CORRECTIONS, Network
from nextclose.samples.samples import Samples
from nextclose.schema import LEVELS
from tests.builders import daily_samples, tiny_lstm

CONTEXT = 12
SETTINGS = tiny_lstm(context_sessions=CONTEXT, serving_batch=8)


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(1)
    drawn = Network(n_features=3, n_horizons=2, units=6, dropout=0.5)
    torch.nn.init.normal_(drawn.head.weight)
    return drawn


@pytest.fixture(scope="module")
def inputs() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((60, 3)).astype(np.float32)


def test_a_correction_is_the_state_after_its_context_from_a_zero_state(network, inputs):
    found = served_corrections(SETTINGS, network, inputs, np.array([30, 11]))
    assert found.shape == (2, 2, CORRECTIONS)
    network.eval()
    for position, row in enumerate((30, 11)):
        window = torch.from_numpy(inputs[row - CONTEXT + 1 : row + 1])[:, None]
        with torch.no_grad():
            expected = network(window)[-1, 0]
        np.testing.assert_allclose(found[position], expected, atol=1e-6)


def test_a_correction_reads_nothing_outside_its_context(network, inputs):
    row = np.array([30])
    expected = served_corrections(SETTINGS, network, inputs, row)
    elsewhere = inputs.copy()
    elsewhere[: 30 - CONTEXT + 1] = 1e6
    elsewhere[31:] = np.nan
    found = served_corrections(SETTINGS, network, elsewhere, row)
    np.testing.assert_array_equal(found, expected)
    elsewhere[30 - CONTEXT + 1] += 1  # the oldest row that is read
    assert (served_corrections(SETTINGS, network, elsewhere, row) != expected).any()


@pytest.mark.parametrize("serving_batch", [1, 4, 8, 16, 32, 64])
def test_bits_do_not_depend_on_batch_mates_or_order(network, inputs, serving_batch):
    settings = tiny_lstm(context_sessions=CONTEXT, serving_batch=serving_batch)
    rows = np.random.default_rng(serving_batch).permutation(np.arange(CONTEXT - 1, 60))
    together = served_corrections(settings, network, inputs, rows)
    for position, row in enumerate(rows):
        alone = served_corrections(settings, network, inputs, np.array([row]))
        np.testing.assert_array_equal(alone[0], together[position])


class Noting(Network):
    """A network that notes the shapes it is given."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.shapes = [*getattr(self, "shapes", []), tuple(x.shape)]
        return super().forward(x)


@pytest.mark.parametrize(("n_rows", "n_passes"), [(1, 1), (8, 1), (9, 2), (20, 3)])
def test_every_pass_has_the_same_width_padded_with_zeros(inputs, n_rows, n_passes):
    # where the bits of a product depend on its width, only this keeps the rows apart
    network = Noting(n_features=3, n_horizons=2, units=6, dropout=0.0)
    served_corrections(SETTINGS, network, inputs, np.arange(CONTEXT, CONTEXT + n_rows))
    assert network.shapes == [(CONTEXT, 8, 3)] * n_passes


def test_a_mate_that_is_not_a_number_stays_alone_with_it(network, inputs):
    ill = inputs.copy()
    ill[40] = np.nan
    rows = np.array([20, 40, 25])
    found = served_corrections(SETTINGS, network, ill, rows)
    assert np.isnan(found[1]).all()
    expected = served_corrections(SETTINGS, network, inputs, rows)
    np.testing.assert_array_equal(found[[0, 2]], expected[[0, 2]])


def test_no_rows_have_no_corrections(network, inputs):
    nothing = served_corrections(SETTINGS, network, inputs, np.array([], dtype=np.int64))
    assert nothing.shape == (0, 2, CORRECTIONS)


# --- shares ---

SPREAD = np.stack([np.linspace(-2, 2, len(LEVELS))] * 2)


def centred_samples(n: int = 200) -> Samples:
    """Targets of one and seven sessions of a random walk: about standard normal."""
    return daily_samples(n, horizons=(1, 7), scale=0.015)


def test_no_correction_has_no_share():
    samples = centred_samples()
    rows = np.arange(150)
    shares = proven_shares(SPREAD, np.zeros((150, 2, CORRECTIONS)), samples, rows)
    np.testing.assert_array_equal(shares, 0)


def test_a_shift_towards_the_outcome_is_believed_and_one_away_from_it_is_not():
    samples = centred_samples()
    rows = np.arange(150)
    corrections = np.zeros((150, 2, CORRECTIONS))
    corrections[..., 0] = 0.5 * samples.target[rows] * np.array([1, -1])
    shares = proven_shares(SPREAD, corrections, samples, rows)
    assert shares[0, 0] > 0.9
    assert shares[1, 0] == 0
    np.testing.assert_array_equal(shares[:, 1:], 0)  # the widths answer for themselves


def test_widths_that_score_better_are_believed_together():
    samples = centred_samples()
    rows = np.arange(150)
    # the spread is far too wide for one session; make it narrower there, wider at seven
    corrections = np.zeros((150, 2, CORRECTIONS))
    corrections[:, 0, 1:] = -1.0
    corrections[:, 1, 1:] = 1.0
    shares = proven_shares(4 * SPREAD, corrections, samples, rows)
    assert shares[0, 1] == shares[0, 2] > 0.9
    np.testing.assert_array_equal(shares[1], 0)
    assert shares[0, 0] == 0


def test_targets_that_are_not_known_are_left_out():
    samples = centred_samples(160)
    corrections = np.zeros((160, 2, CORRECTIONS))
    corrections[..., 0] = np.nan_to_num(0.5 * samples.target)
    every = proven_shares(SPREAD, corrections, samples, np.arange(160))
    known = proven_shares(SPREAD, corrections[:153], samples, np.arange(153))
    assert every[1, 0] == known[1, 0] > 0.5
    assert np.isfinite(every).all()


def test_the_grid_in_float64_has_no_rounding_of_float32():
    corrections = np.zeros((1, 2, CORRECTIONS))
    corrections[..., 0] = 1e-12
    moved = corrected_grid(SPREAD, corrections)
    np.testing.assert_allclose(moved[0] - SPREAD, 1e-12, rtol=1e-3)
