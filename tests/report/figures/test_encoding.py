import base64
import zlib

import numpy as np
import pytest

from nextclose.report.figures.encoding import (
    LARGEST,
    in_ticks,
    packed,
    price_tick,
    range_step,
    steps,
)


def unpacked(text):
    """Slow and obvious twin of what `chart-data.js` does."""
    planes = zlib.decompress(base64.b64decode(text))
    n = len(planes) // 4
    codes = [sum(planes[i + byte * n] << 8 * byte for byte in range(4)) for i in range(n)]
    return [code // 2 if code % 2 == 0 else -(code + 1) // 2 for code in codes]


def test_packed_numbers_read_back_equal_up_to_the_ends_of_32_bits():
    numbers = [0, 1, -1, 2, 127, -128, 255, 256, 65_536, 2**31 - 1, -(2**31)]
    assert unpacked(packed([np.array(numbers[:4]), np.array(numbers[4:])])) == numbers


def test_any_numbers_read_back_equal():
    numbers = np.random.default_rng(0).integers(-(2**31), 2**31, 1_000)
    assert unpacked(packed([numbers])) == numbers.tolist()


def test_the_form_that_the_page_reads_is_low_bytes_first_of_zigzag_numbers():
    planes = zlib.decompress(base64.b64decode(packed([np.array([1, -2, 300])])))
    # 1 -> 2; -2 -> 3; 300 -> 600 = 2 x 256 + 88
    assert list(planes) == [2, 3, 88, 0, 0, 2, 0, 0, 0, 0, 0, 0]


def test_steps_add_up_to_what_they_came_from():
    assert steps(np.array([7, 7, 5])).tolist() == [7, 0, -2]


@pytest.mark.parametrize("decimal", [True, False])
@pytest.mark.parametrize("lowest", [0.0123, 0.99, 56.1, 48_123.0])
def test_a_price_is_off_by_half_a_tick_at_most_and_a_tick_is_small(decimal, lowest):
    prices = lowest * np.exp(np.random.default_rng(1).uniform(0, 2, 500))
    tick = price_tick(prices, n_steps=1_500, decimal=decimal)
    off = np.abs(in_ticks(prices, tick) * tick - prices)
    assert off.max() <= 0.5001 * tick
    assert tick <= 1.01 * prices.min() / 1_500


def test_prices_in_cents_stay_prices_in_cents():
    prices = np.array([20.01, 585.28, 99.99])
    tick = price_tick(prices, n_steps=1e5, decimal=True)
    assert tick == pytest.approx(1e-4)  # 20.01 / 100,000 = 0.0002
    np.testing.assert_allclose(in_ticks(prices, tick) * tick, prices, rtol=0, atol=1e-9)


@pytest.mark.parametrize("decimal", [True, False])
def test_a_price_that_grew_a_million_times_still_fits_into_32_bits(decimal):
    prices = np.array([1e-3, 1e3, 9.9e2])
    ticks = in_ticks(prices, price_tick(prices, n_steps=1e5, decimal=decimal))
    assert ticks.max() <= LARGEST


def test_ranges_are_rounded_to_a_share_of_their_typical_width_or_to_basis_points():
    quantiles = np.array([[-0.05, 0.0, 0.05], [-0.06, 0.0, 0.06], [-0.5, 0.0, 0.5]])
    assert range_step(quantiles, n_steps=100) == 12  # median width 0.12 = 1,200 bp
    assert range_step(quantiles, n_steps=None) == 1
    assert range_step(quantiles / 1e4, n_steps=100) == 1  # never finer
    assert range_step(quantiles[:0], n_steps=100) == 1
