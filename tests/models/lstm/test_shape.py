from math import log

import numpy as np
import pytest
import torch
from scipy.special import ndtri

from nextclose.models.lstm import torch_shape
from nextclose.models.lstm.shape import (
    OUTPUTS,
    TAUGHT_HORIZONS,
    outputs_between,
    shape_quantiles,
)
from nextclose.schema import LEVELS, MEDIAN, Floats


def grid(
    *, location: float = 0.0, log_scale: float = 0.0, skew: float = 0.0, tail: float = 0.0
) -> Floats:
    """Quantiles of one horizon about a drift of .2."""
    outputs = np.array([location, log_scale, skew, tail])
    return shape_quantiles(outputs, drift=np.array(0.2))


def random_outputs(*, size: float, n: int = 500) -> Floats:
    return size * np.random.default_rng(4).standard_normal((n, 3, OUTPUTS))


def test_outputs_of_zero_are_a_normal_about_the_drift():
    np.testing.assert_allclose(grid(), 0.2 + ndtri(LEVELS), rtol=1e-14)
    np.testing.assert_allclose(grid(log_scale=np.log(3)), 0.2 + 3 * ndtri(LEVELS), rtol=1e-14)


def test_one_quantile_worked_by_hand():
    # z = 1.644854 at level .95, arcsinh z = 1.272519; width e^-.5 = .606531, bend .3:
    # sinh(1.572519 x .606531) - sinh(.3 x .606531) = 1.105106 - .182966 = .922140
    # q = .2 + .1 + 2 x .922140
    (level,) = np.flatnonzero(LEVELS == 0.95)
    value = grid(location=1.0, log_scale=np.log(2), skew=1.0, tail=1.0)[level]
    assert value == pytest.approx(0.3 + 2 * 0.922140, abs=2e-5)


def test_the_median_is_the_drift_and_a_tenth_of_the_location_whatever_the_shape():
    outputs, drift = random_outputs(size=2.0), np.full((500, 3), 0.05)
    median = shape_quantiles(outputs, drift=drift)[..., MEDIAN]
    np.testing.assert_array_equal(median, drift + 0.1 * outputs[..., 0])


def test_a_skew_leans_to_its_side_and_tails_stretch_both():
    sides = [[grid(skew=s)[0] - 0.2, grid(skew=s)[-1] - 0.2] for s in (-1.0, 0.0, 1.0)]
    (low_left, high_left), (low, high), (low_right, high_right) = sides
    assert low_left < low < low_right < 0 < high_left < high < high_right
    np.testing.assert_allclose([low_left, high_left], [-high_right, -low_right])  # mirrored
    heavy, thin = grid(tail=-1.0) - 0.2, grid(tail=1.0) - 0.2
    assert heavy[-1] > high > thin[-1]
    np.testing.assert_allclose(heavy, -heavy[::-1], atol=1e-12)


@pytest.mark.parametrize("size", [0.3, 2.0, 100.0, 1e6])
def test_quantiles_rise_and_are_finite_whatever_is_put_out(size):
    values = shape_quantiles(random_outputs(size=size), drift=np.zeros((500, 3)))
    assert values.shape == (500, 3, len(LEVELS))
    assert np.isfinite(values).all()
    moved = values - values[..., [MEDIAN]]  # beside a large median small steps are lost
    assert (np.diff(moved) >= 0).all()
    if size <= 2:
        assert (np.diff(values) > 0).all()


@pytest.mark.parametrize("size", [0.3, 2.0, 100.0])
def test_torch_teaches_the_shape_that_is_forecast(size):
    outputs = random_outputs(size=size)
    drift = 0.1 * np.random.default_rng(5).random((500, 3))
    taught = torch_shape.quantiles(torch.from_numpy(outputs), torch.from_numpy(drift)).numpy()
    expected = shape_quantiles(outputs, drift=drift)
    np.testing.assert_allclose(taught, expected, rtol=1e-12, atol=1e-13)


# --- horizons that are not taught ---


@pytest.mark.parametrize("place", range(len(TAUGHT_HORIZONS)))
def test_a_taught_horizon_has_its_own_outputs_to_the_bit(place):
    outputs = np.random.default_rng(3).standard_normal((5, len(TAUGHT_HORIZONS), 4))
    between = outputs_between(outputs, TAUGHT_HORIZONS[place])
    assert between.tobytes() == np.ascontiguousarray(outputs[:, place]).tobytes()


def test_between_taught_horizons_outputs_are_linear_in_the_logarithm_of_the_horizon():
    lines = np.array([1.0, -2.0, 0.5, 3.0])
    outputs = 1.0 + np.log(TAUGHT_HORIZONS)[None, :, None] * lines
    for horizon in range(1, 64):
        np.testing.assert_allclose(
            outputs_between(outputs, horizon)[0], 1.0 + log(horizon) * lines, atol=1e-14
        )
    # by hand, between 3 and 5: ln (4/3) / ln (5/3) = .563171
    steps = np.zeros((1, len(TAUGHT_HORIZONS), 4))
    steps[:, TAUGHT_HORIZONS.index(5)] = 1.0
    np.testing.assert_allclose(outputs_between(steps, 4), 0.563171, atol=1e-6)
