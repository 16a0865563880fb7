from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri

from nextclose.models.hybrid.record import (
    FADE,
    HIGH,
    LOW,
    PRIOR_FORECASTS,
    Record,
    no_record,
    stretched,
    width_factors,
)
from nextclose.models.state import decode_state, encode_state
from nextclose.samples.samples import Samples
from nextclose.samples.splits import known_at
from nextclose.schema import HORIZONS, LEVELS, MEDIAN
from tests.builders import bare_samples, daily_samples, day, ragged_calendars

HEAD = 20  # rows before the first forecast


def ragged_samples(*, seed: int = 0) -> Samples:
    calendars = ragged_calendars(seed=seed, n_symbols=4, n_days=240, missing=0.2)
    return bare_samples(calendars, horizons=(1, 3, 7), scale=0.02)


def normal_grids(samples: Samples, rows: np.ndarray, *, width: float = 0.7) -> np.ndarray:
    """Normal forecasts, too narrow, that differ from row to row; target units."""
    rng = np.random.default_rng(5)
    size = width * (1 + 0.3 * rng.random((len(rows), len(samples.horizons), 1)))
    return np.asarray(0.05 * rng.standard_normal(size.shape) + size * ndtri(LEVELS))


def twin(samples: Samples, rows: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """Factors by their definition: every row looks at all that was forecast before it."""
    factors = np.ones(raw.shape[:2])
    for i, row in enumerate(rows):
        for k, horizon in enumerate(samples.horizons):
            resolved = misses = 0.0
            for j in range(i):
                before = rows[j]
                if samples.table.symbol[before] != samples.table.symbol[row]:
                    continue
                if np.isnat(samples.resolved[before, k]):
                    continue
                if samples.resolved[before, k] > samples.origin[row] or np.isnan(raw[j, k, 0]):
                    continue
                low, high = raw[j, k, [LOW, HIGH]]
                is_miss = not low <= samples.target[before, k] <= high
                resolved = FADE * resolved + 1
                misses = FADE * misses + is_miss
            prior = PRIOR_FORECASTS * horizon
            rate = (misses + 0.1 * prior) / (resolved + prior)
            factors[i, k] = ndtri(0.95) / ndtri(1 - rate / 2)
    return factors


# --- the factor ---


def test_nothing_counted_leaves_ranges_as_they_are():
    nothing = np.zeros((2, 3))
    np.testing.assert_allclose(width_factors(nothing, nothing, horizons=HORIZONS), 1.0, rtol=1e-6)


def test_a_range_missed_twice_as_often_grows_as_a_normal_one_would_have_to():
    # 950 of 5,000 beside the 50 supposed with 5 misses, a rate of 955 / 5,050; z .95 / z 1 - rate/2
    factor = width_factors(np.array([[5000.0]]), np.array([[950.0]]), horizons=(1,))
    assert factor[0, 0] == pytest.approx(1.6449 / 1.3133, abs=2e-4)
    # at thirty sessions as many tell less: 1,500 are supposed
    late = width_factors(np.array([[5000.0]]), np.array([[950.0]]), horizons=(30,))
    assert 1 < late[0, 0] < factor[0, 0]


def test_no_record_is_bad_or_good_enough_for_more_than_the_bounds():
    many = np.array([[1e9]])
    assert width_factors(many, many, horizons=(1,))[0, 0] == pytest.approx(1.76, abs=0.01)
    assert width_factors(many, 0 * many, horizons=(1,))[0, 0] == pytest.approx(0.707, abs=0.001)


def test_quantiles_are_stretched_about_their_median():
    raw = (0.3 + 2.0 * ndtri(LEVELS))[None, None]
    wide = stretched(raw, np.array([[1.5]]))[0, 0]
    np.testing.assert_allclose(wide, 0.3 + 3.0 * ndtri(LEVELS), atol=1e-12)
    assert wide[MEDIAN] == raw[0, 0, MEDIAN]


# --- the course ---


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_factors_are_those_of_their_definition(seed):
    samples = ragged_samples(seed=seed)
    rows = np.arange(len(samples.origin))
    raw = normal_grids(samples, rows)
    raw[::7, 1] = np.nan  # no forecast made
    factors, _ = no_record(3).moved(samples, rows, raw)
    np.testing.assert_allclose(factors, twin(samples, rows, raw), rtol=1e-5)
    assert factors.max() > 1.05  # something was counted


def test_a_course_in_pieces_has_the_bits_of_the_whole():
    samples = ragged_samples()
    rows = np.arange(len(samples.origin))
    raw = normal_grids(samples, rows)
    whole, end = no_record(3).moved(samples, rows, raw)
    days = np.unique(samples.origin)
    record, factors = no_record(3), np.full(whole.shape, np.nan)
    for first, last in ((0, 40), (40, 41), (41, 150), (150, len(days))):
        part = np.isin(samples.origin, days[first:last])
        then = known_at(samples, days[last - 1])
        factors[part], record = record.moved(then, rows[part], raw[part])
    np.testing.assert_array_equal(factors, whole)
    for name in Record.__slots__:
        found, expected = getattr(record, name), getattr(end, name)
        assert np.array_equal(found, expected), name


def test_outcomes_after_a_row_change_nothing_of_it_and_those_known_by_then_do():
    samples = daily_samples(120, horizons=(1, 5), scale=0.02)
    rows = np.arange(120)
    raw = normal_grids(samples, rows)
    factors, _ = no_record(2).moved(samples, rows, raw)

    def factors_at_60(changed: np.ndarray) -> np.ndarray:
        outcome = np.where(changed, 99.0, samples.outcome)
        found, _ = no_record(2).moved(replace(samples, outcome=outcome), rows, raw)
        return np.asarray(found[60])

    later = samples.resolved > day(60)
    np.testing.assert_array_equal(factors_at_60(later), factors[60])
    assert (factors_at_60(samples.resolved == day(60)) != factors[60]).all()


def test_a_forecast_that_never_resolves_counts_for_nothing_and_waits_no_longer():
    samples = daily_samples(80, horizons=(5,), scale=0.02)
    gone = (samples.origin == day(30))[:, None]  # its segment had ended, say
    outcome = np.where(gone, np.nan, samples.outcome)
    resolved = np.where(gone, np.datetime64("NaT"), samples.resolved)
    samples = replace(samples, outcome=outcome, resolved=resolved)
    rows = np.arange(80)
    raw = normal_grids(samples, rows)
    factors, record = no_record(1).moved(samples, rows, raw)
    np.testing.assert_allclose(factors, twin(samples, rows, raw), rtol=1e-5)
    np.testing.assert_array_equal(record.waiting_origin, day(0).astype(int) + np.arange(75, 80))


def test_a_symbol_that_is_not_forecast_stands_as_it_stood():
    samples = ragged_samples()
    rows = np.arange(len(samples.origin))
    _, before = no_record(3).moved(samples, rows, normal_grids(samples, rows))
    own = rows[samples.table.symbol == 1]
    later = replace(samples, origin=samples.origin + np.timedelta64(300, "D"))
    _, after = before.moved(later, own, normal_grids(later, own))
    for symbol in (0, 2, 3):
        np.testing.assert_array_equal(after.resolved[symbol], before.resolved[symbol])
        assert after.last[symbol] == before.last[symbol]
    assert after.last[1] == before.last[1] + 300


def test_ranges_of_unknown_symbols_are_left_as_they_are():
    samples = ragged_samples()
    rows = np.arange(len(samples.origin))
    _, record = no_record(3).moved(samples, rows, normal_grids(samples, rows))
    renamed = replace(samples.table, symbols=("A0", "Z1", "A2", "A3"))
    others = replace(samples, table=renamed)
    factors = record.factors(others, rows)
    np.testing.assert_array_equal(factors[samples.table.symbol == 1], 1.0)


def test_a_symbol_whose_ranges_hold_too_little_gets_them_wide_enough():
    n = 4000
    samples = daily_samples(n, horizons=(1,), scale=0.02)
    rows = np.arange(n)
    target = samples.target[:, 0]
    spread = np.nanstd(target)
    raw = np.tile(0.75 * spread * ndtri(LEVELS), (n, 1, 1))  # a quarter too narrow
    factors, _ = no_record(1).moved(samples, rows, raw)
    issued = stretched(raw, factors)[:, 0]
    late = np.isfinite(target) & (rows > 1000)
    held = (issued[late, LOW] <= target[late]) & (target[late] <= issued[late, HIGH])
    bare = np.abs(target[late]) <= raw[0, 0, HIGH]
    assert bare.mean() < 0.80
    assert held.mean() == pytest.approx(0.90, abs=0.015)


# --- its state ---


def test_its_state_gives_it_again():
    samples = ragged_samples()
    rows = np.arange(len(samples.origin))
    _, record = no_record(3).moved(samples, rows, normal_grids(samples, rows))
    again = decode_state(Record, encode_state(record))
    for name in Record.__slots__:
        assert np.array_equal(getattr(again, name), getattr(record, name)), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: {"misses": r.resolved + 1}, "more than there are forecasts"),
        (lambda r: {"misses": r.misses - 9}, "below 0"),
        (lambda r: {"waiting_symbol": r.waiting_symbol + 4}, "waiting_symbol names one beyond"),
        (lambda r: {"waiting_horizon": r.waiting_horizon - 1}, "waiting_horizon names one beyond"),
        (lambda r: {"waiting_origin": 0 * r.waiting_origin}, "waits twice"),
        (lambda r: {"last": r.last - 50}, "newer than its symbol's newest"),
        (lambda r: {"last": r.last + 3_000_000}, "a day that no calendar has"),
        (lambda r: {"waiting_origin": r.waiting_origin - 10**12}, "a day that no calendar has"),
        (lambda r: {"ranges": r.ranges[:, ::-1]}, "two rising ends"),
    ],
)
def test_a_record_that_cannot_be_is_refused(change, message):
    samples = ragged_samples()
    rows = np.arange(len(samples.origin))
    _, record = no_record(3).moved(samples, rows, normal_grids(samples, rows))
    with pytest.raises(ValueError, match=message):
        replace(record, **change(record))
